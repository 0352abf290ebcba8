"""The text of a job that is split: the template that stays, and the jobs that extend it.

Lines of the script move as they are. Knows the layout of a job; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dockerfix.api import (
    Edit,
    Edits,
    Job,
    Pipeline,
    Refused,
    Scalar,
    Source,
    Span,
    YamlError,
    entry_lines,
    key_text,
    parse_yaml,
)
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.gitlab.split_release.retarget import references
from dockerfix_transforms.gitlab.split_release.units import NoUnitsError, Unit


def split_edits(job: Job, parts: Mapping[str, Sequence[Unit]]) -> Edits:
    """The old job renamed to a template without its builds, and the new jobs below it."""
    entry = job.body.entry("script") if job.body is not None else None
    if (
        job.body is None
        or job.entry.aliased
        or entry is None
        or entry.aliased
        or not isinstance(entry.value, YamlSequence)
    ):
        raise Refused(job.place, f"{job.name} is written elsewhere", "split it by hand")
    source, path = job.file.source, job.file.source.path
    newline = source.newline.bytes.decode()
    units = [unit for part in parts.values() for unit in part]
    items = [item for item in entry.value.items if isinstance(item, Scalar)]
    emptied = [item for item in items if _is_emptied(source, item, units)]
    whole = len(emptied) == len(items)
    gone = [_item_lines(source, item) for item in emptied if item.style == "|"]
    gone += [u.lines for u in units if u.item.style != "|" or u.item not in emptied]
    gone = [entry_lines(entry)] if whole else sorted(gone, key=lambda span: span.start)
    pad = b" " * (entry.key.span.start - source.line_of(entry.key.span.start).start)
    template = template_of(job, units)
    head = _Head(source, template, pad.decode(), _dash(source, items[0]), whole)
    at = entry_lines(job.entry).end
    gap = "" if _is_dense(job) else "\n"
    text = gap.join(f"{head.job(name, part)}\n" for name, part in parts.items())
    if not template:
        return [(path, Edit(entry_lines(job.entry), text.replace("\n", newline).encode()))]
    ends = source.data[at - 1 : at] == b"\n"
    added = gap + text if ends else f"\n{gap}{text}".rstrip("\n")
    found = added.replace("\n", newline).encode()
    start = at
    if gone and gone[-1].end == at:
        start = gone.pop().start
    return [
        (path, Edit(job.entry.key.span, key_text(f".{job.name}").encode())),
        *((path, Edit(span, b"")) for span in gone),
        (path, Edit(Span(start, at), found)),
    ]


def _is_dense(job: Job) -> bool:
    """Whether the file has no blank line between a job and what comes next, so that new jobs
    get none either."""
    source, end = job.file.source, entry_lines(job.entry).end
    start = source.line_of(job.entry.key.span.start).start
    above = source.slice(source.line_of(start - 1)).strip() if start else b""
    below = source.slice(source.line_of(end)).strip() if end < len(source.data) else b""
    return bool(above and below)


def template_of(job: Job, units: Sequence[Unit]) -> str:
    """The name of the template; empty for a job that says nothing but its builds."""
    entry = job.body.entry("script") if job.body is not None else None
    items = entry.value.items if entry is not None and isinstance(entry.value, YamlSequence) else ()
    source = job.file.source
    bare = all(isinstance(i, Scalar) and _is_emptied(source, i, units) for i in items)
    alone = job.body is not None and len(job.body.entries) == 1
    return "" if bare and alone else f".{job.name}"


def followed_references(
    pipeline: Pipeline, job: Job, template: str, units: Sequence[Unit]
) -> Edits:
    """The edits by which what other jobs take of a job by `!reference` comes from its template;
    raises `NoUnitsError` where they take its script, or what stays in no template."""
    edits: Edits = []
    for name, key in references(pipeline, job.name):
        source = name.file.source
        inside = source.path == job.file.source.path and any(
            unit.lines.contains(name.span) for unit in units
        )
        if key in ("", "script") or not template or inside:
            place = source.place(name.span)
            raise NoUnitsError(f"`!reference` at {place} takes its {key or 'keys'}")
        edits.append(
            (source.path, Edit(name.span, in_flow(key_text(template, name.style)).encode()))
        )
    return edits


class _Head:
    """What every new job begins with. `whole` says that the template keeps no script; without
    a template `hidden` is empty."""

    def __init__(self, source: Source, hidden: str, pad: str, dash: str, whole: bool) -> None:
        self.source = source
        self.hidden = key_text(hidden) if hidden else ""
        self.pad = pad
        self.dash = dash
        self.whole = whole

    def job(self, name: str, units: Sequence[Unit]) -> str:
        """One new job, without its last newline."""
        extends = [f"{self.pad}extends: {self.hidden}"] if self.hidden else []
        lines = [f"{key_text(name)}:", *extends, f"{self.pad}script:"]
        if not self.whole and any(unit.uses_head for unit in units):
            lines.append(f"{self.dash}- !reference [{in_flow(self.hidden)}, script]")
        block: list[str] = []
        for unit in units:
            text = self.source.text(unit.lines).replace("\r\n", "\n").rstrip("\n")
            if unit.item.style == "|":
                block.append(text)
            else:
                lines += [*self._block(block), text]
                block = []
        return "\n".join([*lines, *self._block(block)])

    def _block(self, texts: Sequence[str]) -> list[str]:
        """Lines of a block scalar as an item: a single plain one without the block."""
        lines = [line for text in texts for line in text.split("\n")]
        depths = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
        if depths and depths[0] > min(depths):
            raise NoUnitsError("the first line of a part is indented more than the others")
        if len(lines) == 1 and _is_plain(lines[0].strip()):
            return [f"{self.dash}- {lines[0].strip()}"]
        return [f"{self.dash}- |", *lines] if lines else []


def _is_emptied(source: Source, item: Scalar, units: Sequence[Unit]) -> bool:
    """Whether nothing but units stands in an item."""
    if item.style != "|":
        return any(unit.lines.contains(item.span) for unit in units)
    mine = [unit.lines for unit in units if unit.item == item]
    body = Span(source.line_of(item.span.start).end, item.span.end)
    kept = bytearray(source.slice(body))
    for span in mine:
        start, end = span.start - body.start, min(span.end, body.end) - body.start
        kept[start:end] = b" " * (end - start)
    return bool(mine) and not bytes(kept).strip()


def _item_lines(source: Source, item: Scalar) -> Span:
    start = source.line_of(item.span.start).start
    return Span(start, source.line_of(max(item.span.end - 1, 0)).end)


def _dash(source: Source, item: Scalar) -> str:
    """What stands before the dash of an item."""
    line = source.line_of(item.span.start)
    return source.slice(Span(line.start, item.span.start)).decode().split("-")[0]


def in_flow(text: str) -> str:
    """A name as an item of a flow list."""
    return f'"{text}"' if set(text) & set(",[]{}") and text[:1] != '"' else text


def _is_plain(line: str) -> bool:
    """Whether a line is its own plain scalar in YAML."""
    try:
        root = parse_yaml(Source("", f"key: {line}\n".encode())).root
    except YamlError:
        return False
    node = root.get("key") if root is not None else None
    return isinstance(node, Scalar) and node.style == "" and node.text == line
