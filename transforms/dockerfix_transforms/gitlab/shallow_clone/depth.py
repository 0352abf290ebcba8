"""Which depth a GitLab job keeps, and why: those that read history, and those nobody can read.

Knows jobs and what they run; what a program reads stands in `history`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from dockerfix.api import (
    SHELLS,
    BadIgnoreError,
    Build,
    CommandReader,
    Commands,
    Copy,
    Facts,
    Instruction,
    Job,
    Judge,
    Pipeline,
    Ran,
    Run,
    SiteKind,
    Snapshot,
    SnapshotError,
    image_name,
    parse_shell,
    read_ignore,
    said_words,
)
from dockerfix_transforms.gitlab.shallow_clone.go_versions import asks_version, writes_version
from dockerfix_transforms.gitlab.shallow_clone.history import (
    MANIFESTS,
    VERSIONERS,
    builds_a_package,
    hidden_readers,
    image_reads_history,
    reads_history,
)
from dockerfix_transforms.gitlab.shallow_clone.own_code import TASK_RUNNERS, OwnCode
from dockerfix_transforms.gitlab.shallow_clone.templates import Templates

DEPTH = "GIT_DEPTH"
_INSTALLED = ("/usr/", "/opt/", "/etc/", "/lib/", "/kaniko", "/busybox")
_APART = str.maketrans(dict.fromkeys("|&;<>()\"'`", " "))


class Keeps(Struct, frozen=True):
    """The depth that a job must have of its own (empty: the project's), and why. `do` is what a
    person can do about it."""

    depth: str
    name: str
    why: str
    do: str = ""


class Depths:
    """The depths of one pipeline's jobs. `old` is the depth of the pipeline, empty for that of
    the project's settings; `assumed` are the jobs that a person takes to need no history."""

    def __init__(self, facts: Facts, pipeline: Pipeline, old: str, assumed: frozenset[str]) -> None:
        self.facts = facts
        self.reader = CommandReader(facts.snapshot, pipeline)
        self.old = old
        self.assumed = assumed
        self.code = OwnCode(facts.snapshot)
        self.versioner = _versioner(facts)
        self.asking = asks_version(facts.snapshot)

    @cached_property
    def places(self) -> frozenset[str]:
        """The files and folders of the repository."""
        found = {".", *self.facts.snapshot.paths}
        for path in self.facts.snapshot.paths:
            while (path := posixpath.dirname(path)) and path not in found:
                found.add(path)
        return frozenset(found)

    def kept(self, job: Job) -> Keeps | None:
        """What a job keeps; None for a job that may be shallow."""
        own = own_depth(job)
        allowed = job.inherit.variables
        if own is not None or job.rule_variables.get(DEPTH):
            return Keeps(own or self.old or "0", "keeps-depth", "it sets its own depth")
        if allowed is not None and DEPTH not in allowed:
            return Keeps("", "keeps-depth", "it does not inherit the depth")
        if job.trigger is not None:
            why = "it passes its variables on to another pipeline"
            return Keeps(self.old, "keeps-depth", why) if job.trigger.forwards else None
        if not self.clones(job):
            return None
        found = next(self.reasons(job), None)
        if found is None or (job.name in self.assumed and found[0] == "keeps-depth"):
            return None
        unread = found[0] == "keeps-depth"
        do = f"if it needs no history, pass --assume-shallow '{job.name}'" if unread else ""
        depth = "0" if not unread else self.old or "0"
        return Keeps(depth, found[0], said_words(found[1]), do)

    def clones(self, job: Job) -> bool:
        """Whether a job has a runner that clones the repository."""
        strategy = self.reader.pipeline.variables_of(job).get("GIT_STRATEGY")
        none = strategy is not None and strategy.text in ("none", "empty")
        return job.trigger is None and not none

    def reasons(self, job: Job) -> Iterator[tuple[str, str]]:
        """Why a job needs history, known readers first."""
        if not job.keys.keys() & {"script", "run"}:
            yield "keeps-depth", "its script is in another repository"
        image = image_name(job.image.name).repository if job.image is not None else ""
        if reason := image_reads_history(image):
            yield "reads-history", reason
        commands = self.reader.of(job)
        inside = [ran for ran in commands.ran if ran.sources]
        for ran in inside:
            if reason := reads_history(_without_paths(ran.words, self.places), ran.tolerated):
                yield "reads-history", reason
        if self.versioner and any(builds_a_package(ran.words) for ran in commands.ran):
            yield "reads-history", f"{self.versioner} takes a package's version from tags"
        yield from self.in_images(job)
        for ran in inside:
            if ran.name in TASK_RUNNERS and ran.words[1:2] != ("--version",):
                yield "keeps-depth", f"the recipes of `{ran.said()}` are not read"
            if _is_script_of_image(ran.words[0]):
                yield "keeps-depth", f"`{ran.words[0]}` is in the job's image, and is not read"
            if reason := self.code.run_by(ran.words):
                yield "keeps-depth", reason
            if self.asking and _ships(job) and writes_version(ran.words):
                yield "keeps-depth", self.tells_version(ran.words)
        yield from self.not_followed(job, commands)

    def in_images(self, job: Job) -> Iterator[tuple[str, str]]:
        """What the builds of a job read of a `.git` in their contexts."""
        for build in self.facts.builds.builds:
            if build.site.kind is not SiteKind.GITLAB or build.site.name != job.name:
                continue
            if self.versioner:
                yield "reads-history", f"{self.versioner} takes the version in an image from tags"
            if build.dockerfile is None or not _sees_git(self.facts, build):
                continue
            for words in _commands_of(self.facts, build.dockerfile):
                if reason := reads_history(words):
                    yield "reads-history", f"{build.dockerfile}: {reason}"
                elif reason := self.code.in_image(words):
                    yield "keeps-depth", f"{build.dockerfile}: {reason}"
                elif self.asking and writes_version(words):
                    yield "keeps-depth", f"{build.dockerfile}: {self.tells_version(words)}"

    def writes_version(self, job: Job) -> bool:
        """Whether a job hands on a program in Go into which a version from tags is written."""
        return _ships(job) and any(writes_version(ran.words) for ran in self.reader.of(job).ran)

    def tells_version(self, words: Sequence[str]) -> str:
        """Why a build in Go may read tags."""
        shown = " ".join(words[:2])
        return f"`{shown}` writes a version from tags into the program, and {self.asking} reads it"

    def not_followed(self, job: Job, commands: Commands) -> Iterator[tuple[str, str]]:
        """What may read history for all that reading knows."""
        seen = {word for ran in commands.ran if ran.name == "git" for word in ran.words[1:]}
        for path, text in commands.texts:
            for asked in hidden_readers(text, seen):
                yield "keeps-depth", f"{path} names `{asked}`, which may be run"
        for unfollowed in commands.unfollowed:
            asked_by = self.code.file(unfollowed.file) if unfollowed.file else None
            if asked_by is None:
                yield "keeps-depth", f"{unfollowed.said()} cannot be followed: {unfollowed.why}"
            elif asked_by:
                yield "keeps-depth", asked_by
        if any(map(_reads_script, commands.ran)):
            for path in _piped(self.facts.snapshot, commands):
                yield "keeps-depth", f"what a shell is given of `{path}` is not read"
        for parent in self.reader.pipeline.unknown_parents(job):
            yield "keeps-depth", f"it extends `{parent}`, which is in another repository"


def _without_paths(words: Sequence[str], places: Collection[str]) -> Sequence[str]:
    """The words of a command, those of `git diff` without paths of the repository: a file is
    compared with what is checked out. What has no dot and no slash may be a branch as well."""
    if posixpath.basename(words[0]) != "git" or "diff" not in words:
        return words
    at = list(words).index("diff") + 1
    paths = {
        word for word in words[at:] if {*"./"} & {*word} and posixpath.normpath(word) in places
    }
    return (*words[:at], *(word for word in words[at:] if word not in paths))


def _is_script_of_image(program: str) -> bool:
    """Whether a program is called by a path that only its image knows. One that is installed
    among the others, and kaniko's, are known by their names."""
    folder = posixpath.dirname(program)
    installed = folder.startswith(_INSTALLED) or posixpath.basename(folder) in ("bin", "sbin")
    return folder.startswith("/") and not installed


def _ships(job: Job) -> bool:
    """Whether a job hands on files that it made."""
    left = job.artifacts
    return left is not None and bool(left.paths or left.untracked)


def _reads_script(ran: Ran) -> bool:
    """Whether a shell takes its script from its standard input."""
    words = [word for word in ran.words[1:] if not word.startswith("-")]
    return ran.name in SHELLS and (not words or "-s" in ran.words)


def _piped(snapshot: Snapshot, commands: Commands) -> Iterator[str]:
    """The files of the repository that stand in one line with a shell, which may be given them
    through a pipe or a redirection."""
    for _, text in commands.texts:
        for line in text.replace("\\\n", " ").splitlines():
            words = line.translate(_APART).split()
            if {posixpath.basename(word) for word in words} & SHELLS:
                names = (posixpath.normpath(word) for word in words)
                yield from (name for name in names if name in snapshot)


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
            if _names(data, name.encode()):
                return f"{path} ({name})"
    return ""


def _names(data: bytes, name: bytes) -> bool:
    """Whether a manifest names something, and not as a part of a longer word."""
    at = -1
    while (at := data.find(name, at + 1)) >= 0:
        around = data[at - 1 : at] + data[at + len(name) : at + len(name) + 1]
        if not around or not any(chr(byte).isalpha() for byte in around):
            return True
    return False


def _sees_git(facts: Facts, build: Build) -> bool:
    """Whether instructions of a build may see `.git`: it is in the context, no ignore file leaves
    it out, and a stage takes the whole context, or mounts it."""
    if build.dockerfile not in facts.snapshot or build.context not in ("", ".", None):
        return False
    ignored = facts.ignore_path(build.context or "", build.dockerfile or "")
    if ignored is not None and build.context is not None:
        try:
            rules = read_ignore(facts.snapshot.source(ignored)).rules
            if Judge(rules).judge_path(".git").matched:
                return False
        except (BadIgnoreError, SnapshotError):
            return True
    return any(
        _takes_git(instruction)
        for stage in facts.dockerfile(build.dockerfile or "").stages
        for instruction in stage.instructions
    )


def _takes_git(instruction: Instruction) -> bool:
    """Whether an instruction brings `.git` into a stage."""
    if isinstance(instruction, Copy) and instruction.from_ is None:
        sources = {posixpath.normpath(word.value) for word in instruction.sources}
        return any(s in (".", "/", "*") or "$" in s or ".git" in s.split("/") for s in sources)
    mounts = [flag.value or "" for flag in instruction.flags if flag.name == "mount"]
    return any("from=" not in mount and "type=bind" in mount for mount in mounts)


def _commands_of(facts: Facts, path: str) -> Iterator[tuple[str, ...]]:
    """The commands of all RUN instructions of a Dockerfile, as words, but those of git within
    another repository that is cloned there."""
    for stage in facts.dockerfile(path).stages:
        for instruction in stage.instructions:
            script = instruction.script if isinstance(instruction, Run) else None
            if script is None:
                continue
            found = [
                tuple(word.value or word.written for word in command.words)
                for command in parse_shell(script).commands()
            ]
            # What a subshell enters, the commands behind it have not entered.
            alone = "(" in script.text
            yield from filter(None, found if alone else _outside_of_clones(found))


def _outside_of_clones(commands: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The commands of one script but those of git within a repository that it has cloned."""
    cloned: set[str] = set()
    inside = False
    for words in commands:
        if words[:2] == ("git", "clone"):
            cloned |= {words[-1], posixpath.basename(words[-1]).removesuffix(".git")}
        elif words[:1] in (("cd",), ("pushd",), ("popd",)):
            inside = words[0] != "popd" and words[-1] in cloned
        if not inside or words[:1] != ("git",):
            yield words


def own_depth(job: Job) -> str | None:
    """The depth that a job itself sets."""
    scalar = job.variables.get(DEPTH)
    return scalar.text if scalar is not None else None


def own_depths(
    pipeline: Pipeline,
    templates: Templates,
    keeps: Mapping[str, Keeps | None],
    shallow: Collection[str],
    depth: str,
    alone: bool,
) -> dict[str, str]:
    """The depth of each job that must have another than the pipeline gives it, hidden ones among
    them that give it to theirs. `alone` says that the pipeline itself gives none, so that each of
    the `shallow` jobs needs its own."""
    targets = templates.common(DEPTH, _wanted(pipeline, keeps, shallow, depth, alone))
    for job in _parents_first(pipeline, templates):
        kept = keeps[job.name]
        inherited = templates.nearest(job, targets)
        if kept is not None:
            other = not alone and kept.depth != depth
            wanted = kept.depth if inherited or other else ""
        elif job.name in shallow:
            wanted = depth if inherited or alone else ""
        else:
            wanted = inherited
        if wanted and wanted != own_depth(job):
            targets[job.name] = wanted
    return targets


def _wanted(
    pipeline: Pipeline,
    keeps: Mapping[str, Keeps | None],
    shallow: Collection[str],
    depth: str,
    alone: bool,
) -> dict[str, str | None]:
    """The depth that each visible job has to get from a job; empty where it must get none, and
    None where it does not matter, since the job clones nothing."""
    found: dict[str, str | None] = {}
    for job in pipeline.visible:
        kept = keeps[job.name]
        if kept is not None:
            own = alone or kept.depth == depth or own_depth(job) is not None
            found[job.name] = "" if own else kept.depth
        elif job.name in shallow:
            found[job.name] = depth if alone else ""
        else:
            found[job.name] = None if job.trigger is None else ""
    return found


def _parents_first(pipeline: Pipeline, templates: Templates) -> list[Job]:
    """The visible jobs, each behind those that it takes variables of."""
    levels = {job.name: len(list(templates.above(job))) for job in pipeline.visible}
    return sorted(pipeline.visible, key=lambda job: levels[job.name])
