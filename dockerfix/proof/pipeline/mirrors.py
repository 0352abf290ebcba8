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
from dockerfix.text import MappedText, Span

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
            if fault := _file_fault(written, old, pushed):
                return fault
            files.add(written.path)
        elif not waiting:
            return f"`{item.splitlines()[0]}` is no builder that gets a file written above it"
        elif fault := _item_fault(waiting.pop(0), item, files, old, pushed):
            return fault
    return f"`{waiting[0]}` is gone" if waiting else ""


def _file_fault(written: _Written, old: Sequence[str], pushed: Collection[str]) -> str:
    """What is wrong with a file that is written for builders."""
    if any(written.path in other for other in old):
        return f"the script has a {written.path} of its own"
    return _settings_fault(written.body, pushed)


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


def _item_fault(
    old: str, new: str, files: Collection[str], olds: Sequence[str], pushed: Collection[str]
) -> str:
    """What else differs between an item before and after than a file that its builders get, which
    an item above writes, or the item itself above the builder; empty for nothing."""
    data = new.encode("utf-8", "surrogateescape")
    script = parse_shell(MappedText.whole(data))
    known = dict.fromkeys(files, 0)
    cuts: list[Span] = []
    for command in script.statements:
        block = _block(data, command.span.start) if isinstance(command, Command) else None
        written = (
            _written(data[block.start : block.end].decode("utf-8", "replace")) if block else None
        )
        if block is not None and written is not None and written.path not in known:
            if fault := _file_fault(written, olds, pushed):
                return fault
            known[written.path] = block.start
            cuts.append(block)
    named = [
        Span(words[at - 1].span.end, words[at + 1].span.end)
        for words in (command.words for command in script.every_command())
        for at in range(len(_CREATE), len(words) - 1)
        if [word.value for word in words[: len(_CREATE)]] == _CREATE
        and words[at].value in _OPTIONS
        and known.get(words[at + 1].value or "", len(data)) <= words[at].span.start
    ]
    before = old.encode("utf-8", "surrogateescape")
    above = [_with_comment(data, cut) for cut in cuts]
    if named and before in (_without(data, [*cuts, *named]), _without(data, [*above, *named])):
        return ""
    return f"`{new.splitlines()[0]}` is no builder that gets a file written above it"


def _block(data: bytes, start: int) -> Span | None:
    """The lines of a command from an offset to the end of the text that it is given."""
    if start and data[start - 1 : start] != b"\n":
        return None
    end = data.find(b"\nEOF\n", start)
    return Span(start, end + len(b"\nEOF\n")) if end >= 0 else None


def _with_comment(data: bytes, cut: Span) -> Span:
    """Lines with the comment line above."""
    start = data.rfind(b"\n", 0, max(cut.start - 1, 0)) + 1
    return Span(start, cut.end) if data[start : start + 1] == b"#" else cut


def _without(data: bytes, cuts: Sequence[Span]) -> bytes:
    """The bytes that are left; one part may hold no other."""
    found, at = b"", 0
    for cut in sorted(cuts, key=lambda span: span.start):
        found, at = found + data[at : cut.start], max(at, cut.end)
    return found + data[at:]
