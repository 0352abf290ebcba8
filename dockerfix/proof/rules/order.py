"""Two steps that changed places, and a step that runs in another folder."""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.dockerfile.places import apart
from dockerfix.facts.dockerfile.prints import only_prints
from dockerfix.proof.rules.packages import only_adds, only_installs
from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.reading import (
    from_context,
    set_by,
)
from dockerfix.proof.steps.tools import (
    is_tool,
    movable,
)
from dockerfix.syntax.dockerfile import Arg, Copy


def swapped_but_allowed(pair: Pair, first: Step, second: Step) -> Use | None:
    """The rule under which `second` may now come before `first`, both steps of the old chain."""
    chain = pair.before
    late = chain.cooks(second) and not chain.cooks(first)
    if late and pair.permits("tools-later") and movable(first) and not copies_everything(first):
        return Use("tools-later", f"`{first.short}` runs after the cook")
    if from_context(first) and pair.permits("sources-later") and is_tool(second, ()):
        return Use("sources-later", f"the sources come after `{second.short}`")
    later = later_argument(pair, first, second)
    if later is not None:
        return later
    if pair.permits("united-packages") and only_installs(chain, second)[1]:
        return Use("united-packages", f"`{second.short}` comes earlier")
    prints = only_prints(first.instruction) or only_prints(second.instruction)
    if pair.compiles and (prints or commute(pair, first, second)):
        return Use("order", f"`{second.short}` and `{first.short}` do not touch each other")
    return None


def later_argument(pair: Pair, first: Step, second: Step) -> Use | None:
    """A build argument of a stage that only compiles, which comes after a step that does not
    name it: the step was run for every value."""
    item = first.instruction
    if pair.shipped or not isinstance(item, Arg):
        return None
    names = [name for name, _ in item.entries]
    told = all(pair.permits(f"every-value {name}") for name in names)
    if not told or any(name in second.instruction.text for name in names):
        return None
    return Use("every-value", f"`{first.short}` comes after `{second.short}`")


def commute(pair: Pair, first: Step, second: Step) -> bool:
    """Whether two steps make the same image in either order. The folder in which each of them
    runs is compared on its own."""
    one, other = first.instruction, second.instruction
    if "WORKDIR" in (one.keyword, other.keyword):
        return one.keyword != other.keyword
    if first.placed is not None and second.placed is not None:
        return apart(first.placed, second.placed, pair.is_folder)
    settings = (set_by(first), set_by(second))
    if any(settings):
        pairs = zip(settings, (second, first), strict=True)
        return all(_unseen(pair, names, step) for names, step in pairs)
    copy = first.placed or second.placed
    run = second if first.placed is not None else first
    if copy is None or run.instruction.keyword != "RUN":
        return False
    beside = only_adds(pair, run) and copy.target.startswith("/")
    return beside and not _of_the_system(copy.target)


def _unseen(pair: Pair, names: Sequence[str], step: Step) -> bool:
    """Whether a step heeds none of the variables: what a program of a RUN reads is written
    nowhere, unless the RUN only installs."""
    if step.instruction.keyword == "RUN" and names and not only_adds(pair, step):
        return False
    return not any(name in step.instruction.text for name in names)


def _of_the_system(path: str) -> bool:
    """Whether a path lies where package managers and installers write; `/usr/local` is left
    to the administrator (Filesystem Hierarchy Standard, 4.9)."""
    if path == "/" or path.startswith(("/usr/src/", "/usr/local/")):
        return path == "/"
    return f"{path}/".startswith(("/usr/", "/etc/", "/bin/", "/lib", "/sbin/", "/var/", "/root/"))


def runs_in(pair: Pair, before: Step, after: Step) -> str | None:
    """The folder in which a step runs that ran in another one before; None when it is the
    same, or when the step does not depend on it."""
    if before.where == after.where or before.instruction.keyword != "RUN":
        return None
    if only_adds(pair, before) or only_prints(before.instruction):
        return None
    commands = pair.before.commands(before)
    judged = (
        not pair.shipped
        and commands
        and all(command.cargo is not None and command.cargo.compiles for command in commands)
    )
    return None if judged else after.where or "the base image's folder"


def copies_everything(step: Step) -> bool:
    """Whether the step copies the whole context: the sources, which no tool is."""
    item = step.instruction
    whole = isinstance(item, Copy) and any(w.value in (".", "./", "/") for w in item.sources)
    return whole and from_context(step)
