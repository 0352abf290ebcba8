"""One walk of a stage: every instruction with the folder and the variables that it sees.

Follows `FROM stage` down to the base image. A folder or a variable that the base image sets is
not known: the folder counts as `/`, and a variable stays in a path as it is written. Knows one
Dockerfile; judges nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.dockerfile.variables import ExpansionError, Variables
from dockerfix.syntax.dockerfile import Arg, Instruction, Stage

_LONGEST = 4096
"""Characters of the longest path that Linux takes."""


class At(Struct, frozen=True):
    """An instruction, the stage that it stands in, its working directory (absolute), and the
    variables that ENV and ARG have set before it.

    An ARG without a default is in `environment` with an empty value: who builds may set it.
    """

    item: Instruction
    stage: Stage
    folder: str
    environment: frozenset[tuple[str, str]]


def walk(graph: StageGraph, stage: Stage) -> Iterator[At]:
    """All instructions of a stage's chain, from the base image up."""
    folder = "/"
    variables = Variables(outer=graph.defaults, open=True)
    declared: dict[str, str] = {}
    for part in graph.chain(stage):
        for item in part.instructions:
            yield At(item, part, folder, frozenset({**declared, **variables.values}.items()))
            if item.keyword == "WORKDIR" and item.words:
                folder = _entered(folder, item, variables)
            if isinstance(item, Arg):
                declared |= {name: "" for name, _ in item.entries}
            variables = _after(variables, item)
        variables = variables.child()


def _entered(folder: str, item: Instruction, variables: Variables) -> str:
    """The folder after a WORKDIR."""
    try:
        text = variables.expand(item.words[0].raw, item.escape)
    except ExpansionError:
        text = item.words[0].value
    return posixpath.normpath(posixpath.join(folder, text))


def _after(variables: Variables, item: Instruction) -> Variables:
    """The variables after an instruction; BuildKit stops at one that it cannot expand, which
    the checks of the build say.

    A value that outgrows every path stays a variable: `ENV A=$A$A` doubles at each repetition.
    """
    try:
        found = variables.after(item)
    except ExpansionError:
        return variables
    long = {name: "${" + name + "}" for name, text in found.values.items() if len(text) > _LONGEST}
    if not long:
        return found
    environment = {name: long.get(name, text) for name, text in found.environment.items()}
    return replace(found, environment=environment, values={**found.values, **long})
