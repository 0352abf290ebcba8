"""Values that are told apart by some of their fields only.

A value is a frozen `msgspec.Struct`: equal by its fields, hashable, matched by position.

Knows what a value is; knows nothing of what it holds.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Keyed(Struct, frozen=True, eq=False):
    """A value of which the fields named in `aside` are derived, or lead back to the source.

    They take no part in equality and hash.
    """

    aside: ClassVar[tuple[str, ...]]

    def __eq__(self, other: object) -> bool:
        """Whether `other` is of the same class and has the same fields, but for those aside."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        aside = self.aside
        return all(
            getattr(self, name) == getattr(other, name)
            for name in self.__struct_fields__
            if name not in aside
        )

    def __hash__(self) -> int:
        """The hash of the fields that count."""
        aside = self.aside
        return hash(tuple([getattr(self, n) for n in self.__struct_fields__ if n not in aside]))
