"""What a merge asks leave for: which image stands for which, and what differs on the way.

Every permit speaks of one image, and only of what its own group does to it. Knows groups, the
merged file and what was accepted; what the gate makes of a permit it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from dockerfix.api import Finding, Image, Permit, Pipeline, Severity, Stage
from dockerfix_transforms.merge_rust.callers.left import LEFT, Left
from dockerfix_transforms.merge_rust.callers.workflows import WorkflowPlan
from dockerfix_transforms.merge_rust.group.admission import Admission
from dockerfix_transforms.merge_rust.group.group import Group, Member, added_steps
from dockerfix_transforms.merge_rust.group.settings import FEATURES
from dockerfix_transforms.merge_rust.group.stand_ins import written
from dockerfix_transforms.merge_rust.jobs.plan import JobPlan
from dockerfix_transforms.merge_rust.notes.held import PROGRAMS, images_on_builder
from dockerfix_transforms.merge_rust.read.compiler import environment, is_compiler_variable
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, steps_of
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.write.layout import Merged

_WIDENED = {
    Role.COOK: "cook-widened",
    Role.BUILD: "build-widened",
    Role.PACKAGES: "united-packages",
}
_RULES = ("rules", "only", "except")
_CALLS = ("script", "variables", "parallel")
_ASPECTS = frozenset({"toolchain", "shell", "base-image"})


def image_permits(
    groups: Sequence[Group], merged: Merged, scope: Scope, findings: Collection[Finding]
) -> Iterator[Permit]:
    """The permits of all images of all groups; `findings` are the assumptions of the merge."""
    into = scope.into
    assumed = [finding for finding in findings if finding.severity is Severity.ASSUME]
    for group in groups:
        for member in group.members:
            if len(group.members) > 1:
                rules = tuple(_rules(group, member))
            else:
                guest = merged.plan.is_guest(group)
                rules = tuple(_guest_rules(groups[0], group)) if guest else ()
            aspects = [*_accepted(member, assumed), *_gained(group, member, assumed)]
            aspects += ((rule, member.file.binary) for rule in added_rules(group, member))
            if member.file.path in scope.gained:
                aspects.append((Admission.SOURCES.value, member.file.binary))
            for stage in member.file.targets:
                name = merged.plan.targets[(member.file.path, stage.index)]
                old = str(image_before(member.file, stage))
                yield Permit("stands-for", old, into, name)
                for rule in rules:
                    yield Permit(rule, old, into)
                for rule, detail in dict.fromkeys(aspects):
                    yield Permit(rule, old, into, detail)
                if any(stage is held for held in images_on_builder(group, member)):
                    yield Permit(PROGRAMS, old, into)


def job_permits(pipeline: Pipeline | None, jobs: JobPlan) -> Iterator[Permit]:
    """The permits for jobs that become one."""
    if pipeline is None:
        return
    path = pipeline.path
    for name, olds in jobs.joined:
        yield from (Permit("job-joined", old, path, after=name) for old in olds if old != name)
        if name in jobs.added:
            yield Permit("job-added", name, path)
        else:
            if len(olds) > 1:
                yield from (Permit("rules-united", name, path, key) for key in _RULES)
            yield from (Permit("build-call", name, path, key) for key in _CALLS)


def workflow_permits(workflows: WorkflowPlan) -> Iterator[Permit]:
    """The permits for jobs of workflows that become one."""
    for joined in workflows.joined:
        for old in joined.olds:
            yield Permit("steps-joined", old, joined.path, after=joined.name)


def left_permits(lefts: Iterable[Left], accept: Collection[str]) -> Iterator[Permit]:
    """The permits for places that the person rewrites by hand, while the old files go."""
    for left in lefts:
        if left.name == LEFT and left.accepted(accept):
            yield from (Permit(LEFT, path, left.place.path) for path in left.files)


def image_before(file: InputFile, stage: Stage) -> Image:
    """An image of an input by the name that call sites use."""
    last = stage.index == file.graph.stages[-1].index
    return Image(file.path, stage.name or ("" if last else str(stage.index)))


def _rules(group: Group, member: Member) -> Iterator[str]:
    """What a shared builder does to the instructions that one file had for itself."""
    graph = member.file.graph
    roles = {step.role for step in group.common}
    aside = {step.role for stage in graph.stages for step in steps_of(graph, stage)}
    roles |= aside & {Role.COOK}
    yield from (rule for role, rule in _WIDENED.items() if role in roles)
    if Role.COOK in roles:
        yield "prepare-widened"  # by the planner, which stands beside the chain
    if any(environment(step.item) for step in group.common) or _inline(group):
        yield "environment-added"
    if any(map(written, group.common)):
        yield "stand-ins"
    if group.has_own or any(other.dropped for other in group.members):
        yield "tools-later"


def _guest_rules(main: Group, group: Group) -> Iterator[str]:
    """What the first group's leading stages do to a file that has only these in common with it."""
    if any(step.role is Role.PACKAGES for step in (*main.common, *group.common)):
        yield _WIDENED[Role.PACKAGES]
    known = {name for step in group.common for name, _ in environment(step.item)}
    shared = (step.item for step in main.common[: main.split])
    if any(name not in known for item in shared for name, _ in environment(item)):
        yield "environment-added"
    calls = (call for step in group.leader.file.planner_steps for call in step.calls)
    if any(call.bins for call in calls):
        yield "prepare-widened"


def added_rules(group: Group, member: Member) -> Iterator[str]:
    """The rules under which the builder holds more than this file's own did."""
    for _, kind in added_steps(group, member):
        if kind in (Admission.SOURCES, Admission.TOOLS):
            yield kind.value


def _inline(group: Group) -> bool:
    """Whether some build has variables of its own in front."""
    calls = (call for m in group.members for step in m.file.steps for call in step.calls)
    return any(call.command.assignments for call in calls)


def _accepted(member: Member, assumed: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    """The aspects whose difference the person accepted for this file, as the finding at one
    of its own lines says."""
    for finding in assumed:
        if finding.place is not None and finding.place.path == member.file.path:
            if finding.name in _ASPECTS:
                yield finding.name, ""
            elif finding.name in FEATURES:
                yield "features", ""
            elif is_compiler_variable(finding.name):
                linker = finding.name.endswith("LINKER")
                yield "linker" if linker else "flags", finding.name


def _gained(group: Group, member: Member, assumed: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    """The packages and variables that this file's programs are compiled with now, and that an
    assumption names."""
    files = {other.file.path for other in group.members}
    steps = member.file.steps
    own = {name for step in steps for name, _ in environment(step.item)}
    own |= {a.name for step in steps for call in step.calls for a in call.command.assignments}
    for finding in assumed:
        if finding.place is None or finding.place.path not in files:
            continue
        if finding.name == "packages" and finding.place.path == member.file.path:
            yield from (("packages", word) for word in finding.subject.split(", "))
        elif finding.name == "environment":
            yield from (("environment", n) for n in finding.subject.split(", ") if n not in own)
