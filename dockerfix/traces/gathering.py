"""From a builder's vertexes to a value: which are instructions, imports, exports.

Knows the names that BuildKit gives its own steps; reads no text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dockerfix.traces.model import BuilderRun, BuiltStep, State, Transfer
from dockerfix.traces.steps import Step

_IMPORT = "importing cache manifest from "
_EXPORT = "exporting cache"


def gathered(
    line: int,
    steps: Collection[Step],
    sent: int | None,
    pushed: Iterable[str],
    error: str = "",
    mixed: bool = False,
) -> BuilderRun:
    """One run of BuildKit; `line` is where it began in the trace."""
    exports = [step for step in steps if step.name.startswith(_EXPORT)]
    imports = [step for step in steps if step.name.startswith(_IMPORT)]
    return BuilderRun(
        "BuildKit",
        line,
        tuple(_built(step) for step in steps if step.is_instruction),
        sent,
        tuple(_transfer(step, step.name.removeprefix(_IMPORT)) for step in imports),
        tuple(_transfer(step, step.name.removeprefix(_EXPORT).strip()) for step in exports),
        tuple(pushed),
        sum(step.compiled for step in steps),
        error or next((step.error for step in steps if step.is_instruction and step.error), ""),
        mixed,
    )


def _built(step: Step) -> BuiltStep:
    if step.error:
        state = State.FAILED
    elif step.cached:
        state = State.CACHED
    else:
        state = State.RAN if step.done else State.UNFINISHED
    return BuiltStep(step.name, state, step.seconds if step.done else None)


def _transfer(step: Step, what: str) -> Transfer:
    return Transfer(what.removeprefix("to "), step.seconds if step.done else None, step.error)
