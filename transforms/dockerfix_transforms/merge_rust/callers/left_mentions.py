"""Old Dockerfiles that are named outside of every build that was read, where something may be
built from them; and documents that name them since they tell what was.

Knows mentions and builds; what only reads a file is the business of `mentions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dockerfix.api import (
    Facts,
    Finding,
    PathMention,
    Severity,
    SiteKind,
    builds_in_comment,
)
from dockerfix_transforms.merge_rust.callers.left import Left
from dockerfix_transforms.merge_rust.callers.mentions import (
    is_handed_on,
    is_prose,
    is_read_only,
)


def left_mentions(
    facts: Facts, mentions: Sequence[PathMention], targets: Mapping[str, str]
) -> Iterator[Left]:
    """Places outside of every build that was read from which something may be built.

    `targets` are the targets that stand for the old files' last images.
    """
    for mention in mentions:
        if mention.successor is None:
            yield Left(
                (mention.path,), mention.place, f"{mention.path} is named behind a variable",
                "The path here would name nothing.", "Write the path out.",
            )  # fmt: skip
        elif not is_read_only(facts, mention) and not _is_read(facts, mention):
            yield Left(
                (mention.path,), mention.place, f"{mention.path} is named outside of a build that "
                "dockerfix follows",
                "What builds from it would get the merged file's last image.",
                f"Write {mention.successor}, with the target {targets.get(mention.path, '')}.",
            )  # fmt: skip


def past_notes(mentions: Iterable[PathMention]) -> Iterator[Finding]:
    """Documents that go on naming files that go, where they tell what was: one note for each,
    at its first place."""
    by_document: dict[str, list[PathMention]] = {}
    for mention in mentions:
        by_document.setdefault(mention.place.path, []).append(mention)
    for path, found in by_document.items():
        names = ", ".join(dict.fromkeys(mention.path for mention in found))
        yield Finding.at(
            found[0].place,
            severity=Severity.NOTE,
            name="past-mention",
            what=f"{path} tells what was, and goes on naming {names}",
            why="What was is not rewritten: a list of changes, a decision, a dated section.",
            do="Rewrite it by hand if people still read it as instructions.",
            subject=path,
        )


def _is_read(facts: Facts, mention: PathMention) -> bool:
    """Whether a variable of a pipeline or a value of a workflow's matrix holds the name, and a
    build that was read takes it."""
    if is_prose(mention.place.path) or is_handed_on(facts, mention):
        return False  # each snippet of a document stands for itself
    if builds_in_comment(facts, mention):
        return False  # and so does what is commented out
    if built_there(facts, mention.place.path, mention.path):
        return True
    pipeline = facts.pipeline
    if pipeline is None or mention.place.path not in pipeline.files:
        return False
    text = facts.snapshot.source(mention.place.path).text(mention.place.span)
    return any(
        b.dockerfile == mention.path and text in b.variables.values()
        for b in facts.builds.builds
        if b.site.kind is SiteKind.GITLAB
    )


def built_there(facts: Facts, where: str, path: str) -> bool:
    """Whether a build that was read in that file takes the Dockerfile."""
    return any(b.dockerfile == path and b.site.place.path == where for b in facts.builds.builds)
