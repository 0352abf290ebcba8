"""Where new options go in a command, and what separates them. Knows words and lines."""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.model import SiteKind, Tool
from dockerfix.rewrite.command.subject import Subject
from dockerfix.text import Edit, Source, Span


def inserted_options(subject: Subject, options: Sequence[str]) -> tuple[str, Edit]:
    """New options before the context; behind the last option where there is none."""
    build = subject.first
    if build.site.kind is SiteKind.PYTHON:
        raise subject.refused(
            "a list of words in Python has no place for new flags that is sure",
            f"add {' '.join(options)} by hand",
        )
    context = build.context_written
    place = context.place if context is not None and build.tool is not Tool.KANIKO else None
    if place is None:
        last = max((o.place.span for o in build.options if o.place is not None), default=None)
        end = last.end if last is not None else subject.place.span.end
        joint = _joint(subject.source, last.start) if last is not None else " "
        text = "".join(joint + option for option in options)
        return subject.place.path, Edit(Span(end, end), text.encode())
    start = _word_start(subject, place.span.start)
    joint = _joint(subject.source, start)
    text = "".join(option + joint for option in options)
    return place.path, Edit(Span(start, start), text.encode())


def _word_start(subject: Subject, context: int) -> int:
    """Where new words go: before the context, or on a line of their own above its line
    when the command stands on several lines."""
    source = subject.source
    line = source.line_of(context)
    if line.start <= subject.place.span.start:
        return context
    text = source.text(Span(line.start, context))
    return line.start + len(text) - len(text.lstrip())


def _joint(source: Source, start: int) -> str:
    """What separates words where `start` begins one: a blank, or a continued line."""
    line = source.line_of(start)
    before = source.text(Span(line.start, start))
    if before.strip() or line.start == 0:
        return " "
    previous = source.text(source.line_of(line.start - 1)).rstrip("\r\n")
    newline = "\r\n" if source.data[line.start - 2 : line.start] == b"\r\n" else "\n"
    if previous.endswith("\\"):
        return f" \\{newline}{before}"
    return f"{newline}{before}"
