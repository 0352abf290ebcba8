"""Sources that lost the folder of their package, which is the build context now."""

from __future__ import annotations

from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.steps.chain import Step
from dockerfix.syntax.dockerfile import Copy, Run


def stripped_copy(pair: Pair, before: Step, after: Step) -> tuple[Use, ...] | None:
    """A COPY whose sources all lost the same folder."""
    old, new = before.instruction, after.instruction
    if not (pair.permits("prefix-stripped") and isinstance(old, Copy) and isinstance(new, Copy)):
        return None
    local = old.from_ is None and new.from_ is None and old.keyword == new.keyword
    texts = [[doc.body for doc in item.heredocs] for item in (old, new)]
    if not local or texts[0] != texts[1]:
        return None
    same = [(f.name, f.value) for f in old.flags] == [(f.name, f.value) for f in new.flags]
    target = old.words[-1:] and new.words[-1:] and old.words[-1].value == new.words[-1].value
    if not same or not target or len(old.sources) != len(new.sources):
        return None
    prefixes = {
        _stripped(first.value, second.value)
        for first, second in zip(old.sources, new.sources, strict=True)
        if first.raw != second.raw or not first.raw.startswith("<<")
    }
    prefix = prefixes.pop() if len(prefixes) == 1 else None
    return (Use("prefix-stripped", f"`{prefix}/` is the context now"),) if prefix else None


def stripped_mounts(pair: Pair, old: Run, new: Run) -> tuple[Use, ...] | None:
    """The same command with bind mounts whose sources lost the package's folder."""
    same = len(old.mounts) == len(new.mounts) and _beside_mounts(old) == _beside_mounts(new)
    if not pair.permits("prefix-stripped") or not same:
        return None
    prefixes: set[str | None] = set()
    for first, second in zip(old.mounts, new.mounts, strict=True):
        one, two = dict(first.options), dict(second.options)
        if one == two:
            continue
        key = next((name for name in ("source", "src") if name in one and name in two), "")
        if not key or first.kind != "bind":
            return None
        prefixes.add(_stripped(one.pop(key), two.pop(key)))
        if one != two:
            return None
    prefix = prefixes.pop() if len(prefixes) == 1 else None
    return (Use("prefix-stripped", f"`{prefix}/` is the context now"),) if prefix else None


def _beside_mounts(item: Run) -> tuple[object, ...]:
    flags = tuple((flag.name, flag.value) for flag in item.flags if flag.name != "mount")
    return item.arguments, flags, tuple(doc.body for doc in item.heredocs)


def _stripped(old: str, new: str) -> str | None:
    """The folder that must be put before `new` to get `old`; None when there is none."""
    first = [part for part in old.split("/") if part not in ("", ".")]
    second = [part for part in new.split("/") if part not in ("", ".")]
    size = len(first) - len(second)
    return "/".join(first[:size]) if size > 0 and first[size:] == second else None
