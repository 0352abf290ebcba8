"""A draft: what a transform gathers on the way to its proposal.

Edits, files, findings, permits and lines for the person, in the order in which they come up;
`finished` makes the proposal of them. Knows proposals; knows nothing of any transform.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from dockerfix.engine.proposal import Proposal
from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.gitlab.job import SECTIONS
from dockerfix.facts.gitlab.pipeline import ROOT, Job, Pipeline
from dockerfix.facts.gitlab.values import as_dict
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.proof.pipeline.values import value_changes
from dockerfix.rewrite.pipeline_edits import Value, edit, with_value
from dockerfix.rewrite.wanted import Edits, Refused, united
from dockerfix.syntax.yaml.tree import Node, Sequence
from dockerfix.text import EditSet

CALLS = ("before_script", "script", "after_script", "variables", "parallel")
"""Keys of a job that decide what its build calls are."""
NEEDS = ("needs", "dependencies")


@dataclass(slots=True)
class Draft:
    """What is gathered for one proposal; `accept` is what the person accepted."""

    facts: Facts
    accept: Collection[str]
    findings: list[Finding] = field(default_factory=list)
    edits: Edits = field(default_factory=list)
    created: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    permits: list[Permit] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)
    """GitLab jobs whose build calls change: the keys are found from the edits."""

    @property
    def blocking(self) -> list[Finding]:
        """Refusals that the person did not accept."""
        refusals = (f for f in self.findings if f.severity is Severity.REFUSE)
        return [finding for finding in refusals if not finding.accepted_by(self.accept)]

    @property
    def weighed(self) -> tuple[Finding, ...]:
        """The findings, each once; a refusal that was accepted weighs as an assumption."""
        found = (
            replace(finding, severity=Severity.ASSUME)
            if finding.severity is Severity.REFUSE and finding.accepted_by(self.accept)
            else finding
            for finding in self.findings
        )
        return tuple(dict.fromkeys(found))

    def set_value(self, job: Job, *path: str, to: Value) -> None:
        """A value of a job set as `edit(job).set` does, with the permit that it takes. The rule
        is `pipeline-value`, so that a finding of that name has to be shown and accepted. Raises
        `Refused` where the text allows no safe edit."""
        self.edits += edit(job).set(*path, to=to)
        old = {key: plain(value) for key, value in job.keys.items()}
        root = self.facts.pipeline.path if self.facts.pipeline is not None else ROOT
        self.permits += (
            Permit("pipeline-value", job.name, root, change.path, change.before, change.after)
            for change in value_changes(old, with_value(old, path, to))
        )

    def refused(self, findings: Iterable[Finding]) -> Proposal:
        """The whole transform refused, for these reasons."""
        return Proposal(findings=tuple(findings), refused=True)

    def finished(self, breaks: str) -> Proposal:
        """The proposal. Edits that overlap are a refusal; `breaks` says what would break if
        the call site were left out."""
        try:
            edits = united(self.facts, self.edits)
        except Refused as refused:
            return self.refused([refused.finding(breaks), *self.weighed])
        permits = (*self.permits, *self.call_permits(edits))
        return Proposal(
            edits=edits,
            created=self.created,
            deleted=tuple(sorted(self.deleted)),
            permits=tuple(dict.fromkeys(permits)),
            findings=self.weighed,
            summary=tuple(_once(self.summary)),
            next_steps=tuple(dict.fromkeys(self.steps)),
        )

    def call_permits(self, edits: Mapping[str, EditSet]) -> Iterator[Permit]:
        """Leave for the keys in which the build calls of `callers` are edited, those of the
        templates that hold them, and the scripts beside the jobs, which all jobs get that have
        none of their own; and for needs that are edited anywhere."""
        pipeline = self.facts.pipeline
        if pipeline is None or not edits.keys() & pipeline.files.keys():
            return
        beside = SECTIONS if self.callers else ()
        shared = {key for key in beside if _is_edited(_beside(pipeline, key), edits)}
        yield from (Permit("build-call", "", pipeline.path, key) for key in sorted(shared))
        for job in pipeline.jobs.values():
            calling = job.name in self.callers or (job.hidden and bool(self.callers))
            for key in CALLS if calling else shared:
                if _is_edited(_nodes(job.keys.get(key)), edits):
                    yield Permit("build-call", job.name, pipeline.path, key)
            for key in NEEDS:
                if _is_edited(_nodes(job.keys.get(key)), edits):
                    yield Permit("needs-followed", job.name, pipeline.path, key)


def _beside(pipeline: Pipeline, key: str) -> Iterator[Node]:
    """The nodes of a script beside the jobs."""
    for file in pipeline.files.values():
        top = as_dict(file.root) or {}
        yield from _nodes(top.get(key))
        yield from _nodes((as_dict(top.get("default")) or {}).get(key))


def _is_edited(nodes: Iterable[Node], edits: Mapping[str, EditSet]) -> bool:
    """Whether an edit lies in one of the nodes, wherever that is written."""
    return any(
        node.span.contains(edit.span) or node.span.touches(edit.span)
        for node in nodes
        for edit in edits.get(node.file.source.path, EditSet())
    )


def _nodes(value: object) -> Iterator[Node]:
    """The nodes of a key: one, or those that a merged mapping came from; items that are written
    elsewhere, for an alias or a `!reference`, are nodes of their own."""
    if isinstance(value, Node):
        yield value
    if isinstance(value, Sequence):
        for item in value.items:
            yield from _nodes(item)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _nodes(inner)


def _once(lines: Iterable[str]) -> Iterator[str]:
    """The lines, each once; an indented one belongs to the line before it, and stays."""
    seen: set[str] = set()
    for line in lines:
        if line not in seen or line.startswith(" "):
            seen.add(line)
            yield line
