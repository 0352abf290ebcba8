"""Edits of what names one job: `needs:` and `dependencies:` then name several, and `!reference`
the template that keeps the job's keys.

Each item of a list is written once for each new job, with all that it says. Knows names of jobs;
knows not why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Edit, Edits, Job, Mapping, Node, Pipeline, Refused, Scalar, Span, key_text
from dockerfix.api import Sequence as YamlSequence


def retargeted(pipeline: Pipeline, old: str, names: Sequence[str]) -> Edits:
    """The edits of every list that names the old job; raises `Refused` for one in a rule."""
    edits: Edits = []
    seen: set[tuple[str, int]] = set()
    for job in pipeline.jobs.values():
        for node in _lists(job):
            place = (node.file.source.path, node.span.start)
            if place not in seen:
                seen.add(place)
                edits += _items(node, old, names)
    return edits


def references(pipeline: Pipeline, old: str) -> Iterator[tuple[Scalar, str]]:
    """The names of a job in `!reference [job, key, ...]`, each with the key that is taken of it;
    a part of the file that is used twice gives its names once."""
    seen: set[tuple[str, int]] = set()
    for file in pipeline.files.values():
        for node in _referring(file.root):
            route = [item for item in node.items if isinstance(item, Scalar)]
            place = (file.source.path, node.span.start)
            if route and route[0].text == old and place not in seen:
                seen.add(place)
                yield route[0], route[1].text if len(route) > 1 else ""


def _referring(node: Node | None) -> Iterator[YamlSequence]:
    if isinstance(node, YamlSequence):
        if node.tag == "!reference":
            yield node
        for item in node.items:
            yield from _referring(item)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield from _referring(entry.value)


def _lists(job: Job) -> Iterator[YamlSequence]:
    for key in ("needs", "dependencies"):
        node = job.keys.get(key)
        if isinstance(node, YamlSequence):
            yield node


def _items(node: YamlSequence, old: str, names: Sequence[str]) -> Edits:
    source = node.file.source
    edits: Edits = []
    for item in node.items:
        named = _named(item)
        if named is None or named.text != old:
            continue
        if edits:
            raise Refused(source.place(item.span), f"it names {old} twice", "leave one of them out")
        if not node.span.contains(item.span):
            raise Refused(source.place(item.span), "the need is written elsewhere", "copy it here")
        head = source.slice(Span(item.span.start, named.span.start)).decode()
        tail = source.slice(Span(named.span.end, item.span.end)).decode()
        texts = [head + key_text(name, named.style) + tail for name in names]
        if node.flow:
            text = ", ".join(texts)
        else:
            indent = item.span.start - source.line_of(item.span.start).start
            newline = source.newline.bytes.decode()
            dash = source.slice(Span(item.span.start - indent, item.span.start)).decode()
            text = (newline + dash).join(part.rstrip() for part in texts)
            text += tail[len(tail.rstrip()) :] if tail.strip() else ""
        edits.append((source.path, Edit(item.span, text.encode())))
    return edits


def _named(item: Node) -> Scalar | None:
    """The job of this pipeline that an item names; other projects and pipelines have their own."""
    if isinstance(item, Mapping) and {"project", "pipeline"} & item.resolved.keys():
        return None
    found = item.get("job") if isinstance(item, Mapping) else item
    return found if isinstance(found, Scalar) else None
