"""What keeps a file apart from others, and what a person can change about it.

A reason names the difference at its place, and lines to change; where the difference is one that
can be accepted, it has the name to accept. Knows what was compared; compares nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dockerfix.api import Span
from dockerfix_transforms.merge_rust.group.settings import IN_PATHS, Settings
from dockerfix_transforms.merge_rust.group.slots import Obstacle, brief, shortened
from dockerfix_transforms.merge_rust.read.input_file import InputFile


class Reason(Struct, frozen=True):
    """One difference: what it is, what to do about it, and the name under which a person may
    accept it (empty where nobody can). `span` is where it stands in the file that is kept
    apart; None where that file lacks something."""

    what: str
    do: str
    accept: str = ""
    span: Span | None = None


UNBUILT = Reason(
    "no call site builds it: shared, it would be compiled with each of the others",
    "Name all Dockerfiles on the command line to have them compiled together.",
)
"""What keeps a file apart that nothing builds."""


def of_settings(settings: Settings, main: InputFile, file: InputFile) -> tuple[Reason, ...]:
    """The parts of the compiler's input in which a file differs from another one."""
    names = sorted(settings.different(main, file) - settings.accepted)
    return tuple(_of_component(settings, main, file, name) for name in names)


def _of_component(settings: Settings, main: InputFile, file: InputFile, name: str) -> Reason:
    mine, theirs = settings.component(file, name), settings.component(main, name)
    mine_says, theirs_says = settings.value(file, name), settings.value(main, name)
    values = _told_apart(mine_says or "an empty value", theirs_says or "an empty value")
    step = mine.step if mine is not None else None
    other = theirs.step if theirs is not None else None
    where = file.graph.tree.source.place(step.item.code) if step is not None else file.path
    there = main.graph.tree.source.place(other.item.code) if other is not None else main.path
    what = f"{name}: {where} has {values[0]}, {main.path} has {values[1]}"
    if mine is None:
        do = f"Set in {file.path} what {there} sets, or take it out there."
    elif theirs is None:
        do = f"Set in {main.path} what {where} sets, or take it out there."
    else:
        do = f"Where they need not differ, use the same {name} in {where} and {there}."
    span = step.item.code if step is not None else file.chain[0].from_.code
    return Reason(what, do, "" if name in IN_PATHS else name, span)


def _told_apart(one: str, other: str) -> tuple[str, str]:
    """Two values of a setting, each short enough to read: what they begin with alike is left
    out where they would look the same otherwise."""
    shown = brief(one, 60), brief(other, 60)
    if shown[0] != shown[1]:
        return shown
    first, second = one.split(), other.split()
    alike = next(
        (n for n, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]),
        min(len(first), len(second)),
    )
    kept = max(alike - 1, 0)
    return _from(first, kept), _from(second, kept)


def _from(words: Sequence[str], kept: int) -> str:
    return brief(f"...{' '.join(words[kept:])}", 60)


def of_obstacle(found: Obstacle, file: InputFile) -> Reason:
    """A step that stands in the way where the compiler's input is the same."""
    code = found.step.item.code
    place = found.file.graph.tree.source.place(code)
    what = f"`{shortened(found.step)}` at {place}: {found.why}"
    return Reason(what, found.do, span=code if found.file is file else None)


def of_programs(programs: Sequence[str]) -> Reason:
    """Programs that two files compile with features of their own."""
    named = ", ".join(programs)
    return Reason(
        f"another file builds {named} too, with other features",
        f"Build {named} with the same features in both files, or give it another name in one.",
    )


def accepting(reasons: Sequence[Reason]) -> str:
    """How to accept all differences of one file, as a sentence; nothing where one of them
    cannot be accepted."""
    names = [reason.accept for reason in reasons]
    return f"Or pass --accept {' --accept '.join(names)}." if names and all(names) else ""
