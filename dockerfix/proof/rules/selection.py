"""Two calls of cargo that differ in what they select, and in nothing else."""

from __future__ import annotations

from collections import Counter

from dockerfix.facts.cargo import CargoCall
from dockerfix.proof.rules.pair import Pair
from dockerfix.proof.steps.reading import (
    build_calls,
)

SELECTION = frozenset({"bin", "bins", "package", "workspace", "all", "exclude"})


NEUTRAL = frozenset(
    {
        "locked", "offline", "frozen", "jobs", "verbose", "quiet", "message-format", "color",
        "timings", "keep-going",
    }
)  # fmt: skip
"""Flags of cargo that do not change what is made."""


def hidden_words(call: CargoCall) -> list[str]:
    """The words that reading cannot tell; the same ones say the same."""
    if not call.opaque:
        return []
    known = {word.span for flag in call.flags for word in flag.words}
    return [word.written for word in call.command.words[1:] if word.span not in known]


def _fixed_flags(call: CargoCall) -> Counter[tuple[str, str | None]]:
    """The flags that two calls must share; features are the compiler input's business, which
    tells them apart by package."""
    left_out = SELECTION | NEUTRAL | {"features"}
    named = {"release": ("profile", "release")}
    return Counter(
        named.get(flag.name, (flag.name, flag.value))
        for flag in call.flags
        if flag.name not in left_out
    )


def same_but_selection(pair: Pair, old: CargoCall, new: CargoCall) -> bool:
    """Whether two calls differ in the programs and packages that they name, and in nothing else."""
    if _stays_offline(new) and not _stays_offline(old):
        return False  # what it needs may not be there
    same = _fixed_flags(old) == _fixed_flags(new) and old.toolchain == new.toolchain
    return same and old.positional == new.positional


def _stays_offline(call: CargoCall) -> bool:
    return call.has("offline") or call.has("frozen")


def same_cook(pair: Pair, old: CargoCall, new: CargoCall) -> bool:
    """The old flags, or those of a build of the new file: a cook that agrees with its build
    compiles dependencies once, and the build makes the result in any case."""
    if same_but_selection(pair, old, new):
        return old.values("features") == new.values("features") or _like_a_build(pair, new)
    return old.toolchain == new.toolchain and _like_a_build(pair, new)


def _like_a_build(pair: Pair, cook: CargoCall) -> bool:
    return any(build.setting() == cook.setting() for build in build_calls(pair.after.graph))


def selects_no_less(old: CargoCall, new: CargoCall) -> bool:
    """Whether the new selection holds the old one; one that named nothing may be narrowed to
    names: what the image needs of it is *artefact produced*'s."""
    if old.selects_all or new.selects_all:
        return True
    everything = new.has("workspace") or new.has("all")
    return everything or (
        set(new.bins) >= set(old.bins)
        and (not old.packages or set(new.packages) >= set(old.packages))
    )
