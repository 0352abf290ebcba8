"""What is compared: two chains of one image, and one use of a rule."""

from __future__ import annotations

from msgspec import Struct

from dockerfix.facts.dockerfile.places import IsFolder
from dockerfix.proof.go.tree import GoTree
from dockerfix.proof.rules.stand_ins import StandIns
from dockerfix.proof.steps.reading import (
    ReadChain,
)


class Use(Struct, frozen=True):
    """One use of a rule: its name, and what it allows here."""

    rule: str
    what: str


class Pair(Struct, frozen=True):
    """Two chains that are compared. `shipped` says that they are an image's own and not only
    copied from; `allowed` names the rules that may be used."""

    before: ReadChain
    after: ReadChain
    shipped: bool
    allowed: frozenset[str]
    is_folder: IsFolder = bool
    """Whether a path of the build context before is a folder."""
    pinned: bool = False
    """Whether a rust-toolchain file at the root of the context chooses the compiler."""
    tree: GoTree | None = None
    """The sources of the build context before, for what go would notice among them."""
    stand_ins: StandIns | None = None
    """What judges stand-ins for sources; None where nothing is known of the workspace."""

    @property
    def compiles(self) -> bool:
        """Whether both are build chains: a runtime chain is compared to the letter."""
        return self.before.compiles and self.after.compiles

    @property
    def judge_of_stand_ins(self) -> StandIns | None:
        """What judges stand-ins for sources here: in a stage that only compiles, by permit."""
        return None if self.shipped or not self.permits("stand-ins") else self.stand_ins

    def permits(self, rule: str) -> bool:
        """Whether the rule may be used in these chains."""
        return rule in self.allowed and (self.compiles or rule == "prefix-stripped")
