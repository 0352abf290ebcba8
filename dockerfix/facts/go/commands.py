"""Go commands as written in shell words: what `go build` makes, from which packages, how.

The flags are those of `go help build`. A flag that is not known here, or that makes go run or
write something else, makes the call opaque. Knows words; knows no Dockerfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.syntax.shell import Command, ShellWord

_VALUED = frozenset(
    {
        "C", "o", "p", "tags", "ldflags", "gcflags", "asmflags", "mod", "installsuffix", "pgo",
        "covermode", "coverpkg", "gccgoflags", "buildmode", "buildvcs",
    }
)  # fmt: skip
_BARE = frozenset(
    {"a", "v", "x", "trimpath", "race", "msan", "asan", "cover", "linkshared", "modcacherw"}
)
_SWITCHES = frozenset({"buildvcs"})
"""Flags that take a value only behind `=`."""
_PROGRAMS = frozenset({"", "default", "exe", "pie"})
"""Values of `-buildmode` that make one file, the program."""
_VERSION = re.compile(r"v[2-9]|v[1-9]\d+")


class GoCall(Struct, frozen=True):
    """A `go build` or `go install`.

    `flags` are names without their dashes, each with its value as written, those that name the
    output or the folder left out. `packages` are as written, none for the folder in which go
    runs. `output` is the value of `-o`, `folder` that of `-C`. `opaque` names the first word
    whose meaning is not known here.
    """

    command: Command
    verb: str
    flags: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()
    output: str = ""
    folder: str = ""
    opaque: str = ""

    def value(self, name: str) -> str:
        """The value of a flag as written; the last one counts."""
        return next((value for key, value in reversed(self.flags) if key == name), "")

    @property
    def program(self) -> str:
        """The name that go gives a program without `-o`: the last part of its package's path,
        a major version left out (`go help build`); empty for what only the module knows."""
        if len(self.packages) != 1:
            return ""
        path = posixpath.normpath(self.packages[0])
        if path.endswith(".go"):
            return posixpath.basename(path).removesuffix(".go")
        parts = [part for part in path.split("/") if part not in (".", "..")]
        while len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
            parts.pop()
        named = bool(parts) and "..." not in path
        return parts[-1] if named else ""


def read_go(command: Command) -> GoCall | None:
    """The `go build` or `go install` that a simple command is; None when it is none."""
    words = list(command.words)
    if len(words) < 2 or posixpath.basename(words[0].value or "") != "go":
        return None
    leading, words = _folder(words[1:])
    verb = words[0].value if words else None
    if verb not in ("build", "install"):
        return None
    flags, packages, opaque = _flags(words[1:])
    given = dict(flags)
    if given.get("buildmode", "") not in _PROGRAMS:
        opaque = opaque or f"-buildmode={given['buildmode']}"
    return GoCall(
        command,
        verb,
        tuple((name, value) for name, value in flags if name not in ("o", "C")),
        tuple(packages),
        given.get("o", ""),
        given.get("C", leading),
        opaque,
    )


def _folder(words: list[ShellWord]) -> tuple[str, list[ShellWord]]:
    """The value of a `-C` before the verb, and the rest."""
    first = said(words[0])
    if first == "-C" and len(words) > 1:
        return said(words[1]), words[2:]
    return (first[3:], words[1:]) if first.startswith("-C=") else ("", words)


def _flags(words: list[ShellWord]) -> tuple[list[tuple[str, str]], list[str], str]:
    """The flags, the packages, and the first word that says something unknown."""
    flags: list[tuple[str, str]] = []
    packages: list[str] = []
    opaque = ""
    rest = iter(words)
    for word in rest:
        text = said(word)
        if not text.startswith("-"):
            # An unquoted variable may be several words, flags among them.
            hidden = word.value is None and text.startswith("$") and not word.quoted
            opaque = opaque or (text if hidden else "")
            packages.append(text)
            continue
        name, equals, value = text.lstrip("-").partition("=")
        if name in _VALUED and not equals and name not in _SWITCHES:
            value = said(next(rest, None))
        if name not in _VALUED | _BARE or packages:
            opaque = opaque or text
        flags.append((name, value))
    return flags, packages, opaque


def said(word: ShellWord | None) -> str:
    """A word without its quotes, variables as they are written."""
    if word is None:
        return ""
    if word.value is not None:
        return word.value
    written = word.written
    whole = len(written) > 1 and written[0] == written[-1] and written[0] in "\"'"
    return written[1:-1] if whole and word.quoted else written


_READING = frozenset({"env", "version", "list", "help"})
_FETCHING = frozenset({"download", "verify"})


def only_reads_go(command: Command) -> bool:
    """Whether a `go` command changes no file but go's caches."""
    verbs = [word.value or "" for word in command.words[1:]]
    if command.name != "go" or not verbs:
        return False
    if verbs[0] == "mod":
        return len(verbs) > 1 and verbs[1] in _FETCHING
    return verbs[0] in _READING and not {"-w", "-u", "-mod=mod"} & set(verbs)


def fetches_modules(commands: Iterator[Command]) -> bool:
    """Whether one of the commands brings the modules of the build: `go mod download` or
    `go mod vendor`, or a build, which fetches what is missing."""
    for command in commands:
        words = [word.value or "" for word in command.words[:3]]
        if words[:1] == ["go"] and words[1:3] in (["mod", "download"], ["mod", "vendor"]):
            return True
        if read_go(command) is not None:
            return True
    return False
