"""A second, independent reading of a Dockerfile: dockerfile-parse against our tree.

dockerfile-parse knows instructions, their lines and their joined values; it knows no heredoc
and no byte order mark, so it gets the text without the mark and with heredoc bodies blanked,
the lines kept. The gate demands that it agrees after a patch wherever it agreed before: an
error that our own parser shares with our own edits does not pass unseen. Knows one tree;
reads nothing from the disk or the environment.

It never agrees on a blank line or the end of the file inside a continuation, a keyword that
a continuation splits or that stands alone at the end of the file, a doubled escape character
at the end of a line, a no-break space behind a keyword, and an `escape` directive below a
`check` directive.
"""

from __future__ import annotations

from io import BytesIO
from itertools import chain
from typing import NamedTuple

from dockerfix.syntax.dockerfile import Blank, Comment, Directive, Dockerfile, Instruction
from dockerfix.text import Span
from dockerfix.text.source import BOM

_COMMENT = "COMMENT"


class Reading(NamedTuple):
    """One item as both readers can tell it: lines from 1, the value without outer blanks."""

    first_line: int
    last_line: int
    keyword: str
    value: str

    def __str__(self) -> str:
        """The keyword, its lines and the start of its value."""
        value = self.value if len(self.value) <= 60 else self.value[:57] + "..."
        return f"{self.keyword} {value!r} on lines {self.first_line}-{self.last_line}"


def disagreements(tree: Dockerfile) -> tuple[str, ...]:
    """Where dockerfile-parse reads other instructions or comments than our tree, one line
    each; empty when both agree on keyword, first and last line, and joined value."""
    ours = {reading.first_line: reading for reading in _ours(tree)}
    theirs = {reading.first_line: reading for reading in _theirs(tree)}
    return tuple(
        f"line {line}: dockerfile-parse reads {theirs.get(line, 'nothing')}, "
        f"dockerfix {ours.get(line, 'nothing')}"
        for line in sorted({*ours, *theirs})
        if ours.get(line) != theirs.get(line)
    )


def _ours(tree: Dockerfile) -> list[Reading]:
    readings: list[Reading] = []
    for item in tree.items:
        if isinstance(item, Instruction):
            command = _without_bodies(item)
            value = item.line.strip()[len(item.keyword) :].strip()
            readings.append(_reading(tree, command, item.keyword, value))
            readings += (_comment(tree, comment) for comment in item.inner_comments)
        elif not isinstance(item, Blank):
            readings.append(_comment(tree, item))
    return readings


def _without_bodies(item: Instruction) -> Span:
    """The bytes of the command: heredoc bodies are hidden from the other reader."""
    return Span(
        item.span.start, item.heredocs[0].body_span.start if item.heredocs else item.span.end
    )


def _comment(tree: Dockerfile, item: Comment | Directive) -> Reading:
    text = tree.source.text(item.span).strip().removeprefix("#").strip()
    return _reading(tree, item.span, _COMMENT, text)


def _reading(tree: Dockerfile, span: Span, keyword: str, value: str) -> Reading:
    position = tree.source.position
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Reading(position(span.start).line, position(span.end - 1).line, keyword, value)


def _theirs(tree: Dockerfile) -> list[Reading]:
    from dockerfile_parse import DockerfileParser

    parser = DockerfileParser(fileobj=BytesIO(_shown(tree)), env_replace=False)
    return [
        Reading(
            found["startline"] + 1,
            found["endline"] + 1,
            found["instruction"],
            found["value"].strip(),
        )
        for found in parser.structure
    ]


def _shown(tree: Dockerfile) -> bytes:
    """What the other reader is given: as many lines as the file, in UTF-8."""
    data = tree.source.data
    kept: list[bytes] = []
    at = len(BOM) if data.startswith(BOM) else 0
    bodies = chain.from_iterable(item.heredocs for item in tree.instructions)
    for doc in bodies:
        end = doc.marker_span.end
        kept += (
            data[at : doc.body_span.start],
            b"\n" * data.count(b"\n", doc.body_span.start, end),
        )
        at = end
    kept.append(data[at:])
    return b"".join(kept).decode("utf-8", "replace").encode()
