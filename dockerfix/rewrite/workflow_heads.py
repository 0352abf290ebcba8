"""What jobs of a GitHub workflow are called, and the head of the job that they become.

The title, the limit of time, the comments, and a word for each row that tells it from the
others. Knows the keys of a job beside its steps; knows no step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from dockerfix.facts.builds.github.expressions import in_row
from dockerfix.facts.builds.github.matrix import rows
from dockerfix.rewrite.wanted import Refused
from dockerfix.rewrite.yaml_edits import column, comments_above, entry_lines, quoted
from dockerfix.syntax.yaml.tree import Entry, Scalar
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import Edit, Span

_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LIMITS = "the jobs' limits of time differ in kind"


class Part(Struct, frozen=True):
    """A job, or the rows of its matrix that become steps."""

    entry: Entry
    rows: tuple[dict[str, Scalar], ...]


def rows_of(entry: Entry) -> list[dict[str, Scalar]]:
    """The rows of a job's matrix, one without values where there is none."""
    return rows(entry.value) if isinstance(entry.value, YamlMapping) else [{}]


def labels_for(parts: Sequence[Part]) -> list[str]:
    """A word that tells each row of each job from the others: a value of the matrix, the part
    of the jobs' names that differs, else a number."""
    if len(parts) == 1:
        found = _by_value(parts[0].rows)
    else:
        found = [part.entry.key.text for part in parts for _ in part.rows]
        found = [word or name for word, name in zip(differing(found), found, strict=True)]
    if len(set(found)) == len(found):
        return found
    return [str(number) for number, _ in enumerate(found, 1)]


def _by_value(found: Sequence[Mapping[str, Scalar]]) -> list[str]:
    for key in found[0] if found else ():
        words = [row[key].text if key in row else "" for row in found]
        if len(set(words)) == len(words) and all(map(_LABEL.fullmatch, words)):
            return [word.replace(".", "-") for word in words]
    return []


def differing(names: Sequence[str]) -> list[str]:
    """What of each name is its own."""
    head = shared_words(names)
    tail = shared_words([name[len(head) :][::-1] for name in names])
    return [name[len(head) : len(name) - len(tail)] for name in names]


def shared_words(names: Sequence[str]) -> str:
    """What all names begin with, cut behind its last separator."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    end = next((n for n, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[: max(first[:end].rfind(sign) for sign in " -_") + 1]


def head_edits(parts: Sequence[Part], name: str) -> Iterator[Edit]:
    """The first job's name, without its matrix, with the time of all rows."""
    entries = [part.entry for part in parts]
    first, source = entries[0], entries[0].key.file.source
    body = first.value
    if not isinstance(body, YamlMapping):
        return
    comments = _comments(entries)
    if comments:
        line = source.line_of(first.key.span.start).start
        yield Edit(Span(line, line), comments)
    if name != first.key.text:
        yield Edit(first.key.span, name.encode())
    title = body.get("name")
    if isinstance(title, Scalar):
        yield from _titled(title, parts)
    strategy = body.entry("strategy")
    if strategy is not None:
        lines = entry_lines(strategy)
        yield Edit(Span(lines.start, _behind(lines.end, body)), b"")
    limit = body.get("timeout-minutes")
    if isinstance(limit, Scalar):
        # GitHub takes a number here, and no text in quotes.
        yield Edit(limit.span, _minutes(limit, parts).encode())
    elif any(_value(entry, "timeout-minutes") is not None for entry in entries):
        raise Refused(source.place(first.key.span), _LIMITS, "align them")


def _comments(entries: Sequence[Entry]) -> bytes:
    """The comments above the jobs that go, which the first one has not."""
    source = entries[0].key.file.source
    first, *others = (
        source.slice(comments_above(source, line.start)).splitlines(keepends=True)
        for line in (source.line_of(entry.key.span.start) for entry in entries)
    )
    found = dict.fromkeys(line for lines in others for line in lines)
    return b"".join(line for line in found if line not in first)


def _behind(end: int, body: YamlMapping) -> int:
    """The end of what goes, with the comments and blank lines that lie inside of the
    matrix before the next key."""
    source = body.file.source
    starts = [source.line_of(e.key.span.start).start for e in body.entries]
    after = min((start for start in starts if start >= end), default=end)
    indent = column(source, body.entries[0].key.span.start)
    while end < after:
        line = source.line_of(end)
        text = source.text(line)
        deeper = len(text) - len(text.lstrip()) > indent
        if text.strip() and not deeper:
            break
        end = line.end
    return end


def _titled(title: Scalar, parts: Sequence[Part]) -> Iterator[Edit]:
    """The title of the joined job: what the titles say of every row."""
    texts = []
    for part in parts:
        node = _value(part.entry, "name")
        text = node.text if node is not None else part.entry.key.text
        texts += [in_row(text, row) for row in part.rows]
    words = list(dict.fromkeys(differing(texts)))
    head = shared_words(texts)
    tail = texts[0][len(head) + len(words[0]) :] if words else ""
    new = f"{head}{', '.join(words)}{tail}" if len(set(texts)) > 1 else texts[0]
    if new == title.text and len(parts[0].rows) < len(rows_of(parts[0].entry)):
        new = f"{new} (Rust)"
    if new != title.text:
        plain = re.fullmatch(r"[\w][\w ./()+&,-]*", new)
        style = title.style
        yield Edit(title.span, (new if plain and not style else quoted(new, style)).encode())


def _minutes(limit: Scalar, parts: Sequence[Part]) -> str:
    """The time that all rows may take, one after the other."""
    total = 0
    for part in parts:
        node = _value(part.entry, "timeout-minutes")
        if node is None or not node.text.isdecimal():
            place = limit.file.source.place(limit.span)
            raise Refused(place, _LIMITS, "align them")
        total += int(node.text) * len(part.rows)
    return str(total)


def _value(entry: Entry, key: str) -> Scalar | None:
    body = entry.value
    node = body.get(key) if isinstance(body, YamlMapping) else None
    return node if isinstance(node, Scalar) else None
