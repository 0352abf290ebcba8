"""GitHub workflows: the job that pushes an image comes before those that read it.

Knows the `needs:` of a workflow's jobs; edits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import (
    Build,
    Facts,
    Finding,
    Node,
    Scalar,
    Severity,
    parse_yaml,
)
from dockerfix.api import Mapping as YamlMapping
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.slim_context.sibling.publication import Publication


def plan_workflow(facts: Facts, chosen: Publication, builds: Sequence[Build]) -> Iterator[Finding]:
    """A refusal for each build whose job does not need the one that pushes its image."""
    root = facts.snapshot.derive(chosen.build.site.place.path, parse_yaml).root
    jobs = root.get("jobs") if root is not None else None
    source = chosen.build.site.name
    for build in builds:
        name = build.site.name
        if name == source:
            late = build.site.place.span.start < chosen.build.site.place.span.start
            if late:
                yield _refusal(build, f"its step comes before the one that pushes {chosen.image}")
        elif source not in _needed(jobs, name):
            yield _refusal(build, f"the job {name} does not need {source}, which pushes it")


def _needed(jobs: Node | None, name: str) -> set[str]:
    """The jobs that a job needs, directly or through others."""
    found: set[str] = set()
    queue = [name]
    while queue and isinstance(jobs, YamlMapping):
        body = jobs.get(queue.pop())
        node = body.get("needs") if isinstance(body, YamlMapping) else None
        items = node.items if isinstance(node, YamlSequence) else (node,)
        names = [item.text for item in items if isinstance(item, Scalar)]
        queue += [n for n in names if n not in found]
        found.update(names)
    return found


def _refusal(build: Build, what: str) -> Finding:
    return Finding(
        Severity.REFUSE, "provider-later", what, "the image would not be there when it is read",
        "let it run after the image is pushed (`needs:`)", build.site.place, build.site.name,
    )  # fmt: skip
