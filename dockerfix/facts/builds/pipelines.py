"""The jobs of GitLab pipelines, followed with what they run, and the pipelines that they start.

Knows which pipelines there are; how a job runs stands in `jobs`.
"""

from __future__ import annotations

import posixpath

from dockerfix.facts.builds.gathered import Carrier
from dockerfix.facts.builds.jobs import runs_of
from dockerfix.facts.builds.reading import Reading
from dockerfix.facts.gitlab.pipeline import ROOT, Pipeline, find_pipeline
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
    for path, file in pipeline.files.items():
        reading.sources[path] = file.source


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
