"""Whether a step of a workflow does what another one did.

Two steps are the same when their data are, once outputs are read by their new ids; of a build,
Dockerfile and target may be those that stand for the old ones. Knows steps as data; knows no
job.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from dockerfix.facts.builds.github.expressions import without_expressions
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image
from dockerfix.proof.pipeline.commands import other_commands
from dockerfix.proof.pipeline.moved import Moved
from dockerfix.syntax.shell import Command, parse_shell
from dockerfix.text import MappedText, SnapshotError, Span

CHOOSING = frozenset({"file", "target", "context", "build-args", "build-contexts", "files", "set"})
"""Inputs of build actions that say which image is built, and from what."""
_QUIET = ("docker/build-push-action", "docker/metadata-action", "actions/attest-build-provenance")
_DOCKER = frozenset({"build", "buildx", "push", "tag", "images", "image", "inspect"})
_HISTORY = frozenset({"describe", "rev-parse", "log", "show"})
_QUIET_COMMANDS = frozenset(
    {"echo", "printf", "test", "[", "[[", "true", "set", "cut", "tr", "grep", "head", "tail",
     "date", "basename", "dirname", "jq"}
)  # fmt: skip
"""Commands that change no file."""
_PASSING = frozenset(
    {"$GITHUB_OUTPUT", "${GITHUB_OUTPUT}", "$GITHUB_STEP_SUMMARY", "/dev/null", "&1", "&2"}
)
"""What a redirection may name: outputs, which are read by their step's id, and nothing."""
_STATUS = re.compile(r"\b(?:always|failure|cancelled|success)\s*\(")


class StepPair(Struct, frozen=True):
    """An old step with a new one; `ids` maps the old ids of earlier steps to the new ones."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    ids: Mapping[str, str]


class Standing:
    """Which image stands for which, and which path for which, between two snapshots."""

    def __init__(self, before: Facts, after: Facts, pairs: Iterable[tuple[Image, Image]]) -> None:
        known = tuple(pairs)
        paths = {old.dockerfile: new.dockerfile for old, new in known}
        self.moved = Moved(paths)
        # A value may name a file without its folder, by a name that no other file has.
        short = {path: _short(path) for path in (*paths, *paths.values())}
        self._short = Moved(short)
        self._renamed = Moved({short[old]: short[new] for old, new in paths.items()})
        self._sides = before, after
        self._heirs = {_stage(before, old): _stage(after, new) for old, new in known}

    def same(self, old: Any, new: Any) -> bool:
        """Whether two values are the same once every file has its new name."""
        return bool(self._named(old) == self._named(new))

    def _named(self, value: Any) -> Any:
        return self._renamed.data(self._short.data(value))

    def image(self, old: Image, new: Image) -> bool:
        """Whether the new image is the old one, or stands for it."""
        before, after = self._sides
        heir = self._heirs.get(_stage(before, old))
        return old == new or (heir is not None and heir == _stage(after, new))


def _short(path: str) -> str:
    """A path without its folder, where it is not of the name that every folder may hold."""
    name = posixpath.basename(path)
    return path if name == "Dockerfile" else name


def _stage(facts: Facts, image: Image) -> tuple[str, int] | None:
    """The stage that a target means; one that adds nothing is the one below it."""
    if image.dockerfile not in facts.snapshot:
        return None
    try:
        graph = facts.stages(image.dockerfile)
    except SnapshotError:
        return None
    stage = graph.target(image.target)
    while stage is not None and not stage.instructions and graph.base(stage) is not None:
        stage = graph.base(stage)
    return (image.dockerfile, stage.index) if stage is not None else None


def same_step(pair: StepPair, standing: Standing, loose: bool = False) -> bool:
    """Whether a step does what the old one did. `loose` is for a step in its own place: there
    *same images asked for* judges what is built, and what the context is."""
    old, new = _followed(pair.old, pair.ids), pair.new
    keys = {*old, *new} - {"name", "id", "with", "run"}
    if not all(standing.same(old.get(key), new.get(key)) for key in keys):
        return False
    if (old.get("id") is None) != (new.get("id") is None) or (loose and not _named(old, new)):
        return False
    if not _inputs(old, new, standing, loose):
        return False
    first, second = str(old.get("run") or ""), str(new.get("run") or "")
    if loose:
        return standing.same(first, second) or not other_commands(
            [without_expressions(_whole(first)).text], [without_expressions(_whole(second)).text]
        )
    return first == second or _unchosen(first) == _unchosen(second)


def _named(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return old.get("id") == new.get("id")


def _inputs(
    old: Mapping[str, Any], new: Mapping[str, Any], standing: Standing, loose: bool
) -> bool:
    """Whether the inputs of an action are the same."""
    first, second = old.get("with") or {}, new.get("with") or {}
    if not isinstance(first, dict) or not isinstance(second, dict):
        return bool(first == second)
    uses = str(old.get("uses") or "").lower()
    builds = "build-push" in uses or "bake" in uses
    apart = CHOOSING if builds and loose else {"file", "target"} if builds else set()
    local = uses.startswith("./") and loose
    for key in {*first, *second} - apart:
        if not standing.same(first.get(key), second.get(key)) and not local:
            return False
    return not builds or loose or standing.image(_image(first), _image(second))


def _image(inputs: Mapping[str, Any]) -> Image:
    """The image that a build action makes."""
    context = str(inputs.get("context") or "")
    file = str(inputs.get("file") or posixpath.join(context, "Dockerfile"))
    return Image(posixpath.normpath(file), str(inputs.get("target") or ""))


def _unchosen(script: str) -> str:
    """A script without the words that tell docker which Dockerfile and target to build."""
    data = script.encode("utf-8", "surrogateescape")
    parsed = parse_shell(without_expressions(_whole(script)))
    gone = [span for command in parsed.every_command() for span in _choosing(command)]
    for span in sorted(gone, reverse=True):
        data = data[: span.start] + data[span.end :]
    return " ".join(data.decode("utf-8", "surrogateescape").split())


def _choosing(command: Command) -> Iterator[Span]:
    """The flags of a docker command that say which image is built."""
    valued = False
    for word in command.words if command.name == "docker" else ():
        if valued or word.written.startswith(("--file=", "--target=", "-f=")):
            yield word.span
            valued = False
        elif word.written in ("-f", "--file", "--target"):
            yield word.span
            valued = True


def own_fault(step: Mapping[str, Any]) -> str:
    """What a step of one image does to those after it; empty when it does nothing."""
    if _STATUS.search(str(step.get("if") or "")):
        return "runs whatever became of the other images"
    uses = str(step.get("uses") or "").lower().partition("@")[0]
    if uses:
        return "" if uses in _QUIET else "may change the machine for the images after it"
    return _left_by(str(step.get("run") or ""))


def _left_by(script: str) -> str:
    """What a script leaves behind for later steps; empty for outputs of its own step alone."""
    parsed = parse_shell(without_expressions(_whole(script)))
    if parsed.broken:
        return "cannot be read"
    for command in parsed.every_command():
        words = [word.value or word.written for word in command.words] or ["true"]
        docker = words[0] == "docker" and len(words) > 1 and words[1] in _DOCKER
        reads = words[0] == "git" and len(words) > 1 and words[1] in _HISTORY
        if not docker and not reads and words[0] not in _QUIET_COMMANDS:
            return "does more than build"
    written = re.findall(r">+[|]?\s*([^\s;|)]*)", script)
    lasting = any(target.strip("\"'") not in _PASSING for target in written)
    return "writes what the images after it may see" if lasting else ""


def _followed(value: Any, ids: Mapping[str, str]) -> Any:
    """Data that reads outputs by the new ids."""
    if isinstance(value, str):
        for old, new in ids.items():
            value = re.sub(rf"(?<![\w.-])steps\.{re.escape(old)}(?![\w-])", f"steps.{new}", value)
        return value
    if isinstance(value, dict):
        return {key: _followed(inner, ids) for key, inner in value.items()}
    return [_followed(inner, ids) for inner in value] if isinstance(value, list) else value


def _whole(text: str) -> MappedText:
    return MappedText.whole(text.encode("utf-8", "surrogateescape"))
