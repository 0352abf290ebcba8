"""The edits: cargo is told every value, and the argument is declared where it is read first.

Every call by `--bin` names all programs; a call by `-p` is repeated, since one call for several
packages unites their features. Knows spans of one Dockerfile; decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dockerfix.api import Arg, CargoCall, Edit, EditSet, Instruction, Source, Span
from dockerfix_transforms.build_once.reading import (
    CannotReadError,
    NamingRun,
    NamingStage,
    told,
)


def stage_edits(
    stage: NamingStage, name: str, values: Sequence[str], home: Arg | None
) -> Iterator[Edit]:
    """The edits of one stage. `home` is the ARG of an image to which the comment goes that stands
    over the stage's own, where that goes. Raises `CannotReadError` for a RUN that cannot be taken
    apart."""
    last = stage.runs[-1]
    for run in stage.runs:
        if run.rest is None:
            for call in run.calls:
                yield from _call_edits(run, call, name, values)
    if last.rest is not None:
        yield _taken_apart(last, stage.arg, name, values)
    elif stage.later is not None and stage.later.span > stage.arg.span:
        yield Edit(_before(stage.later), _line(stage.arg))
    elif home is not None and has_comments(stage.arg):
        yield Edit(_before(home), stage.arg.source.slice(_comments(stage.arg)))
    else:
        yield _without(stage.arg, Span(stage.arg.code.start, stage.arg.code.start))
        return
    yield _without(stage.arg, _comments(stage.arg))


def _call_edits(
    run: NamingRun, call: CargoCall, name: str, values: Sequence[str]
) -> Iterator[Edit]:
    source = run.item.source
    flags = told(call, name)
    if call.verb == "chef prepare":
        for flag in flags:
            span = Span(flag.words[0].span.start, flag.words[-1].span.end)
            yield Edit(Span(_blanks_before(source, span.start), span.end), b"")
    elif any(flag.name == "package" for flag in flags):
        span = call.command.span
        text = source.slice(span)
        each = (_filled(text, name, value) for value in values)
        yield Edit(span, (b" && \\" + _break(run.item)).join(each))
    else:
        for flag in flags:
            span = Span(flag.words[0].span.start, flag.words[-1].span.end)
            text = source.slice(span)
            between = _between(source, span.start)
            yield Edit(span, between.join(_filled(text, name, value) for value in values))


def _filled(text: bytes, name: str, value: str) -> bytes:
    """A text with the value in place of the argument, quotes round it left out."""
    made = re.sub(rb"\$(?:\{%b\}|%b\b)" % (name.encode(), name.encode()), value.encode(), text)
    return re.sub(rb"([\"'])(%b)\1" % re.escape(value.encode()), rb"\2", made)


def _between(source: Source, start: int) -> bytes:
    """What stands between flags: the layout of a flag that has a line of its own, else a blank."""
    line = source.data.rfind(b"\n", 0, start) + 1
    indent = source.data[line:start]
    if line and not indent.strip():
        return b" \\" + _newline(source) + indent
    return b" "


def _break(item: Instruction) -> bytes:
    """A new line in a RUN, with the indentation of its second one."""
    source = item.source
    at = source.data.find(b"\n", item.code.start, item.code.end) + 1
    rest = source.data[at : item.code.end] if at else b""
    indent = rest[: len(rest) - len(rest.lstrip(b" \t"))] if rest else b"    "
    return _newline(source) + indent


def _taken_apart(run: NamingRun, arg: Arg, name: str, values: Sequence[str]) -> Edit:
    """A RUN in two, the ARG between them: what cargo does for all, and what is done with one
    program."""
    item, source = run.item, run.item.source
    assert run.rest is not None
    span = run.calls[0].command.span
    between = source.slice(Span(span.end, run.rest.start))
    joined = re.fullmatch(rb"[\s\\]*&&[\s\\]*", between)
    head = source.slice(Span(item.code.start, span.start))
    start = item.code.start + len(item.keyword)
    first = not source.slice(Span(start, span.start)).strip(b" \t\r\n\\")
    if joined is None or not first or len(run.calls) > 1:
        raise CannotReadError("one RUN builds and goes on with the argument", item.code)
    edits = EditSet.of(_shifted(_call_edits(run, run.calls[0], name, values), span.start))
    newline = _newline(source)
    made = head + edits.apply(source.slice(span)) + newline + _line(arg)
    return Edit(Span(item.code.start, run.rest.start), made + head)


def _shifted(edits: Iterable[Edit], start: int) -> Iterator[Edit]:
    """Edits against a slice that begins at `start`."""
    for edit in edits:
        yield Edit(Span(edit.span.start - start, edit.span.end - start), edit.replacement)


def _line(arg: Arg) -> bytes:
    """The ARG with the comments directly above it."""
    comments = arg.source.slice(_comments(arg))
    return comments + arg.source.slice(arg.code) + _newline(arg.source)


def _comments(item: Instruction) -> Span:
    return Span(_before(item).start, item.code.start)


def has_comments(item: Instruction) -> bool:
    """Whether comments stand directly above an instruction."""
    return b"#" in item.source.slice(_comments(item))


def _without(arg: Arg, comments: Span) -> Edit:
    """The ARG's line with comments that go too, and one of two empty lines that would meet."""
    data, start, end = arg.source.data, comments.start, arg.code.end
    following = data.find(b"\n", end)
    end = following + 1 if following >= 0 else len(data)
    above = data[:start].endswith((b"\n\n", b"\r\n\r\n"))
    if above and data[end : end + 1] == b"\n":
        end += 1
    elif above and data[end : end + 2] == b"\r\n":
        end += 2
    return Edit(Span(start, end), b"")


def _before(item: Instruction) -> Span:
    """The place above an instruction and the comments directly above it."""
    data = item.source.data
    start = data.rfind(b"\n", 0, item.code.start) + 1
    while start:
        above = data.rfind(b"\n", 0, start - 1) + 1
        if not data[above:start].lstrip().startswith(b"#"):
            break
        start = above
    return Span(start, start)


def _blanks_before(source: Source, start: int) -> int:
    while source.data[start - 1 : start] in (b" ", b"\t"):
        start -= 1
    return start


def _newline(source: Source) -> bytes:
    return b"\r\n" if b"\r\n" in source.data else b"\n"
