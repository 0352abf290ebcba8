"""What each kind of builder is sent before and after, as sentences for the report.

Counted by the files of the repository. Knows contexts and ignore rules; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.api import (
    Facts,
    Sent,
    Weight,
    classic_rules,
    human,
    inner_path,
    rules_of,
    sent_of,
    used_of,
)
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.scope import Built


def sent_before(facts: Facts, made: Built) -> Sent:
    """What the builders are sent of today's context."""
    used = used_of(facts, made.path, made.context)
    asked = None if used.whole is not None or used.unknown is not None else used.paths
    rules = rules_of(facts, made.context, made.path)
    return sent_of(facts, made.context, asked, rules, classic_rules(facts, made.context))


def sent_after(
    facts: Facts, consumer: Consumer, rules: Sequence[str], named: Sequence[str]
) -> Sent:
    """What the builders are sent of the package's folder, and BuildKit of the named contexts:
    of these what it is sent today, when they are a part of the context."""
    own = [s.inner for s in consumer.sources if s.package == consumer.folder]
    sent = sent_of(facts, consumer.folder, None if "" in own else own, rules, rules)
    asked = [inner_path(s.path, consumer.context) for s in consumer.sources if s.package in named]
    old = rules_of(facts, consumer.context, consumer.path)
    return sent + Sent(sent_of(facts, consumer.context, asked, old, old).buildkit)


def context_line(before: Sent, after: Sent, *, named: bool) -> str:
    """The figures of a smaller context; with `named` contexts only BuildKit can build."""
    line = f"BuildKit is sent {_change(before.buildkit, after.buildkit)}"
    if named:
        return line
    change = _change(before.whole, after.whole)
    return f"{line}; the classic builder, kaniko, buildah and podman {change}"


def ignore_line(before: Sent, after: Sent) -> str:
    """The figures of an ignore file that lets through what is used."""
    return (
        f"BuildKit is sent {_change(before.buildkit, after.buildkit)}; "
        f"kaniko, buildah and podman {_change(before.whole, after.whole)}; the classic builder, "
        f"which reads the context's .dockerignore alone, {_change(before.classic, after.classic)}"
    )


def _change(before: Weight, after: Weight) -> str:
    if before == after:
        return f"{human(before.size)}, as before"
    return f"{human(after.size)} instead of {human(before.size)}"
