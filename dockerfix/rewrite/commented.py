"""Code that is commented out and builds from a named file: keys of Compose files and workflows,
options of build commands.

Somebody takes the mark away one day, and the merged file without a target would be another image.
Knows comments line by line; reads no format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.mentions import PathMention
from dockerfix.facts.repository import Facts
from dockerfix.text import Edit, Source, Span

_MARK = r"(?P<mark>[ \t]*(?:#+|//)[ \t]*)"
_KEY = re.compile(
    _MARK + r"(?:- )?(?P<quote>[\"']?)dockerfile(?P=quote)(?P<sign>:[ \t]+)(?P<open>[\"']?)(?:\./)?"
)
"""What stands before the value of a key that is commented out."""
_OPTION = re.compile(r"[ \t](?:-f|--file|--dockerfile)(?:[ \t]+|=)(?P<open>[\"']?)(?:\./)?")
"""What stands before the value of an option, from somewhere in the line on."""
_TARGET_KEY = re.compile(r"[\"']?target[\"']?:")
_TARGET_OPTION = "--target"
_COMMENT = re.compile(r"[ \t]*(?:#|//)")


def builds_in_comment(facts: Facts, mention: PathMention) -> bool:
    """Whether code that is commented out names the file and a target of it already, so that the
    target of the merged file has no place."""
    source, span = facts.snapshot.source(mention.place.path), mention.place.span
    return _names_file(source, span) and commented_target(source, span, "", "") is None


def commented_target(source: Source, span: Span, successor: str, target: str) -> Edit | None:
    """The edit that writes the successor and its target in a comment; None where the comment is no
    code that builds from the name, or has a target."""
    line = source.line_of(span.start)
    before = source.text(Span(line.start, span.start))
    key = _KEY.fullmatch(before)
    if key is not None:
        beside = _beside(source, span, before[: key.end("mark")])
        rest = source.text(Span(span.end, source.line_of(span.start).end)).strip()
        if any(_TARGET_KEY.match(row) for row in beside) or rest != key["open"]:
            return None
        pad = source.newline.bytes.decode() + before[: key.start("quote")].replace("- ", "  ")
        text = f"{key['quote']}target{key['quote']}{key['sign']}{key['open']}{target}{key['open']}"
        return _written(source, span, successor, key["open"], pad + text)
    option = _option(before)
    if option is None or _TARGET_OPTION in source.text(line):
        return None
    return _written(source, span, successor, option["open"], f" {_TARGET_OPTION} {target}")


def _names_file(source: Source, span: Span) -> bool:
    before = source.text(Span(source.line_of(span.start).start, span.start))
    return _KEY.fullmatch(before) is not None or _option(before) is not None


def _option(before: str) -> re.Match[str] | None:
    """The option of a commented command whose value begins where a text ends."""
    if not _COMMENT.match(before):
        return None
    return next((m for m in _OPTION.finditer(before) if m.end() == len(before)), None)


def _written(source: Source, span: Span, successor: str, quote: str, added: str) -> Edit | None:
    """The successor with what follows its closing quote; None where the quote does not follow."""
    end = span.end + len(quote)
    if source.text(Span(span.end, end)) != quote:
        return None
    return Edit(Span(span.start, end), f"{successor}{quote}{added}".encode())


def _beside(source: Source, span: Span, mark: str) -> Iterator[str]:
    """The keys that stand beside a commented one, without their mark: in the lines of comment
    around it, as far as none is indented less."""
    for step in (-1, 1):
        line = source.line_of(span.start)
        while 0 <= (at := line.start - 1 if step < 0 else line.end) < len(source.data):
            line = source.line_of(at)
            text = source.text(line)
            if not text.startswith(mark):
                break
            if not text[len(mark) :].startswith(" "):
                yield text[len(mark) :].removeprefix("- ")
