"""What the instructions of a chain do, as far as rules about them ask.

A RUN is read once: its plain commands, its cargo calls, what it installs. Knows cargo and
package managers by their commands; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dockerfix.facts.cargo import CargoCall, read_cargo
from dockerfix.facts.shell import Assignment, Command
from dockerfix.facts.stages import StageGraph
from dockerfix.proof.chain import Chain, Step, flatten
from dockerfix.proof.commands import Plain, plain_commands, script_of
from dockerfix.proof.installs import Install, read_install
from dockerfix.syntax import Arg, Copy, Env, Label, Run, Stage
from dockerfix.text.value import value


@value
class ReadCommand:
    """A plain command with what it is: a cargo call, an installation, or neither."""

    plain: Plain
    cargo: CargoCall | None
    install: Install | None

    @property
    def text(self) -> str:
        """Its words with one blank between them."""
        return self.plain.text

    @property
    def environment(self) -> tuple[str, ...]:
        """The assignments in front of it, as written."""
        item = self.plain.command
        if not isinstance(item, Command):
            return ()
        return tuple(f"{a.name}={a.value.written if a.value else ''}" for a in item.assignments)


class ReadChain:
    """A chain with the readings of its RUNs, each made on first use."""

    def __init__(self, graph: StageGraph, stage: Stage) -> None:
        self.graph = graph
        self.stage = stage
        self.chain: Chain = flatten(graph, stage)
        self._commands: dict[int, tuple[ReadCommand, ...] | None] = {}
        self._cargo: dict[int, tuple[CargoCall, ...]] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps from the base image up."""
        return self.chain.steps

    def commands(self, step: Step) -> tuple[ReadCommand, ...] | None:
        """The plain commands of a RUN; None for what is no plain sequence."""
        key = id(step)
        if key not in self._commands:
            item = step.instruction
            plain = plain_commands(item) if isinstance(item, Run) else None
            self._commands[key] = None if plain is None else tuple(_read(p) for p in plain)
        return self._commands[key]

    def cargo(self, step: Step) -> tuple[CargoCall, ...]:
        """The cargo calls of a RUN in whatever they stand."""
        key = id(step)
        if key not in self._cargo:
            item = step.instruction
            script = script_of(item) if isinstance(item, Run) and _names_cargo(step) else None
            calls = (read_cargo(command) for command in script.commands()) if script else ()
            self._cargo[key] = tuple(call for call in calls if call is not None)
        return self._cargo[key]

    def cooks(self, step: Step) -> bool:
        """Whether the step cooks dependencies, or brings the recipe for it."""
        if any(call.verb == "chef cook" for call in self.cargo(step)):
            return True
        return any(
            isinstance(stage, Stage) and ReadChain(self.graph, stage).prepares
            for stage in step.references
        )

    @cached_property
    def prepares(self) -> bool:
        """Whether the chain writes a recipe."""
        return any(call.verb == "chef prepare" for s in self.steps for call in self.cargo(s))

    @cached_property
    def compiles(self) -> bool:
        """Whether cargo runs anywhere in the chain: only such a chain is a build chain."""
        return any(self.cargo(step) for step in self.steps)

    @cached_property
    def installed(self) -> frozenset[str]:
        """All packages that plain commands of the chain install, as written."""
        return frozenset(package for install in self.installs() for package in install.packages)

    def installs(self) -> Iterator[Install]:
        """The installing commands of the chain in order."""
        for step in self.steps:
            for command in self.commands(step) or ():
                if command.install is not None:
                    yield command.install

    @cached_property
    def variables(self) -> frozenset[str]:
        """Names that ENV and ARG of the chain set."""
        return frozenset(name for step in self.steps for name in set_by(step))


def _names_cargo(step: Step) -> bool:
    return "cargo" in step.instruction.text


def _read(plain: Plain) -> ReadCommand:
    item = plain.command
    if isinstance(item, Assignment):
        return ReadCommand(plain, None, None)
    return ReadCommand(plain, read_cargo(item), read_install(item))


def set_by(step: Step) -> tuple[str, ...]:
    """The variables that an ENV or ARG sets, in order."""
    item = step.instruction
    if isinstance(item, Arg):
        return tuple(name for name, _ in item.entries)
    if isinstance(item, Env) and not isinstance(item, Label):
        return tuple(name for name, _ in item.pairs)
    return ()


def from_context(step: Step) -> bool:
    """Whether the step copies from the build context."""
    item = step.instruction
    return isinstance(item, Copy) and item.from_ is None and not item.heredocs


def build_calls(graph: StageGraph) -> tuple[CargoCall, ...]:
    """All `cargo build` calls of a Dockerfile."""
    found: list[CargoCall] = []
    for stage in graph.stages:
        for item in stage.instructions:
            script = script_of(item) if isinstance(item, Run) else None
            for command in script.commands() if script is not None else ():
                call = read_cargo(command)
                if call is not None and call.verb == "build":
                    found.append(call)
    return tuple(found)
