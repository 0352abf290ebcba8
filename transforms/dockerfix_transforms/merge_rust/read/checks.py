"""What keeps a Dockerfile from being merged at all: words and steps that cannot be read.

Knows stages and steps of one file; compares no files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from dockerfix.api import (
    Copy,
    Facts,
    Onbuild,
    Run,
    Span,
    Stage,
    StageGraph,
    Word,
    read_cargo,
    rejections,
    triggers_of,
)
from dockerfix_transforms.merge_rust.read.steps import Step, commands, steps_of

_EDITORS = frozenset({"sed", "perl", "awk", "tee", "patch", "toml", "dasel", "yq"})


class UnreadableError(Exception):
    """A file that cannot be merged: the finding's words, and where."""

    def __init__(self, name: str, what: str, why: str, action: str, span: Span) -> None:
        super().__init__(what)
        self.name, self.what, self.why, self.action, self.span = name, what, why, action, span


_FRONTENDS = frozenset({"docker/dockerfile", "docker/dockerfile-upstream"})
"""BuildKit's own frontends for Dockerfiles ("Custom Dockerfile syntax" in its documentation)."""


def _other_frontend(graph: StageGraph) -> str:
    """The image of the frontend that a `syntax` directive names, empty for BuildKit's own."""
    for directive in graph.tree.directives:
        image = directive.value.removeprefix("docker.io/").partition("@")[0].partition(":")[0]
        if directive.name == "syntax" and image not in _FRONTENDS:
            return directive.value
    return ""


def check_graph(graph: StageGraph) -> None:
    """Raises `UnreadableError` for a file whose stages cannot be read."""
    tree = graph.tree
    if graph.cycle:
        names = " and ".join(stage.name or str(stage.index) for stage in graph.cycle)
        raise UnreadableError(
            "rejected", f"BuildKit rejects this file: {names} need one another",
            "a file that does not build cannot be compared", "correct its `--from`",
            graph.cycle[0].from_.code,
        )  # fmt: skip
    frontend = _other_frontend(graph)
    for problem in rejections(tree):
        if frontend:
            raise UnreadableError(
                "rejected", f"it is written for the frontend {frontend}",
                "dockerfix reads what docker/dockerfile reads",
                "write out what the frontend adds, or leave this file out", problem.span,
            )  # fmt: skip
        raise UnreadableError(
            "rejected", f"BuildKit rejects this file: {problem.message}",
            "a file that does not build cannot be compared", problem.hint or "correct it first",
            problem.span,
        )  # fmt: skip
    for stage in graph.duplicates:
        raise UnreadableError(
            "duplicate-stage", f"two stages are called {stage.name}",
            "the last one wins, so references are ambiguous for a reader", "rename one",
            stage.from_.code,
        )  # fmt: skip
    for stage in graph.stages:
        image = stage.from_.image
        if image is not None and _may_be_a_stage(graph, stage, image):
            raise UnreadableError(
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


def check_wrappers(graph: StageGraph) -> None:
    """Refuse a file that compiles through something else than cargo's own commands."""
    for stage in graph.stages:
        for step in steps_of(graph, stage):
            if step.item.keyword == "RUN" and [w.value for w in step.item.json or ()][:1] == [
                "cargo"
            ]:
                raise UnreadableError(
                    "cargo-call", "cargo is run in exec form", "only shell form is read",
                    "write the RUN without brackets", step.item.code,
                )  # fmt: skip
            for command in commands(step.script):
                call = read_cargo(command)
                verb = f"cargo {call.verb}" if call is not None and call.verb in _WRAPPING else ""
                if verb:
                    raise UnreadableError(
                        "cargo-call", f"it compiles through `{verb}`, which is not read",
                        "what it makes, and with which flags, is not known",
                        "merge this file by hand, or leave it out with --exclude", step.item.code,
                    )  # fmt: skip


_CARGO = re.compile(
    r"\b(?:cargo|cross)(?:-auditable|-zigbuild|-chef)?\s+(?:-\S+\s+|\+\S+\s+)*"
    r"(?:build|b|install|rustc|zigbuild|auditable|chef|make|leptos)\b"
)
"""A command of cargo in a text that another program is given: no grammar says which it takes."""


def check_hidden(graph: StageGraph, binaries: Collection[str]) -> None:
    """Refuse a file that compiles through a program which is not read: `bash -c "cargo build"`,
    `nix develop --command cargo build`, or `make`, where a binary of the workspace comes out."""
    for stage in graph.stages:
        for step in steps_of(graph, stage):
            said = _CARGO.search(step.item.text) if isinstance(step.item, Run) else None
            if said is not None and not any(map(read_cargo, commands(step.script))):
                raise _hidden(f"`{said[0]}` is run by another program", step.item.code)
        for item in stage.instructions:
            made = _made_elsewhere(graph, item, binaries) if isinstance(item, Copy) else None
            if made is not None:
                raise _hidden(f"{made} comes out of a step that is not read", item.code)


def _made_elsewhere(graph: StageGraph, item: Copy, binaries: Collection[str]) -> str | None:
    """The binary of cargo's target folder that is copied from a stage which runs something."""
    stage = graph.find(item.from_.value or "") if item.from_ is not None else None
    if stage is None or not any(
        isinstance(i, Run) for s in graph.chain(stage) for i in s.instructions
    ):
        return None
    for word in item.sources:
        folder, _, name = (word.value or "").rpartition("/")
        if name in binaries and "target" in folder.split("/"):
            return word.value
    return None


def _hidden(what: str, span: Span) -> UnreadableError:
    why = "what it makes, and with which flags, is not known"
    return UnreadableError("cargo-call", what, why, "call cargo in the RUN itself", span)


def check_triggers(facts: Facts, graph: StageGraph, compiles: bool) -> None:
    """Raises `UnreadableError` where ONBUILD takes part in what is compiled: of a base image that
    this repository builds, or, unless the file `compiles` itself, in it for others."""
    for stage in graph.stages:
        outside = graph.base(stage) is None
        for item in triggers_of(facts, graph.image(stage)) if outside else ():
            if compiles or _compiles(item):
                place = item.source.place(item.code)
                raise UnreadableError(
                    "onbuild", f"ONBUILD of {graph.image(stage)} runs in this build ({place})",
                    "its instructions stand in another file",
                    "write them out in this file", stage.from_.code,
                )  # fmt: skip
        own = (item for item in stage.instructions if isinstance(item, Onbuild))
        mine = next(filter(_compiles, own), None)
        if mine is not None and not compiles:
            raise UnreadableError(
                "onbuild", "ONBUILD compiles", "it runs in other files' builds",
                "write it out in those files", mine.code,
            )  # fmt: skip


def _compiles(item: Onbuild) -> bool:
    """Whether ONBUILD calls cargo."""
    return isinstance(item.inner, Run) and "cargo" in item.text


def check_steps(steps: tuple[Step, ...]) -> None:
    """Raises `UnreadableError` for steps that cannot be joined with others."""
    for step in steps:
        if isinstance(step.item, Onbuild):
            raise UnreadableError(
                "onbuild", "ONBUILD in a build stage", "it runs in other files' builds",
                "move it to an image of its own", step.item.code,
            )  # fmt: skip
        for command in commands(step.script):
            words = [word.value or word.written for word in command.words]
            edits = words and posixpath.basename(words[0]) in _EDITORS
            if edits and any("Cargo.toml" in word for word in words):
                members = any("members" in word for word in words)
                raise UnreadableError(
                    "manifest-edited", "a step edits Cargo.toml during the build",
                    "what is compiled is then not what the repository holds",
                    "copy the manifests of all members, and leave their list as it is"
                    if members else "commit the change to Cargo.toml", step.item.code,
                )  # fmt: skip
