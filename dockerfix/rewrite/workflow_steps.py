"""Steps of several jobs laid over each other: what all of them do once, the rest in turn.

A step that every job runs alike stands once; a step of one job alone is of a kind that leaves
the machine as it was: it names, builds, tags or pushes an image. Knows steps as text and as
data; knows neither jobs nor the file around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.facts.builds.github.expressions import (
    in_expressions,
    in_row,
    reads_matrix,
    without_expressions,
)
from dockerfix.rewrite.wanted import Refused
from dockerfix.rewrite.yaml_edits import line_end, set_scalar
from dockerfix.syntax.shell import parse_shell
from dockerfix.syntax.yaml.data import strings, with_strings
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, YamlError, parse_yaml, to_data
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, EditSet, MappedText, Place, Source, Span

_OWN = ("docker/build-push-action", "docker/metadata-action", "actions/attest-build-provenance")
"""Actions that leave nothing behind which a later build would see."""
_VERBS = frozenset({"build", "buildx", "push", "tag", "images", "image", "inspect"})
_PRINTS = frozenset(
    {"echo", "printf", "test", "[", "[[", "true", "set", "cut", "tr", "grep", "head", "tail",
     "date", "basename", "dirname", "jq"}
)  # fmt: skip
"""Commands that read and print, and change nothing."""
_GIT_READS = frozenset({"describe", "rev-parse", "log", "show"})
_OUTPUTS = frozenset(
    {"$GITHUB_OUTPUT", "${GITHUB_OUTPUT}", "$GITHUB_STEP_SUMMARY", "/dev/null", "&1", "&2"}
)
"""Where a step may write: its own outputs, and nowhere."""
_STATUS = re.compile(r"\b(?:always|failure|cancelled|success)\s*\(")


class RowStep(Struct, frozen=True):
    """A step as one row of a job's matrix runs it: its text, indented by nothing, and data."""

    place: Place
    text: str
    data: dict[str, Any]
    spaced: bool = False
    """Whether a blank line stands above it."""

    @property
    def id(self) -> str:
        """The name by which later steps read its outputs; empty without one."""
        return str(self.data.get("id") or "")

    def reads(self, name: str) -> bool:
        """Whether it reads an output of the step of that id."""
        return any(_reference(name).search(text) for text in strings(self.data))


class Laid(Struct, frozen=True):
    """One step of the joined job; `row` is None for a step that all rows share."""

    step: RowStep
    row: int | None


def steps_of(steps: YamlSequence, row: Mapping[str, Scalar]) -> list[RowStep]:
    """The steps of a job for one row of its matrix; raises `Refused` for steps in braces or
    by an alias, and for a condition that reads the matrix."""
    source = steps.file.source
    if steps.flow or any(steps.aliased) or not steps.items:
        raise Refused(source.place(steps.span), "its steps are not written out", "write them out")
    floor = source.line_of(steps.items[0].span.start).start
    found, at = [], _head(steps, floor)
    for item in steps.items:
        end = line_end(source, item.span.end)
        found.append(_step(steps, item, Span(at, end), row))
        at = end
    return found


def _head(steps: YamlSequence, floor: int) -> int:
    """Where the text of the first step begins: with the comments above it."""
    source = steps.file.source
    while floor > 0:
        line = source.line_of(floor - 1)
        if not source.text(line).lstrip().startswith("#"):
            break
        floor = line.start
    return floor


def _step(steps: YamlSequence, item: Node, span: Span, row: Mapping[str, Scalar]) -> RowStep:
    source = steps.file.source
    place = source.place(item.span)
    if not isinstance(item, YamlMapping) or not item.entries:
        raise Refused(place, "a step that is no mapping", "write it out")
    condition = item.get("if")
    if isinstance(condition, Scalar) and (
        reads_matrix(condition.text) or reads_matrix(condition.text, bare=True)
    ):
        raise Refused(place, "a step's `if:` reads the matrix", "give each image its own step")
    start = source.line_of(item.span.start).start
    lead = source.text(Span(start, item.span.start))
    indent = len(lead) - len(lead.lstrip())
    lines = source.text(span).replace("\r\n", "\n").split("\n")
    text = "\n".join(
        line[indent:] if not line[:indent].strip() else line.lstrip() for line in lines
    )
    spaced = text.startswith("\n")
    text = in_row(text.strip("\n"), row)
    data = with_strings(to_data(item), lambda part: in_row(part, row))
    if any(reads_matrix(part) or "strategy." in part for part in strings(data)):
        raise Refused(place, "a step reads the whole matrix", "name the value that it needs")
    return RowStep(place, text, data, spaced)


def laid_over(rows: Sequence[Sequence[RowStep]], labels: Sequence[str]) -> list[Laid]:
    """The steps of all rows in one order; raises `Refused` where rows do more than build."""
    at = [0] * len(rows)
    found: list[Laid] = []
    own: set[str] = set()
    for number, step in enumerate(rows[0]):
        ends = [_where(steps, start, step) for steps, start in zip(rows, at, strict=True)]
        if number < at[0] or None in ends or any(step.reads(name) for name in own):
            continue
        if "build-push-action" in str(step.data.get("uses") or "").lower():
            raise Refused(step.place, "every row builds the same image", "remove the matrix")
        stops = [end if end is not None else 0 for end in ends]
        found += _row_steps(rows, at, stops, own)
        if any(other.row is not None and _builds(other.step) for other in found):
            _check(step, "does more after it has built")
        found.append(Laid(step, None))
        at = [stop + 1 for stop in stops]
    found += _row_steps(rows, at, [len(steps) for steps in rows], own)
    for n, one in enumerate(found):
        if any(one.row != other.row and one.step.data == other.step.data for other in found[:n]):
            raise Refused(one.step.place, "some of the rows do the same", "remove one of them")
    return _renamed(found, labels)


def _where(steps: Sequence[RowStep], start: int, wanted: RowStep) -> int | None:
    """The next step that does the same."""
    return next((n for n in range(start, len(steps)) if steps[n].data == wanted.data), None)


def _row_steps(
    rows: Sequence[Sequence[RowStep]], starts: Sequence[int], stops: Sequence[int], own: set[str]
) -> Iterator[Laid]:
    """What each row does by itself before the next common step, row after row."""
    for number, steps in enumerate(rows):
        for step in steps[starts[number] : stops[number]]:
            _check(step, "does more than build")
            if step.id:
                own.add(step.id)
            yield Laid(step, number)


def _check(step: RowStep, what: str) -> None:
    """Raises `Refused` for a step that may leave something behind for the next image."""
    if _STATUS.search(str(step.data.get("if") or "")):
        raise Refused(step.place, "a step runs whatever became of the others", "join them by hand")
    uses = str(step.data.get("uses") or "").lower().partition("@")[0]
    given = step.data.get("with")
    if isinstance(given, dict) and str(given.get("no-cache") or "false") != "false":
        raise Refused(step.place, "an image is built without a cache", "drop `no-cache:`")
    if uses in _OWN or (not uses and _only_docker(str(step.data.get("run") or ""))):
        return
    name = step.data.get("name") or step.data.get("uses") or "a script"
    raise Refused(step.place, f"a job {what} ({name})", "join the jobs by hand")


def _builds(step: RowStep) -> bool:
    uses = str(step.data.get("uses") or "").lower()
    return "build-push-action" in uses or "docker" in str(step.data.get("run") or "")


def _only_docker(script: str) -> bool:
    """Whether a script runs docker, computes and says something, and leaves nothing behind but
    outputs of its own step."""
    parsed = parse_shell(without_expressions(MappedText.whole(script.encode())))
    found = [[w.value or w.written for w in c.words] for c in parsed.every_command() if c.words]
    return not parsed.broken and all(map(_harmless, found)) and _writes_outputs(script)


def _harmless(words: Sequence[str]) -> bool:
    """Whether a command builds with the builder's cache, names or pushes an image, or reads
    and prints."""
    verb = words[1] if len(words) > 1 else ""
    if words[0] == "docker":
        return verb in _VERBS and "--no-cache" not in words
    return words[0] in _PRINTS or (words[0] == "git" and verb in _GIT_READS)


def _writes_outputs(script: str) -> bool:
    """Whether all that a script writes to is its step's outputs."""
    targets = re.findall(r">{1,2}[|]?\s*([^\s;|)]*)", script)
    return all(target.strip("\"'") in _OUTPUTS for target in targets)


def _renamed(found: Sequence[Laid], labels: Sequence[str]) -> list[Laid]:
    """Ids that several rows use get the row's label, and so do equal names of steps."""
    ids = [laid.step.id for laid in found if laid.step.id]
    names = [laid.step.data.get("name") for laid in found if laid.row is not None]
    result = []
    for laid in found:
        if laid.row is None:
            result.append(laid)
            continue
        label = labels[laid.row]
        again = {i: f"{i}-{label}" for i in _ids_of(found, laid.row) if ids.count(i) > 1}
        name = laid.step.data.get("name")
        title = f"{name} ({label})" if name and names.count(name) > 1 else ""
        result.append(Laid(_with_ids(laid.step, again, title), laid.row))
    return result


def _ids_of(found: Sequence[Laid], row: int) -> list[str]:
    return [laid.step.id for laid in found if laid.row == row and laid.step.id]


def _with_ids(step: RowStep, ids: Mapping[str, str], title: str) -> RowStep:
    """The step with other ids and another name; raises `Refused` where its text does not
    come to that."""

    def renamed(text: str) -> str:
        for old, new in ids.items():
            text = _reference(old).sub(f"steps.{new}", text)
        return text

    data = with_strings(step.data, lambda part: in_expressions(part, renamed))
    if "if" in data:
        data["if"] = renamed(str(data["if"]))
    data |= {"id": ids.get(step.id, step.id)} if step.id else {}
    data |= {"name": title} if title else {}
    text = _set(in_expressions(step.text, renamed), step, data)
    return RowStep(step.place, text, data, step.spaced)


def _set(text: str, step: RowStep, data: Mapping[str, Any]) -> str:
    """The text with the data's `id`, `name` and `if`."""
    source = Source(step.place.path, f"{text}\n".encode("utf-8", "surrogateescape"))
    item = _item(source)
    edits = []
    for key in ("id", "name", "if"):
        node = item.get(key) if item is not None else None
        if isinstance(node, Scalar) and node.text != data[key]:
            edits.append(_scalar(node, str(data[key])))
    text = EditSet.of(edits).apply(source.data).decode("utf-8", "surrogateescape")
    item = _item(Source(step.place.path, text.encode("utf-8", "surrogateescape")))
    if item is None or to_data(item) != data:
        raise Refused(step.place, "the step cannot be written for one image", "join them by hand")
    return text.removesuffix("\n")


def _scalar(node: Scalar, text: str) -> Edit:
    """Another text in the scalar's own spelling; a name may hold blanks and brackets."""
    simple = re.fullmatch(r"[\w][\w ./()+&,-]*", text) is not None and not text.endswith(" ")
    plain = node.style == "" and (simple or node.text.strip() == "" or "${{" in text)
    return Edit(node.span, text.encode()) if plain else set_scalar(node, text)


def _item(source: Source) -> YamlMapping | None:
    try:
        documents = parse_yaml(source).documents
    except YamlError:
        return None
    root = documents[0] if documents else None
    item = root.items[0] if isinstance(root, YamlSequence) and len(root.items) == 1 else None
    return item if isinstance(item, YamlMapping) else None


def _reference(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])steps\.{re.escape(name)}(?![\w-])")
