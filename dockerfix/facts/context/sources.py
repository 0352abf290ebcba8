"""The build context as a tree, and what patterns leave of a tree.

Follows `fsutil.NewFilterFS`: a folder is there when it is taken itself or when something in
it is. Knows the snapshot, patterns and trees; knows no Dockerfile.
"""

from __future__ import annotations

from dataclasses import dataclass

from dockerfix.facts.context.globs import has_wildcard
from dockerfix.facts.context.ignore import Judge, Verdict
from dockerfix.facts.context.tree import Folder, FromContext, LinkFromContext, Unwalked
from dockerfix.text import Kind, Snapshot


def context_tree(snapshot: Snapshot, context: str) -> Folder:
    """Everything below a folder of the snapshot; `""` is the root.

    What the snapshot did not look into is there, as a folder whose contents are not known.
    """
    root = Folder()
    made: dict[str, Folder] = {"": root}
    cut = len(context) + 1 if context else 0
    entries = snapshot.entries
    for path in snapshot.below(context):
        head, _, name = path[cut:].rpartition("/")
        folder = made.get(head)
        if folder is None:
            folder = _make(made, head)
        entry = entries[path]
        if entry.kind is Kind.SYMLINK:
            folder.children[name] = LinkFromContext(path, entry.link)
        else:
            folder.children[name] = FromContext(path)
    for path in sorted(snapshot.opaque):
        if path in entries:
            continue  # a link to a folder is a link
        if path == context:
            root.also((Unwalked(path),))
        elif not context or path.startswith(context + "/"):
            _make(made, path[cut:]).also((Unwalked(path),))
    return root


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
    plain = include is not None and not any(map(has_wildcard, include.patterns))
    return _Selection(include, exclude, plain).of(root, "", _Above()) or Folder()


@dataclass(frozen=True, slots=True)
class _Above:
    """The verdicts on the folder above."""

    include: Verdict | None = None
    exclude: Verdict | None = None


@dataclass(frozen=True, slots=True)
class _Selection:
    include: Judge | None
    exclude: Judge | None
    plain: bool
    """Whether the patterns to include are paths without wildcards."""

    def of(self, folder: Folder, prefix: str, above: _Above) -> Folder | None:
        """What is left of a folder; None when nothing is and the folder is not taken itself."""
        kept = Folder()
        for name, node in folder.children.items():
            path = prefix + name
            verdicts = self.judge(path, above)
            if not isinstance(node, Folder):
                if self.taken(verdicts):
                    kept.children[name] = node
            elif self.may_hold(path, verdicts):
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

    def taken(self, verdicts: _Above) -> bool:
        """Whether what was judged is taken."""
        included = verdicts.include is None or verdicts.include.matched
        return included and not (verdicts.exclude is not None and verdicts.exclude.matched)

    def may_hold(self, path: str, verdicts: _Above) -> bool:
        """Whether a folder is taken or anything below it may be."""
        include, exclude = verdicts.include, verdicts.exclude
        if self.exclude is not None and exclude is not None and exclude.matched:
            return self.exclude.may_differ_below(path)
        if self.include is None or include is None or include.matched or not self.plain:
            return True
        return any(pattern.startswith(path + "/") for pattern in self.include.patterns)
