"""An ignore file beside a Dockerfile that no build reads: its lines leave nothing out.

With a build whose context is not known, or that reading cannot follow, nothing is said.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockerfix.checks.check import Check
from dockerfix.facts.context.dormant import dormant_files, read_by_builds
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.text import Place, Span

_NAME = ".dockerignore"


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    builds = facts.builds.builds
    if any(not blind.apart for blind in facts.builds.blind) or any(
        build.context is None or build.dockerfile is None for build in builds
    ):
        return
    read = read_by_builds(facts, builds)
    for dormant in dormant_files(facts, "", read, ()):
        path = dormant.file.source.path
        user = next((build for build in builds if _beside(path, build)), None)
        if user is None or all(b.site.kind is SiteKind.DOCUMENT for b in builds if b == user):
            continue
        place = dormant.file.source.place(Span(0, 0))
        instead = f"; {dormant.instead} is read in its place" if dormant.instead else ""
        where = f"`{user.dockerfile}` is built with the context `{user.context or '.'}`"
        yield place, f"no build reads this file: {where}{instead}", path


def _beside(path: str, build: Build) -> bool:
    """Whether somebody would think that the ignore file belongs to the build."""
    dockerfile = build.dockerfile or ""
    if posixpath.basename(path) == _NAME:
        return posixpath.dirname(path) == posixpath.dirname(dockerfile)
    return path == f"{dockerfile}{_NAME}"


CHECK = Check(
    "ignore-file-dormant",
    "What it names is sent to the builder all the same, and may be copied into the image.",
    "Move its lines to the ignore file of the context, or name it <Dockerfile>.dockerignore.",
    _look,
)
