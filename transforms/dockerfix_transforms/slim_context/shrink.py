"""The context shrinks to the package: one Dockerfile, its ignore file and its call sites.

Knows the order of the work on one consumer; every step of it is a module of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from dockerfix.api import Edit, Facts, Span, is_accepted, used_of
from dockerfix_transforms.slim_context.ignore.keep import by_buildkit, nothing_gained, stays
from dockerfix_transforms.slim_context.ignore.smaller import plan_ignore
from dockerfix_transforms.slim_context.notes.comments import stale_comments
from dockerfix_transforms.slim_context.notes.figures import context_line, sent_after, sent_before
from dockerfix_transforms.slim_context.origins import Origins
from dockerfix_transforms.slim_context.part import Idle, Part, Wishes
from dockerfix_transforms.slim_context.permits import provider_permits
from dockerfix_transforms.slim_context.read.consumer import Consumer, read_consumer
from dockerfix_transforms.slim_context.read.inline import Region, regions
from dockerfix_transforms.slim_context.read.owner import is_inside
from dockerfix_transforms.slim_context.read.safety import (
    check_named_contexts,
    check_sources,
    check_triggers,
    sibling_ignores,
    unfollowed_builds,
)
from dockerfix_transforms.slim_context.read.scope import Built, check_git_contexts
from dockerfix_transforms.slim_context.read.steps import Step as RunStep
from dockerfix_transforms.slim_context.refusal import CannotSlimError, as_note
from dockerfix_transforms.slim_context.rewrite import (
    numeric_edits,
    own_edits,
    sibling_edits,
    stage_edits,
)
from dockerfix_transforms.slim_context.sibling.differences import (
    Differences,
    dangling_links,
    lacking,
)
from dockerfix_transforms.slim_context.sibling.origin import From
from dockerfix_transforms.slim_context.sibling.provider import Provider, missing_steps


class Shrink:
    """Shrinks contexts, one Dockerfile after the other; `others` are the parts before it."""

    def __init__(self, facts: Facts, wishes: Wishes) -> None:
        self.facts = facts
        self.wishes = wishes
        self.origins = Origins(facts, wishes.via, wishes.provider_builds)

    def part(self, part: Part, made: Built, others: Sequence[Part]) -> Part | Idle:
        """What one Dockerfile comes to; raises `CannotSlimError`."""
        consumer = read_consumer(self.facts, made, self.wishes.via)
        if isinstance(consumer, str):
            return stays(self.facts, made, consumer)
        check_git_contexts(made, consumer.folder)
        check_sources(self.facts, consumer)
        check_triggers(self.facts, made.path)
        found = regions(consumer, self.facts.snapshot)
        froms = self.origins.of(consumer, found, part)
        named = [sibling for sibling, origin in froms.items() if origin.provider is None]
        part.created.update(sibling_ignores(self.facts, consumer, named))
        if named:
            check_named_contexts(consumer)
        if self.wishes.via == "auto" and len(named) == len(froms) and by_buildkit(made):
            part.idle = nothing_gained(self.facts, made, *part.unread, named=bool(named))
            ignore = plan_ignore(self.facts, consumer) if not named else None
            rules = ignore is None or part.created or ignore.created is not None or ignore.edits
            if rules or self.becomes_sibling(consumer):
                return part.idle  # too much of a change for one that saves nothing
        unfollowed = next(unfollowed_builds(self.facts, made), None)
        if unfollowed is not None and part.idle is not None:
            return replace(part.idle, notes=(*part.idle.notes, as_note(unfollowed)))
        if unfollowed is not None:
            raise CannotSlimError(unfollowed)
        part.consumer = consumer
        self.fill(part, consumer, found, froms)
        for region in found:
            self.look(part, consumer, region, froms[region.sibling], others)
        part.changes = self.origins.changes(consumer, froms, part)
        self.summarise(part, made, consumer, named)
        return part

    def becomes_sibling(self, consumer: Consumer) -> bool:
        """Whether a Dockerfile that stands outside of its package would make an image that
        others can take, from the smaller context on: they would then be slimmed in turn."""
        if is_inside(consumer.path, consumer.folder):
            return False
        for build in self.facts.builds.builds:
            if build.context is None or build.dockerfile in (None, consumer.path):
                continue
            if build.dockerfile in self.facts.snapshot:
                used = used_of(self.facts, build.dockerfile or "", build.context)
                paths = (posixpath.join(build.context, path) for path in used.paths)
                if any(is_inside(path, consumer.folder) for path in paths):
                    return True
        return False

    def fill(
        self, part: Part, consumer: Consumer, found: Sequence[Region], froms: Mapping[str, From]
    ) -> None:
        """The edits of the Dockerfile and of its ignore file."""
        edits = [*own_edits(consumer), *sibling_edits(consumer, found, froms)]
        edits += stage_edits(consumer, found, froms)
        if found:
            edits += numeric_edits(consumer)
        ignore = plan_ignore(self.facts, consumer)
        part.findings += [*ignore.findings, *dangling_links(self.facts, consumer)]
        part.findings += stale_comments(consumer)
        part.edits += [(consumer.path, edit) for edit in edits]
        part.edits += [(ignore.path, edit) for edit in ignore.edits]
        if ignore.created is not None:
            part.created[ignore.path] = ignore.created
        part.rules = ignore.rules

    def summarise(self, part: Part, made: Built, consumer: Consumer, named: Sequence[str]) -> None:
        """What shrinks, and what each kind of builder is sent."""
        context = consumer.context or "the repository's root"
        after = sent_after(self.facts, consumer, part.rules, named)
        line = context_line(sent_before(self.facts, made), after, named=bool(named))
        part.summary.append(
            f"the context of {part.path} shrinks from {context} to {consumer.folder}"
        )
        part.summary.append(f"  {line}")

    def look(
        self, part: Part, consumer: Consumer, region: Region, origin: From, others: Sequence[Part]
    ) -> None:
        """What differs between the inlined sibling and its image."""
        provider = origin.provider
        if provider is None:
            return
        whole = None if region.split else origin.whole(region)
        files = lacking(self.facts, consumer, region, provider)
        part.lacking |= set(files)
        accepted = is_accepted("provider-lacks", consumer.path, self.wishes.accept)
        differences = Differences(self.facts, consumer, region, provider, whole)
        part.findings += differences.all(files, accepted)
        steps = missing_steps(region, provider)
        if steps and whole is not None:
            self.missing(part, steps, provider, others)

    def missing(
        self, part: Part, steps: Sequence[RunStep], provider: Provider, others: Sequence[Part]
    ) -> None:
        """Steps that the image has not seen: kept, or added to the provider on request."""
        if not self.wishes.provider_builds:
            shown = "; ".join(step.short for step in steps)
            part.summary.append(f"kept, since the image of {provider.name} lacks it: {shown}")
            return
        path = provider.graph.tree.path
        known = [text for other in (*others, part) for text in other.added.get(path, ())]
        added = [s.text for s in steps if not s.item.heredocs and s.text not in known]
        if added:
            part.added.setdefault(path, []).extend(added)
            part.edits.append(_provider_edit(provider, added))
            part.permits += provider_permits(self.facts, path, added)
            part.summary.append(f"{provider.name} builds for itself: {'; '.join(added)}")


def _provider_edit(provider: Provider, texts: Sequence[str]) -> tuple[str, Edit]:
    """The steps behind the provider's last RUN, or behind its copy of the sources."""
    tree = provider.graph.tree
    steps = [
        item
        for item in provider.stage.instructions
        if item.keyword in ("RUN", "COPY", "ADD", "WORKDIR")
    ]
    at = steps[-1].span.end if steps else provider.stage.from_.span.end
    newline = tree.newline.bytes.decode()
    text = "".join(f"RUN {step}{newline}" for step in texts)
    return tree.path, Edit(Span(at, at), text.encode())
