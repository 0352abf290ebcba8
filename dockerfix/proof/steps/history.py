"""What happened in the chain of a stage, read instruction by instruction.

Knows the instructions of Dockerfiles; what commands do is the business of `shell_run`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from weakref import WeakKeyDictionary

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.proof.steps.chain import Step, flatten
from dockerfix.proof.steps.commands import script_of
from dockerfix.proof.steps.environment import expand_text
from dockerfix.proof.steps.events import Copied, Event, Frame, Mounted, Opaque
from dockerfix.proof.steps.shell_run import ShellRun, ShellState, absolute
from dockerfix.syntax.dockerfile import Arg, Copy, Env, Label, Run, Stage


class History(Struct, frozen=True):
    """The events of a stage's chain in order, and its variables and folder at the end."""

    events: tuple[Event, ...]
    variables: Mapping[str, str]
    folder: str


_HISTORIES: WeakKeyDictionary[StageGraph, dict[int, History]] = WeakKeyDictionary()


def history_of(graph: StageGraph, stage: Stage) -> History:
    """What happened in the chain of a stage; run by reading once."""
    known = _HISTORIES.setdefault(graph, {})
    if stage.index not in known:
        known[stage.index] = _run(graph, stage)
    return known[stage.index]


def _run(graph: StageGraph, stage: Stage) -> History:
    reader = _ChainWalk()
    for step in flatten(graph, stage).steps:
        reader.step(step)
    return History(tuple(reader.events), dict(reader.state.variables), reader.state.folder)


class _ChainWalk:
    """One pass over a chain. Private to `history_of`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.state = ShellState()
        self.shell = ShellRun(self.events)

    def step(self, step: Step) -> None:
        """One instruction."""
        item = step.instruction
        if isinstance(item, Env) and not isinstance(item, Label):
            held = self.state.variables
            for name, value in item.pairs:
                self.state = self.state.bind(name, expand_text(value, held))
        elif isinstance(item, Arg):
            self.argument(step)
        elif item.keyword == "WORKDIR":
            path = expand_text(item.arguments.strip("\"'"), self.state.variables)
            self.state = replace(self.state, folder=absolute(self.state.folder, path))
        elif item.keyword == "SHELL":
            self.shell.shell = item.text
        elif isinstance(item, Copy):
            self.copy(step, item)
        elif isinstance(item, Run):
            self.run(step, item)

    def argument(self, step: Step) -> None:
        """ARG: the default is known, a value from outside is not; ENV wins over ARG."""
        for entry in step.key[1:]:
            if not (isinstance(entry, tuple) and isinstance(entry[0], str)):
                continue
            name, default = entry[0], entry[1]
            if default == "global" and len(entry) > 2:
                default = dict(entry[2:]).get(name)
            if isinstance(default, str) and name not in self.state.variables:
                self.state = self.state.bind(name, expand_text(default, self.state.variables))

    def copy(self, step: Step, item: Copy) -> None:
        """COPY and ADD; heredocs bring no file that is asked for."""
        words = [expand_text(word.value, self.state.variables) for word in item.words]
        if len(words) < 2 or item.heredocs:
            return
        destination = absolute(self.state.folder, words[-1])
        destination += "/" if words[-1].endswith("/") or len(words) > 2 else ""
        source = step.references[0] if step.references else None
        self.events.append(Copied(step, tuple(words[:-1]), destination, source))

    def run(self, step: Step, item: Run) -> None:
        """RUN: the statements in a shell of their own."""
        frame = Frame(step, tuple(self.mounts(step, item)))
        script = script_of(item)
        if script is None or script.broken:
            # The exec form runs a program without a shell; a broken text may hide anything.
            self.events.append(Opaque(frame, step.short, step.place))
        self.shell.statements(script.statements if script is not None else (), frame, self.state)

    def mounts(self, step: Step, item: Run) -> Iterable[Mounted]:
        """The mounts with what they show; stages stand in the order of the flags."""
        named = iter(step.references)
        for mount in item.mounts:
            source = next(named, None) if mount.option("from") else None
            target = mount.option("target", "dst", "destination") or ""
            if not target and mount.kind in ("ssh", "secret"):
                continue  # a socket or file below /run
            path = mount.option("source", "src") or "/"
            yield Mounted(absolute(self.state.folder, target), mount.kind, source, path)
