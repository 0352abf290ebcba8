"""Shared lines: a prepare, cook, build or package list that serves several files.

Each function takes the steps that one merged step stands for and gives edits of the first
file's bytes, so that its layout, comments and flags stay. Knows lines; knows no stages.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dockerfix.api import CargoCall, Command, Edit, Instruction, Span
from dockerfix_transforms.merge_rust.group.groups import Group
from dockerfix_transforms.merge_rust.read.inputs import RustFile
from dockerfix_transforms.merge_rust.read.steps import (
    Role,
    Step,
    flat_list,
    package_words,
    written_paths,
)

_SELECTION = frozenset({"bin", "package", "path"})
_SETTING = frozenset(
    {"release", "profile", "features", "target", "all-features", "no-default-features"}
)
_STRICT = ("locked", "frozen", "offline")
_REPEATED_BIN = (0, 1, 64)
"""The first cargo-chef whose `cook --bin` may be repeated."""


class CannotJoinError(Exception):
    """The lines of these files cannot be one line: `step` of `file`, why, and what to do."""

    def __init__(
        self, file: RustFile, step: Step, why: str, action: str = "align the files"
    ) -> None:
        super().__init__(why)
        self.file = file
        self.step = step
        self.why = why
        self.action = action


@dataclass(slots=True)
class Line:
    """How a merged step is written: edits of the leader's instruction, comment lines to put
    above it (without `# `), and remarks for the report."""

    edits: list[Edit] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def widened(group: Group, index: int) -> Line:
    """The line for the group's common step `index`; raises `CannotJoinError`."""
    step = group.common[index]
    pairs = [
        (member.file, mine)
        for member in group.members
        if (mine := member.matched[index]) is not None
    ]
    line = Line()
    if len(group.members) > 1:
        if step.role in (Role.COOK, Role.BUILD):
            _cargo(group, step, pairs, line)
        elif step.role is Role.PACKAGES:
            _packages(group, step, pairs, line)
    _foreign_comments(step.item, pairs, line)
    return line


def prepared(step: Step, others: Sequence[tuple[RustFile, Step]]) -> Line:
    """A planner's step: `cargo chef prepare` loses `--bin`, since the recipe serves all."""
    line = Line()
    call = step.call
    if step.role is Role.PREPARE and call is not None and len(others) > 1:
        line.edits += _removed(step.item, call, frozenset({"bin"}))
    _foreign_comments(step.item, others, line)
    return line


def _foreign_comments(
    item: Instruction, pairs: Sequence[tuple[RustFile, Step]], line: Line
) -> None:
    """Comments that only other files have at this step, with the name of their binary."""
    known = {c.text.lstrip("# ") for c in (*item.comments, *item.inner_comments)}
    gathered: dict[str, list[str]] = {}
    for file, step in pairs:
        if step.item is item:
            continue
        for comment in (*step.item.comments, *step.item.inner_comments):
            text = comment.text.lstrip("#").strip()
            if text and text not in known:
                names = gathered.setdefault(text, [])
                if file.binary not in names:
                    names.append(file.binary)
    line.above += [f"{text} ({', '.join(names)})" for text, names in gathered.items()]


def _cargo(group: Group, step: Step, pairs: Sequence[tuple[RustFile, Step]], line: Line) -> None:
    call = step.call
    if call is None:
        raise CannotJoinError(pairs[0][0], step, "the cargo command cannot be read")
    builds = _builds(group)
    sequential = any(b.alone for b in builds.values())
    call_edits: list[Edit] = []
    if step.role is Role.COOK:
        call_edits = _cook_setting(step, call, builds[group.leader.file.path], line)
        if not sequential and len(_bins(group)) > 1 and not _repeats_bin(group):
            line.edits += call_edits + _removed(step.item, call, _SELECTION)
            line.notes.append("cook takes no --bin: this cargo-chef knows it only once")
            return
    else:
        _check_folders(pairs)
        _other_commands(pairs, step, line)
    if sequential:
        edits = _sequence(step, pairs, builds)
    else:
        bins = _bins(group, pairs if step.role is Role.BUILD else None)
        edits = [*call_edits, *_joint(step, call, bins), *_strictest(call, pairs)]
        edits += _inline_environment(step, call, pairs)
    line.edits = _coalesced([*edits, *line.edits])


def _coalesced(edits: Sequence[Edit]) -> list[Edit]:
    """Insertions at one offset as one edit, in the order in which they were made."""
    inserted: dict[Span, bytes] = {}
    kept: list[Edit] = []
    for edit in edits:
        if edit.span.length:
            kept.append(edit)
        else:
            inserted[edit.span] = inserted.get(edit.span, b"") + edit.replacement
    return [*kept, *(Edit(span, text) for span, text in inserted.items())]


def _builds(group: Group) -> dict[str, CargoCall]:
    found = {}
    for member in group.members:
        for step in member.file.steps:
            call = step.call if step.role is Role.BUILD else None
            if call is not None:
                found[member.file.path] = call
    return found


def _bins(group: Group, pairs: Sequence[tuple[RustFile, Step]] | None = None) -> list[str]:
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
    if any(_whole(call) for _, call in calls):
        return []
    names: list[str] = []
    for file, call in calls:
        names += call.bins or file.shipped
    return list(dict.fromkeys(names))


def _whole(build: CargoCall) -> bool:
    """Whether a build names the whole workspace: it is left so, since `--bin` alone looks in
    the default members only."""
    return (build.has("workspace") or build.has("all")) and not build.bins


def _repeats_bin(group: Group) -> bool:
    for step in group.common:
        if step.role is Role.CHEF:
            found = re.search(r"(\d+)\.(\d+)\.(\d+)", step.item.arguments)
            return found is None or tuple(map(int, found.groups())) >= _REPEATED_BIN
    return True


def _joint(step: Step, call: CargoCall, bins: Sequence[str]) -> list[Edit]:
    """`--bin a --bin b` where the first selection stood, else at the end of the command."""
    if not bins:
        return _removed(step.item, call, _SELECTION)
    text = " ".join(f"--bin {name}" for name in bins)
    chosen = [flag for flag in call.flags if flag.name in _SELECTION]
    if not chosen:
        end = call.command.words[-1].span.end
        return [Edit(Span(end, end), f" {text}".encode())]
    first = chosen[0]
    span = Span(first.words[0].span.start, first.words[-1].span.end)
    edits = [Edit(span, text.encode())]
    for flag in chosen[1:]:
        edits += _without(step.item, call.command, flag.words[0].span, flag.words[-1].span)
    return edits


def _strictest(call: CargoCall, pairs: Sequence[tuple[RustFile, Step]]) -> list[Edit]:
    """`--locked` and the like where another file's command has it: nothing gets looser."""
    calls = [mine.call for _, mine in pairs if mine.call is not None]
    missing = [n for n in _STRICT if any(c.has(n) for c in calls) and not call.has(n)]
    end = call.command.words[-1].span.end
    return [Edit(Span(end, end), f" --{name}".encode()) for name in missing]


def _sequence(
    step: Step,
    pairs: Sequence[tuple[RustFile, Step]],
    builds: dict[str, CargoCall],
) -> list[Edit]:
    """One call a file in one RUN: the same bytes as separate builds, dependencies once.

    Each call is its file's own, inline environment included.
    """
    parts: list[str] = []
    for file, mine in pairs:
        for call in mine.calls:
            build = builds[file.path]
            cooks = mine.role is Role.COOK
            edits = _cook_setting(mine, call, build, Line()) if cooks else []
            own = build if cooks and build.verb == "build" else call
            selection = ""
            if own.compiles and (cooks or call.selects_all):
                edits += _removed(mine.item, call, _SELECTION)
                selection = _selection(own, file)
            bare = _apply(mine.item.source.data, _with_prefix(call.command), edits).rstrip()
            parts.append(f"{bare} {selection}".rstrip())
    unique = list(dict.fromkeys(parts))
    newline = step.item.source.newline.bytes.decode()
    joint = " && " if step.item.heredocs else f" {step.item.escape}{newline}    && "
    first, last = step.calls[0].command, step.calls[-1].command
    span = Span(_with_prefix(first).start, _with_prefix(last).end)
    return [Edit(span, joint.join(unique).encode("utf-8", "surrogateescape"))]


def _selection(call: CargoCall, file: RustFile) -> str:
    """The selecting flags of a call as written; the shipped binaries where it has none."""
    words = [w.written for flag in call.flags if flag.name in _SELECTION for w in flag.words]
    return " ".join(words) or " ".join(f"--bin {name}" for name in file.shipped)


def _inline_environment(
    step: Step, call: CargoCall, pairs: Sequence[tuple[RustFile, Step]]
) -> list[Edit]:
    """`NAME=value` before the cargo commands of other files, put before this one too."""
    known = {a.name: a.value.written if a.value else "" for a in call.command.assignments}
    added: list[str] = []
    for file, mine in pairs:
        for assignment in mine.call.command.assignments if mine.call is not None else ():
            value = assignment.value.written if assignment.value is not None else ""
            if known.setdefault(assignment.name, value) != value:
                raise CannotJoinError(file, mine, f"{assignment.name} has two values")
            text = f"{assignment.name}={value} "
            if mine is not step and text not in added and not _has(call, assignment.name):
                added.append(text)
    start = _with_prefix(call.command).start
    return [Edit(Span(start, start), "".join(added).encode())] if added else []


def _has(call: CargoCall, name: str) -> bool:
    return any(assignment.name == name for assignment in call.command.assignments)


def _with_prefix(command: Command) -> Span:
    start = min([command.span.start, *(a.span.start for a in command.assignments)])
    return Span(start, command.words[-1].span.end)


def _cook_setting(step: Step, call: CargoCall, build: CargoCall, line: Line) -> list[Edit]:
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
    edits = _removed(step.item, call, _SETTING)
    return [*edits, Edit(Span(end, end), f" {words}".encode())] if words else edits


def _removed(item: Instruction, call: CargoCall, names: frozenset[str]) -> list[Edit]:
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


def _apply(data: bytes, span: Span, edits: Sequence[Edit]) -> str:
    out, at = [], span.start
    for edit in sorted(edits):
        out += [data[at : edit.span.start], edit.replacement]
        at = edit.span.end
    out.append(data[at : span.end])
    return b"".join(out).decode("utf-8", "surrogateescape")


def _check_folders(pairs: Sequence[tuple[RustFile, Step]]) -> None:
    """No image may copy a folder into which the other files' programs come now."""
    for file, step in pairs:
        made = [path for other, _ in pairs if other is not file for path in other.outputs]
        for path in file.taken:
            more = {p for p in made if _lies_in(p, path) and p not in file.outputs}
            if more:
                raise CannotJoinError(
                    file, step, f"its image copies all of {path}, where {min(more)} would lie too",
                    "copy the program by its name",
                )  # fmt: skip


def _lies_in(path: str, copied: str) -> bool:
    """Whether a copied path, which may be a pattern, brings a file along."""
    if any(sign in copied for sign in "*?["):
        return fnmatch.fnmatchcase(path, copied)
    return path.startswith(f"{copied.rstrip('/')}/")


def _other_commands(pairs: Sequence[tuple[RustFile, Step]], leader: Step, line: Line) -> None:
    """What stands beside cargo in a build step (`cp`, `strip`): the leader's stays, commands
    that only other files have follow at the end, joined by `&&`."""
    mine = flat_list(leader.script)
    lists = [(file, step, flat_list(step.script)) for file, step in pairs]
    if mine is None or any(found is None for _, _, found in lists):
        texts = {step.item.text for _, step in pairs}
        if len(texts) > 1:
            raise CannotJoinError(
                pairs[0][0], leader, "its build step is no plain list of commands",
                "write it as `a && b`, without branches and loops",
            )  # fmt: skip
        return
    known = {_spelled(command) for command in mine if not _is_build(leader, command)}
    taken = {path for command in mine for path in written_paths(command)}
    added: list[str] = []
    for file, step, found in lists:
        for command in found or ():
            text = _spelled(command)
            if step is leader or _is_build(step, command) or text in known:
                continue
            twice = next((path for path in written_paths(command) if path in taken), "")
            if twice:
                raise CannotJoinError(
                    file, step, f"two files write {twice}",
                    "give the copy another name, here and in the COPY --from",
                )  # fmt: skip
            taken.update(written_paths(command))
            known.add(text)
            added.append(text)
    if added:
        end = mine[-1].span.end
        joint = _joint_of(leader.item, mine)
        line.edits.append(Edit(Span(end, end), "".join(joint + text for text in added).encode()))


def _joint_of(item: Instruction, commands: Sequence[Command]) -> str:
    """What stands between the last two commands, as they are written; `&&` on a line of its
    own where only one command is, or more than a separator stands there."""
    newline = item.source.newline.bytes.decode()
    if len(commands) > 1:
        gap = item.source.text(Span(commands[-2].span.end, commands[-1].span.start))
        between = gap.replace(item.escape, "").replace(";", " ; ").split()
        if newline in gap and between in ([], ["&&"], [";"]):
            return gap
    return " && " if item.heredocs else f" {item.escape}{newline}    && "


def _is_build(step: Step, command: Command) -> bool:
    call = step.call
    return call is not None and call.command == command


def _spelled(command: Command) -> str:
    return " ".join(word.written for word in command.words)


def _packages(group: Group, step: Step, pairs: Sequence[tuple[RustFile, Step]], line: Line) -> None:
    """The union of package lists; the fullest list verbatim when it holds all others."""
    lists = {file.path: (file, package_words(mine)) for file, mine in pairs}
    wanted: dict[str, list[str]] = {}
    for file, found in lists.values():
        for word in found[1] if found is not None else ():
            wanted.setdefault(word, []).append(file.binary)
    versions: dict[str, str] = {}
    for word in wanted:
        name = re.split(r"[=<>~@]", word)[0]
        if versions.setdefault(name, word) != word:
            file, mine = next((f, s) for f, s in pairs if s.item is not step.item)
            raise CannotJoinError(
                file, mine, f"conflicting versions of a package: {versions[name]} and {word}"
            )
    here = package_words(step)
    missing = [word for word in wanted if here is not None and word not in here[1]]
    if missing:
        line.edits += _appended(step, missing)
    partial = {w: names for w, names in wanted.items() if len(names) < len(group.members)}
    if not partial:
        return
    by_owner: dict[str, list[str]] = {}
    for word, names in partial.items():
        by_owner.setdefault(", ".join(names), []).append(word)
    owner = next((file.binary for file, mine in pairs if mine.item is step.item), "")
    if not missing and len(by_owner) == 1 and len(partial) == len(wanted):
        line.above.append(f"Only for {next(iter(by_owner))}.")
        return
    if missing:
        line.above.append("United package lists. Not asked for by every binary:")
    else:
        line.above.append(f"The list of {owner}, which holds the others'. Only some ask for:")
    line.above += [f"  {', '.join(words)} ({names})" for names, words in by_owner.items()]


def _appended(step: Step, missing: Sequence[str]) -> list[Edit]:
    """Add words behind the last package, each on a line of its own where the list is so."""
    known = set((package_words(step) or ("", ()))[1])
    words = [
        word
        for command in (step.script.commands() if step.script else ())
        for word in command.words
        if (word.value or word.written) in known
    ]
    last = words[-1].span
    data = step.item.source.data
    start = data.rfind(b"\n", 0, last.start) + 1
    alone = data[start : last.start].strip() == b"" and start > step.item.span.start
    if alone:
        indent = data[start : last.start].decode()
        newline = step.item.source.newline.bytes.decode()
        text = "".join(f" {step.item.escape}{newline}{indent}{word}" for word in missing)
    else:
        text = "".join(f" {word}" for word in missing)
    return [Edit(Span(last.end, last.end), text.encode())]
