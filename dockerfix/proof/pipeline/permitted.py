"""What a permit lets a pipeline change, and whether it is the harmless thing that it says.

A permit names a job and a key; here is judged from both pipelines whether that key changed for
the reason that the rule gives: a need that follows the work, rules that cover their readers,
a command that calls a build. Earlier starts are judged in `starts`, values by themselves in
`single_values`. Knows jobs and builds; asks no transform.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.gitlab.job import SECTIONS
from dockerfix.facts.gitlab.pipeline import Job
from dockerfix.facts.gitlab.presence import Missing, implies
from dockerfix.facts.gitlab.running import pushes_again, runs_otherwise
from dockerfix.facts.gitlab.values import texts
from dockerfix.facts.images.pushes import pushed_tags
from dockerfix.proof.pipeline.commands import other_commands
from dockerfix.proof.pipeline.mirrors import mirror_fault
from dockerfix.proof.pipeline.sides import Sides, jobs_named
from dockerfix.proof.pipeline.single_values import hands_on_less, value_permitted
from dockerfix.proof.pipeline.starts import same_condition, starts_earlier
from dockerfix.proof.pipeline.values import ValueChange, as_json
from dockerfix.proof.pipeline.written import written_over

CALLS = ("before_script", "script", "after_script", "variables", "parallel")
"""Keys that decide what a job's build calls are."""
NEEDS = ("needs", "dependencies")
RULES = ("rules", "only", "except")


class Refusal(Struct, frozen=True):
    """A change is not permitted; `why` is empty when no permit speaks of it."""

    why: str = ""

    @property
    def tail(self) -> str:
        """What follows the message."""
        return f": {self.why}" if self.why else ""


class Judge:
    """The permits of one pipeline, weighed against both sides."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.added = {subject for rule, subject, _ in sides.asked if rule == "job-added"}

    def value(self, job: str, change: ValueChange) -> Refusal | None:
        """Whether one value was accepted with exactly this before and after."""
        return None if value_permitted(self.sides, job, change) else Refusal()

    def gone(self, job: Job) -> Refusal | None:
        """A job may go when another one does its work whenever it would have run."""
        if value_permitted(self.sides, job.name, whole(job, gone=True)):
            return None
        job = self.sides.old.jobs.get(job.name, job)
        if job.name in self.sides.splits.parts:
            fault = self.sides.splits.fault(job, self.sides.new)
            return Refusal(fault) if fault else None
        heir = self.sides.new.jobs.get(self.sides.heirs.get(job.name, ""))
        if heir is None:
            return Refusal()
        presence = implies(self.sides.new, job, heir)
        if isinstance(presence, Missing):
            return Refusal(presence.example)
        return self.runs(job, heir, joined=True)

    def runs(self, job: Job, heir: Job, *, joined: bool) -> Refusal | None:
        """Whether a job runs as the one did whose work it does; one that does the work of
        several pushes none of their tags in pipelines of another kind."""
        new = self.sides.new
        tags = pushed_tags(self.sides.before, job) if joined else ()
        fault = runs_otherwise(new, job, heir) or pushes_again(new, job, heir, tags)
        return Refusal(fault) if fault else None

    def come(self, job: Job) -> Refusal | None:
        """A job may come that does the work of joined ones, and runs when one of them did."""
        if value_permitted(self.sides, job.name, whole(job, gone=False)):
            return None
        if self.sides.splits.comes(job.name):
            return None
        joined = self.sides.joined(job.name)
        if job.name not in self.added or not joined:
            return Refusal()
        return self.rules_of(job, joined) or self.files(joined, job) or self.commands(joined, job)

    def key(self, old: Job, new: Job, key: str) -> Refusal | None:
        """Whether one key of a job that stays may differ as it does."""
        old = self.sides.old.jobs.get(old.name, old)
        if self.sides.followed(plain(old.keys.get(key)), plain(new.keys.get(key))):
            return None
        if key == "inherit" and hands_on_less(self.sides, old, new):
            return None
        if key == "needs" and old.needs is None and starts_earlier(self.sides, new):
            return None
        if key == "rules" and not old.keys.keys() & set(RULES) and same_condition(self.sides, new):
            return None
        if ("registry-mirror", new.name, key) in self.sides.asked and key in SECTIONS:
            fault = mirror_fault(
                texts(old.keys.get(key)), texts(new.keys.get(key)), self.sides.pushed
            )
            return Refusal(fault) if fault else None
        rule = rule_of(key)
        if not rule or (rule, new.name, key) not in self.sides.asked:
            return Refusal()
        joined = self.sides.joined(new.name)
        if key in NEEDS:
            return self.needs(old, new, key, joined)
        if key in RULES:
            presence = implies(self.sides.new, old, new)
            if isinstance(presence, Missing) and list(_parts(new)) != ["always"]:
                return Refusal(presence.example)
            ran = self.runs(old, new, joined=bool(joined))
            return ran or self.rules_of(new, [old, *joined])
        if key == "variables":
            return self.variables([old, *joined], new)
        if key == "parallel":
            return None
        return self.files([old, *joined], new) or self.commands([old, *joined], new)

    def needs(self, old: Job, new: Job, key: str, joined: Sequence[Job]) -> Refusal | None:
        """The old names with heirs in the place of joined jobs, and jobs that make an image
        which this one reads."""
        sides = self.sides
        names = (name for job in (old, *joined) for name in jobs_named(job, key))
        before = {heir for n in names for heir in sides.splits.heirs(n) or (sides.heir(n),)}
        after = set(jobs_named(new, key))
        lost = before - after - {new.name}
        if lost:
            return Refusal(f"`{min(lost)}` is no longer named")
        for name in sorted(after - before):
            if not sides.reads(new.name, name):
                return Refusal(f"`{new.name}` reads no image of `{name}`")
        firm = {n.job for n in new.needs or () if not n.optional}
        loose = {sides.heir(n.job) for n in old.needs or () if n.optional}
        loose -= {sides.heir(n.job) for n in old.needs or () if not n.optional}
        clash = sorted(firm & loose)
        return Refusal(f"the need of `{clash[0]}` was optional") if clash else None

    def rules_of(self, job: Job, sources: Sequence[Job]) -> Refusal | None:
        """Every condition and glob of a job's rules is one of the jobs that it works for."""
        readers = [
            other
            for other in self.sides.new.visible
            if job.name in jobs_named(other, "needs") or self.sides.reads(other.name, job.name)
        ]
        known = {part for other in (*sources, *readers) for part in _parts(other)}
        known |= {self.sides.moved.text(part) for part in known}
        for part in _parts(job):
            if part not in known:
                return Refusal(f"no job that it works for says {part}")
        return None

    def variables(self, old: Sequence[Job], new: Job) -> Refusal | None:
        """Only variables that the job's commands name may differ."""
        lines = "\n".join(line.scalar.text for job in (*old, new) for line in job.lines)
        first, second = plain(old[0].keys.get("variables")), plain(new.keys.get("variables"))
        mine, theirs = (v if isinstance(v, dict) else {} for v in (first, second))
        for name in sorted(mine.keys() | theirs.keys(), key=str):
            named = f"${name}" in lines or f"${{{name}" in lines
            if mine.get(name) != theirs.get(name) and not named:
                return Refusal(f"no command of the job names {name}")
        return None

    def files(self, old: Sequence[Job], new: Job) -> Refusal | None:
        """No file that one of several jobs, or of several runs of a matrix, wrote is written
        over by the one that does their work."""
        fault = written_over(self.sides.old, old, rows=not new.rows)
        return Refusal(fault) if fault else None

    def commands(self, old: Sequence[Job], new: Job) -> Refusal | None:
        """Only commands that have to do with building images may differ."""
        texts = [[line.scalar.text for line in job.lines] for job in (*old, new)]
        other = other_commands([text for lines in texts[:-1] for text in lines], texts[-1])
        return Refusal(f"`{other}` is not a build command") if other else None


def whole(job: Job, *, gone: bool) -> ValueChange:
    """A job that goes or comes, as one value without a key path."""
    text = as_json({key: plain(value) for key, value in job.keys.items()})
    return ValueChange("", text, "") if gone else ValueChange("", "", text)


def rule_of(key: str) -> str:
    """The rule under which a key of a job may change; empty for one that no rule knows."""
    if key in CALLS:
        return "build-call"
    if key in NEEDS:
        return "needs-followed"
    return "rules-united" if key in RULES else ""


def _parts(job: Job) -> Iterator[str]:
    """The conditions and globs under which a job exists, each as text; `always` without any."""
    rules = plain(job.keys.get("rules"))
    if rules is None:
        only, left_out = (plain(job.keys.get(key)) for key in ("only", "except"))
        yield f"only {only}, except {left_out}" if only or left_out else "always"
        return
    for rule in rules if isinstance(rules, list) else ():
        yield from _clauses(rule if isinstance(rule, dict) else {})


def _clauses(rule: dict[str, Any]) -> Iterator[str]:
    if not rule.keys() & {"if", "changes", "exists"}:
        yield f"when: {rule.get('when', 'on_success')}"
    if "if" in rule:
        yield f"if: {rule['if']}"
    for key in ("changes", "exists"):
        listed = rule.get(key)
        listed = listed.get("paths") if isinstance(listed, dict) else listed
        for glob in listed if isinstance(listed, list) else [listed] if listed else ():
            yield f"{key}: {glob}"
