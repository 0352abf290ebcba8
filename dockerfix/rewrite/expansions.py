"""Expansions as they stand in a file: `$NAME` of a shell, `$$NAME` or `$*` of a Makefile,
`${{ matrix.x }}` of a workflow.

A shell's text in such a file is not what the shell gets: what is written back must be in the
words of the file. Knows values and their way back to the bytes; knows no command.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from dockerfix.facts.model import Build, Value
from dockerfix.text import MappedText, Piece, Source


def as_written(value: Value, source: Source) -> str:
    """The word as it stands in its file, without the quotes that the shell takes off."""
    inner = value.inside
    if value.mapped is None or value.place is None or value.place.path != source.path:
        return inner
    at = value.written.find(inner) if inner else 0
    pieces = value.mapped.slice(at, at + len(inner)).pieces
    return "".join(_raw(piece, source) for piece in pieces)


def expansions(build: Build, source: Source) -> dict[str, str]:
    """What stands in the command's words for several builds, as it must be written, with what
    it holds for this one."""
    found: dict[str, str] = {}
    for value in (build.dockerfile_written, build.target, build.context_written, *build.tags):
        if value is None:
            continue
        for piece in value.mapped.pieces if value.mapped is not None else ():
            raw = _raw(piece, source)
            if raw.startswith("$") and raw != piece.text and "$" not in piece.text:
                found.setdefault(raw, piece.text)
        for name in value.written_variables:
            found.setdefault(_reference(value, name, source), build.variables.get(name, ""))
    return found


def leading(written: str, path: str, variables: Mapping[str, str]) -> tuple[str, str] | None:
    """The expansion that a path begins with, as written, and the folder that it stands for.

    `written` is `$DIR/rest` or the like, `path` what it leads to from the root, `variables` what
    the variables in `rest` hold. None where `rest` is not the end of `path`.
    """
    quote = '"' if written.startswith('"') else ""
    end = _end_of_expansion(written[len(quote) :])
    if end is None or not written.startswith(f"{quote}/", end := end + len(quote)):
        return None
    end += len(quote)
    rest = written[end + 1 :]
    for name, held in variables.items():
        rest = rest.replace("${" + name + "}", held)
    if "$" in rest or "`" in rest:
        return None
    rest = posixpath.normpath(rest)
    if path == rest:
        return written[:end], ""
    return (written[:end], path[: -len(rest) - 1]) if path.endswith(f"/{rest}") else None


def _end_of_expansion(text: str) -> int | None:
    """Where `$NAME`, `${...}` or `$(...)` at the beginning of a text ends."""
    opening = text[1:2]
    if opening not in ("{", "("):
        end = next((n for n, c in enumerate(text[1:], 1) if not (c.isalnum() or c == "_")), None)
        return end if end != 1 else None
    depth = 0
    for at, char in enumerate(text):
        depth += (char == opening) - (char == "}" if opening == "{" else char == ")")
        if at > 1 and not depth:
            return at + 1
    return None


def of_the_shell(text: str) -> bool:
    """Whether an expansion in the words of its file is one that the shell makes, so that it
    wants quotes."""
    return text.startswith(("${", "$$")) and not text.startswith("${{")


def _reference(value: Value, name: str, source: Source) -> str:
    """How the variable is written where the value stands."""
    plain = "${" + name + "}"
    forms = ("${" + name, f"${name}")
    sign = next((at for form in forms if (at := value.written.find(form)) >= 0), None)
    if sign is None or value.mapped is None:
        return plain
    piece = _piece_at(value.mapped, sign)
    if piece is None or piece.literal:
        return plain
    raw = _raw(piece, source)
    return f"{raw}{{{name}}}" if piece.text == "$" else raw


def _piece_at(mapped: MappedText, offset: int) -> Piece | None:
    """The whole run of the text that holds a character."""
    end = 0
    for piece in mapped.pieces:
        end += len(piece.text)
        if offset < end:
            return piece
    return None


def _raw(piece: Piece, source: Source) -> str:
    return piece.text if piece.literal else source.text(piece.span)
