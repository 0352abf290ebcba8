"""Places that name an ignore file of an old Dockerfile's own name, which goes with it.

Knows mentions; nothing is built from an ignore file, so that only a program that handles it
keeps its Dockerfile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dockerfix.api import Facts, PathMention
from dockerfix_transforms.merge_rust.callers.left import Left
from dockerfix_transforms.merge_rust.callers.mentions import is_read_only

_END = ".dockerignore"


def left_ignores(facts: Facts, mentions: Sequence[PathMention]) -> Iterator[Left]:
    """Places that do more than name an ignore file: its Dockerfile stays for their sake."""
    for mention in mentions:
        if mention.past or (mention.successor is not None and is_read_only(facts, mention)):
            continue
        yield Left(
            (mention.path.removesuffix(_END),),
            mention.place,
            f"{mention.path} is named here, and would go with its Dockerfile",
            "What handles it would find no such file.",
            f"Write {mention.successor or 'the path of the merged ignore file'}.",
        )


def followed_ignores(
    mentions: Sequence[PathMention], kept: Collection[str]
) -> Iterator[PathMention]:
    """The mentions of ignore files that go with their Dockerfiles."""
    for mention in mentions:
        gone = mention.path.removesuffix(_END) not in kept
        if gone and not mention.past and mention.successor is not None:
            yield mention
