"""Caches that would get one name though they are of several refs.

A bucket's names are made of parts of the old refs, so that `a/b` and `a_b` are one there. All of
those stay where they are: were one moved, a second run would move the next one onto it. Knows
names; edits nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.api import read_cache
from dockerfix_transforms.gitlab.caches.choice import CacheChoice, cache_text
from dockerfix_transforms.gitlab.caches.written import Unit


def keep_apart(choice: CacheChoice, units: Sequence[Unit]) -> bool:
    """Let the units stay whose caches would have a name that is another ref's too; their roles say
    why. Whether there are any."""
    named: dict[str, dict[str, list[Unit]]] = {}
    for unit in units:
        for text, ref in _exported(choice, unit):
            named.setdefault(text, {}).setdefault(ref, []).append(unit)
    found = False
    for refs in named.values():
        for unit in (unit for ref in refs for unit in refs[ref]) if len(refs) > 1 else ():
            choice.roles[id(unit)].stays = f"{' and '.join(sorted(refs))} would get one name"
            found = True
    return found


def _exported(choice: CacheChoice, unit: Unit) -> set[tuple[str, str]]:
    """The new caches that a unit writes, each with the ref in whose place it is."""
    role = choice.roles.get(id(unit))
    if role is None or role.stays:
        return set()
    return {
        (
            cache_text(choice.store, item, build, written=False, source=False),
            read_cache(build.cache_to[item.index].text).ref,
        )
        for item in choice.wanted(unit).exports
        for build in unit.builds
        if item.branch
    }
