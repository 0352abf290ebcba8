"""What keeps a Dockerfile from being merged at all: words and steps that cannot be read.

Knows stages and steps of one file; compares no files.
"""

from __future__ import annotations

import posixpath
import re

from dockerfix.api import (
    Onbuild,
    Span,
    Stage,
    StageGraph,
    Word,
    read_cargo,
    rejections,
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
                raise UnreadableError(
                    "manifest-edited", "a step edits Cargo.toml during the build",
                    "what is compiled is then not what the repository holds",
                    "commit the change to Cargo.toml", step.item.code,
                )  # fmt: skip
