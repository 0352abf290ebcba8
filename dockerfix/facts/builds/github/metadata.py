"""What docker/metadata-action hands to later steps: the names of images.

Follows the action's inputs `images` and `tags`. A tag that its rule gives by itself is known;
any other is a variable that is named after its rule, so that two steps with the same inputs
give the same names. Knows the action; knows no build.
"""

from __future__ import annotations

import re

from dockerfix.facts.builds.github.expressions import filled, identifier, without_braces
from dockerfix.facts.shell.words import Bound, Scope
from dockerfix.syntax.yaml.tree import Mapping, Scalar

_RAW = re.compile(r"(?:type=raw,)?(?:value=)?([\w][\w.-]*)")


def with_metadata(scope: Scope, keys: Mapping, seen: Scope) -> Scope:
    """The scope behind a step: `steps.<id>.outputs.tags` of the action, one name a line.

    `seen` is what the step itself sees.
    """
    uses, name, given = keys.get("uses"), keys.get("id"), keys.get("with")
    ours = isinstance(uses, Scalar) and uses.text.lower().startswith("docker/metadata-action@")
    if not ours or not isinstance(name, Scalar) or not isinstance(given, Mapping):
        return scope
    images = [_image(line) for line in _lines(given, "images", seen)]
    sure = given.get("flavor") is None
    tags = [_tag(rule, sure) for rule in _lines(given, "tags", seen)] or ["${metadata_default}"]
    if not images:
        return scope
    text = "\n".join(f"{image}:{tag}" for image in images for tag in tags)
    return scope.bind(identifier(f"steps.{name.text}.outputs.tags"), Bound(text))


def _lines(given: Mapping, key: str, scope: Scope) -> list[str]:
    """An input's lines as the step sees them; comments and blank lines are none."""
    node = given.get(key)
    text = filled(without_braces(node.text), scope) if isinstance(node, Scalar) else ""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _image(line: str) -> str:
    """The name of an image, which may be one of several fields (`name=...,enable=...`)."""
    fields = dict(part.partition("=")[::2] for part in line.split(","))
    return fields.get("name", line)


def _tag(rule: str, sure: bool) -> str:
    """The tag that a rule makes, where the rule alone says it; a `flavor:` may add to it."""
    raw = _RAW.fullmatch(rule) if sure else None
    return raw[1] if raw is not None else "${metadata_" + re.sub(r"\W+", "_", rule).strip("_") + "}"
