"""Lines of an ignore file that do nothing on a tree: it is the same without all of them.

Knows one ignore file and one tree, and says nothing of files that may come.
"""

from __future__ import annotations

from msgspec import Struct

from dockerfix.facts.trees.ignore import IgnoreFile, IgnoreLine, Judge, Verdict
from dockerfix.facts.trees.tree import Folder, child


class IdleLine(Struct, frozen=True):
    """A line that does nothing, and whether it matches anything at all."""

    line: IgnoreLine
    matches: bool


def idle_lines(root: Folder, file: IgnoreFile) -> tuple[IdleLine, ...]:
    """The lines that can be removed together without a change, in the order of the file.

    Of two lines that do the same the first stays when the second never comes to matter, else
    the second. No line that is left does nothing. Raises `BadIgnoreError`.
    """
    judge = Judge(file.rules)
    hits = _hits(root, judge)
    matching = {number for number, paths in enumerate(hits) if paths}
    left, judge = sorted(matching), Judge([file.lines[n].rule for n in sorted(matching)])
    changed = True
    while changed and left:
        changed = False
        hits = _hits(root, judge)
        for at in reversed(range(len(left))):
            shorter = Judge([file.lines[n].rule for n in (*left[:at], *left[at + 1 :])])
            if not any(_differs(root, judge, shorter, path) for path in hits[at]):
                # The hits of the lines above do not depend on those below.
                del left[at]
                judge, changed = shorter, True
    return tuple(
        IdleLine(line, number in matching)
        for number, line in enumerate(file.lines)
        if number not in left
    )


def _hits(root: Folder, judge: Judge) -> list[list[str]]:
    """For each pattern the paths that it matches itself and not through a folder above,
    where its answer is asked for at all."""
    hits: list[list[str]] = [[] for _ in judge.patterns]
    waiting: list[tuple[Folder, str, Verdict | None]] = [(root, "", None)]
    while waiting:
        folder, prefix, above = waiting.pop()
        for name, node in folder.children.items():
            path = prefix + name
            verdict = judge.judge(path, above)
            if verdict is not above:
                _note(hits, path, verdict, above)
            if isinstance(node, Folder) and not (
                verdict.matched and not judge.may_differ_below(path)
            ):
                waiting.append((node, path + "/", verdict))
    return hits


def _note(hits: list[list[str]], path: str, verdict: Verdict, above: Verdict | None) -> None:
    for number, hit in enumerate(verdict.each):
        if hit and (above is None or not above.each[number]):
            hits[number].append(path)


def _differs(root: Folder, before: Judge, after: Judge, path: str) -> bool:
    """Whether two lists of patterns judge anything at or below a path differently."""
    node = root
    for name in path.split("/")[:-1]:
        below = child(node, name)
        assert isinstance(below, Folder)  # the path was found in this tree
        node = below
    name = path.rpartition("/")[2]
    first, second = before.judge_path(path), after.judge_path(path)
    waiting = [(node.children[name], path, first, second)]
    while waiting:
        at, path, first, second = waiting.pop()
        if not isinstance(at, Folder):
            if first.matched != second.matched:
                return True
            continue
        if _is_closed(before, path, first) and _is_closed(after, path, second):
            continue
        for name, below in at.children.items():
            inner = f"{path}/{name}"
            waiting.append((below, inner, before.judge(inner, first), after.judge(inner, second)))
    return False


def _is_closed(judge: Judge, path: str, verdict: Verdict) -> bool:
    """Whether a folder is left out with everything in it."""
    return verdict.matched and not judge.may_differ_below(path)
