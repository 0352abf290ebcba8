"""Whether jobs that became one still run when they did, as they did, and push no more.

Reads the pipeline as the edits leave it, so that what is judged is what is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.gitlab.pipeline import Job, find_pipeline
from dockerfix.facts.gitlab.running import kind_without, pushes_again, runs_otherwise
from dockerfix.facts.images.pushes import pushed_tags
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.text import Edit, EditSet


def check_same_runs(facts: Facts, jobs: Sequence[Job], name: str, edits: Edits) -> None:
    """Raises `Refused` where the job `name`, which does the work of `jobs` after the edits, is
    not there with one of them, runs otherwise, or pushes a tag in further pipelines."""
    by_path: dict[str, list[Edit]] = {}
    for path, edit in edits:
        by_path.setdefault(path, []).append(edit)
    changes = {
        path: EditSet.of(found).apply(facts.snapshot.read(path)) for path, found in by_path.items()
    }
    root = facts.pipeline
    after = root and find_pipeline(facts.snapshot.with_changes(changes), root.path)
    heir = after.jobs.get(name) if after else None
    if after is None or heir is None:
        return
    for job in jobs:
        otherwise = kind_without(after, job, heir) or runs_otherwise(after, job, heir)
        if otherwise:
            raise Refused(job.place, otherwise, "give the jobs the same rules")
        pushed = pushes_again(after, job, heir, pushed_tags(facts, job))
        if pushed:
            raise Refused(job.place, pushed, "give the jobs rules for the same pipelines")
