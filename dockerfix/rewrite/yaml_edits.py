"""Keys and items of a YAML file, put in, replaced and taken out as text.

The file is never printed from its parsed form: an edit is a span of its bytes, written in the
indentation, quoting and newline style of the place. Knows YAML's layout; knows no schema.
"""

from __future__ import annotations

import re

from dockerfix.rewrite.wanted import Refused
from dockerfix.syntax.yaml.tree import Entry, Mapping, Node, Scalar, Sequence, YamlFile
from dockerfix.text import Edit, Source, Span

_PLAIN = re.compile(r"^[A-Za-z0-9_./$+-][A-Za-z0-9_./$+=*-]*(?::[A-Za-z_/][A-Za-z0-9_./$+=*-]*)?$")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "~", "y", "n", "-", "="})


def quoted(text: str, style: str = "") -> str:
    """`text` as a YAML scalar on one line, in the wished style where it can hold the text.

    A plain scalar is used only for text that every YAML reader takes for a string.
    """
    if style == '"':
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    plain = _PLAIN.match(text) and text.lower() not in _WORDS and not _is_number(text)
    if plain or _is_expansion(text):
        return text
    return quoted(text, '"')


def _is_number(text: str) -> bool:
    number = r"[-+]?\.?[0-9][0-9_.eE+-]*|[-+]?\.(inf|nan)|0x[0-9a-fA-F]+|[0-9]+(:[0-9]+)+"
    return re.fullmatch(number, text, re.IGNORECASE) is not None


def _is_expansion(text: str) -> bool:
    """`word-${NAME:-default}`, `${{ matrix.name }}` and `${{ a || 'b' }}`: plain for YAML, since
    no colon is followed by a blank."""
    if re.fullmatch(r"\$\{\{ [A-Za-z0-9_.|'/,()-]+(?: [A-Za-z0-9_.|'/,(){}-]+)* \}\}", text):
        return True
    name = r"\$\{(?:[A-Za-z0-9_:+?./$-]*|\{ *[A-Za-z0-9_.-]+ *\})\}"
    return re.fullmatch(rf"[A-Za-z0-9_./$-]*{name}[A-Za-z0-9_./-]*", text) is not None


def set_scalar(scalar: Scalar, text: str) -> Edit:
    """Another text in a scalar's place and style; raises `Refused` for a block scalar."""
    if scalar.style in ("|", ">"):
        place = scalar.file.source.place(scalar.span)
        raise Refused(place, "the value is a block scalar", "write it on one line")
    # An empty value stands right behind the colon of its key.
    source, start = scalar.file.source, scalar.span.start
    blank = " " if not scalar.span.length and source.data[start - 1 : start] == b":" else ""
    return Edit(scalar.span, (blank + quoted(text, scalar.style)).encode())


def add_key(mapping: Mapping, key: str, text: str, after: str = "") -> Edit:
    """A new `key: text` behind the entry `after`, else behind the last one written here.

    `text` is YAML already. It never stands before a `<<`, which Ruby's reader would let
    override it. Raises `Refused` for an empty mapping.
    """
    entries = [entry for entry in mapping.entries if mapping.span.contains(entry.key.span)]
    source = mapping.file.source
    if not entries:
        raise Refused(source.place(mapping.span), "the mapping is empty", f"add {key}: {text}")
    chosen = next((e for e in entries if e.key.text == after), entries[-1])
    merges = [e for e in entries if e.key.text == "<<"]
    if merges and merges[-1].key.span.start > chosen.key.span.start:
        chosen = merges[-1]
    if mapping.flow:
        end = _entry_end(chosen)
        return Edit(Span(end, end), f", {key_line(key, text)}".encode())
    end = line_end(source, _entry_end(chosen))
    indent = " " * column(source, chosen.key.span.start)
    return inserted_line(source, end, indent + key_line(key, text))


def key_line(key: str, text: str) -> str:
    """`key: text`, or `key:` before a text that begins with a line of its own."""
    return f"{key}:{text}" if text.startswith("\n") else f"{key}: {text}"


def inserted_line(source: Source, at: int, text: str) -> Edit:
    """Whole lines put in at `at`, the end of a line (after its newline, or the file's end)."""
    newline = source.newline.bytes.decode()
    body = newline.join(text.split("\n"))
    ended = at == 0 or source.data[at - 1 : at] == b"\n"
    return Edit(Span(at, at), (body + newline if ended else newline + body).encode())


def line_end(source: Source, offset: int) -> int:
    """The offset behind the line that holds the byte before `offset`."""
    return source.line_of(max(offset - 1, 0)).end


def column(source: Source, offset: int) -> int:
    """How many characters stand before the offset in its line."""
    return source.position(offset).column - 1


def _entry_end(entry: Entry) -> int:
    if entry.aliased:
        # `key: *alias`: the alias ends with its line or at the next flow sign.
        source = entry.key.file.source
        line = source.line_of(entry.key.span.end)
        rest = source.text(Span(entry.key.span.end, line.end))
        match = re.match(r"[ \t]*:[ \t]*\*[^\s,}\]]+", rest)
        return entry.key.span.end + (len(match[0].encode()) if match else 0)
    return entry.value.span.end


def entry_lines(entry: Entry) -> Span:
    """The whole lines of a block mapping's entry, from its key to the end of its value."""
    source = entry.key.file.source
    start = source.line_of(entry.key.span.start).start
    return Span(start, line_end(source, _entry_end(entry)))


def comments_above(source: Source, start: int, floor: int = 0) -> Span:
    """The comment lines directly above the line that begins at `start`, not before `floor`."""
    at = start
    while at > floor:
        line = source.line_of(at - 1)
        if line.start < floor or not source.slice(line).lstrip().startswith(b"#"):
            break
        at = line.start
    return Span(at, start)


def removed_item(sequence: Sequence, index: int) -> Edit:
    """An item of a sequence taken out, with its line in block style, its comma in flow style.

    Raises `Refused` for the only item, which would leave the key without a value.
    """
    file = sequence.file
    source = file.source
    item = sequence.items[index]
    if len(sequence.items) == 1:
        raise Refused(source.place(item.span), "the only item of a list", "remove the list")
    if not sequence.flow:
        start = source.line_of(item.span.start).start
        return Edit(Span(start, line_end(source, item.span.end)), b"")
    if index > 0:
        return Edit(Span(sequence.items[index - 1].span.end, item.span.end), b"")
    return Edit(Span(item.span.start, sequence.items[1].span.start), b"")


def removed_entry(mapping: Mapping, entry: Entry) -> Edit:
    """A key of a mapping taken out with its value.

    Raises `Refused` for the first key of a block, which may stand behind a list's dash.
    """
    source = mapping.file.source
    index = mapping.entries.index(entry)
    if mapping.flow and index:
        return Edit(Span(_entry_end(mapping.entries[index - 1]), _entry_end(entry)), b"")
    if mapping.flow and len(mapping.entries) > 1:
        return Edit(Span(entry.key.span.start, mapping.entries[1].key.span.start), b"")
    if not index:
        place = source.place(entry.key.span)
        raise Refused(place, f"`{entry.key.text}` is the first key", "write another key first")
    return Edit(entry_lines(entry), b"")


def written(node: Node) -> str:
    """A node as it stands in its file, lines after the first moved to column 0 of the node."""
    source = node.file.source
    text = source.text(node.span)
    indent = column(source, node.span.start)
    lines = text.replace("\r\n", "\n").split("\n")
    kept = [line[indent:] if line[:indent].strip() == "" else line for line in lines[1:]]
    return "\n".join([lines[0], *kept])


def shift(text: str, indent: int) -> str:
    """All lines but blank ones moved right by `indent` columns."""
    pad = " " * indent
    return "\n".join(pad + line if line.strip() else line for line in text.split("\n"))


def shared_anchor(file: YamlFile, spans: list[Span]) -> str:
    """The first anchor that is set inside of `spans` and used outside of them, or "".

    What stands at such a place serves others too.
    """
    data = file.source.data
    if b"&" not in data:
        return ""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    inside: set[str] = set()
    outside: set[str] = set()
    for token in yaml.scan(data.decode("utf-8-sig"), Loader=loader):
        index = token.start_mark.index
        offset = index if file.offsets is None else file.offsets[index]
        within = any(span.start <= offset < span.end for span in spans)
        if isinstance(token, yaml.AnchorToken) and within:
            inside.add(token.value)
        elif isinstance(token, yaml.AliasToken) and not within:
            outside.add(token.value)
    return min(inside & outside, default="")


def indent_step(file: YamlFile) -> int:
    """By how many columns the file's top mapping indents its values; 2 when it cannot tell."""
    for entry in file.root.entries if file.root is not None else ():
        value = entry.value
        if isinstance(value, Mapping) and not value.flow and value.entries and not entry.aliased:
            step = column(file.source, value.entries[0].key.span.start)
            if step > 0:
                return step
    return 2


def dash_indent(file: YamlFile) -> int:
    """By how many columns the file indents the dashes of a list below its key (0 or more)."""
    found: list[int] = []

    def visit(node: Node) -> None:
        if isinstance(node, Mapping):
            for entry in node.entries:
                if entry.aliased:
                    continue
                value = entry.value
                if isinstance(value, Sequence) and not value.flow and value.items:
                    line = file.source.line_of(value.span.start)
                    dash = len(file.source.slice(line)) - len(file.source.slice(line).lstrip())
                    found.append(dash - column(file.source, entry.key.span.start))
                visit(value)

    if file.root is not None:
        visit(file.root)
    good = [step for step in found if step >= 0]
    return max(set(good), key=good.count) if good else 2
