"""The argument of a call that a part of a word comes from: only its text changes.

Of `"${context}/${dockerfile}"` the file's name is an argument already, so that the function needs
no further parameter for it. Knows words and calls; knows nothing of what options mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerfix.facts.model import Build, Call, Value
from dockerfix.rewrite.command.functions import named_parameters
from dockerfix.rewrite.command.subject import Subject
from dockerfix.rewrite.wanted import Edits
from dockerfix.text import Edit, Place, Span


def at_arguments(subject: Subject, values: Sequence[Value], texts: Sequence[str]) -> Edits | None:
    """Edits of the arguments from which a part of a word comes; None where no part of the word
    alone makes the difference, or where another word takes that part too."""
    call = subject.first.calls[-1] if subject.first.calls else None
    if call is None:
        return None
    numbers = named_parameters(subject.facts, call)
    for name in values[0].written_variables:
        number = numbers.get(name, 0)
        if not number or any(_feeds_more(change.build, name) for change in subject.changes):
            continue
        if not _is_read_here_alone(subject, call, name, number):
            continue
        found = _arguments(subject, name, number, values, texts)
        if found is not None:
            return [(place.path, _edit(subject, place, text)) for place, text in found.items()]
    return None


def _arguments(
    subject: Subject, name: str, number: int, values: Sequence[Value], texts: Sequence[str]
) -> dict[Place, str] | None:
    """What the argument of that number must be in each call; None where one is hidden."""
    found: dict[Place, str] = {}
    for change, value, text in zip(subject.changes, values, texts, strict=True):
        call = change.build.calls[-1] if change.build.calls else None
        new = _part(change.build, value, name, text)
        place = call.arguments[number - 1] if call and number <= len(call.arguments) else None
        if new is None or place is None or found.setdefault(place, new) != new:
            return None
        written = subject.facts.snapshot.source(place.path).text(place.span).strip("\"'")
        if written != change.build.variables.get(name):
            return None
    return found


def _part(build: Build, value: Value, name: str, text: str) -> str | None:
    """What a variable must hold so that the word is the text, in which the others may stand as
    they are written."""
    mark = "\0"
    written = value.inside.replace("${" + name + "}", mark).replace(f"${name}", mark)
    held = written
    for other in sorted(value.written_variables, key=len, reverse=True):
        known = build.variables.get(other, "")
        held = held.replace("${" + other + "}", known).replace(f"${other}", known)
    for plain in (written, held):
        head, found, tail = plain.partition(mark)
        part = text[len(head) : len(text) - len(tail)]
        if found and mark not in tail and text == head + part + tail and part.strip("/"):
            return part if not {"$", '"', "'", " "} & {*part} else None
    return None


def _is_read_here_alone(subject: Subject, call: Call, name: str, number: int) -> bool:
    """Whether nothing in the function reads a parameter but the command and messages."""
    source, body = subject.facts.snapshot.source(call.body.path), call.body.span
    if subject.place.path != source.path:
        return False
    own = re.compile(rf"\$(?:{number}(?!\d)|\{{{number}(?!\d))".encode())
    named = re.compile(rf"\$\{{?{name}(?!\w)".encode())
    taken = sum(1 for _ in own.finditer(source.data, body.start, body.end))
    for match in named.finditer(source.data, body.start, body.end):
        span = Span(*match.span())
        line = source.text(source.line_of(span.start)).split()
        if not subject.place.span.contains(span) and line[:1] not in (["echo"], ["printf"]):
            return False
    return taken == 1


def _feeds_more(build: Build, name: str) -> bool:
    """Whether more than one word of the command takes a variable."""
    words = [option.value for option in build.options if option.value is not None]
    words += [word for word in (build.context_written, *build.tags) if word is not None]
    places = {word.place for word in words if name in word.written_variables}
    return len(places) > 1


def _edit(subject: Subject, place: Place, text: str) -> Edit:
    """An argument in the quotes in which it stands."""
    data, span = subject.facts.snapshot.source(place.path).data, place.span
    if data[span.start : span.start + 1] in (b'"', b"'"):
        span = Span(span.start + 1, span.end - 1)
    return Edit(span, text.encode())
