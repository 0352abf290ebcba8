"""What a RUN only installs, and a union of such lists."""

from __future__ import annotations

from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.installs import Install
from dockerfix.proof.steps.reading import (
    ReadChain,
    ReadCommand,
)
from dockerfix.proof.steps.tools import (
    is_tool,
)

_Kind = tuple[object, ...]


def only_installs(chain: ReadChain, step: Step) -> tuple[_Kind, frozenset[str]]:
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


def united_packages(pair: Pair, old: Install, new: Install) -> tuple[Use, ...] | None:
    """A list of packages that gained some, by the same manager with the same options."""
    same = old.manager == new.manager and old.options == new.options
    if not pair.permits("united-packages") or not same or not new.packages >= old.packages:
        return None
    return (Use("united-packages", f"installs {listed(new.packages - old.packages)} too"),)


def listed(packages: frozenset[str]) -> str:
    """Packages for a person."""
    return ", ".join(sorted(packages)) or "the same packages"


def only_adds(pair: Pair, step: Step) -> bool:
    """Whether a RUN only installs packages, or puts a tool beside the compiler."""
    return bool(only_installs(pair.before, step)[1]) or is_tool(step, ())
