"""When a GitLab job exists: whether one job is there in every pipeline that holds another.

GitLab refuses a pipeline in which a job `needs:` one that its `rules:` leave out. The rules
of both jobs, and those of `workflow:`, are evaluated for every kind of pipeline, every value
that tells their conditions apart, and every set of changed files that tells their globs
apart; so the answer is a proof, or an example of a pipeline, or the reason why reading alone
cannot tell. Knows when jobs exist; knows nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

from msgspec import Struct

from dockerfix.facts.gitlab.cases import Case, cases, patterns_in
from dockerfix.facts.gitlab.conditions import ConditionError
from dockerfix.facts.gitlab.decide import Files, is_there
from dockerfix.facts.gitlab.gates import ALWAYS, Gate, gate_of, workflow_gate, written
from dockerfix.facts.gitlab.globs import GlobError, classes
from dockerfix.facts.gitlab.pipeline import Job, Pipeline

MAX_CASES = 50_000
"""Pipelines that one question may look at."""


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
    """One pair of jobs. Private to `implies`."""

    def __init__(self, pipeline: Pipeline, user: Job, needed: Job) -> None:
        self.user, self.needed = user, needed
        workflow = workflow_gate(pipeline)
        self.workflow = workflow if workflow is not None else ALWAYS
        self.user_gate = gate_of(user, workflow is not None)
        self.needed_gate = gate_of(needed, workflow is not None)
        self.gates = (self.workflow, self.user_gate, self.needed_gate)
        shared = {name: scalar.text for name, scalar in pipeline.variables.items()}
        own = {
            job.name: {name: s.text for name, s in pipeline.variables_of(job).items()}
            for job in (user, needed)
        }
        self.defaults = {"": shared, **own}

    def answer(self) -> Presence:
        """Examples among real values first, then the proof over all values."""
        if self.needed_gate == ALWAYS:
            return AlwaysThere()
        example = self.search(exact=True)
        if example:
            return Missing(example)
        if patterns_in(self.gates) and self.search(exact=False):
            return Undecided(
                f"whether the patterns of `{self.needed.name}` match whatever those of "
                f"`{self.user.name}` do cannot be decided by reading"
            )
        return AlwaysThere()

    def search(self, exact: bool, usual: bool = False) -> str:
        """The first pipeline with the user and without the needed job; empty for none."""
        changed, unlisted = list(self.file_sets(True)), list(self.file_sets(False))
        budget = MAX_CASES
        for case in cases(self.gates, self.defaults, exact):
            if usual and not case.usual:
                continue
            for files in changed if case.has_changes else unlisted:
                budget -= 1
                if budget < 0:
                    raise ConditionError("the conditions have too many cases")
                if self.violates(case, files):
                    return self.sentence(case, files)
        return ""

    def violates(self, case: Case, files: Files) -> bool:
        """Whether GitLab would refuse this pipeline."""
        return (
            self.there(self.workflow, "", case, files)
            and self.there(self.user_gate, self.user.name, case, files)
            and not self.there(self.needed_gate, self.needed.name, case, files)
        )

    def there(self, gate: Gate, job: str, case: Case, files: Files) -> bool:
        """The decision of one gate."""
        return is_there(gate, {**self.defaults[job], **case.variables}, files)

    def file_sets(self, pushed: bool) -> Iterator[Files]:
        """The sets of changed files that matter; without a push only those of `compare_to`.

        A counter-example stays one when it shrinks to one file for each gate that a
        `changes:` opens (or, for the needed job, closes), so that larger sets add nothing.
        """
        bases: dict[str, set[str]] = {}
        for clause in (c for gate in self.gates for c in gate if c.changes is not None):
            if not pushed and not clause.base:
                continue
            bases.setdefault(clause.base, set()).update(clause.changes or ())
        size = sum(any(c.changes is not None for c in gate) for gate in self.gates[:2])
        size += any(c.changes is not None and not c.present for c in self.needed_gate)
        per_base = [
            [(base, *chosen) for chosen in _choices(globs, max(size, 1))]
            for base, globs in bases.items()
        ]
        for combination in product(*per_base):
            matched = {base: globs for base, globs, _ in combination}
            paths = tuple(dict.fromkeys(path for _, _, found in combination for path in found))
            for existing in _subsets(_existing(self.gates)):
                yield Files(matched, paths, existing)

    def sentence(self, case: Case, files: Files) -> str:
        """The example for a person."""
        words = [case.title]
        if files.matched:
            shown = " and ".join(f"`{path}`" for path in files.paths)
            words.append(f"that changes only {shown}")
        existing = sorted(sorted(globs) for globs in files.existing)
        words += [f"with a file {' or '.join(wanted)}" for wanted in existing]
        return f"on {' '.join(words)}, `{self.user.name}` exists and `{self.needed.name}` does not"


def _choices(globs: set[str], size: int) -> list[tuple[frozenset[str], tuple[str, ...]]]:
    """Unions of at most `size` classes of paths, each with its example paths."""
    found: dict[frozenset[str], tuple[str, ...]] = {}
    known = sorted(classes(globs).items(), key=lambda item: (len(item[1]), item[1]))
    for number in range(1, size + 1):
        for chosen in combinations(known, number):
            union = frozenset[str]().union(*(matched for matched, _ in chosen))
            found.setdefault(union, tuple(path for _, path in chosen))
    return list(found.items())


def _existing(gates: Sequence[Gate]) -> list[frozenset[str]]:
    found = {clause.exists for gate in gates for clause in gate if clause.exists is not None}
    return sorted(found, key=sorted)


def _subsets(items: list[frozenset[str]]) -> Iterator[frozenset[frozenset[str]]]:
    if len(items) > 8:
        raise ConditionError("the conditions name too many files that may exist")
    for number in range(len(items) + 1):
        for chosen in combinations(items, number):
            yield frozenset(chosen)
