"""Lines of a CODEOWNERS file that come to name one path: one line with the owners of all.

The last line that matches decides, so that the owners of those before it would go. Follows "About
code owners" of GitHub and "Code Owners" of GitLab, whose sections count each for itself. Knows
lines and owners; knows nothing of what the paths are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.facts.mentions import PathMention
from dockerfix.text import Edit, Source, Span

OWNERS = "CODEOWNERS"


def united_owners(source: Source, mentions: Sequence[PathMention]) -> Iterator[Edit]:
    """Edits of the lines whose patterns become equal; mentions elsewhere are left to others."""
    lines: dict[tuple[int, str], list[PathMention]] = {}
    for mention in sorted(mentions, key=lambda mention: mention.place.span):
        start = source.line_of(mention.place.span.start).start
        if source.text(Span(start, mention.place.span.start)).strip() == "":
            key = (_section(source, start), mention.successor or "")
            lines.setdefault(key, []).append(mention)
    for (_, successor), (first, *others) in lines.items():
        if not others:
            continue
        mine = _owners(source, first)
        more = [name for other in others for name in _owners(source, other)]
        added = [name for name in dict.fromkeys(more) if name not in mine]
        span = first.place.span
        text = _said(source, first)
        end = span.end + len(text.encode())
        written = "".join(f" {name}" for name in added)
        yield Edit(Span(span.start, end), f"{successor}{text}{written}".encode())
        yield from (Edit(source.line_of(other.place.span.start), b"") for other in others)


def _section(source: Source, offset: int) -> int:
    """The number of the section that a line stands in."""
    lines = source.text(Span(0, offset)).split("\n")
    return sum(line.startswith(("[", "^[")) for line in lines)


def _said(source: Source, mention: PathMention) -> str:
    """What stands behind the path, without a comment."""
    span = mention.place.span
    text = source.text(Span(span.end, source.line_of(span.start).end))
    return text.partition("#")[0].rstrip()


def _owners(source: Source, mention: PathMention) -> list[str]:
    return _said(source, mention).split()
