"""What a pipeline's files name: jobs, and globs of files; and the documents that name a job.

Knows where GitLab takes names of jobs and globs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, Sequence
from dockerfix.text import Snapshot, SnapshotError

_NAMING = frozenset({"needs", "dependencies", "extends", "on_stop", "job"})
_DOCUMENTS = (".md", ".markdown", ".rst", ".adoc")


def names_of_jobs(node: Node | None, key: str = "") -> Iterator[tuple[Scalar, str]]:
    """Scalars of the pipeline's files that name a job, with the key that they stand under."""
    if isinstance(node, Scalar):
        if key in _NAMING:
            yield node, key
    elif isinstance(node, Sequence):
        if node.tag == "!reference":
            first = node.items[0] if node.items else None
            if isinstance(first, Scalar):
                yield first, "!reference"
            return
        for item in node.items:
            yield from names_of_jobs(item, key)
    elif isinstance(node, Mapping):
        elsewhere = {entry.key.text for entry in node.entries} & {"project", "pipeline"}
        for entry in node.entries:
            if entry.aliased or (elsewhere and entry.key.text == "job"):
                continue
            yield from names_of_jobs(entry.value, entry.key.text)


def documents_about(snapshot: Snapshot, removed: Iterable[str]) -> Iterator[str]:
    """A line for each document that names a removed job: prose, for a person to see. A name that
    is one plain word is left out, since it is found in any text."""
    names = [name for name in removed if not name.isalnum()]
    for path in snapshot.paths if names else ():
        if not path.endswith(_DOCUMENTS):
            continue
        try:
            data = snapshot.peek(path)
        except SnapshotError:
            continue
        for name in names:
            if name.encode() in data:
                line = data[: data.index(name.encode())].count(b"\n") + 1
                yield f"document: {path}:{line}:1: names the job `{name}`"


def change_globs(pipeline: Pipeline) -> Iterator[Scalar]:
    """The globs of `changes:` and `exists:`, wherever they stand."""
    for file in pipeline.files.values():
        yield from _under(file.root, False)


def _under(node: Node | None, inside: bool) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        if inside:
            yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _under(item, inside)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            if not entry.aliased:
                deeper = inside and entry.key.text == "paths"
                yield from _under(entry.value, deeper or entry.key.text in ("changes", "exists"))
