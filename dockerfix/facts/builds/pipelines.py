"""The jobs of GitLab pipelines, followed with what they run, and the pipelines that they start.

Knows which pipelines there are; how a job runs stands in `jobs`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockerfix.facts.builds.reading import Reading
from dockerfix.facts.commands.gathered import Carrier
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.gitlab.pipeline import ROOT, Pipeline, find_pipeline
from dockerfix.facts.gitlab.shell_texts import runs_of
from dockerfix.facts.model import SiteKind
from dockerfix.syntax.yaml.tree import Scalar, YamlError
from dockerfix.text import SnapshotError, Source, Span


def read_pipeline(
    reading: Reading, pipeline: Pipeline, started: frozenset[str] = frozenset()
) -> None:
    """The jobs of a pipeline that can run, and of the child pipelines that they start."""
    suffix = f" ({pipeline.path})" if started else ""
    for job in pipeline.visible:
        for lines in runs_of(pipeline, job, reading.found.assigned):
            for mapped, source, state in lines:
                carrier = Carrier(SiteKind.GITLAB, job.name + suffix, source)
                reading.follower.run(mapped, carrier, state)
        for scalar in job.child:
            _child(reading, scalar, started | {pipeline.path})
    for place, why in pipeline.unread:
        reading.follower.blind(place, "an include", why, apart=True)
    for scalar, why in _handed_out(pipeline):
        place = scalar.file.source.place(scalar.span)
        reading.follower.blind(place, "a variable of an include", why, apart=True)
    for path, file in pipeline.files.items():
        reading.sources[path] = file.source


def _handed_out(pipeline: Pipeline) -> Iterator[tuple[Scalar, str]]:
    """Variables that name a Dockerfile for a script that stands in an include which is not
    read: those of a job that takes its script from there, and the pipeline's own where no file
    that was read uses them."""
    if not pipeline.unread:
        return
    found: dict[Scalar, str] = {}
    for job in pipeline.visible:
        parents = pipeline.unknown_parents(job)
        if parents and "script" not in job.keys:
            why = f"{', '.join(parents)}, whose script {job.name} runs, is not in this repository"
            found |= dict.fromkeys(pipeline.variables_of(job).values(), why)
    files = [file.source.data for file in pipeline.files.values()]
    for name, scalar in pipeline.variables.items():
        used = (f"${name}".encode(), f"${{{name}".encode())
        if not any(sign in data for sign in used for data in files):
            found.setdefault(scalar, f"{name} may be read by an include that is not read")
    for scalar, why in found.items():
        if is_dockerfile(posixpath.basename(scalar.text)):
            yield scalar, why


def unread_pipeline(reading: Reading, error: YamlError | SnapshotError) -> None:
    """A pipeline whose root file cannot be read: whatever it names, it may build."""
    if isinstance(error, YamlError) and error.path in reading.snapshot:
        source = reading.snapshot.source(error.path)
        reading.broken(source, error)
        reading.keep(source)
    else:
        start = Source(ROOT, b"").place(Span(0, 0))
        reading.follower.blind(start, "a file", f"it cannot be read: {error}")


def _child(reading: Reading, scalar: Scalar, started: frozenset[str]) -> None:
    """A pipeline that a job starts; its jobs are named with its file."""
    path = posixpath.normpath(scalar.text.lstrip("/"))
    if path in started:
        return
    place = scalar.file.source.place(scalar.span)
    try:
        pipeline = find_pipeline(reading.snapshot, path)
    except (YamlError, SnapshotError) as error:
        reading.follower.blind(place, "a child pipeline", str(error))
        return
    if pipeline is None:
        reading.follower.blind(place, "a child pipeline", f"{path} does not exist", apart=True)
    else:
        read_pipeline(reading, pipeline, started)
