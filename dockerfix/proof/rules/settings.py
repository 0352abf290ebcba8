"""Variables and base images of build stages that may differ where that was accepted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.reading import (
    ReadChain,
    set_by,
)
from dockerfix.proof.steps.tools import (
    only_toolchain,
    variable_aspect,
)

_OF_THE_BASE = frozenset(
    {"PATH", "HOME", "SHELL", "IFS", "LD_LIBRARY_PATH", "LD_PRELOAD", "CARGO_HOME", "RUSTUP_HOME"}
)
"""Variables that a base image sets, or that every program obeys."""


def addable(pair: Pair, names: Sequence[str]) -> bool:
    """Whether a build stage may gain these variables: one that the compiler reads only when
    that difference was accepted."""
    if not pair.permits("environment-added") or _OF_THE_BASE.intersection(names):
        return False
    return all(
        pair.permits(variable_aspect(n)) for n in names if variable_aspect(n) != "environment"
    )


def accepted(pair: Pair, chain: ReadChain, step: Step) -> Use | None:
    """A step that does nothing but set the compiler's input, in a stage that only compiles,
    when the person accepted that this aspect differs."""
    if pair.shipped:
        return None
    if chain is pair.before and _read_later(pair, set_by(step)):
        return None
    aspects = {variable_aspect(name) for name in set_by(step)}
    commands = chain.commands(step)
    if commands and all(command.plain.name == "rustup" for command in commands):
        aspects = {"toolchain"}
    if not aspects or not all(pair.permits(aspect) for aspect in aspects):
        return None
    return Use(" and ".join(sorted(aspects)), f"`{step.short}`: the difference was accepted")


def _read_later(pair: Pair, names: Sequence[str]) -> bool:
    """Whether the new chain names one of the variables, and no longer sets it."""
    lost = [name for name in names if name not in pair.after.variables]
    read = re.compile(rf"\$\{{?(?:{'|'.join(map(re.escape, lost))})\b")
    return bool(lost) and any(read.search(step.instruction.text) for step in pair.after.steps)


def base_but_allowed(pair: Pair, old: str, new: str) -> Use | None:
    """The aspect under which build chains may stand on different images."""
    for aspect in ("base-image", "toolchain"):
        if pair.permits(aspect) and (aspect == "base-image" or only_toolchain(old, new)):
            return Use(aspect, f"the base image is `{new}`, it was `{old}`: accepted")
    return None
