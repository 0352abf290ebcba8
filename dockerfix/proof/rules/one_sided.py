"""A step that only one of two chains has: the rule under which it may be gone, or new."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.facts.cargo import read_cargo
from dockerfix.facts.dockerfile.places import apart
from dockerfix.facts.dockerfile.prints import only_prints
from dockerfix.proof.rules.go_beside import go_beside
from dockerfix.proof.rules.order import copies_everything
from dockerfix.proof.rules.other_images import (
    CARRYING,
    SAYING,
    finishes_another,
    is_more,
    last_part,
)
from dockerfix.proof.rules.packages import listed, only_installs
from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.rules.settings import accepted, addable
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.commands import script_of
from dockerfix.proof.steps.reading import (
    ReadChain,
    from_context,
    set_by,
    taken_from_stages,
)
from dockerfix.proof.steps.tools import (
    command_words,
    is_tool,
    movable,
)
from dockerfix.syntax.dockerfile import Run
from dockerfix.syntax.shell import Command


def gone_but_allowed(pair: Pair, step: Step, later: Sequence[Step]) -> Use | None:
    """The rule under which a step of the old chain may be missing; `later` are the steps
    behind it that stay."""
    kind, packages = only_installs(pair.before, step)
    if packages and pair.permits("united-packages"):
        others = [only_installs(pair.after, other) for other in pair.after.steps]
        if packages <= frozenset[str]().union(*(found for k, found in others if k == kind)):
            return Use("united-packages", f"{listed(packages)} is installed elsewhere")
    tool = not pair.shipped and pair.permits("tools-later")
    if tool and is_tool(step, later, taken_from_stages(pair.before.graph)):
        return Use("tools-later", f"`{step.short}` stays out of what only compiles")
    judge = pair.judge_of_stand_ins
    if judge is not None and judge.may_be_gone(pair.before, pair.after, step):
        return Use("stand-ins", f"`{step.short}` is gone: the sources are there")
    return _judged_elsewhere(pair, pair.before, step) or accepted(pair, pair.before, step)


def _judged_elsewhere(pair: Pair, chain: ReadChain, step: Step) -> Use | None:
    """A step of a stage that only compiles and that nothing heeds: a folder (every step that
    needs one is compared with the folder it runs in), what only prints, or rustup's default
    where a rust-toolchain file is stronger."""
    if pair.shipped or not pair.compiles:
        return None
    if only_prints(step.instruction):
        return Use("prints", f"`{step.short}` changes nothing")
    if step.instruction.keyword == "WORKDIR":
        return Use("folder", f"`{step.short}`: no step runs in another folder than before")
    commands = chain.commands(step)
    defaults = commands and all(
        command.text.split()[:2] in (["rustup", "default"], ["rustup", "update"])
        for command in commands
    )
    if defaults and pair.pinned:
        return Use("toolchain-file", f"`{step.short}`: the rust-toolchain file is stronger")
    return None


def new_but_allowed(pair: Pair, step: Step) -> Use | None:
    """The rule under which a step may be in the new chain alone."""
    packages = only_installs(pair.after, step)[1]
    if packages and pair.permits("united-packages"):
        return Use("united-packages", f"installs {listed(packages)} too")
    names = set_by(step)
    fresh = names and not pair.before.variables.intersection(names)
    if fresh and addable(pair, names):
        return Use("environment-added", f"sets {', '.join(names)} too")
    judge = pair.judge_of_stand_ins
    if judge is not None and judge.may_be_new(pair.before, pair.after, step):
        return Use("stand-ins", f"`{step.short}` stands in for what no program here is made of")
    return (
        go_beside(pair, step)
        or _of_another_image(pair, step)
        or _judged_elsewhere(pair, pair.after, step)
        or accepted(pair, pair.after, step)
    )


def _of_another_image(pair: Pair, step: Step) -> Use | None:
    """A step that only compiles or finishes the programs of other images; more sources or a
    tool beside the compiler, where that was said."""
    if pair.shipped or not pair.compiles:
        return None
    commands = pair.after.commands(step)
    if commands and pair.permits("build-widened"):
        calls = [c for command in commands for c in (command.cargo, *command.inner) if c]
        more = all(
            is_more("build", command) or finishes_another(pair, command)
            for command in commands
            if not command.inner
        )
        if more and all(call.compiles and not call.opaque for call in calls):
            return Use("build-widened", f"also runs `{step.short}`")
    cooks = commands and all(is_more("chef cook", command) for command in commands)
    if cooks and pair.permits("cook-widened"):
        return Use("cook-widened", f"also runs `{step.short}`")
    if pair.permits("sources") and _more_sources(pair, step):
        return Use("sources", f"`{step.short}` brings more files")
    if pair.permits("tools") and _fetches(pair, step):
        return Use("tools", f"`{step.short}` puts a tool beside the compiler")
    return None


_FETCHING = frozenset(
    {
        "curl", "wget", "tar", "unzip", "gpg", "gunzip", "xz", "tee", "rm", "apt-get", "apt", "apk",
        "dpkg", "lsb_release", "update-ca-certificates", "npm", "pnpm", "pip", "pip3", "corepack",
        "ldconfig",
    }
)  # fmt: skip


def _fetches(pair: Pair, step: Step) -> bool:
    """Whether a RUN, before any source is there, fetches or installs and does no more: no
    setting of cargo or rustup, and nothing that the old file's images take. That a build script
    could find what it leaves is what the person is asked about."""
    item = step.instruction
    script = script_of(item) if isinstance(item, Run) else None
    chain = pair.after.steps
    if script is None or script.broken or any(map(from_context, chain[: chain.index(step)])):
        return False
    if any(word in item.text for word in (".cargo", "CARGO", "RUST", "rustup ", "/ld", "linker")):
        return is_tool(step, (), taken_from_stages(pair.before.graph))
    taken = {last_part(path) for path in taken_from_stages(pair.before.graph)}
    return all(_is_fetching(command, taken) for command in script.commands())


def _is_fetching(command: Command, taken: set[str]) -> bool:
    words = command_words(command)
    call = read_cargo(command)
    if call is not None:
        return call.verb == "install" and not call.has("path")
    known = not words or posixpath.basename(words[0]) in _FETCHING | CARRYING | SAYING | {"chmod"}
    return known and not any(last_part(word) in taken for word in words[1:])


def _more_sources(pair: Pair, step: Step) -> bool:
    """Whether a COPY of the context brings files to where no step of the old chain writes
    any, or that come with a copy of the whole context in any case."""
    copy = step.placed
    if copy is None or not from_context(step) or not movable(step):
        return False
    if any(copies_everything(other) for other in pair.before.steps):
        return True
    others = [other.placed for other in pair.before.steps]
    return all(other is None or apart(copy, other, pair.is_folder) for other in others)
