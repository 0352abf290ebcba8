"""`needs:` and `dependencies:`: one more job in them, several as one, other names.

Knows the lists in which jobs name others; knows nothing of when a job exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.rewrite.gitlab.job_keys import JobKeys
from dockerfix.rewrite.gitlab.names import flow_name, plain_name
from dockerfix.rewrite.gitlab.rules import plain_data
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import (
    column,
    inserted_line,
    line_end,
    removed_entry,
    removed_item,
    set_scalar,
    written,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Span


def add_need(job: Job, name: str) -> Edits:
    """`needs:` of a job with one more job in it; what it inherited is written out."""
    if any(need.job == name for need in job.needs or ()):
        return []
    keys = JobKeys(job)
    entry = keys.body.entry("needs")
    value = entry.value if entry is not None and not entry.aliased else None
    if not isinstance(value, YamlSequence) or not value.items:
        kept = [written(need.node) for need in job.needs or ()]
        keys.put("needs", [*kept, plain_name(name)])
        return keys.edits()
    last = value.items[-1].span.end
    if value.flow:
        found = Edit(Span(last, last), f", {flow_name(name)}".encode())
    else:
        dash = " " * column(keys.source, value.span.start)
        at = line_end(keys.source, last)
        found = inserted_line(keys.source, at, f"{dash}- {plain_name(name)}")
    return [(keys.source.path, found)]


def put_needs(keys: JobKeys, jobs: Sequence[Job]) -> None:
    """The union of the jobs' needs; a job that lacks the key waits for all earlier stages.

    Raises `Refused` where one of the jobs needs another: one job cannot wait for itself.
    """
    names = {job.name for job in jobs}
    waiting = [job.name for job in jobs for need in job.needs or () if need.job in names]
    if waiting:
        what = f"{waiting[0]} waits for another one of them"
        raise Refused(keys.job.place, what, "take it out of its `needs:`")
    mine = plain_data(keys.job.keys.get("needs"))
    if all(plain_data(job.keys.get("needs")) == mine for job in jobs):
        return
    if any(job.needs is None for job in jobs):
        keys.remove("needs")
        if keys.body.entry("needs") is None:
            raise Refused(
                keys.job.place, "some of the jobs have no `needs:`", "give all of them needs"
            )
        return
    texts: dict[str, str] = {}
    needs = (need for job in jobs for need in job.needs or ())
    for need in sorted(needs, key=lambda need: need.optional):  # one that is a must wins
        texts.setdefault(need.job, written(need.node))
    keys.put("needs", list(texts.values()))


def follow_needs(pipeline: Pipeline, renamed: dict[str, str]) -> Edits:
    """`needs:` and `dependencies:` of all other jobs, wherever they are written.

    `renamed` maps old job names to new ones. Where several become one, one item stays, the
    one without `optional` if there is one.
    """
    edits: Edits = []
    seen: set[tuple[str, int]] = set()
    for job in pipeline.jobs.values():
        for node in _needing(job) if job.name not in renamed else ():
            place = (node.file.source.path, node.span.start)
            if place not in seen:
                seen.add(place)
                edits += _followed(node, renamed)
    return edits


def _needing(job: Job) -> Iterator[YamlSequence]:
    """The lists in which a job names others; a rule may have needs of its own."""
    nodes = [job.keys.get("needs"), job.keys.get("dependencies")]
    rules = (rule.node for rule in job.rules or ())
    nodes += [node.get("needs") for node in rules if isinstance(node, YamlMapping)]
    yield from (node for node in nodes if isinstance(node, YamlSequence))


def _followed(node: YamlSequence, renamed: dict[str, str]) -> Edits:
    path = node.file.source.path
    named = [(index, _named(item)) for index, item in enumerate(node.items)]
    renamed = {**renamed, **_runs(named, renamed)}
    edits: Edits = []
    present = {scalar.text for _, scalar in named if scalar is not None}
    removed: list[int] = []
    for new in dict.fromkeys(renamed.values()):
        olds = [
            (index, scalar)
            for index, scalar in named
            if scalar is not None and renamed.get(scalar.text) == new
        ]
        if not olds:
            continue
        strict = [pair for pair in olds if not _optional(node.items[pair[0]])]
        keep = (strict or olds)[0]
        if new not in present or keep[1].text != new:
            edits.append((path, set_scalar(keep[1], new)))
        edits += [(path, edit) for edit in _without_matrix(node.items[keep[0]])]
        removed += [index for index, _ in olds if index != keep[0]]
    return [*edits, *((path, edit) for edit in _removed(node, removed))]


def _runs(named: Sequence[tuple[int, Scalar | None]], renamed: Mapping[str, str]) -> dict[str, str]:
    """Needs of one run of a matrix, `job: [value, value]`, whose job is renamed."""
    found: dict[str, str] = {}
    for _, scalar in named:
        head, joint, _ = scalar.text.partition(": [") if scalar is not None else ("", "", "")
        if scalar is not None and joint and scalar.text.endswith("]") and head in renamed:
            found[scalar.text] = renamed[head]
    return found


def _removed(node: YamlSequence, indexes: Sequence[int]) -> Iterator[Edit]:
    """Several items out of one list; in flow style those at its head go as one run."""
    gone = set(indexes)
    if not gone:
        return
    head = 0
    while node.flow and head in gone:
        head += 1
    if head:
        yield Edit(Span(node.items[0].span.start, node.items[head].span.start), b"")
    for index in sorted(gone):
        if index >= head:
            yield removed_item(node, index)


def _without_matrix(item: Node) -> Iterator[Edit]:
    """A need of one run of a matrix becomes one of the job, which has no matrix any more."""
    entry = item.entry("parallel") if isinstance(item, YamlMapping) else None
    if entry is not None and isinstance(item, YamlMapping):
        yield removed_entry(item, entry)


def _named(item: Node) -> Scalar | None:
    if isinstance(item, Scalar):
        return item
    if isinstance(item, YamlMapping):
        job = item.get("job")
        if "pipeline" not in item.resolved and "project" not in item.resolved:
            return job if isinstance(job, Scalar) else None
    return None


def _optional(item: Node) -> bool:
    node = item.get("optional") if isinstance(item, YamlMapping) else None
    return isinstance(node, Scalar) and node.text.lower() == "true"
