"""Commands of several steps as one list: what all of them run, in an order that suits each.

Knows the commands of a RUN; what cargo is told it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockerfix.api import Command, Edit, Instruction, Run, Span
from dockerfix_transforms.merge_rust.read.member import changes_folder
from dockerfix_transforms.merge_rust.read.rust_file import RustFile
from dockerfix_transforms.merge_rust.read.steps import (
    Step,
    flat_list,
    written_paths,
)
from dockerfix_transforms.merge_rust.write.line import CannotJoinError, Line


def in_one_list(pairs: Sequence[tuple[RustFile, Step]], leader: Step, line: Line) -> bool:
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
            text = spelling(command)
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
    return "\0cargo" if _is_build(step, command) else spelling(command)


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


def spelling(command: Command) -> str:
    """The words of a command as they stand."""
    return " ".join(word.written for word in command.words)
