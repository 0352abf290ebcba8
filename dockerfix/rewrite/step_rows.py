"""One more value in the rows of a GitHub job's matrix.

A row that is a mapping gains a key; rows of plain values gain an `include:` that names the value
and adds the key, which extends the rows that have it and makes no new one. Knows how matrices are
written; knows no step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dockerfix.facts.builds.github.matrix import Row, combinations
from dockerfix.rewrite.added_keys import AddedKeys, text_in
from dockerfix.rewrite.wanted import Refused
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlFile
from dockerfix.text import Place, Span

Key = tuple[str, str]
"""A scalar's tag and text."""


def holder(file: YamlFile, uses: Span) -> YamlMapping | None:
    """The job, or the `runs:` of an action, in which a `uses:` stands."""
    root = file.root
    jobs = root.get("jobs") if root is not None else None
    runs = root.get("runs") if root is not None else None
    bodies = [e.value for e in jobs.entries] if isinstance(jobs, YamlMapping) else [runs]
    found = (b for b in bodies if isinstance(b, YamlMapping) and b.span.contains(uses))
    return next(found, None)


def give_rows(
    job: YamlMapping, place: Place, texts: Mapping[int, str], key: str, added: AddedKeys
) -> str:
    """The expression for a value that the rows of these numbers have from now on. Raises
    `Refused`, at `place`, where the rows cannot be told apart."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, YamlMapping) else None
    if isinstance(matrix, YamlMapping) and job.span.contains(matrix.span):
        matrix_rows = _Rows(matrix, texts, key, added)
        for given in (matrix_rows.listed, matrix_rows.by_mapping, matrix_rows.by_value):
            found = given()
            if found:
                return found
    what = f"the rows of its matrix have no place for one more value, {key}"
    raise Refused(place, what, "write one step for each image")


class _Rows:
    """The rows of one matrix, and the text that each is to have; empty for none."""

    def __init__(
        self, matrix: YamlMapping, texts: Mapping[int, str], key: str, added: AddedKeys
    ) -> None:
        self.matrix = matrix
        self.texts = texts
        self.added = added
        name = key.replace("-", "_")
        self.names = (name, f"docker_{name}", f"build_{name}")
        self.rows = combinations(matrix)
        self.axes = {
            name: value
            for name, value in matrix.resolved.items()
            if name not in ("include", "exclude") and isinstance(value, Sequence)
        }

    def free(self, mappings: Iterable[Row]) -> str:
        """A name that none of the mappings has; empty for none."""
        taken = {name for mapping in mappings for name in mapping}
        return next((name for name in self.names if name not in taken), "")

    def give(self, item: YamlMapping, name: str, text: str) -> None:
        """One more key of a row, or of a part of it."""
        self.added.add(item, name, text_in(item, text))

    def listed(self) -> str:
        """A matrix that is a list of rows."""
        include, name = self.matrix.get("include"), self.free(self.rows)
        if self.axes or not isinstance(include, Sequence) or any(include.aliased):
            return ""
        items = [item for item in include.items if isinstance(item, YamlMapping)]
        if len(items) != len(self.rows) or not name:
            return ""
        for number, text in self.texts.items():
            if text:
                self.give(items[number], name, text)
        return f"matrix.{name}"

    def by_mapping(self) -> str:
        """A list of mappings, each of which gains the key."""
        for axis in self.axes:
            found = self._items(axis)
            name = self.free(item.resolved for item, _ in found)
            if found and name:
                for item, text in found:
                    if text:
                        self.give(item, name, text)
                return f"matrix.{axis}.{name}"
        return ""

    def _items(self, axis: str) -> list[tuple[YamlMapping, str]]:
        """The mappings of a list with their texts; none where a row has another one."""
        found: dict[int, tuple[YamlMapping, str]] = {}
        for number, text in self.texts.items():
            item = self.rows[number].get(axis)
            if isinstance(item, YamlMapping) and self.matrix.span.contains(item.span):
                if found.setdefault(id(item), (item, text))[1] != text:
                    return []
            elif text:
                return []
        return list(found.values())

    def by_value(self) -> str:
        """A list of plain values: what is included adds the key to the rows that have one."""
        name = self.free(self.rows)
        for axis, listed in self.axes.items():
            values = {_key(item): item for item in listed.items if isinstance(item, Scalar)}
            found = self._texts(axis, values)
            if name and found:
                for key, text in found.items():
                    self._include(axis, values[key], name, text)
                return f"matrix.{name}"
        return ""

    def _texts(self, axis: str, values: Mapping[Key, Scalar]) -> dict[Key, str]:
        """The text for each value of a list; none where one has several, or where a row that is to
        have one has no value of the list."""
        found: dict[Key, str] = {}
        for number, text in self.texts.items():
            key = _key(self.rows[number].get(axis))
            if (key not in values and text) or found.setdefault(key, text) != text:
                return {}
        return {key: text for key, text in found.items() if text}

    def _include(self, axis: str, value: Scalar, name: str, text: str) -> None:
        """One more key of what is included for a value, or of a new item for it."""
        include = self.matrix.get("include")
        items = include.items if isinstance(include, Sequence) else ()
        for item in (item for item in items if isinstance(item, YamlMapping)):
            alone = self.axes.keys() & item.resolved.keys() == {axis}
            if alone and _key(item.get(axis)) == _key(value):
                self.give(item, name, text)
                return
        self.added.include(self.matrix, axis, value, name, text_in(None, text))


def _key(node: Node | None) -> Key:
    """A scalar as GitHub compares it; empty for what is none."""
    return (node.tag, node.text) if isinstance(node, Scalar) else ("", "")
