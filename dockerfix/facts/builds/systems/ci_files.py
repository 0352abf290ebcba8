"""Files of CI systems and task runners in YAML, as shell texts.

One table says for each system which keys hold commands and how it writes a variable; the values
are those that the same file gives. Follows the reference pages of CircleCI, Azure Pipelines,
Woodpecker, Drone, Bitbucket, Buildkite, CodeBuild, Travis and Task. Knows where commands stand;
follows none.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.builds.systems.parameters import Circle, Row, azure_values
from dockerfix.facts.shell.words import MAX_CHOICES, Bound, Scope
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlFile
from dockerfix.text import MappedText, Piece


class Dialect(Struct, frozen=True):
    """How one system writes commands: the keys that hold them, its variables (group 1 is the
    name), and the folder in which they run (None: the root; "": the file's own)."""

    keys: frozenset[str]
    hole: str = ""
    beside: bool = False


class CommandText(Struct, frozen=True):
    """The commands of one key, for one choice of the file's values."""

    name: str
    text: MappedText
    scope: Scope
    folder: str | None


_NAMED = ("name", "label", "displayName", "job")
"""Keys that name what stands beside them."""
_LISTS = frozenset({"steps", "jobs", "stages"})
"""Keys that name nothing of what they hold."""
_PARAMETER = r"\$\{\{\s*(?:variables\.|(?=parameters\.))([\w.-]+)\s*\}\}"
_CIRCLE = Dialect(
    frozenset({"run", "command"}), r"<<\s*(?:parameters\.|(?=pipeline\.))([\w.-]+)\s*>>"
)
_AZURE = Dialect(
    frozenset({"script", "bash"}), _PARAMETER + r"|\$\(([A-Z][a-z]+\.[\w.]+|[a-z]\w*[A-Z_]\w*)\)"
)
_COMMANDS = Dialect(frozenset({"command", "commands"}))
_SCRIPT = Dialect(
    frozenset(
        {"script", "before_script", "after_script", "install", "before_install", "deploy",
         "after_success", "before_deploy", "build_script"}
    )
)  # fmt: skip
_TASK = Dialect(frozenset({"cmds", "cmd"}), r"\{\{\s*\.([A-Za-z_]\w*)\s*\}\}", beside=True)


def dialect(path: str) -> Dialect | None:
    """The system whose file this is, by its path; None for no such file."""
    folder, _, name = path.rpartition("/")
    if not name.endswith((".yml", ".yaml")):
        return None
    stem = name.rpartition(".")[0].lower()
    folders = folder.split("/")
    if ".circleci" in folders:
        return _CIRCLE
    if stem.startswith("azure-pipeline") or {".azure", ".azure-pipelines", ".pipelines"} & {
        *folders
    }:
        return _AZURE
    if (
        stem in (".drone", ".woodpecker", "buildspec")
        or ".woodpecker" in folders
        or ".buildkite" in folders
    ):
        return _COMMANDS
    if stem in ("bitbucket-pipelines", ".travis", "appveyor", ".appveyor"):
        return _SCRIPT
    return _TASK if stem.startswith("taskfile") else None


def commands(file: YamlFile, kind: Dialect) -> Iterator[CommandText]:
    """Every command of a file, once for each value of the one variable that it holds."""
    if file.root is None:
        return
    if kind is _CIRCLE:
        yield from _circle_commands(file.root)
        return
    values = azure_values(file.root) if kind is _AZURE else _values(file.root)
    folder = posixpath.dirname(file.source.path) if kind.beside else ""
    for name, scalar, where in command_scalars(file.root, "", None, kind.keys):
        text, names = _with_variables(scalar.mapped, kind.hole)
        for row in _rows(names, values):
            place = posixpath.join(folder, where) if where is not None else folder
            where_run = posixpath.normpath(place) if place else ""
            yield CommandText(name, text, _scope(row), where_run)


def _circle_commands(root: YamlMapping) -> Iterator[CommandText]:
    """The commands of CircleCI, each once for each choice of the parameters that it reads."""
    circle = Circle.of(root)
    for owner, part, node in circle.parts():
        for name, scalar, where in command_scalars(node, part, None, _CIRCLE.keys):
            text, names = _with_variables(scalar.mapped, _CIRCLE.hole)
            rows = [tuple((name, row.get(name)) for name in names) for row in circle.rows(owner)]
            for row in dict.fromkeys(rows):
                place = posixpath.normpath(where) if where else ""
                yield CommandText(name, text, _scope(dict(row)), place)


def command_scalars(
    node: Node, name: str, folder: str | None, keys: Container[str]
) -> Iterator[tuple[str, Scalar, str | None]]:
    """The scalars that hold commands, with the name of what holds them and their folder."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from command_scalars(item, name, folder, keys)
    if not isinstance(node, YamlMapping):
        return
    where = _folder(node) or folder
    own = next((found for key in _NAMED if (found := node.get(key)) is not None), None)
    name = own.text if isinstance(own, Scalar) else name
    for entry in node.entries:
        key, value = entry.key.text, entry.value
        if entry.aliased:
            continue
        if key in keys and isinstance(value, Scalar):
            yield name, value, where
        elif key in keys and isinstance(value, Sequence):
            for item in value.items:
                if isinstance(item, Scalar):
                    yield name, item, where
                else:
                    yield from command_scalars(item, name, where, keys)
        else:
            inner = name if key in _LISTS else key
            yield from command_scalars(value, inner, where, keys)


def _folder(node: YamlMapping) -> str | None:
    for key in ("working_directory", "workingDirectory", "dir"):
        found = node.get(key)
        if isinstance(found, Scalar) and found.text and not found.text.startswith(("~", "/")):
            return found.text
    return None


def _values(root: YamlMapping) -> dict[str, tuple[str, ...]]:
    """What the file gives to each name, wherever: scalars, lists of them, and defaults."""
    found: dict[str, dict[str, None]] = {}
    queue: list[Node] = [root]
    while queue:
        node = queue.pop()
        if isinstance(node, Sequence):
            queue += node.items
        for name, value in node.resolved.items() if isinstance(node, YamlMapping) else ():
            queue.append(value)
            default = value.get("default") if isinstance(value, YamlMapping) else None
            given = default if default is not None else value
            items = given.items if isinstance(given, Sequence) else (given,)
            texts = [item.text for item in items if isinstance(item, Scalar)]
            found.setdefault(name, {}).update(dict.fromkeys(texts))
    return {name: tuple(texts) for name, texts in found.items()}


def _with_variables(mapped: MappedText, hole: str) -> tuple[MappedText, tuple[str, ...]]:
    """The text with the system's variables as a shell's, and their names."""
    if not hole:
        return mapped, ()
    pieces: list[Piece] = []
    names: dict[str, None] = {}
    at = 0
    for match in re.finditer(hole, mapped.text):
        name = next(group for group in match.groups() if group)
        names[name] = None
        pieces += mapped.slice(at, match.start()).pieces
        variable = "${" + re.sub(r"\W", "_", name) + "}"
        pieces.append(Piece(variable, mapped.span(*match.span()), literal=False))
        at = match.end()
    if not names:
        return mapped, ()
    return MappedText([*pieces, *mapped.slice(at, len(mapped.text)).pieces]), tuple(names)


def _rows(names: Iterable[str], values: Mapping[str, tuple[str, ...]]) -> Iterator[Row]:
    """One row for each value of a single variable. Which values of several go together is
    not known: then only those count that have one."""
    known = {name: values[name] for name in names if values.get(name)}
    several = [name for name, texts in known.items() if len(texts) > 1]
    if len(several) > 1:
        known = {name: texts for name, texts in known.items() if name not in several}
    for row in itertools.islice(itertools.product(*known.values()), MAX_CHOICES):
        yield dict(zip(known, row, strict=True))


def _scope(row: Row) -> Scope:
    """Variables with the values of a row; one that holds a variable of the system is unknown."""
    scope = Scope()
    for name, text in row.items():
        variable = re.sub(r"\W", "_", name)
        own = "${" + variable + ":-"
        if text is not None and not re.search(r"[<{$]", text.removeprefix(own)):
            scope = scope.bind(variable, Bound(text))
    return scope
