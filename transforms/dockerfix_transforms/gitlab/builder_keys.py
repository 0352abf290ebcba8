"""Keys for a job's builder: in the environment of the daemon, by the line that makes it.

buildx hands over what it finds in its own environment, and the daemon keeps that in its history
in clear text; so the keys have other names in the job. Knows `docker buildx create`; knows no
bucket.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import (
    Command,
    Draft,
    Edit,
    Finding,
    Job,
    Permit,
    Pipeline,
    Scalar,
    Severity,
    Span,
    line_break,
    parse_shell,
)

_KEYS = ("AWS_ACCESS_KEY_ID=$CACHE_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY=$CACHE_SECRET_ACCESS_KEY")
_HAVE = "env.AWS_ACCESS_KEY_ID"
CREATE = ("docker", "buildx", "create")
"""The words of the command that makes a builder."""


def give_keys(draft: Draft, pipeline: Pipeline, jobs: Sequence[Job]) -> None:
    """Edits of every line that makes a builder for these jobs, with leave for them; an assumption
    for a job whose builder is made elsewhere."""
    found: dict[tuple[str, int], Scalar] = {}
    for job in {job.name: job for job in jobs}.values():
        lines = [line.scalar for line in job.lines for _ in _creating(line.scalar)]
        if not lines and not any(_HAVE in line.scalar.text for line in job.lines):
            draft.findings.append(_elsewhere(job))
        found |= {(s.file.source.path, s.span.start): s for s in lines}
    for scalar in found.values():
        source = scalar.file.source
        draft.edits += [(source.path, _keyed(draft, scalar, c)) for c in _creating(scalar)]
        draft.permits += _permits(pipeline, scalar)


def _keyed(draft: Draft, scalar: Scalar, command: Command) -> Edit:
    """The keys behind the word `create`, each on a line of its own where the text can be broken."""
    source = scalar.file.source
    quote = "" if scalar.style == '"' else '"'
    end = command.words[2].span.end
    rest = Span(end, command.words[3].span.start if command.words[3:] else end)
    joint = source.text(rest)
    if "\n" not in joint:
        joint = line_break(draft.facts, source.place(command.span)) or joint or " "
    options = "".join(f"{joint}--driver-opt {quote}env.{key}{quote}" for key in _KEYS)
    return Edit(rest, f"{options}{joint if rest.start < rest.end else ''}".encode())


def _creating(scalar: Scalar) -> Iterator[Command]:
    """The commands that make a builder with a container, behind conditions too."""
    for command in parse_shell(scalar.mapped).every_command():
        words = [word.value or word.written for word in command.words]
        joined = " ".join(words)
        if tuple(words[:3]) != CREATE or _HAVE in joined:
            continue
        if "--driver" not in joined.replace("--driver-opt", "") or "docker-container" in joined:
            yield command


def _permits(pipeline: Pipeline, scalar: Scalar) -> Iterator[Permit]:
    """Leave for every job that has the line, and for the keys beside the jobs."""
    inside = False
    for job in pipeline.jobs.values():
        inside |= job.file is scalar.file and job.entry.span.contains(scalar.span)
        for line in job.lines:
            if line.scalar.span == scalar.span and line.scalar.file is scalar.file:
                yield Permit("build-call", job.name, pipeline.path, line.section)
    if not inside:
        yield Permit("build-call", "", pipeline.path, "before_script")


def _elsewhere(job: Job) -> Finding:
    """A builder of which nothing is known: the driver `docker` has no cache in a bucket (Docker's
    documentation, "Cache storage backends")."""
    return Finding.at(
        job.place,
        name="builder-elsewhere",
        severity=Severity.ASSUME,
        subject=job.name,
        what=f"the builder of {job.name} can use a bucket, and has its keys",
        why="the job does not make a builder with the driver docker-container; with the driver"
        " docker, a build with such a cache fails",
        do="make the builder in the job with `docker buildx create --use`, or give it "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its own environment",
    )
