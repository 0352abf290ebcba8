"""Values that a call site left to somebody else, and that it says for itself after a patch.

`--target ${TARGET:-dev}` that becomes `--target dev` builds the same by default and something
else for who sets `TARGET`: reading cannot know whether anybody does. A variable that a script
gives itself counts too where a command before the build may give it another value (`eval`, a
file that is not there). Knows words of asks; what stands for what is others' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.gitlab.outside import set_outside as set_by_pipeline
from dockerfix.facts.model import CallSite, SiteKind, Value, set_outside
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.script_files import read_script
from dockerfix.proof.asks.asks import Ask
from dockerfix.syntax.shell import Script, parse_shell
from dockerfix.syntax.shell.syntax import Command
from dockerfix.text import join_path

_OUTPUT = re.compile(r"(?:^|_)steps_\w+?_outputs_")


def frozen(before: Facts, after: Facts, old: Ask, new: Ask) -> Iterator[str]:
    """What nothing can prove of a new ask that says what the old one left to somebody; its target
    is weighed by what else the Dockerfile could give."""
    held = {name for _, value in new.words for name in (*value.written_variables, value.carrier)}
    for what, value in (word for word in old.words if word[0] != "target"):
        here = {name for w, v in new.words if w == what for name in _open(after, new.site, v)}
        for name in sorted(_open(before, old.site, value) - here - held):
            yield f"{new.site}: its {what} no longer follows {name}, which somebody may set"


def chooses_target(facts: Facts, ask: Ask) -> str:
    """The variable by which somebody may choose the target of an ask; empty for none."""
    value = next((value for what, value in ask.words if what == "target"), None)
    if value is None:
        return ""
    found = set_by_pipeline(facts.pipeline, ask.site, value)
    return found or ", ".join(sorted(_open(facts, ask.site, value)))


def _open(facts: Facts, site: CallSite, value: Value) -> frozenset[str]:
    """The variables of a word that somebody may set to something else than reading sees."""
    # What a step of the same job puts out, that job computes itself.
    names = frozenset(name for name in set_outside(value) if not _OUTPUT.search(name))
    if value.known and value.written_variables and _gives_anything(facts, site):
        return names | set(value.written_variables)
    return names


def _gives_anything(facts: Facts, site: CallSite) -> bool:
    """Whether a command before the build may set variables that reading does not see."""
    return any(_may_set(facts, command, site) for command in _before(facts, site))


def _before(facts: Facts, site: CallSite) -> Iterator[Command]:
    """The commands of the site's script that may run before it."""
    for script in _scripts(facts, site):
        yield from script.every_command()


def _scripts(facts: Facts, site: CallSite) -> Iterator[Script]:
    pipeline = facts.pipeline
    if site.kind is SiteKind.SHELL:
        script = read_script(facts.snapshot, site.place.path)
        if script is not None:
            yield script
    elif site.kind is SiteKind.GITLAB and pipeline is not None and site.name in pipeline.jobs:
        for line in pipeline.jobs[site.name].lines:
            yield parse_shell(line.scalar.mapped)


def _may_set(facts: Facts, command: Command, site: CallSite) -> bool:
    """Whether a command runs a text in this shell that reading does not see."""
    if command.name not in ("eval", ".", "source") or len(command.words) < 2:
        return False
    word = command.words[1]
    if word.value is None:
        return True
    folder = site.place.path.rpartition("/")[0] if site.kind is SiteKind.SHELL else ""
    paths = (join_path(folder, word.value), word.value.removeprefix("./"))
    return command.name != "eval" and not any(path in facts.snapshot for path in paths)
