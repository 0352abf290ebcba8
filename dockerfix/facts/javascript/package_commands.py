"""Commands of npm, pnpm, yarn, bun and turbo that install a workspace or build members of it.

Follows `npm help run-script` and `workspaces`, https://pnpm.io/filtering,
https://yarnpkg.com/cli/workspace, https://bun.sh/docs/cli/filter and
https://turborepo.com/docs/reference/run. Knows words; knows no file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

_MANAGERS = frozenset({"npm", "pnpm", "yarn", "bun"})
_RUNNERS = frozenset({"npx", "pnpx", "bunx", *_MANAGERS})
_INSTALLS = frozenset({"install", "i", "ci", "fetch", "clean-install"})
_UPKEEP = frozenset({"prune", "cache", "config", "set", "store", "rebuild", "dedupe"})
"""Verbs that change what is installed, or settings, and read no package's sources."""
_NAMING = {
    "npm": ("-w", "--workspace"), "pnpm": ("-F", "--filter"), "bun": ("-F", "--filter"),
    "turbo": ("-F", "--filter"),
}  # fmt: skip
"""Flags that name the packages in which a script runs."""
_VALUED = frozenset({"--concurrency", "--cache-dir", "--loglevel", "--network-timeout"})
_PATTERN = frozenset("[]{}*")
"""Signs of a filter that is no name: changed packages, folders, wildcards."""
_ELSEWHERE = ("-r", "--recursive", "--workspaces", "-ws", "-C", "--dir", "--cwd", "--prefix")
"""Flags by which a command runs in all packages, or in another folder."""


class Ran(Struct, frozen=True):
    """What a command runs: whether it installs, in which packages it runs something (their names
    or folders; with `!` in front, in all but those), and which script of the current folder it
    runs with which words behind."""

    installs: bool = False
    names: tuple[str, ...] = ()
    script: str = ""
    rest: tuple[str, ...] = ()


def package_command(words: Sequence[str | None]) -> Ran | None:
    """What a command of a package manager or of turbo runs; None for another command, and for
    one that cannot be known to leave any package alone."""
    said = [word for word in words if word is not None]
    if len(said) != len(words) or not said:
        return None
    tool = posixpath.basename(said[0])
    if _is_turbo(said):
        return _turbo(_behind_runner(said))
    if tool == "yarn" and said[1:2] == ["workspace"] and len(said) > 3:
        return Ran(names=(said[2],))
    return _managed(tool, said[1:]) if tool in _MANAGERS else None


def _behind_runner(said: Sequence[str]) -> list[str]:
    """The words from the program on that `npx`, `pnpm exec` and their like run."""
    rest = list(said)
    while rest and (posixpath.basename(rest[0]) in _RUNNERS or rest[0] in ("exec", "dlx", "x")):
        rest.pop(0)
        while rest and rest[0].startswith("-"):
            rest.pop(0)
    return rest


def _is_turbo(said: Sequence[str]) -> bool:
    rest = _behind_runner(said)
    return bool(rest) and rest[0].partition("@")[0] == "turbo"


def _turbo(said: Sequence[str]) -> Ran | None:
    """`turbo run TASK --filter=NAME`; without a filter all packages build."""
    rest, names = _named("turbo", said[1:])
    words = [word for word in rest or () if not word.startswith("-")]
    known = rest is not None and bool(words) and words[0] not in ("prune", "watch", "dev")
    return Ran(names=tuple(names)) if known and names else None


def _managed(tool: str, said: Sequence[str]) -> Ran | None:
    """The words behind a package manager's name."""
    rest, names = _named(tool, said)
    if rest is None:
        return None
    words = [word for word in rest if not word.startswith("-")]
    if not words or words[0] in _INSTALLS:
        return Ran(installs=True) if words or tool == "yarn" else None
    if words[0] in _UPKEEP:
        return Ran()
    if names:
        return Ran(names=tuple(names))
    if words[0] in ("run", "run-script"):
        words = words[1:]
    if not words or words[0] in ("exec", "dlx", "workspaces", "deploy", "pack", "publish"):
        return None
    return Ran(script=words[0], rest=tuple(rest[rest.index(words[0]) + 1 :]))


def _named(tool: str, said: Sequence[str]) -> tuple[list[str] | None, list[str]]:
    """The words without the flags that name packages, and those names; None for the words where
    a name is a pattern, or a flag leads elsewhere."""
    rest: list[str] = []
    names: list[str] = []
    waiting = list(said)
    while waiting:
        word = waiting.pop(0)
        flag, equals, value = word.partition("=")
        if flag in _ELSEWHERE:
            return None, []
        if flag in _NAMING.get(tool, ()):
            name = value if equals else (waiting.pop(0) if waiting else "")
            name = name.removesuffix("...").removesuffix("^")
            if (
                not name.lstrip("!")
                or name.startswith((".", "!."))
                or not _PATTERN.isdisjoint(name)
            ):
                return None, []
            names.append(name)
        elif flag in _VALUED and not equals and waiting:
            waiting.pop(0)
        else:
            rest.append(word)
    return rest, names
