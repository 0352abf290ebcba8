"""Changes of a patch that no obligation judges, so that the report can say so.

Dockerfiles, ignore files, pipelines and workflows owe what they mean, and so do the lines of any
other file in which a build is written. A line beside them, a file that is new, or one that goes
may change what an image holds or what a command does, and nothing here can tell. Knows which
files and lines are judged; judges none.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import cached_property

from dockerfix.engine.line_diff import changes as changed_lines
from dockerfix.engine.permits_by_subject import PermitsBySubject
from dockerfix.engine.touched_images import Changes
from dockerfix.facts.changed_first import changed_first
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.text import Place, Source, join_path

IGNORE = ".dockerignore"
_PROSE = (".md", ".rst", ".txt", ".adoc")
"""Endings of documents, whose words run nowhere; the builds in them are judged."""
_MAX_LINES = 4
_MAX_NAMES = 3


def is_workflow(path: str) -> bool:
    """Whether GitHub takes a file for a workflow."""
    folder, _, name = path.rpartition("/")
    return folder == ".github/workflows" and name.endswith((".yml", ".yaml"))


def unjudged(
    before: Facts, after: Facts, changes: Changes, permits: PermitsBySubject
) -> Iterator[str]:
    """What of these changes nothing judges, one line each."""
    search = _Search(before, after, changes, permits)
    fresh: list[str] = []
    for path in sorted(changes):
        if posixpath.basename(path).endswith(IGNORE):
            yield from search.ignored(path)
        elif search.judged(path):
            continue
        elif path not in before.snapshot:
            fresh += [path] if changes[path] else []
        elif path not in after.snapshot:
            yield f"{path} goes: nothing judges what it was for"
        else:
            yield from search.beside(path)
    edited = [p for p in sorted(changes) if p in before.snapshot and p in after.snapshot]
    texts = [path for path in edited if is_dockerfile(path)]
    for path, place in changed_first(before.snapshot, before.builds.builds, texts) if texts else ():
        yield f"{place}: nothing judges whether this still changes in {path} what it did"
    if fresh:
        more = f" and {len(fresh) - _MAX_NAMES} more" if len(fresh) > _MAX_NAMES else ""
        names = ", ".join(fresh[:_MAX_NAMES])
        yield f"nothing judges what new files do where something reads them: {names}{more}"


class _Search:
    """One patch. Private to `unjudged`."""

    def __init__(
        self, before: Facts, after: Facts, changes: Changes, permits: PermitsBySubject
    ) -> None:
        self.sides = (before, after)
        self.changes = changes
        self.dockerfiles = {image.dockerfile for pair in permits.pairs.items() for image in pair}
        self.pipelines = {
            name for facts in self.sides for p in (facts.pipeline,) if p for name in p.files
        }
        self.names = frozenset(self._coming_and_going(permits))

    @cached_property
    def meant(self) -> set[str]:
        """The files of services, and of targets of bake with their variables, which are compared
        by what they mean. Only asked where it counts: all builds are read for it."""
        return {
            path
            for facts in self.sides
            for path in (
                *(file.source.path for file in facts.compose.files),
                *(b.definition.path for b in facts.builds.builds if b.definition is not None),
            )
        }

    def _coming_and_going(self, permits: PermitsBySubject) -> Iterator[str]:
        """Words whose coming and going is judged: paths of files that come or go, jobs."""
        for path in self.changes:
            stays = all(path in facts.snapshot for facts in self.sides)
            if not stays or path in self.dockerfiles:
                yield posixpath.basename(path)
        for permit in permits.of_jobs:
            if permit.rule in ("job-joined", "job-added", "job-split", "steps-joined"):
                yield permit.subject
                yield permit.after

    def judged(self, path: str) -> bool:
        """Whether obligations judge the whole file."""
        if path in self.pipelines or path.endswith(_PROSE):
            return True
        if path in self.dockerfiles or is_dockerfile(path):
            return True
        if is_workflow(path) and self.changes[path] is not None:
            return True
        return path in self.meant

    def ignored(self, path: str) -> Iterator[str]:
        """An ignore file that builds read which nobody could follow, or which nobody found."""
        builds = [build for facts in self.sides for build in facts.builds.builds]
        folder, name = posixpath.split(path)
        if name != IGNORE:
            dockerfile = path.removesuffix(IGNORE)
            if dockerfile in self.dockerfiles or dockerfile in self.changes:
                return  # its images owe their files
            readers = [build for build in builds if build.dockerfile == dockerfile]
        else:
            readers = [b for b in builds if b.context in (folder, None) or _names(b, folder)]
        if all(build.context is None for build in readers):
            yield f"{path}: no call site that was read says which images it is for"
        unknown = dict.fromkeys(
            str(build.site)
            for build in readers
            if build.context is None and not _is_fresh_clone(build)
        )
        for site in list(unknown)[:_MAX_LINES]:
            yield f"{path}: {site} has a context that is not known, and may read it"

    def beside(self, path: str) -> Iterator[str]:
        """The lines of a file that stand beside its builds."""
        old, new = (facts.snapshot.source(path) for facts in self.sides)
        runs = _runs(self.other_lines(old, new))
        for first, last in runs[:_MAX_LINES]:
            what = "this line" if first == last else f"lines {first} to {last}"
            yield f"{path}:{first}:1: nothing judges the change of {what}"
        more = sum(last - first + 1 for first, last in runs[_MAX_LINES:])
        if more:
            lines = "1 more line" if more == 1 else f"{more} more lines"
            yield f"{path}: nothing judges the change of {lines}"

    def other_lines(self, old: Source, new: Source) -> Iterator[int]:
        """The changed lines that are no part of a build and name nothing that comes or goes: of
        the file after, or of the one before where a line goes."""
        sides = [
            (source, source.data.splitlines(), self.lines(facts, source))
            for facts, source in zip(self.sides, (old, new), strict=True)
        ]
        for old_start, old_end, new_start, new_end in changed_lines(sides[0][1], sides[1][1]):
            spans = (range(old_start, old_end), range(new_start, new_end))
            odd = [
                [n for n in span if n not in known and self.counts(texts[n])]
                for span, (_, texts, known) in zip(spans, sides, strict=True)
            ]
            yield from (number + 1 for number in odd[1] or odd[0])

    def counts(self, line: bytes) -> bool:
        """Whether a line says something, and nothing of what comes or goes."""
        text = line.decode("utf-8", "replace").strip()
        if not text or text.startswith(("#", "//")) or not any(map(str.isalnum, text)):
            return False
        return not any(name and name in text for name in self.names)

    def lines(self, facts: Facts, source: Source) -> set[int]:
        """The lines, from 0, in which builds are written."""
        found: set[int] = set()
        for place in self.places(facts, source.path):
            first, last = (
                source.position(at).line - 1
                for at in (place.span.start, max(place.span.start, place.span.end - 1))
            )
            found.update(range(first, last + 1))
        return found

    def places(self, facts: Facts, path: str) -> list[Place]:
        """Where builds, and values of theirs, are written in a file."""
        found: list[Place | None] = []
        for build in facts.builds.builds:
            found += [build.site.place, build.definition]
            found += [place for call in build.calls for place in (call.place, *call.arguments)]
            values = [build.target, build.dockerfile_written, build.context_written, *build.tags]
            values += [argument.value for argument in build.arguments]
            values += [context.value for context in build.named_contexts]
            values += [*build.cache_from, *build.cache_to]
            found += [v.origin for v in values if v is not None]
        found += [call.site.place for call in facts.builds.images]
        return [place for place in found if place is not None and place.path == path]


def _is_fresh_clone(build: Build) -> bool:
    """Whether a build takes a Git context, whose ignore file no builder reads."""
    return any("a Git context" in why for why in build.unknown)


def _names(build: Build, folder: str) -> bool:
    """Whether a named context of a build is a folder of the repository."""
    bases = {build.folder, posixpath.dirname(build.site.place.path)}
    texts = [c.value.text for c in build.named_contexts if c.value is not None]
    return any(join_path(base, text) == folder for base in bases for text in texts)


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers of lines as first and last of those that follow one another."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
