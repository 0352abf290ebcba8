"""What files compile with, in what they differ, and whose values a person lets the others take.

Knows components of the compiler's input; knows nothing of the order of steps.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from dockerfix.api import Finding, Severity, is_accepted
from dockerfix_transforms.merge_rust.read.compiler import Component, components
from dockerfix_transforms.merge_rust.read.input_file import InputFile

IN_PATHS = frozenset({"profile", "target", "selection", "installation"})
"""Components that decide where cargo leaves a program, so that an image would have to copy it
from elsewhere: they cannot be accepted."""
FEATURES = frozenset({"features", "all-features", "no-default-features"})
"""Components that each call of a sequence of builds keeps for itself."""
_BRACED = re.compile(r"\$\{(\w+)\}")
"""A variable in braces, which is the same without them."""
_MOVING = ("stable", "beta", "nightly", "latest")


class Settings(Struct, frozen=True):
    """The compiler's input of each file, and what the person accepted (`NAME` or `NAME@path`)."""

    by_path: dict[str, dict[str, Component]]
    accept: Collection[str]

    @classmethod
    def of(cls, files: Sequence[InputFile], accept: Collection[str]) -> Settings:
        """The settings of these files."""
        return cls({file.path: components(file) for file in files}, accept)

    @property
    def accepted(self) -> frozenset[str]:
        """The components that may change in some file."""
        return frozenset(item.partition("@")[0] for item in self.accept) - IN_PATHS

    def component(self, file: InputFile, name: str) -> Component | None:
        """One component of a file; None where nothing sets it."""
        return self.by_path[file.path].get(name)

    def value(self, file: InputFile, name: str) -> str:
        """What the component of a file is, for a person."""
        found = self.component(file, name)
        return found.value if found is not None else "nothing"

    def different(self, one: InputFile, other: InputFile) -> set[str]:
        """The names of components in which two files differ."""
        names = {*self.by_path[one.path], *self.by_path[other.path]}
        return {name for name in names if self._text(one, name) != self._text(other, name)}

    def _text(self, file: InputFile, name: str) -> str:
        found = self.component(file, name)
        return _BRACED.sub(r"$\1", found.value) if found is not None else ""

    def leaders(self, files: Sequence[InputFile]) -> frozenset[str]:
        """The files whose values the others may take: whatever differs in another one for which
        it can be accepted at all was accepted for that file."""
        named = {item.partition("@")[0] for item in self.accept}
        return frozenset(
            leader.path
            for leader in files
            if all(
                is_accepted(name, file.path, self.accept)
                for file in files
                for name in self.different(leader, file) & named
            )
        )

    def leader_first(self, files: Sequence[InputFile]) -> list[InputFile]:
        """The order of the inputs, but with the majority's toolchain first when values differ:
        the merged file takes the value that changes the compiler of the fewest binaries, the
        pinned one in a tie; always one of `leaders`."""
        leaders = self.leaders(files)
        weights: dict[str, int] = {}
        for file in files:
            if file.path in leaders:
                value = self._signature(file)
                weights[value] = weights.get(value, 0) + len(file.shipped)
        best = max(weights, key=lambda v: (weights[v], _pinned(v), -list(weights).index(v)))
        return sorted(files, key=lambda file: self._signature(file) != best)

    def _signature(self, file: InputFile) -> str:
        """The values that one call must agree on."""
        setting = self.by_path[file.path]
        return "|".join(
            f"{name}={setting[name].value}" for name in sorted(setting.keys() - FEATURES)
        )

    def changes(self, files: Sequence[InputFile]) -> Iterator[Finding]:
        """What the person accepted, for each file behind the first one that takes its values."""
        leader = files[0]
        for file in files[1:]:
            for name in sorted(self.different(leader, file) & self.accepted):
                component = self.component(file, name)
                step = component.step if component is not None else None
                span = step.item.code if step is not None else file.chain[0].from_.code
                yield Finding.at(
                    file.graph.tree.source.place(span),
                    severity=Severity.ASSUME,
                    name=name,
                    what=f"{', '.join(file.shipped)}: {name} changes from "
                    f"{self.value(file, name)} to {self.value(leader, name)}",
                    why="the binary is compiled with another input than before",
                    do="run the tests of this binary before merging",
                    subject=file.binary,
                )


def _pinned(value: str) -> tuple[bool, int]:
    """How firmly a value says a version: none that moves in it, and many digits."""
    return not any(word in value for word in _MOVING), sum(char.isdigit() for char in value)
