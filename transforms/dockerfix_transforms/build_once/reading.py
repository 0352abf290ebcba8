"""What a Dockerfile does with a build argument that names the program that cargo builds.

Finds the RUNs in which cargo is told the argument, and what else their stages do with it. Knows
one Dockerfile; knows no call site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from dockerfix.api import (
    Arg,
    Block,
    CargoCall,
    CargoFlag,
    Command,
    Env,
    Instruction,
    Label,
    Run,
    Span,
    Stage,
    StageGraph,
    Statement,
    parse_shell,
    read_cargo,
)

_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_DOWNLOADS = (
    "/registry",
    "/git",
    "/git/db",
    "/registry/index",
    "/registry/cache",
    ".cargo",
    "/cargo",
)
"""Ends of the folders in which cargo keeps what it downloads (the Cargo Book, "Cargo Home")."""
_SELECTING = ("bin", "package")
_VERBS = ("build", "chef cook", "chef prepare")


class CannotReadError(Exception):
    """A file whose argument cannot be taken from its build: what, where, and what to do."""

    def __init__(self, what: str, span: Span, action: str = "") -> None:
        super().__init__(what)
        self.what, self.span, self.action = what, span, action


class NamingRun(Struct, frozen=True):
    """A RUN whose cargo calls are told the argument, with these calls. `rest` is where the first
    command behind them stands that names it too; None when there is none."""

    item: Run
    calls: tuple[CargoCall, ...]
    rest: Span | None

    @property
    def cached(self) -> bool:
        """Whether a cache mount keeps what cargo compiles: any but those of cargo's downloads."""
        caches = (mount for mount in self.item.mounts if mount.kind == "cache")
        paths = (mount.option("target", "dst", "destination") or "" for mount in caches)
        return any(not path.rstrip("/").endswith(_DOWNLOADS) for path in paths)


class NamingStage(Struct, frozen=True):
    """A stage with such RUNs, its ARG, and the first instruction behind them that names it."""

    stage: Stage
    arg: Arg
    runs: tuple[NamingRun, ...]
    later: Instruction | None


def naming_argument(graph: StageGraph) -> str:
    """The argument that names what cargo builds; empty where there is none or more than one."""
    names = {
        name
        for stage in graph.stages
        for item in stage.instructions
        if isinstance(item, Run)
        for call in _calls(item)
        for flag in _told(call)
        if (name := _named(flag))
    }
    declared = {name for item in _every(graph) if isinstance(item, Arg) for name, _ in item.entries}
    return names.pop() if len(names) == 1 and names <= declared else ""


def naming_stages(graph: StageGraph, name: str) -> tuple[NamingStage, ...]:
    """The stages that the argument names programs in. Raises `CannotReadError`."""
    for stage in graph.stages:
        if _names(stage.from_.text, name):
            raise CannotReadError(f"{name} chooses an image too", stage.from_.code)
    found = (_naming_stage(stage, name) for stage in graph.stages)
    return tuple(stage for stage in found if stage is not None)


def _naming_stage(stage: Stage, name: str) -> NamingStage | None:
    runs: list[NamingRun] = []
    arg: Arg | None = None
    named: Instruction | None = None
    for item in stage.instructions:
        run = _naming_run(item, name) if isinstance(item, Run) else None
        if isinstance(item, Arg) and name in dict(item.entries):
            if arg is not None or len(item.entries) > 1:
                raise CannotReadError(f"{name} is declared among others, or twice", item.code)
            arg = item
        elif run is not None:
            if arg is None:
                raise CannotReadError(f"{name} is declared in another stage", item.code)
            if named is not None or (runs and runs[-1].rest is not None):
                where = named.code if named is not None else runs[-1].item.code
                raise CannotReadError(f"{name} is read before cargo builds", where)
            runs.append(run)
        elif isinstance(item, Env) and not isinstance(item, Label) and name in dict(item.pairs):
            raise CannotReadError(f"ENV sets {name} too", item.code)
        elif _names(item.text, name):
            named = named or item
    return NamingStage(stage, arg, tuple(runs), named) if runs and arg is not None else None


def _naming_run(item: Run, name: str) -> NamingRun | None:
    """A RUN whose cargo is told the argument. Raises `CannotReadError` where it is read by
    another command before cargo is done."""
    calls = tuple(call for call in _calls(item) if any(_named(f) == name for f in _told(call)))
    script = parse_shell(item.script) if calls and item.script is not None else None
    if script is None:
        return None
    if item.heredocs or script.broken or script.functions:
        raise CannotReadError("the script is more than a list of commands", item.code)
    plain = {command.span for command in _in_a_row(script.statements)}
    spans = {call.command.span for call in calls}
    if not spans <= plain:
        raise CannotReadError("cargo stands in a branch or a loop", item.code)
    rest: Span | None = None
    for command in script.commands():
        if command.span in spans:
            if rest is not None:
                raise CannotReadError(f"{name} is read before cargo builds", item.code)
            continue
        text = item.source.text(command.span)
        rest = command.span if rest is None and _names(text, name) else rest
    told = sum(len(_references(item.source.text(call.command.span), name)) for call in calls)
    known = sum(1 for call in calls for flag in _told(call) if _named(flag) == name)
    if told > known:
        raise CannotReadError(f"cargo is told {name} in another way too", item.code)
    return NamingRun(item, calls, rest)


def _in_a_row(statements: Iterable[Statement]) -> Iterator[Command]:
    """The commands that all run, one after the other."""
    for statement in statements:
        if isinstance(statement, Command):
            yield statement
        elif (
            isinstance(statement, Block)
            and statement.operator == "&&"
            and not (statement.conditional or statement.isolated)
        ):
            yield from _in_a_row(statement.body)


def _calls(item: Run) -> Iterator[CargoCall]:
    """The cargo calls of a RUN that select programs."""
    if "cargo" not in item.text or item.script is None:
        return
    for command in parse_shell(item.script).commands():
        call = read_cargo(command)
        if call is not None and call.verb in _VERBS:
            yield call


def _told(call: CargoCall) -> Iterator[CargoFlag]:
    return (flag for flag in call.flags if flag.name in _SELECTING)


def _named(flag: CargoFlag) -> str:
    """The argument that is all of a flag's value."""
    match = _REFERENCE.fullmatch((flag.value or "").strip("\"'"))
    return (match[1] or match[2]) if match is not None else ""


def told(call: CargoCall, name: str) -> tuple[CargoFlag, ...]:
    """The flags by which a call is told the argument."""
    return tuple(flag for flag in _told(call) if _named(flag) == name)


def _every(graph: StageGraph) -> Iterator[Instruction]:
    yield from graph.tree.preamble
    for stage in graph.stages:
        yield from stage.instructions


def _references(text: str, name: str) -> list[str]:
    return re.findall(rf"\$\{{?{re.escape(name)}\b", text)


def _names(text: str, name: str) -> bool:
    return bool(_references(text, name))
