"""Code of documents that builds from a file and is no command that is read: snippets of Compose
files, of Tiltfiles, of workflows and of bake files.

The merged file without a target would be another image, so that a target goes beside the name
where the snippet's format has a key for it. Knows how snippets write keys; reads no format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dockerfix.facts.builds.files.unread import BUILD_TEXT
from dockerfix.facts.mentions import PathMention
from dockerfix.facts.repository import Facts
from dockerfix.syntax.markdown import code
from dockerfix.text import Edit, Source, Span

_MARKED = (".md", ".markdown", ".rst", ".txt")
_KEY = re.compile(
    r"(?i)(?:^|[\s{(,])(?P<quote>[\"']?)(?P<name>[\w.-]*docker[-_]?file[\w-]*|file)(?P=quote)"
    r"(?P<sign>\s*[:=]\s*)(?P<open>[\"']?)(?:\./)?$"
)
"""What stands before a value that names a Dockerfile, on its line."""
_TARGET = re.compile(r"\btarget[\"']?\s*[:=]")
_ACTION = "build-push-action"


def lacks_target(facts: Facts, mention: PathMention) -> bool:
    """Whether code of a document builds from the named file, in a place that no target can be
    written beside."""
    source = facts.snapshot.source(mention.place.path)
    block = _block(source, mention.place.span)
    if block is None or not _builds(source, block, mention.place.span):
        return False
    return _addition(source, block, mention.place.span, "") is None


def with_target(source: Source, span: Span, successor: str, target: str) -> Edit | None:
    """The edit that writes the successor and its target; None where the span is no snippet's."""
    block = _block(source, span)
    added = _addition(source, block, span, target) if block is not None else None
    if added is None:
        return None
    whole = Span(span.start, added.span.start)
    rest = source.text(Span(span.end, added.span.start))
    return Edit(whole, f"{successor}{rest}".encode() + added.replacement)


def _block(source: Source, span: Span) -> Span | None:
    """The code around a span, which is more than the name; any text where code is not told."""
    if not source.path.endswith((*_MARKED, ".adoc")):
        return None
    try:
        spans: Iterable[Span] = code(source) if source.path.endswith(_MARKED) else ()
        found = next((block for block in spans if block.contains(span)), None)
    except UnicodeDecodeError:
        return None
    if source.path.endswith(".adoc"):
        found = Span(0, len(source.data))
    return found if found is not None and source.text(found).strip() != source.text(span) else None


def _builds(source: Source, block: Span, span: Span) -> bool:
    """Whether the code looks as if it built from the name: a key that holds Dockerfiles, or the
    name in a build command."""
    before = _before(source, block, span)
    if before.lstrip().startswith(("#", "//")) or " # " in before or " // " in before:
        return False
    return _key(source, block, span) is not None or (
        BUILD_TEXT.search(_statement(source, block, span)) is not None
    )


def _key(source: Source, block: Span, span: Span) -> re.Match[str] | None:
    found = _KEY.search(_before(source, block, span))
    if found is None or (found["name"] == "file" and _ACTION not in source.text(block)):
        return None
    return found


def _before(source: Source, block: Span, span: Span) -> str:
    return source.text(Span(max(source.line_of(span.start).start, block.start), span.start))


def _statement(source: Source, block: Span, span: Span) -> str:
    """The line of a span, with those that continue it."""
    first = last = source.line_of(span.start)
    while first.start > block.start:
        above = source.line_of(first.start - 1)
        if not source.text(above).rstrip().endswith("\\"):
            break
        first = above
    while source.text(last).rstrip().endswith("\\") and last.end < block.end:
        last = source.line_of(last.end)
    whole = Span(max(first.start, block.start), min(last.end, block.end))
    return source.text(whole).replace("\\\n", " ")


def _addition(source: Source, block: Span, span: Span, target: str) -> Edit | None:
    """The target as one more key behind the value; None where the code has no place for it, or
    gives a target that may be this build's."""
    key = _key(source, block, span)
    if key is None or key["name"] not in ("dockerfile", "file"):
        return None
    rest = source.text(Span(span.end, source.line_of(span.start).end))
    quote = key["open"]
    if _is_inline(source, block):
        return Edit(Span(block.end + 1, block.end + 1), f" (target `{target}`)".encode())
    if source.data[: block.start].endswith(b"`"):
        return None  # code within a line has no room for a key
    if _TARGET.search(source.text(block)) or not rest.startswith(quote):
        return None
    head = _before(source, block, span)[: key.start("quote")]
    alone = not head.strip(" \t-")
    comma = _comma(_bracket(source, block, span), key["sign"].strip(), alone)
    if comma is None or (not comma and rest[len(quote) :].partition("#")[0].strip()):
        return None
    pad = source.newline.bytes.decode() + head.replace("-", " ") if alone else " "
    written = f"{key['quote']}target{key['quote']}{key['sign']}{quote}{target}{quote}"
    # A comment stays with the line that it ends.
    at = span.end + len((quote if comma else rest.rstrip()).encode())
    return Edit(Span(at, at), f"{comma}{pad}{written}".encode())


def _is_inline(source: Source, block: Span) -> bool:
    """Whether code stands between two single backquotes of a line."""
    before, after = source.data[: block.start][-2:], source.data[block.end : block.end + 2]
    return before[-1:] == after[:1] == b"`" and b"``" not in (before, after)


def _comma(bracket: str, sign: str, alone: bool) -> str | None:
    """What parts two keys within a bracket; None where a key cannot follow. A call has commas
    and `=`, JSON and a flow mapping have commas and `:`; lines part those of YAML and HCL."""
    if (bracket, sign) in (("(", "="), ("{", ":")):
        return ","
    return "" if alone and (bracket, sign) in (("", ":"), ("{", "=")) else None


def _bracket(source: Source, block: Span, span: Span) -> str:
    """The innermost bracket that is open before a span; "" for none."""
    opened: list[str] = []
    for sign in source.text(Span(block.start, span.start)):
        if sign in "({[":
            opened.append(sign)
        elif sign in ")}]" and opened:
            opened.pop()
    return opened[-1] if opened else ""
