"""Checks *same files*: COPY and ADD give an image's stages the same paths from the same sources.

Both builds are simulated over their contexts with their ignore files, once for each way in
which a call site asks for them, and the stages are compared by what stands at each path and
where it came from. Where a stage stands on an image that this repository makes, the files of
that image's own build count. Asks no transform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dockerfix.facts.context.unfollowed import unfollowed_places
from dockerfix.facts.model import Build, set_outside
from dockerfix.facts.repository import Facts
from dockerfix.proof.context.comparison import Comparison
from dockerfix.proof.context.differences import Findings
from dockerfix.proof.context.files_owed import FilesOwed
from dockerfix.proof.context.simulated import simulate
from dockerfix.proof.context.ways import closes, is_open, open_arguments, ways_of
from dockerfix.proof.obligation import Verdict

_MAX_SHOWN = 12


class SameFiles(FilesOwed, frozen=True):
    """COPY and ADD give every stage of the image the same paths from the same sources."""

    kind: ClassVar[str] = "same files"
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "provider-lacks": "a file that was copied and that the sibling's image does not hold",
        "left-out": "a file that a build stage held and that its commands do not read",
    }
    assumed_rules: ClassVar[frozenset[str]] = frozenset({"left-out"})

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether the files are the same, but for those that the patch creates or deletes.

        A file of the context is known by its path in the repository, so that an edited one is the
        same. A source that the snapshot has not, and that the ignore file lets through, is taken
        for something made before the build. What RUN makes is left to *same runtime*.
        """
        return _judge(self, before, after)


def _judge(owed: SameFiles, before: Facts, after: Facts) -> Verdict:
    statement = f"{owed.after} copies the same files to the same places as {owed.before} did"
    found = Findings()
    images = (owed.before, owed.after)
    contexts = (owed.before_context, owed.after_context)
    ways = ways_of(images, contexts, before, after)
    for way in ways:
        if is_open(way) and any(closes(other, way) for other in ways):
            names = ", ".join(open_arguments(way))
            found.differences[
                f"where {names} comes from the environment, it must name the "
                "image that other call sites name"
            ] = None
            continue
        old = simulate(before, owed.before, owed.before_context, way)
        new = simulate(after, owed.after, owed.after_context, way)
        Comparison(owed, old, new, found).run()
    found.failures |= dict.fromkeys(_left_behind(owed, after))
    found.failures |= dict.fromkeys(_overruled(owed, before, after))
    if found.unread:
        statement = (
            f"{owed.after} copies to the same places what the commands of {owed.before} read, "
            "and leaves other files out"
        )
    return Verdict(statement, tuple(found.said()), tuple(_cut(found.failures)))


def _left_behind(owed: SameFiles, after: Facts) -> Iterator[str]:
    """Builds that nobody could follow and that keep the context which the file had before."""
    path = owed.after.dockerfile
    if owed.before_context == owed.after_context or owed.before.dockerfile != path:
        return
    for place, why in unfollowed_places(after, path, owed.before_context):
        yield f"{place}: this may build {path} with the context it had: {why}"


def _overruled(owed: SameFiles, before: Facts, after: Facts) -> Iterator[str]:
    """Variables with which somebody could name the context, and which say nothing from now on."""
    path = owed.after.dockerfile
    if owed.before_context == owed.after_context or owed.before.dockerfile != path:
        return
    kept: dict[tuple[str, str], set[str]] = {}
    for build in (b for b in after.builds.builds if b.dockerfile == path):
        key = (build.site.place.path, build.site.name)
        kept.setdefault(key, set()).update(_names_of(build))
    for build in (b for b in before.builds.builds if b.dockerfile == path):
        key = (build.site.place.path, build.site.name)
        for name in sorted(_names_of(build) - kept.get(key, set())) if key in kept else ():
            yield f"{build.site}: its context no longer counts from {name}"


def _names_of(build: Build) -> frozenset[str]:
    """The variables in a build's context that somebody may set."""
    written = build.context_written
    return set_outside(written) if written is not None else frozenset()


def _cut(failures: Mapping[str, None]) -> Iterator[str]:
    for number, failure in enumerate(failures):
        if number == _MAX_SHOWN:
            yield f"and {len(failures) - number} more"
            return
        yield failure
