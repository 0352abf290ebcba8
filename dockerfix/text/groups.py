"""The paths of a snapshot by what somebody says of each: asked once for a path, and again only for
what a change touches.

Knows which paths changed from one snapshot to the next; knows no file's bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar, cast

from dockerfix.text.paths import Paths

G = TypeVar("G", bound=Hashable)
S = TypeVar("S", bound=Paths)


class Groups(Generic[S]):
    """The groups of one snapshot.

    `before` are those of the snapshot to which the last changes were made, and `changed` the paths
    that these wrote or deleted; a snapshot that nothing changed has neither.
    """

    __slots__ = ("_before", "_changed", "_first", "_found", "_holders", "_said", "_snapshot")

    def __init__(
        self,
        snapshot: S,
        before: Groups[S] | None = None,
        changed: frozenset[str] = frozenset(),
    ) -> None:
        self._snapshot = snapshot
        self._before, self._changed = before, changed
        self._first: Groups[S] = self if before is None else before._first
        self._holders: dict[str, Groups[S]] = {} if before is None else dict(before._holders)
        """For each path that changed since the first snapshot, the groups at its last change."""
        self._holders |= dict.fromkeys(changed, self)
        self._found: dict[Hashable, Mapping[Hashable, list[str]]] = {}
        self._said: dict[tuple[Hashable, str], Hashable | None] = {}

    def by(
        self,
        key: Callable[[S, str], G | None],
        among: Callable[[S], Iterable[str]] | None,
    ) -> Mapping[G, list[str]]:
        """See `Snapshot.groups`."""
        if key not in self._found:
            asked = self._asked if self._before is None else self._asked_again
            self._found[key] = cast("Mapping[Hashable, list[str]]", asked(key, among))
        return cast("Mapping[G, list[str]]", self._found[key])

    def _asked(
        self,
        key: Callable[[S, str], G | None],
        among: Callable[[S], Iterable[str]] | None,
    ) -> dict[G, list[str]]:
        found: dict[G, list[str]] = {}
        for path in self._snapshot.paths if among is None else among(self._snapshot):
            group = key(self._snapshot, path)
            if group is not None:
                found.setdefault(group, []).append(path)
        return found

    def _asked_again(
        self,
        key: Callable[[S, str], G | None],
        among: Callable[[S], Iterable[str]] | None,
    ) -> dict[G, list[str]]:
        """The groups of a snapshot before this one, with what has changed since asked again."""
        before = self._before
        if before is not None and key in before._found:
            start, changed = before, self._changed
        else:
            start, changed = self._first, frozenset(self._holders)
        found = dict(start.by(key, among))
        for path in sorted(changed):
            was, now = start._of(key, path), self._of(key, path)
            if was == now:
                continue
            if was is not None:
                found[was] = [other for other in found[was] if other != path]
            if now is not None:
                found[now] = sorted((*found.get(now, ()), path))
        return found

    def _of(self, key: Callable[[S, str], G | None], path: str) -> G | None:
        """What a key says of a path, remembered where the path last changed."""
        if path not in self._snapshot.entries:
            return None
        holder, known = self._holders.get(path, self._first), (key, path)
        if known not in holder._said:
            holder._said[known] = key(holder._snapshot, path)
        return cast("G | None", holder._said[known])
