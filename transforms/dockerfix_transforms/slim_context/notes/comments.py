"""Comments of a Dockerfile that its smaller context may make untrue.

A comment is prose: it is named, and never edited. Knows one Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dockerfix.api import Comment, Finding, Severity
from dockerfix_transforms.slim_context.read.consumer import Consumer

_CONTEXT = frozenset({"context", "context.", "context,", "context:", "(context)", "context)"})
_BUILDERS = frozenset({"docker", "buildx", "podman", "nerdctl"})


def stale_comments(consumer: Consumer) -> Iterator[Finding]:
    """Comments that speak of the build's context, or show a command that builds it."""
    tree = consumer.graph.tree
    for item in tree.items:
        if isinstance(item, Comment) and _speaks_of_context(item.text):
            yield Finding(
                Severity.NOTE, "stale-comment",
                f"`{item.text.strip()[:70]}` speaks of the build's context",
                f"the context is {consumer.folder} from now on", "correct it if it is untrue now",
                tree.source.place(item.span), consumer.path,
            )  # fmt: skip


def _speaks_of_context(text: str) -> bool:
    words = text.lower().lstrip("#").split()
    built = any(a in _BUILDERS and b == "build" for a, b in pairwise(words))
    return built or bool(_CONTEXT & set(words))
