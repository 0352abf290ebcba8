"""What the instructions of a chain do, as far as rules about them ask.

A RUN is read once: its plain commands, its cargo calls, what it installs. Knows cargo and
package managers by their commands; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from weakref import WeakKeyDictionary

from msgspec import Struct

from dockerfix.facts.cargo import CargoCall, read_cargo
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.proof.steps.chain import Chain, Step, flatten
from dockerfix.proof.steps.commands import Plain, plain_commands, script_of, without_layout
from dockerfix.proof.steps.installs import Install, read_install
from dockerfix.syntax.dockerfile import Arg, Copy, Env, Label, Run, Stage
from dockerfix.syntax.shell import Assignment, Command, walk


class ReadCommand(Struct, frozen=True):
    """A plain command with what it is: a cargo call, an installation, or neither."""

    plain: Plain
    cargo: CargoCall | None
    install: Install | None
    inner: tuple[CargoCall, ...] = ()
    """The cargo calls of a branch, a loop or a pipeline."""
    skeleton: str = ""
    """The text of such a statement without its cargo calls."""

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


_COMMANDS: WeakKeyDictionary[Run, tuple[ReadCommand, ...] | None] = WeakKeyDictionary()
_CARGO: WeakKeyDictionary[Run, tuple[CargoCall, ...]] = WeakKeyDictionary()
"""Readings of RUNs; the chains of one Dockerfile share most of them."""


def read_commands(run: Run) -> tuple[ReadCommand, ...] | None:
    """The plain commands of a RUN; None for what is no plain sequence."""
    if run not in _COMMANDS:
        plain = plain_commands(run)
        _COMMANDS[run] = None if plain is None else tuple(_read(run, item) for item in plain)
    return _COMMANDS[run]


def cargo_calls(run: Run) -> tuple[CargoCall, ...]:
    """The cargo calls of a RUN in whatever they stand."""
    if "cargo" not in run.line and not run.heredocs:
        return ()
    if run not in _CARGO:
        script = script_of(run)
        calls = (read_cargo(command) for command in script.commands()) if script else ()
        _CARGO[run] = tuple(call for call in calls if call is not None)
    return _CARGO[run]


class ReadChain:
    """A chain with what its RUNs do, read when it is asked for."""

    def __init__(self, graph: StageGraph, stage: Stage) -> None:
        self.graph = graph
        self.stage = stage
        self.chain: Chain = flatten(graph, stage)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps from the base image up."""
        return self.chain.steps

    def commands(self, step: Step) -> tuple[ReadCommand, ...] | None:
        """The plain commands of a RUN; None for what is no plain sequence."""
        item = step.instruction
        return read_commands(item) if isinstance(item, Run) else None

    def cargo(self, step: Step) -> tuple[CargoCall, ...]:
        """The cargo calls of a RUN in whatever they stand."""
        item = step.instruction
        return cargo_calls(item) if isinstance(item, Run) else ()

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


def _read(run: Run, plain: Plain) -> ReadCommand:
    item = plain.command
    if isinstance(item, Assignment):
        return ReadCommand(plain, None, None)
    if isinstance(item, Command):
        return ReadCommand(plain, read_cargo(item), read_install(item))
    calls = tuple(c for c in map(read_cargo, walk((item,))) if c is not None)
    spans = [call.command.span for call in calls]
    return ReadCommand(plain, None, None, calls, without_layout(run, item.span, spans))


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


def taken_from_stages(graph: StageGraph) -> tuple[str, ...]:
    """The paths that COPY takes from stages or images, and the folders that mounts take."""
    items = [item for stage in graph.stages for item in stage.instructions]
    copies = [item for item in items if isinstance(item, Copy) and item.from_ is not None]
    mounts = [m for item in items if isinstance(item, Run) for m in item.mounts]
    return (
        *(word.value for item in copies for word in item.sources),
        *(m.option("source", "src") or "/" for m in mounts if m.option("from")),
    )


def build_calls(graph: StageGraph) -> tuple[CargoCall, ...]:
    """All `cargo build` calls of a Dockerfile."""
    runs = (item for stage in graph.stages for item in stage.instructions)
    return tuple(
        call
        for item in runs
        if isinstance(item, Run)
        for call in cargo_calls(item)
        if call.verb == "build"
    )
