"""Where a shell stands, and what holds after branches of which one ran. Knows no docker."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from dockerfix.facts.model import Value
from dockerfix.facts.shell.words import MAX_CHOICES, Bound, Scope
from dockerfix.syntax.shell import Function
from dockerfix.text import Source


class Ended(enum.Enum):
    """Whether what follows runs."""

    NO = "no"
    FUNCTION = "function"
    """A `return` ended the function."""
    SCRIPT = "script"
    """An `exit` ended the script."""


@dataclass(slots=True)
class State:
    """Where the shell stands: folder (None when unknown), variables, functions, the folders
    that `pushd` put aside."""

    folder: str | None
    scope: Scope
    functions: dict[str, tuple[Function, Source]] = field(default_factory=dict)
    stack: tuple[str | None, ...] = ()
    previous: str | None = None
    ended: Ended = Ended.NO
    exports: bool = False
    """Whether `set -a` exports what is assigned."""
    conditional: bool = False
    """Whether it stands where a branch, or an earlier `exit 0`, may keep it from running."""
    satisfied: bool = False
    """Whether the script ended without an error."""

    def assign(self, name: str, bound: Bound, *, exported: bool = False) -> None:
        """`NAME=value` in the shell itself; a variable of its environment stays one."""
        own = self.scope.own
        if exported or self.exports:
            own -= {name}
        elif self.scope.look(name) is None:
            own |= {name}
        self.scope = replace(self.scope.bind(name, bound), own=own)

    def copy(self) -> State:
        """A state whose changes do not last."""
        return State(
            self.folder, self.scope, dict(self.functions), self.stack, self.previous, self.ended,
            self.exports, self.conditional,
        )  # fmt: skip

    def branch(self) -> State:
        """A copy for commands that may not run."""
        inner = self.copy()
        inner.conditional = True
        return inner

    def become(self, other: State) -> None:
        """Take over everything of another state."""
        self.folder, self.scope, self.functions = other.folder, other.scope, other.functions
        self.stack, self.previous, self.ended = other.stack, other.previous, other.ended
        self.exports = other.exports


def joined(states: Sequence[State]) -> State:
    """What holds after any one of `states`, those left out that ended the script.

    A variable that differs has all its values; a folder that differs is unknown.
    """
    going = [state for state in states if state.ended is Ended.NO]
    if not going:
        return states[0]
    first = going[0]
    if len(going) == 1:
        return first
    functions = {name: f for state in going for name, f in state.functions.items()}
    own = frozenset(name for state in going for name in state.scope.own)
    scope = replace(first.scope, variables=_either([state.scope for state in going]), own=own)
    same = all(state.folder == first.folder for state in going)
    return State(
        first.folder if same else None,
        scope,
        functions,
        first.stack,
        first.previous if same else None,
        exports=first.exports,
    )


def _either(scopes: Sequence[Scope]) -> Mapping[str, Bound]:
    held = [scope.variables for scope in scopes]
    if all(variables is held[0] for variables in held):
        return held[0]  # no branch assigns anything
    merged: dict[str, Bound] = {}
    for name in dict.fromkeys(name for variables in held for name in variables):
        bounds = [variables.get(name) for variables in held]
        first = bounds[0]
        if first is not None and all(bound is first or bound == first for bound in bounds):
            merged[name] = first
        else:
            merged[name] = _one_of(name, bounds)
    return merged


def _one_of(name: str, bounds: Sequence[Bound | None]) -> Bound:
    own = "${" + name + "}"
    arrays = [bound.array for bound in bounds if bound is not None and bound.array is not None]
    if len(arrays) == len(bounds):
        return Bound(own, array=_either_array(name, arrays))
    texts: dict[str, None] = {}
    for bound in bounds:
        texts.update(dict.fromkeys(bound.choices or (bound.text,) if bound else (own,)))
    place = next((b.place for b in reversed(bounds) if b is not None and b.place is not None), None)
    if len(texts) == 1:
        return Bound(next(iter(texts)), (), place)
    return Bound(own, tuple(texts) if len(texts) <= MAX_CHOICES else (), place)


def _either_array(name: str, arrays: Sequence[tuple[Value, ...]]) -> tuple[Value, ...]:
    """What all of them begin and end with; between these, elements that are not known."""
    texts = [[value.text for value in array] for array in arrays]
    most = min(map(len, texts))
    head = next((n for n in range(most) if len({row[n] for row in texts}) > 1), most)
    rest = most - head
    tail = next((n for n in range(rest) if len({row[-1 - n] for row in texts}) > 1), rest)
    first = arrays[0]
    if all(len(row) == head + tail for row in texts):
        return first
    middle = Value("${" + name + "[@]}", "${" + name + "}", (name,))
    return (*first[:head], middle, *first[len(first) - tail :])
