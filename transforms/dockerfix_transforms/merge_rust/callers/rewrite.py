"""Everything that builds or names the old files: rewritten where it can be, else left.

A call site gets the merged file and a target, or stays with its old Dockerfile, which then
stays in the tree. A CI machine that would compile more than before stays too, unless the
person accepts it. Knows the order of the work; each kind of place is a module of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from dockerfix.api import (
    Change,
    Edits,
    Facts,
    Finding,
    PathMention,
    Place,
    Refused,
    SiteKind,
    Span,
    all_of,
    path_mentions,
    set_builds,
    set_paths,
)
from dockerfix_transforms.merge_rust.callers.filters import widen_filters
from dockerfix_transforms.merge_rust.callers.hidden_sites import hidden_sites
from dockerfix_transforms.merge_rust.callers.left import Left, kept_files, together
from dockerfix_transforms.merge_rust.callers.left_mentions import left_mentions, past_notes
from dockerfix_transforms.merge_rust.callers.mentions import is_read_only
from dockerfix_transforms.merge_rust.callers.named_ignores import followed_ignores, left_ignores
from dockerfix_transforms.merge_rust.callers.runners import (
    Machines,
    Pair,
    Work,
    alone,
    work_after,
    work_before,
)
from dockerfix_transforms.merge_rust.callers.sites import Sites, read_sites
from dockerfix_transforms.merge_rust.callers.workflows import APART, WorkflowPlan, plan_workflows
from dockerfix_transforms.merge_rust.files import moved_ignores
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.jobs.plan import JobPlan, plan_jobs
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.wishes import Wishes
from dockerfix_transforms.merge_rust.write.layout import Merged


class Callers(Struct, frozen=True):
    """What becomes of the callers: edits, remarks, what is left, and the work saved."""

    changes: list[Pair]
    jobs: JobPlan
    workflows: WorkflowPlan
    before: Work
    after: Work
    edits: Edits
    left: list[Left]
    findings: list[Finding]
    staying: frozenset[int]
    """The builds (by `id`) that stay with their old file."""
    wanted: bool
    """Whether the person accepted that machines compile more."""

    @property
    def gains(self) -> bool:
        """Whether dependencies are compiled less often than before."""
        return self.wanted or self.after.is_less_than(self.before)

    @property
    def spares_ci(self) -> bool:
        """Whether CI machines compile dependencies less often than before."""
        return self.after.passes - self.after.by_hand < self.before.passes - self.before.by_hand

    @property
    def rewritten_jobs(self) -> set[str]:
        """The GitLab jobs that stay and whose build calls change."""
        called = {
            change.build.site.name
            for _, change in self.changes
            if change.build.site.kind is SiteKind.GITLAB and id(change.build) not in self.staying
        }
        return (called | set(self.jobs.changed)) - set(self.jobs.removed)

    def useless(self, files: Sequence[InputFile], accept: Collection[str]) -> frozenset[str]:
        """Files that stay, and whose images no call site would build from the merged file."""
        moved = {file.path for file, change in self.changes if id(change.build) not in self.staying}
        kept = kept_files(self.left, accept)
        return frozenset(file.path for file in files if file.path in kept - moved)


def rewrite_callers(
    facts: Facts,
    scope: Scope,
    groups: Sequence[Group],
    merged: Merged,
    wishes: Wishes,
) -> Callers:
    """The callers of a merge; those that a check had left stay with the old files."""
    machines, accept, failed = Machines(facts), wishes.accept, wishes.without
    sites = read_sites(facts, scope.files, merged.plan.targets, scope.into, failed)
    jobs = plan_jobs(facts, groups, sites.changes, scope.context, _successors(scope), failed)
    workflows = plan_workflows(facts, groups, sites.changes, accept, failed)
    settled = _settled(facts, scope, machines, groups, wishes, sites, jobs, workflows)
    staying, lefts = settled.staying, settled.left
    hidden = list(hidden_sites(facts, scope.files))
    lefts += together(found for found in hidden if isinstance(found, Left))
    moved = [pair for pair in sites.changes if id(pair[1].build) not in staying]
    past: list[PathMention] = []
    edits, named = settled.edits, []
    if not wishes.keep_old:
        named = _mentions(facts, scope, merged, edits, lefts, accept, staying, past)
    kept = kept_files(lefts, accept)
    return Callers(
        changes=sites.changes,
        jobs=jobs,
        workflows=workflows,
        before=work_before(machines, groups, sites.changes, scope.files),
        after=work_after(
            machines, groups, merged.plan.cooked, sites.changes, staying, settled.within, kept
        ),
        edits=[*edits, *named, *widen_filters(facts, moved, scope.into, named)],
        left=list(dict.fromkeys(lefts)),  # rows of a matrix are left alike
        findings=[
            *sites.findings,
            *(found for found in hidden if isinstance(found, Finding)),
            *past_notes(mention for mention in past if mention.path not in kept),
        ],
        staying=frozenset(staying),
        wanted=any(left.name == APART and left.accepted(accept) for left in lefts),
    )


class _Settled(Struct, frozen=True):
    """Which builds move to the merged file: their edits, those that stay, and why."""

    edits: Edits
    staying: set[int]
    left: list[Left]
    within: Mapping[int, str]


def _settled(
    facts: Facts,
    scope: Scope,
    machines: Machines,
    groups: Sequence[Group],
    wishes: Wishes,
    sites: Sites,
    jobs: JobPlan,
    workflows: WorkflowPlan,
) -> _Settled:
    """The builds one by one: those of machines that would compile more stay first, then those
    that a scan holds, then those that cannot be edited, since each asks what is left of the
    ones before."""
    within = jobs.within | workflows.within
    apart = [
        (_apart(group, pairs, jobs, workflows), pairs)
        for group, pairs in alone(machines, groups, sites.changes, within)
    ]
    refusing = (pairs for left, pairs in apart if not left.accepted(wishes.accept))
    staying = {id(change.build) for pairs in refusing for _, change in pairs}
    dealt = jobs.done | staying | workflows.within.keys()
    free = [pair for pair in sites.changes if id(pair[1].build) not in dealt]
    edits, refused = set_builds(facts, [change for _, change in free])
    elsewhere = {file.path for file, change in sites.changes if id(change.build) in staying}
    whole = [*jobs.edits, *workflows.edits, *edits]
    scanned = [] if wishes.keep_old else _scanned(facts, scope, free, elsewhere, whole)
    if scanned:
        staying |= {id(change.build) for _, change in scanned}
        edits, refused = set_builds(facts, [c for _, c in free if id(c.build) not in staying])
    staying |= {id(change.build) for refusal in refused for change in refusal.changes}
    left = [*sites.left, *(_refused(sites, refusal) for refusal in refused)]
    left += [*(found for found, _ in apart), *(_with_others(*pair) for pair in scanned)]
    return _Settled([*jobs.edits, *workflows.edits, *edits], staying, left, within)


def _scanned(
    facts: Facts, scope: Scope, pairs: Sequence[Pair], elsewhere: Collection[str], edits: Edits
) -> list[Pair]:
    """Builds of workflows for a scanner that names their file, where other machines go on
    building from it (`elsewhere`): what is scanned must be what those make."""
    if not elsewhere:
        return []
    mentions = _untouched(facts, dict.fromkeys(elsewhere, scope.into), edits, ())
    named = {(m.place.path, m.path) for m in mentions if not m.past and not is_read_only(facts, m)}
    return [
        (file, change)
        for file, change in pairs
        if change.build.site.kind is SiteKind.GITHUB
        and (change.build.site.place.path, file.path) in named
    ]


def _with_others(file: InputFile, change: Change) -> Left:
    """A build that stays since what others build from its file is scanned."""
    site = change.build.site
    return Left(
        (file.path,),
        site.place,
        f"{site.kind.value} {site.name} builds what a step there scans as {file.path}",
        "Others go on building from the old file, and the scan would be of another image.",
        f"Build the images of {file.path} in one way.",
    )


def _successors(scope: Scope) -> dict[str, str]:
    """The merged file for each old one that is not the merged file itself."""
    return {file.path: scope.into for file in scope.files if file.path != scope.into}


def _mentions(
    facts: Facts,
    scope: Scope,
    merged: Merged,
    edits: Edits,
    lefts: list[Left],
    accept: Collection[str],
    staying: Collection[int],
    past: list[PathMention],
) -> Edits:
    """Edits of places that name an old file outside of every build; those from which something
    may be built come to `lefts`, those that tell what was to `past`. The builds of `staying`
    (by `id`) keep their old file."""
    targets = merged.plan.targets
    last = {f.path: targets[f.path, f.graph.stages[-1].index] for f in scope.files}
    found = _untouched(facts, _successors(scope), edits, lefts)
    past += (mention for mention in found if mention.past)
    mentions = [mention for mention in found if not mention.past]
    known = _named_in(left for left in lefts if not left.accepted(accept))
    unknown = [m for m in mentions if (m.place.path, m.path) not in known]
    lefts += left_mentions(facts, unknown, last)
    ignores = _untouched(facts, moved_ignores(scope, facts.snapshot), edits, lefts)
    lefts += left_ignores(facts, ignores)
    followed = _followed(mentions, lefts, accept)
    followed += followed_ignores(ignores, kept_files(lefts, accept))
    scanned = (m for m in mentions if m not in followed and _scans(facts, m, lefts, staying))
    return set_paths(facts, [*followed, *scanned], last)


def _apart(group: Group, pairs: Sequence[Pair], jobs: JobPlan, workflows: WorkflowPlan) -> Left:
    """A machine that stays with the old file, since the merged one would cost it more."""
    file, change = pairs[0]
    site = change.build.site
    reasons = (
        refused.what
        for refused, together in jobs.apart
        if any(site.name == build_job.job.name for build_job in together)
    )
    reason = next(reasons, "") or workflows.apart.get(id(change.build), "")
    why_not = f" The jobs cannot become one: {reason}." if reason else ""
    shipped = {name for member in group.members for name in member.file.shipped}
    count = max(len(shipped), len(group.members))
    return Left(
        (file.path,),
        site.place,
        f"{site.kind.value} {site.name} builds {file.binary} alone, on a runner of its own",
        f"With the merged file it would compile {all_of(count, 'program')} of the group.{why_not}",
        f"Build the images in one job, or --accept {APART}.",
        APART,
    )


def _refused(sites: Sites, refusal: Refused) -> Left:
    asked = {id(change.build) for change in refusal.changes}
    mine = (file.path for file, change in sites.changes if id(change.build) in asked)
    targets = {c.wanted.target for c in refusal.changes if c.wanted.target}
    into = next((c.wanted.dockerfile for c in refusal.changes), "the merged file")
    by_hand = f"{refusal.action}: " if refusal.action else ""
    return Left(
        tuple(dict.fromkeys(mine)),
        refusal.place,
        f"this call site cannot be rewritten: {refusal.what}",
        "It goes on building from the old file.",
        f"{by_hand}{into}, target {' or '.join(sorted(targets))}",
    )


def _untouched(
    facts: Facts, old: Mapping[str, str], edits: Edits, lefts: Sequence[Left]
) -> list[PathMention]:
    """Mentions of old files in places that no edit touches and that are not left already."""
    taken: dict[str, list[Span]] = {}
    for path, edit in edits:
        taken.setdefault(path, []).append(edit.span)
    return [
        mention
        for mention in path_mentions(facts.snapshot, old)
        if mention.place.path not in {*old, *old.values()}
        and not _touched(mention.place, taken.get(mention.place.path, ()))
        and not any(_at(left.place, mention.place) for left in lefts)
        and not _is_of_another(facts, mention)
    ]


def _is_of_another(facts: Facts, mention: PathMention) -> bool:
    """Whether a CI job takes the word for a file that is not there: it fails today, and has
    nothing to do with the file of that name elsewhere. Scripts do not say where they run."""
    place = mention.place
    for build in facts.builds.builds:
        path, written = build.dockerfile, build.dockerfile_written
        spot = written.place if written is not None else None
        known = build.site.kind in (SiteKind.GITHUB, SiteKind.GITLAB) and path != mention.path
        if spot is None or path is None or not known or path in facts.snapshot:
            continue
        if spot.path == place.path and spot.span.touches(place.span):
            return True
    return False


def _followed(
    mentions: Sequence[PathMention], lefts: Sequence[Left], accept: Collection[str]
) -> list[PathMention]:
    """The mentions of files that go."""
    kept = kept_files(lefts, accept)
    staying = _named_in(left for left in lefts if not left.accepted(accept))
    return [
        mention
        for mention in mentions
        if mention.path not in kept
        and (mention.place.path, mention.path) not in staying
        and not any(_at(left.place, mention.place) for left in lefts if left.name != APART)
    ]


def _scans(
    facts: Facts, mention: PathMention, lefts: Sequence[Left], staying: Collection[int]
) -> bool:
    """Whether a step of a workflow names the file of an image that is built there, and from the
    merged file now: a scanner's `--file`. The old file may stay for others."""
    built = [
        build
        for build in facts.builds.builds
        if build.dockerfile == mention.path
        and build.site.kind is SiteKind.GITHUB
        and build.site.place.path == mention.place.path
    ]
    left = (mention.place.path, mention.path) in _named_in(lefts)
    moved = bool(built) and not left and not any(id(build) in staying for build in built)
    return moved and not is_read_only(facts, mention)


def _named_in(lefts: Iterable[Left]) -> frozenset[tuple[str, str]]:
    """The files in which something is left, each with the old files that stay for it."""
    return frozenset((left.place.path, path) for left in lefts for path in left.files)


def _at(outer: Place, inner: Place) -> bool:
    return outer.path == inner.path and outer.span.contains(inner.span)


def _touched(place: Place, spans: Sequence[Span]) -> bool:
    return any(span.touches(place.span) or span.contains(place.span) for span in spans)
