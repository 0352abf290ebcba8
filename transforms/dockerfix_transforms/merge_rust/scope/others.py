"""Dockerfiles beside those that are merged, and why they are not. Knows builds."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dockerfix.api import (
    Build,
    Facts,
    Finding,
    Severity,
    SnapshotError,
    Span,
    Workspace,
    links_to,
    rejections,
    unreadable,
)
from dockerfix_transforms.merge_rust.read.steps import Role, steps_of


def hides_cargo(facts: Facts, path: str) -> bool:
    """Whether RUNs of a Dockerfile speak of `cargo build`, and none of them is read as one."""
    graph = facts.stages(path)
    steps = [step for stage in graph.stages for step in steps_of(graph, stage)]
    spoken = any(s.item.keyword == "RUN" and "cargo build" in s.item.text for s in steps)
    return spoken and not any(step.role is Role.BUILD for step in steps)


def not_of(facts: Facts, workspace: Workspace, path: str, given: bool) -> Finding:
    """A file that builds nothing here; `given` says that it was named on the command line."""
    return Finding.at(
        facts.snapshot.source(path).place(Span(0, 0)),
        severity=Severity.REFUSE if given else Severity.NOTE,
        name="no-cargo",
        what=f"no `cargo build` in it compiles the workspace {workspace.folder or '.'}; "
        "this file stays as it is",
        why="merge-rust merges the Dockerfiles of one cargo workspace",
        do="leave it out of the command, or name the workspace that it builds"
        if given
        else "write its `cargo build` as a plain command, if it should go along",
        subject=path,
    )


def without_cargo(
    facts: Facts, workspace: Workspace, listed: Sequence[str], into: str
) -> list[Finding]:
    """Dockerfiles that call sites build in the workspace and that run no cargo: not merged."""
    found: dict[str, Finding] = {}
    links = {link for link, _ in links_to(facts.snapshot, listed)}
    for build in facts.builds.builds:
        path = build.dockerfile
        if (
            path is None
            or path in links
            or path in listed
            or path == into
            or path not in facts.snapshot
        ):
            continue
        if build.context == workspace.folder and path not in found:
            found[path] = _not_merged(facts, build, path)
    return list(found.values())


def _not_merged(facts: Facts, build: Build, path: str) -> Finding:
    """Why a Dockerfile that is built in the workspace does not count as one that runs cargo."""
    why = f"{build.site} builds it in the workspace"
    try:
        source, errors = facts.snapshot.source(path), rejections(facts.dockerfile(path))
    except SnapshotError as error:
        return replace(unreadable(error), severity=Severity.NOTE)
    for problem in errors:
        what = f"BuildKit rejects this file: {problem.message}; it stays as it is"
        place = source.place(problem.span)
        return Finding.at(
            place,
            severity=Severity.NOTE,
            name="rejected",
            what=what,
            why=why,
            do=problem.hint,
            subject=path,
        )
    what = f"{path} runs no cargo; it stays as it is"
    place = source.place(Span(0, 0))
    return Finding.at(
        place,
        severity=Severity.NOTE,
        name="no-cargo",
        what=what,
        why=why,
        subject=path,
    )
