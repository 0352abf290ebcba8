"""A Dockerfile as a build sees it that gives a value to one of its build arguments.

Every `ARG NAME` gets the value as its default, and a RUN's `$NAME` and `${NAME}` become the value
where that ARG is in scope, as the shell expands them ("Dockerfile reference", ARG; POSIX,
"Quoting"). What a variable of ENV hides, and what is written in another form, stays. Knows one
Dockerfile; compares nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.syntax.dockerfile import (
    Arg,
    Copy,
    Dockerfile,
    Env,
    Instruction,
    Label,
    Run,
    parse_source,
)
from dockerfix.text import Edit, EditSet, Source, Span

Given = tuple[tuple[str, str], ...]
"""Build arguments with their values."""


class GivenFacts(Facts):
    """The facts of a snapshot in which one Dockerfile is read with values for its arguments."""

    def __init__(self, of: Facts, path: str, given: Given) -> None:
        super().__init__(of.snapshot)
        self.__dict__["builds"] = of.builds
        self._of = of
        self._path = path
        self._graph = StageGraph(given_values(of.dockerfile(path), given))

    def dockerfile(self, path: str) -> Dockerfile:
        """The tree of a Dockerfile."""
        return self._graph.tree if path == self._path else self._of.dockerfile(path)

    def stages(self, path: str) -> StageGraph:
        """The stage graph of a Dockerfile."""
        return self._graph if path == self._path else self._of.stages(path)


def values_given(graph: StageGraph, build: Build, name: str) -> tuple[str, ...]:
    """What a build may give to an argument: what it passes, else the file's one default. What
    reading cannot tell stays as `${NAME}`; an argument without a default is empty."""
    for argument in build.arguments:
        if argument.name == name:
            return argument.value.possible if argument.value is not None else (f"${{{name}}}",)
    items = (*graph.tree.preamble, *(item for stage in graph.stages for item in stage.instructions))
    defaults = {
        default
        for item in items
        if isinstance(item, Arg)
        for entry, default in item.entries
        if entry == name and default is not None
    }
    return (defaults.pop() if defaults else "",) if len(defaults) < 2 else (f"${{{name}}}",)


def chosen_by(graph: StageGraph) -> frozenset[str]:
    """The build arguments that choose what an image takes out of another stage: those in the
    paths of COPY."""
    declared = {
        name
        for stage in graph.stages
        for item in stage.instructions
        if isinstance(item, Arg)
        for name, _ in item.entries
    }
    words = (
        word
        for stage in graph.stages
        for item in stage.instructions
        if isinstance(item, Copy) and item.from_ is not None
        for word in item.sources
    )
    return frozenset(name for word in words for name in word.variables if name in declared)


def with_given(given: Given) -> str:
    """` with NAME=value`, to stand behind a sentence; empty for none."""
    return "".join(f" with {name}={value}" for name, value in given)


def given_facts(facts: Facts, path: str, given: Given) -> Facts:
    """The facts with a Dockerfile as a build with these arguments sees it."""
    return GivenFacts(facts, path, given) if given and path in facts.snapshot else facts


def given_values(tree: Dockerfile, given: Given) -> Dockerfile:
    """The Dockerfile with these values."""
    for name, value in given:
        edits = EditSet.of(_edits(StageGraph(tree), name, value))
        tree = parse_source(Source(tree.source.path, edits.apply(tree.source.data)))
    return tree


def _edits(graph: StageGraph, name: str, value: str) -> Iterator[Edit]:
    for item in graph.tree.preamble:
        if isinstance(item, Arg):
            yield from _default(item, name, value)
    ends: dict[int, bool] = {}
    for stage in graph.stages:
        base = graph.base(stage)
        visible = base is not None and ends.get(base.index, False)
        for item in stage.instructions:
            if isinstance(item, Arg) and name in dict(item.entries):
                visible = True
                yield from _default(item, name, value)
            elif isinstance(item, Env) and not isinstance(item, Label):
                visible = visible and name not in dict(item.pairs)
            elif isinstance(item, Run) and visible and not item.heredocs and item.json is None:
                yield from _expanded(item, name, value)
        ends[stage.index] = visible


def _default(item: Arg, name: str, value: str) -> Iterator[Edit]:
    """`NAME` or `NAME=default` of an ARG with the value."""
    for word in item.words:
        if word.raw.partition("=")[0] == name:
            yield Edit(word.span, f"{name}={value}".encode())


def _expanded(item: Instruction, name: str, value: str) -> Iterator[Edit]:
    """The places of a RUN at which the shell puts the value."""
    data, at, end = item.source.data, item.code.start, item.code.end
    reference = re.compile(rb"\$(?:\{%b\}|%b(?!\w))" % (name.encode(), name.encode()))
    single = double = False
    while at < end:
        if data[at - 1 : at] == b"\n":
            line = data[at:end].partition(b"\n")[0]
            if line.lstrip().startswith(b"#"):
                at += len(line) + 1
                continue
        sign = data[at : at + 1]
        found = reference.match(data, at, end) if sign == b"$" and not single else None
        if found is not None:
            yield Edit(Span(found.start(), found.end()), value.encode())
            at = found.end()
            continue
        if sign == b"\\" and not single:
            at += 1
        elif sign == b"'" and not double:
            single = not single
        elif sign == b'"' and not single:
            double = not double
        at += 1
