"""`needs:` of a job or of a rule, each entry with everything that it may say.

Follows "CI/CD YAML syntax, needs". Knows the entries; looks up no job.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.gitlab.values import Effective, flag, text
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence


class Need(Struct, frozen=True):
    """One entry of `needs:`; `node` is the item as written.

    `artifacts` says whether the artifacts are fetched (they are, unless the entry forbids
    it), `matrix` whether a single run of a matrix is meant.
    """

    job: str
    optional: bool
    node: Node
    artifacts: bool = True
    matrix: bool = False


class ForeignNeed(Struct, frozen=True):
    """A need outside this pipeline: of a project's job, or of another pipeline's state."""

    job: str
    project: str
    ref: str
    pipeline: str
    node: Node


def needs_of(value: Node | Effective | None) -> Iterator[Need]:
    """The needs within the same pipeline."""
    for item in value.items if isinstance(value, Sequence) else ():
        if isinstance(item, Scalar):
            yield Need(item.text, False, item, matrix=_is_run(item.text))
            continue
        keys = item.resolved if isinstance(item, YamlMapping) else {}
        job = keys.get("job")
        if isinstance(job, Scalar) and "pipeline" not in keys and "project" not in keys:
            yield Need(
                job.text,
                flag(keys.get("optional")) is True,
                item,
                flag(keys.get("artifacts")) is not False,
                "parallel" in keys or _is_run(job.text),
            )


def foreign_needs(value: Node | Effective | None) -> Iterator[ForeignNeed]:
    """The needs of other projects and pipelines."""
    for item in value.items if isinstance(value, Sequence) else ():
        keys = item.resolved if isinstance(item, YamlMapping) else {}
        if "project" in keys or "pipeline" in keys:
            job, project, ref, pipeline = (
                text(keys.get(key)) for key in ("job", "project", "ref", "pipeline")
            )
            yield ForeignNeed(job, project, ref, pipeline, item)


def _is_run(name: str) -> bool:
    """`job: [value, value]`, one run of a matrix."""
    return ": [" in name and name.endswith("]")
