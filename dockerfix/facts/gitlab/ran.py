"""The commands that a job runs, as values: what ran, and what nobody can follow."""

from __future__ import annotations

import posixpath

from msgspec import Struct

from dockerfix.facts.model import ComposeUse
from dockerfix.facts.shell.words import UNKNOWN
from dockerfix.text import Place


def said_words(text: str) -> str:
    """Words of a command as a person reads them: an ellipsis for what nobody knows."""
    return text.replace(UNKNOWN, "…")


class Ran(Struct, frozen=True):
    """One command: its words after expansion (unknown variables as `${NAME}`), and where the
    job's text leads to it. `tolerated` says that its failure is caught by a `||`; `service` is
    the Compose service that it runs in, empty for the job's own shell, `sources` whether the
    job's files are there."""

    words: tuple[str, ...]
    place: Place
    tolerated: bool = False
    service: str = ""
    sources: bool = True

    @property
    def name(self) -> str:
        """The program, without its folder."""
        return posixpath.basename(self.words[0])

    def said(self, count: int = 2) -> str:
        """Its first words as a person reads them."""
        return said_words(" ".join(self.words[:count]))


class Unfollowed(Struct, frozen=True):
    """What a job runs that reading cannot follow, and why: a command as it is written, or a text
    that is known by its place alone (`what` is then empty). `file` is the program's path where
    it is a file of this repository."""

    what: str
    why: str
    place: Place
    file: str = ""

    def said(self) -> str:
        """How a person finds it."""
        place = f"{self.place.path}:{self.place.position.line}"
        return f"`{said_words(self.what)}`" if self.what else f"the script at {place}"


class Commands(Struct, frozen=True):
    """Everything that one job runs. `compose` are its Compose commands, `texts` all that was
    read for it, each with the file that it stands in: what is computed inside a test, a default
    or a variable of make is in no command of `ran`."""

    ran: tuple[Ran, ...]
    unfollowed: tuple[Unfollowed, ...]
    compose: tuple[ComposeUse, ...]
    texts: tuple[tuple[str, str], ...] = ()
