"""Reading a touched file again: what each file's own grammar says about it.

One reader a kind of file, each giving messages and places, so that the gate can ask whether a
file got worse. Files without a grammar here (documents, ignore files) are free text. Knows
grammars; knows nothing of proposals.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from msgspec import Struct

from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.syntax.dockerfile import Comment, Dockerfile, Instruction, parse_source, render
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.syntax.toml import parse_toml
from dockerfix.text import MappedText, Snapshot, Source, Span


class Fault(Struct, frozen=True):
    """Something that a grammar cannot read: `where` is `path:line:column`, `message` is the
    same wherever it stands, so that two readings can be compared."""

    where: str
    message: str

    def __str__(self) -> str:
        """`path:line:column: message`."""
        return f"{self.where}: {self.message}"


def faults(snapshot: Snapshot, path: str, *, dockerfile: bool = False) -> list[Fault]:
    """What is wrong with a file for its own grammar; empty for free text.

    `dockerfile` says that the file is one whatever its name. Parses that the facts made of
    this snapshot serve here too. Raises `SnapshotError`.
    """
    reader = _dockerfile if dockerfile else _reader(path)
    return list(reader(snapshot, path)) if reader is not None else []


def comments(tree: Dockerfile) -> Iterator[tuple[int, str]]:
    """Every comment of a Dockerfile, inside continuations too: its line, from 1, and text.

    Lines of nothing but `#` are drawing, not comments.
    """
    for item in tree.items:
        found: tuple[Comment, ...] = ()
        if isinstance(item, Instruction):
            found = item.inner_comments
        elif isinstance(item, Comment):
            found = (item,)
        for comment in found:
            if comment.text.strip("# \t"):
                yield tree.source.position(comment.span.start).line, comment.text


Reader = Callable[[Snapshot, str], Iterator[Fault]]


def _reader(path: str) -> Reader | None:
    if is_dockerfile(path):
        return _dockerfile
    name = posixpath.basename(path)
    if name in ("Makefile", "makefile", "GNUmakefile"):
        return _make
    return _BY_SUFFIX.get(posixpath.splitext(name)[1])


def _at(source: Source, span: Span, message: str) -> Fault:
    return Fault(str(source.place(span)), message)


def _dockerfile(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    tree = snapshot.derive(path, parse_source)
    if render(tree) != snapshot.read(path):
        yield _at(tree.source, Span(0, 0), "the Dockerfile tree does not give back these bytes")
    for problem in rejections(tree):
        yield _at(tree.source, problem.span, problem.message)


def _yaml(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    from dockerfix.syntax.yaml.tree import YamlError, parse_yaml

    try:
        file = snapshot.derive(path, parse_yaml)
    except YamlError as error:
        yield Fault(f"{error.path}:{error.line}:{error.column}", error.what)
        return
    for document in file.documents:
        yield from _repeated_keys(file.source, document)


def _repeated_keys(source: Source, document: object) -> Iterator[Fault]:
    """Keys that stand twice in one mapping: YAML composes them and drops the first."""
    from dockerfix.syntax.yaml.tree import Mapping, Node, Sequence

    queue: list[object] = [document]
    visited: set[int] = set()
    while queue:
        node = queue.pop()
        if id(node) in visited:
            continue  # an alias
        visited.add(id(node))
        children: tuple[Node, ...] = ()
        if isinstance(node, Mapping):
            keys: set[str] = set()
            for entry in node.entries:
                key = entry.key.text
                if key in keys and key != "<<":
                    yield _at(source, entry.key.span, f"the key {key} appears twice in one mapping")
                keys.add(key)
            children = tuple(entry.value for entry in node.entries)
        elif isinstance(node, Sequence):
            children = node.items
        queue += children


def _hcl(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    from dockerfix.facts.bake import parse_bake

    for place in snapshot.derive(path, parse_bake).broken:
        yield Fault(str(place), "the HCL grammar cannot read this")


def _json(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    import json

    try:
        json.loads(snapshot.read(path).decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        yield Fault(f"{path}:{error.lineno}:{error.colno}", error.msg)
    except (UnicodeDecodeError, RecursionError) as error:
        yield Fault(f"{path}:1:1", type(error).__name__)


def _toml(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    try:
        parse_toml(snapshot.read(path).decode())
    except UnicodeDecodeError:
        yield Fault(f"{path}:1:1", "not UTF-8")
    except ValueError:
        # Its message holds the place, so that two readings would never be the same.
        yield Fault(f"{path}:1:1", "no valid TOML")


def _shell(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    from dockerfix.syntax.shell import parse_shell

    source = snapshot.source(path)
    for span in parse_shell(MappedText.whole(source.data)).broken:
        yield _at(source, span, "the shell grammar cannot read this")


def _make(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    from dockerfix.syntax.make import parse_make

    source = snapshot.source(path)
    for span in parse_make(MappedText.whole(source.data)).broken:
        yield _at(source, span, "make cannot read this")


def _python(snapshot: Snapshot, path: str) -> Iterator[Fault]:
    import ast

    try:
        ast.parse(snapshot.read(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        yield Fault(f"{path}:{line}:1", getattr(error, "msg", str(error)))


_BY_SUFFIX: dict[str, Reader] = {
    ".yml": _yaml,
    ".yaml": _yaml,
    ".hcl": _hcl,
    ".json": _json,
    ".toml": _toml,
    ".sh": _shell,
    ".bash": _shell,
    ".mk": _make,
    ".py": _python,
}
