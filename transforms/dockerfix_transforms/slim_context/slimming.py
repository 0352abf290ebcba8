"""One call: from the paths that a person gave to a proposal.

Knows the order of the work. A Dockerfile that cannot be slimmed is left and named, and the
others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from dockerfix.api import (
    BadIgnoreError,
    Build,
    Change,
    Draft,
    Facts,
    Finding,
    Proposal,
    Severity,
    SiteKind,
    Tool,
    UnreadableError,
    set_builds,
    unreadable,
)
from dockerfix_transforms.slim_context.cached import by_cache
from dockerfix_transforms.slim_context.ignore.keep import keep, keep_instead
from dockerfix_transforms.slim_context.notes.documents import COMPOSE_VERSION, compose_notes
from dockerfix_transforms.slim_context.part import Idle, Part, Wishes
from dockerfix_transforms.slim_context.permits import consumer_permits, job_permits
from dockerfix_transforms.slim_context.read.safety import not_followed
from dockerfix_transforms.slim_context.read.scope import (
    Built,
    built,
    dockerfiles_of,
    sent_otherwise,
)
from dockerfix_transforms.slim_context.refusal import CannotSlimError, as_note, refusal
from dockerfix_transforms.slim_context.shrink import Shrink
from dockerfix_transforms.slim_context.sibling.pipeline import plan_reading
from dockerfix_transforms.slim_context.sibling.publication import Publication

BREAKS = "its build would break with the smaller context"

_SHOWN = 3


class Slimming:
    """One call. `left` are the Dockerfiles that stay as they are, with the reasons; `idle`
    those for which there is nothing to do."""

    def __init__(self, facts: Facts, wishes: Wishes) -> None:
        self.facts = facts
        self.wishes = wishes
        self.left: dict[str, list[Finding]] = {}
        self.idle: dict[str, Idle] = {}

    def proposal(self, paths: Sequence[str]) -> Proposal:
        """The proposal, a refusal, or the reasons why there is nothing to do."""
        listed = {path: dockerfiles_of(self.facts, path) for path in paths}
        empty = [_no_dockerfile(path) for path, found in listed.items() if not found]
        files = dict.fromkeys(file for found in listed.values() for file in found)
        wanted = [file for file in files if file not in self.wishes.without]
        while True:
            parts = self.parts(wanted)
            joined = Joint(self.facts, self.wishes, parts)
            if not joined.blocked:
                return self.finished(joined.draft, parts, empty)
            self.leave(parts, joined)

    def parts(self, files: Iterable[str]) -> list[Part]:
        """What every Dockerfile comes to that is neither left nor idle."""
        found: list[Part] = []
        shrink = Shrink(self.facts, self.wishes)
        for path in files:
            if path in self.left or path in self.idle:
                continue
            part = Part(self.facts, self.wishes.accept, path=path)
            try:
                result = self.one(part, shrink, found)
            except CannotSlimError as error:
                self.left[path] = [*part.blocking, error.finding]
                if error.finding.name == "not-built":
                    self.left[path] += islice(not_followed(self.facts, path), _SHOWN)
                continue
            except UnreadableError as error:
                self.left[path] = [unreadable(error)]
                continue
            if isinstance(result, Idle):
                self.idle[path] = result
            elif result.blocking:
                self.left[path] = result.blocking
            else:
                found.append(result)
        return found

    def one(self, part: Part, shrink: Shrink, others: Sequence[Part]) -> Part | Idle:
        """One Dockerfile, by the way that was asked for or by one that serves it; raises
        `CannotSlimError`, also for a pattern of a COPY or of an ignore file that Docker
        rejects."""
        try:
            return self.way(part, shrink, others)
        except BadIgnoreError as error:
            stages = self.facts.stages(part.path)
            raise refusal(
                stages, "bad-ignore", f"Docker rejects an {error}", "correct the pattern",
                stages.stages[0].from_.code,
            ) from None  # fmt: skip

    def way(self, part: Part, shrink: Shrink, others: Sequence[Part]) -> Part | Idle:
        """The same; raises `BadIgnoreError` too."""
        elsewhere = sent_otherwise(self.facts, part.path)
        if elsewhere is not None and self.wishes.via in ("auto", "ignore"):
            return Idle(elsewhere)
        made = built(self.facts, part.path)
        if made.assumed:
            part.findings.append(_assumed(self.facts, made))
        if self.wishes.via == "ignore":
            return keep(self.facts, part, made)
        if self.wishes.via == "cache":
            return by_cache(self.facts, part, made)
        try:
            return shrink.part(part, made, others)
        except CannotSlimError as error:
            if self.wishes.via != "auto":
                raise
            # What the smaller context would have assumed goes with it.
            fresh = Part(self.facts, self.wishes.accept, path=part.path)
            if made.assumed:
                fresh.findings.append(_assumed(self.facts, made))
            return keep_instead(self.facts, fresh, made, error)

    def leave(self, parts: Sequence[Part], joined: Joint) -> None:
        """Leave the Dockerfiles for which a call site, or the pipeline, cannot follow."""
        for part in parts:
            found = joined.blocked.get(part.path)
            if found and part.idle is not None:
                notes = map(as_note, found)
                self.idle[part.path] = replace(part.idle, notes=(*part.idle.notes, *notes))
            elif found:
                self.left[part.path] = found

    def finished(self, draft: Draft, parts: Sequence[Part], empty: Sequence[Finding]) -> Proposal:
        """The proposal: what is done, what was left and why, or why nothing is done."""
        left = [*(finding for found in self.left.values() for finding in found), *empty]
        notes = [note for idle in self.idle.values() for note in idle.notes]
        reasons = [idle.reason for idle in self.idle.values()]
        offers = dict.fromkeys(offer for idle in self.idle.values() for offer in idle.offers)
        if parts:
            draft.findings += [*left, *notes]
            draft.summary += reasons
            return draft.finished(BREAKS)
        refused = bool(self.wishes.without or (left and not self.idle))
        return Proposal(
            findings=tuple(dict.fromkeys([*left, *notes])),
            refused=refused,
            reason="" if refused else "; ".join([_reason(reasons), *offers]),
        )


class Joint:
    """All parts as one draft, with their call sites and the pipeline.

    `blocked` are the refusals of Dockerfiles that must be left, by path; the draft is then of
    no use.
    """

    def __init__(self, facts: Facts, wishes: Wishes, parts: Sequence[Part]) -> None:
        self.facts = facts
        self.wishes = wishes
        self.parts = parts
        self.draft = Draft(facts, wishes.accept)
        self.blocked: dict[str, list[Finding]] = {}
        self.jobs: set[str] = set()
        for part in parts:
            _take(self.draft, part)
        self.pipeline()
        self.call_sites()
        self.permits()

    def call_sites(self) -> None:
        """Every call site passes what it must."""
        changes = [change for part in self.parts for change in part.changes]
        self.compose_version(changes)
        edits, refused = set_builds(self.facts, changes)
        self.draft.edits += edits
        for found in refused:
            for path in dict.fromkeys(c.wanted.dockerfile for c in found.changes or changes):
                self.blocked.setdefault(path, []).append(found.finding(BREAKS))

    def pipeline(self) -> None:
        """Rules and needs of every build that publishes an image which is read."""
        for chosen, builds in self.readers():
            plan = plan_reading(self.facts, chosen, builds)
            self.draft.edits += plan.edits
            self.draft.findings += plan.findings
            self.draft.summary += plan.summary
            self.jobs |= plan.changed
            refusals = [
                finding
                for finding in plan.findings
                if finding.severity is Severity.REFUSE
                and not finding.accepted_by(self.wishes.accept)
            ]
            for build in builds if refusals else ():
                self.blocked.setdefault(build.dockerfile or "", []).extend(refusals)

    def readers(self) -> Iterator[tuple[Publication, list[Build]]]:
        """Each publication with the builds that read it."""
        found: dict[int, tuple[Publication, list[Build]]] = {}
        for build, chosen in (read for part in self.parts for read in part.reads):
            found.setdefault(id(chosen.build), (chosen, []))[1].append(build)
        yield from found.values()

    def compose_version(self, changes: Sequence[Change]) -> None:
        """Which Compose people need, said where they are told to run it."""
        named = [change for change in changes if change.build.tool is Tool.COMPOSE]
        taking = [
            change.build.site.place.path
            for change in named
            if any(text.startswith("service:") for _, text in change.wanted.named_contexts)
        ]
        if taking:
            self.draft.edits += compose_notes(self.facts, taking)
            self.draft.steps.append(
                f"Compose {COMPOSE_VERSION} or newer is needed for `additional_contexts: service:`"
            )

    def permits(self) -> None:
        """The leave that the whole patch asks for."""
        lacks = sorted({path for part in self.parts for path in part.lacking})
        for part in self.parts:
            if part.consumer is not None:
                self.draft.permits += consumer_permits(part.consumer, part.changes, lacks)
        self.draft.permits += job_permits(self.facts.pipeline, sorted(self.jobs))
        sites = (change.build.site for part in self.parts for change in part.changes)
        self.draft.callers = {site.name for site in sites if site.kind is SiteKind.GITLAB}
        self.draft.callers |= {name for part in self.parts for name in part.callers}


def _take(draft: Draft, part: Part) -> None:
    """Add what one part gathered to a draft."""
    draft.findings += part.findings
    draft.edits += part.edits
    draft.created |= part.created
    draft.permits += part.permits
    draft.summary += part.summary
    draft.steps += part.steps


def _reason(reasons: Sequence[str]) -> str:
    more = f", and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    return "; ".join(reasons[:_SHOWN]) + more


def _no_dockerfile(path: str) -> Finding:
    """Nothing was looked at, which is not the same as nothing to do."""
    return Finding(
        Severity.REFUSE, "no-dockerfile", f"{path or '.'} holds no Dockerfile",
        "no build context was looked at", "name the folder of a package, or a Dockerfile",
    )  # fmt: skip


def _assumed(facts: Facts, made: Built) -> Finding:
    """A context that no call site tells."""
    first = facts.stages(made.path).stages[0].from_
    return Finding(
        Severity.ASSUME, "assumed-context",
        f"{made.path} is built with {made.context or 'the root'} as its context",
        "No call site that was read builds it; what it copies is there. A build that stands "
        "elsewhere would have to follow by hand.",
        "Write down where it is built, or leave it out.",
        first.source.place(first.code), made.path,
    )  # fmt: skip
