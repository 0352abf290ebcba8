"""What a patch owes, what it is permitted, and what a checker says of it.

An obligation is a statement about before and after that the engine derives from what a patch
touches; each kind is one module with its class, its checker and its words. A permit is one
named difference that a transform asks for. Knows the forms; derives and judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

if TYPE_CHECKING:
    from dockerfix.facts.repository import Facts


class Image(Struct, frozen=True):
    """What a build makes: a Dockerfile, relative to the root, and a target in it.

    An empty target is the last stage, as BuildKit takes it.
    """

    dockerfile: str
    target: str = ""

    def __str__(self) -> str:
        """`path` or `path:target`."""
        return f"{self.dockerfile}:{self.target}" if self.target else self.dockerfile


class Permit(Struct, frozen=True, order=True):
    """One named difference that a transform asks for; an obligation holds up to its permits.

    `rule` is the name under which an obligation knows the difference, `subject` is what it is
    about (an image of before as `str(Image)`, a Dockerfile, a job), `place` the file in which
    the difference stands afterwards; for a difference of a pipeline that is its root file,
    whichever file holds the job. `detail` says what of it, where a rule allows more than
    one thing: a variable, a package, a key path. `before` and `after` are values, where the
    rule is about one.
    """

    rule: str
    subject: str
    place: str
    detail: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """One line, as cases record it."""
        detail = f" {self.detail}" if self.detail else ""
        values = f": {self.before} -> {self.after}" if self.before or self.after else ""
        return f"{self.rule}{detail}: {self.subject} in {self.place}{values}"


class Verdict(Struct, frozen=True):
    """The outcome of one check.

    `statement` is the obligation as one sentence for the report. `differences` are allowed
    ones, each with the rule that allows it; `failures` are the others: the obligation holds
    when there are none. `unproved` says what nothing could prove, and does no harm to what is
    proved. All begin with `path:line:column:` where a place is known. `about` are the
    Dockerfiles of before that failures are about, one for each, where the obligation itself
    is about the whole repository: the ladder leaves them. `sites` are the places of the call
    sites of before that failures are about: these are left first, since less is lost by it.
    """

    statement: str
    differences: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()
    kind: str = ""
    about: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


class Obligation(Struct, frozen=True):
    """The base of all kinds. A kind says its words in class variables.

    `kind` names it in reports. `rules` are the differences that a permit can ask for, each with
    what it allows; the checker judges for itself that such a difference is harmless. What it
    cannot judge stands in `accepted_rules`: a permit for it counts only when the person
    accepted the difference by that name, at that place. `assumed_rules` are those of them
    that need a finding only, since the report shows them as assumptions; `spellings` are
    other names under which the person may accept a rule.
    """

    kind: ClassVar[str]
    rules: ClassVar[Mapping[str, str]] = {}
    accepted_rules: ClassVar[Mapping[str, str]] = {}
    assumed_rules: ClassVar[frozenset[str]] = frozenset()
    spellings: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether it holds between two snapshots."""
        raise NotImplementedError

    @property
    def about(self) -> str:
        """The Dockerfile of before whose image it is about; empty for what concerns them all."""
        return ""
