"""Which depth a GitLab job keeps, and why: those that read history, and those nobody can read.

Knows jobs and what they run; what a program reads stands in `history`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.api import (
    CommandReader,
    Commands,
    Facts,
    Job,
    Run,
    SiteKind,
    SnapshotError,
    parse_shell,
)
from dockerfix_transforms.gitlab.history import (
    MANIFESTS,
    VERSIONERS,
    builds_a_package,
    hidden_readers,
    reads_history,
)

DEPTH = "GIT_DEPTH"


class Keeps(Struct, frozen=True):
    """The depth that a job must have of its own (empty: the project's), and why."""

    depth: str
    name: str
    why: str


def kept_depth(
    facts: Facts, reader: CommandReader, job: Job, old: str, assumed: frozenset[str]
) -> Keeps | None:
    """What a job keeps; None for a job that may be shallow."""
    pipeline = reader.pipeline
    strategy = pipeline.variables_of(job).get("GIT_STRATEGY")
    own = own_depth(job)
    allowed = job.inherit.variables
    if own is not None or job.rule_variables.get(DEPTH):
        return Keeps(own or old or "0", "keeps-depth", "it sets its own depth")
    if allowed is not None and DEPTH not in allowed:
        return Keeps("", "keeps-depth", "it does not inherit the depth")
    if job.trigger is not None:
        forwards = job.trigger.forwards
        why = "it passes its variables on to another pipeline"
        return Keeps(old, "keeps-depth", why) if forwards else None
    if strategy is not None and strategy.text in ("none", "empty"):
        return None
    found = next(_reasons(facts, reader, job), None)
    if found is None or (job.name in assumed and found[0] == "keeps-depth"):
        return None
    return Keeps("0" if found[0] == "reads-history" else old or "0", *found)


def _reasons(facts: Facts, reader: CommandReader, job: Job) -> Iterator[tuple[str, str]]:
    """Why a job needs history, known readers first."""
    if not job.keys.keys() & {"script", "run"}:
        yield "keeps-depth", "its script is in another repository"
    commands = reader.of(job)
    for ran in commands.ran:
        reason = "" if not ran.sources else reads_history(ran.words, ran.tolerated)
        if reason:
            yield "reads-history", reason
    versioner = _versioner(facts)
    if versioner and any(builds_a_package(ran.words) for ran in commands.ran):
        yield "reads-history", f"{versioner} takes a package's version from tags"
    for build in facts.builds.builds:
        if build.site.kind is not SiteKind.GITLAB or build.site.name != job.name:
            continue
        if versioner:
            yield "reads-history", f"{versioner} takes the version in an image from tags"
        if build.dockerfile is not None:
            for reason in _in_dockerfile(facts, build.dockerfile):
                yield "reads-history", f"{build.dockerfile}: {reason}"
    yield from _not_followed(reader, job, commands)


def _not_followed(reader: CommandReader, job: Job, commands: Commands) -> Iterator[tuple[str, str]]:
    """What may read history for all that reading knows."""
    seen = {word for ran in commands.ran if ran.name == "git" for word in ran.words[1:]}
    for path, text in commands.texts:
        for asked in hidden_readers(text, seen):
            yield "keeps-depth", f"{path} names `{asked}`, which may be run"
    for unfollowed in commands.unfollowed:
        yield "keeps-depth", f"`{unfollowed.what}` cannot be followed: {unfollowed.why}"
    for parent in reader.pipeline.unknown_parents(job):
        yield "keeps-depth", f"it extends `{parent}`, which is in another repository"


def _versioner(facts: Facts) -> str:
    """The manifest of a package whose version comes from Git, as `path (tool)`; empty for
    none."""
    for path in facts.snapshot.paths:
        if posixpath.basename(path) not in MANIFESTS:
            continue
        try:
            data = facts.snapshot.read(path)
        except SnapshotError:
            continue
        for name in VERSIONERS:
            if name.encode() in data:
                return f"{path} ({name})"
    return ""


def _in_dockerfile(facts: Facts, path: str) -> Iterator[str]:
    """What the RUN instructions of a Dockerfile read of a `.git` in the build context."""
    if path not in facts.snapshot:
        return
    for stage in facts.dockerfile(path).stages:
        for instruction in stage.instructions:
            script = instruction.script if isinstance(instruction, Run) else None
            for command in parse_shell(script).commands() if script is not None else ():
                words = tuple(word.value or word.written for word in command.words)
                reason = reads_history(words) if words else ""
                if reason:
                    yield reason


def own_depth(job: Job) -> str | None:
    """The depth that a job itself sets."""
    scalar = job.variables.get(DEPTH)
    return scalar.text if scalar is not None else None
