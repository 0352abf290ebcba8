"""Reading one Dockerfile as an input of a merge.

A file that cannot be read safely becomes a refusal, never a guess. Knows single files and
the builds that use them; knows nothing of how files are united.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import (
    Build,
    Facts,
    Finding,
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
    check_graph,
    check_hidden,
    check_steps,
    check_triggers,
    check_wrappers,
)
from dockerfix_transforms.merge_rust.read.folders import cargo_folder, lies_inside, made_of
from dockerfix_transforms.merge_rust.read.input_file import InputFile, Leaf
from dockerfix_transforms.merge_rust.read.member import at_root, changes_folder
from dockerfix_transforms.merge_rust.read.safely import read_safely
from dockerfix_transforms.merge_rust.read.steps import Role, Step, steps_of
from dockerfix_transforms.merge_rust.read.targets import asked_of_merged, asked_stages


def read_file(
    facts: Facts, workspace: Workspace, path: str, into: str
) -> InputFile | Finding | None:
    """One input, a refusal that says why it is left out, or None when it builds no crate.

    `into` is the merged file's path: call sites that name it already tell which targets of
    an input that was kept are asked for.
    """
    return read_safely(facts, path, lambda: _read(facts, workspace, facts.stages(path), into))


def _read(facts: Facts, workspace: Workspace, graph: StageGraph, into: str) -> InputFile | None:
    """The file as its instructions say; raises `UnreadableError` for what cannot be merged."""
    check_graph(graph)
    builder = _builder(graph)
    check_triggers(facts, graph, compiles=builder is not None)
    if builder is None:
        check_wrappers(graph)
        check_hidden(graph, {binary.name for binary in workspace.binaries})
        return None
    return _compiling(facts, workspace, graph, graph.chain(builder), into)


def _compiling(
    facts: Facts, workspace: Workspace, graph: StageGraph, chain: tuple[Stage, ...], into: str
) -> InputFile | None:
    """A file that compiles in the last stage of `chain`; None for another workspace's."""
    builds = tuple(b for b in facts.builds.builds if b.dockerfile == graph.tree.source.path)
    context = context_of(builds, workspace.folder)
    is_folder = facts.folder_test(context)
    steps = tuple(step for stage in chain for step in steps_of(graph, stage, is_folder))
    folder = cargo_folder(facts, context, steps)
    if folder != workspace.folder and not _is_within(facts, workspace, folder):
        return None
    check_steps(steps)
    planner = _planner(graph, chain, steps)
    shipped = shipped_binaries(workspace, graph, chain, steps, folder)
    binary = stage_word(shipped[0])
    asked = stages_asked(facts, graph, builds, binary, into)
    leaves, live = images_beside(graph, [*chain, *([planner] if planner else [])], asked)
    steps, alone, member, fixed = _at_root(facts, workspace, steps, folder, live, leaves, graph)
    return InputFile(
        path=graph.tree.source.path,
        graph=graph,
        context=context,
        builds=builds,
        chain=chain,
        steps=steps,
        planner=planner,
        planner_steps=steps_of(graph, planner) if planner is not None else (),
        leaves=leaves,
        live_chain=live,
        binary=binary,
        shipped=shipped,
        alone=alone,
        outputs=tuple(artefact_paths(steps, shipped)),
        taken=tuple(copied_out(graph, chain)),
        is_folder=is_folder,
        sent=facts.sends(context, graph.tree.source.path),
        compiled=made_of(workspace, steps, member, folder),
        member=member,
        pinned=_pinned(facts, context),
        fixed=fixed,
        everything=carries_more(workspace, graph, chain),
    )


def _is_within(facts: Facts, workspace: Workspace, folder: str) -> bool:
    """Whether cargo finds the workspace from a folder: a package there that is no member is a
    workspace of its own (the Cargo Book, "The exclude field")."""
    if not lies_inside(folder, workspace.folder):
        return False
    members = {package.folder for package in workspace.packages}
    return folder in members or posixpath.join(folder, "Cargo.toml") not in facts.snapshot


def images_beside(
    graph: StageGraph, builders: Sequence[Stage], asked: frozenset[int]
) -> tuple[tuple[Leaf, ...], tuple[Stage, ...]]:
    """The stages beside the builders, and the builders that call sites ask for."""
    inside = {stage.index for stage in builders}
    leaves = (Leaf(s, s.index in asked) for s in graph.stages if s.index not in inside)
    live = (stage for stage in graph.stages if stage.index in asked & inside)
    return tuple(leaves), tuple(live)


def stages_asked(
    facts: Facts, graph: StageGraph, builds: tuple[Build, ...], binary: str, into: str
) -> frozenset[int]:
    """The stages that call sites ask for, those of the merged file included."""
    asked = asked_stages(facts, graph, builds)
    kept = into != graph.tree.source.path
    return asked | asked_of_merged(facts, graph, into, binary) if kept else asked


def stage_word(binary: str) -> str:
    """A binary's name as that of a stage: BuildKit takes `[a-z][a-z0-9-_.]*`, cargo more."""
    signs = (c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in binary)
    return "".join(signs).lstrip("0123456789-_.") or "binary"


def _at_root(
    facts: Facts,
    workspace: Workspace,
    steps: tuple[Step, ...],
    folder: str,
    live_chain: tuple[Stage, ...],
    leaves: tuple[Leaf, ...],
    graph: StageGraph,
) -> tuple[tuple[Step, ...], bool, str, str]:
    """The steps of a build as they stand in a shared builder at the workspace's root, whether
    cargo builds one package alone, and what `_in_member` says of a member's folder."""
    if folder != workspace.folder:
        steps, member, fixed = _in_member(
            facts, workspace, steps, folder, live_chain, leaves, graph
        )
        return steps, True, member, fixed
    call = next((step.call for step in steps if step.role is Role.BUILD), None)
    return steps, call is not None and call.alone, "", ""


def _in_member(
    facts: Facts,
    workspace: Workspace,
    steps: tuple[Step, ...],
    folder: str,
    live_chain: tuple[Stage, ...],
    leaves: tuple[Leaf, ...],
    graph: StageGraph,
) -> tuple[tuple[Step, ...], str, str]:
    """The steps of a build in a member's folder as they stand in a shared builder, the member
    that they select there (none when its RUN goes there by itself), and why the build keeps a
    stage of its own (empty where it need not)."""
    build = next(step for step in reversed(steps) if step.role is Role.BUILD)
    chain = {step.stage.index for step in steps}
    bases = (graph.base(leaf.stage) for leaf in leaves if leaf.live)
    standing = live_chain or any(base is not None and base.index in chain for base in bases)
    if changes_folder(build) and not standing:
        return steps, "", ""
    found = None if standing else at_root(facts, workspace, steps, folder)
    if found is not None:
        return *found, ""
    named = build.call is not None and build.call.packages
    selects = "that selects the member there, as -p does at the root"
    why = "other steps need that folder" if named else selects
    why = "an image is based on the builder" if standing else why
    return steps, "", f"cargo build runs in {folder}, and {why}"


def _builder(graph: StageGraph) -> Stage | None:
    """The stage that compiles what is shipped: the last one that runs `cargo build`, among those
    that the file's last image is made with if there are any. Other builders stay as they are,
    like any stage that is not shared."""
    building = [
        stage
        for stage in graph.stages
        if any(step.role is Role.BUILD for step in steps_of(graph, stage))
    ]
    needed = {stage.index for stage in graph.needs(graph.stages[-1])}
    shipping = [stage for stage in building if stage.index in needed]
    return next(iter((shipping or building)[-1:]), None)


def _planner(graph: StageGraph, chain: tuple[Stage, ...], steps: tuple[Step, ...]) -> Stage | None:
    inside = {stage.index for stage in chain}
    for stage in graph.stages:
        prepares = any(step.role is Role.PREPARE for step in steps_of(graph, stage))
        if prepares and stage.index not in inside:
            return stage
    return None


def _pinned(facts: Facts, context: str) -> bool:
    """Whether a rust-toolchain file stands at the root of the build context."""
    names = ("rust-toolchain", "rust-toolchain.toml")
    return any(join_path(context, name) in facts.snapshot for name in names)


def context_of(builds: tuple[Build, ...], otherwise: str) -> str:
    """The context that builds pass, and what counts where none passes any."""
    contexts = {build.context for build in builds if build.context is not None}
    return next(iter(sorted(contexts)), otherwise)
