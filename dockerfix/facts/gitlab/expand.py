"""The effective keys of jobs: `extends`, `!reference` and `default:` followed.

Follows "CI/CD YAML syntax": `extends` merges mappings deeply and replaces lists, `!reference`
is followed, and a key of the job wins over `default:`. Knows how keys come about; knows no
meaning of a key but these.
"""

from __future__ import annotations

from msgspec.structs import replace

from dockerfix.facts.gitlab.settings import inherit_of
from dockerfix.facts.gitlab.values import Effective, as_dict, is_null, merged, scalars
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence

DEFAULTABLE = frozenset(
    {
        "image", "services", "before_script", "after_script", "cache", "artifacts", "tags",
        "retry", "timeout", "interruptible", "id_tokens", "hooks", "identity",
    }
)  # fmt: skip
_DEPTH = 11
"""GitLab follows `extends` to this depth."""


class Expander:
    """The raw keys of all jobs and the global keys of one pipeline."""

    def __init__(self, raw: Effective, top: Effective) -> None:
        self.raw = raw
        self.top = top
        given = as_dict(top.get("default")) or {}
        self.defaults = {key: top[key] for key in DEFAULTABLE if key in top}
        self.defaults |= {key: value for key, value in given.items() if key in DEFAULTABLE}

    def effective(self, name: str) -> Effective:
        """The keys of a job. A key that is null counts as absent, so `default:` reaches it."""
        keys = {
            key: self.follow(value, 0)
            for key, value in self.extended(name, 0).items()
            if not is_null(value)
        }
        allowed = inherit_of(keys.get("inherit")).default
        for key, value in self.defaults.items():
            if allowed is None or key in allowed:
                keys.setdefault(key, self.follow(value, 0))
        return keys

    def extended(self, name: str, depth: int) -> Effective:
        """The job's own keys over those of its parents."""
        own = as_dict(self.raw.get(name))
        if own is None or depth > _DEPTH:
            return {}
        found: Effective = {}
        for parent in scalars(own.get("extends")):
            found = merged(found, self.extended(parent.text, depth + 1))
        return merged(found, own)

    def follow(self, value: Node | Effective, depth: int) -> Node | Effective:
        """Replace `!reference [job, key, ...]`, also among the items of a list and below
        keys."""
        if isinstance(value, dict | Scalar) or depth > _DEPTH or not _refers(value):
            return value
        if isinstance(value, YamlMapping):
            return self.mapping(value, depth)
        if value.tag == "!reference":
            found = self.referenced(value)
            return self.follow(found, depth + 1) if found is not None else value
        items: list[Node] = []
        aliased: list[bool] = []
        for item, elsewhere in zip(value.items, value.aliased, strict=True):
            followed = self.follow(item, depth + 1)
            if isinstance(followed, Sequence):
                items += followed.items
                aliased += [True] * len(followed.items)
            elif not isinstance(followed, dict):
                items.append(followed)
                aliased.append(elsewhere or followed is not item)
        return replace(value, items=tuple(items), aliased=tuple(aliased))

    def mapping(self, value: YamlMapping, depth: int) -> YamlMapping:
        """A mapping with the references below its keys followed."""
        entries = []
        for entry in value.entries:
            inner = self.follow(entry.value, depth + 1)
            if inner is not entry.value and not isinstance(inner, dict):
                entry = replace(entry, value=inner, aliased=True)
            entries.append(entry)
        return value.with_entries(tuple(entries))

    def referenced(self, node: Sequence) -> Node | Effective | None:
        """What `!reference [job, key, ...]` names; None when it is not there."""
        route = [item.text for item in node.items if isinstance(item, Scalar)]
        current = self.raw.get(route[0], self.top.get(route[0])) if route else None
        for key in route[1:]:
            mapping = as_dict(current)
            current = mapping.get(key) if mapping else None
        return current


def _refers(node: Node) -> bool:
    """Whether a `!reference` stands anywhere in the node."""
    if isinstance(node, Sequence):
        return node.tag == "!reference" or any(_refers(item) for item in node.items)
    return isinstance(node, YamlMapping) and any(_refers(entry.value) for entry in node.entries)
