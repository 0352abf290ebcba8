"""The Dockerfiles that a merge starts from: which they are, and what each one says.

A file that cannot be read safely becomes a refusal, never a guess. Knows single files and
the builds that use them; knows nothing of how files are united.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dockerfix.api import (
    Build,
    Facts,
    Finding,
    IsFolder,
    Kind,
    Severity,
    SnapshotError,
    Span,
    Stage,
    StageGraph,
    Workspace,
    join_path,
)
from dockerfix_transforms.merge_rust.read.artefacts import (
    artefact_paths,
    carries_more,
    copied_out,
    shipped_binaries,
)
from dockerfix_transforms.merge_rust.read.checks import (
    UnreadableError,
    check_graph,
    check_steps,
    check_wrappers,
)
from dockerfix_transforms.merge_rust.read.folders import cargo_folder, lies_inside
from dockerfix_transforms.merge_rust.read.member import at_root, changes_folder
from dockerfix_transforms.merge_rust.read.steps import Role, Step, steps_of


class Leaf(Struct, frozen=True):
    """A stage outside of the build chain: a runtime image, a development image, a helper."""

    stage: Stage
    live: bool


class RustFile(Struct, frozen=True):
    """One input.

    `chain` are the stages from the base image to the builder, `steps` their steps in order,
    `planner` the stage that prepares the recipe, `leaves` all other stages. `binary` names
    the file's targets, `shipped` are the cargo binaries that its images carry.
    """

    path: str
    graph: StageGraph
    context: str
    builds: tuple[Build, ...]
    chain: tuple[Stage, ...]
    steps: tuple[Step, ...]
    planner: Stage | None
    planner_steps: tuple[Step, ...]
    leaves: tuple[Leaf, ...]
    live_chain: tuple[Stage, ...]
    binary: str
    shipped: tuple[str, ...]
    alone: bool = False
    """Whether its build selects one package, so that several must be built one by one."""
    outputs: tuple[str, ...] = ()
    """The absolute paths in the builder at which its build leaves programs."""
    taken: tuple[str, ...] = ()
    """The absolute paths that its images copy out of the builder."""
    is_folder: IsFolder = bool
    """Whether a path of the build context is a folder."""
    member: str = ""
    """The package in whose folder it builds, so that its calls select that package."""
    pinned: bool = False
    """Whether a rust-toolchain file chooses the compiler, whatever rustup's default is."""
    everything: bool = False
    """Whether an image carries more of an unselected build than binaries (a `.so`, an
    example), so that the build cannot be narrowed to binaries."""

    def end_of(self, stage: Stage) -> int:
        """How many steps of the chain lie in or below a chain stage."""
        return sum(1 for step in self.steps if step.stage.index <= stage.index)

    def in_chain(self, stage: Stage | None) -> bool:
        """Whether a stage belongs to the build chain."""
        return stage is not None and any(stage.index == s.index for s in self.chain)

    @property
    def live_leaves(self) -> tuple[Leaf, ...]:
        """The leaves that a call site can ask for."""
        return tuple(leaf for leaf in self.leaves if leaf.live)

    @property
    def targets(self) -> tuple[Stage, ...]:
        """Every stage that becomes a target, in file order."""
        stages = [*(leaf.stage for leaf in self.live_leaves), *self.live_chain]
        return tuple(sorted(stages, key=lambda stage: stage.index))


def standing_ends(file: RustFile) -> list[int]:
    """For each live image that stands on the chain, how many steps lie below it."""
    bases = [file.graph.base(leaf.stage) for leaf in file.live_leaves]
    stages = [base for base in bases if base is not None and file.in_chain(base)]
    return [file.end_of(stage) for stage in (*stages, *file.live_chain)]


def candidates(
    facts: Facts, folder: str, given: Sequence[str], folders: Sequence[str] = ()
) -> list[str]:
    """The Dockerfiles of a call: the given ones, and those that build the workspace at
    `folder`; of these only what lies in `folders` where all of them are parts of it.

    A Dockerfile builds the workspace when a build passes the workspace (or a folder above it)
    as its context, or when no build uses it and it stands in the workspace, or beside it.
    """
    if given and not folders:
        return list(given)
    used = {b.dockerfile for b in facts.builds.builds if b.dockerfile}
    found = []
    for path in sorted({*facts.dockerfiles, *(p for p in used if p in facts.snapshot)}):
        given_to = (b.context for b in facts.builds.builds if b.dockerfile == path)
        contexts = [context for context in given_to if context is not None]
        inside = path.startswith(f"{folder}/") if folder else True
        known = any(_holds(context, folder) for context in contexts)
        wanted = known if contexts else inside
        if wanted and _mentions_cargo(facts, path):
            found.append(path)
    parts = [part for part in folders if part != folder and lies_inside(part, folder)]
    if len(parts) == len(folders):
        below = [path for path in found if any(path.startswith(f"{part}/") for part in parts)]
        found = below or ([] if given else found)
    return list(dict.fromkeys([*given, *found]))


def _holds(context: str, folder: str) -> bool:
    return context == folder or context == "" or folder.startswith(f"{context}/")


def _mentions_cargo(facts: Facts, path: str) -> bool:
    try:
        return b"cargo" in facts.snapshot.read(path)
    except SnapshotError:
        return False


def read_file(
    facts: Facts, workspace: Workspace, path: str, into: str
) -> RustFile | Finding | None:
    """One input, a refusal that says why it is left out, or None when it builds no crate.

    `into` is the merged file's path: call sites that name it already tell which targets of
    an input that was kept are asked for.
    """
    graph = facts.stages(path)
    source = graph.tree.source
    entry = facts.snapshot.entries[path]
    if entry.kind is Kind.SYMLINK:
        return Finding(
            Severity.REFUSE,
            "symlink",
            f"it is a symbolic link to {entry.link}; it stays as it is",
            "a patch does not change what it leads to through a link",
            f"name {entry.link} instead",
            source.place(Span(0, 0)),
            path,
        )
    try:
        return _read(facts, workspace, path, graph, into)
    except UnreadableError as problem:
        return Finding(
            Severity.REFUSE,
            problem.name,
            f"{problem.what}; this file stays as it is",
            problem.why,
            problem.action,
            source.place(problem.span),
            path,
        )


def _read(
    facts: Facts, workspace: Workspace, path: str, graph: StageGraph, into: str
) -> RustFile | None:
    check_graph(graph)
    builds = tuple(b for b in facts.builds.builds if b.dockerfile == path)
    builder = _builder(graph)
    if builder is None:
        check_wrappers(graph)
        return None
    chain = graph.chain(builder)
    context = _context(builds, workspace)

    def is_folder(path: str) -> bool:
        joined = join_path(context, path)
        return joined is not None and facts.snapshot.is_folder(joined)

    steps = tuple(step for stage in chain for step in steps_of(graph, stage, is_folder))
    folder = cargo_folder(facts, context, steps)
    if folder != workspace.folder and not lies_inside(folder, workspace.folder):
        return None  # another workspace's file
    check_steps(steps)
    planner = _planner(graph, chain, steps)
    shipped = shipped_binaries(workspace, graph, chain, steps, folder)
    binary = _stage_word(shipped[0])
    asked, unknown = _asked(facts, graph, builds)
    if into != path:
        asked |= _asked_of_merged(facts, graph, into, binary)
    chain_indexes = {stage.index for stage in chain}
    planner_index = planner.index if planner is not None else -1
    leaves = tuple(
        Leaf(stage, stage.index in asked)
        for stage in graph.stages
        if stage.index not in chain_indexes and stage.index != planner_index
    )
    live_chain = tuple(
        stage
        for stage in graph.stages
        if stage.index in asked and (stage.index in chain_indexes or stage.index == planner_index)
    )
    if unknown:
        raise UnreadableError(
            "unknown-target", f"a call site asks for a target that is not known: {unknown}",
            "its stage could be lost",
            "write the target out, or assign its variable in the CI file",
            graph.stages[-1].from_.code,
        )  # fmt: skip
    planner_steps = steps_of(graph, planner) if planner is not None else ()
    call = next((s.call for s in steps if s.role is Role.BUILD), None)
    member = ""
    if folder != workspace.folder:
        steps, member = _in_member(facts, workspace, steps, folder, live_chain, leaves, graph)
    return RustFile(
        path, graph, context, builds, chain, steps, planner, planner_steps, leaves, live_chain,
        binary, shipped, folder != workspace.folder or (call is not None and call.alone),
        tuple(artefact_paths(steps, shipped)), tuple(copied_out(graph, chain)), is_folder,
        member, _pinned(facts, context), carries_more(workspace, graph, chain),
    )  # fmt: skip


def _stage_word(binary: str) -> str:
    """A binary's name as that of a stage: BuildKit takes `[a-z][a-z0-9-_.]*`, cargo more."""
    signs = (c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in binary)
    return "".join(signs).lstrip("0123456789-_.") or "binary"


def _in_member(
    facts: Facts,
    workspace: Workspace,
    steps: tuple[Step, ...],
    folder: str,
    live_chain: tuple[Stage, ...],
    leaves: tuple[Leaf, ...],
    graph: StageGraph,
) -> tuple[tuple[Step, ...], str]:
    """The steps of a build in a member's folder as they stand in a shared builder, and the
    member that they select there; none when its RUN goes there by itself."""
    build = next(step for step in reversed(steps) if step.role is Role.BUILD)
    chain = {step.stage.index for step in steps}
    bases = (graph.base(leaf.stage) for leaf in leaves if leaf.live)
    standing = live_chain or any(base is not None and base.index in chain for base in bases)
    if changes_folder(build) and not standing:
        return steps, ""
    found = None if standing else at_root(facts, workspace, steps, folder)
    if found is None:
        why = "an image is based on the builder" if standing else "that selects the member there"
        raise UnreadableError(
            "member-folder", f"cargo build runs in {folder}, and {why}",
            "in a shared builder it would run at the workspace's root",
            "select the member with -p from the workspace's root, in a stage of its own",
            build.item.code,
        )  # fmt: skip
    return found


def _builder(graph: StageGraph) -> Stage | None:
    """The stage that compiles what is shipped: the last one that runs `cargo build`."""
    building = [
        stage
        for stage in graph.stages
        if any(step.role is Role.BUILD for step in steps_of(graph, stage))
    ]
    if not building:
        return None
    last = building[-1]
    chain = {stage.index for stage in graph.chain(last)}
    apart = [stage for stage in building if stage.index not in chain]
    if apart:
        raise UnreadableError(
            "two-builders", f"two stages run cargo build: {apart[0].name} and {last.name}",
            "which of them compiles what is shipped depends on the target",
            "merge them, or leave this file out", apart[0].from_.code,
        )  # fmt: skip
    return last


def _planner(graph: StageGraph, chain: tuple[Stage, ...], steps: tuple[Step, ...]) -> Stage | None:
    inside = {stage.index for stage in chain}
    for stage in graph.stages:
        prepares = any(step.role is Role.PREPARE for step in steps_of(graph, stage))
        if prepares and stage.index not in inside:
            return stage
    return None


def _asked(
    facts: Facts, graph: StageGraph, builds: tuple[Build, ...]
) -> tuple[frozenset[int], str]:
    """Indexes of the stages that call sites can ask for and of the last one; and the first
    target that names no stage."""
    asked = {graph.stages[-1].index}
    for build in builds:
        if build.target is None:
            continue
        for name in possible_targets(facts, build):
            stage = graph.target(name)
            if stage is None:
                return frozenset(asked), name
            asked.add(stage.index)
    return frozenset(asked), ""


def _asked_of_merged(facts: Facts, graph: StageGraph, into: str, binary: str) -> frozenset[int]:
    """Stages whose targets in the merged file call sites ask for."""
    found: set[int] = set()
    for build in facts.builds.builds:
        if build.dockerfile != into or build.target is None:
            continue
        for stage in graph.stages:
            name = f"{binary}-{stage.name}"
            text = build.target.text
            own = stage.name and text == stage.name and text != binary
            if stage.name and (
                own or text == name or (text.startswith(f"{binary}-") and "$" in text)
            ):
                found.add(stage.index)
    return frozenset(found)


def possible_targets(facts: Facts, build: Build) -> tuple[str, ...]:
    """All names that a build's target can take: the text, its choices, or for a variable all
    values that the snapshot assigns to it and that name a stage."""
    target = build.target
    if target is None:
        return ("",)
    if target.choices:
        return target.choices
    if target.known:
        return (target.text,)
    values: list[str] = []
    for name in target.variables:
        values += facts.builds.values_of(name)
    stages = facts.stages(build.dockerfile).stages if build.dockerfile else ()
    names = {(stage.name or "").lower() for stage in stages}
    return tuple(dict.fromkeys(value for value in values if value.lower() in names))


def _pinned(facts: Facts, context: str) -> bool:
    """Whether a rust-toolchain file stands at the root of the build context."""
    names = ("rust-toolchain", "rust-toolchain.toml")
    return any(join_path(context, name) in facts.snapshot for name in names)


def _context(builds: tuple[Build, ...], workspace: Workspace) -> str:
    contexts = {build.context for build in builds if build.context is not None}
    return next(iter(sorted(contexts)), workspace.folder)
