"""Edits of a GitLab pipeline by key path: `edit(job).set(...)`, `edit(pipeline).set_variable(...)`.

Nothing is printed from a parsed form: a key is put in, replaced or taken out as text in the
layout of its place. Each edit is applied to its file, parsed again and compared as data: no
other job and no other key may differ. Knows YAML's layout and where GitLab looks for keys;
knows no meaning of a value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, overload

from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.rewrite.gitlab.names import key_text
from dockerfix.rewrite.gitlab.needs import follow_needs
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import (
    add_key,
    column,
    dash_indent,
    entry_lines,
    indent_step,
    inserted_line,
    line_end,
    quoted,
    removed_entry,
    set_scalar,
)
from dockerfix.syntax.yaml.tree import (
    Entry,
    Node,
    Scalar,
    YamlError,
    YamlFile,
    parse_gitlab_yaml,
    to_data,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, EditSet, Place, Source, Span

Value = str | bool | int | Sequence["Value"] | Mapping[str, "Value"]
"""What a key may be set to: texts, booleans, whole numbers, lists and mappings of them. A text
is never read as anything else: `"2"` and `"true"` are written in quotes, `2` and `True` are not."""

_FLOW_MARKS = frozenset("{}[],")
"""What ends a plain scalar on one line with others."""


@overload
def edit(subject: Job) -> JobEditor: ...
@overload
def edit(subject: Pipeline) -> PipelineEditor: ...
def edit(subject: Job | Pipeline) -> JobEditor | PipelineEditor:
    """The editor of a job or of a pipeline. Its methods give edits and change nothing; each
    raises `Refused` where the text allows no safe edit."""
    return JobEditor(subject) if isinstance(subject, Job) else PipelineEditor(subject)


class JobEditor:
    """Edits of the keys that are written in one job; a key path is a series of keys."""

    def __init__(self, job: Job) -> None:
        if job.body is None or job.entry.aliased or not job.body.entries:
            raise Refused(job.place, f"{job.name} is written elsewhere", "write its keys out")
        self.job = job
        self.body: YamlMapping = job.body
        self.layout = _Layout(job.file)

    def set(self, *path: str, to: Value, among: Collection[str] = ()) -> Edits:
        """The key with this value; keys above it are made where they are missing, with what
        a `<<` gave them written out, since an own key hides the merged one. `among` names jobs
        of the same file that may get the value too, through an anchor or a merge."""
        mapping, depth = self._deepest(path[:-1])
        entry = mapping.entry(path[depth]) if depth == len(path) - 1 else None
        if entry is not None:
            found = self._replaced(entry, to)
        else:
            value: Value = to
            for key in reversed(path[depth + 1 :]):
                value = {key: value}
            found = self._added(mapping, path[depth], value)
        return self._checked(found, path, to, among)

    def add(self, keys: Mapping[str, Value]) -> Edits:
        """Several keys that the job has not written, one below the other."""
        own = [e for e in self.body.entries if self.body.span.contains(e.key.span)]
        if self.body.flow or any(self.body.entry(key) is not None for key in keys):
            raise Refused(
                self.job.place, f"{self.job.name} is written on one line", "do it by hand"
            )
        indent = column(self.layout.source, own[0].key.span.start)
        text = "\n".join(self.layout.entry(key, value, indent) for key, value in keys.items())
        at = entry_lines(self._neighbour(own)).end
        found = inserted_line(self.layout.source, at, text)
        before = _top(self.job.file)
        wanted = {**before.get(self.job.name, {}), **{k: _data(v) for k, v in keys.items()}}
        return _checked(self.job.file, found, {**before, self.job.name: wanted}, self.job.place)

    def append(self, *path: str, item: Value) -> Edits:
        """One more item at the end of a list; the list is made where it is missing."""
        mapping, depth = self._deepest(path[:-1])
        entry = mapping.entry(path[-1]) if depth == len(path) - 1 else None
        if entry is None:
            return self.set(*path, to=[item])
        node = entry.value
        if not isinstance(node, YamlSequence) or not node.items or entry.aliased:
            raise Refused(self._place(entry), f"{path[-1]} is not a list here", "write it as one")
        expected = [*to_data(node), item]
        last = node.items[-1].span.end
        if node.flow:
            found = Edit(Span(last, last), f", {_flow(item)}".encode())
        else:
            indent = column(self.layout.source, node.span.start)
            text = self.layout.item(item, indent)
            found = inserted_line(self.layout.source, line_end(self.layout.source, last), text)
        return self._checked(found, path, expected)

    def remove(self, *path: str) -> Edits:
        """The key taken out; a mapping that would be empty goes with it."""
        mapping, depth = self._deepest(path[:-1])
        entry = mapping.entry(path[-1]) if depth == len(path) - 1 else None
        if entry is None:
            raise Refused(self.job.place, f"{path[-1]} is not written here", "remove it by hand")
        if len(mapping.entries) == 1 and len(path) > 1:
            return self.remove(*path[:-1])
        first = mapping.entries[0] is entry and not mapping.flow
        found = Edit(entry_lines(entry), b"") if first else removed_entry(mapping, entry)
        return self._checked(found, path, None)

    def _deepest(self, keys: Sequence[str]) -> tuple[YamlMapping, int]:
        """The innermost mapping on the path that is written here, and how deep it is."""
        mapping = self.body
        for depth, key in enumerate(keys):
            entry = mapping.entry(key)
            if entry is None:
                return mapping, depth
            if entry.aliased or not isinstance(entry.value, YamlMapping):
                empty = isinstance(entry.value, Scalar) and not entry.aliased
                what = f"{key} has no keys" if empty else f"{key} is written elsewhere"
                raise Refused(self._place(entry), what, "write it out here")
            mapping = entry.value
        return mapping, len(keys)

    def _replaced(self, entry: Entry, to: Value) -> Edit:
        if entry.aliased:
            raise Refused(self._place(entry), "the value is written elsewhere", "write it out here")
        if isinstance(to, str) and isinstance(entry.value, Scalar):
            return replaced_scalar(entry.value, to)
        if isinstance(to, int) and isinstance(entry.value, Scalar) and entry.value.style == "":
            return Edit(entry.value.span, _flow(to).encode())
        indent = column(self.layout.source, entry.key.span.start)
        text = self.layout.entry(entry.key.text, to, indent)
        written = self.layout.encoded(text) + self.layout.newline
        return Edit(entry_lines(entry), written)

    def _added(self, mapping: YamlMapping, key: str, value: Value) -> Edit:
        merged = mapping.get(key)
        if isinstance(merged, YamlMapping) and isinstance(value, Mapping):
            value = {**to_data(merged), **value}
        if mapping.flow:
            return add_key(mapping, key_text(key), _flow(value))
        own = [e for e in mapping.entries if mapping.span.contains(e.key.span)]
        after = self._neighbour(own) if mapping is self.body else own[-1]
        indent = column(self.layout.source, own[0].key.span.start)
        text = self.layout.entry(key, value, indent)
        return inserted_line(self.layout.source, entry_lines(after).end, text)

    def _neighbour(self, own: Sequence[Entry]) -> Entry:
        """The entry below which a new key goes: above `script:`, which people read last, but
        never above a `<<`, which would override it for GitLab's reader."""
        at = next((n for n, e in enumerate(own) if e.key.text == "script"), 0)
        safe = at > 0 and not any(e.key.text == "<<" for e in own[at:])
        return own[at - 1] if safe else own[-1]

    def _place(self, entry: Entry) -> Place:
        return self.layout.source.place(entry.key.span)

    def _checked(
        self, found: Edit, path: Sequence[str], to: Any, among: Collection[str] = ()
    ) -> Edits:
        before = _top(self.job.file)
        expected = with_value(before.get(self.job.name), path, to)
        wanted = {**before, self.job.name: expected}
        free = {name: with_value(before[name], path, to) for name in among if name in before}
        return _checked(self.job.file, found, wanted, self.job.place, free)


class PipelineEditor:
    """Edits of what stands beside the jobs, and of jobs as wholes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.file = pipeline.files[pipeline.path]
        self.layout = _Layout(self.file)

    def set_variable(self, name: str, value: str) -> Edits:
        """A global variable, changed where it is written or added to the root file."""
        scalar = self.pipeline.variables.get(name)
        if scalar is not None:
            file = scalar.file
            before = _top(file)
            expected = with_value(before, _route(file, name, scalar), value)
            place = file.source.place(scalar.span)
            return _checked(file, replaced_scalar(scalar, value), expected, place)
        root = self.file.root
        if root is None or not root.entries:
            place = self.file.source.place(Span(0, 0))
            raise Refused(place, "the file is empty", f"add the variable {name}")
        entry = root.entry("variables")
        if entry is not None and isinstance(entry.value, YamlMapping) and not entry.aliased:
            found = add_key(entry.value, key_text(name), quoted(value, '"'))
        else:
            found = self._above_jobs(self.layout.entry("variables", {name: value}, 0))
        expected = with_value(_top(self.file), ("variables", name), value)
        return _checked(self.file, found, expected, self.file.source.place(found.span))

    def add_job(self, name: str, keys: Mapping[str, Value], after: Job) -> Edits:
        """A new job below another one, with a blank line between them."""
        source, layout = after.file.source, _Layout(after.file)
        text = layout.entry(name, keys, 0)
        at = entry_lines(after.entry).end
        found = inserted_line(source, at, f"\n{text}")
        before = _top(after.file)
        return _checked(after.file, found, {**before, name: _data(keys)}, after.place)

    def rename(self, job: Job, name: str) -> Edits:
        """A job with another name; every `needs:` and `dependencies:` follows."""
        path = job.file.source.path
        key = Edit(job.entry.key.span, key_text(name, job.entry.key.style).encode())
        return [(path, key), *follow_needs(self.pipeline, {job.name: name})]

    def _above_jobs(self, text: str) -> Edit:
        """A new global key: behind the last of the global keys at the head of the file."""
        root = self.file.root
        head = None
        for entry in root.entries if root is not None else ():
            if entry.key.text not in ("include", "stages", "workflow", "default", "image"):
                break
            head = entry
        if head is not None:
            return inserted_line(self.file.source, entry_lines(head).end, f"\n{text}")
        start = entry_lines(root.entries[0]).start if root is not None else 0
        return Edit(Span(start, start), self.layout.encoded(f"{text}\n\n"))


class _Layout:
    """How a file writes mappings and lists."""

    def __init__(self, file: YamlFile) -> None:
        self.source: Source = file.source
        self.step = indent_step(file)
        self.dash = dash_indent(file)

    @property
    def newline(self) -> bytes:
        """The file's newline."""
        return self.source.newline.bytes

    def encoded(self, text: str) -> bytes:
        """Text with the file's newlines."""
        return self.newline.join(line.encode() for line in text.split("\n"))

    def entry(self, key: str, value: Value, indent: int) -> str:
        """`key: value` in block style, every line indented."""
        pad, name = " " * indent, key_text(key)
        if isinstance(value, str | int):
            return f"{pad}{name}: {_flow(value)}"
        if not value:
            return f"{pad}{name}: {'{}' if isinstance(value, Mapping) else '[]'}"
        if isinstance(value, Mapping):
            lines = [self.entry(k, v, indent + self.step) for k, v in value.items()]
        else:
            lines = [self.item(item, indent + self.dash) for item in value]
        return "\n".join([f"{pad}{name}:", *lines])

    def item(self, value: Value, indent: int) -> str:
        """`- value` in block style."""
        pad = " " * indent
        if isinstance(value, Mapping) and value:
            text = "\n".join(self.entry(k, v, indent + 2) for k, v in value.items())
            return f"{pad}- {text[indent + 2 :]}"
        return f"{pad}- {_flow(value)}"


def replaced_scalar(scalar: Scalar, text: str) -> Edit:
    """Another text in the spelling of the old one: a plain number stays plain."""
    if scalar.style == "" and text.isdecimal() and scalar.text.isdecimal():
        return Edit(scalar.span, text.encode())
    return set_scalar(scalar, text)


def _flow(value: Value) -> str:
    """A value on one line."""
    if isinstance(value, int):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value, '"' if set(value) & _FLOW_MARKS else "")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_text(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(_flow(item) for item in value) + "]"


def _data(value: Value) -> Any:
    if isinstance(value, Mapping):
        return {key: _data(inner) for key, inner in value.items()}
    if isinstance(value, int):
        return str(value).lower()
    return value if isinstance(value, str) else [_data(item) for item in value]


def _route(file: YamlFile, name: str, scalar: Scalar) -> tuple[str, ...]:
    """The keys to a global variable; its long form keeps the text below `value`."""
    section = file.root.get("variables") if file.root is not None else None
    node: Node | None = section.get(name) if isinstance(section, YamlMapping) else None
    short = isinstance(node, Scalar) and node.span == scalar.span
    return ("variables", name) if short else ("variables", name, "value")


def _top(file: YamlFile) -> dict[str, Any]:
    found = to_data(file.root)
    return found if isinstance(found, dict) else {}


def with_value(data: Any, path: Sequence[str], to: Any) -> Any:
    """Plain data with the value of one key path set, or taken out for None."""
    found = dict(data) if isinstance(data, dict) else {}
    if len(path) > 1:
        found[path[0]] = with_value(found.get(path[0]), path[1:], to)
    elif to is None:
        found.pop(path[0], None)
    else:
        found[path[0]] = _data(to)
    return found


def _checked(
    file: YamlFile,
    found: Edit,
    expected: dict[str, Any],
    place: Place,
    free: Mapping[str, Any] = MappingProxyType({}),
) -> Edits:
    """The edit, if the file then says what is expected and nothing else; the keys that are
    `free` may also say that."""
    source = file.source
    try:
        after = parse_gitlab_yaml(Source(source.path, EditSet.of([found]).apply(source.data)))
    except YamlError as error:
        raise Refused(
            place, f"the edit would break the YAML: {error.what}", "edit it by hand"
        ) from None
    data = _top(after)
    expected = {**expected, **{key: v for key, v in free.items() if data.get(key) == v}}
    if data != expected:
        keys = dict.fromkeys((*data, *expected))
        others = [key for key in keys if data.get(key) != expected.get(key)]
        what = f"the edit would change {', '.join(others)} too, through an anchor or a merge"
        raise Refused(place, what, "edit it by hand")
    return [(source.path, found)]
