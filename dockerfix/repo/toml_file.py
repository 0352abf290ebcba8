"""A TOML file whose values can be found again. Knows TOML's lines, not what the keys mean.

`tomllib` gives no positions. They are needed only when something is wrong, so the file is
then gone through statement by statement: a statement is the shortest run of lines that
`tomllib` itself takes, and it says which keys the statement sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from dockerfix.repo.errors import SettingsError

_MAX_BYTES = 1 << 20


class TomlFile(Struct, frozen=True):
    """A parsed TOML file. `path` is how messages name it."""

    path: str
    text: str
    values: dict[str, Any]

    @classmethod
    def read(cls, file: Path, path: str) -> TomlFile | None:
        """The file; None when there is none. Raises `SettingsError`, with the position, for
        one that is not TOML, and for one that cannot be read."""
        try:
            with file.open("rb") as opened:
                data = opened.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(
                path, f"cannot be read: {error.strerror}", "make it a readable file"
            ) from None
        if len(data) > _MAX_BYTES:
            raise SettingsError(
                path, "is larger than 1 MB", "this is not a settings file; move it away"
            )
        return cls._parse(data, path)

    @classmethod
    def _parse(cls, data: bytes, path: str) -> TomlFile:
        import tomllib

        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            place = _place(path, data[: error.start].decode("utf-8"))
            raise SettingsError(place, "not UTF-8", "save the file as UTF-8") from None
        try:
            return cls(path, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            what = re.sub(r" \(at .*\)$", "", str(error))
            found = re.search(r"\(at line (\d+), column (\d+)\)$", str(error))
            place = f"{path}:{found[1]}:{found[2]}" if found else _place(path, text)
            raise SettingsError(place, f"not TOML: {what}", "correct the file") from None
        except RecursionError:
            raise SettingsError(path, "nested too deeply", "correct the file") from None

    def place(self, keys: Sequence[str]) -> str:
        """`path:line:column`, from 1, of the statement that sets the value at `keys`; of the
        nearest table or key that holds it when it is not set by a statement of its own."""
        best = (0, 1, 1)
        for found, line, column in _statements(self.text):
            depth = _common(found, keys)
            if depth > best[0]:
                best = (depth, line, column)
        return f"{self.path}:{best[1]}:{best[2]}"


def _statements(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Key paths with the line and column of the statement that sets them, in order."""
    import tomllib

    lines = [line + "\n" for line in text.split("\n")]  # TOML knows no other line ends
    table: tuple[str, ...] = ()
    at = 0
    while at < len(lines):
        end = at + 1
        while (parsed := _try(tomllib.loads, "".join(lines[at:end]))) is None and end < len(lines):
            end += 1
        stripped = lines[at].lstrip()
        column = len(lines[at]) - len(stripped) + 1
        for keys in _paths(parsed or {}):
            if stripped.startswith("["):
                table = keys
                yield keys, at + 1, column
            else:
                yield table + keys, at + 1, column
        at = end


def _try(loads: Any, text: str) -> dict[str, Any] | None:
    try:
        parsed: dict[str, Any] = loads(text)
    except ValueError:
        return None
    return parsed


def _paths(parsed: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Every path of keys down to a value that is no table (an empty table counts as one)."""
    for key, value in parsed.items():
        inner = value[0] if isinstance(value, list) and value == [{}] else value
        if isinstance(inner, dict) and inner:
            yield from ((key, *rest) for rest in _paths(inner))
        else:
            yield (key,)


def _common(found: Sequence[str], keys: Sequence[str]) -> int:
    depth = 0
    for left, right in zip(found, keys, strict=False):
        if left != right:
            break
        depth += 1
    return depth


def _place(path: str, before: str) -> str:
    line = before.count("\n") + 1
    return f"{path}:{line}:{len(before) - before.rfind(chr(10))}"
