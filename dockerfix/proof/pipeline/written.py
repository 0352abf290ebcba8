"""Files that joined jobs write: one job must not write over what two handed on.

Knows lines of jobs and their variables; asks no transform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.syntax.shell import parse_shell
from dockerfix.syntax.shell.syntax import Variable
from dockerfix.syntax.yaml.tree import Scalar

Writing = tuple[str, tuple[tuple[str, str], ...]]
"""A line that writes a file, with the values of the variables that it names."""


def written_over(pipeline: Pipeline, jobs: Sequence[Job], *, rows: bool) -> str:
    """A file that two of these jobs of a pipeline write with other words or other values, as a
    sentence; empty when there is none. With `rows` each row of a matrix is a job of its own."""
    known: dict[str, tuple[Job, list[Writing]]] = {}
    for job in jobs:
        shared = pipeline.variables_of(job)
        for row in (job.rows if rows else ()) or ({},):
            mine: dict[str, list[Writing]] = {}
            for file, writing in _writings(job, {**shared, **row}):
                mine.setdefault(file, []).append(writing)
            for file, writings in mine.items():
                other, theirs = known.setdefault(file, (job, writings))
                if theirs != writings:
                    return f"`{other.name}` and `{job.name}` write other things to `{file}`"
    return ""


def _writings(job: Job, values: Mapping[str, Scalar]) -> Iterator[tuple[str, Writing]]:
    for line in job.lines:
        script = parse_shell(line.scalar.mapped)
        names = {part.name for part in script.parts() if isinstance(part, Variable)}
        held = tuple(sorted((n, scalar.text) for n, scalar in values.items() if n in names))
        for file in script.written_files:
            yield file, (line.scalar.text, held)
