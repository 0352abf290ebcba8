"""The context stays: by an ignore file that lets through what is used, or with nothing to gain.

Decides what is said of a context that cannot shrink, or that need not. Knows the builders of
one Dockerfile; `allow` writes the file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from dockerfix.api import (
    Build,
    Facts,
    Finding,
    Instruction,
    Severity,
    Tool,
    human,
    likely_context,
    read_of,
    used_of,
)
from dockerfix_transforms.slim_context.ignore.allow import HOLD_ALL, check_parts, plan_allow
from dockerfix_transforms.slim_context.ignore.allow_plan import AllowPlan
from dockerfix_transforms.slim_context.ignore.offer import ignore_offer, narrows, short_offer
from dockerfix_transforms.slim_context.notes.figures import ignore_line, sent_before
from dockerfix_transforms.slim_context.part import Idle, Part
from dockerfix_transforms.slim_context.permits import left_out_permits
from dockerfix_transforms.slim_context.read.safety import (
    check_triggers,
    is_classic,
    unfollowed_builds,
)
from dockerfix_transforms.slim_context.read.scope import Built, is_git
from dockerfix_transforms.slim_context.refusal import CannotSlimError, as_note
from dockerfix_transforms.slim_context.sibling.publication import publications

_BUILDKIT = frozenset(
    {Tool.DOCKER_BUILD, Tool.BUILDX_BUILD, Tool.BAKE, Tool.COMPOSE, Tool.ACTION}
)  # fmt: skip

_SHOWN = 3
"""How many builds that were not followed are named for one Dockerfile."""

_NOT_SERVED = frozenset({"rejected", "onbuild", "unfollowed-build"})
"""Refusals that are not about the context: no ignore file helps."""


_WHOLE = frozenset({"workspaces", "workspace-manifest"})
"""Refusals that say that a package is built from its workspace alone: an image of another one
saves nothing of that."""


def keep(facts: Facts, part: Part, made: Built) -> Part | Idle:
    """The ignore file that was asked for. Raises `CannotSlimError`."""
    check_triggers(facts, made.path)
    plan = plan_allow(facts, made)
    if isinstance(plan, str):
        return Idle(plan)
    return _kept(facts, part, made, plan)


def keep_instead(facts: Facts, part: Part, made: Built, error: CannotSlimError) -> Part | Idle:
    """What is left where the context cannot shrink: an ignore file if a builder gains by it,
    or nothing, if none would have gained by the smaller context. Raises `error` else."""
    if error.finding.name in _NOT_SERVED:
        raise error
    if error.finding.name not in _WHOLE and _saves_building(facts, made):
        raise _offered(facts, made, error)
    if read_of(facts, made.path, made.context) is not None:
        return keep(facts, part, made)
    try:
        check_parts(facts, made)
    except CannotSlimError as other:
        if other.finding.name != "whole-context":
            raise error from None
        raise _offered(facts, made, other) from None
    why = as_note(error.finding)
    if by_buildkit(made):
        return nothing_gained(facts, made, why)
    if not _some_hold_all(made):
        raise _offered(facts, made, error)
    check_triggers(facts, made.path)
    plan = plan_allow(facts, made)
    part.findings.append(why)
    return Idle(plan, (why,)) if isinstance(plan, str) else _kept(facts, part, made, plan)


def stays(facts: Facts, made: Built, reason: str) -> Idle:
    """Nothing to do, since no smaller folder would do: with the ignore file that could be asked
    for, or else what a COPY of the whole repository takes."""
    used = used_of(facts, made.path, made.context)
    if used.whole is None and not _some_hold_all(made):
        return Idle(reason)
    first = facts.stages(made.path).stages[0].from_
    item = used.whole or first
    offer = ignore_offer(facts, made)
    if offer:
        note = Finding(
            Severity.NOTE, "ignore-offer", f"{made.path} reads a part of its context",
            "an ignore file can let that part through, and nothing else", offer,
            item.source.place(item.code), made.path,
        )  # fmt: skip
        return Idle(reason, (note,), (short_offer(facts, made),))
    try:
        check_parts(facts, made)
    except CannotSlimError as error:
        if error.finding.name == "whole-context" and not made.context:
            return Idle(reason, (replace(error.finding, severity=Severity.NOTE),))
    return Idle(reason)


def _offered(facts: Facts, made: Built, error: CannotSlimError) -> CannotSlimError:
    """A refusal, with the ignore file that could be asked for where a builder would gain by it."""
    if by_buildkit(made) and not narrows(facts, made):
        return error
    offer = ignore_offer(facts, made)
    action = f"{offer} Or {error.finding.action}"
    return CannotSlimError(replace(error.finding, action=action)) if offer else error


def nothing_gained(facts: Facts, made: Built, *why: Finding, named: bool = False) -> Idle:
    """Nothing to do, since BuildKit is sent no more than what is used; with `named`, siblings
    would come as named contexts, for which somebody must ask."""
    sent = sent_before(facts, made)
    part, whole = human(sent.buildkit.size), human(sent.whole.size)
    first = facts.stages(made.path).stages[0].from_
    built = "No call site that was read builds it. " if made.assumed else ""
    offer = ignore_offer(facts, made)
    offers = [short_offer(facts, made)] if offer else []
    offers += ["`--via context` builds from the package's folder all the same"] if named else []
    note = Finding(
        Severity.NOTE, "nothing-gained",
        f"a smaller context would save nothing for {made.path}",
        f"{built}BuildKit is sent {part} of the context's {whole}: what is copied and no more.",
        offer, first.source.place(first.code), made.path,
    )  # fmt: skip
    reason = f"BuildKit is sent only what {made.path} copies, {part} of {whole}"
    if made.assumed:
        reason = f"no call site that was read builds {made.path}, which copies {part} of {whole}"
    unfollowed = unfollowed_builds(facts, made) if made.assumed else iter(())
    notes = (note, *why, *map(as_note, islice(unfollowed, _SHOWN)))
    return Idle(reason, notes, tuple(offers))


def _kept(facts: Facts, part: Part, made: Built, plan: AllowPlan) -> Part:
    """The ignore file of a plan."""
    part.findings += islice(_other_contexts(facts, made), _SHOWN)
    part.findings += map(_reads_none, filter(is_git, made.builds))
    part.edits += [(plan.path, edit) for edit in plan.edits]
    if plan.created is not None:
        part.created[plan.path] = plan.created
    if plan.narrows is not None:
        part.findings.append(_left_out(made, plan, plan.narrows))
        part.permits += left_out_permits(facts, made)
    context = made.context or "the repository's root"
    part.summary.append(
        f"the context of {made.path} stays {context}; {plan.path} lets through what it uses"
    )
    part.summary.append(f"  {ignore_line(plan.before, plan.after)}")
    return part


def _other_contexts(facts: Facts, made: Built) -> Iterator[Finding]:
    """Builds that were not followed, and that may read the ignore file with another context:
    a remark where what the Dockerfile copies tells that there is none, else an assumption."""
    known = likely_context(facts, made.path) == made.context
    for unfollowed in unfollowed_builds(facts, made, elsewhere=True):
        why = "it reads the same ignore file, which is right for the same context only"
        note = as_note(replace(unfollowed, why=why))
        action = f"Accept it if its context is {made.context or 'the root'} too."
        assumed = replace(note, name="other-context", severity=Severity.ASSUME, action=action)
        yield note if known else assumed


def _reads_none(build: Build) -> Finding:
    """A build that the ignore file does not serve."""
    return Finding(
        Severity.NOTE, "git-context",
        f"{build.dockerfile} is built here from a Git context, which reads no ignore file",
        "This build is sent what it was sent before.", "", build.site.place,
        build.dockerfile or "",
    )  # fmt: skip


def _left_out(made: Built, plan: AllowPlan, copy: Instruction) -> Finding:
    """A COPY of the whole context that takes less from now on."""
    before, after = plan.before.whole, plan.after.whole
    return Finding(
        Severity.ASSUME, "left-out",
        f"`{' '.join(copy.line.split())}` takes {human(after.size)} instead of "
        f"{human(before.size)}: what the build reads",
        f"{before.files - after.files} of {before.files} files are left out. The projects or "
        "packages that are built, all that they reference and the settings in folders above them "
        "were followed; a task that opens another file by a name of its own was not.",
        f"Take out the line of {plan.path} that leaves such a file out."
        if plan.left
        else f"Add a line to {plan.path} for such a file.",
        copy.source.place(copy.code), made.path,
    )  # fmt: skip


def _some_hold_all(made: Built) -> bool:
    """Whether something builds it with a builder that holds the whole context."""
    return any(tool in HOLD_ALL for build in made.builds for tool in build.tools)


def by_buildkit(made: Built) -> bool:
    """Whether every build that was read is one of BuildKit."""
    return all(
        tool in _BUILDKIT and not is_classic(build) for build in made.builds for tool in build.tools
    )


def _saves_building(facts: Facts, made: Built) -> bool:
    """Whether something publishes an image of a package that the Dockerfile copies as a whole,
    so that its steps need not run again: more than bytes can be saved."""
    used = used_of(facts, made.path, made.context).paths
    paths = {posixpath.join(made.context, path) for path in used}
    own = posixpath.dirname(made.path)
    return any(
        posixpath.dirname(found.build.dockerfile or "") in paths - {own}
        for found in publications(facts, facts.builds.builds)
    )
