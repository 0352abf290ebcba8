"""Shared lines: a prepare, cook, build or package list that serves several files.

Each function takes the steps that one merged step stands for and gives edits of the first
file's bytes, so that its layout, comments and flags stay. Knows lines; knows no stages.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from dockerfix.api import Block, CargoCall, Edit, Instruction, Span
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import (
    Role,
    Step,
    statement_list,
    written_paths,
)
from dockerfix_transforms.merge_rust.write.aligned import in_one_list, spelling
from dockerfix_transforms.merge_rust.write.line import CannotJoinError, Line, one_a_line
from dockerfix_transforms.merge_rust.write.mounts import united_ids
from dockerfix_transforms.merge_rust.write.packages import unite_packages
from dockerfix_transforms.merge_rust.write.selection import (
    SELECTION,
    build_calls,
    cook_edits,
    in_sequence,
    inline_environment,
    joint_edits,
    selected_bins,
    strictest_flags,
    takes_bins,
    with_prefix,
    without_flags,
)
from dockerfix_transforms.merge_rust.write.wording import listed, said, united_lines


def widened(group: Group, index: int, beside: Sequence[tuple[InputFile, Step]] = ()) -> Line:
    """The line for the group's common step `index`; raises `CannotJoinError`. `beside` are equal
    steps of other groups that stand on it, whose comments it takes."""
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
            line.edits += united_ids(step, [mine for _, mine in pairs])
        elif step.role is Role.PACKAGES:
            unite_packages(group, step, pairs, line)
    whole = {id(step) for _, step in line.more}
    speaking = [*(pair for pair in pairs if id(pair[1]) not in whole), *beside]
    _foreign_comments(step.item, speaking, line)
    return line


def cooked(group: Group, step: Step, pairs: Sequence[tuple[InputFile, Step]]) -> Line:
    """The line of a cook that stands beside the chain, for the files that have it."""
    line = Line()
    if len(pairs) > 1:
        _cargo(group, step, pairs, line)
        line.edits += united_ids(step, [mine for _, mine in pairs])
    _foreign_comments(step.item, pairs, line)
    return line


def prepared(step: Step, others: Sequence[tuple[InputFile, Step]]) -> Line:
    """A planner's step: `cargo chef prepare` loses `--bin`, since the recipe serves all."""
    line = Line()
    call = step.call
    if step.role is Role.PREPARE and call is not None and len(others) > 1:
        line.edits += without_flags(step.item, call, frozenset({"bin"}))
    _foreign_comments(step.item, others, line)
    return line


def _foreign_comments(
    item: Instruction, pairs: Sequence[tuple[InputFile, Step]], line: Line
) -> None:
    """Comments that only other files have at this step: names that they have in place of the
    leader's come into the leader's lines; what else they say comes whole, behind the names of
    the binaries that it speaks of."""
    mine = [comment.text for comment in item.comments]
    line.comments = united_lines(mine, [_lines(step) for _, step in pairs if step.item is not item])
    known = [*line.comments, *(comment.text for comment in item.inner_comments)]
    gathered: dict[tuple[str, ...], list[str]] = {}
    for file, step in pairs:
        comments = (*step.item.comments, *step.item.inner_comments)
        texts = tuple(text for c in comments if (text := c.text.lstrip("#").strip()))
        new = [text for text in texts if not any(said(text, other) for other in known)]
        if new and step.item is not item and file.binary not in gathered.setdefault(texts, []):
            gathered[texts].append(file.binary)
    for texts, names in gathered.items():
        if len(texts) == 1:
            line.above.append(f"{texts[0]} ({', '.join(names)})")
        else:
            line.above += [f"For {listed(names)}:", *texts]


def _lines(step: Step) -> list[str]:
    return [comment.text for comment in step.item.comments]


def _cargo(group: Group, step: Step, pairs: Sequence[tuple[InputFile, Step]], line: Line) -> None:
    """A cook or a build that serves several files, by the first of these that is possible: the
    line as it stands, the same line around a wider command, a plain list with the commands of
    all files, or each file's RUN whole, one after the other (the target folder is shared, so
    that shared crates still compile once)."""
    call = step.call
    if call is None:
        raise CannotJoinError(
            pairs[0][0], step, "the cargo command cannot be read",
            "Write the cargo command out, without a variable for its verb.",
        )  # fmt: skip
    if step.role is Role.BUILD:
        _check_folders(pairs)
    if _stays(group, step, pairs):
        return
    builds = build_calls(group)
    alone = any(b.alone for b in builds.values()) or any(file.member for file, _ in pairs)
    sequential = alone or len(_settings(builds.values())) > 1
    around = _same_around(pairs) and not (sequential and any(_may_fail(s) for _, s in pairs))
    if not (around or in_one_list(pairs, step, line)):
        _whole(pairs, line)
        return
    call_edits: list[Edit] = []
    if step.role is Role.COOK:
        call_edits = cook_edits(step, call, builds[group.leader.file.path], line)
        if not sequential and len(selected_bins(group)) > 1 and not takes_bins(group):
            line.edits += call_edits + without_flags(step.item, call, SELECTION)
            line.notes.append("cook takes no --bin: this cargo-chef knows it only once")
            return
    if sequential:
        edits = in_sequence(step, pairs, builds, takes_bins(group))
    else:
        bins = selected_bins(group, pairs if step.role is Role.BUILD else None)
        beside = [builds[file.path] for file, _ in pairs]
        joint = joint_edits(step, call, bins, beside)
        edits = [*call_edits, *joint, *strictest_flags(step, call, pairs)]
        edits += inline_environment(step, call, pairs)
    line.edits = _coalesced([*edits, *line.edits])
    line.edits += one_a_line(step.item, statement_list(step.script) or (), line.edits)


def _settings(calls: Iterable[CargoCall]) -> set[str]:
    """The different settings of calls: profile, features, target."""
    return {str(sorted(call.setting().items())) for call in calls}


def _stays(group: Group, step: Step, pairs: Sequence[tuple[InputFile, Step]]) -> bool:
    """Whether the line serves all files as it stands: a build that is spelled alike and names
    what it makes, or cannot be read; a cook of everything where the builds take single
    packages."""
    if len({_flat(mine) for _, mine in pairs}) > 1 or any(file.member for file, _ in pairs):
        return False
    calls = [call for _, mine in pairs for call in mine.calls]
    if step.role is Role.BUILD:
        return any(call.opaque for call in calls) or not any(call.selects_all for call in calls)
    return any(b.alone for b in build_calls(group).values()) and all(c.selects_all for c in calls)


def _flat(step: Step) -> str:
    return " ".join(step.item.text.split())


def _same_around(pairs: Sequence[tuple[InputFile, Step]]) -> bool:
    """Whether the RUNs differ in their cargo commands only, each file having as many."""
    return len({_around(step) for _, step in pairs}) == 1 and not any(
        _piped(step) for _, step in pairs
    )


def _around(step: Step) -> str:
    """The text of a RUN with a NUL for each cargo command that counts."""
    data, at, parts = step.item.source.data, step.item.code.start, []
    for call in step.calls:
        span = with_prefix(call.command)
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


def _may_fail(step: Step) -> bool:
    """Whether a cargo command is part of a script that goes on when it fails, where a second one
    behind `&&` would be left out then."""
    statements = step.script.statements if step.script is not None else ()
    if len(statements) == 1:
        return isinstance(statements[0], Block) and statements[0].operator == "||"
    return bool(statements) and statement_list(step.script) is None


def _whole(pairs: Sequence[tuple[InputFile, Step]], line: Line) -> None:
    """Each file's RUN behind that of the file before; equal ones once."""
    taken: dict[str, str] = {}
    known: set[str] = set()
    for number, (file, step) in enumerate(pairs):
        for command in step.script.commands() if step.script is not None else ():
            for path in written_paths(command):
                if taken.setdefault(path, spelling(command)) != spelling(command):
                    raise CannotJoinError(
                        file, step, f"two files write {path}",
                        "Give the copy another name, here and in the COPY --from.",
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


def _check_folders(pairs: Sequence[tuple[InputFile, Step]]) -> None:
    """No image may copy a folder into which the other files' programs come now."""
    for file, step in pairs:
        made = [path for other, _ in pairs if other is not file for path in other.outputs]
        for path in file.taken:
            more = {p for p in made if _lies_in(p, path) and p not in file.outputs}
            if more:
                raise CannotJoinError(
                    file, step, f"its image copies all of {path}, where {min(more)} would lie too",
                    "Copy the program by its name.",
                )  # fmt: skip


def _lies_in(path: str, copied: str) -> bool:
    """Whether a copied path, which may be a pattern, brings a file along."""
    if any(sign in copied for sign in "*?["):
        return fnmatch.fnmatchcase(path, copied)
    return path.startswith(f"{copied.rstrip('/')}/")
