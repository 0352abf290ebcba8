"""What the parameters and variables of CircleCI and Azure Pipelines hold.

Follows "Reusable configuration" of CircleCI's documentation: a command or job has the parameters
that it declares, with the values of each place that calls it, or their defaults; and "Runtime
parameters" and "Define variables" of Azure Pipelines'. A default that somebody outside of the file
may replace is written `${name:-default}`. Knows values; reads no commands.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from msgspec import Struct, field

from dockerfix.facts.shell.words import MAX_CHOICES
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, Sequence

Row = dict[str, str | None]
"""One choice of values, by the names that commands write; None is a value that is not known."""
Owner = tuple[str, str]
"""A command or job: the key that it stands under (`commands`, `jobs`), and its name."""

_HANDED = re.compile(r"<<\s*(?:parameters\.|(?=pipeline\.))([\w.-]+)\s*>>")
"""A parameter of whoever calls, handed on as the whole value."""


class _Call(Struct, frozen=True):
    """One place that calls a command or job, and who calls there (None: a workflow)."""

    given: Row
    caller: Owner | None


class Circle(Struct, frozen=True):
    """The parameters of one file of CircleCI."""

    root: Mapping
    pipeline: Row
    calls: dict[Owner, list[_Call]] = field(default_factory=dict)
    known: dict[Owner, tuple[Row, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Mapping) -> Circle:
        """The parameters of a file, the calls in it found."""
        given = _defaults(root.get("parameters"))
        names = {f"pipeline.parameters.{name}": text for name, text in given.items()}
        found = cls(root, {name: _unless(name, text) for name, text in names.items()})
        for owner, _, node in found.parts():
            for called, row in _calls(node, owner is None):
                found.calls.setdefault(called, []).append(_Call(row, owner))
        return found

    def parts(self) -> Iterator[tuple[Owner | None, str, Node]]:
        """The parts of the file: the command or job that each is, its name, and the part."""
        for entry in self.root.entries:
            key, whole = entry.key.text, entry.value
            if key in ("commands", "jobs") and isinstance(whole, Mapping):
                yield from (((key, e.key.text), e.key.text, e.value) for e in whole.entries)
            else:
                yield None, key, whole

    def rows(self, owner: Owner | None) -> tuple[Row, ...]:
        """The values of a command's or job's parameters, once for each way to call it."""
        if owner is None:
            return (self.pipeline,)
        if owner not in self.known:
            self.known[owner] = (self.pipeline,)  # for what calls itself
            rows = itertools.islice(self._rows_of(owner), MAX_CHOICES)
            self.known[owner] = tuple(rows)
        return self.known[owner]

    def _rows_of(self, owner: Owner) -> Iterator[Row]:
        shelf = self.root.get(owner[0])
        body = shelf.get(owner[1]) if isinstance(shelf, Mapping) else None
        declared = body.get("parameters") if isinstance(body, Mapping) else None
        own = {**self.pipeline, **_defaults(declared)}
        for call in self.calls.get(owner, [_Call({}, None)]):
            handed = any(text is not None and "<<" in text for text in call.given.values())
            for outer in self.rows(call.caller) if handed else (self.pipeline,):
                yield {**own, **{name: _from(text, outer) for name, text in call.given.items()}}


def _from(text: str | None, outer: Row) -> str | None:
    """An argument as the caller's own values make it."""
    handed = _HANDED.fullmatch(text) if text is not None else None
    return outer.get(handed[1]) if handed is not None else text


def _calls(node: Node, workflows: bool) -> Iterator[tuple[Owner, Row]]:
    """The commands that a part calls among its steps, and the jobs of a workflow."""
    queue: list[Node] = [node]
    while queue:
        item = queue.pop()
        if isinstance(item, Sequence):
            queue += item.items
        for entry in item.entries if isinstance(item, Mapping) else ():
            queue.append(entry.value)
            shelf = {"steps": "commands", "jobs": "jobs" if workflows else ""}.get(entry.key.text)
            if shelf and isinstance(entry.value, Sequence):
                for step in entry.value.items:
                    yield from _called(shelf, step)


def _called(shelf: str, step: Node) -> Iterator[tuple[Owner, Row]]:
    if isinstance(step, Scalar):
        yield (shelf, step.text), {}
    if not isinstance(step, Mapping) or len(step.entries) != 1:
        return
    name, given = step.entries[0].key.text, step.entries[0].value
    arguments = _texts(given)
    matrix = given.get("matrix") if isinstance(given, Mapping) else None
    axes = matrix.get("parameters") if isinstance(matrix, Mapping) else None
    for row in _products(axes):
        yield (shelf, name), {**arguments, **row}


def _products(axes: Node | None) -> Iterator[Row]:
    """The rows of a matrix; one empty row where there is none."""
    if not isinstance(axes, Mapping):
        yield {}
        return
    lists = [
        [(name, item.text if isinstance(item, Scalar) else None) for item in value.items]
        if isinstance(value, Sequence)
        else [(name, None)]
        for name, value in axes.resolved.items()
    ]
    yield from map(dict, itertools.islice(itertools.product(*lists), MAX_CHOICES))


def _texts(node: Node | None) -> Row:
    items = node.resolved.items() if isinstance(node, Mapping) else ()
    return {name: value.text for name, value in items if isinstance(value, Scalar)}


def _defaults(declared: Node | None) -> Row:
    """The defaults of parameters that a mapping declares; None for one without."""
    found: Row = {}
    for name, body in declared.resolved.items() if isinstance(declared, Mapping) else ():
        default = body.get("default") if isinstance(body, Mapping) else body
        found[name] = default.text if isinstance(default, Scalar) else None
    return found


def azure_values(root: Mapping) -> dict[str, tuple[str, ...]]:
    """The values of each name that a file of Azure Pipelines gives: variables, wherever they
    stand, rows of matrices, and the defaults of its own parameters, which a caller may replace."""
    found: dict[str, dict[str, None]] = {}
    for name, text in _azure_variables(root):
        found.setdefault(name, {})[text] = None
    declared = root.get("parameters")
    for name, default in _listed(declared, "default"):
        held = _unless(f"parameters.{name}", default)
        found[f"parameters.{name}"] = {held: None} if held is not None else {}
    return {name: tuple(texts) for name, texts in found.items()}


def _azure_variables(root: Mapping) -> Iterator[tuple[str, str]]:
    queue: list[Node] = [root]
    while queue:
        node = queue.pop()
        if isinstance(node, Sequence):
            queue += node.items
        for key, value in node.resolved.items() if isinstance(node, Mapping) else ():
            queue.append(value)
            rows = value.resolved.values() if isinstance(value, Mapping) else ()
            for given in {"variables": [value], "matrix": rows}.get(key, ()):
                yield from ((n, t) for n, t in _listed(given, "value") if t is not None)


def _listed(node: Node | None, key: str) -> Iterator[tuple[str, str | None]]:
    """What a mapping gives to names, or a list of mappings with a `name` and the key."""
    if isinstance(node, Mapping):
        yield from _defaults(node).items()
    for item in node.items if isinstance(node, Sequence) else ():
        texts = _texts(item)
        name = texts.get("name")
        if name is not None:
            yield name, texts.get(key)


def _unless(name: str, default: str | None) -> str | None:
    """A default that may be replaced: `${name:-default}`."""
    plain = default is not None and not re.search(r"[<{$}]", default)
    return "${" + re.sub(r"\W", "_", name) + ":-" + f"{default}" + "}" if plain else None
