"""Entries of a repository after changes, without a copy of the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dockerfix.text.paths import Entry


class Overlay(Mapping[str, Entry]):
    """Entries of a snapshot with some added or replaced and some removed."""

    __slots__ = ("_added", "_base", "_removed")

    def __init__(
        self, base: Mapping[str, Entry], added: Mapping[str, Entry], removed: frozenset[str]
    ) -> None:
        self._base, self._added, self._removed = base, added, removed

    @classmethod
    def over(
        cls, base: Mapping[str, Entry], added: Mapping[str, Entry], removed: frozenset[str]
    ) -> Overlay:
        """Changed entries; those of an overlay are changed in one step with its own changes, so
        that a path takes as long to find after many patches as after one."""
        if not isinstance(base, Overlay):
            return cls(base, added, removed)
        kept = {path: entry for path, entry in base._added.items() if path not in removed}
        return cls(base._base, {**kept, **added}, (base._removed - added.keys()) | removed)

    def __contains__(self, path: object) -> bool:
        return path in self._added or (path not in self._removed and path in self._base)

    def __getitem__(self, path: str) -> Entry:
        if path in self._added:
            return self._added[path]
        if path in self._removed:
            raise KeyError(path)
        return self._base[path]

    def __iter__(self) -> Iterator[str]:
        yield from (p for p in self._base if p not in self._removed and p not in self._added)
        yield from self._added

    def __len__(self) -> int:
        return sum(1 for _ in self)
