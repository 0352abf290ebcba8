"""Paths that moved, followed through a pipeline: what its values say once every name is new.

A path is followed whole, and by its last parts where the old and the new one share the folders
above: a script names a file from where it runs. Knows text and globs; judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.proof.references.pipeline_names import change_globs
from dockerfix.text import Edit, EditSet, Snapshot

_INSIDE = r"[A-Za-z0-9_.@%+-]"
"""What a path goes on with: a name that stands within a longer one is another name."""


class Moved:
    """Old paths with the new ones."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.paths = {old: new for old, new in paths.items() if old != new}
        self.names: dict[str, str] = {}
        for old, new in self.paths.items():
            self.names.update(_from_below(old, new))
        words = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        self._words = re.compile(f"(?<!{_INSIDE})(?<!{_INSIDE}/)({words})(?!{_INSIDE}|/)")

    def text(self, text: str) -> str:
        """A text with the new names, a name that stands for several once."""
        if not self.names:
            return text
        seen: set[str] = set()
        found = self._words.sub(lambda match: self.names[match[1]], text)
        words: list[str] = []
        for word in re.split(r"(\s+)", found):
            name = word.rstrip(";,")
            again = name in seen and name in self.names.values()
            seen.add(name)
            if again and words:
                words.pop()  # the blanks before it
            words.append(word[len(name) :] if again else word)
        return " ".join("".join(words).split())

    def data(self, value: Any) -> Any:
        """Plain data with the new names, equal items of a list once."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.data(key): self.data(inner) for key, inner in value.items()}
        if isinstance(value, list):
            found: list[Any] = []
            for item in map(self.data, value):
                found += [item] if item not in found else []
            return found
        return value

    def pipeline(self, pipeline: Pipeline, snapshot: Snapshot) -> Pipeline:
        """A pipeline whose globs of changes name the new paths; itself when none is named."""
        edits: dict[str, list[Edit]] = {}
        for scalar in change_globs(pipeline):
            if scalar.text in self.paths:
                source = scalar.file.source
                old, new = scalar.text.encode(), self.paths[scalar.text].encode()
                written = source.data[scalar.span.start : scalar.span.end].replace(old, new)
                edits.setdefault(source.path, []).append(Edit(scalar.span, written))
        if not edits:
            return pipeline
        changes = {
            path: EditSet.of(found).apply(snapshot.read(path)) for path, found in edits.items()
        }
        return find_pipeline(snapshot.with_changes(changes), pipeline.path) or pipeline


def _from_below(old: str, new: str) -> Iterator[tuple[str, str]]:
    """The two paths as seen from the root and from each folder that both lie in."""
    yield old, new
    while old.partition("/")[0] == new.partition("/")[0] and "/" in old and "/" in new:
        old, new = old.partition("/")[2], new.partition("/")[2]
        yield old, new
