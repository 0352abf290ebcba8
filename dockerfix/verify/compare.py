"""Two images compared: what differs, path by path, and which rule explains it.

Knows images and differences; which differences are expected stands in `rules`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.verify.image import CONFIGURATION, Image, Node, NodeKind


class Aspect(enum.Enum):
    """What differs; `value` is how a person reads it."""

    MISSING = "missing"
    ADDED = "added"
    TYPE = "type"
    MODE = "mode"
    OWNER = "owner"
    CONTENT = "content"
    LINK = "link target"
    ATTRIBUTES = "extended attributes"
    CONFIGURATION = "configuration"


class Difference(Struct, frozen=True):
    """One thing that is not the same.

    `path` is the absolute path, or the name of a part of the configuration. `before` and
    `after` say what was found, as text (empty: nothing). `rule` names the rule that expects
    it; a difference without one counts.
    """

    aspect: Aspect
    path: str
    before: str = ""
    after: str = ""
    rule: str = ""

    @property
    def counts(self) -> bool:
        """Whether the images are different because of it."""
        return not self.rule


Explain = Callable[[Difference], str]
"""The name of the rule that expects a difference; empty when none does."""


def differences(before: Image, after: Image, explain: Explain) -> tuple[Difference, ...]:
    """Everything that differs, configuration first, then paths in their order."""
    found = [*_configuration(before, after), *_nodes(before.nodes, after.nodes)]
    return tuple(replace(difference, rule=explain(difference)) for difference in found)


def unexplained(difference: Difference) -> str:
    """No rule at all."""
    return ""


def _configuration(before: Image, after: Image) -> Iterator[Difference]:
    for name in CONFIGURATION:
        old, new = before.configuration.get(name), after.configuration.get(name)
        if old == new or (name == "Env" and _same_set(old, new)):
            continue
        yield Difference(Aspect.CONFIGURATION, name, _shown(old), _shown(new))


def _same_set(old: object, new: object) -> bool:
    """ENV in another order is the same environment; a command would not be the same."""
    return isinstance(old, list) and isinstance(new, list) and sorted(old) == sorted(new)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _nodes(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[Difference]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None:
            assert new is not None
            yield Difference(Aspect.ADDED, path, "", _described(new))
        elif new is None:
            yield Difference(Aspect.MISSING, path, _described(old), "")
        elif old != new:
            yield from _node(path, old, new)


def _node(path: str, old: Node, new: Node) -> Iterator[Difference]:
    if old.kind is not new.kind:
        yield Difference(Aspect.TYPE, path, old.kind.value, new.kind.value)
        return
    if old.mode != new.mode:
        yield Difference(Aspect.MODE, path, f"{old.mode:04o}", f"{new.mode:04o}")
    if (old.uid, old.gid) != (new.uid, new.gid):
        yield Difference(Aspect.OWNER, path, f"{old.uid}:{old.gid}", f"{new.uid}:{new.gid}")
    if old.link != new.link:
        yield Difference(Aspect.LINK, path, old.link, new.link)
    if (old.size, old.sha256) != (new.size, new.sha256):
        yield Difference(Aspect.CONTENT, path, _content(old), _content(new))
    if old.attributes != new.attributes:
        yield Difference(Aspect.ATTRIBUTES, path, str(old.attributes), str(new.attributes))


def _described(node: Node) -> str:
    if node.kind is NodeKind.FILE:
        return f"file, {_content(node)}"
    return f"{node.kind.value}{f' to {node.link}' if node.link else ''}"


def _content(node: Node) -> str:
    return f"{node.size} bytes, sha256 {node.sha256[:12]}"
