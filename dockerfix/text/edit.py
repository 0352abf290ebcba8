"""Edits: replacements of spans of the original bytes.

An edit set is sorted and disjoint. Identical edits are one edit; edits that overlap are an
error and never a guess. Two insertions at one offset that differ are a conflict as well,
since their order would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from msgspec import Struct

from dockerfix.text.source import Span


class EditConflictError(ValueError):
    """Two edits of one file overlap and are not the same."""

    def __init__(self, first: Edit, second: Edit) -> None:
        super().__init__(
            f"edits overlap: bytes {first.span.start}-{first.span.end} "
            f"and {second.span.start}-{second.span.end}"
        )
        self.first = first
        self.second = second


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the bytes of `span` by `replacement`; an empty span inserts before its offset."""

    span: Span
    replacement: bytes


class EditSet(Struct, frozen=True):
    """Sorted, disjoint edits against one baseline. Build it with `EditSet.of`."""

    edits: tuple[Edit, ...] = ()

    @classmethod
    def of(cls, edits: Iterable[Edit]) -> EditSet:
        """Sort, drop duplicates, and raise `EditConflictError` when two edits overlap."""
        ordered = sorted(set(edits))
        for first, second in pairwise(ordered):
            if _conflict(first.span, second.span):
                raise EditConflictError(first, second)
        return cls(tuple(ordered))

    def __or__(self, other: EditSet) -> EditSet:
        """The union; raises `EditConflictError` where the two disagree."""
        return EditSet.of((*self.edits, *other.edits))

    def __iter__(self) -> Iterator[Edit]:
        """The edits in the order of their offsets."""
        return iter(self.edits)

    def __bool__(self) -> bool:
        """Whether there is any edit."""
        return bool(self.edits)

    def apply(self, data: bytes) -> bytes:
        """The bytes after all edits; raises `ValueError` for a span outside of `data`."""
        pieces: list[bytes] = []
        at = 0
        for edit in self.edits:
            if edit.span.start > edit.span.end or edit.span.end > len(data) or edit.span.start < 0:
                raise ValueError(f"edit of bytes {edit.span} in a file of {len(data)} bytes")
            pieces += (data[at : edit.span.start], edit.replacement)
            at = edit.span.end
        pieces.append(data[at:])
        return b"".join(pieces)


def _conflict(first: Span, second: Span) -> bool:
    """`first` sorts before `second`. Spans that only touch are fine, insertions at one
    offset are not."""
    if first.start == second.start:
        # An insertion before a replaced span has a clear order; two insertions have none.
        return first.length > 0 or second.length == 0
    return second.start < first.end
