"""Whether a script differs only in that its builders pull through mirrors.

A builder may get a file, written by the same script above it, that names mirrors of other
registries and nothing else; BuildKit only ever pulls from a mirror, and goes on to the registry
itself. A registry to which the pipeline pushes keeps its pulls, and is no mirror. Follows
"buildkitd.toml" of BuildKit and `docker buildx create`. Knows two texts; asks no transform.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.syntax.shell import Command, parse_shell
from dockerfix.text import MappedText

_CREATE = ["docker", "buildx", "create"]
_OPTIONS = ("--buildkitd-config", "--config")
"""Both name the file; the first one exists since buildx 0.13."""
_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")


class _Written(Struct, frozen=True):
    """A file that a script writes."""

    path: str
    body: str


def mirror_fault(old: Sequence[str], new: Sequence[str], pushed: Collection[str]) -> str:
    """What else than mirrors differs between the items of two scripts; empty for nothing.

    `pushed` are the registries to which the pipeline pushes.
    """
    files: set[str] = set()
    waiting = list(old)
    for item in new:
        if waiting and item == waiting[0]:
            waiting.pop(0)
            continue
        written = _written(item)
        if written is not None:
            fault = _settings_fault(written.body, pushed)
            if fault:
                return fault
            if any(written.path in other for other in old):
                return f"the script has a {written.path} of its own"
            files.add(written.path)
        elif not waiting or not _follows(waiting.pop(0), item, files):
            return f"`{item.splitlines()[0]}` is no builder that gets a file written above it"
    return f"`{waiting[0]}` is gone" if waiting else ""


def _written(item: str) -> _Written | None:
    """The file below `/tmp` that an item writes, when it does nothing else."""
    lines = item.rstrip("\n").split("\n")
    head = lines[0].split(" ")
    if len(head) != 3 or head[0] != "tee" or head[2] != "<<'EOF'":
        return None
    path, body = head[1], lines[1:-1]
    plain = path.startswith("/tmp/") and ".." not in path and _PATH.issuperset(path)
    if not plain or lines[-1] != "EOF" or "EOF" in body:
        return None
    return _Written(path, "\n".join(body))


def _settings_fault(body: str, pushed: Collection[str]) -> str:
    """What a builder's settings say beside mirrors, or say of a registry that is pushed to."""
    try:
        settings = tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        return f"the builder's file is no TOML: {error}"
    tables = settings.get("registry")
    if settings.keys() != {"registry"} or not isinstance(tables, dict):
        return "the builder's file sets more than registries"
    mirrored = {name: _mirrors(table) for name, table in tables.items()}
    hosts = {address.partition("/")[0] for found in mirrored.values() for address in found}
    for name, found in mirrored.items():
        if not found and not (name in hosts and tables[name] == {"http": True}):
            return f"the builder's file sets more than mirrors for {name}"
        if found and name in pushed:
            return f"the pipeline pushes to {name}"
    clash = sorted(hosts & {*pushed, *(name for name, found in mirrored.items() if found)})
    return f"{clash[0]} is no mirror" if clash else ""


def _mirrors(table: Any) -> list[str]:
    """The mirrors of a table that has nothing else."""
    if not isinstance(table, Mapping) or table.keys() != {"mirrors"}:
        return []
    found = table["mirrors"]
    known = isinstance(found, list) and all(isinstance(item, str) for item in found)
    return found if known else []


def _follows(old: str, new: str, files: Collection[str]) -> bool:
    """Whether an item differs in nothing but a file that its builders get."""
    found = [[word.value for word in command.words] for command in _commands(new)]
    text, given = new, 0
    for words in found:
        for at, word in enumerate(words[:-1]):
            if word in _OPTIONS and words[:3] == _CREATE and words[at + 1] in files:
                text = text.replace(f" {word} {words[at + 1]}", "", 1)
                given += 1
    return given > 0 and text == old


def _commands(item: str) -> list[Command]:
    script = parse_shell(MappedText.whole(item.encode("utf-8", "surrogateescape")))
    return list(script.every_command())
