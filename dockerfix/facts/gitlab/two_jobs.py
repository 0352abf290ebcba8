"""Two jobs in every pipeline that their rules tell apart: where the one is, and the other.

The rules of both, and those of `workflow:`, are evaluated for every kind of pipeline, every
value that tells their conditions apart, and every set of changed files that tells their globs
apart. Knows single pipelines with two jobs; what is asked of them stands in `presence` and
`running`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product

from msgspec import Struct

from dockerfix.facts.gitlab.cases import Case, cases, patterns_in, variables_in
from dockerfix.facts.gitlab.conditions import ConditionError
from dockerfix.facts.gitlab.decide import Decision, Files
from dockerfix.facts.gitlab.gates import ALWAYS, Gate, gate_of, workflow_gate
from dockerfix.facts.gitlab.globs import classes
from dockerfix.facts.gitlab.pipeline import Job, Pipeline

MAX_CASES = 50_000
"""Pipelines that one question may look at."""


class Kind(Struct, frozen=True):
    """A kind of pipeline: the sets of changed files that matter in it, and what lets the first
    job and the second one exist."""

    case: Case
    sets: list[Files]
    one: Decision
    other: Decision


class TwoJobs(Struct, frozen=True):
    """Two jobs in all pipelines: the gates of `workflow:` and of both jobs, and what files give the
    variables that these name, for the pipeline and for either job. Nothing else decides, so that
    other jobs with the same rules are equal. Raises `ConditionError` and `GlobError` for rules
    that reading cannot decide."""

    gates: tuple[Gate, Gate, Gate]
    given: tuple[tuple[tuple[str, str], ...], ...]

    @classmethod
    def of(cls, pipeline: Pipeline, first: Job, second: Job) -> TwoJobs:
        """Two jobs of a pipeline; both may have one name, before and after a patch."""
        workflow = workflow_gate(pipeline)
        ruled = workflow is not None
        gates = (
            workflow if workflow is not None else ALWAYS,
            gate_of(first, ruled),
            gate_of(second, ruled),
        )
        named = variables_in(gates)
        values = (
            pipeline.variables, pipeline.variables_of(first), pipeline.variables_of(second),
        )  # fmt: skip
        given = (tuple((n, s.text) for n, s in each.items() if n in named) for each in values)
        return cls(gates, tuple(given))

    @property
    def first_gate(self) -> Gate:
        """When the first job exists."""
        return self.gates[1]

    @property
    def second_gate(self) -> Gate:
        """When the second job exists."""
        return self.gates[2]

    @property
    def matches(self) -> bool:
        """Whether some condition matches a pattern, so that real texts alone prove nothing."""
        return bool(patterns_in(self.gates))

    def kinds(self, *, exact: bool) -> Iterator[Kind]:
        """Every kind of pipeline that `workflow:` lets be, with the sets of changed files that
        matter in it."""
        changed, unlisted = list(self.file_sets(True)), list(self.file_sets(False))
        budget = MAX_CASES
        named = {str(number): dict(given) for number, given in enumerate(self.given)}
        for case in cases(self.gates, named, exact):
            sets = changed if case.has_changes else unlisted
            budget -= len(sets)
            if budget < 0:
                raise ConditionError("the conditions have too many cases")
            workflow, one, other = (
                Decision(gate, {**given, **case.variables})
                for gate, given in zip(self.gates, named.values(), strict=True)
            )
            held = [files for files in sets if workflow.clause(files) is not None]
            if held:
                yield Kind(case, held, one, other)

    def example(self, wanted: Callable[[Kind, Files], bool], *, exact: bool) -> str:
        """The first pipeline that is wanted, for a person; empty for none."""
        found = (
            described(kind.case, files)
            for kind in self.kinds(exact=exact)
            for files in kind.sets
            if wanted(kind, files)
        )
        return next(found, "")

    def file_sets(self, pushed: bool) -> Iterator[Files]:
        """The sets of changed files that matter; without a push only those of `compare_to`.

        A counter-example stays one when it shrinks to one file for each gate that a
        `changes:` opens (or, for the second job, closes), so that larger sets add nothing.
        """
        bases: dict[str, set[str]] = {}
        for clause in (c for gate in self.gates for c in gate if c.changes is not None):
            if not pushed and not clause.base:
                continue
            bases.setdefault(clause.base, set()).update(clause.changes or ())
        size = sum(any(c.changes is not None for c in gate) for gate in self.gates[:2])
        size += any(c.changes is not None and not c.present for c in self.second_gate)
        per_base = [
            [(base, *chosen) for chosen in _choices(globs, max(size, 1))]
            for base, globs in bases.items()
        ]
        for combination in product(*per_base):
            matched = {base: globs for base, globs, _ in combination}
            paths = tuple(dict.fromkeys(path for _, _, found in combination for path in found))
            for existing in _subsets(_existing(self.gates)):
                yield Files(matched, paths, existing)


def described(case: Case, files: Files) -> str:
    """A pipeline for a person: its kind, what changes, what exists."""
    words = [case.title]
    if files.matched:
        shown = " and ".join(f"`{path}`" for path in files.paths)
        words.append(f"that changes only {shown}")
    existing = sorted(sorted(globs) for globs in files.existing)
    words += [f"with a file {' or '.join(wanted)}" for wanted in existing]
    return " ".join(words)


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
