"""Which commands a job runs, wherever they are written: functions, scripts, make, npm, Compose.

A job's lines are followed into what the repository holds. What cannot be followed is listed
with the reason, so that a caller can tell *nothing more runs* from *nobody knows*. Knows
how commands start others; judges none of them.
"""

from __future__ import annotations

from dockerfix.facts.commands.recognise import plain, recognise
from dockerfix.facts.gitlab.entering import enter_make, enter_package, enter_script
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.gitlab.ran import Commands, Ran, Unfollowed
from dockerfix.facts.gitlab.service_commands import run_services
from dockerfix.facts.gitlab.shell_texts import runs_of
from dockerfix.facts.gitlab.walking import At, Walk
from dockerfix.facts.make import Makefiles
from dockerfix.facts.model import Tool, Value
from dockerfix.syntax.shell import (
    SHELLS,
    Function,
)
from dockerfix.text import Place, Snapshot, Source

__all__ = ["CommandReader", "Commands", "Ran", "Unfollowed"]

_NODE = frozenset({"npm", "yarn", "pnpm", "bun"})


class CommandReader:
    """Reads the jobs of one pipeline; Makefiles are read once for all of them."""

    def __init__(self, snapshot: Snapshot, pipeline: Pipeline) -> None:
        self.snapshot = snapshot
        self.pipeline = pipeline
        self._makefiles = Makefiles(snapshot)

    def of(self, job: Job) -> Commands:
        """The commands of a job, each run of a matrix included, equal ones once."""
        walker = _JobWalk(self.snapshot, self._makefiles)
        for run in runs_of(self.pipeline, job, {}):
            functions: dict[str, tuple[Function, Source]] = {}
            for mapped, source, state in run:
                walker.text(mapped, At(source, "", state.scope, functions))
        return Commands(
            tuple(dict.fromkeys(walker.ran)),
            tuple(dict.fromkeys(walker.unfollowed)),
            tuple(dict.fromkeys(walker.compose)),
            tuple(walker.texts),
        )


class _JobWalk(Walk):
    """Follows what the commands of one job start."""

    def started(self, name: str, words: tuple[Value, ...], place: Place, at: At) -> bool:
        """Whether the command is one that runs others, which are then followed."""
        if name in SHELLS or name in (".", "source") or "/" in plain(words[0]):
            return enter_script(self, name, words, place, at)
        if name == "eval":
            self.stop("eval", "its text is made while it runs", place)
            return True
        if name in ("make", "gmake"):
            return enter_make(self, words, place, at)
        if name in _NODE:
            return enter_package(self, words, place, at)
        found = recognise(words)
        if found is not None and found.tool is Tool.COMPOSE:
            run_services(self, found.rest, place, at)
        return False
