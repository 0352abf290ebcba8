"""Which builds a person means by a Dockerfile or a folder.

Knows the builds of the repository; where none asks for a Dockerfile, the folder that holds what it
copies is taken for the context, else its own, as `docker build FOLDER` would.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.context.assumed import likely_context
from dockerfix.facts.context.steps import BuildInput
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.dockerfile.variables import ExpansionError, Variables
from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.text import SnapshotError


class Question(Struct, frozen=True):
    """One build to look at, and who asks for it.

    When no call site says which context, one is `assumed`; `asked_by` are
    then those whose context cannot be known.
    """

    given: BuildInput
    asked_by: tuple[Build, ...] = ()
    assumed: bool = False


def questions(facts: Facts, path: str, target: str = "") -> tuple[Question, ...]:
    """The builds that `path` means: of that Dockerfile, or of those in that folder and those
    whose context it is. Each Dockerfile, context and target once.

    With `target`, that target of each, left out where there is none. Raises `YamlError` for a
    broken CI file and `SnapshotError` for a Dockerfile that cannot be read.
    """
    found: dict[tuple[str, str, str], Question] = {}
    for question in _all(facts, path, target):
        given = question.given
        key = (given.dockerfile, given.context, given.target)
        if key in found:
            asked_by = (*found[key].asked_by, *question.asked_by)
            question = replace(found[key], asked_by=asked_by)
        found[key] = question
    return tuple(found[key] for key in sorted(found))


def _all(facts: Facts, path: str, target: str) -> Iterator[Question]:
    files = [path] if path in facts.snapshot else _in_folder(facts, path)
    asked: set[str] = set()
    for build in facts.builds.builds:
        given = BuildInput.of(build)
        if given is None or given.dockerfile not in facts.snapshot:
            continue
        if given.dockerfile not in files and (given.context != path or path in facts.snapshot):
            continue
        asked.add(given.dockerfile)
        for name in [target] if target else _targets(facts, build, given):
            if not name or facts.stages(given.dockerfile).find(name) is not None:
                yield Question(replace(given, target=name), (build,))
    for file in files:
        if file not in asked and (not target or facts.stages(file).find(target) is not None):
            unsure = [b for b in facts.builds.builds if (b.dockerfile, b.context) == (file, None)]
            given = BuildInput(file, _assumed(facts, file), target)
            yield Question(given, tuple(unsure), assumed=True)


def _assumed(facts: Facts, file: str) -> str:
    """The context of a Dockerfile that no call site tells."""
    try:
        found = likely_context(facts, file)
    except SnapshotError:  # it is said where the file itself is asked for
        found = None
    return posixpath.dirname(file) if found is None else found


def _in_folder(facts: Facts, folder: str) -> list[str]:
    paths = facts.snapshot.below(folder)
    return [path for path in paths if posixpath.dirname(path) == folder and is_dockerfile(path)]


def _targets(facts: Facts, build: Build, given: BuildInput) -> list[str]:
    """The stages that a call site may ask for; the last one where that cannot be known."""
    if build.target is None:
        return [""]
    graph = facts.stages(given.dockerfile)
    names = build.target.choices or (given.target, _default(given.target))
    return [name for name in dict.fromkeys(names) if name and graph.find(name) is not None] or [""]


def _default(text: str) -> str:
    """What a word gives when none of its variables is set."""
    try:
        return Variables().expand(text)
    except ExpansionError:
        return ""
