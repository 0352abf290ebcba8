"""The named rules under which two chains may differ.

Each rule says for one pair of steps, for a step that is gone, or for one that is new, whether
the difference leaves the image what it was; every use of a rule is reported with its name. A
rule that spans several steps (`sibling-image`) belongs here as a function over what is left.
Knows what a difference means; knows nothing of how the other file came about.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from dockerfix.facts.cargo import CargoCall, read_cargo
from dockerfix.facts.dockerfile.places import IsFolder, apart, placed
from dockerfix.proof.cargo.commands import Plain, script_of
from dockerfix.proof.cargo.tools import (
    command_words,
    is_tool,
    movable,
    only_toolchain,
    variable_aspect,
)
from dockerfix.proof.image.chain import Step
from dockerfix.proof.image.installs import Install
from dockerfix.proof.reading import (
    ReadChain,
    ReadCommand,
    build_calls,
    from_context,
    set_by,
    taken_from_stages,
)
from dockerfix.syntax.dockerfile import Copy, Run
from dockerfix.syntax.shell import Assignment, Command, walk

SELECTION = frozenset({"bin", "bins", "package", "workspace", "all", "exclude"})
NEUTRAL = frozenset(
    {
        "locked", "offline", "frozen", "jobs", "verbose", "quiet", "message-format", "color",
        "timings", "keep-going",
    }
)  # fmt: skip
"""Flags of cargo that do not change what is made."""
_CARRYING = frozenset({"cp", "mv", "mkdir", "install"})
_FINISHING = frozenset(
    {"strip", "objcopy", "upx", "chmod", "ls", "du", "file", "test", "ldd", "xx-verify"}
)
"""Commands that change or show the files that they name, and no others."""
_SAYING = frozenset(
    {"echo", "printf", "true", "false", "exit", "set", "[", "sccache", "cd", "touch"}
)
"""Commands that change no contents."""


class Use(Struct, frozen=True):
    """One use of a rule: its name, and what it allows here."""

    rule: str
    what: str


class Pair(Struct, frozen=True):
    """Two chains that are compared. `shipped` says that they are an image's own and not only
    copied from; `allowed` names the rules that may be used."""

    before: ReadChain
    after: ReadChain
    shipped: bool
    allowed: frozenset[str]
    is_folder: IsFolder = bool
    """Whether a path of the build context before is a folder."""
    pinned: bool = False
    """Whether a rust-toolchain file at the root of the context chooses the compiler."""

    @property
    def compiles(self) -> bool:
        """Whether both are build chains: a runtime chain is compared to the letter."""
        return self.before.compiles and self.after.compiles

    def permits(self, rule: str) -> bool:
        """Whether the rule may be used in these chains."""
        return rule in self.allowed and (self.compiles or rule == "prefix-stripped")


def same_but_allowed(pair: Pair, before: Step, after: Step) -> tuple[Use, ...] | None:
    """The rules that make two unequal steps stand for each other; None when none does."""
    first, second = before.instruction, after.instruction
    if isinstance(first, Run) and isinstance(second, Run):
        return _runs(pair, before, after)
    if isinstance(first, Copy) and isinstance(second, Copy):
        return () if _same_copy(pair, before, after) else _prefix(pair, before, after)
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


# A RUN that became another one.


def _runs(pair: Pair, before: Step, after: Step) -> tuple[Use, ...] | None:
    first, second = before.instruction, after.instruction
    if not (isinstance(first, Run) and isinstance(second, Run)):
        return None
    if before.references or after.references:
        return None
    stripped = _stripped_mounts(pair, first, second)
    if stripped is not None:
        return stripped
    if not pair.compiles or _flags(first) != _flags(second):
        return None
    old, new = pair.before.commands(before), pair.after.commands(after)
    if old is None or new is None:
        return None
    return _sequences(pair, old, new)


def _beside_mounts(item: Run) -> tuple[object, ...]:
    flags = tuple((flag.name, flag.value) for flag in item.flags if flag.name != "mount")
    return item.arguments, flags, tuple(doc.body for doc in item.heredocs)


def _stripped_mounts(pair: Pair, old: Run, new: Run) -> tuple[Use, ...] | None:
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
            uses.append(Use("united-packages", f"installs {_listed(command.install.packages)} too"))
        elif (
            builds
            and pair.permits("build-widened")
            and (_is_more("build", command) or finishes_another(pair, command, old))
        ):
            uses.append(Use("build-widened", f"also runs `{command.text}`"))
        elif (
            "chef cook" in verbs and pair.permits("cook-widened") and _is_more("chef cook", command)
        ):
            uses.append(Use("cook-widened", f"also runs `{command.text}`"))
        else:
            return None
    return uses


def _is_more(verb: str, command: ReadCommand) -> bool:
    """Whether a command beside builds or cooks is one more of them."""
    call = command.cargo
    if call is None:
        return False
    same = call.compiles if verb == "build" else call.verb == verb
    return same and not call.opaque and not command.plain.redirections


def finishes_another(pair: Pair, command: ReadCommand, old: Sequence[ReadCommand] = ()) -> bool:
    """Whether a statement changes or shows files of another image only: none that the old
    commands name or the old file's images take."""
    item = command.plain.command
    if isinstance(item, Assignment) or command.plain.redirections:
        return False
    taken = {_name(path) for path in taken_from_stages(pair.before.graph)}
    named = taken | {_name(word) for other in old for word in other.text.split()}
    return all(_is_local(simple, taken, named) for simple in walk((item,)))


def _name(path: str) -> str:
    return posixpath.basename(path.rstrip("/"))


def _is_local(command: Command, taken: set[str], named: set[str]) -> bool:
    """Whether a simple command is known to change only files that it names: none that an
    image takes, and for what finishes a file none that the old commands name."""
    words = command_words(command)
    name = posixpath.basename(words[0]) if words else ""
    operands = [word for word in words[1:] if not word.startswith("-") and not _is_mode(word)]
    if not words or name in _SAYING:
        return True
    if any(char in _name(word) for word in operands for char in "*?[$`"):
        return False
    if name in _CARRYING:
        *sources, last = operands or [""]
        folder = last.endswith("/") or len(sources) > 1 or not sources
        return not any(_name(word) in taken for word in (sources if folder else [last]))
    return name in _FINISHING and not any(_name(word) in named for word in operands)


def _is_mode(word: str) -> bool:
    """Whether a word is permissions: `0755`, `+x`, `u=rw`."""
    return word.isdigit() or word[:1] in "+=" or (word[1:2] in "+=" and word[0] in "ugoa")


def _command(pair: Pair, old: ReadCommand, new: ReadCommand) -> tuple[Use, ...] | None:
    if old.plain.redirections != new.plain.redirections:
        return None
    if old.install is not None and new.install is not None:
        return _installs(pair, old.install, new.install)
    if old.inner and len(old.inner) == len(new.inner) and old.skeleton == new.skeleton:
        return _inner(pair, old, new)
    if old.cargo is None or new.cargo is None:
        return None
    added = [text for text in new.environment if text not in old.environment]
    kept = all(text in new.environment for text in old.environment)
    if not kept or (added and not _addable(pair, [text.partition("=")[0] for text in added])):
        return None
    first, second = old.cargo, new.cargo
    if (first.verb, first.wrapper) != (second.verb, second.wrapper):
        return None
    if _hidden(first) != _hidden(second):
        return None
    widen = {
        "chef prepare": ("prepare-widened", _same_but_selection),
        "chef cook": ("cook-widened", _same_cook),
        "build": ("build-widened", _same_but_selection),
    }.get(first.verb)
    if widen is None or not pair.permits(widen[0]) or not widen[1](pair, first, second):
        return None
    cooked_by_package = first.verb == "chef cook" and first.packages and second.bins
    if not cooked_by_package and not _selects_no_less(first, second):
        return None  # a cook makes no program: what it leaves out the build compiles
    uses = [Use("environment-added", f"sets {', '.join(added)} too")] if added else []
    return (*uses, Use(widen[0], f"`{old.text}` became `{new.text}`"))


def _hidden(call: CargoCall) -> list[str]:
    """The words that reading cannot tell; the same ones say the same."""
    if not call.opaque:
        return []
    known = {word.span for flag in call.flags for word in flag.words}
    return [word.written for word in call.command.words[1:] if word.span not in known]


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


def _as_command(call: CargoCall) -> ReadCommand:
    text = " ".join(word.written for word in call.command.words)
    return ReadCommand(Plain(text, call.command), call, None)


def _installs(pair: Pair, old: Install, new: Install) -> tuple[Use, ...] | None:
    same = old.manager == new.manager and old.options == new.options
    if not pair.permits("united-packages") or not same or not new.packages >= old.packages:
        return None
    return (Use("united-packages", f"installs {_listed(new.packages - old.packages)} too"),)


def _listed(packages: frozenset[str]) -> str:
    return ", ".join(sorted(packages)) or "the same packages"


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


def _same_but_selection(pair: Pair, old: CargoCall, new: CargoCall) -> bool:
    same = _fixed_flags(old) == _fixed_flags(new) and old.toolchain == new.toolchain
    return same and old.positional == new.positional


def _same_cook(pair: Pair, old: CargoCall, new: CargoCall) -> bool:
    """The old flags, or those of a build of the new file: a cook that agrees with its build
    compiles dependencies once, and the build makes the result in any case."""
    if _same_but_selection(pair, old, new):
        return old.values("features") == new.values("features") or _like_a_build(pair, new)
    return old.toolchain == new.toolchain and _like_a_build(pair, new)


def _like_a_build(pair: Pair, cook: CargoCall) -> bool:
    return any(build.setting() == cook.setting() for build in build_calls(pair.after.graph))


def _selects_no_less(old: CargoCall, new: CargoCall) -> bool:
    """Whether the new selection holds the old one; one that named nothing may be narrowed to
    names: what the image needs of it is *artefact produced*'s."""
    if old.selects_all or new.selects_all:
        return True
    everything = new.has("workspace") or new.has("all")
    return everything or (
        set(new.bins) >= set(old.bins)
        and (not old.packages or set(new.packages) >= set(old.packages))
    )


# A COPY whose sources lost the package's folder.


def _prefix(pair: Pair, before: Step, after: Step) -> tuple[Use, ...] | None:
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


def _stripped(old: str, new: str) -> str | None:
    """The folder that must be put before `new` to get `old`; None when there is none."""
    first = [part for part in old.split("/") if part not in ("", ".")]
    second = [part for part in new.split("/") if part not in ("", ".")]
    size = len(first) - len(second)
    return "/".join(first[:size]) if size > 0 and first[size:] == second else None


# A step that only one of the chains has.


def gone_but_allowed(pair: Pair, step: Step, later: Sequence[Step]) -> Use | None:
    """The rule under which a step of the old chain may be missing; `later` are the steps
    behind it that stay."""
    kind, packages = _only_installs(pair.before, step)
    if packages and pair.permits("united-packages"):
        others = [_only_installs(pair.after, other) for other in pair.after.steps]
        if packages <= frozenset[str]().union(*(found for k, found in others if k == kind)):
            return Use("united-packages", f"{_listed(packages)} is installed elsewhere")
    tool = not pair.shipped and pair.permits("tools-later")
    if tool and is_tool(step, later, taken_from_stages(pair.before.graph)):
        return Use("tools-later", f"`{step.short}` stays out of what only compiles")
    return _judged_elsewhere(pair, pair.before, step) or _accepted(pair, pair.before, step)


def _judged_elsewhere(pair: Pair, chain: ReadChain, step: Step) -> Use | None:
    """A step of a stage that only compiles and that nothing heeds: a folder (every step that
    needs one is compared with the folder it runs in), or rustup's default where a
    rust-toolchain file is stronger."""
    if pair.shipped or not pair.compiles:
        return None
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
    packages = _only_installs(pair.after, step)[1]
    if packages and pair.permits("united-packages"):
        return Use("united-packages", f"installs {_listed(packages)} too")
    names = set_by(step)
    fresh = names and not pair.before.variables.intersection(names)
    if fresh and _addable(pair, names):
        return Use("environment-added", f"sets {', '.join(names)} too")
    return (
        _of_another_image(pair, step)
        or _judged_elsewhere(pair, pair.after, step)
        or _accepted(pair, pair.after, step)
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
            _is_more("build", command) or finishes_another(pair, command)
            for command in commands
            if not command.inner
        )
        if more and all(call.compiles and not call.opaque for call in calls):
            return Use("build-widened", f"also runs `{step.short}`")
    cooks = commands and all(_is_more("chef cook", command) for command in commands)
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
    taken = {_name(path) for path in taken_from_stages(pair.before.graph)}
    return all(_is_fetching(command, taken) for command in script.commands())


def _is_fetching(command: Command, taken: set[str]) -> bool:
    words = command_words(command)
    call = read_cargo(command)
    if call is not None:
        return call.verb == "install" and not call.has("path")
    known = not words or posixpath.basename(words[0]) in _FETCHING | _CARRYING | _SAYING | {"chmod"}
    return known and not any(_name(word) in taken for word in words[1:])


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


_OF_THE_BASE = frozenset(
    {"PATH", "HOME", "SHELL", "IFS", "LD_LIBRARY_PATH", "LD_PRELOAD", "CARGO_HOME", "RUSTUP_HOME"}
)
"""Variables that a base image sets, or that every program obeys."""


def _addable(pair: Pair, names: Sequence[str]) -> bool:
    """Whether a build stage may gain these variables: one that the compiler reads only when
    that difference was accepted."""
    if not pair.permits("environment-added") or _OF_THE_BASE.intersection(names):
        return False
    return all(
        pair.permits(variable_aspect(n)) for n in names if variable_aspect(n) != "environment"
    )


def _accepted(pair: Pair, chain: ReadChain, step: Step) -> Use | None:
    """A step that does nothing but set the compiler's input, in a stage that only compiles,
    when the person accepted that this aspect differs."""
    if pair.shipped:
        return None
    aspects = {variable_aspect(name) for name in set_by(step)}
    commands = chain.commands(step)
    if commands and all(command.plain.name == "rustup" for command in commands):
        aspects = {"toolchain"}
    if not aspects or not all(pair.permits(aspect) for aspect in aspects):
        return None
    return Use(" and ".join(sorted(aspects)), f"`{step.short}`: the difference was accepted")


def base_but_allowed(pair: Pair, old: str, new: str) -> Use | None:
    """The aspect under which build chains may stand on different images."""
    for aspect in ("base-image", "toolchain"):
        if pair.permits(aspect) and (aspect == "base-image" or only_toolchain(old, new)):
            return Use(aspect, f"the base image is `{new}`, it was `{old}`: accepted")
    return None


_Kind = tuple[object, ...]


def _only_installs(chain: ReadChain, step: Step) -> tuple[_Kind, frozenset[str]]:
    """The packages of a RUN that does nothing but install (and refresh and clean the lists),
    and how it does so; no packages for any other step."""
    packages: set[str] = set()
    kind: list[object] = [step.instruction.flags]
    for command in chain.commands(step) or ():
        if command.plain.redirections:
            return (), frozenset()
        if command.install is not None:
            packages |= command.install.packages
            kind.append((command.install.manager, command.install.options))
        elif _keeps_lists(command):
            kind.append(command.text)
        else:
            return (), frozenset()
    return tuple(kind), frozenset() if step.instruction.flags else frozenset(packages)


_LISTS = ("/var/lib/apt/lists", "/var/cache/apt", "/var/cache/apk")
_REFRESHING = (["update"], ["clean"], ["clean", "all"], ["makecache"])


def _keeps_lists(command: ReadCommand) -> bool:
    """Whether a command fetches or deletes only what a package manager knows of packages, or
    sets how the shell takes failures."""
    name, *words = command.text.split() or [""]
    plain = [word for word in words if not word.startswith("-")]
    if name == "rm":
        return bool(plain) and all(word.startswith(_LISTS) for word in plain)
    if name == "set":
        return plain in ([], ["pipefail"])
    return name in ("apt-get", "apt", "apk", "dnf", "yum", "microdnf") and plain in _REFRESHING


# Two steps that changed places.


def swapped_but_allowed(pair: Pair, first: Step, second: Step) -> Use | None:
    """The rule under which `second` may now come before `first`, both steps of the old chain."""
    chain = pair.before
    late = chain.cooks(second) and not chain.cooks(first)
    if late and pair.permits("tools-later") and movable(first) and not copies_everything(first):
        return Use("tools-later", f"`{first.short}` runs after the cook")
    if from_context(first) and pair.permits("sources-later") and is_tool(second, ()):
        return Use("sources-later", f"the sources come after `{second.short}`")
    if pair.permits("united-packages") and _only_installs(chain, second)[1]:
        return Use("united-packages", f"`{second.short}` comes earlier")
    if pair.compiles and commute(pair, first, second):
        return Use("order", f"`{second.short}` and `{first.short}` do not touch each other")
    return None


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
    beside = _only_adds(pair, run) and copy.target.startswith("/")
    return beside and not _of_the_system(copy.target)


def _unseen(pair: Pair, names: Sequence[str], step: Step) -> bool:
    """Whether a step heeds none of the variables: what a program of a RUN reads is written
    nowhere, unless the RUN only installs."""
    if step.instruction.keyword == "RUN" and names and not _only_adds(pair, step):
        return False
    return not any(name in step.instruction.text for name in names)


def _only_adds(pair: Pair, step: Step) -> bool:
    """Whether a RUN only installs packages, or puts a tool beside the compiler."""
    return bool(_only_installs(pair.before, step)[1]) or is_tool(step, ())


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
    if _only_adds(pair, before):
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
