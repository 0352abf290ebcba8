"""A job needs another one that a pipeline may lack: GitLab then refuses the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.checks.check import Check
from dockerfix.facts.gitlab.gates import written
from dockerfix.facts.gitlab.needs import Need
from dockerfix.facts.gitlab.pipeline import Job, Pipeline, place_of
from dockerfix.facts.gitlab.presence import absent_example
from dockerfix.facts.repository import Facts
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar
from dockerfix.text import Place


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    pipeline = facts.pipeline
    if pipeline is None:
        return
    known: dict[str, str] = {}
    for job in pipeline.visible:
        found: list[tuple[Need, str]] = []
        for need in job.needs or ():
            example = "" if need.optional else _example(pipeline, job, need, known)
            found += [(need, example)] if example else []
        if found:
            need, example = found[0]
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield _place(need, job), f"`{job.name}` needs `{need.job}`{more}: {example}", job.name


def _example(pipeline: Pipeline, job: Job, need: Need, known: dict[str, str]) -> str:
    """A pipeline without the needed job, as a sentence; empty when there is none, or when
    reading cannot tell. What holds for two jobs holds for others with the same rules."""
    needed = pipeline.jobs.get(need.job) or pipeline.jobs.get(need.job.partition(": [")[0])
    if needed is None:
        return "" if pipeline.unread else "no job has that name"
    if any("rules" not in what for _, what in pipeline.unread) and not (
        _is_gated(job) and _is_gated(needed)
    ):
        return ""
    key = repr((written(job), written(needed)))
    if known.get(key) == "":
        return ""
    known[key] = absent_example(pipeline, job, needed)
    return known[key]


def _is_gated(job: Job) -> bool:
    """Whether a job itself says when it is there. What an include of another repository says of
    it counts only where it does not ("CI/CD YAML syntax, include": a job's own keys win)."""
    own = job.body
    return own is not None and any(own.get(key) is not None for key in ("rules", "only", "except"))


def _place(need: Need, job: Job) -> Place:
    node = need.node
    if isinstance(node, YamlMapping):
        inner = node.get("job")
        node = inner if inner is not None else node
    return place_of(node) if isinstance(node, Scalar) else job.place


CHECK = Check(
    "needed-job-absent",
    "GitLab then makes no pipeline at all.",
    "Give both jobs the same rules, or write `optional: true` if the job can do without.",
    _look,
)
