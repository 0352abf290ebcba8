"""Which new ask is the counterpart of an old one, and what became of those that have none.

Knows tags and images; how the rest of an ask is compared is the business of `details`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dockerfix.facts.model import SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask
from dockerfix.proof.asks.details import Allowed, differing
from dockerfix.proof.asks.frozen import chooses_target, frozen
from dockerfix.proof.asks.stages import Key, asked_image, stage_key, stage_name, where
from dockerfix.proof.obligation import Image


class Matching:
    """Finds each old ask among the new ones, then says what became of the others. `failures`
    and `differences` keep the first of equal lines; `about` are the Dockerfiles of the old
    asks that failed, `sites` the places of their call sites."""

    def __init__(self, allowed: Allowed, before: Facts, after: Facts) -> None:
        self.allowed = allowed
        self.before = before
        self.after = after
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}
        self.unproved: dict[str, None] = {}
        self.about: list[str] = []
        self.sites: list[str] = []
        self.successors = {
            stage_key(before, old.dockerfile, old.target): new for old, new in allowed.stands_for
        }
        self.files = {old.dockerfile for old, _ in allowed.stands_for}

    def match(self, old: Sequence[Ask], new: Sequence[Ask], unfulfilled: Sequence[Ask]) -> None:
        """Compare all asks; `unfulfilled` are new ones whose target is not there."""
        rest: dict[_Call, list[Ask]] = {}
        for ask in new:
            rest.setdefault(_call(ask), []).append(ask)
        missing: list[tuple[Ask, Key]] = []
        for ask in old:
            wanted = self.wanted(ask)
            if wanted is None:
                continue
            others = rest.get(_call(ask), [])
            found = next((other for other in others if self.fits(ask, other, wanted)), None)
            if found is not None:
                others.remove(found)
                self.follows(ask, found)
            else:
                missing.append((ask, wanted))
        for ask, wanted in missing:
            others = rest.get(_call(ask), [])
            vain = (other for other in unfulfilled if _call(other) == _call(ask))
            near = others.pop(0) if others else next(vain, None)
            self.missing(ask, near, wanted)
        counts = Counter(ask.tag for ask in old if ask.pushed)
        for ask in (ask for others in rest.values() for ask in others):
            self.extra(ask, counts)

    def follows(self, old: Ask, new: Ask) -> None:
        """What somebody could choose can still be chosen: another image of the Dockerfile, if it
        had one, another context or tag."""
        self.unproved |= dict.fromkeys(frozen(self.before, self.after, old, new))
        name = chooses_target(self.before, old)
        if not name or old.dockerfile is None or old.dockerfile not in self.before.snapshot:
            return
        graph = self.before.stages(old.dockerfile)
        stage = graph.target(old.target)
        below = {needed.index for needed in graph.needs(stage)} if stage is not None else set()
        others = [s for s in graph.stages if s.name and s != stage and s.index not in below]
        if others and not chooses_target(self.after, new):
            self.unproved[
                f"{new.site}: `{old.tag}` gets one image whatever {name} holds, which chose the "
                f"target of {old.dockerfile}"
            ] = None

    def wanted(self, ask: Ask) -> Key | None:
        """The image that an ask must get now: the successor's, or its own. None, and a failure,
        where the file is gone and nothing takes its place."""
        if ask.dockerfile is None:
            return asked_image(self.before, ask)
        image = self.successors.get(asked_image(self.before, ask))
        if image is not None:
            return stage_key(self.after, image.dockerfile, image.target)
        if ask.dockerfile in self.files and ask.dockerfile not in self.after.snapshot:
            self.about.append(ask.dockerfile)
            self.failures[
                f"{ask.site}: no image replaces {Image(ask.dockerfile, ask.target)}, "
                "whose file is gone"
            ] = None
            return None
        return asked_image(self.after, ask)

    def fits(self, old: Ask, new: Ask, wanted: Key) -> bool:
        """Whether a new ask gives the same tag to the wanted image, with all else the same."""
        image = asked_image(self.after, new)
        return (image == wanted or self.left(old, image)) and not self.other(old, new)

    def left(self, old: Ask, image: Key) -> bool:
        """Whether a call site was left on the old image, whose file stays as it was."""
        if old.dockerfile is None or image != asked_image(self.before, old):
            return False
        before, after = self.before.snapshot, self.after.snapshot
        return old.dockerfile in after and before.read(old.dockerfile) == after.read(old.dockerfile)

    def other(self, old: Ask, new: Ask) -> list[str]:
        """What differs beside the image."""
        return differing(self.allowed, self.before, self.after, old, new)

    def missing(self, ask: Ask, near: Ask | None, wanted: Key) -> None:
        """An old ask without a counterpart: what is nearest, or that there is none."""
        if (ask.dockerfile, ask.site.place.path) in self.allowed.left:
            self.differences[f"left-behind: {ask.site} asks for {where(ask)}"] = None
            return
        if ask.dockerfile is not None:
            self.about.append(ask.dockerfile)
            self.sites.append(str(ask.site.place))
        verb = "pushed" if ask.pushed else "built"
        tag = f"`{ask.tag}`" if ask.tag else f"the image of {where(ask)}"
        if near is None:
            self.failures[f"{ask.site}: {tag} is no longer {verb}"] = None
            return
        if asked_image(self.after, near) != wanted:
            name = stage_name(self.after, wanted)
            what = f"{tag} is {verb} from {where(near)}, it must be {name}"
            self.failures[f"{near.site}: {what}"] = None
        for what in self.other(ask, near):
            self.failures[f"{near.site}: {tag}: {what}; it was asked for at {ask.site}"] = None

    def extra(self, ask: Ask, counts: Counter[str]) -> None:
        """A new ask without a predecessor."""
        if ask.pushed:
            more = "more often than before" if counts[ask.tag] else "and was not before"
            self.failures[f"{ask.site}: `{ask.tag}` is pushed {more}"] = None
        elif ask.site.kind is SiteKind.DOCUMENT:
            self.differences[f"document: {ask.site} names a build that it did not name"] = None
        else:
            self.failures[f"{ask.site}: {where(ask)} is built and was not before"] = None


_Call = tuple[bool, str, str]


def _call(ask: Ask) -> _Call:
    """What an ask is looked for by."""
    return ask.pushed, ask.owner, ask.tag
