"""What differs between two asks for one image, beside the image itself.

Knows contexts, build arguments, named contexts and other details of an ask; finds no pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from msgspec import Struct

from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask
from dockerfix.proof.obligation import Image


class Allowed(Struct, frozen=True):
    """What may differ: see `SameImagesAskedFor`."""

    stands_for: tuple[tuple[Image, Image], ...]
    arguments_added: frozenset[tuple[str, str]]
    contexts: frozenset[tuple[str, str, str]]
    left: frozenset[tuple[str, str]]


def differing(allowed: Allowed, before: Facts, after: Facts, old: Ask, new: Ask) -> list[str]:
    """What differs beside the image: contexts, arguments, platforms, secrets, labels."""
    found: list[str] = []
    moved = (old.dockerfile, old.context, new.context) in allowed.contexts
    if old.context != new.context and not moved:
        found.append(f"the context is `{_shown(new.context)}`, it was `{_shown(old.context)}`")
    added = {name for file, name in allowed.arguments_added if file == new.dockerfile}
    found += _overridden(before, after, old, new, added)
    details = [d for d in new.details if d[0].rsplit(" ", 1)[-1] not in added]
    kept = [d for d in old.details if d[0].rsplit(" ", 1)[-1] not in added]
    found += [f"{n} is gone (`{v}`)" for n, v in _less(kept, details)]
    found += [f"{n} is new (`{v}`)" for n, v in _less(details, kept)]
    return found


def _overridden(
    before: Facts, after: Facts, old: Ask, new: Ask, added: Collection[str]
) -> Iterator[str]:
    """A named context takes the place of a stage of its name: it must do so on both sides
    or on none."""
    for name, given in new.details:
        context = name.removeprefix("named context ")
        if context == name or context in added:
            continue
        replaced, replaces = (_has_stage(before, old, context), _has_stage(after, new, context))
        if replaced != replaces:
            verb = "replaces a stage now" if replaces else "no longer replaces a stage"
            yield f"the named context {context} (`{given}`) {verb}"


def _has_stage(facts: Facts, ask: Ask, name: str) -> bool:
    """Whether the Dockerfile of an ask has a stage of that name."""
    path = ask.dockerfile
    known = path is not None and path in facts.snapshot
    return known and facts.stages(path or "").find(name) is not None


def _shown(path: str | None) -> str:
    return "unknown" if path is None else path or "."


def _less(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from (Counter(first) - Counter(second)).elements()
