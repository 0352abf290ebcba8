"""Shared lines: a prepare, cook, build or package list that serves several files.

Each function takes the steps that one merged step stands for and gives edits of the first
file's bytes, so that its layout, comments and flags stay. Knows lines; knows no stages.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dockerfix.api import CargoCall, Command, Edit, Instruction, Run, Span
from dockerfix_transforms.merge_rust.group.groups import Group
from dockerfix_transforms.merge_rust.read.inputs import RustFile
from dockerfix_transforms.merge_rust.read.member import changes_folder
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
    above it (without `# `), remarks for the report, and the steps of other files that stand
    whole behind it."""

    edits: list[Edit] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    more: list[tuple[RustFile, Step]] = field(default_factory=list)


def widened(group: Group, index: int) -> Line:
    """The line for the group's common step `index`; raises `CannotJoinError`."""
    step = group.common[index]
    pairs = [
        (member.file, mine)
        for member in group.members
        if (mine := member.matched[index]) is not None
    ]
    line = Line()
    if step.instead:
        line.edits.append(Edit(step.item.words[0].span, step.instead.encode()))
    if len(group.members) > 1 or any(m.file.member for m in group.members):
        if step.role in (Role.COOK, Role.BUILD):
            _cargo(group, step, pairs, line)
        elif step.role is Role.PACKAGES:
            _packages(group, step, pairs, line)
    whole = {id(step) for _, step in line.more}
    _foreign_comments(step.item, [p for p in pairs if id(p[1]) not in whole], line)
    return line


def cooked(group: Group, step: Step, pairs: Sequence[tuple[RustFile, Step]]) -> Line:
    """The line of a cook that stands beside the chain, for the files that have it."""
    line = Line()
    if len(pairs) > 1:
        _cargo(group, step, pairs, line)
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
    """A cook or a build that serves several files, by the first of these that is possible: the
    line as it stands, the same line around a wider command, a plain list with the commands of
    all files, or each file's RUN whole, one after the other (the target folder is shared, so
    that shared crates still compile once)."""
    call = step.call
    if call is None:
        raise CannotJoinError(pairs[0][0], step, "the cargo command cannot be read")
    if step.role is Role.BUILD:
        _check_folders(pairs)
    if _stays(group, step, pairs):
        return
    if not (_same_around(pairs) or _in_one_list(pairs, step, line)):
        _whole(pairs, line)
        return
    builds = _builds(group)
    alone = any(b.alone for b in builds.values()) or any(file.member for file, _ in pairs)
    sequential = alone or len(_settings(builds.values())) > 1
    call_edits: list[Edit] = []
    if step.role is Role.COOK:
        call_edits = _cook_setting(step, call, builds[group.leader.file.path], line)
        if not sequential and len(_bins(group)) > 1 and not _repeats_bin(group):
            line.edits += call_edits + _removed(step.item, call, _SELECTION)
            line.notes.append("cook takes no --bin: this cargo-chef knows it only once")
            return
    if sequential:
        edits = _sequence(step, pairs, builds)
    else:
        bins = _bins(group, pairs if step.role is Role.BUILD else None)
        edits = [*call_edits, *_joint(step, call, bins), *_strictest(call, pairs)]
        edits += _inline_environment(step, call, pairs)
    line.edits = _coalesced([*edits, *line.edits])


def _settings(calls: Iterable[CargoCall]) -> set[str]:
    """The different settings of calls: profile, features, target."""
    return {str(sorted(call.setting().items())) for call in calls}


def _stays(group: Group, step: Step, pairs: Sequence[tuple[RustFile, Step]]) -> bool:
    """Whether the line serves all files as it stands: a build that is spelled alike and names
    what it makes, or cannot be read; a cook of everything where the builds take single
    packages."""
    if len({_flat(mine) for _, mine in pairs}) > 1 or any(file.member for file, _ in pairs):
        return False
    calls = [call for _, mine in pairs for call in mine.calls]
    if step.role is Role.BUILD:
        return any(call.opaque for call in calls) or not any(call.selects_all for call in calls)
    return any(b.alone for b in _builds(group).values()) and all(c.selects_all for c in calls)


def _flat(step: Step) -> str:
    return " ".join(step.item.text.split())


def _same_around(pairs: Sequence[tuple[RustFile, Step]]) -> bool:
    """Whether the RUNs differ in their cargo commands only, each file having as many."""
    return len({_around(step) for _, step in pairs}) == 1 and not any(
        _piped(step) for _, step in pairs
    )


def _around(step: Step) -> str:
    """The text of a RUN with a NUL for each cargo command that counts."""
    data, at, parts = step.item.source.data, step.item.code.start, []
    for call in step.calls:
        span = _with_prefix(call.command)
        parts += [data[at : span.start].decode("utf-8", "surrogateescape"), "\0"]
        at = span.end
    parts.append(data[at : step.item.code.end].decode("utf-8", "surrogateescape"))
    text = "".join(parts).replace(step.item.escape + "\n", " ")
    kept = [line for line in text.split("\n") if not line.strip().startswith("#")]
    ids = "".join(f"id={m.option('id')}" for m in getattr(step.item, "mounts", ()))
    found = " ".join(" ".join(kept).split())
    for name in ids.split("id="):
        found = found.replace(f"id={name}", "id=") if name else found
    return found


def _piped(step: Step) -> bool:
    """Whether a cargo command is the head of a pipe, where no second one can follow it."""
    data = step.item.source.data
    ends = (call.command.words[-1].span.end for call in step.calls)
    rests = (data[end : step.item.code.end].lstrip() for end in ends)
    return any(rest[:1] == b"|" and rest[:2] != b"||" for rest in rests)


def _whole(pairs: Sequence[tuple[RustFile, Step]], line: Line) -> None:
    """Each file's RUN behind that of the file before; equal ones once."""
    taken: dict[str, str] = {}
    known: set[str] = set()
    for number, (file, step) in enumerate(pairs):
        for command in step.script.commands() if step.script is not None else ():
            for path in written_paths(command):
                if taken.setdefault(path, _spelled(command)) != _spelled(command):
                    raise CannotJoinError(
                        file, step, f"two files write {path}",
                        "give the copy another name, here and in the COPY --from",
                    )  # fmt: skip
        if _flat(step) not in known and number:
            line.more.append((file, step))
        known.add(_flat(step))


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
    if any(_takes_everything(call) for _, call in calls):
        return []
    names: list[str] = []
    for file, call in calls:
        names += call.bins or file.shipped
    return list(dict.fromkeys(names))


def _takes_everything(build: CargoCall) -> bool:
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
    """Calls one after the other in one RUN: the same bytes as separate builds, dependencies
    once. Each call is its file's own, inline environment included; those by `--bin` with the
    same setting share one, since `--bin` at the root unites features in any case."""
    parts: dict[str, list[str]] = {}
    for file, mine in pairs:
        for call in mine.calls:
            build = builds[file.path]
            cooks = mine.role is Role.COOK
            edits = _cook_setting(mine, call, build, Line()) if cooks else []
            own = build if cooks and build.verb == "build" else call
            selection = _words_of(call, own, file)
            if selection:
                edits += _removed(mine.item, call, _SELECTION)
            bare = _apply(mine.item.source.data, _with_prefix(call.command), edits).rstrip()
            shared = not (own.alone or file.member) and bool(own.bins or own.selects_all)
            key = bare if shared else f"{bare} {selection}"
            known = parts.setdefault(key, [bare])
            known += [word for word in _flags_of(selection) if word not in known]
    unique = [" ".join(words) for words in parts.values()]
    newline = step.item.source.newline.bytes.decode()
    joint = " && " if step.item.heredocs else f" {step.item.escape}{newline}    && "
    first, last = step.calls[0].command, step.calls[-1].command
    span = Span(_with_prefix(first).start, _with_prefix(last).end)
    return [Edit(span, joint.join(unique).encode("utf-8", "surrogateescape"))]


def _words_of(call: CargoCall, own: CargoCall, file: RustFile) -> str:
    """The selection that a call of the sequence needs, empty when it has it already and keeps
    it: what runs in a member's folder takes that member."""
    if file.member and not call.packages:
        return f"-p {file.member} {'' if call.selects_all else _selection(call, file)}".strip()
    if not own.compiles or not (call.verb == "chef cook" or call.selects_all or not own.alone):
        return ""
    return _selection(own, file)


def _flags_of(selection: str) -> list[str]:
    """The flags of a selection, each with its value: `--bin a`."""
    found: list[str] = []
    for word in selection.split():
        if word.startswith("-") or not found or " " in found[-1]:
            found.append(word)
        else:
            found[-1] += f" {word}"
    return found


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


def _in_one_list(pairs: Sequence[tuple[RustFile, Step]], leader: Step, line: Line) -> bool:
    """Whether what stands beside cargo (`cp`, `strip`) is a plain list in every file: the
    leader's stays, and what only others have comes before the next command that they share, so
    that a common end stays the end."""
    if any(changes_folder(step) for _, step in pairs):
        return False
    mine = flat_list(leader.script)
    lists = [(file, step, flat_list(step.script)) for file, step in pairs]
    redirected = any(sign in _script(step) for _, step in pairs for sign in "<>|")
    if mine is None or any(found is None for _, _, found in lists) or redirected:
        return False
    keys = [_key_of(leader, command) for command in mine]
    taken = {path: key for key, c in zip(keys, mine, strict=True) for path in written_paths(c)}
    added: dict[int, list[str]] = {}
    for file, step, found in lists:
        for before, command in _behind(keys, step, found or ()) if step is not leader else ():
            text = _spelled(command)
            for path in written_paths(command):
                if taken.setdefault(path, text) != text:
                    raise CannotJoinError(
                        file, step, f"two files write {path}",
                        "give the copy another name, here and in the COPY --from",
                    )  # fmt: skip
            if text not in added.setdefault(before, []):
                added[before].append(text)
    for before, texts in added.items():
        end = mine[before - 1].span.end
        joint = _joint_of(leader.item, mine[:before] if before > 1 else mine)
        line.edits.append(Edit(Span(end, end), "".join(joint + text for text in texts).encode()))
    return True


def _script(step: Step) -> str:
    """The text that the shell reads, a remark behind the last command left out."""
    mapped = step.item.script if isinstance(step.item, Run) else None
    text = mapped.text if mapped is not None else ""
    before, sign, remark = text.rpartition(" # ")
    return before if sign and not any(char in remark for char in "\"'\n") else text


def _key_of(step: Step, command: Command) -> str:
    return "\0cargo" if _is_build(step, command) else _spelled(command)


def _behind(
    keys: Sequence[str], step: Step, commands: Sequence[Command]
) -> Iterable[tuple[int, Command]]:
    """The commands of another file that the leader lacks, each with the number of the
    leader's command before which it comes."""
    at = 0
    rest = [_key_of(step, command) for command in commands]
    for number, command in enumerate(commands):
        key = rest[number]
        if key in keys[at:]:
            at = keys.index(key, at) + 1
        elif key not in keys:
            later = [keys.index(k, at) for k in rest[number + 1 :] if k in keys[at:]]
            yield (later[0] if later else len(keys)), command


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
    return any(call.command == command for call in step.calls)


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
