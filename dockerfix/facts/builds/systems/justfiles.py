"""Recipes of justfiles as shell texts.

Follows the just manual: a recipe's lines run in the folder of the justfile, each in a shell of
its own, or together as a script behind a `#!`. `{{name}}` is a variable, a parameter or an
expression; only literals and parameters are known. Knows justfiles; follows no shell.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.shell.words import OPAQUE, Bound, Scope
from dockerfix.text import MappedText, Piece, Source, Span, join_path

_HEADER = re.compile(r"@?([A-Za-z_][\w-]*+)((?:[ \t]+[^:=\n]*+)?(?:=[^:\n]*+)?)[ \t]*:(?!=)")
_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][\w-]*+)[ \t]*:=[ \t]*(.*)")
_LITERAL = re.compile(r"""(?:'([^']*)'|"([^"\\{]*)")\s*(?:#.*)?""")
_DEFAULT = re.compile(r"""[+*$]?([A-Za-z_][\w-]*)(?:=(?:'([^']*)'|"([^"\\{]*)"))?""")
_HOLE = re.compile(r"\{\{(?!\{)(.*?)\}\}")
_NAME = re.compile(r"\s*([A-Za-z_][\w-]*)\s*")


_IMPORT = re.compile(r"import\??[ \t]+(?:'([^'\n]+)'|\"([^\"\\\n]+)\")")


def imported(source: Source) -> Iterator[str]:
    """The justfiles that one imports, as paths from the root; their recipes run in its folder."""
    for start in source.line_starts:
        line = source.text(source.line_of(start)) if start < len(source.data) else ""
        match = _IMPORT.match(line)
        path = join_path(posixpath.dirname(source.path), match[1] or match[2]) if match else None
        if path is not None:
            yield path


class Recipe(Struct, frozen=True):
    """A recipe's name, its commands, and what its variables hold."""

    name: str
    texts: tuple[MappedText, ...]
    scope: Scope


def recipes(source: Source) -> Iterator[Recipe]:
    """Every recipe of a justfile, in order."""
    lines = [source.line_of(start) for start in source.line_starts if start < len(source.data)]
    scope = _assigned(source, lines)
    name, inner, body = "", scope, list[Span]()
    for line in lines:
        text = source.text(line)
        if text[:1] in (" ", "\t") or not text.strip():
            body += [line] if text.strip() else []
            continue
        if name and body:
            yield Recipe(name, tuple(_texts(source, body)), inner)
        header = _HEADER.match(text)
        name, body = (header[1] if header else ""), []
        inner = _with_parameters(scope, header[2]) if header else scope
    if name and body:
        yield Recipe(name, tuple(_texts(source, body)), inner)


def _assigned(source: Source, lines: list[Span]) -> Scope:
    """Variables that are assigned a literal; a default that a caller may replace counts."""
    scope = Scope()
    for line in lines:
        match = _ASSIGNMENT.match(source.text(line).rstrip())
        literal = _LITERAL.fullmatch(match[2]) if match else None
        if match and literal:
            text = literal[1] if literal[1] is not None else literal[2]
            scope = scope.bind(_variable(match[1]), Bound(text))
    return scope


def _with_parameters(scope: Scope, declared: str) -> Scope:
    """Parameters hide variables; one with a default holds it unless it is given."""
    for match in _DEFAULT.finditer(declared):
        name = _variable(match[1])
        default = match[2] if match[2] is not None else match[3]
        text = "${" + name + (f":-{default}" if default is not None else "") + "}"
        scope = scope.bind(name, Bound(text))
    return scope


def _texts(source: Source, body: list[Span]) -> Iterator[MappedText]:
    """A script as a whole; else each line, continued ones together, without `@` and `-`."""
    if source.text(body[0]).lstrip().startswith("#!"):
        yield _with_variables(source, body)
        return
    lines: list[Span] = []
    for line in body:
        lines.append(line)
        if not source.text(line).rstrip("\r\n").endswith("\\"):
            yield _with_variables(source, lines)
            lines = []
    if lines:
        yield _with_variables(source, lines)


def _with_variables(source: Source, lines: list[Span]) -> MappedText:
    """Lines without indentation and signs, with just's variables as a shell's."""
    pieces: list[Piece] = []
    for number, line in enumerate(lines):
        bare = source.slice(line).lstrip(b" \t" if number else b" \t@-")
        span = Span(line.end - len(bare), line.end)
        pieces.append(Piece(source.text(span), span))
    mapped = MappedText(pieces)
    found: list[Piece] = []
    at = 0
    for match in _HOLE.finditer(mapped.text):
        name = _NAME.fullmatch(match[1])
        variable = "${" + (_variable(name[1]) if name else OPAQUE) + "}"
        found += mapped.slice(at, match.start()).pieces
        found.append(Piece(variable, mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*found, *mapped.slice(at, len(mapped.text)).pieces]) if at else mapped


def _variable(name: str) -> str:
    return name.replace("-", "_")
