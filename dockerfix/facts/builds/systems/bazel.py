"""Images that Bazel builds: calls of its container rules in BUILD files.

Follows rules_docker, rules_oci and the rules that go with them, none of which reads a Dockerfile
but `dockerfile_image`. Starlark has the syntax of Python, whose own parser reads it. Knows the
names of rules; evaluates nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dockerfix.text import Source, Span

_RULES = re.compile(
    r"(?:container|oci|py3?|go|java|rust|nodejs|cc|scala|kt_jvm|war|d|groovy|js)_image"
    r"|oci_image_index|container_bundle"
)
WITH_DOCKERFILE = "dockerfile_image"


def rules(source: Source) -> Iterator[tuple[str, str, Span]]:
    """The rule, its `name` and its place, of each call that makes an image."""
    try:
        tree = ast.parse(source.data)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        rule = (
            node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        )
        if not isinstance(node, ast.Call) or not (
            rule == WITH_DOCKERFILE or _RULES.fullmatch(rule)
        ):
            continue
        named = (k.value.value for k in node.keywords
                 if k.arg == "name" and isinstance(k.value, ast.Constant))  # fmt: skip
        starts = source.line_starts
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        yield rule, str(next(named, rule)), Span(start, end)
