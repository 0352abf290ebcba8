"""What following a text found, carried over from one snapshot to those that changes make of it.

A patch changes few files, and what a script asks for depends on its own bytes, its folder and
variables, and the files that following it looked at. Where all of these are the same, it is not
followed again. Knows what following depends on; follows nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from dockerfix.facts.commands.gathered import Carrier, Found
from dockerfix.facts.shell.words import Scope
from dockerfix.text import MappedText, Snapshot
from dockerfix.text.watched import Looks, Seen

if TYPE_CHECKING:
    from dockerfix.facts.builds.scripts.following import Barren


class Followed(Struct, frozen=True):
    """What following one text found, the bodies that it showed to ask for nothing, and what it
    looked at for that."""

    found: Found
    barren: Mapping[Hashable, Barren]
    seen: Seen


class Carried:
    """What was followed in this snapshot and in those that it was made from."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.known = cast("dict[Hashable, Followed]", snapshot.kept.setdefault(Carried, {}))

    def look(self, key: Hashable) -> Followed | None:
        """What following found, where everything that it looked at is the same."""
        known = self.known.get(key)
        return known if known is not None and known.seen.is_same(self.snapshot) else None

    def keep(
        self, key: Hashable, found: Found, barren: Mapping[Hashable, Barren], looks: Looks
    ) -> None:
        """Keep what following found for the snapshots to come."""
        self.known[key] = Followed(found, barren, looks.at(self.snapshot))


def key_of_text(
    mapped: MappedText, carrier: Carrier, folder: str | None, scope: Scope, words: frozenset[str]
) -> Hashable:
    """Everything but files on which following a text in a fresh shell depends; `words` are those
    that a recipe is searched for. Places count, since what is found names them."""
    return (
        *(carrier.kind, carrier.name, carrier.source.path),
        *(carrier.through, carrier.calls, carrier.machine, carrier.active),
        *(tuple(scope.variables.items()), scope.arguments, scope.script),
        tuple(scope.printed.items()),
        *(folder, words, mapped.pieces),
    )
