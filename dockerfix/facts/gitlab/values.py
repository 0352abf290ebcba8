"""Keys of a job as GitLab merges them: YAML nodes, and dictionaries where mappings were merged.

Knows how values are read and merged; knows no key of a job by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence

Effective = dict[str, "Node | Effective"]
"""A mapping after merging; a value that no merge touched is the node as written."""

_NULL = "tag:yaml.org,2002:null"


def as_dict(value: Node | Effective | None) -> Effective | None:
    """A mapping's keys, merge keys resolved; None for anything else."""
    if isinstance(value, dict):
        return value
    return dict(value.resolved) if isinstance(value, YamlMapping) else None


def merged(below: Effective, above: Effective) -> Effective:
    """`above` over `below`: mappings deeply, everything else replaced, as `extends` does."""
    found = dict(below)
    for key, value in above.items():
        old, new = as_dict(found.get(key)), as_dict(value)
        found[key] = merged(old, new) if old is not None and new is not None else value
    return found


def scalars(value: Node | Effective | None) -> Iterator[Scalar]:
    """All scalars of a value, nested lists flattened, as GitLab does with scripts."""
    if isinstance(value, Scalar):
        yield value
    elif isinstance(value, Sequence):
        for item in value.items:
            yield from scalars(item)


def texts(value: Node | Effective | None) -> tuple[str, ...]:
    """The same as texts; none for a null."""
    return tuple(scalar.text for scalar in scalars(value) if not is_null(scalar))


def text(value: Node | Effective | None, default: str = "") -> str:
    """A scalar's text; the default for a null and for anything else."""
    return value.text if isinstance(value, Scalar) and not is_null(value) else default


def flag(value: Node | Effective | None) -> bool | None:
    """A boolean; None when the value is not one."""
    return {"true": True, "false": False}.get(text(value).lower())


def is_null(value: Node | Effective | None) -> bool:
    """Whether the value is YAML's null: for GitLab the key is then not there."""
    return isinstance(value, Scalar) and value.tag == _NULL


def variables(value: Node | Effective | None) -> dict[str, Scalar]:
    """A `variables:` mapping; the long form (`value:`, `description:`) gives its value. A null,
    and a description alone, give the empty text ("CI/CD YAML syntax, variables:description")."""
    found: dict[str, Scalar] = {}
    for name, node in (as_dict(value) or {}).items():
        keys = {"value": node} if isinstance(node, Scalar) else as_dict(node) or {}
        inner, said = keys.get("value"), keys.get("description")
        if isinstance(inner, Scalar):
            found[name] = replace(inner, text="") if is_null(inner) else inner
        elif inner is None and isinstance(said, Scalar):
            found[name] = replace(said, text="")
    return found
