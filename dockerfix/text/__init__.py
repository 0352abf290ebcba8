"""Source bytes, positions, edits: the bottom layer.

Knows bytes and offsets; knows nothing of Dockerfiles, YAML or any other language.
"""

from dockerfix.text.edit import Edit, EditConflictError, EditSet
from dockerfix.text.mapped import MappedText, Piece
from dockerfix.text.paths import Entry, Kind, Opaque
from dockerfix.text.relative import (
    inner_path,
    is_within,
    join_path,
    normalise_path,
    relative_path,
)
from dockerfix.text.snapshot import Snapshot, SnapshotError, UnreadableError
from dockerfix.text.source import Newline, Place, Position, Source, Span

__all__ = [
    "Edit",
    "EditConflictError",
    "EditSet",
    "Entry",
    "Kind",
    "MappedText",
    "Newline",
    "Opaque",
    "Piece",
    "Place",
    "Position",
    "Snapshot",
    "SnapshotError",
    "Source",
    "Span",
    "UnreadableError",
    "inner_path",
    "is_within",
    "join_path",
    "normalise_path",
    "relative_path",
]
