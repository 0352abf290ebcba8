"""What a person can do about a COPY of everything, by what the stage runs on it.

Knows a few build tools and where they say what a package needs. Edits nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from xml.etree import ElementTree

from dockerfix.api import (
    Command,
    Facts,
    Instruction,
    Judge,
    Run,
    SnapshotError,
    StageGraph,
    inner_path,
    parse_shell,
    rules_of,
)

_SHOWN = 6

_PLAIN = "copy the folders that the build reads by their names"


def instead_of_everything(facts: Facts, graph: StageGraph, item: Instruction, context: str) -> str:
    """What to copy instead of the whole context, as far as the tools tell."""
    stage = next((s for s in graph.stages if item in s.instructions), None)
    runs = [run for run in (stage.instructions if stage else ()) if isinstance(run, Run)]
    commands = [command for run in runs for command in _commands(run)]
    words = [[word.value or "" for word in command.words] for command in commands]
    if any("prune" in said and any("turbo" in word for word in said) for said in words):
        return "run `turbo prune` before the build, and build with its `out/` as the context"
    named = {posixpath.basename(word) for said in words for word in said if _is_project(word)}
    beside = any(said[:1] == ["dotnet"] for said in words) and not named
    folder = posixpath.dirname(graph.tree.path) if beside else context
    projects = _projects(facts, folder, named, context) if named or beside else []
    if projects:
        more = f" and {len(projects) - _SHOWN} more" if len(projects) > _SHOWN else ""
        listed = ", ".join(projects[:_SHOWN])
        return f"copy the folders of its projects by their names: {listed}{more}"
    go = any(said[:2] == ["go", "build"] for said in words)
    history = go and _sends_history(facts, graph.tree.path, context)
    if history and any("git " in run.line for run in runs):
        return (
            "pass what git prints as a build argument, and leave `.git` out in the ignore file: "
            "with it Go writes into the program whether a file is missing"
        )
    if history:
        return (
            "leave `.git` out in the ignore file first: with it Go writes into the program whether "
            "a file is missing"
        )
    if go:
        return f"{_PLAIN}; `go list -deps` names them"
    return _PLAIN


def _sends_history(facts: Facts, dockerfile: str, context: str) -> bool:
    """Whether the repository's history is sent with the context."""
    there = facts.snapshot.is_folder(posixpath.join(context, ".git"))
    return there and not Judge(rules_of(facts, context, dockerfile)).judge_path(".git").matched


def _commands(run: Run) -> Iterator[Command]:
    if run.script is not None:
        yield from parse_shell(run.script).commands()


def _is_project(path: str) -> bool:
    return path.endswith((".csproj", ".fsproj", ".vbproj"))


def _projects(facts: Facts, folder: str, named: set[str], context: str) -> list[str]:
    """The folders of the .NET projects of these names below a folder (without names: of all in
    it) and of all that they reference, relative to the context."""
    waiting = [
        path
        for path in facts.snapshot.below(folder)
        if posixpath.basename(path) in named
        or (not named and _is_project(path) and posixpath.dirname(path) == folder)
    ]
    found: dict[str, None] = {}
    while waiting:
        path = waiting.pop(0)
        if path not in found and path in facts.snapshot:
            found[path] = None
            waiting += _references(facts, path)
    return sorted({inner_path(posixpath.dirname(path), context) or "." for path in found})


def _references(facts: Facts, path: str) -> Iterator[str]:
    """The projects that a project file references, relative to the root."""
    try:
        root = ElementTree.fromstring(facts.snapshot.read(path))
    except (SnapshotError, ElementTree.ParseError):
        return
    for node in root.iter():
        include = node.get("Include", "")
        if node.tag.rpartition("}")[2] == "ProjectReference" and "$" not in include:
            text = include.replace("\\", "/")
            yield posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
