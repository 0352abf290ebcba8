"""The build context as a tree, and what patterns leave of a tree.

Follows `fsutil.NewFilterFS`: a folder is there when it is taken itself or when something in
it is. Knows the snapshot, patterns and trees; knows no Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dockerfix.facts.trees.globs import has_wildcard
from dockerfix.facts.trees.ignore import Judge, Verdict
from dockerfix.facts.trees.tree import Folder, FromContext, LinkFromContext, Unwalked
from dockerfix.text import Entry, Kind, Snapshot, inner_path


def context_tree(snapshot: Snapshot, context: str) -> Folder:
    """Everything below a folder of the snapshot; `""` is the root.

    What the snapshot did not look into is there, as a folder whose contents are not known.
    """
    entries = snapshot.entries
    made = {"": Folder()}
    _fill(made, ((path, entries[path]) for path in snapshot.below(context)), context)
    for path in sorted(snapshot.opaque):
        if path in entries:
            continue  # a link to a folder is a link
        if path == context or not context or path.startswith(context + "/"):
            _make(made, inner_path(path, context)).also((Unwalked(path),))
    return made[""]


def tree_of(entries: Iterable[tuple[str, Entry]], context: str) -> Folder:
    """The tree of all entries below a folder; their paths are relative to the root."""
    made = {"": Folder()}
    _fill(made, entries, context)
    return made[""]


def _fill(made: dict[str, Folder], entries: Iterable[tuple[str, Entry]], context: str) -> None:
    for path, entry in entries:
        head, _, name = inner_path(path, context).rpartition("/")
        folder = made.get(head)
        if folder is None:
            folder = _make(made, head)
        if entry.kind is Kind.SYMLINK:
            folder.children[name] = LinkFromContext(path, entry.link)
        else:
            folder.children[name] = FromContext(path)


def _make(made: dict[str, Folder], path: str) -> Folder:
    folder = made.get(path)
    if folder is None:
        head, _, name = path.rpartition("/")
        folder = made[path] = Folder()
        _make(made, head).children[name] = folder
    return folder


def select(root: Folder, include: Judge | None = None, exclude: Judge | None = None) -> Folder:
    """What is left of a tree when only what `include` matches is taken (None: everything) and
    nothing that `exclude` matches (None: nothing)."""
    if include is None and (exclude is None or not exclude.patterns):
        return root
    return _Selection(include, exclude).of(root, "", _Above()) or Folder()


class _Above(NamedTuple):
    """The verdicts on the folder above."""

    include: Verdict | None = None
    exclude: Verdict | None = None


class _Selection(NamedTuple):
    include: Judge | None
    exclude: Judge | None

    def of(self, folder: Folder, prefix: str, above: _Above) -> Folder | None:
        """What is left of a folder; None when nothing is and the folder is not taken itself."""
        kept = Folder()
        for name, node in folder.children.items():
            path = prefix + name
            if not isinstance(node, Folder):
                if self.takes(path, above):
                    kept.children[name] = node
                continue
            verdicts = self.judge(path, above)
            if self.may_hold(path, verdicts):
                inner = self.of(node, path + "/", verdicts)
                if inner is not None:
                    kept.children[name] = inner
        if folder.unknown and self.may_hold(prefix[:-1], above):
            kept.also(folder.unknown)
        taken = not prefix or self.taken(above)
        return kept if taken or kept.children or kept.unknown else None

    def judge(self, path: str, above: _Above) -> _Above:
        """The verdicts on a path."""
        return _Above(
            None if self.include is None else self.include.judge(path, above.include),
            None if self.exclude is None else self.exclude.judge(path, above.exclude),
        )

    def takes(self, path: str, above: _Above) -> bool:
        """Whether something that is no folder is taken."""
        if self.include is not None and not self.include.matches(path, above.include):
            return False
        return self.exclude is None or not self.exclude.matches(path, above.exclude)

    def taken(self, verdicts: _Above) -> bool:
        """Whether what was judged is taken."""
        included = verdicts.include is None or verdicts.include.matched
        return included and not (verdicts.exclude is not None and verdicts.exclude.matched)

    def may_hold(self, path: str, verdicts: _Above) -> bool:
        """Whether a folder is taken or anything below it may be."""
        include, exclude = verdicts.include, verdicts.exclude
        if self.exclude is not None and exclude is not None and exclude.matched:
            return self.exclude.may_differ_below(path)
        if self.include is None or include is None or include.matched:
            return True
        parts = path.split("/")
        return any(_may_match_below(pattern, parts) for pattern in self.include.patterns)


def _may_match_below(pattern: str, folder: list[str]) -> bool:
    """Whether a pattern may match something in a folder that it does not match itself."""
    parts = pattern.split("/")
    for part, name in zip(parts, folder, strict=False):
        if "**" in part:
            return True
        if part != name and not has_wildcard(part) and "\\" not in part:
            return False
    return len(parts) > len(folder) or "[" in pattern
