"""Whether two jobs run in one pipeline, and what GitLab jobs push: shared by several checks.

Knows kinds of pipelines and names of images; judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.gitlab.existing import PipelineKind, existing
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.gitlab.shell_texts import braced
from dockerfix.facts.model import SiteKind, Value
from dockerfix.facts.repository import Facts
from dockerfix.text import Place

_TITLES = {
    PipelineKind.DEFAULT_BRANCH: "on the default branch",
    PipelineKind.BRANCH: "on a branch",
    PipelineKind.MERGE_REQUEST: "in a merge request",
    PipelineKind.TAG: "on a tag",
}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_OWN = ("CI_JOB_", "CI_NODE_", "CI_CONCURRENT", "CI_ENVIRONMENT_", "CI_RUNNER_", "CI_BUILD")
"""Predefined variables that differ between jobs of one pipeline."""


class Together:
    """Which jobs each kind of pipeline holds for sure."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._kinds = {}
        for kind in PipelineKind:
            found = existing(pipeline, kind)
            self._kinds[kind] = found.jobs - found.manual - found.undecided

    def kinds(self, *jobs: str) -> Iterator[str]:
        """The kinds of pipelines, as words, in which all of these jobs run by themselves."""
        for kind, there in self._kinds.items():
            if there.issuperset(jobs):
                yield _TITLES[kind]

    def present(self, title: str) -> frozenset[str]:
        """The jobs of the kind that goes by those words."""
        return next(self._kinds[kind] for kind, words in _TITLES.items() if words == title)


class Push(Struct, frozen=True):
    """A job pushes an image under a name, which is written as `expanded` gives it."""

    job: str
    name: str
    place: Place


def pushes(facts: Facts) -> Iterator[Push]:
    """Every name that a GitLab job pushes, of builds and of `docker push`."""
    for build in facts.builds.builds:
        if build.site.kind is SiteKind.GITLAB and build.push:
            for tag in build.tags:
                for text in texts(tag):
                    yield Push(build.site.name, text, tag.place or build.site.place)
    for call in facts.builds.images:
        if call.site.kind is SiteKind.GITLAB and call.verb == "push":
            for name in call.names:
                for text in texts(name):
                    yield Push(call.site.name, text, name.place or call.site.place)


def texts(value: Value) -> tuple[str, ...]:
    """Everything that a value may be, variables written `${NAME}`."""
    return tuple(map(braced, value.possible))


def names_in(text: str) -> list[str]:
    """The variables of a text."""
    return [one or two for one, two in _VARIABLE.findall(text)]


def same_everywhere(text: str) -> bool:
    """Whether a text means one thing in all jobs of a pipeline: its variables are GitLab's own
    and do not differ between jobs. Another variable may be set by a job's own commands."""
    names = names_in(text)
    left = _VARIABLE.sub("", text)
    return all(n.startswith("CI_") and not n.startswith(_OWN) for n in names) and "$" not in left
