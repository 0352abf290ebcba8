"""What cargo is told to select for several files: joint flags, or calls one after the other.

Knows the words of cargo calls; knows nothing of the steps around them.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.api import CargoCall, Command, Edit, Instruction, Span, repeats_bin
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import (
    Role,
    Step,
    statement_list,
)
from dockerfix_transforms.merge_rust.write.line import CannotJoinError, Line, edited, joint_of

SELECTION = frozenset({"bin", "package", "path"})


_SETTING = frozenset(
    {"release", "profile", "features", "target", "all-features", "no-default-features"}
)


_STRICT = ("locked", "frozen", "offline")
_OFFLINE = frozenset({"frozen", "offline"})
"""Flags that keep cargo from the network; `--frozen` is `--locked` besides."""


def build_calls(group: Group) -> dict[str, CargoCall]:
    """The build call of each file, by its path."""
    found = {}
    for member in group.members:
        for step in member.file.steps:
            call = step.call if step.role is Role.BUILD else None
            if call is not None:
                found[member.file.path] = call
    return found


def selected_bins(group: Group, pairs: Sequence[tuple[InputFile, Step]] | None = None) -> list[str]:
    """The binaries that the joined build makes: selected ones, else the shipped ones; none
    when a file needs everything that an unselected build makes. With `pairs` those of one
    step, else those of all builds."""
    builds = ((m.file, step) for m in group.members for step in m.file.steps)
    calls = [
        (file, call)
        for file, step in (pairs if pairs is not None else builds)
        for call in (step.calls if step.role is Role.BUILD else ())
    ]
    if any(file.everything and call.selects_all for file, call in calls):
        return []
    if any(_takes_everything(call) for _, call in calls):
        return []
    names: list[str] = []
    for file, call in calls:
        names += call.bins or file.shipped
    return list(dict.fromkeys(names))


def _takes_everything(build: CargoCall) -> bool:
    """Whether a build names the whole workspace: it is left so, since `--bin` alone looks in
    the default members only."""
    return _is_wide(build) and not build.bins


def _is_wide(call: CargoCall) -> bool:
    """Whether a call looks in all members of the workspace."""
    return call.has("workspace") or call.has("all")


def takes_bins(group: Group) -> bool:
    """Whether the cargo-chef of every file takes several `--bin`."""
    files = (member.file for member in group.members)
    return all(repeats_bin(file.graph, file.chain[-1]) for file in files)


def joint_edits(
    step: Step, call: CargoCall, bins: Sequence[str], builds: Sequence[CargoCall]
) -> list[Edit]:
    """`--bin a --bin b` where the first selection stood, else at the end of the command.

    `--bin` alone looks in the default members only, so that `--workspace` comes along where a
    build needs it: a cook of everything did without.
    """
    if not bins:
        return without_flags(step.item, call, SELECTION)
    wide = any(_is_wide(build) for build in builds) and not _is_wide(call)
    text = " ".join(["--workspace"] * wide + [f"--bin {name}" for name in bins])
    chosen = [flag for flag in call.flags if flag.name in SELECTION]
    if not chosen:
        end = call.command.words[-1].span.end
        return [Edit(Span(end, end), f" {text}".encode())]
    first = chosen[0]
    span = Span(first.words[0].span.start, first.words[-1].span.end)
    edits = [Edit(span, text.encode())]
    for flag in chosen[1:]:
        edits += _without(step.item, call.command, flag.words[0].span, flag.words[-1].span)
    return edits


def strictest_flags(
    step: Step, call: CargoCall, pairs: Sequence[tuple[InputFile, Step]]
) -> list[Edit]:
    """`--locked` where another file's command has it: nothing gets looser. Without the network
    only if no file's command needed it: what one of them had need not be all that is built now."""
    calls = [mine.call for _, mine in pairs if mine.call is not None]
    wanted = {name for name in _STRICT if any(c.has(name) for c in calls)}
    edits: list[Edit] = []
    if not all(any(c.has(name) for name in _OFFLINE) for c in calls):
        edits = without_flags(step.item, call, _OFFLINE & wanted)
        wanted = {"locked"} if wanted & {"locked", "frozen"} else set()
    missing = [name for name in _STRICT if name in wanted and not call.has(name)]
    end = call.command.words[-1].span.end
    return [*edits, *(Edit(Span(end, end), f" --{name}".encode()) for name in missing)]


def in_sequence(
    step: Step,
    pairs: Sequence[tuple[InputFile, Step]],
    builds: dict[str, CargoCall],
    repeats: bool,
) -> list[Edit]:
    """Calls one after the other in one RUN: the same bytes as separate builds, dependencies
    once. Each call is its file's own, inline environment included; those by `--bin` with the
    same setting share one, since `--bin` at the root unites features in any case."""
    parts: dict[str, list[str]] = {}
    for file, mine in pairs:
        for call in mine.calls:
            build = builds[file.path]
            cooks = mine.role is Role.COOK
            edits = cook_edits(mine, call, build, Line()) if cooks else []
            own = build if cooks and build.verb == "build" else call
            selection = _words_of(call, own, file)
            narrow = cooks and not repeats
            if narrow and selection.count("--bin ") > 1:
                selection = ""
            if selection:
                edits += without_flags(mine.item, call, SELECTION)
            bare = edited(mine.item.source.data, with_prefix(call.command), edits).rstrip()
            shared = not (own.alone or file.member or narrow) and bool(own.bins or own.selects_all)
            key = bare if shared else f"{bare} {selection}"
            known = parts.setdefault(key, [bare])
            known += [word for word in _flags_of(selection) if word not in known]
    unique = [" ".join(words) for words in parts.values()]
    joint = joint_of(step.item, statement_list(step.script) or ())
    first, last = step.calls[0].command, step.calls[-1].command
    span = Span(with_prefix(first).start, with_prefix(last).end)
    return [Edit(span, joint.join(unique).encode("utf-8", "surrogateescape"))]


def _words_of(call: CargoCall, own: CargoCall, file: InputFile) -> str:
    """The selection that a call of the sequence needs, empty when it has it already and keeps
    it: what runs in a member's folder takes that member."""
    if file.member and not call.packages:
        return f"-p {file.member} {'' if call.selects_all else _selection(call, file)}".strip()
    if not own.compiles or not (call.verb == "chef cook" or call.selects_all or not own.alone):
        return ""
    wide = call.verb == "chef cook" and _is_wide(own) and not _is_wide(call)
    return f"{'--workspace ' if wide else ''}{_selection(own, file)}"


def _flags_of(selection: str) -> list[str]:
    """The flags of a selection, each with its value: `--bin a`."""
    found: list[str] = []
    for word in selection.split():
        if word.startswith("-") or not found or " " in found[-1]:
            found.append(word)
        else:
            found[-1] += f" {word}"
    return found


def _selection(call: CargoCall, file: InputFile) -> str:
    """The selecting flags of a call as written; the shipped binaries where it has none."""
    words = [w.written for flag in call.flags if flag.name in SELECTION for w in flag.words]
    return " ".join(words) or " ".join(f"--bin {name}" for name in file.shipped)


def inline_environment(
    step: Step, call: CargoCall, pairs: Sequence[tuple[InputFile, Step]]
) -> list[Edit]:
    """`NAME=value` before the cargo commands of other files, put before this one too."""
    known = {a.name: a.value.written if a.value else "" for a in call.command.assignments}
    added: list[str] = []
    for file, mine in pairs:
        for assignment in mine.call.command.assignments if mine.call is not None else ():
            value = assignment.value.written if assignment.value is not None else ""
            if known.setdefault(assignment.name, value) != value:
                raise CannotJoinError(
                    file, mine, f"{assignment.name} has two values",
                    f"Give {assignment.name} one value in all files.",
                )  # fmt: skip
            text = f"{assignment.name}={value} "
            if mine is not step and text not in added and not _has(call, assignment.name):
                added.append(text)
    start = with_prefix(call.command).start
    return [Edit(Span(start, start), "".join(added).encode())] if added else []


def _has(call: CargoCall, name: str) -> bool:
    return any(assignment.name == name for assignment in call.command.assignments)


def with_prefix(command: Command) -> Span:
    """A command with the assignments before it."""
    start = min([command.span.start, *(a.span.start for a in command.assignments)])
    return Span(start, command.words[-1].span.end)


def cook_edits(step: Step, call: CargoCall, build: CargoCall, line: Line) -> list[Edit]:
    """Cook with the build's profile, features and target, so that nothing compiles twice."""
    mine, wanted = call.setting(), build.setting()
    if {k: v for k, v in mine.items() if k != "toolchain"} == {
        k: v for k, v in wanted.items() if k != "toolchain"
    }:
        return []
    line.notes.append("the cook takes the build's profile, features and target")
    words = " ".join(
        word.written for flag in build.flags if flag.name in _SETTING for word in flag.words
    )
    end = call.command.words[-1].span.end
    edits = without_flags(step.item, call, _SETTING)
    return [*edits, Edit(Span(end, end), f" {words}".encode())] if words else edits


def without_flags(item: Instruction, call: CargoCall, names: frozenset[str]) -> list[Edit]:
    """Edits that take flags of these names out of a call."""
    edits: list[Edit] = []
    for flag in call.flags:
        if flag.name in names:
            edits += _without(item, call.command, flag.words[0].span, flag.words[-1].span)
    return edits


def _without(item: Instruction, command: Command, first: Span, last: Span) -> list[Edit]:
    """Remove words with the gap before them; a comment in the gap stays where it is."""
    before = [w.span.end for w in command.words if w.span.end <= first.start]
    start = max(before, default=first.start)
    if any(start <= comment.span.start < last.end for comment in item.inner_comments):
        return [Edit(Span(first.start, last.end), b"")]
    return [Edit(Span(start, last.end), b"")]
