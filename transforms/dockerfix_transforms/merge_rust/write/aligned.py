"""Commands of several steps as one list: what all of them run, in an order that suits each.

Knows the commands of a RUN; what cargo is told it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from dockerfix.api import Command, Edit, Instruction, Run, Span, Statement
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.member import changes_folder
from dockerfix_transforms.merge_rust.read.steps import (
    Step,
    statement_list,
    written_paths,
)
from dockerfix_transforms.merge_rust.write.line import CannotJoinError, Line, joint_of


class _Item(Struct, frozen=True):
    """A statement of a list with what it is compared by; `redirected` says that its output goes
    elsewhere."""

    statement: Statement
    key: str
    redirected: bool


def in_one_list(pairs: Sequence[tuple[InputFile, Step]], leader: Step, line: Line) -> bool:
    """Whether what stands beside cargo (`cp`, `strip`, an `if`) is a list of statements in every
    file: the leader's stays, and commands that only others have come before the next statement
    that they share, so that a common end stays the end."""
    mine = _listed(leader)
    lists = [(file, step, _listed(step)) for file, step in pairs]
    if not mine or any(changes_folder(step) for _, step in pairs):
        return False
    keys = [item.key for item in mine]
    taken = {path: item.key for item in mine for path in _written(item)}
    added: dict[int, list[str]] = {}
    for file, step, found in lists:
        if found is None:
            return False
        for before, item in _behind(keys, found) if step is not leader else ():
            if not isinstance(item.statement, Command) or item.redirected:
                return False
            for path in _written(item):
                if taken.setdefault(path, item.key) != item.key:
                    raise CannotJoinError(
                        file, step, f"two files write {path}",
                        "Give the copy another name, here and in the COPY --from.",
                    )  # fmt: skip
            if item.key not in added.setdefault(before, []):
                added[before].append(item.key)
    if any(mine[before - 1].redirected for before in added):
        return False
    statements = [item.statement for item in mine]
    for before, texts in added.items():
        end = statements[before - 1].span.end
        joint = joint_of(leader.item, statements[:before] if before > 1 else statements)
        line.edits.append(Edit(Span(end, end), "".join(joint + text for text in texts).encode()))
    return True


def _written(item: _Item) -> list[str]:
    return written_paths(item.statement) if isinstance(item.statement, Command) else []


def _listed(step: Step) -> tuple[_Item, ...] | None:
    """The statements of a step's list; None where it is no list, or cargo builds in a branch."""
    statements = statement_list(step.script)
    mapped = step.item.script if isinstance(step.item, Run) else None
    if statements is None or mapped is None or not mapped.pieces:
        return None
    ends = [*(item.span.start for item in statements[1:]), mapped.pieces[-1].span.end]
    found: list[_Item] = []
    for item, end in zip(statements, ends, strict=True):
        inside = [c for c in step.calls if item.span.contains(c.command.span)]
        behind = _redirection(_text(step.item, Span(item.span.end, max(end, item.span.end))))
        if inside and (behind or not isinstance(item, Command)):
            return None
        own = spelling(item) if isinstance(item, Command) else _text(step.item, item.span)
        key = "\0cargo" if inside else f"{own} {behind}".strip()
        found.append(_Item(item, key, bool(behind)))
    return tuple(found)


def _redirection(gap: str) -> str:
    """What stands behind a statement but for separators and a remark at the end."""
    before, sign, remark = f" {gap}".partition(" # ")
    kept = before if sign and not any(char in remark for char in "\"'") else gap
    return kept.strip(" ;&")


def _text(item: Instruction, span: Span) -> str:
    """The text of a span without continuations, comment lines and indentation."""
    text = item.source.text(span)
    lines = (line.strip().removesuffix(item.escape).strip() for line in text.split("\n"))
    return " ".join(" ".join(line for line in lines if line and line[0] != "#").split())


def _behind(keys: Sequence[str], items: Sequence[_Item]) -> Iterable[tuple[int, _Item]]:
    """The statements of another file that the leader lacks, each with the number of the
    leader's statement before which it comes."""
    at = 0
    for number, item in enumerate(items):
        if item.key in keys[at:]:
            at = keys.index(item.key, at) + 1
        elif item.key not in keys:
            rest = (other.key for other in items[number + 1 :])
            later = [keys.index(key, at) for key in rest if key in keys[at:]]
            yield (later[0] if later else len(keys)), item


def spelling(command: Command) -> str:
    """The words of a command as they stand."""
    return " ".join(word.written for word in command.words)
