"""GitLab jobs that become one: its rules and needs cover theirs, and who needed them needs it.

The first job's text is edited, the others' is taken out; comments that stood in what goes are
carried over. Knows the keys of a job; what the one job runs is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.rewrite.gitlab.job_keys import JobKeys
from dockerfix.rewrite.gitlab.names import key_text
from dockerfix.rewrite.gitlab.needs import follow_needs, put_needs
from dockerfix.rewrite.gitlab.rules import covering_rules, plain_data, put_rules, united_rules
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import comments_above, entry_lines, line_end, shared_anchor
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Source, Span

_OWN = frozenset({"script", "rules", "needs", "variables", "extends", "parallel", "dependencies"})
"""Keys in which jobs that become one may differ, or which are looked at on their own."""


class Joined(Struct, frozen=True):
    """What the one job is: its name and the items of its script, as YAML texts.

    `dropped` names variables that only told the old jobs apart; `paths` maps files that go to
    those that come, for globs in rules that are rewritten.
    """

    name: str
    script: tuple[str, ...]
    dropped: frozenset[str] = frozenset()
    paths: Mapping[str, str] = field(default_factory=dict)


def check_joinable(pipeline: Pipeline, jobs: Sequence[Job]) -> None:
    """Raises `Refused` when the jobs differ in more than one job can be."""
    first = jobs[0]
    keys = {key for job in jobs for key in job.keys} - _OWN
    for key in sorted(keys):
        for job in jobs[1:]:
            if plain_data(job.keys.get(key)) != plain_data(first.keys.get(key)):
                raise Refused(
                    job.place,
                    f"{job.name} and {first.name} differ in `{key}:`",
                    "give both jobs the same value",
                )
    for job in jobs:
        if job.body is None or job.file is not first.file:
            raise Refused(job.place, f"{job.name} is defined elsewhere", "define it in one file")
        if job.body.flow:
            raise Refused(job.place, f"{job.name} is a flow mapping", "write its keys as lines")
    anchor = shared_anchor(first.file, [job.entry.span for job in jobs])
    if anchor:
        raise Refused(
            first.place, f"other jobs use the anchor &{anchor}", "move the anchor to a hidden job"
        )
    names = {job.name for job in jobs}
    for other in pipeline.jobs.values():
        extended = _texts(other.body.get("extends") if other.body is not None else None)
        if other.name not in names and names & set(extended):
            raise Refused(
                other.place, f"{other.name} extends a job that is to go", "extend a hidden job"
            )
    united_rules(jobs)


def join_jobs(pipeline: Pipeline, jobs: Sequence[Job], joined: Joined) -> Edits:
    """All edits of the pipeline's files; raises `Refused` (see `check_joinable`)."""
    check_joinable(pipeline, jobs)
    first = jobs[0]
    path = first.file.source.path
    name = key_text(joined.name, first.entry.key.style)
    carried: list[str] = []
    removed: list[Span] = []
    for job in jobs[1:]:
        span, comments = _removal(job)
        carried += [text for text in comments if text not in carried]
        removed.append(span)
    return [
        (path, Edit(first.entry.key.span, name.encode())),
        *((path, Edit(span, b"")) for span in _closed(first.file.source, removed)),
        *_kept_job(jobs, joined, carried),
        *follow_needs(pipeline, {job.name: joined.name for job in jobs}),
    ]


def _kept_job(jobs: Sequence[Job], joined: Joined, carried: Sequence[str]) -> Edits:
    """Edits of the job that stays: variables, rules, needs, script, matrix."""
    keys = JobKeys(jobs[0])
    _drop_variables(keys, joined.dropped)
    put_rules(keys, united_rules(jobs), joined.paths)
    put_needs(keys, jobs)
    known = keys.comments("script")
    keys.put("script", joined.script, [text for text in carried if text not in known])
    keys.remove("parallel")
    return keys.edits()


def _drop_variables(keys: JobKeys, names: Collection[str]) -> None:
    """Variables that told the jobs apart go."""
    entry = keys.body.entry("variables")
    if entry is None or not isinstance(entry.value, YamlMapping) or entry.aliased:
        return
    going = [e for e in entry.value.entries if e.key.text in names]
    if len(going) == len(entry.value.entries):
        keys.remove("variables")
    else:
        keys.found += [Edit(entry_lines(e), b"") for e in going]


def widen_rules(provider: Job, consumers: Sequence[Job]) -> Edits:
    """Rules under which the provider exists whenever one of its consumers does.

    Nothing when they say so already; raises `Refused` where rules cannot be united.
    """
    keys = JobKeys(provider)
    put_rules(keys, covering_rules(provider, consumers))
    return keys.edits()


def _removal(job: Job) -> tuple[Span, list[str]]:
    """The lines of a job that goes, blank lines below included, and its comments."""
    source = job.file.source
    lines = entry_lines(job.entry)
    above = comments_above(source, lines.start, _previous_end(job))
    end = lines.end
    while end < len(source.data):
        line = source.line_of(end)
        if source.slice(line).strip():
            break
        end = line.end
    span = Span(above.start, end)
    text = source.text(Span(above.start, lines.end))
    comments = [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]
    return span, list(dict.fromkeys(comments))


def _closed(source: Source, removed: Sequence[Span]) -> list[Span]:
    """Neighbours as one span; the one at the file's end takes the blank lines above it along."""
    found: list[Span] = []
    for span in sorted(removed):
        if found and span.start <= found[-1].end:
            found[-1] = found[-1].cover(span)
        else:
            found.append(span)
    if found and found[-1].end >= len(source.data):
        found[-1] = Span(_blank_before(source, found[-1].start), found[-1].end)
    return found


def _previous_end(job: Job) -> int:
    root = job.file.root
    ends = [
        line_end(job.file.source, entry.span.end)
        for entry in (root.entries if root is not None else ())
        if entry.key.span.start < job.entry.key.span.start
    ]
    return max(ends, default=0)


def _blank_before(source: Source, at: int) -> int:
    while at > 0:
        line = source.line_of(at - 1)
        if source.slice(line).strip():
            break
        at = line.start
    return at


def _texts(node: Node | None) -> list[str]:
    if isinstance(node, Scalar):
        return [node.text]
    items = node.items if isinstance(node, YamlSequence) else ()
    return [item.text for item in items if isinstance(item, Scalar)]
