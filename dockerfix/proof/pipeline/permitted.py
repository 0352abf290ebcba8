"""What a permit lets a pipeline change, and whether it is the harmless thing that it says.

A permit names a job and a key; here is judged from both pipelines whether that key changed for
the reason that the rule gives: a need that follows the work, rules that cover their readers,
a command that calls a build. Knows jobs and builds; asks no transform.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct

from dockerfix.facts.context.makers import without_tag
from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.gitlab.job import SECTIONS
from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.gitlab.presence import Missing, implies
from dockerfix.facts.gitlab.schedule import Schedule
from dockerfix.facts.gitlab.values import as_dict, texts
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.registries import pushed_registries
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.proof.pipeline.commands import other_commands
from dockerfix.proof.pipeline.mirrors import mirror_fault
from dockerfix.proof.pipeline.moved import Moved
from dockerfix.proof.pipeline.split import Splits
from dockerfix.proof.pipeline.values import ValueChange, as_json, variable_changes

CALLS = ("before_script", "script", "after_script", "variables", "parallel")
"""Keys that decide what a job's build calls are."""
NEEDS = ("needs", "dependencies")
CLONE = ("GIT_DEPTH",)
"""Variables that say how a job gets its sources."""
STRATEGIES = (("GIT_STRATEGY", "clone", "fetch"), ("GIT_STRATEGY", "", "none"))
"""The other changes of how sources come: the work tree of an earlier job is used again, or a job
has none."""
EARLIER = ("starts-earlier", "builds-beside-scan")
"""Rules under which a job without needs may get them."""
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

    def __init__(
        self,
        permits: Sequence[Permit],
        moved: Moved,
        pipelines: tuple[Pipeline, Pipeline],
        facts: tuple[Facts, Facts],
    ) -> None:
        before, after = facts
        self.moved = moved
        self.old = moved.pipeline(pipelines[0], before.snapshot)
        self.new = pipelines[1]
        self.before = before
        self.after = after
        self.builds = (*_in_jobs(before), *_in_jobs(after))
        self.asked = {(permit.rule, permit.subject, permit.detail) for permit in permits}
        self.values = {p for p in permits if p.rule == "pipeline-value"}
        self.variables_set = {
            (p.subject, p.detail, p.before, p.after) for p in permits if p.rule == "clone-depth"
        }
        self.heirs = {p.subject: p.after for p in permits if p.rule == "job-joined"}
        self.splits = Splits(permits)
        self.added = {p.subject for p in permits if p.rule == "job-added"}

    @cached_property
    def pushed(self) -> frozenset[str]:
        """The registries to which either side pushes."""
        return pushed_registries(self.before) | pushed_registries(self.after)

    def heir(self, name: str) -> str:
        """The job that does a joined job's work; any other job is its own, and a run of a
        matrix (`build: [api]`) is a run of its job."""
        name = name if name in self.old.jobs else name.partition(": [")[0]
        return self.heirs.get(name, name)

    def joined(self, name: str) -> list[Job]:
        """The old jobs whose work a job does now."""
        mine = (old for old, heir in self.heirs.items() if heir == name)
        return [self.old.jobs[old] for old in mine if old in self.old.jobs]

    def followed(self, old: Any, new: Any) -> bool:
        """Whether a value says the same once every path that moved has its new name."""
        return bool(self.moved.paths) and self.moved.data(old) == self.moved.data(new)

    def value(self, job: str, change: ValueChange) -> Refusal | None:
        """Whether one value was accepted with exactly this before and after."""
        mine = (p for p in self.values if (p.subject, p.detail) == (job, change.path))
        same = any((p.before, p.after) == (change.before, change.after) for p in mine)
        allowed = (
            same
            or self.depths(job, change)
            or self.builder_lines(job, change)
            or self.mirrored_beside(job, change)
        )
        return None if allowed else Refusal()

    def builder_lines(self, job: str, change: ValueChange) -> bool:
        """Whether a script beside the jobs differs in commands that build or make a builder,
        with leave for it; what the jobs then build is judged by *same images asked for*."""
        head = change.path.removeprefix("default.").partition("[")[0].partition(" of ")[0]
        if job or ("build-call", "", head) not in self.asked or not change.before:
            return False
        old, new = (json.loads(text) if text else "" for text in (change.before, change.after))
        sides = [side if isinstance(side, list) else [side] for side in (old, new)]
        return not other_commands(*([str(line) for line in side] for side in sides))

    def mirrored(self, old: Sequence[str], new: Sequence[str]) -> Refusal | None:
        """Whether a script's builders pull through mirrors, and nothing else differs."""
        fault = mirror_fault(old, new, self.pushed)
        return Refusal(fault) if fault else None

    def mirrored_beside(self, job: str, change: ValueChange) -> bool:
        """The same for a script beside the jobs. A change is one item of it, so that all of
        these scripts are compared whole."""
        head = change.path.partition("[")[0]
        asked = any(
            rule == "registry-mirror" and not subject and key in head.replace(" ", ".").split(".")
            for rule, subject, key in self.asked
        )
        if job or not asked:
            return False
        sides = [_shared_scripts(pipeline) for pipeline in (self.old, self.new)]
        return sides[0].keys() == sides[1].keys() and not any(
            self.mirrored(lines, sides[1][key]) for key, lines in sides[0].items()
        )

    def depths(self, job: str, change: ValueChange) -> bool:
        """Whether a change of variables is one of depths alone, each with its permit."""
        found = list(variable_changes(change))
        return bool(found) and all(
            (name in CLONE or (name, old, new) in STRATEGIES)
            and (job, name, old, new) in self.variables_set
            for name, old, new in found
        )

    def gone(self, job: Job) -> Refusal | None:
        """A job may go when another one does its work whenever it would have run."""
        if self.value(job.name, whole(job, gone=True)) is None:
            return None
        job = self.old.jobs.get(job.name, job)
        if job.name in self.splits.parts:
            fault = self.splits.fault(job, self.new)
            return Refusal(fault) if fault else None
        heir = self.new.jobs.get(self.heirs.get(job.name, ""))
        if heir is None:
            return Refusal()
        presence = implies(self.new, job, heir)
        return Refusal(presence.example) if isinstance(presence, Missing) else None

    def come(self, job: Job) -> Refusal | None:
        """A job may come that does the work of joined ones, and runs when one of them did."""
        if self.value(job.name, whole(job, gone=False)) is None:
            return None
        if self.splits.comes(job.name):
            return None
        joined = self.joined(job.name)
        if job.name not in self.added or not joined:
            return Refusal()
        return self.rules_of(job, joined) or self.commands(joined, job)

    def key(self, old: Job, new: Job, key: str) -> Refusal | None:
        """Whether one key of a job that stays may differ as it does."""
        old = self.old.jobs.get(old.name, old)
        if self.followed(plain(old.keys.get(key)), plain(new.keys.get(key))):
            return None
        if key == "inherit" and self.hands_on_less(old, new):
            return None
        if key == "needs" and old.needs is None and self.starts_earlier(new):
            return None
        if key == "rules" and not old.keys.keys() & set(RULES) and self.same_condition(new):
            return None
        if ("registry-mirror", new.name, key) in self.asked and key in SECTIONS:
            return self.mirrored(texts(old.keys.get(key)), texts(new.keys.get(key)))
        rule = rule_of(key)
        if not rule or (rule, new.name, key) not in self.asked:
            return Refusal()
        joined = self.joined(new.name)
        if key in NEEDS:
            return self.needs(old, new, key, joined)
        if key in RULES:
            presence = implies(self.new, old, new)
            if isinstance(presence, Missing) and list(_parts(new)) != ["always"]:
                return Refusal(presence.example)
            return self.rules_of(new, [old, *joined])
        if key == "variables":
            return self.variables([old, *joined], new)
        return self.commands([old, *joined], new) if key != "parallel" else None

    def starts_earlier(self, job: Job) -> bool:
        """Whether a job may get these first needs: each has its permit, the job keeps all files
        of earlier jobs that it may read, and passes none that deploys or makes an image which it
        runs in. Only jobs that make no image may pass others without leave, and none that a job
        needs which had needs before: that one would start earlier too, unasked."""
        names = {need.job for need in job.needs or ()}
        rules = {r for r, subject, _ in self.asked if subject == job.name and r in EARLIER}
        asked = [
            r for r in rules if all((r, job.name, name) in self.asked for name in names or {""})
        ]
        if not asked or job.environment is not None or job.trigger is not None:
            return False
        schedule = Schedule(self.new)
        waited = schedule.before(job.name)
        passed = [
            other
            for other in self.new.visible
            if _is_earlier(self.new, other, job) and other.name not in waited
        ]
        makers = (o for o in self.new.visible if _is_earlier(self.new, o, job) and _hands(o, job))
        handing = {need.job for need in job.needs or () if need.artifacts}
        missed = {o.name for o in makers if not (o.name in handing or self.unread(job, o))}
        if missed or any(map(_acts, passed)):
            return False
        if "builds-beside-scan" in asked:
            return not any(self.of(other.name) for other in passed)
        named = {
            need.job
            for other in self.new.visible
            if (old := self.old.jobs.get(other.name)) is None or old.needs is not None
            for need in other.needs or ()
        }
        runs = {i.name for i in (job.image, *job.services) if i is not None}
        made = {tag.text for other in passed for build in self.of(other.name) for tag in build.tags}
        return not (self.of(job.name) or job.name in named or _last_names(runs) & _last_names(made))

    def unread(self, job: Job, maker: Job) -> bool:
        """Whether a job may do without another one's files, with a permit: it gets no variables
        of it, and no line of its script names their paths."""
        left = maker.artifacts
        if ("artifacts-unread", job.name, maker.name) not in self.asked or left is None:
            return False
        paths = [path.strip("/") for path in left.paths]
        named = any(path in line.scalar.text for path in paths for line in job.lines)
        return not (left.dotenv or left.untracked or named)

    def same_condition(self, job: Job) -> bool:
        """Whether a job that had no rules has those of a job which it needs, with a permit."""
        rules = plain(job.keys.get("rules"))
        return any(
            ("same-condition", job.name, need.job) in self.asked
            and need.job in self.new.jobs
            and plain(self.new.jobs[need.job].keys.get("rules")) == rules
            for need in job.needs or ()
        )

    def hands_on_less(self, old: Job, new: Job) -> bool:
        """Whether `inherit:` keeps nothing but a depth away, with a permit."""
        before, after = self.old.variables_of(old), self.new.variables_of(new)
        kept = {n: s.text for n, s in before.items() if n not in CLONE}
        same = kept == {n: s.text for n, s in after.items()}
        permitted = ("clone-depth", new.name, "inherit") in self.asked
        return permitted and same and old.inherit.default == new.inherit.default

    def needs(self, old: Job, new: Job, key: str, joined: Sequence[Job]) -> Refusal | None:
        """The old names with heirs in the place of joined jobs, and jobs that make an image
        which this one reads."""
        named = (name for job in (old, *joined) for name in _named(job, key))
        before = {heir for n in named for heir in self.splits.heirs(n) or (self.heir(n),)}
        after = set(_named(new, key))
        lost = before - after - {new.name}
        if lost:
            return Refusal(f"`{min(lost)}` is no longer named")
        for name in sorted(after - before):
            if not self.reads(new.name, name):
                return Refusal(f"`{new.name}` reads no image of `{name}`")
        firm = {n.job for n in new.needs or () if not n.optional}
        loose = {self.heir(n.job) for n in old.needs or () if n.optional}
        loose -= {self.heir(n.job) for n in old.needs or () if not n.optional}
        clash = sorted(firm & loose)
        return Refusal(f"the need of `{clash[0]}` was optional") if clash else None

    def reads(self, reader: str, maker: str) -> bool:
        """Whether a build of one job is given an image that another one tags."""
        tags = {without_tag(tag.text) for b in self.of(maker) for tag in b.tags}
        tags |= {
            without_tag(name.text)
            for call in self.after.builds.images
            if call.site.kind is SiteKind.GITLAB and call.site.name == maker
            for name in call.names
        }
        given = {
            without_tag(argument.value.text.removeprefix("docker-image://"))
            for build in self.of(reader)
            for argument in (*build.arguments, *build.named_contexts)
            if argument.value is not None
        }
        return bool(tags & given)

    def of(self, job: str) -> list[Build]:
        """The builds of a job, on both sides."""
        return [build for build in self.builds if build.site.name == job]

    def rules_of(self, job: Job, sources: Sequence[Job]) -> Refusal | None:
        """Every condition and glob of a job's rules is one of the jobs that it works for."""
        readers = [
            other
            for other in self.new.visible
            if job.name in _named(other, "needs") or self.reads(other.name, job.name)
        ]
        known = {part for other in (*sources, *readers) for part in _parts(other)}
        known |= {self.moved.text(part) for part in known}
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

    def commands(self, old: Sequence[Job], new: Job) -> Refusal | None:
        """Only commands that have to do with building images may differ."""
        texts = [[line.scalar.text for line in job.lines] for job in (*old, new)]
        other = other_commands([text for lines in texts[:-1] for text in lines], texts[-1])
        return Refusal(f"`{other}` is not a build command") if other else None


def _is_earlier(pipeline: Pipeline, first: Job, second: Job) -> bool:
    stages = pipeline.stages
    known = first.stage in stages and second.stage in stages
    return known and stages.index(first.stage) < stages.index(second.stage)


def _hands(maker: Job, reader: Job) -> bool:
    """Whether files or variables of one job reach another; reports do not."""
    if "dependencies" in reader.keys and maker.name not in _named(reader, "dependencies"):
        return False
    left = maker.artifacts
    return left is not None and bool(left.paths or left.untracked or left.dotenv)


def _acts(job: Job) -> bool:
    """Whether a job changes something outside the pipeline, as far as its keys say."""
    return bool(job.keys.keys() & {"environment", "trigger", "release", "pages"})


def _last_names(images: Iterable[str]) -> set[str]:
    return {without_tag(image.rpartition("/")[2]) for image in images}


def whole(job: Job, *, gone: bool) -> ValueChange:
    """A job that goes or comes, as one value without a key path."""
    text = as_json({key: plain(value) for key, value in job.keys.items()})
    return ValueChange("", text, "") if gone else ValueChange("", "", text)


def _shared_scripts(pipeline: Pipeline) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The scripts beside the jobs, by file and key path."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path, file in pipeline.files.items():
        top = as_dict(file.root) or {}
        for head, keys in (("", top), ("default", as_dict(top.get("default")) or {})):
            found |= {(path, head, key): texts(keys[key]) for key in SECTIONS if key in keys}
    return found


def rule_of(key: str) -> str:
    """The rule under which a key of a job may change; empty for one that no rule knows."""
    if key in CALLS:
        return "build-call"
    if key in NEEDS:
        return "needs-followed"
    return "rules-united" if key in RULES else ""


def _in_jobs(facts: Facts) -> list[Build]:
    return [b for b in facts.builds.builds if b.site.kind is SiteKind.GITLAB]


def _named(job: Job, key: str) -> Iterator[str]:
    """The jobs that `needs` or `dependencies` name."""
    if key == "needs":
        yield from (need.job for need in job.needs or ())
    else:
        yield from (scalar.text for scalar in job.dependencies)


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
