"""`rules:` of a job: each rule with what it asks for and what it then decides.

Follows "CI/CD YAML syntax, rules". Knows the keys of a rule; evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.gitlab.needs import Need, needs_of
from dockerfix.facts.gitlab.values import Effective, flag, text, texts, variables
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence


class Rule(Struct, frozen=True):
    """One entry of `rules:`. `changes` and `exists` are None when the rule has none.

    `needs` is None when the rule keeps the job's own; `compare_to` is the ref from which the
    changes count.
    """

    condition: str
    changes: tuple[str, ...] | None
    when: str
    exists: tuple[str, ...] | None
    node: Node
    compare_to: str = ""
    allow_failure: bool | None = None
    start_in: str = ""
    variables: tuple[tuple[str, Scalar], ...] = ()
    needs: tuple[Need, ...] | None = None
    interruptible: bool | None = None


def rules_of(value: Node | Effective | None) -> Iterator[Rule]:
    """The rules of a list, those that are mappings."""
    for item in listed_rules(value) if isinstance(value, Sequence) else ():
        if isinstance(item, YamlMapping):
            yield _rule(item)


def listed_rules(rules: Sequence) -> Iterator[Node]:
    """The entries of a list of rules; GitLab takes lists within it for part of it ("CI/CD YAML
    syntax, rules"). A `!reference` that leads nowhere is one entry."""
    for item in rules.items:
        if isinstance(item, Sequence) and item.tag != "!reference":
            yield from listed_rules(item)
        else:
            yield item


def _rule(item: YamlMapping) -> Rule:
    keys = item.resolved
    changes, needs = keys.get("changes"), keys.get("needs")
    return Rule(
        text(keys.get("if")),
        _paths(changes),
        text(keys.get("when"), "on_success"),
        _paths(keys.get("exists")),
        item,
        text(changes.get("compare_to")) if isinstance(changes, YamlMapping) else "",
        flag(keys.get("allow_failure")),
        text(keys.get("start_in")),
        tuple(variables(keys.get("variables")).items()),
        tuple(needs_of(needs)) if needs is not None else None,
        flag(keys.get("interruptible")),
    )


def _paths(node: Node | None) -> tuple[str, ...] | None:
    if isinstance(node, YamlMapping):
        node = node.get("paths")
    return None if node is None else texts(node)
