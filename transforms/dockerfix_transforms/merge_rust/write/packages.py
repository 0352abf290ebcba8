"""Package lists of several files as one, and commands that stand once in a united list.

Knows shell commands that install; knows no cargo.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerfix.api import Edit, Span
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import (
    Step,
    package_words,
    packages_of,
)
from dockerfix_transforms.merge_rust.write.line import CannotJoinError, Line
from dockerfix_transforms.merge_rust.write.wording import listed


def unite_packages(
    group: Group, step: Step, pairs: Sequence[tuple[InputFile, Step]], line: Line
) -> None:
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
                file, mine, f"conflicting versions of a package: {versions[name]} and {word}",
                f"Install one version of {name} in all files.",
            )  # fmt: skip
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
    if not missing and len(by_owner) == 1 and len(partial) == len(wanted):
        line.above.append(f"Needed by {listed(names_of(next(iter(by_owner))))} only.")
        return
    for owners, words in by_owner.items():
        verb = "is" if len(words) == 1 else "are"
        who = listed(names_of(owners))
        line.above.append(f"{listed(words)} {verb} needed by {who} only.")


def names_of(joined: str) -> list[str]:
    """The names in a list that `, ` joins."""
    return joined.split(", ")


def _appended(step: Step, missing: Sequence[str]) -> list[Edit]:
    """Add words behind the last package, each on a line of its own where the list is so."""
    known = packages_of(step)
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
