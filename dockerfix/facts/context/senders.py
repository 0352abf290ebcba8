"""How much of a context each kind of builder is sent, counted by the files of the repository.

BuildKit asks for what COPY, ADD and bind mounts name. kaniko, buildah and podman hold the whole
context and read `<Dockerfile>.dockerignore` as BuildKit does; the classic builder is sent the
whole context and reads the `.dockerignore` in it alone. Knows snapshots and ignore files; what
lies on the disk beside the repository's files it does not know.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.ignore import Judge, read_ignore
from dockerfix.facts.trees.sources import select
from dockerfix.facts.trees.tree import Folder, FromContext, leaves
from dockerfix.facts.trees.weight import HeavyEntry, Scale, Weight


class Sent(Struct, frozen=True):
    """What BuildKit is sent; what kaniko, buildah and podman hold (`whole`); what the classic
    builder is sent."""

    buildkit: Weight = Weight()
    whole: Weight = Weight()
    classic: Weight = Weight()

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.buildkit + other.buildkit,
            self.whole + other.whole,
            self.classic + other.classic,
        )


def sent_of(
    facts: Facts,
    context: str,
    asked: Sequence[str] | None,
    rules: Sequence[str],
    classic: Sequence[str],
) -> Sent:
    """The weights of a context of which `asked` (patterns; None for all) is used.

    `rules` are those of the ignore file that counts for the Dockerfile, `classic` those of the
    `.dockerignore` in the context. Raises `BadIgnoreError`.
    """
    tree = facts.tree(context)
    left = select(tree, exclude=Judge(rules))
    used = left if asked is None else select(left, Judge(asked))
    plain = left if tuple(classic) == tuple(rules) else select(tree, exclude=Judge(classic))
    return Sent(*(_weight(facts, part) for part in (used, left, plain)))


def heaviest(
    facts: Facts, context: str, rules: Sequence[str], count: int
) -> tuple[HeavyEntry, ...]:
    """The entries that hold most of what an ignore file with these rules leaves, heaviest first.
    Raises `BadIgnoreError`."""
    left = select(facts.tree(context), exclude=Judge(rules))
    sizes = {path: entry.size for path, entry in facts.snapshot.entries.items()}
    return Scale(sizes).largest(left, count)


def rules_of(facts: Facts, context: str, dockerfile: str) -> tuple[str, ...]:
    """The rules of the ignore file that BuildKit reads for a build."""
    path = facts.ignore_path(context, dockerfile)
    return facts.snapshot.derive(path, read_ignore).rules if path is not None else ()


def classic_rules(facts: Facts, context: str) -> tuple[str, ...]:
    """The rules of the ignore file that the classic builder reads."""
    path = posixpath.join(context, ".dockerignore")
    return facts.snapshot.derive(path, read_ignore).rules if path in facts.snapshot else ()


def emptied(facts: Facts, context: str, rules: Sequence[str]) -> str | None:
    """The first file that BuildKit would send without its content, see `Judge.empties`."""
    judge = Judge(rules)
    left = select(facts.tree(context), exclude=judge)
    return next((path for path, _ in leaves(left) if judge.empties(path)), None)


def _weight(facts: Facts, tree: Folder) -> Weight:
    entries = facts.snapshot.entries
    found = [leaf.path for _, leaf in leaves(tree) if isinstance(leaf, FromContext)]
    return Weight(len(found), sum(entries[path].size for path in found if path in entries))
