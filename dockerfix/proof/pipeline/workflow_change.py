"""Checks *workflow change*: a GitHub workflow runs the same jobs but for the permitted ones.

A job that stays keeps its keys, its rows and its steps, but for what says which image is built.
A job that goes has an heir with the same keys, which runs every step of every row of it. Knows
the keys of "Workflow syntax for GitHub Actions"; which image a build comes to is *same images
asked for*'s. Follows the meaning of jobs; asks no transform and no rewrite.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from dockerfix.facts.builds.github.expressions import in_row, reads_matrix
from dockerfix.facts.builds.github.matrix import rows
from dockerfix.facts.model import SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image, Obligation, Permit, Verdict
from dockerfix.proof.pipeline.moved import Moved
from dockerfix.proof.pipeline.workflow_reads import InputReads
from dockerfix.proof.pipeline.workflow_steps import Standing, StepPair, own_fault, same_step
from dockerfix.proof.pipeline.workflow_values import same_inputs, same_rows
from dockerfix.syntax.yaml.data import strings, with_strings
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, YamlError, parse_yaml, to_data

_TOGETHER = frozenset(
    {"runs-on", "needs", "if", "permissions", "env", "defaults", "container", "services"}
)
"""Keys that hold for a joined job as they held for each old one."""
_WEIGHED = frozenset({"name", "steps", "strategy", "timeout-minutes"})


class WorkflowChange(Obligation, frozen=True):
    """The workflow starts when it did and has the same jobs with the same keys and steps,
    except for values that say which image is built, and jobs that permits join.

    `stands_for` pairs each old image with the new one.
    """

    path: str
    permits: tuple[Permit, ...] = ()
    stands_for: tuple[tuple[Image, Image], ...] = ()

    kind: ClassVar[str] = "workflow change"
    rules: ClassVar[Mapping[str, str]] = {
        "steps-joined": "the steps of a job, or of each row of its matrix, run in the job"
        " `after`, which starts when that job did",
    }

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether nothing but builds and joined jobs differs."""
        statement = f"{self.path} runs the same steps under the same conditions"
        try:
            old, new = (f.snapshot.derive(self.path, parse_yaml).root for f in (before, after))
        except YamlError as error:
            return Verdict(statement, failures=(str(error),))
        if old is None or new is None:
            return Verdict(statement, failures=(f"{self.path}: no jobs on one side",))
        comparison = _Comparison(self, old, new, Standing(before, after, self.stands_for), after)
        comparison.beside()
        comparison.jobs()
        failures = tuple(f"{self.path}: {what}" for what in dict.fromkeys(comparison.failures))
        sites = tuple(self.joined_sites(before)) if failures else ()
        return Verdict(statement, tuple(comparison.differences), failures, sites=sites)

    def joined_sites(self, before: Facts) -> Iterator[str]:
        """The places of the call sites in jobs that permits join: they may stay apart."""
        jobs = {p.subject for p in self.permits if p.rule == "steps-joined"}
        for build in before.builds.builds:
            site = build.site
            if site.kind is SiteKind.GITHUB and site.place.path == self.path and site.name in jobs:
                yield str(site.place)


class _Comparison:
    """Gathers over both sides of one workflow."""

    def __init__(
        self,
        owed: WorkflowChange,
        old: YamlMapping,
        new: YamlMapping,
        standing: Standing,
        facts: Facts,
    ) -> None:
        self.reads = InputReads(facts)
        self.old, self.new = to_data(old), to_data(new)
        self.before, self.after = _jobs(old), _jobs(new)
        here = (p for p in owed.permits if p.rule == "steps-joined" and p.place == owed.path)
        self.heirs = {permit.subject: permit.after for permit in here}
        self.standing = standing
        self.moved = standing.moved
        self.failures: list[str] = []
        self.differences: list[str] = []

    def beside(self) -> None:
        """What stands beside the jobs; a filter of paths may name new files too."""
        for key in dict.fromkeys((*self.old, *self.new)):
            same = key == "jobs" or self.fits(self.old.get(key), self.new.get(key), key == "on")
            if not same and not (key == "on" and self.takes_more()):
                self.failures.append(f"`{key}:` differs")

    def takes_more(self) -> bool:
        """Whether the workflow starts as it did, but may be given more that chooses an image."""
        old, new = self.old.get("on"), self.new.get("on")
        if not isinstance(old, dict) or not isinstance(new, dict):
            return False
        bare = [{k: _without_inputs(v) for k, v in on.items()} for on in (old, new)]
        return self.fits(bare[0], bare[1], True) and all(
            same_inputs(
                _inputs_of(old.get(k)), _inputs_of(new[k]), self.new, self.standing, self.reads
            )
            for k in new
        )

    def fits(self, old: Any, new: Any, filtered: bool = False) -> bool:
        """Whether a value is the same once every file has its new name."""
        if filtered and isinstance(old, dict) and isinstance(new, dict):
            return old.keys() == new.keys() and all(self.fits(old[k], new[k], True) for k in old)
        if filtered and isinstance(old, list) and isinstance(new, list):
            kept = [item for item in new if item in old or item not in self.moved.paths.values()]
            return self.moved.data(kept) == self.moved.data(old) or _covers(self.moved, old, new)
        return bool(self.moved.data(old) == self.moved.data(new))

    def jobs(self) -> None:
        """Every old job is there, or an heir does its work; no other job comes."""
        olds: dict[str, list[str]] = {}
        for name in self.before:
            heir = self.heirs.get(name)
            if heir is not None and heir in self.after:
                olds.setdefault(heir, []).append(name)
            if name in self.after and name != heir:
                self.stays(name)
            elif heir in self.after:
                continue
            else:
                self.failures.append(f"the job {name} is gone")
        self.failures += [
            f"the job {name} is new" for name in self.after if name not in {*self.before, *olds}
        ]
        for heir, names in olds.items():
            _Joined(self, heir, names).check()
            self.differences.append(f"steps-joined: {', '.join(names)} run in {heir}")

    def stays(self, name: str) -> None:
        """A job that is not joined: the same but for its builds."""
        old, new = to_data(self.before[name]), to_data(self.after[name])
        for key in dict.fromkeys((*old, *new)):
            if key == "needs":
                same = self.needs(old) == _needs(new)
            elif key == "strategy":
                rows_of = self.before[name], self.after[name]
                same = self.split(name) or same_rows(*rows_of, self.standing)
            elif key == "with":
                same = old.get("uses") == new.get("uses") and self.handed(old, new)
            else:
                same = key == "steps" or self.fits(old.get(key), new.get(key))
            if not same:
                self.failures.append(f"`{key}:` of the job {name} differs")
        self.staying_steps(name, old.get("steps") or [], new.get("steps") or [])

    def staying_steps(self, name: str, old: Sequence[Any], new: Sequence[Any]) -> None:
        """The steps of a job that is not joined, one by one."""
        if len(old) != len(new):
            self.failures.append(f"the job {name} has {len(new)} steps, it had {len(old)}")
            return
        for number, (first, second) in enumerate(zip(old, new, strict=True), 1):
            if not same_step(StepPair(first, second, {}), self.standing, loose=True):
                self.failures.append(f"step {number} of the job {name} does something else")

    def needs(self, job: Mapping[str, Any]) -> set[str]:
        """The names that an old job waits for: with those of heirs, without jobs that go."""
        found = _needs(job)
        heirs = {self.heirs[name] for name in found if name in self.heirs}
        return heirs | {name for name in found if name in self.after or name not in self.heirs}

    def split(self, name: str) -> bool:
        """Whether a job has some of its rows left, the others being an heir's."""
        old, new = (_texts_of_rows(jobs[name]) for jobs in (self.before, self.after))
        return name in self.heirs and bool(new) and all(row in old for row in new)

    def handed(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether what a job hands to a workflow of the repository differs in nothing but what
        chooses an image there."""
        first, second = old.get("with") or {}, new.get("with") or {}
        names = [n for n in {*first, *second} if not self.fits(first.get(n), second.get(n))]
        called = self.reads.called(str(new.get("uses") or "")) if names else None
        return all(called is not None and self.reads.choose_images(called, name) for name in names)

    def rows_gone(self, name: str) -> list[dict[str, Any]]:
        """The rows of a job that its heir runs."""
        every = rows(self.before[name])
        if name not in self.after or self.heirs[name] == name:
            return list(every)
        kept = _texts_of_rows(self.after[name])
        return [row for row in every if {k: v.text for k, v in row.items()} not in kept]


class _Joined:
    """The work of several jobs in one, against `comparison`, which gathers the failures."""

    def __init__(self, comparison: _Comparison, heir: str, names: Sequence[str]) -> None:
        self.heir = heir
        self.names = names
        self.comparison = comparison
        self.failures = comparison.failures
        self.new = to_data(comparison.after[heir])
        self.olds = {name: to_data(comparison.before[name]) for name in names}
        self.rows = {name: comparison.rows_gone(name) for name in names}

    def check(self) -> None:
        """The same keys, and every step of every row."""
        self.frame()
        self.time()
        if "strategy" in self.new:
            self.failures.append(f"the job {self.heir} still has a matrix")
        steps = [step for step in self.new.get("steps") or [] if isinstance(step, dict)]
        taken: list[set[int]] = [set() for _ in steps]
        every = [(name, row) for name in self.names for row in self.rows[name]]
        for number, (name, row) in enumerate(every):
            old = with_strings(self.olds[name].get("steps") or [], partial(in_row, row=row))
            self.placed(name, old, steps, taken, number)
        for step, mine in zip(steps, taken, strict=True):
            self.owned(step, mine, len(every))
        self.unread()

    def frame(self) -> None:
        """The keys that hold for every step."""
        needs = self.comparison.needs
        for name, old in self.olds.items():
            for key in sorted({*old, *self.new} - _WEIGHED):
                same = old.get(key) == self.new.get(key)
                if key == "needs":
                    same = needs(old) == _needs(self.new)
                alone = any(_alone(text, key == "if") for text in strings(old.get(key)))
                if not same or key not in _TOGETHER or alone:
                    what = f"`{key}:` of the job {name} does not hold for {self.heir}"
                    self.failures.append(what)

    def time(self) -> None:
        """The joined job may take as long as the old ones together."""
        limits = [o.get("timeout-minutes") for n, o in self.olds.items() for _ in self.rows[n]]
        limit = self.new.get("timeout-minutes")
        written = self.comparison.after[self.heir].get("timeout-minutes")
        if isinstance(written, Scalar) and written.style and limit is not None:
            self.failures.append(f"the limit of time of the job {self.heir} is no number")
        if limit is None and not all(limit is None for limit in limits):
            self.failures.append(f"the job {self.heir} has no limit of time")
        elif limit is not None:
            known = all(isinstance(text, str) and text.isdecimal() for text in (*limits, limit))
            if not known or int(limit) < sum(map(int, limits)):
                self.failures.append(f"the job {self.heir} has less time than the jobs had")

    def placed(
        self,
        name: str,
        old: Sequence[dict[str, Any]],
        new: Sequence[dict[str, Any]],
        taken: Sequence[set[int]],
        row: int,
    ) -> None:
        """Every step of one row found in the joined job, in the old order."""
        at, ids, standing = 0, dict[str, str](), self.comparison.standing
        for number, step in enumerate(old, 1):
            pairs = ((n, StepPair(step, new[n], ids)) for n in range(at, len(new)))
            found = next((n for n, pair in pairs if same_step(pair, standing)), None)
            if found is None:
                self.failures.append(f"step {number} of the job {name} has no place in its heir")
                return
            taken[found].add(row)
            at = found + 1
            if step.get("id"):
                ids[str(step["id"])] = str(new[found].get("id") or "")

    def owned(self, step: dict[str, Any], mine: set[int], count: int) -> None:
        """A step runs for all rows at once, or for one and leaves the machine as it was."""
        label = f"{step.get('name') or step.get('uses') or 'a step'} in the job {self.heir}"
        if not mine:
            self.failures.append(f"{label} is new")
        elif len(mine) not in (1, count):
            self.failures.append(f"{label} runs for some of the images only")
        elif len(mine) == 1 and count > 1 and (fault := own_fault(step)):
            self.failures.append(f"{label} {fault}")

    def unread(self) -> None:
        """Nothing reads what the old jobs handed on by their names."""
        after = self.comparison.after
        texts = {name: list(strings(to_data(body))) for name, body in after.items()}
        for name in (name for name in self.names if name != self.heir):
            pattern = re.compile(rf"\bneeds\.{re.escape(name)}(?![\w-])|\bneeds\[")
            for other, found in texts.items():
                if any(pattern.search(text) for text in found):
                    self.failures.append(f"the job {other} reads what {name} handed on")


def _inputs_of(start: Any) -> Any:
    return (start.get("inputs") or {}) if isinstance(start, dict) else {}


def _without_inputs(start: Any) -> Any:
    return {k: v for k, v in start.items() if k != "inputs"} if isinstance(start, dict) else start


def _needs(job: Mapping[str, Any]) -> set[str]:
    found = job.get("needs") or []
    return {found} if isinstance(found, str) else set(found)


def _texts_of_rows(job: YamlMapping) -> list[dict[str, str]]:
    return [{name: held.text for name, held in row.items()} for row in rows(job)]


def _jobs(root: YamlMapping) -> dict[str, YamlMapping]:
    jobs = root.get("jobs")
    found = jobs.resolved if isinstance(jobs, YamlMapping) else {}
    return {name: body for name, body in found.items() if isinstance(body, YamlMapping)}


def _covers(moved: Moved, old: Sequence[Any], new: Sequence[Any]) -> bool:
    """Whether a list says the same but that each new path may stand in it more than once."""
    return list(dict.fromkeys(map(str, moved.data(old)))) == list(dict.fromkeys(map(str, new)))


def _alone(text: str, bare: bool) -> bool:
    """Whether a text is another one for each row or each job."""
    return reads_matrix(text, bare) or "strategy." in text or "github.job" in text
