"""Checks *pipeline change*: the CI file means the same but for the permitted values.

Jobs are compared with everything that templates, anchors and defaults give them. What GitLab
would refuse, or what a rule would leave without its needed job, fails when it is new; what
was so before is listed. Knows the rules of "CI/CD YAML syntax, needs"; when jobs exist is
asked of `facts.presence`, what may change for which reason stands in `permitted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from dockerfix.facts.gitlab.buildx import Buildx, buildx_of, calls_buildx, wants_old_builder
from dockerfix.facts.gitlab.gates import plain, written
from dockerfix.facts.gitlab.pipeline import GLOBAL_KEYS, ROOT, Job, Need, Pipeline, find_pipeline
from dockerfix.facts.gitlab.presence import AlwaysThere, Missing, implies
from dockerfix.facts.gitlab.values import as_dict
from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Obligation, Permit, Verdict
from dockerfix.proof.pipeline.moved import Moved
from dockerfix.proof.pipeline.permitted import Judge, Refusal
from dockerfix.proof.pipeline.sides import Sides
from dockerfix.proof.pipeline.values import ValueChange, value_changes
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, Sequence, YamlError, to_data
from dockerfix.text import Place

MAX_NEEDS = 50


class PipelineChange(Obligation, frozen=True):
    """The pipeline has the same jobs with the same keys, and the same keys beside the jobs,
    but for what the permits name; `needs:` holds everywhere.

    `path` is the pipeline's root file. `moved` pairs Dockerfiles with those that stand for
    them: values may follow their names.
    """

    path: str
    permits: tuple[Permit, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()

    kind: ClassVar[str] = "pipeline change"
    rules: ClassVar[Mapping[str, str]] = {
        "job-joined": "a job is removed; the job `after` does its work whenever it would have run",
        "job-added": "a job is added that does the work of joined jobs",
        "build-call": "the job's own commands or variables change where they call a build;"
        " *same images asked for* judges what it builds; an empty subject means a script beside"
        " the jobs",
        "registry-mirror": "the job's builders get a file that names mirrors of registries to"
        " which the pipeline does not push; an empty subject means a script beside the jobs",
        "needs-followed": "`needs` and `dependencies` name the job that does a joined job's work,"
        " and a job whose image this one reads",
        "rules-united": "the job still exists whenever it did, and also whenever a job that"
        " needs it does",
    }
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "pipeline-value": "any other value: `detail` is its key path, `before` and `after` are"
        " exact; an empty subject means a key beside the jobs",
        "clone-depth": "the variable that says how many commits a job clones: `before` and"
        " `after` are its texts; an empty subject means the pipeline's own; also `GIT_STRATEGY`"
        " from `clone` to `fetch`, and `none` where a job had no strategy",
        "starts-earlier": "a job without `needs` gets them, `detail` names each; it must be one"
        " that builds and pushes nothing, and that no other job needs",
        "artifacts-unread": "a job that gets its first `needs` no longer gets the files of the job"
        " `detail`; no line of its script names their paths",
        "builds-beside-scan": "a job without `needs` that makes images gets them, `detail` names"
        " each; it passes only jobs that make no image and hand on no file",
        "job-split": "a job is removed, and the jobs that `detail` names run its commands between"
        " them, each with the old job's other keys; a hidden one holds what they share",
        "same-condition": "a job without rules gets those of the job `detail`, which it needs",
    }
    assumed_rules: ClassVar[frozenset[str]] = frozenset(
        {"clone-depth", "starts-earlier", "artifacts-unread", "job-split"}
    )

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether the pipeline differs in nothing but permitted values, and GitLab takes it."""
        statement = (
            f"{self.path} means the same, apart from the permitted changes; every need can be met"
        )
        try:
            old = _pipeline(before, self.path)
        except YamlError as error:
            return Verdict(statement, (f"existing: {error}",), ())
        new = _pipeline(after, self.path)
        if old is None or new is None:
            side = "before" if old is None else "after"
            return Verdict(statement, (), (f"{self.path}: it does not exist {side}",))
        sides = Sides(self.permits, Moved(dict(self.moved)), (old, new), (before, after))
        judge = Judge(sides)
        comparison = _Comparison(self, old, new, judge)
        comparison.globals()
        comparison.names()
        comparison.jobs()
        comparison.tools()
        comparison.faults()
        comparison.presence()
        return Verdict(
            statement,
            tuple(comparison.differences),
            tuple(comparison.failures),
            tuple(comparison.unproved),
            about=tuple(_built_in(before, comparison.failed)),
            sites=tuple(dict.fromkeys(_call_sites(before, comparison.failed))),
        )


def _built_in(facts: Facts, jobs: Iterable[str]) -> Iterator[str]:
    """The Dockerfiles that builds of these jobs take, once for each job."""
    for job in jobs:
        yield from dict.fromkeys(b.dockerfile for b in _builds(facts, job) if b.dockerfile)


def _call_sites(facts: Facts, jobs: Iterable[str]) -> Iterator[str]:
    """The places of the builds of these jobs."""
    for job in jobs:
        yield from (str(build.site.place) for build in _builds(facts, job))


def _builds(facts: Facts, job: str) -> Iterator[Build]:
    for build in facts.builds.builds:
        if build.site.in_job(job):
            yield build


def _pipeline(facts: Facts, path: str) -> Pipeline | None:
    """The pipeline of a root file; the repository's own is read once."""
    return facts.read_pipeline() if path == ROOT else find_pipeline(facts.snapshot, path)


class Fault(Struct, frozen=True):
    """Something that GitLab refuses: `key` is equal before and after, whatever moves."""

    key: tuple[str, ...]
    place: Place
    what: str


class _Comparison:
    """Gathers over both pipelines; dicts keep the first of equal lines."""

    def __init__(self, owed: PipelineChange, old: Pipeline, new: Pipeline, judge: Judge) -> None:
        self.owed = owed
        self.old = old
        self.new = new
        self.judge = judge
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}
        self.unproved: dict[str, None] = {}
        self.failed: list[str] = []
        """The jobs of before that failures are about."""

    def globals(self) -> None:
        """What stands beside the jobs is the same, or permitted value by value."""
        old, new = _globals(self.old), _globals(self.new)
        for change in value_changes(old, new) if not self.judge.sides.followed(old, new) else ():
            self.judged("", self.owed.path, change, self.judge.value("", change))

    def names(self) -> None:
        """The jobs that went and came are those that permits name."""
        gone = [job for name, job in self.old.jobs.items() if name not in self.new.jobs]
        come = [job for name, job in self.new.jobs.items() if name not in self.old.jobs]
        for job in gone:
            refusal = self.judge.gone(job)
            if refusal is not None:
                self.failures[f"{job.place}: the job `{job.name}` is gone{refusal.tail}"] = None
                self.failed.append(job.name)
        for job in come:
            refusal = self.judge.come(job)
            if refusal is not None:
                self.failures[f"{job.place}: the job `{job.name}` is new{refusal.tail}"] = None
                self.failed += self.joined_in(job.name)

    def joined_in(self, name: str) -> list[str]:
        """The jobs of before whose work a new one does."""
        permits = self.owed.permits
        return [p.subject for p in permits if p.rule == "job-joined" and p.after == name]

    def jobs(self) -> None:
        """Every other job has the same effective keys, or each difference its permit."""
        for name, first in self.old.jobs.items():
            second = self.new.jobs.get(name)
            if second is None:
                continue
            for key in sorted(_differing(first, second)):
                refusal = self.judge.key(first, second, key)
                for change in value_changes(_alone(first, key), _alone(second, key)):
                    taken = self.judge.value(name, change) is None
                    self.judged(name, str(second.place), change, None if taken else refusal)

    def judged(self, job: str, place: str, change: ValueChange, refusal: Refusal | None) -> None:
        """List one value under its permit, or as a failure."""
        if refusal is None:
            owner = f"`{job}`: " if job else ""
            self.differences[f"changed: {place}: {owner}{change}"] = None
            return
        key = change.path.partition(".")[0].partition("[")[0]
        what = f"the job `{job}` differs in {key}" if job else f"`{key}` differs"
        self.failures[f"{place}: {what}{refusal.tail}"] = None
        self.failed.append(job)

    def tools(self) -> None:
        """No job calls `docker buildx` that has none, and none by which a job switched BuildKit
        off does without that."""
        for name, job in self.new.jobs.items():
            olds = [old for n in (name, *self.joined_in(name)) if (old := self.old.jobs.get(n))]
            known, why = buildx_of(job)
            if not calls_buildx(job) or any(map(calls_buildx, olds)) or not olds:
                continue
            if known is Buildx.LACKING:
                what = f"the job `{name}` calls docker buildx and has none ({why})"
                self.failures[f"{job.place}: {what}"] = None
                self.failed += [old.name for old in olds]
            elif any(wants_old_builder(self.old, old) for old in olds):
                what = f"the job `{name}` calls docker buildx, and BuildKit was switched off"
                self.failures[f"{job.place}: {what}"] = None
                self.failed += [old.name for old in olds]

    def faults(self) -> None:
        """What GitLab refuses, told apart from what it refused before."""
        known = {fault.key for fault in _faults(self.old)}
        for fault in _faults(self.new):
            line = f"{fault.place}: {fault.what}"
            if fault.key in known:
                self.differences[f"existing: {line}"] = None
            else:
                self.failures[line] = None
                jobs = fault.key[1:] if fault.key[0] == "cycle" else fault.key[1:2]
                self.failed += (old for job in jobs for old in (job, *self.joined_in(job)))

    def presence(self) -> None:
        """A needed job exists whenever the job that needs it does."""
        for user in self.new.visible:
            for need in user.needs or ():
                needed = self.new.jobs.get(need.job)
                if need.optional or needed is None:
                    continue
                presence = implies(self.new, user, needed)
                place = user.file.source.place(need.node.span)
                if isinstance(presence, AlwaysThere):
                    continue
                if not isinstance(presence, Missing):
                    what = f"`{user.name}` needs `{need.job}`: {presence.why}"
                    self.unproved[f"{place}: {what}"] = None
                elif self.was_missing(user, needed):
                    self.differences[f"existing: {place}: {presence.example}"] = None
                else:
                    hint = "widen its rules or say `optional: true`"
                    self.failures[f"{place}: {presence.example}: {hint}"] = None
                    joined = (self.joined_in(name) for name in (user.name, need.job))
                    self.failed += [user.name, *(old for olds in joined for old in olds)]

    def was_missing(self, user: Job, needed: Job) -> bool:
        """Whether the pipeline had this fault already: with the same job, or with one that
        the new job replaces."""
        before = self.old.jobs.get(user.name)
        if before is None:
            return False
        for need in before.needs or ():
            other = self.old.jobs.get(need.job)
            sides = self.judge.sides
            heirs = sides.splits.heirs(need.job) or (sides.heir(need.job),)
            replaced = needed.name in heirs
            if need.optional or other is None or not (need.job == needed.name or replaced):
                continue
            same = written(before) == written(user) and written(other) == written(needed)
            if same and _globals(self.old) == _globals(self.new):
                return True
            if isinstance(implies(self.old, before, other), Missing):
                return True
        return False


def _globals(pipeline: Pipeline) -> dict[str, Any]:
    """The keys beside the jobs, by file."""
    found: dict[str, Any] = {}
    for path, file in pipeline.files.items():
        for entry in file.root.entries if file.root is not None else ():
            if entry.key.text in GLOBAL_KEYS:
                name = entry.key.text if path == pipeline.path else f"{entry.key.text} of {path}"
                found[name] = to_data(entry.value)
    return found


def _alone(job: Job, key: str) -> dict[str, Any]:
    """One key of a job as plain data; nothing where the job has not that key."""
    return {key: plain(job.keys[key])} if key in job.keys else {}


def _differing(first: Job, second: Job) -> Iterator[str]:
    for key in first.keys.keys() | second.keys.keys():
        if plain(first.keys.get(key)) != plain(second.keys.get(key)):
            yield key


def _faults(pipeline: Pipeline) -> Iterator[Fault]:
    for job in pipeline.visible:
        yield from _stage(pipeline, job)
        yield from _extends(pipeline, job)
        yield from _needs(pipeline, job)
        yield from _words(job)
        yield from _dependencies(pipeline, job)
    yield from _cycles(pipeline)


def _stage(pipeline: Pipeline, job: Job) -> Iterator[Fault]:
    if job.stage not in pipeline.stages:
        what = f"`{job.name}` is in the stage `{job.stage}`, which is not in `stages`"
        yield Fault(("stage", job.name, job.stage), job.place, what)
    if not job.keys.keys() & {"script", "trigger", "run", "extends"}:
        yield Fault(("script", job.name), job.place, f"`{job.name}` has no script")


def _extends(pipeline: Pipeline, job: Job) -> Iterator[Fault]:
    node = job.keys.get("extends")
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        if isinstance(item, Scalar) and item.text not in pipeline.jobs and not pipeline.unread:
            what = f"`{job.name}` extends `{item.text}`, which does not exist"
            yield Fault(("extends", job.name, item.text), item.file.source.place(item.span), what)


_FLAGS = ("allow_failure", "interruptible")


def _words(job: Job) -> Iterator[Fault]:
    """Booleans of a job and of its rules that are written as texts."""
    held = [job.keys, *(as_dict(rule.node) or {} for rule in job.rules or ())]
    for keys in held:
        for key in _FLAGS:
            value = keys.get(key)
            if isinstance(value, Scalar) and value.style:
                what = f"`{job.name}` says `{key}` as a text, which must be a boolean"
                place = value.file.source.place(value.span)
                yield Fault(("text", job.name, key), place, what)


def _needs(pipeline: Pipeline, job: Job) -> Iterator[Fault]:
    needs = job.needs or ()
    if len(needs) > MAX_NEEDS:
        what = f"`{job.name}` needs {len(needs)} jobs, more than {MAX_NEEDS}"
        yield Fault(("many", job.name), job.place, what)
    seen: set[str] = set()
    for need in (*needs, *_rule_needs(job)):
        place = job.file.source.place(need.node.span)
        if need.job in seen and need in needs:
            what = f"`{job.name}` needs `{need.job}` twice"
            yield Fault(("twice", job.name, need.job), place, what)
        seen.add(need.job)
        yield from _need(pipeline, job, need, place)


def _need(pipeline: Pipeline, job: Job, need: Need, place: Place) -> Iterator[Fault]:
    needed = pipeline.jobs.get(need.job)
    if need.job == job.name:
        yield Fault(("self", job.name), place, f"`{job.name}` needs itself")
    elif needed is None or needed.hidden:
        if not pipeline.unread and not need.optional:
            what = f"`{job.name}` needs `{need.job}`, which does not exist"
            yield Fault(("unknown", job.name, need.job), place, what)
    elif _later(pipeline, needed, job):
        what = f"`{job.name}` needs `{need.job}` of the later stage `{needed.stage}`"
        yield Fault(("later", job.name, need.job), place, what)
    elif (
        isinstance(need.node, YamlMapping) and "parallel" in need.node.resolved and not needed.rows
    ):
        what = f"`{job.name}` needs one run of `{need.job}`, which has no matrix"
        yield Fault(("matrix", job.name, need.job), place, what)


def _later(pipeline: Pipeline, first: Job, second: Job) -> bool:
    stages = pipeline.stages
    known = first.stage in stages and second.stage in stages
    return known and stages.index(first.stage) > stages.index(second.stage)


def _rule_needs(job: Job) -> Iterator[Need]:
    """`needs:` inside rules, which replace the job's own."""
    for rule in job.rules or ():
        node = rule.node.resolved.get("needs") if isinstance(rule.node, YamlMapping) else None
        for item in node.items if isinstance(node, Sequence) else ():
            named = item.resolved.get("job") if isinstance(item, YamlMapping) else item
            if isinstance(named, Scalar):
                yield Need(named.text, False, item)


def _dependencies(pipeline: Pipeline, job: Job) -> Iterator[Fault]:
    for scalar in job.dependencies:
        place = scalar.file.source.place(scalar.span)
        other = pipeline.jobs.get(scalar.text)
        if other is None and not pipeline.unread:
            what = f"`{job.name}` depends on `{scalar.text}`, which does not exist"
            yield Fault(("dependency", job.name, scalar.text), place, what)
        elif job.needs is not None and scalar.text not in {need.job for need in job.needs}:
            what = f"`{job.name}` depends on `{scalar.text}`, which it does not need"
            yield Fault(("dependency", job.name, scalar.text), place, what)


def _cycles(pipeline: Pipeline) -> Iterator[Fault]:
    """Needs that go round, each cycle once; a depth-first search without recursion."""
    edges = {
        job.name: [n.job for n in job.needs or () if n.job in pipeline.jobs and n.job != job.name]
        for job in pipeline.visible
    }
    finished: set[str] = set()
    for start in edges:
        path: list[str] = []
        stack: list[Iterator[str]] = [iter([start])]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                finished.update(path[-1:])
                path = path[:-1]
            elif name in path:
                yield _cycle(pipeline, path[path.index(name) :])
            elif name not in finished:
                path.append(name)
                stack.append(iter(edges.get(name, ())))


def _cycle(pipeline: Pipeline, names: list[str]) -> Fault:
    shown = " -> ".join(f"`{name}`" for name in (*names, names[0]))
    return Fault(
        ("cycle", *sorted(names)), pipeline.jobs[names[0]].place, f"needs go round: {shown}"
    )
