"""YAML with places: every node knows its bytes, every scalar maps back to them.

Built on `yaml.compose` and its marks (the C loader where there is one): nothing is ever
printed from the parsed form. Custom tags (`!reference`) are kept as they are. Knows YAML;
knows nothing of GitLab or Compose.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.syntax.yaml.scalar import scalar_text
from dockerfix.text import MappedText, Source, Span, UnreadableError
from dockerfix.text.values import Keyed

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 4_000_000
MAX_NODES = 200_000
"""Nodes that a document may have once every alias is written out: a bomb stops here."""


class YamlError(UnreadableError):
    """A file that YAML cannot read: `path:line:column`, what is wrong, what to do."""

    def __init__(self, path: str, line: int, column: int, what: str) -> None:
        action = "save the file as UTF-8" if what == "not UTF-8" else "correct the YAML"
        super().__init__(f"{path}:{line}:{column}", what, action)
        self.path = path
        self.line = line
        self.column = column


class Scalar(Struct, frozen=True):
    """A scalar: `text` is its value, `style` one of `'`, `"`, `|`, `>` or empty for plain.

    `span` holds the quotes or the `|` of a block, but neither an anchor nor a tag before it,
    and ends with the last byte that is not blank.
    """

    file: YamlFile
    text: str
    style: str
    span: Span
    tag: str

    @property
    def mapped(self) -> MappedText:
        """The value with the way back to the file's bytes."""
        return scalar_text(self.file.source.data, self.span, self.style, self.text)


class Entry(Struct, frozen=True):
    """One `key: value` of a mapping. `aliased` says that the value is written elsewhere."""

    key: Scalar
    value: Node
    aliased: bool

    @property
    def span(self) -> Span:
        """From the key to the end of the value, where the value stands here."""
        return self.key.span if self.aliased else self.key.span.cover(self.value.span)


class Mapping(Keyed, frozen=True, eq=False):
    """A mapping; `flow` is the `{a: b}` style.

    `span` begins with the anchor or tag, if any, and ends with the last byte of its last
    value (or of the alias that stands there): no comment or blank line behind it belongs to it.
    """

    aside = ("_resolved",)

    file: YamlFile
    entries: tuple[Entry, ...]
    span: Span
    flow: bool
    tag: str
    _resolved: list[dict[str, Node]] = field(default_factory=list)

    def with_entries(self, entries: tuple[Entry, ...]) -> Mapping:
        """The same mapping with other entries."""
        return replace(self, entries=entries, _resolved=[])

    def entry(self, key: str) -> Entry | None:
        """The last entry of that key written here, merges left out."""
        return next((e for e in reversed(self.entries) if e.key.text == key), None)

    def get(self, key: str) -> Node | None:
        """The value of a key; merged mappings (`<<`) count below the mapping's own keys."""
        return self.resolved.get(key)

    @property
    def resolved(self) -> dict[str, Node]:
        """Keys with values after `<<`; made once, not to be changed.

        By the YAML specification a mapping's own keys win over merged ones. Ruby's Psych,
        with which GitLab reads (`YamlFile.psych`), takes the entries in order: a merge that
        follows a key overrides it. In a list of merges the first wins in both.
        """
        if not self._resolved:
            self._resolved.append(self._merge())
        return self._resolved[0]

    def _merge(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for entry in self.entries:
            if entry.key.text == "<<" and entry.key.style == "":
                value = entry.value
                for part in reversed(value.items if isinstance(value, Sequence) else (value,)):
                    found.update(part.resolved if isinstance(part, Mapping) else {})
            else:
                found[entry.key.text] = own[entry.key.text] = entry.value
        return found if self.file.psych else {**found, **own}


class Sequence(Struct, frozen=True):
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

    def __init__(self, source: Source, psych: bool = False) -> None:
        self.source = source
        self.psych = psych
        """Whether merge keys are read as GitLab's reader does; see `Mapping.resolved`."""
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
    """The nodes of a YAML (or JSON) file; raises `YamlError` for what YAML cannot read, for an
    alias that holds itself, and for aliases that multiply beyond `MAX_NODES`."""
    return _parse(YamlFile(source))


def parse_gitlab_yaml(source: Source) -> YamlFile:
    """The same, with merge keys read as GitLab reads them."""
    return _parse(YamlFile(source, psych=True))


def _parse(file: YamlFile) -> YamlFile:
    import yaml

    source = file.source
    if len(source.data) > MAX_BYTES:
        raise YamlError(source.path, 1, 1, f"larger than {MAX_BYTES} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = source.data.decode("utf-8-sig")
        roots = list(yaml.compose_all(text, Loader=loader))
        builder = _Builder(file)
        file.documents = tuple(builder.node(root) for root in roots)
    except UnicodeDecodeError as error:
        raise _error(source, error.start, "not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(source.path, line, column, str(error.problem or error.context)) from None
    except yaml.reader.ReaderError as error:
        at = min(error.position + (3 if source.bom else 0), len(source.data))
        raise _error(source, at, str(error.reason)) from None
    except RecursionError:
        raise YamlError(source.path, 1, 1, "nested too deeply") from None
    return file


def _error(source: Source, offset: int, what: str) -> YamlError:
    return YamlError(source.path, *source.position(offset), what)


_PROPERTIES = re.compile(rb"(?:[&!]\S*+[ \t]*(?:#[^\n]*+)?(?:\r?\n[ \t]*)*)+")
_ALIAS = re.compile(rb"\*[^\s,\]}]+")


class _Builder:
    """Makes our nodes from PyYAML's, each once. Private to `_parse`."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file
        self.data = file.source.data
        self.made: dict[int, Node] = {}
        self.weights: dict[int, int] = {}
        self.open: set[int] = set()

    def node(self, node: yaml.Node) -> Node:
        """The node and all below it; raises `YamlError` for cycles and bombs."""
        key = id(node)
        if key in self.made:
            return self.made[key]
        if key in self.open:
            raise self.refused(node, "an alias that holds itself")
        self.open.add(key)
        made, children = self.build(node)
        self.open.discard(key)
        self.weights[key] = 1 + sum(self.weights[id(child)] for child in children)
        if self.weights[key] > MAX_NODES:
            raise self.refused(node, f"aliases that make more than {MAX_NODES} nodes")
        self.made[key] = made
        return made

    def build(self, node: yaml.Node) -> tuple[Node, list[yaml.Node]]:
        """One node, and PyYAML's nodes below it."""
        import yaml

        if isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
            return self.mapping(node), children
        if isinstance(node, yaml.SequenceNode):
            return self.sequence(node), list(node.value)
        return self.scalar(cast("yaml.ScalarNode", node)), []

    def refused(self, node: yaml.Node, what: str) -> YamlError:
        """An error at a node."""
        return _error(self.file.source, self.offset(node.start_mark.index), what)

    def offset(self, index: int) -> int:
        """The byte offset of a mark, which counts code points."""
        offsets = self.file.offsets
        return index if offsets is None else offsets[min(index, len(offsets) - 1)]

    def span(self, node: yaml.Node) -> Span:
        """What PyYAML says: a block collection reaches to the next token."""
        return Span(self.offset(node.start_mark.index), self.offset(node.end_mark.index))

    def scalar(self, node: yaml.ScalarNode) -> Scalar:
        """A scalar without its anchor and tag, and without blank lines behind it."""
        start, end = self.span(node)
        style = getattr(node, "style", None) or ""
        if self.data[start : start + 1] in (b"&", b"!"):
            found = _PROPERTIES.match(self.data, start, end)
            start = found.end() if found else start
        if style in ("|", ">"):
            end = start + len(self.data[start:end].rstrip())
        return Scalar(self.file, str(node.value), style, Span(start, end), node.tag)

    def mapping(self, node: yaml.MappingNode) -> Mapping:
        """A mapping; a value that begins before the end of its key is an alias."""
        span = self.span(node)
        entries = []
        for key, value in node.value:
            key_node = self.node(key)
            if not isinstance(key_node, Scalar):
                key_node = Scalar(self.file, "", "?", key_node.span, key.tag)
            value_node = self.node(value)
            aliased = value_node.span.start < key_node.span.end
            entries.append(Entry(key_node, value_node, aliased))
        end = span.end
        if entries and not node.flow_style:
            last = entries[-1]
            start = last.key.span.end if last.key.span.start >= span.start else span.start
            end = self.alias_end(start, span.end) if last.aliased else last.value.span.end
            end = max(end, last.key.span.end)
        return Mapping(
            self.file, tuple(entries), Span(span.start, end), bool(node.flow_style), node.tag
        )

    def sequence(self, node: yaml.SequenceNode) -> Sequence:
        """A sequence; an item that begins before the end of the items before it is an alias."""
        span = self.span(node)
        items = tuple(self.node(item) for item in node.value)
        aliased = []
        at = span.start
        for item in items:
            aliased.append(item.span.start < at)
            at = max(at, item.span.end)
        end = span.end
        if items and not node.flow_style:
            end = self.alias_end(at, span.end) if aliased[-1] else items[-1].span.end
        return Sequence(
            self.file, items, tuple(aliased), Span(span.start, end), bool(node.flow_style), node.tag
        )

    def alias_end(self, start: int, end: int) -> int:
        """The end of the last `*alias` between two offsets, comments left out."""
        found = at = start
        while at < end:
            stop = self.data.find(b"\n", at, end) + 1 or end
            line = self.data[at:stop]
            match = None if line.lstrip().startswith(b"#") else _ALIAS.search(line)
            found = at + match.end() if match else found
            at = stop
        return found


def to_data(node: Node | None) -> Any:
    """Plain Python data with merges resolved; scalars stay strings, since only equality and
    text matter here. A custom tag makes a pair of the tag and the data."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return node.text if node.tag.startswith("tag:yaml.org") else (node.tag, node.text)
    if isinstance(node, Sequence):
        items = [to_data(item) for item in node.items]
        return items if node.tag.startswith("tag:yaml.org") else (node.tag, items)
    return {key: to_data(value) for key, value in node.resolved.items()}
