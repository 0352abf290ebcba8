"""What a merge leaves: places that go on asking for an old Dockerfile, which then stays.

Leaving a place breaks nothing, so that it needs no permission; the report names the place,
the reason and the words to write by hand. Knows places and files; edits nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import Finding, Place, is_accepted

LEFT = "left-behind"


class Left(Struct, frozen=True):
    """A place that is not rewritten, and the old files that stay because of it.

    `name` is what accepts it: then the files go all the same. `words` are what a person has to
    write there.
    """

    files: tuple[str, ...]
    place: Place
    what: str
    why: str
    words: str
    name: str = LEFT

    def finding(self, accept: Collection[str]) -> Finding:
        """The finding that lists it."""
        files = ", ".join(self.files)
        stays = "" if self.accepted(accept) else f"; {files} stay{'s' * (len(self.files) == 1)}"
        return Finding.at(
            self.place,
            name=self.name,
            what=self.what + stays,
            why=self.why,
            do=self.words,
            subject=self.files[0] if self.files else "",
        )

    def accepted(self, accept: Collection[str]) -> bool:
        """Whether the person takes over what is to be done there."""
        return is_accepted(self.name, self.place.path, accept)


def together(lefts: Iterable[Left]) -> list[Left]:
    """Places of one file that are left for one reason as one, at the first of them."""
    found: dict[tuple[str, ...], Left] = {}
    count: dict[tuple[str, ...], int] = {}
    for left in lefts:
        key = (left.place.path, left.what, left.name, *left.files)
        found.setdefault(key, left)
        count[key] = count.get(key, 0) + 1
    return [
        replace(left, what=f"{left.what}, and {count[key] - 1} more like it")
        if count[key] > 1
        else left
        for key, left in found.items()
    ]


def kept_files(lefts: Iterable[Left], accept: Collection[str]) -> frozenset[str]:
    """The old files that some place still needs."""
    return frozenset(path for left in lefts if not left.accepted(accept) for path in left.files)


def by_hand(lefts: Iterable[Left], accept: Collection[str]) -> list[str]:
    """What is to be done by hand where the files go all the same, a line a place."""
    return [f"{left.place}: {left.words}" for left in lefts if left.accepted(accept)]
