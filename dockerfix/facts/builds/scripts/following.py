"""What all parts of a walk through scripts share: what was found, and which bodies are known.

Reading a command and entering a script are modules of their own, and go on with the walk through
`Following`; how a statement is followed stands in `follow`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from dockerfix.facts.builds.files.unread import TOOLS
from dockerfix.facts.builds.scripts.asking import Asking
from dockerfix.facts.commands.gathered import Carrier, Found
from dockerfix.facts.model import Blind
from dockerfix.facts.shell.state import State
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Function,
    Loop,
    Script,
    Statement,
    parameters,
)
from dockerfix.text import MappedText, Place, Snapshot
from dockerfix.text.watched import Looks, Watched

if TYPE_CHECKING:
    from dockerfix.facts.make import Makefiles

STEPS = 20_000
"""Statements that one text may make, loops and calls unrolled."""
_WORDS = frozenset(
    {*(tool.decode() for tool in TOOLS), "build", "bake", "bud", "make", "MAKE", ".sh"}
)


class Barren(Struct, frozen=True):
    """A body that asks for nothing: what it enters, and at which files following it looked; None
    where that depends on more than files."""

    entered: frozenset[str]
    looks: Looks | None


class Shape(Struct, frozen=True):
    """What a function's body says whoever calls it: its largest parameter, as in `Call`, and the
    variables that it keeps to itself."""

    function: Function
    parameters: int | None
    own: frozenset[str]


class Following(ABC):
    """One walk through scripts of a snapshot, as its parts see it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = Watched(snapshot)
        self.found = Found()
        self.steps = 0
        self.words: frozenset[str] = _WORDS
        """What a recipe holds that may build, or run what builds."""
        self.barren: dict[Hashable, Barren] = {}
        """Bodies that ask for nothing: followed once for each folder and scope, whoever calls
        them."""
        self.shapes: dict[int, Shape] = {}
        """By the identity of the function, which a shape keeps: to compare bodies takes longer
        than to read them."""
        self.asking = Asking()
        self.followed: set[Hashable] = set()
        """Bodies that the text at hand entered: whatever the way to it, a body asks for the same
        builds again. Ways are exponentially many where recipes make one another."""
        self.endless: set[Place] = set()
        """Texts that took more than `STEPS` once, which is said: in the other rows of a matrix they
        get a part of that."""
        self.met = False
        """Whether a body was passed over that the text at hand had entered before."""
        self.carries = True
        """Whether what is found depends on nothing but the text and the files looked at."""

    def add_words(self, words: Iterable[str]) -> None:
        """Search for these words too. One that holds another is found with that one: hundreds of
        scripts whose names end in `.sh` add nothing."""
        known = self.words
        self.words |= {word for word in words if not any(part in word for part in known)}

    def shape(self, function: Function) -> Shape:
        """The shape of a function; made once."""
        if id(function) not in self.shapes:
            own = frozenset(item.name for item in _assignments(function.body) if item.local)
            self.shapes[id(function)] = Shape(function, parameters(function.body), own)
        return self.shapes[id(function)]

    @cached_property
    def makefiles(self) -> Makefiles:
        """The Makefiles of the snapshot."""
        from dockerfix.facts.make import Makefiles

        return Makefiles(self.snapshot)

    @abstractmethod
    def script(
        self, script: Script, mapped: MappedText, carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow a parsed text."""

    @abstractmethod
    def statements(
        self, statements: Iterable[Statement], carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow statements in order, until one ends the script or function."""

    def blind(self, place: Place, what: str, why: str, apart: bool = False) -> None:
        """Note what cannot be followed, once."""
        self.found.blind[Blind(place, what, why, apart)] = None

    def is_known(self, key: Hashable) -> bool:
        """Whether a body asks for nothing that is not known: for nothing at all (what it enters
        counts again), or for what the text at hand asked for before."""
        known = self.barren.get(key)
        if known is not None:
            self.found.entered |= known.entered
            self.carries &= known.looks is not None
            self.snapshot.looks.add(known.looks or Looks())
        before = key in self.followed
        self.met |= before
        self.followed.add(key)
        return before or known is not None

    @contextmanager
    def remembered(self, key: Hashable) -> Iterator[None]:
        """Follow a body, and remember it if it asks for nothing."""
        before, self.found = self.found, Found()
        looks, self.snapshot.looks = self.snapshot.looks, Looks()
        met, self.met = self.met, False
        carries, self.carries = self.carries, True
        steps = self.steps
        try:
            yield
        finally:
            mine = self.snapshot.looks
            if not self.found.asks and self.steps < STEPS and steps < STEPS:
                alone = self.carries and not self.met
                self.barren[key] = Barren(frozenset(self.found.entered), mine if alone else None)
            self.found = before.with_more(self.found)
            looks.add(mine)
            self.snapshot.looks = looks
            self.met |= met
            self.carries &= carries


def _assignments(statements: Iterable[Statement]) -> Iterator[Assignment]:
    for item in statements:
        if isinstance(item, Assignment):
            yield item
        elif isinstance(item, Block | Loop):
            yield from _assignments(item.body)
