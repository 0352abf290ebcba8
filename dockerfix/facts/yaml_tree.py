"""YAML with places: every node knows its bytes, every scalar maps back to them.

Built on `yaml.compose` and its marks (the C loader where there is one): nothing is ever
printed from the parsed form. Custom tags (`!reference`) are kept as they are. Knows YAML;
knows nothing of GitLab or Compose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dockerfix.text import MappedText, Piece, Source, Span

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 4_000_000
MAX_VISITS = 200_000
"""Nodes that one conversion to data may visit, aliases followed: a bomb stops here."""


class YamlError(Exception):
    """A file that YAML cannot read: `path:line:column`, what is wrong, what to do."""

    def __init__(self, path: str, line: int, column: int, what: str) -> None:
        super().__init__(f"{path}:{line}:{column}: {what}; mend the YAML")
        self.path = path
        self.line = line
        self.column = column
        self.what = what


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar: `text` is its value, `style` one of `'`, `"`, `|`, `>` or empty for plain."""

    file: YamlFile
    text: str
    style: str
    span: Span
    tag: str

    @property
    def mapped(self) -> MappedText:
        """The value with the way back to the file's bytes."""
        return _scalar_text(self)


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping. `aliased` says that the value stands elsewhere."""

    key: Scalar
    value: Node
    aliased: bool

    @property
    def span(self) -> Span:
        """From the key to the end of the value, where the value stands here."""
        return self.key.span if self.aliased else self.key.span.cover(self.value.span)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; `flow` is the `{a: b}` style."""

    file: YamlFile
    entries: tuple[Entry, ...]
    span: Span
    flow: bool
    tag: str

    def entry(self, key: str) -> Entry | None:
        """The last entry of that key written here, merges left out."""
        return next((e for e in reversed(self.entries) if e.key.text == key), None)

    def get(self, key: str) -> Node | None:
        """The value of a key; merged mappings (`<<`) count below the mapping's own keys."""
        return self.resolved.get(key)

    @property
    def resolved(self) -> dict[str, Node]:
        """Keys with values after `<<`.

        Read as Ruby's Psych does, which GitLab uses: entries in order, a later one wins,
        a merge that follows a key overrides it.
        """
        found: dict[str, Node] = {}
        for entry in self.entries:
            if entry.key.text == "<<" and entry.key.style == "":
                value = entry.value
                parts = value.items if isinstance(value, Sequence) else (value,)
                for part in reversed(parts):
                    if isinstance(part, Mapping):
                        found.update(part.resolved)
            else:
                found[entry.key.text] = entry.value
        return found


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence; `aliased` tells for each item whether it stands elsewhere."""

    file: YamlFile
    items: tuple[Node, ...]
    aliased: tuple[bool, ...]
    span: Span
    flow: bool
    tag: str


Node = Scalar | Mapping | Sequence


class YamlFile:
    """A YAML file's documents. Make it with `parse_yaml`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.documents: tuple[Node, ...] = ()

    def __repr__(self) -> str:
        """The path; nodes would print the whole file otherwise."""
        return f"<YamlFile {self.source.path}>"

    @property
    def root(self) -> Mapping | None:
        """The last document when it is a mapping: GitLab puts a `spec:` header before it."""
        last = self.documents[-1] if self.documents else None
        return last if isinstance(last, Mapping) else None

    @cached_property
    def offsets(self) -> list[int] | None:
        """Byte offsets of code points; None when they are the same."""
        data = self.source.data
        if data.isascii():
            return None
        found, at = [], 3 if self.source.bom else 0
        for char in data.decode("utf-8-sig"):
            found.append(at)
            at += len(char.encode())
        found.append(at)
        return found


def parse_yaml(source: Source) -> YamlFile:
    """The nodes of a YAML file; raises `YamlError` for what YAML cannot read."""
    import yaml

    if len(source.data) > MAX_BYTES:
        raise YamlError(source.path, 1, 1, f"larger than {MAX_BYTES} bytes")
    file = YamlFile(source)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = source.data.decode("utf-8-sig")
        roots = list(yaml.compose_all(text, Loader=loader))
    except UnicodeDecodeError as error:
        line, column = source.position(error.start)
        raise YamlError(source.path, line, column, "not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(source.path, line, column, str(error.problem or error.context)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(source.path, 1, 1, str(error).splitlines()[0]) from None
    made: dict[int, Node] = {}
    file.documents = tuple(_node(file, root, made) for root in roots)
    return file


def _node(file: YamlFile, node: yaml.Node, made: dict[int, Node]) -> Node:
    if id(node) in made:
        return made[id(node)]
    import yaml

    span = _span(file, node)
    result: Node
    if isinstance(node, yaml.MappingNode):
        entries = []
        for key, value in node.value:
            key_node = _node(file, key, made)
            if not isinstance(key_node, Scalar):
                key_node = Scalar(file, "", "?", key_node.span, key.tag)
            value_node = _node(file, value, made)
            aliased = not span.contains(value_node.span) or (
                value_node.span.start < key_node.span.end
            )
            entries.append(Entry(key_node, value_node, aliased))
        result = Mapping(file, tuple(entries), span, bool(node.flow_style), node.tag)
    elif isinstance(node, yaml.SequenceNode):
        items = tuple(_node(file, item, made) for item in node.value)
        last = span.start - 1
        aliased_items = []
        for item in items:
            aliased_items.append(not span.contains(item.span) or item.span.start <= last)
            last = max(last, item.span.start) if not aliased_items[-1] else last
        result = Sequence(file, items, tuple(aliased_items), span, bool(node.flow_style), node.tag)
    else:
        result = Scalar(file, str(node.value), getattr(node, "style", None) or "", span, node.tag)
    made[id(node)] = result
    return result


def _span(file: YamlFile, node: yaml.Node) -> Span:
    start, end = node.start_mark.index, node.end_mark.index
    offsets = file.offsets
    if offsets is None:
        return _trimmed(file, Span(start, end), node)
    return _trimmed(file, Span(offsets[start], offsets[min(end, len(offsets) - 1)]), node)


def _trimmed(file: YamlFile, span: Span, node: yaml.Node) -> Span:
    """Block collections end, for YAML, where the next token begins; cut the blanks and
    comments between, so that a span ends with its own last byte."""
    import yaml

    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return span
    last = node.value[-1]
    if isinstance(last, tuple):
        key, value = last
        last = value if value.start_mark.index >= key.end_mark.index else key
    end = last.end_mark.index if last.start_mark.index >= node.start_mark.index else None
    if end is None:
        return Span(span.start, max(span.start, _code_end(file.source.data, span)))
    if isinstance(last, yaml.CollectionNode) and not last.flow_style:
        stop = _span(file, last).end
    else:
        stop = file.offsets[end] if file.offsets is not None else end
    if stop <= span.start or stop > span.end:
        return Span(span.start, _code_end(file.source.data, span))
    return Span(span.start, stop)


def _code_end(data: bytes, span: Span) -> int:
    """The end of the last line inside the span that is neither blank nor a comment."""
    end = span.end
    while end > span.start:
        start = data.rfind(b"\n", span.start, end - 1) + 1 or span.start
        line = data[start:end].strip()
        if line and not line.startswith(b"#"):
            return start + len(data[start:end].rstrip())
        end = start
    return span.end


def to_data(node: Node | None, budget: list[int] | None = None) -> Any:
    """Plain Python data with merges resolved; scalars stay strings, since only equality and
    text matter here. Raises `YamlError` when aliases make the data too large."""
    budget = budget if budget is not None else [MAX_VISITS]
    budget[0] -= 1
    if node is None:
        return None
    if budget[0] < 0:
        line, column = node.file.source.position(node.span.start)
        raise YamlError(node.file.source.path, line, column, "too many aliases")
    if isinstance(node, Scalar):
        return node.text if node.tag.startswith("tag:yaml.org") else (node.tag, node.text)
    if isinstance(node, Sequence):
        items = [to_data(item, budget) for item in node.items]
        return items if node.tag.startswith("tag:yaml.org") else (node.tag, items)
    return {key: to_data(value, budget) for key, value in node.resolved.items()}


def _scalar_text(scalar: Scalar) -> MappedText:
    """Pieces of a scalar's value. What cannot be followed byte by byte maps as a whole."""
    source = scalar.file.source
    make = {"": _plain, "'": _single, '"': _double, "|": _literal, ">": _folded}.get(scalar.style)
    if make is not None:
        mapped = MappedText(make(source.data, scalar.span))
        if mapped.text == scalar.text:
            return mapped
        if mapped.text.rstrip("\n") == scalar.text.rstrip("\n"):
            return MappedText(_fit(list(mapped.pieces), scalar.text))
    return MappedText([Piece(scalar.text, scalar.span, literal=False)])


def _fit(pieces: list[Piece], text: str) -> Iterator[Piece]:
    """Cut the pieces to the length of `text`: block scalars differ in final newlines only."""
    room = len(text)
    for piece in pieces:
        if room <= 0:
            return
        if len(piece.text) <= room:
            yield piece
        else:
            kept = piece.text[:room]
            size = len(kept.encode("utf-8", "surrogateescape"))
            yield Piece(kept, Span(piece.span.start, piece.span.start + size), piece.literal)
        room -= len(piece.text)


def _run(data: bytes, start: int, end: int) -> Piece:
    return Piece(data[start:end].decode("utf-8", "surrogateescape"), Span(start, end))


def _flow(data: bytes, start: int, end: int) -> Iterator[Piece]:
    """Runs of a plain or quoted scalar over several lines: a newline folds to a blank, n
    blank lines to n newlines."""
    at = start
    for match in re.finditer(rb"[ \t]*(\r?\n)([ \t]*\r?\n)*[ \t]*", data[start:end]):
        yield _run(data, at, start + match.start())
        newlines = match[0].count(b"\n")
        folded = " " if newlines == 1 else "\n" * (newlines - 1)
        yield Piece(folded, Span(start + match.start(), start + match.end()), literal=False)
        at = start + match.end()
    yield _run(data, at, end)


def _plain(data: bytes, span: Span) -> Iterator[Piece]:
    return _flow(data, span.start, span.end)


def _single(data: bytes, span: Span) -> Iterator[Piece]:
    for piece in _flow(data, span.start + 1, span.end - 1):
        if "''" not in piece.text:
            yield piece
            continue
        at = piece.span.start
        for match in re.finditer(b"''", data[piece.span.start : piece.span.end]):
            found = piece.span.start + match.start()
            yield _run(data, at, found)
            yield Piece("'", Span(found, found + 2), literal=False)
            at = found + 2
        yield _run(data, at, piece.span.end)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "/": "/", " ": " "}


def _double(data: bytes, span: Span) -> Iterator[Piece]:
    for piece in _flow(data, span.start + 1, span.end - 1):
        if "\\" not in piece.text:
            yield piece
            continue
        at = start = piece.span.start
        while (found := data.find(b"\\", at, piece.span.end)) >= 0:
            yield _run(data, start, found)
            escaped = _ESCAPES.get(data[found + 1 : found + 2].decode("latin-1"), "?")
            yield Piece(escaped, Span(found, found + 2), literal=False)
            at = start = found + 2
        yield _run(data, start, piece.span.end)


def _block_lines(data: bytes, span: Span) -> tuple[list[tuple[int, int]], int]:
    """The content lines of a block scalar without newline, and its indentation."""
    header_end = data.find(b"\n", span.start)
    if header_end < 0 or header_end >= span.end:
        return [], 0
    header = re.search(rb"[1-9]", data[span.start : header_end].split(b"#")[0])
    lines: list[tuple[int, int]] = []
    at = header_end + 1
    while at < span.end:
        end = data.find(b"\n", at, span.end)
        stop = end if end >= 0 else span.end
        lines.append((at, stop - (data[stop - 1 : stop] == b"\r" and stop > at)))
        at = stop + 1
    indents = [
        len(data[start:end]) - len(data[start:end].lstrip(b" "))
        for start, end in lines
        if data[start:end].strip()
    ]
    if header:
        # An explicit indicator counts from the parent's indentation, which the first line
        # minus the spaces that belong to the text gives only together with the value; the
        # caller compares with the value and falls back.
        return lines, indents[0] if indents else 0
    return lines, indents[0] if indents else 0


def _literal(data: bytes, span: Span) -> Iterator[Piece]:
    lines, indent = _block_lines(data, span)
    for start, end in lines:
        begin = min(start + indent, end)
        yield _run(data, begin, end)
        newline_end = data.find(b"\n", end) + 1 or end
        yield Piece("\n", Span(end, newline_end), literal=newline_end - end == 1)


def _folded(data: bytes, span: Span) -> Iterator[Piece]:
    lines, indent = _block_lines(data, span)
    while lines and not data[lines[-1][0] : lines[-1][1]].strip():
        lines.pop()
    for number, (start, end) in enumerate(lines):
        begin = min(start + indent, end)
        yield _run(data, begin, end)
        newline = Span(end, data.find(b"\n", end) + 1 or end)
        if number + 1 == len(lines):
            yield Piece("\n", newline, literal=False)
            return
        following = data[lines[number + 1][0] + indent : lines[number + 1][1]]
        blank_here = not data[start:end].strip()
        more = following[:1] in (b" ", b"\t") or data[begin : begin + 1] in (b" ", b"\t")
        if more or blank_here:
            yield Piece("\n", newline, literal=False)
        elif following.strip():
            yield Piece(" ", newline, literal=False)
