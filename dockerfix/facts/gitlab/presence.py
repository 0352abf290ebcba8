"""When a GitLab job exists: whether one job is there in every pipeline that holds another.

GitLab refuses a pipeline in which a job `needs:` one that its `rules:` leave out. The rules
of both jobs, and those of `workflow:`, are evaluated for every kind of pipeline, every value
that tells their conditions apart, and every set of changed files that tells their globs
apart; so the answer is a proof, or an example of a pipeline, or the reason why reading alone
cannot tell. Knows when jobs exist; knows nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from dockerfix.facts.gitlab.conditions import ConditionError
from dockerfix.facts.gitlab.decide import Files
from dockerfix.facts.gitlab.gates import is_always, written
from dockerfix.facts.gitlab.globs import GlobError
from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.gitlab.two_jobs import Kind, TwoJobs


class AlwaysThere(Struct, frozen=True):
    """The job exists in every pipeline that holds the other."""


class Missing(Struct, frozen=True):
    """There is a pipeline without it: `example` describes one, as a sentence."""

    example: str


class Undecided(Struct, frozen=True):
    """Reading cannot tell; `why` says what stands in the way."""

    why: str


Presence = AlwaysThere | Missing | Undecided


def implies(pipeline: Pipeline, user: Job, needed: Job) -> Presence:
    """Whether `needed` exists in every pipeline in which `user` does."""
    if written(user) == written(needed):
        return AlwaysThere()
    try:
        return _Question(pipeline, user, needed).answer()
    except (ConditionError, GlobError) as error:
        return Undecided(str(error))


def absent_example(pipeline: Pipeline, user: Job, needed: Job) -> str:
    """A usual pipeline (a push, a merge request) in which `user` exists and `needed` does not,
    as a sentence; empty when there is none, and when reading cannot tell."""
    if written(user) == written(needed):
        return ""
    try:
        return _Question(pipeline, user, needed).search(exact=True, usual=True)
    except (ConditionError, GlobError):
        return ""


def covers(pipeline: Pipeline, job: Job, others: Iterable[Job]) -> Presence:
    """Whether `job` exists whenever any one of `others` does: whether its rules are at least
    the union of theirs. The first other that it does not cover gives the answer."""
    for other in others:
        presence = implies(pipeline, other, job)
        if not isinstance(presence, AlwaysThere):
            return presence
    return AlwaysThere()


class _Question:
    """Whether the second of two jobs exists with the first. Private to `implies`."""

    def __init__(self, pipeline: Pipeline, user: Job, needed: Job) -> None:
        self.user, self.needed = user, needed
        self.jobs = TwoJobs.of(pipeline, user, needed)

    def answer(self) -> Presence:
        """Examples among real values first, then the proof over all values."""
        if is_always(self.jobs.second_gate):
            return AlwaysThere()
        example = self.search(exact=True)
        if example:
            return Missing(example)
        if self.jobs.matches and self.search(exact=False):
            return Undecided(
                f"whether the patterns of `{self.needed.name}` match whatever those of "
                f"`{self.user.name}` do cannot be decided by reading"
            )
        return AlwaysThere()

    def search(self, *, exact: bool, usual: bool = False) -> str:
        """The first pipeline with the user and without the needed job; empty for none."""
        where = _without(self.jobs, exact, usual)
        if isinstance(where, Exception):
            raise where.with_traceback(None)
        jobs = f"`{self.user.name}` exists and `{self.needed.name}` does not"
        return f"on {where}, {jobs}" if where else ""


@lru_cache(maxsize=2048)
def _without(jobs: TwoJobs, exact: bool, usual: bool) -> str | ConditionError | GlobError:
    """A pipeline that GitLab would refuse, since it holds the first job without the second; empty
    for none. Why reading cannot tell is remembered too: many jobs share their rules, and a patch
    changes few of them."""

    def violates(kind: Kind, files: Files) -> bool:
        if usual and not kind.case.usual:
            return False
        return kind.one.clause(files) is not None and kind.other.clause(files) is None

    try:
        return jobs.example(violates, exact=exact)
    except (ConditionError, GlobError) as error:
        return error
