"""Whether one job of a pipeline may find in a cache what another one has put there.

Two jobs share a cache where a key and a path are the same (CI/CD YAML syntax, cache). Keys hold
variables: those of the job have its values, those of the whole pipeline one value in all jobs, and
any other may hold anything. Knows keys and paths; knows no commands.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.gitlab.image_names import may_be_equal, valued
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.gitlab.settings import Cache

_DEFAULT = "default"
_NESTED = 3
"""How often the values of variables are looked up in one another."""


def shared_caches(pipeline: Pipeline, job: Job, other: Job) -> list[Cache]:
    """The caches that a job reads and another one may have written."""
    written = [cache for cache in other.caches if cache.policy != "pull"]
    return [
        read
        for read in job.caches
        if read.policy != "push"
        and any(_same_path(read, w) and _same_key(pipeline, job, read, other, w) for w in written)
    ]


def _same_path(read: Cache, written: Cache) -> bool:
    one, other = ({path.strip("/") for path in cache.paths} for cache in (read, written))
    return bool(one & other)


def _same_key(pipeline: Pipeline, job: Job, read: Cache, other: Job, written: Cache) -> bool:
    """Whether the keys may be equal; those of files depend on commits, which may be the same."""
    if read.key_files or written.key_files:
        return True
    keys = [key for text in (read.key, *read.fallback_keys) for key in _keys(pipeline, job, text)]
    return any(
        may_be_equal(one, two) for two in _keys(pipeline, other, written.key) for one in keys
    )


def _keys(pipeline: Pipeline, job: Job, text: str) -> Iterator[str]:
    """What a key may come to in a job."""
    values = {name: tuple(s.text for s in pipeline.values_of(job, name))
              for name in pipeline.variables_of(job)}  # fmt: skip
    values |= {"CI_JOB_NAME": (job.name,), "CI_JOB_STAGE": (job.stage,)}
    found: tuple[str, ...] = (text or _DEFAULT,)
    for _ in range(_NESTED):
        found = tuple(key for one in found for key in valued(one, values))
    yield from dict.fromkeys(found)
