"""Paths named outside of build commands: another path in the same words.

Two items of one YAML list that come to name the same file become one. Knows where paths
stand; what they mean there is not its business.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from dockerfix.facts.mentions import PathMention
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.commented import commented_target
from dockerfix.rewrite.owners import OWNERS, united_owners
from dockerfix.rewrite.snippets import with_target
from dockerfix.rewrite.wanted import Edits
from dockerfix.rewrite.yaml_edits import removed_item
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, YamlError, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Source, Span

_DATA = (".yml", ".yaml", ".json")


def set_paths(
    facts: Facts, mentions: Sequence[PathMention], targets: Mapping[str, str] | None = None
) -> Edits:
    """Edits that write each mention's successor; mentions without one are left alone.

    `targets` give for old paths the target of the successor that stands for them: a document
    that names a file as code, or several that become one, says them behind the new name.
    """
    by_path: dict[str, list[PathMention]] = {}
    for mention in mentions:
        if mention.successor is not None:
            by_path.setdefault(mention.place.path, []).append(mention)
    edits: Edits = []
    for path, named in by_path.items():
        source = facts.snapshot.source(path)
        made = _repeated(facts, path, named) if path.endswith(_DATA) else []
        if posixpath.basename(path) == OWNERS:
            made = list(united_owners(source, named))
        rest = [m for m in named if not any(e.span.contains(m.place.span) for e in made)]
        made += _in_text(source, rest, targets or {})
        edits += [(path, edit) for edit in made]
    return edits


_JOINTS = re.compile(r"[ \t]+|`, `|`,? and `|, |,? and ")


def _in_text(
    source: Source, mentions: Sequence[PathMention], targets: Mapping[str, str]
) -> Iterator[Edit]:
    """Edits of a text: neighbours in a line that come to name the same file name it once."""
    run: list[PathMention] = []
    for mention in sorted(mentions, key=lambda mention: mention.place.span):
        if run and (
            run[-1].successor != mention.successor
            or not _JOINTS.fullmatch(source.text(_between(run[-1], mention)))
        ):
            yield _once(source, run, targets)
            run = []
        run.append(mention)
    if run:
        yield _once(source, run, targets)


def _once(source: Source, run: Sequence[PathMention], targets: Mapping[str, str]) -> Edit:
    """One name for neighbours that come to name the same file, with the targets that stand for
    them where a reader would miss them."""
    span = Span(run[0].place.span.start, run[-1].place.span.end)
    text = run[0].successor or ""
    names = dict.fromkeys(targets[m.path] for m in run if targets.get(m.path))
    is_data = source.path.endswith(_DATA)
    if len(names) == 1:
        name = next(iter(names))
        snippet = commented_target(source, span, text, name) or (
            None if is_data else with_target(source, span, text, name)
        )
        if snippet is not None:
            return snippet
    if is_data:
        return Edit(span, text.encode())
    tick = "`" if _is_code(source, span) else ""
    if not names or not (tick or len(run) > 1):
        return Edit(span, text.encode())
    *rest, last = (f"{tick}{name}{tick}" for name in names)
    said = f"{', '.join(rest)} and {last}" if rest else last
    word = "target" if len(names) == 1 else "targets"
    whole = Span(span.start, span.end + len(tick))
    return Edit(whole, f"{text}{tick} ({word} {said})".encode())


def _between(first: PathMention, second: PathMention) -> Span:
    return Span(first.place.span.end, second.place.span.start)


def _is_code(source: Source, span: Span) -> bool:
    """Whether a text is the whole of an inline code span of Markdown."""
    before, after = source.data[: span.start][-2:], source.data[span.end : span.end + 2]
    return before[-1:] == after[:1] == b"`" and before != b"``" and after != b"``"


def _repeated(facts: Facts, path: str, mentions: Sequence[PathMention]) -> list[Edit]:
    """List items that would say what an item before them says."""
    new = {mention.place.span: mention.successor or "" for mention in mentions}
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
    elif isinstance(node, YamlMapping):
        for entry in node.entries:
            if not entry.aliased:
                yield from _sequences(entry.value)
