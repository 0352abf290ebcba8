"""What following scripts gathers, and what it carries along. Values; follows nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.facts.model import (
    BareBuild,
    Blind,
    Build,
    Call,
    CallSite,
    ImageCall,
    Option,
    SiteKind,
    Value,
)
from dockerfix.facts.shell.words import Scope
from dockerfix.text import Place, Source


@dataclass(slots=True)
class Found:
    """What following has gathered."""

    builds: list[Build] = field(default_factory=list)
    blind: dict[Blind, None] = field(default_factory=dict)
    """In order, each once."""
    bakes: list[BakeCall] = field(default_factory=list)
    composes: list[ComposeCall] = field(default_factory=list)
    images: list[ImageCall] = field(default_factory=list)
    bare: list[BareBuild] = field(default_factory=list)
    assigned: dict[str, dict[str, Place]] = field(default_factory=dict)
    """Values that scripts give to variables, with the place of the first."""
    arrays: list[Place] = field(default_factory=list)
    """Arrays whose words are known, and read where the array is used."""
    scanned: list[Place] = field(default_factory=list)
    """Steps of workflows that read Dockerfiles and build nothing."""
    entered: set[str] = field(default_factory=set)
    """Scripts that were run, and `Makefile:rule` of the rules that were made."""

    @property
    def asks(self) -> bool:
        """Whether anything was found, or could not be followed."""
        return bool(
            self.builds or self.blind or self.bakes or self.composes or self.images or self.bare
        )

    def with_more(self, other: Found) -> Found:
        """This with what another following gathered."""
        for name in ("builds", "bakes", "composes", "images", "bare", "arrays", "scanned"):
            getattr(self, name).extend(getattr(other, name))
        self.blind |= other.blind
        for name, values in other.assigned.items():
            mine = self.assigned.setdefault(name, {})
            for text, place in values.items():
                mine.setdefault(text, place)
        self.entered |= other.entered
        return self


class BakeCall(Struct, frozen=True):
    """A `docker buildx bake` command: its files and targets, relative to its folder.

    `flags` are those that hold for all of its targets.
    """

    site: CallSite
    folder: str | None
    files: tuple[Value, ...]
    targets: tuple[Value, ...]
    push: bool
    sets: tuple[Value, ...]
    variables: Scope
    flags: tuple[Option, ...] = ()


class ComposeCall(Struct, frozen=True):
    """A `docker compose` command, with the variables that are set where it runs.

    `folder` is where it runs (None: unknown), `words` are those behind `compose`.
    """

    site: CallSite
    words: tuple[Value, ...]
    variables: Scope
    folder: str | None = ""


class Carrier(Struct, frozen=True):
    """What holds the script: kind and name of the call site, and its source."""

    kind: SiteKind
    name: str
    source: Source
    through: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    machine: tuple[str, ...] = ()
    """The runner, as in `CallSite`."""
    active: tuple[tuple[str, ...], ...] = ()
    """The functions that are being followed, with their arguments: one that calls itself with
    the same ones asks for nothing new."""
