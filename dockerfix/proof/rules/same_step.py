"""A step that became another one: the rules that make the two stand for each other."""

from __future__ import annotations

from dockerfix.facts.dockerfile.places import placed
from dockerfix.proof.rules.other_images import (
    finishes_another,
    is_more,
)
from dockerfix.proof.rules.packages import listed, united_packages
from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.rules.prefix import stripped_copy, stripped_mounts
from dockerfix.proof.rules.selection import (
    hidden_words,
    same_but_selection,
    same_cook,
    selects_no_less,
)
from dockerfix.proof.rules.settings import addable
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.commands import Plain
from dockerfix.proof.steps.reading import (
    ReadCommand,
)
from dockerfix.syntax.dockerfile import Arg, Copy, Run


def same_but_allowed(pair: Pair, before: Step, after: Step) -> tuple[Use, ...] | None:
    """The rules that make two unequal steps stand for each other; None when none does."""
    first, second = before.instruction, after.instruction
    if isinstance(first, Run) and isinstance(second, Run):
        return _runs(pair, before, after)
    if isinstance(first, Copy) and isinstance(second, Copy):
        return () if _same_copy(pair, before, after) else stripped_copy(pair, before, after)
    return None


def _same_copy(pair: Pair, before: Step, after: Step) -> bool:
    """Whether two copies differ only in a slash behind a folder, which COPY does not heed."""
    first, second = before.instruction, after.instruction
    if not (isinstance(first, Copy) and isinstance(second, Copy)):
        return False
    local = first.flag("from") is None and second.flag("from") is None
    old = placed(first, before.where, pair.is_folder)
    new = placed(second, after.where, pair.is_folder)
    return local and old is not None and old == new


def _runs(pair: Pair, before: Step, after: Step) -> tuple[Use, ...] | None:
    first, second = before.instruction, after.instruction
    if not (isinstance(first, Run) and isinstance(second, Run)):
        return None
    if before.references or after.references:
        return None
    stripped = stripped_mounts(pair, first, second)
    if stripped is not None:
        return stripped
    judge = pair.judge_of_stand_ins
    if judge is not None and judge.may_change(pair.before, pair.after, before, after):
        return (Use("stand-ins", f"`{after.short}` writes other stand-ins for sources"),)
    if not pair.compiles or _flags(first) != _flags(second):
        return None
    old, new = pair.before.commands(before), pair.after.commands(after)
    if old is None or new is None:
        return None
    found = _sequences(pair, old, new)
    return _behind_a_build(pair, after, old, new) if found is None else found


def _behind_a_build(
    pair: Pair, after: Step, old: tuple[ReadCommand, ...], new: tuple[ReadCommand, ...]
) -> tuple[Use, ...] | None:
    """A RUN whose build is done by the one before it, for every value of a build argument: only
    that argument is declared between them."""
    told = any(rule.startswith("every-value ") for rule in pair.allowed)
    steps = pair.after.steps
    at = steps.index(after) - 1
    while at >= 0 and isinstance(steps[at].instruction, Arg):
        at -= 1
    builds = pair.after.commands(steps[at]) if at >= 0 else None
    if not told or not builds or steps[at].where != after.where or not old:
        return None
    run, item = steps[at].instruction, after.instruction
    plain = isinstance(run, Run) and isinstance(item, Run) and not (run.flags or item.flags)
    first = old[0].cargo
    if not plain or first is None or first.verb != "build":
        return None
    if not all(build.cargo is not None for build in builds):
        return None
    done = (build.text == old[0].text or _command(pair, old[0], build) for build in builds)
    rest = _sequences(pair, old[1:], new) if any(done) else None
    use = Use("every-value", f"`{old[0].text}` is done by the RUN before")
    return None if rest is None else (use, *rest)


def _flags(item: Run) -> list[tuple[str, object]]:
    """The flags for comparison; where a cache mount's files are kept is no part of an image."""
    mounts = iter(item.mounts)
    found: list[tuple[str, object]] = []
    for flag in item.flags:
        if flag.name != "mount":
            found.append((flag.name, flag.value))
            continue
        mount = next(mounts)
        kept = {k: v for k, v in mount.options.items() if mount.kind != "cache" or k != "id"}
        found.append((flag.name, kept))
    return found


def _sequences(
    pair: Pair, old: tuple[ReadCommand, ...], new: tuple[ReadCommand, ...]
) -> tuple[Use, ...] | None:
    """Each old command finds its counterpart in order; what is new between is allowed too."""
    uses: list[Use] = []
    rest = list(new)
    for command in old:
        found = _counterpart(pair, command, rest)
        if found is None:
            return None
        at, made = found
        added = _added(pair, rest[:at], old)
        if added is None:
            return None
        uses += (*added, *made)
        rest = rest[at + 1 :]
    added = _added(pair, rest, old)
    return None if added is None else (*uses, *added)


def _counterpart(
    pair: Pair, command: ReadCommand, rest: list[ReadCommand]
) -> tuple[int, tuple[Use, ...]] | None:
    for at, other in enumerate(rest):
        if command.text == other.text:
            return at, ()
    for at, other in enumerate(rest):
        made = _command(pair, command, other)
        if made is not None:
            return at, made
    return None


def _added(
    pair: Pair, commands: list[ReadCommand], old: tuple[ReadCommand, ...]
) -> list[Use] | None:
    """New commands beside a build: more builds, and what carries their results away."""
    verbs = {c.cargo.verb for c in old if c.cargo is not None}
    verbs |= {call.verb for c in old for call in c.inner}
    builds = any(call.compiles for c in old for call in (c.cargo, *c.inner) if call is not None)
    uses: list[Use] = []
    for command in commands:
        if command.plain.redirections:
            return None
        if command.install is not None and pair.permits("united-packages"):
            uses.append(Use("united-packages", f"installs {listed(command.install.packages)} too"))
        elif (
            builds
            and pair.permits("build-widened")
            and (is_more("build", command) or finishes_another(pair, command, old))
        ):
            uses.append(Use("build-widened", f"also runs `{command.text}`"))
        elif (
            "chef cook" in verbs and pair.permits("cook-widened") and is_more("chef cook", command)
        ):
            uses.append(Use("cook-widened", f"also runs `{command.text}`"))
        else:
            return None
    return uses


def _command(pair: Pair, old: ReadCommand, new: ReadCommand) -> tuple[Use, ...] | None:
    if old.plain.redirections != new.plain.redirections:
        return None
    if old.install is not None and new.install is not None:
        return united_packages(pair, old.install, new.install)
    if old.inner and len(old.inner) == len(new.inner) and old.skeleton == new.skeleton:
        return _inner(pair, old, new)
    if old.cargo is None or new.cargo is None:
        return None
    added = [text for text in new.environment if text not in old.environment]
    kept = all(text in new.environment for text in old.environment)
    if not kept or (added and not addable(pair, [text.partition("=")[0] for text in added])):
        return None
    first, second = old.cargo, new.cargo
    if (first.verb, first.wrapper) != (second.verb, second.wrapper):
        return None
    if hidden_words(first) != hidden_words(second):
        return None
    widen = {
        "chef prepare": ("prepare-widened", same_but_selection),
        "chef cook": ("cook-widened", same_cook),
        "build": ("build-widened", same_but_selection),
    }.get(first.verb)
    if widen is None or not pair.permits(widen[0]) or not widen[1](pair, first, second):
        return None
    cooked_by_package = first.verb == "chef cook" and first.packages and second.bins
    if not cooked_by_package and not selects_no_less(first, second):
        return None  # a cook makes no program: what it leaves out the build compiles
    uses = [Use("environment-added", f"sets {', '.join(added)} too")] if added else []
    return (*uses, Use(widen[0], f"`{old.text}` became `{new.text}`"))


def _inner(pair: Pair, old: ReadCommand, new: ReadCommand) -> tuple[Use, ...] | None:
    """A branch, loop or pipeline that is the same but for its cargo calls."""
    uses: list[Use] = []
    for first, second in zip(old.inner, new.inner, strict=True):
        plain = [
            Plain(" ".join(w.written for w in c.command.words), c.command) for c in (first, second)
        ]
        made = (
            ()
            if plain[0].text == plain[1].text
            else _command(
                pair, ReadCommand(plain[0], first, None), ReadCommand(plain[1], second, None)
            )
        )
        if made is None:
            return None
        uses += made
    return tuple(uses)
