"""Calls of `docker_build` in a Tiltfile: another Dockerfile and target.

Follows Tilt's API reference: `dockerfile` counts from the Tiltfile's folder, `only` takes files
out of the context. Knows the call's arguments; knows no other Starlark.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from dockerfix.facts.model import Tool, Value
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Change, Edits, Refused
from dockerfix.text import Edit, Source, Span, relative_path

_QUOTES = ("'", '"')


def set_tilt(facts: Facts, change: Change, every: Sequence[Change]) -> Edits:
    """Edits of one call; `every` are all changes that are asked for.

    Raises `Refused` for values that are not written in the call, and where the calls send
    different files: a joint builder needs what each of them sends.
    """
    build, wanted = change.build, change.wanted
    place = build.site.place
    source = facts.snapshot.source(place.path)
    given = _keywords(source.text(place.span))
    sent = {_sent(facts, c) for c in every if c.build.tool is Tool.TILT}
    if given is None or "dockerfile_contents" in given or len(sent) > 1:
        what = "the calls send different files (`only`, `ignore`)"
        raise Refused(place, what, "give all calls the same lists")
    if wanted.arguments or wanted.named_contexts or wanted.context not in (None, build.context):
        raise Refused(place, "it needs more than a Dockerfile and a target", "add it by hand")
    if build.dockerfile_written is None or (build.target is None and "target" in given):
        raise Refused(place, "the call leaves the Dockerfile to its default", "write it out")
    path = relative_path(wanted.dockerfile, build.folder)
    edits = list(_edits(source, change, build.dockerfile_written, path))
    return [(place.path, edit) for edit in edits]


def _sent(facts: Facts, change: Change) -> tuple[str, ...]:
    """What a call says of the files that it sends."""
    place = change.build.site.place
    given = _keywords(facts.snapshot.source(place.path).text(place.span)) or {}
    return tuple(given.get(name, "") for name in ("only", "ignore"))


def _edits(source: Source, change: Change, file: Value, path: str) -> Iterator[Edit]:
    literal = _literal(source, change, file)
    dotted = "./" if file.text.startswith("./") else ""
    yield _text(source, literal, f"{dotted}{path}")
    wanted, target = change.wanted.target, change.build.target
    if wanted is not None and target is not None:
        yield _text(source, _literal(source, change, target), wanted)
    elif wanted is not None:
        quote = source.text(Span(literal.start, literal.start + 1))
        line = source.line_of(literal.start)
        before = source.text(Span(line.start, literal.start))
        alone = before.strip().replace(" ", "") == "dockerfile="
        newline = source.newline.bytes.decode()
        pad = f"{newline}{before[: len(before) - len(before.lstrip())]}" if alone else " "
        added = f",{pad}target={quote}{wanted}{quote}".encode()
        yield Edit(Span(literal.end, literal.end), added)


def _literal(source: Source, change: Change, value: Value) -> Span:
    """The string that holds a value, with its quotes."""
    place, call = value.place, change.build.site.place
    if value.variables or place is None or not call.span.contains(place.span):
        raise Refused(call, "a value of the call is made elsewhere", "write it out")
    span = place.span
    for found in (span, Span(span.start - 1, span.end + 1)):
        text = source.text(found)
        if text[:1] in _QUOTES and text == f"{text[:1]}{value.text}{text[:1]}":
            return found
    raise Refused(call, "a value of the call is put together", "write it out")


def _text(source: Source, literal: Span, text: str) -> Edit:
    quote = source.text(Span(literal.start, literal.start + 1))
    return Edit(literal, f"{quote}{text}{quote}".encode())


def _keywords(text: str) -> dict[str, str] | None:
    """The arguments of a call by name; None where the call cannot be read."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(node, ast.Call) or any(arg.arg is None for arg in node.keywords):
        return None
    return {arg.arg: ast.dump(arg.value) for arg in node.keywords if arg.arg is not None}
