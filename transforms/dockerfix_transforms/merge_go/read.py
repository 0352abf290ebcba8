"""Reading one Dockerfile as an input of a merge of Go programs.

A file that cannot be read safely becomes a finding, never a guess. Knows single files and the
builds that use them; knows nothing of how files are united.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.api import Facts, Finding, Stage, StageGraph, triggers_of
from dockerfix_transforms.merge_go.steps import builds, go_steps, written_by
from dockerfix_transforms.merge_rust.read.artefacts import copied_out
from dockerfix_transforms.merge_rust.read.checks import UnreadableError, check_graph, check_steps
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.inputs import (
    context_of,
    images_beside,
    stage_word,
    stages_asked,
)
from dockerfix_transforms.merge_rust.read.safely import read_safely
from dockerfix_transforms.merge_rust.read.steps import Step

__all__ = ["InputFile", "read_file"]

_GENERIC = frozenset(
    {"cmd", "main", "src", "app", "bin", "build", "docker", "dockerfiles", ".", ".."}
)
"""Names of folders and files that tell no program from another."""


def read_file(facts: Facts, folder: str, path: str, into: str) -> InputFile | Finding | None:
    """One input, a finding that says why it is left out, or None when it runs no `go build`."""
    return read_safely(facts, path, lambda: _read(facts, folder, facts.stages(path), into))


def _read(facts: Facts, folder: str, graph: StageGraph, into: str) -> InputFile | None:
    """The file as its instructions say; raises `UnreadableError` for what cannot be merged."""
    check_graph(graph)
    path = graph.tree.source.path
    of_file = tuple(b for b in facts.builds.builds if b.dockerfile == path)
    context = context_of(of_file, folder)
    is_folder = facts.folder_test(context)
    builder = _builder(graph)
    if builder is None:
        return None
    chain = graph.chain(builder)
    steps = go_steps(graph, chain, is_folder)
    _check(facts, graph, chain, steps)
    outputs = tuple(one.output for step in steps for one in written_by(step) or ())
    packages = tuple(_packages(steps))
    binary = _binary(path, packages, outputs)
    asked = stages_asked(facts, graph, of_file, binary, into)
    leaves, live = images_beside(graph, chain, asked)
    return InputFile(
        path=path,
        graph=graph,
        context=context,
        builds=of_file,
        chain=chain,
        steps=steps,
        planner=None,
        planner_steps=(),
        leaves=leaves,
        live_chain=live,
        binary=binary,
        shipped=tuple(f"{folder}: {name}" for folder, name in packages) or (binary,),
        outputs=outputs,
        taken=tuple(copied_out(graph, chain)),
        is_folder=is_folder,
    )


def _builder(graph: StageGraph) -> Stage | None:
    """The stage that compiles what the last image ships: the last one that runs `go build`,
    among those that this image is made with."""
    needed = {stage.index for stage in graph.needs(graph.stages[-1])}
    found = [
        stage
        for stage in graph.stages
        if stage.index in needed and any(map(builds, go_steps(graph, [stage], bool)))
    ]
    return found[-1] if found else None


def _check(
    facts: Facts, graph: StageGraph, chain: Sequence[Stage], steps: tuple[Step, ...]
) -> None:
    """Raises `UnreadableError` for a builder that takes part in other builds, or others in it."""
    check_steps(steps)
    for item in triggers_of(facts, graph.image(chain[0])):
        raise UnreadableError(
            "onbuild", f"ONBUILD of {graph.image(chain[0])} runs in this build "
            f"({item.source.place(item.code)})", "its instructions stand in another file",
            "write them out in this file", chain[0].from_.code,
        )  # fmt: skip
    for stage in chain:
        for reference in graph.references(stage):
            if reference.stage is not None:
                raise UnreadableError(
                    "separate-builder", f"its builder copies from the stage {reference.text}",
                    "that stage would have to be the same for all files",
                    "copy it to the image instead, or merge this file by hand",
                    reference.instruction.code,
                )  # fmt: skip


def _packages(steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """The packages that the steps compile to programs: the folder in which go runs, and the
    package as it is written."""
    for step in steps:
        for one in written_by(step) or ():
            yield from ((step.where, name) for name in one.call.packages or (".",))


def _tells(name: str) -> bool:
    """Whether a name tells a program from another: no usual folder, no version of an API."""
    version = name[:1] == "v" and name[1:2].isdigit()
    return name.lower() not in _GENERIC and "..." not in name and not version


def _binary(path: str, packages: Sequence[tuple[str, str]], outputs: Sequence[str]) -> str:
    """What the program is called: like its package, else like its Dockerfile, its folder, or the
    file that go writes; names that every program could have come last."""
    named = [name.removesuffix(".go") for _, name in packages[-1:] if "$" not in name]
    parts = [part for name in named for part in reversed(posixpath.normpath(name).split("/"))]
    label = posixpath.basename(path)
    for sign in ("Dockerfile.", "dockerfile."):
        label = label.removeprefix(sign)
    label = label.removesuffix(".Dockerfile").removesuffix(".dockerfile")
    said = [label] if label.lower() not in ("dockerfile", "containerfile") else []
    made = [posixpath.basename(output) for output in outputs[-1:] if output]
    wanted = [*parts, *said, *reversed(path.split("/")[:-1]), *made]
    telling = (name for name in wanted if _tells(name))
    return stage_word(next(telling, next(iter(made), "program")))
