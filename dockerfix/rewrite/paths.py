"""Paths named outside of build commands: another path in the same words.

Two items of one YAML list that come to name the same file become one. Knows where paths
stand; what they mean there is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dockerfix.facts.mentions import PathMention
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Edits
from dockerfix.rewrite.yaml_edits import removed_item
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, YamlError, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Span


def set_paths(facts: Facts, mentions: Sequence[PathMention]) -> Edits:
    """Edits that write each mention's successor; mentions without one are left alone."""
    by_path: dict[str, list[PathMention]] = {}
    for mention in mentions:
        if mention.successor is not None:
            by_path.setdefault(mention.place.path, []).append(mention)
    edits: Edits = []
    for path, listed in by_path.items():
        new = {m.place.span: m.successor or "" for m in listed}
        lists = path.endswith((".yml", ".yaml", ".json"))
        repeated = [
            *_named_again(facts, path, new),
            *(_repeated(facts, path, new) if lists else []),
        ]
        covered = [edit.span for edit in repeated]
        edits += [(path, edit) for edit in repeated]
        edits += [
            (path, Edit(span, text.encode()))
            for span, text in new.items()
            if not any(cover.contains(span) for cover in covered)
        ]
    return edits


_JOINTS = re.compile(r"[ \t]+|`, `|`,? and `|, |,? and ")


def _named_again(facts: Facts, path: str, new: dict[Span, str]) -> list[Edit]:
    """Neighbours in a line that would name the same file again, with what joins them."""
    source = facts.snapshot.source(path)
    edits: list[Edit] = []
    last: Span | None = None
    for span in sorted(new):
        joint = source.text(Span(last.end, span.start)) if last is not None else ""
        if last is not None and new[span] == new[last] and _JOINTS.fullmatch(joint):
            edits.append(Edit(Span(last.end, span.end), b""))
        last = span
    return edits


def _repeated(facts: Facts, path: str, new: dict[Span, str]) -> list[Edit]:
    """List items that would say what an item before them says."""
    try:
        root = facts.snapshot.derive(path, parse_yaml).root
    except YamlError:
        return []
    edits: list[Edit] = []
    for sequence in _sequences(root):
        seen: set[str] = set()
        for index, item in enumerate(sequence.items):
            if not isinstance(item, Scalar) or sequence.aliased[index]:
                continue
            inner = next((s for s in new if item.span.contains(s)), None)
            old = facts.snapshot.source(path).text(inner) if inner is not None else ""
            changed = inner is not None and item.text.count(old) == 1
            text = item.text.replace(old, new[inner]) if inner and changed else item.text
            if changed and text in seen:
                edits.append(removed_item(sequence, index))
            seen.add(text)
    return edits


def _sequences(node: Node | None) -> Iterator[YamlSequence]:
    """All lists that are written below a node."""
    if isinstance(node, YamlSequence):
        yield node
        for item, aliased in zip(node.items, node.aliased, strict=True):
            if not aliased:
                yield from _sequences(item)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            if not entry.aliased:
                yield from _sequences(entry.value)
