"""Checks *no dangling reference*: nothing names what the patch has removed.

Files are looked for in builds, in text and in the globs of the pipeline; stages in builds and
in the Dockerfiles that the patch writes; jobs wherever a pipeline can name one. What was
dangling before is no fault of the patch and is listed. Knows where names stand; what a path
in text is stands in `named_paths`, what a pipeline names in `pipeline_names`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from dockerfix.facts.builds.pattern_prerequisites import pattern_prerequisites
from dockerfix.facts.changed_first import changed_first
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.gitlab.globs import GlobError, matches
from dockerfix.facts.links import links_to
from dockerfix.facts.model import SiteKind
from dockerfix.facts.named_words import named_words
from dockerfix.facts.repository import Facts
from dockerfix.facts.text_uses import hands_on
from dockerfix.proof.asks.asks import Ask, asks_of, values_for
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.references.named_paths import named_paths
from dockerfix.proof.references.pipeline_names import (
    change_globs,
    documents_about,
    names_of_jobs,
)
from dockerfix.syntax.dockerfile import parse
from dockerfix.text import Place, Snapshot, SnapshotError

_MAX_UNFOLLOWED = 8


class NoDanglingReference(Obligation, frozen=True):
    """Nothing in the snapshot after names a file or job that the patch removed, or a stage
    that went with a file.

    `files` are paths relative to the root, `jobs` names of the CI file.
    """

    files: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    left: frozenset[tuple[str, str]] = frozenset()
    """Removed files with the files that go on naming them, as the person accepted."""
    replaced: tuple[str, ...] = ()
    """Dockerfiles whose images are built from others now: nothing may change their text first."""

    kind: ClassVar[str] = "no dangling reference"
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "left-behind": "a place still asks for a file that is removed; a person rewrites it",
    }

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether anything names a removed file, stage or job."""
        return _judge(self, before, after)


def _judge(owed: NoDanglingReference, before: Facts, after: Facts) -> Verdict:
    search = _Search(owed, before, after)
    search.builds()
    search.links()
    search.texts()
    search.handed_on()
    search.changed_first()
    search.globs()
    search.stages()
    search.jobs()
    names = [*owed.files, *(f"job `{job}`" for job in owed.jobs)]
    return Verdict(
        f"Nothing names {', '.join(names)} any longer"
        if names
        else "Every file, stage and job that is named exists",
        tuple(search.differences),
        tuple(search.failures),
        tuple(_unfollowed(before, after, search.gone)),
        about=tuple(search.about),
    )


class _Search:
    """Gathers over the snapshot after; dicts keep the first of equal lines."""

    def __init__(self, owed: NoDanglingReference, before: Facts, after: Facts) -> None:
        self.owed = owed
        self.before = before
        self.after = after
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}
        self.failed: list[Place] = []
        self.about: list[str] = []
        """The removed file of each failure that is about one."""

    @property
    def gone(self) -> list[str]:
        """The files that are in the snapshot before and not in the one after."""
        removed = (path for path in self.owed.files if path not in self.after.snapshot)
        return list(dict.fromkeys(removed))

    def fail(self, place: Place, what: str, *about: str | None) -> None:
        """Note a dangling name; `about` are files that it may be about, removed ones."""
        self.failures[f"{place}: {what}"] = None
        self.about += (path for path in about if path in self.gone and path is not None)
        self.failed.append(place)

    def builds(self) -> None:
        """Every build finds its Dockerfile, and its target in it."""
        for path in self.owed.files:
            if path in self.after.snapshot:
                self.failures[f"{path}: it is still there"] = None
        values = {**values_for(self.before), **values_for(self.after)}
        vain = [a for a in asks_of(self.before.builds, values) if _lost(self.before, a)]
        lost = {_lost(self.before, ask) for ask in vain}
        for ask in asks_of(self.after.builds, values):
            what = _lost(self.after, ask)
            if what is None:
                continue
            if (ask.dockerfile, ask.site.place.path) in self.owed.left:
                self.differences[f"left-behind: {ask.site}: {what}"] = None
            elif what in lost:
                self.differences[f"existing: {ask.site}: {what}"] = None
            else:
                what = f"{ask.site.kind.value} {ask.site.name}: {what}"
                self.fail(ask.site.place, what, ask.dockerfile, *self.namesakes(vain, ask))

    def namesakes(self, vain: Sequence[Ask], ask: Ask) -> list[str]:
        """The removed files that have the name of one which the file of a build asked for in
        vain before: its word was taken for theirs, and names nothing still."""
        here = [a for a in vain if a.site.place.path == ask.site.place.path]
        names = {posixpath.basename(a.dockerfile) for a in here if a.dockerfile is not None}
        return [path for path in self.gone if posixpath.basename(path) in names]

    def texts(self) -> None:
        """Paths in settings, scripts and documents."""
        for found in named_paths(self.after.snapshot, self.gone):
            if any(_inside(found.place, place) for place in self.failed):
                continue
            if (found.path, found.place.path) in self.owed.left:
                self.differences[f"left-behind: {found.place}: names {found.path}"] = None
            elif found.remark:
                line = f"{found.remark}: {found.place}: names {found.path}, which is gone"
                self.differences[line] = None
            else:
                self.fail(found.place, f"names {found.path}, which is gone", found.path)

    def links(self) -> None:
        """No symbolic link leads to a removed file."""
        for link, path in links_to(self.after.snapshot, self.gone):
            what = f"{link}: a symbolic link to {path}, which is gone"
            if (path, link) in self.owed.left:
                self.differences[f"left-behind: {what}"] = None
            else:
                self.failures[what] = None
                self.about.append(path)

    def handed_on(self) -> None:
        """No line of a script hands on the text of a Dockerfile that stands for a removed one:
        what is built from the text takes no target, and gets the last image."""
        new = [p for p in self.changed() if p not in self.before.snapshot] if self.gone else []
        by_name = {posixpath.basename(path): path for path in new}
        for word in named_words(self.after.snapshot, tuple(by_name)):
            source, place = word.source, word.source.place(word.span)
            line = source.text(source.line_of(word.span.start)).strip()
            several = len(_graph(self.after, by_name[word.name]).stages) > 1
            if several and not line.startswith("#") and hands_on(line.lstrip("- "), word.name):
                self.fail(place, f"hands on the text of {by_name[word.name]}", *self.gone)

    def changed_first(self) -> None:
        """No line of a script changes the text of a Dockerfile that others stand for: what was
        built from the changed text would be built as the repository holds it."""
        snapshot, builds = self.before.snapshot, self.before.builds.builds
        for path, place in changed_first(snapshot, builds, self.owed.replaced):
            self.failures[f"{place}: this changes {path} before it is built"] = None
            self.about.append(path)

    def globs(self) -> None:
        """Globs of the pipeline that matched a removed file still match something, and no rule of
        a Makefile depends on one by a pattern."""
        pipeline = self.after.pipeline
        for scalar in change_globs(pipeline) if pipeline is not None else ():
            if any(char in scalar.text for char in "*?[{") and self.empties(scalar.text):
                place = scalar.file.source.place(scalar.span)
                self.fail(place, f"`{scalar.text}` matched only what is gone")
        for path in self.gone:
            for place, word in pattern_prerequisites(self.after.snapshot, path):
                if (path, place.path) in self.owed.left:
                    self.differences[f"left-behind: {place}: `{word}` means {path}"] = None
                else:
                    self.fail(place, f"`{word}` means {path} too, which is gone", path)

    def empties(self, glob: str) -> bool:
        """Whether a glob matched a removed file and matches no file that is there."""
        try:
            if not any(matches(glob, path) for path in self.gone):
                return False
            return not any(matches(glob, path) for path in self.after.snapshot.paths)
        except GlobError:
            return False

    def stages(self) -> None:
        """Stages that the patch's Dockerfiles name are stages, where they were before."""
        names = {
            stage.name.lower()
            for path in {*self.gone, *self.changed()}
            for stage in _graph(self.before, path).stages
            if stage.name is not None and stage.from_.image is not None
            if stage.name.lower() != stage.from_.image.value.lower()
        }
        for path in self.changed():
            graph = _graph(self.after, path)
            contexts = self.contexts(path)
            for place, name in _outside(graph):
                if name.lower() in names and name not in contexts:
                    self.fail(place, f"{path} no longer has a stage `{name}`")

    def changed(self) -> list[str]:
        """Dockerfiles that the patch writes."""
        old, new = self.before.snapshot, self.after.snapshot
        named = {build.dockerfile for build in self.after.builds.builds}
        paths = sorted({*self.after.dockerfiles, *(p for p in named if p is not None and p in new)})
        return [path for path in paths if path not in old or _differs(old, new, path)]

    def contexts(self, path: str) -> set[str]:
        """Named contexts that some build of the Dockerfile gives."""
        builds = (build for build in self.after.builds.builds if build.dockerfile == path)
        return {context.name for build in builds for context in build.named_contexts}

    def jobs(self) -> None:
        """Nothing in the pipeline's files, and no document, names a removed job."""
        pipeline = self.after.pipeline
        removed = frozenset(self.owed.jobs)
        if pipeline is None or not removed:
            return
        for job in removed & set(pipeline.jobs):
            self.failures[f"{pipeline.jobs[job].place}: job `{job}` is still there"] = None
        for file in pipeline.files.values():
            for scalar, key in names_of_jobs(file.root):
                if scalar.text in removed - set(pipeline.jobs):
                    place = scalar.file.source.place(scalar.span)
                    what = f"`{key}` names the job `{scalar.text}`, which is gone"
                    self.fail(place, what, *_built_in(self.before, scalar.text))
        for line in documents_about(self.after.snapshot, removed - set(pipeline.jobs)):
            self.differences[line] = None


def _built_in(facts: Facts, job: str) -> set[str | None]:
    """The Dockerfiles that builds of a job take."""
    builds = (b for b in facts.builds.builds if b.site.kind is SiteKind.GITLAB)
    return {build.dockerfile for build in builds if build.site.name == job}


def _lost(facts: Facts, ask: Ask) -> str | None:
    """What a build asks for in vain; None when it finds its image."""
    if ask.dockerfile is None or "${" in ask.target:
        return None
    if ask.dockerfile not in facts.snapshot:
        if facts.snapshot.why_unknown(ask.dockerfile) is not None:
            return None
        return f"{ask.dockerfile} does not exist"
    try:
        stage = facts.stages(ask.dockerfile).target(ask.target)
    except SnapshotError:
        return None
    return None if stage is not None else f"{Image(ask.dockerfile, ask.target)}: no such target"


def _inside(inner: Place, outer: Place) -> bool:
    return inner.path == outer.path and outer.span.contains(inner.span)


def _graph(facts: Facts, path: str) -> StageGraph:
    """The stage graph of a file; an empty one for a file that is not there."""
    return facts.stages(path) if path in facts.snapshot else StageGraph(parse(b"", path))


def _differs(old: Snapshot, new: Snapshot, path: str) -> bool:
    try:
        return old.peek(path) != new.peek(path)
    except SnapshotError:
        return False


def _outside(graph: StageGraph) -> Iterator[tuple[Place, str]]:
    """What FROM and `--from` name that is no stage."""
    for stage in graph.stages:
        image = stage.from_.image
        if image is not None and graph.base(stage) is None:
            yield stage.from_.source.place(image.span), image.value
        for reference in graph.references(stage):
            if reference.stage is None:
                item = reference.instruction
                yield item.source.place(reference.flag.span), reference.text


def _unfollowed(before: Facts, after: Facts, gone: Sequence[str]) -> Iterator[str]:
    """Builds that reading cannot follow, which may ask for a Dockerfile that goes."""
    asked = {build.dockerfile for build in before.builds.builds}
    if not any(path in asked or is_dockerfile(path) for path in gone):
        return
    spots = [spot for spot in after.builds.blind if not spot.apart]
    for spot in spots[:_MAX_UNFOLLOWED]:
        what = f"{spot.place}: {spot.what} cannot be followed ({spot.why})"
        yield f"{what}: it may ask for a file that goes"
    if len(spots) > _MAX_UNFOLLOWED:
        yield f"and {len(spots) - _MAX_UNFOLLOWED} more builds that cannot be followed"
