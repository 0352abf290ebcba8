"""What a `dotnet` command builds: the projects that it names, or those of its folder.

Knows verbs and flags; which files a project reads stands in `facts.dotnet`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.facts.context.reads.context_reads import ContextReads, UnknownReadError
from dockerfix.facts.context.steps import absolute
from dockerfix.facts.dotnet import PROJECTS, SOLUTIONS
from dockerfix.syntax.shell import (
    ShellWord,
)

_BUILDS = frozenset({"restore", "build", "publish", "pack", "clean", "msbuild"})
"""Verbs of `dotnet` that take a project, or the one in the current folder. `test` is none: tests
open files."""


_SETTINGS = frozenset(
    {
        "-c", "--configuration", "-o", "--output", "-r", "--runtime", "-f", "--framework", "-a",
        "--arch", "--os", "-v", "--verbosity", "--version-suffix", "--self-contained",
    }
)  # fmt: skip
"""Flags of `dotnet` whose value is no file that is read."""


_OTHER_VERBS = frozenset({"tool", "workload", "nuget", "new", "--info", "--version"})


_DOCKER = ".dcproj"


_MANIFESTS = (".config/dotnet-tools.json", "dotnet-tools.json")


_FLAG = ("-", "/p:", "/property:")


def dotnet_builds(reads: ContextReads, place: str, words: Sequence[ShellWord], folder: str) -> None:
    """The projects that a `dotnet` command builds: those it names, or the folder's."""
    verb = words[0].value if words else None
    if verb in _OTHER_VERBS:
        reads.others(words[1:], folder, place)
        for name in _MANIFESTS if verb == "tool" else ():
            reads.mentioned(name, folder, place)
        return
    if verb not in _BUILDS:
        raise UnknownReadError
    named = False
    before = ""
    for word in words[1:]:
        if word.value is None:
            plain = word.written.strip("\"'")
            if before not in _SETTINGS and not (plain.startswith(_FLAG) and "/" not in plain[1:]):
                raise UnknownReadError
        else:
            named |= _argument(reads, place, word.value, folder)
        before = word.written.strip("\"'")
    if not named and not _folder_of_project(reads, place, folder):
        raise UnknownReadError


def _argument(reads: ContextReads, place: str, text: str, folder: str) -> bool:
    """A word, or the value of a property, that may name a project or another file. Tells
    whether it is what is built."""
    if text.startswith("@") or text.lower().endswith((".slnf", ".config")):
        raise UnknownReadError  # words, projects or sources of packages from a file
    if _is_other_project(text):
        raise UnknownReadError
    path = absolute(folder, text.rpartition("=")[2] or ".")
    inner = reads.inside(path, place)
    full = posixpath.join(reads.context, inner) if inner else ""
    snapshot = reads.facts.snapshot
    if full in snapshot and text.lower().endswith((*PROJECTS, *SOLUTIONS, ".props", ".targets")):
        reads.starts[full] = None
        return "=" not in text and text.lower().endswith((*PROJECTS, *SOLUTIONS))
    if text.startswith(("-", "/p")) and "=" in text and ".." in text:
        raise UnknownReadError  # relative to a project
    if full in snapshot or (text.startswith(_FLAG) and snapshot.is_folder(full or "?")):
        reads.found[inner or ""] = None
    elif not text.startswith("-") and "=" not in text:
        if _folder_of_project(reads, place, path):
            return True
        if full and snapshot.is_folder(full):
            reads.found[inner or ""] = None  # such as one with packages
    return False


def _folder_of_project(reads: ContextReads, place: str, path: str) -> bool:
    """A folder whose solution or project is built: whether it holds one."""
    inner = reads.inside(path, place)
    if inner is None and path != place:
        return False
    folder = posixpath.join(reads.context, inner or "").rstrip("/")
    found = [
        file
        for file in reads.facts.snapshot.below(folder)
        if posixpath.dirname(file) == folder and file.lower().endswith((*PROJECTS, *SOLUTIONS))
    ]
    others = reads.facts.snapshot.below(folder)
    if any(posixpath.dirname(file) == folder and _is_other_project(file) for file in others):
        raise UnknownReadError
    reads.starts.update(dict.fromkeys(found))
    return bool(found)


def _is_other_project(path: str) -> bool:
    """Whether MSBuild would build a file of a kind that is not followed."""
    kind = posixpath.splitext(path.lower())[1]
    return kind.endswith("proj") and kind not in (*PROJECTS, _DOCKER)
