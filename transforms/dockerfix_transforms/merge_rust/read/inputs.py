"""The Dockerfiles that a merge starts from: which they are, and what each one says.

A file that cannot be read safely becomes a refusal, never a guess. Knows single files and
the builds that use them; knows nothing of how files are united.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    Build,
    CargoCall,
    Copy,
    Facts,
    Finding,
    IsFolder,
    Kind,
    Onbuild,
    Severity,
    SnapshotError,
    Span,
    Stage,
    StageGraph,
    Word,
    Workspace,
    join_path,
    read_cargo,
    selected,
)
from dockerfix_transforms.merge_rust.read.member import at_root, changes_folder
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands, steps_of, written_paths

_EDITORS = frozenset({"sed", "perl", "awk", "tee", "patch", "toml", "dasel", "yq"})


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


class _UnreadableError(Exception):
    def __init__(self, name: str, what: str, why: str, action: str, span: Span) -> None:
        super().__init__(what)
        self.name, self.what, self.why, self.action, self.span = name, what, why, action, span


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
    parts = [part for part in folders if part != folder and _inside(part, folder)]
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
    except _UnreadableError as problem:
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
    _check(graph)
    builds = tuple(b for b in facts.builds.builds if b.dockerfile == path)
    builder = _builder(graph)
    if builder is None:
        _check_wrappers(graph)
        return None
    chain = graph.chain(builder)
    context = _context(builds, workspace)

    def is_folder(path: str) -> bool:
        joined = join_path(context, path)
        return joined is not None and facts.snapshot.is_folder(joined)

    steps = tuple(step for stage in chain for step in steps_of(graph, stage, is_folder))
    folder = cargo_folder(facts, context, steps)
    if folder != workspace.folder and not _inside(folder, workspace.folder):
        return None  # another workspace's file
    _check_steps(steps)
    planner = _planner(graph, chain, steps)
    shipped = _shipped(workspace, graph, chain, steps, folder)
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
        raise _UnreadableError(
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
        tuple(_outputs(steps, shipped)), tuple(_taken(graph, chain)), is_folder,
        member, _pinned(facts, context), _carries_more(workspace, graph, chain),
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
        raise _UnreadableError(
            "member-folder", f"cargo build runs in {folder}, and {why}",
            "in a shared builder it would run at the workspace's root",
            "select the member with -p from the workspace's root, in a stage of its own",
            build.item.code,
        )  # fmt: skip
    return found


def _check(graph: StageGraph) -> None:
    tree = graph.tree
    if graph.cycle:
        names = " and ".join(stage.name or str(stage.index) for stage in graph.cycle)
        raise _UnreadableError(
            "rejected", f"BuildKit rejects this file: {names} need one another",
            "a file that does not build cannot be compared", "correct its `--from`",
            graph.cycle[0].from_.code,
        )  # fmt: skip
    for problem in tree.errors:
        raise _UnreadableError(
            "rejected", f"BuildKit rejects this file: {problem.message}",
            "a file that does not build cannot be compared", problem.hint or "correct it first",
            problem.span,
        )  # fmt: skip
    for stage in graph.duplicates:
        raise _UnreadableError(
            "duplicate-stage", f"two stages are called {stage.name}",
            "the last one wins, so references are ambiguous for a reader", "rename one",
            stage.from_.code,
        )  # fmt: skip
    for stage in graph.stages:
        image = stage.from_.image
        if image is not None and _may_be_a_stage(graph, stage, image):
            raise _UnreadableError(
                "stage-by-argument", f"FROM {image.raw} depends on a build argument",
                "which stage or image it is cannot be read", "give the ARG a default or a name",
                stage.from_.code,
            )  # fmt: skip


def _may_be_a_stage(graph: StageGraph, stage: Stage, image: Word) -> bool:
    """Whether a build argument chooses between stages: one that holds a variable and could
    become the name of a stage. A `/` or `:` makes it an image; so does a default that names no
    stage, when no stage's name begins and ends as the text does."""
    text = image.value
    if "$" not in text or any(sign in text for sign in "/:@"):
        return False
    if any(sign in graph.expand(text) for sign in "/:@") and text.startswith("$"):
        return False
    names = [other.name.lower() for other in graph.stages[: stage.index] if other.name]
    fits = re.compile(re.sub(r"\\\$(\w+|\\\{.*?\\\})", ".*", re.escape(text.lower())))
    return "$" in graph.expand(text) or any(fits.fullmatch(name) for name in names)


_WRAPPING = frozenset(
    {"component", "deb", "lambda", "leptos", "make", "rustc", "xtask", "xwin"}
)  # fmt: skip
"""Verbs of cargo that compile in ways which are not read here."""


def _check_wrappers(graph: StageGraph) -> None:
    """Refuse a file that compiles through something else than cargo's own commands."""
    for stage in graph.stages:
        for step in steps_of(graph, stage):
            if step.item.keyword == "RUN" and [w.value for w in step.item.json or ()][:1] == [
                "cargo"
            ]:
                raise _UnreadableError(
                    "cargo-call", "cargo is run in exec form", "only shell form is read",
                    "write the RUN without brackets", step.item.code,
                )  # fmt: skip
            for command in commands(step.script):
                call = read_cargo(command)
                verb = f"cargo {call.verb}" if call is not None and call.verb in _WRAPPING else ""
                if verb:
                    raise _UnreadableError(
                        "cargo-call", f"it compiles through `{verb}`, which is not read",
                        "what it makes, and with which flags, is not known",
                        "merge this file by hand, or leave it out with --exclude", step.item.code,
                    )  # fmt: skip


def _check_steps(steps: tuple[Step, ...]) -> None:
    for step in steps:
        if isinstance(step.item, Onbuild):
            raise _UnreadableError(
                "onbuild", "ONBUILD in a build stage", "it runs in other files' builds",
                "move it to an image of its own", step.item.code,
            )  # fmt: skip
        for command in commands(step.script):
            words = [word.value or word.written for word in command.words]
            edits = words and posixpath.basename(words[0]) in _EDITORS
            if edits and any("Cargo.toml" in word for word in words):
                raise _UnreadableError(
                    "manifest-edited", "a step edits Cargo.toml during the build",
                    "what is compiled is then not what the repository holds",
                    "commit the change to Cargo.toml", step.item.code,
                )  # fmt: skip


def cargo_folder(facts: Facts, context: str, steps: tuple[Step, ...]) -> str:
    """The folder of the repository in which the last `cargo build` runs.

    Follows WORKDIR, `cd` and `--manifest-path` through what COPY put where; the context where
    nothing tells.
    """
    where, found = "/", context
    copied: dict[str, str] = {}
    for step in steps:
        item = step.item
        if item.keyword == "WORKDIR" and item.words:
            where = posixpath.normpath(posixpath.join(where, item.words[0].value))
        elif isinstance(item, Copy) and item.from_ is None and item.destination is not None:
            place = posixpath.normpath(posixpath.join(where, item.destination.value))
            for word in item.sources:
                path = join_path(context, word.value.lstrip("/") or ".")
                if path is not None and facts.snapshot.is_folder(path):
                    copied[place] = path
                elif path is not None and posixpath.basename(path) == "Cargo.toml":
                    copied.setdefault(
                        place if item.words[-1].value.endswith(("/", ".")) or len(item.words) > 2
                        else posixpath.dirname(place),
                        posixpath.dirname(path),
                    )  # fmt: skip
        elif step.role is Role.BUILD:
            found = _repository_folder(_running_folder(step, where), copied, context)
    return found


def _running_folder(step: Step, where: str) -> str:
    """The folder of the image in which the step's cargo runs."""
    for command in commands(step.script):
        if command.name in ("cd", "pushd") and len(command.words) > 1:
            where = posixpath.normpath(posixpath.join(where, command.words[1].value or "."))
        call = read_cargo(command)
        if call is not None and call.compiles:
            manifests = call.values("manifest-path")
            return posixpath.join(where, posixpath.dirname(manifests[-1])) if manifests else where
    return where


def _repository_folder(where: str, copied: dict[str, str], context: str) -> str:
    """What stands at a folder of the image, by the longest copied folder above it."""
    place = posixpath.normpath(where)
    above = place
    while above not in copied:
        if above == "/":
            return context
        above = posixpath.dirname(above)
    rest = posixpath.relpath(place, above)
    return join_path(copied[above], rest) or ""


def _inside(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/") if folder else True


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
        raise _UnreadableError(
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


def _shipped(
    workspace: Workspace,
    graph: StageGraph,
    chain: tuple[Stage, ...],
    steps: tuple[Step, ...],
    folder: str,
) -> tuple[str, ...]:
    """The binaries that leave the chain, the one of the file's last stage first."""
    built = _built(workspace, steps, folder)
    names = set(built)
    found: list[str] = []
    inside = {stage.index for stage in chain}
    for stage in reversed(graph.stages):
        if stage.index in inside:
            continue
        for item in stage.instructions:
            if isinstance(item, Copy):
                found += _copied(workspace, graph, stage, item, names, inside)
    found = found or list(built[:1])
    if not found:
        raise _UnreadableError(
            "nothing-shipped", "no binary of the workspace is built here", "nothing to merge",
            "leave this file out", steps[-1].item.code,
        )  # fmt: skip
    return tuple(dict.fromkeys(found))


def _carries_more(workspace: Workspace, graph: StageGraph, chain: tuple[Stage, ...]) -> bool:
    """Whether something of cargo's target folder is copied out that is no binary's name."""
    inside = {stage.index for stage in chain}
    names = {binary.name for binary in workspace.binaries}
    for stage in graph.stages:
        for item in stage.instructions if stage.index not in inside else ():
            if not isinstance(item, Copy) or item.from_ is None:
                continue
            source = graph.find(item.from_.value or "", stage.index)
            if source is None or source.index not in inside:
                continue
            for word in item.sources:
                if "/target/" in word.value and posixpath.basename(word.value) not in names:
                    return True
    return False


def _outputs(steps: tuple[Step, ...], shipped: Sequence[str]) -> Iterator[str]:
    """Where the build leaves the shipped programs, and where its step copies files to."""
    where = "/"
    for step in steps:
        if step.item.keyword == "WORKDIR" and step.item.words:
            where = posixpath.normpath(posixpath.join(where, step.item.words[0].value))
        for call in step.calls if step.role is Role.BUILD else ():
            profile = "debug" if call.profile == "dev" else call.profile
            folder = posixpath.join(where, "target", *call.values("target")[:1], profile)
            yield from (posixpath.join(folder, name) for name in shipped)
        if step.role is Role.BUILD:
            for command in commands(step.script):
                yield from (posixpath.join(where, path) for path in written_paths(command))


def _taken(graph: StageGraph, chain: tuple[Stage, ...]) -> Iterator[str]:
    inside = {stage.index for stage in chain}
    for stage in graph.stages:
        for item in stage.instructions if stage.index not in inside else ():
            source = (
                graph.find(item.from_.value or "", stage.index)
                if isinstance(item, Copy) and item.from_ is not None
                else None
            )
            if isinstance(item, Copy) and source is not None and source.index in inside:
                paths = (f"/{word.value.lstrip('/')}" for word in item.sources)
                yield from (posixpath.normpath(path) for path in paths)


def _built(workspace: Workspace, steps: tuple[Step, ...], folder: str) -> tuple[str, ...]:
    """The binaries that the chain's cargo builds select, named ones first."""
    names: dict[str, None] = {}
    for step in steps:
        for call in step.calls if step.role is Role.BUILD else ():
            hidden = next((n for n in (*call.bins, *call.packages) if "$" in n), "")
            hidden = hidden or ("" if call.bins or call.packages else call.opaque)
            if hidden:
                raise _UnreadableError(
                    "cargo-call", f"cargo build is written with {hidden}, which cannot be "
                    "read", "the binaries that it makes are not known",
                    "write the selection out", step.item.code,
                )  # fmt: skip
            made = selected(workspace, call, _selecting_folder(workspace, call, folder))
            if isinstance(made, str):
                raise _UnreadableError(
                    "cargo-selection", f"cargo build would fail here: {made}",
                    "nothing can be compiled", "correct the selection", step.item.code,
                )  # fmt: skip
            names |= dict.fromkeys([*call.bins, *sorted(binary.name for binary in made)])
    return tuple(names)


def _selecting_folder(workspace: Workspace, call: CargoCall, folder: str) -> str:
    """The folder whose packages a call selects: `--path` of an installation, else the one it
    runs in."""
    for path in call.values("path"):
        return join_path(workspace.folder, path) or workspace.folder
    return folder


def _copied(
    workspace: Workspace,
    graph: StageGraph,
    stage: Stage,
    item: Copy,
    names: set[str],
    inside: set[int],
) -> Iterator[str]:
    source = graph.find(item.from_.value or "", stage.index) if item.from_ is not None else None
    if source is None or source.index not in inside:
        return
    known = {binary.name for binary in workspace.binaries}
    for word in item.sources:
        name = posixpath.basename(word.value)
        if name not in known:
            continue
        if name not in names and "/target/" in word.value:
            raise _UnreadableError(
                "not-built", f"{word.value} is copied, but no cargo build here selects {name}",
                "a cook leaves an empty program of that name, and what another command makes is "
                "not seen here",
                f"add --bin {name} to the build, or leave the file out", item.code,
            )  # fmt: skip
        yield name


def _pinned(facts: Facts, context: str) -> bool:
    """Whether a rust-toolchain file stands at the root of the build context."""
    names = ("rust-toolchain", "rust-toolchain.toml")
    return any(join_path(context, name) in facts.snapshot for name in names)


def _context(builds: tuple[Build, ...], workspace: Workspace) -> str:
    contexts = {build.context for build in builds if build.context is not None}
    return next(iter(sorted(contexts)), workspace.folder)
