"""Commands of package managers: which packages a command installs, and with which options.

Follows the manual pages of apk, apt-get, dnf, microdnf, yum, zypper and pacman. Knows command
lines; knows nothing of what a package holds.
"""

from __future__ import annotations

import posixpath

from msgspec import Struct

from dockerfix.syntax.shell import Command

_VERBS = {
    "apk": ("add",),
    "apt": ("install",),
    "apt-get": ("install",),
    "dnf": ("install",),
    "microdnf": ("install",),
    "yum": ("install",),
    "zypper": ("install", "in"),
}
_VALUED = {
    "apk": {
        "-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch", "--keys-dir",
        "--repositories-file", "--cache-dir", "--wait",
    },
    "apt": {"-o", "--option", "-t", "--target-release", "-c", "--config-file", "-a"},
    "dnf": {"-c", "--config", "--enablerepo", "--disablerepo", "--installroot", "-x"},
    "zypper": {"-r", "--repo", "--from"},
}  # fmt: skip
_FAMILY = {"apt-get": "apt", "microdnf": "dnf", "yum": "dnf"}


class Install(Struct, frozen=True):
    """One installing command: the manager, its options, and the packages as written, with
    their versions."""

    manager: str
    options: frozenset[str]
    packages: frozenset[str]


def read_install(command: Command) -> Install | None:
    """The packages that a command installs; None when it is no such command, or when a word
    of it hides what is installed (a list in a variable, a file)."""
    words = [word.value if word.value is not None else word.written for word in command.words]
    while words and words[0] in ("sudo", "env", "eatmydata"):
        words = words[1:]
    manager = posixpath.basename(words[0]) if words else ""
    if manager == "pacman":
        return _pacman(words[1:])
    if manager not in _VERBS:
        return None
    family = _FAMILY.get(manager, manager)
    options, positional = _sorted(words[1:], _VALUED.get(family, set()))
    if not positional or positional[0] not in _VERBS[manager]:
        return None
    return _checked(Install(family, frozenset(options), frozenset(positional[1:])))


def _pacman(words: list[str]) -> Install | None:
    options, positional = _sorted(words, set())
    if not any(option.startswith("-S") or option == "--sync" for option in options):
        return None
    return _checked(Install("pacman", frozenset(options), frozenset(positional)))


def _checked(install: Install) -> Install | None:
    hidden = any("$" in name or "`" in name or "*" in name for name in install.packages)
    return None if hidden or not install.packages else install


def _sorted(words: list[str], valued: set[str]) -> tuple[list[str], list[str]]:
    options: list[str] = []
    positional: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word in valued and at + 1 < len(words):
            options.append(f"{word} {words[at + 1]}")
            at += 1
        elif word.startswith("-"):
            options.append(word)
        else:
            positional.append(word)
        at += 1
    return options, positional


def name_of(package: str) -> str:
    """The package's name without its version: `musl-dev=1.2`, `gcc~14`, `pkg>1`."""
    for at, char in enumerate(package):
        if at and char in "=<>~@":
            return package[:at]
    return package
