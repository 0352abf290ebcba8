"""Call sites of the inputs: what each one must ask for, and which cannot be followed.

Decides on builds; the edits themselves are dockerfix's business. Knows the merged file's
names; knows nothing of jobs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dockerfix.api import (
    Blind,
    Build,
    Change,
    Facts,
    Finding,
    PathMention,
    Place,
    Severity,
    SiteKind,
    SnapshotError,
    Wanted,
)
from dockerfix_transforms.merge_rust.left import Left
from dockerfix_transforms.merge_rust.mentions import is_prose, is_read_only
from dockerfix_transforms.merge_rust.read.inputs import RustFile, possible_targets


@dataclass(slots=True)
class Sites:
    """Changes of builds, with the file that each one belongs to, what is left, and remarks."""

    changes: list[tuple[RustFile, Change]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_sites(
    facts: Facts,
    files: Sequence[RustFile],
    targets: Mapping[tuple[str, int], str],
    into: str,
) -> Sites:
    """What every build of the inputs must ask for afterwards."""
    sites = Sites()
    for file in files:
        if not file.builds:
            sites.findings.append(_unused(file))
        for build in file.builds:
            sites.findings += _doubted(build)
            target = _target(facts, file, build, targets, sites)
            if target is not None:
                change = Change(build, Wanted(into, target))
                sites.changes.append((file, change))
    return sites


def _unused(file: RustFile) -> Finding:
    tree = file.graph.tree
    return Finding(
        Severity.NOTE,
        "no-call-site",
        f"no call site builds {file.path}; it is merged like the others",
        "it may be built from outside of this repository",
        "",
        tree.source.place(tree.instructions[0].code),
        file.path,
    )


def _target(
    facts: Facts,
    file: RustFile,
    build: Build,
    targets: Mapping[tuple[str, int], str],
    sites: Sites,
) -> str | None:
    """The target as the call site must write it; None when it cannot be said."""
    if build.target is None or build.target.text == "":
        return targets[(file.path, file.graph.stages[-1].index)]
    names = possible_targets(facts, build)
    new: list[tuple[str, str]] = []
    for name in names:
        stage = file.graph.target(name)
        found = targets.get((file.path, stage.index)) if stage is not None else None
        if found is None:
            sites.left.append(
                _left(file, build, f"it asks for the target {name}, which is not kept")
            )
            return None
        new.append((name, found))
    made = {target for _, target in new}
    if build.target.known and len(made) == 1:
        return made.pop()
    heads = {t[: len(t) - len(name)] for name, t in new if t.endswith(name)}
    if len(heads) != 1 or not all(t.endswith(name) for name, t in new):
        sites.left.append(_left(file, build, "its target is a variable that no new name ends in"))
        return None
    sites.findings.append(_assumed(build, [name for name, _ in new]))
    return heads.pop() + build.target.text


def _doubted(build: Build) -> Iterator[Finding]:
    """A Dockerfile by a variable that may be set elsewhere: the merged file takes its place."""
    written = build.dockerfile_written
    if written is None or build.dockerfile is None:
        return
    defaulted = [name for name in written.variables if "${" + name + ":-" in written.text]
    if defaulted:
        names = ", ".join(defaulted)
        yield Finding(
            Severity.ASSUME,
            "dockerfile-values",
            f"{build.site.kind.value} {build.site.name}: {names} is set nowhere else",
            f"the build takes {build.dockerfile} by default, and the merged file from now on",
            "",
            build.site.place,
            names,
        )


def _left(file: RustFile, build: Build, what: str) -> Left:
    return Left(
        (file.path,),
        build.site.place,
        f"{build.site.kind.value} {build.site.name}: {what}",
        "It would ask for a target that there is not.",
        "Write its target out, with the merged file.",
    )


def _assumed(build: Build, names: Sequence[str]) -> Finding:
    variables = ", ".join(build.target.variables) if build.target is not None else ""
    return Finding(
        Severity.ASSUME,
        "target-values",
        f"{build.site.kind.value} {build.site.name}: {variables} takes no other values than "
        f"{', '.join(names)}",
        "other values would name no target of the merged file",
        "",
        build.site.place,
        variables,
    )


def hidden_sites(facts: Facts, files: Sequence[RustFile]) -> Iterator[Left | Finding]:
    """Builds and places that cannot be followed and may use an input.

    A build whose Dockerfile is not known may be of any input that its words fit, unless its
    context is another one.
    """
    folders = {file.context for file in files}
    for build in facts.builds.builds:
        hidden = build.dockerfile is None and (build.context is None or build.context in folders)
        if not hidden or build.site.kind is SiteKind.DOCUMENT or _remote(build):
            continue
        fitting = tuple(file.path for file in files if _may_be(build, file.path))
        if fitting:
            reason = "; ".join(build.unknown) or "its Dockerfile is not known"
            yield _hidden(fitting, build.site.place, f"{build.site.kind.value} {build.site.name}: "
                          f"this build cannot be followed ({reason})")  # fmt: skip
    for blind in facts.builds.blind:
        found = _blind(facts, blind, files)
        if found is not None:
            yield found


def _may_be(build: Build, path: str) -> bool:
    """Whether a build whose Dockerfile is not known could take an input."""
    written = build.dockerfile_written
    if written is None:
        return posixpath.basename(path) == "Dockerfile"
    if written.choices:
        return any(path == c or path.endswith(f"/{c.removeprefix('./')}") for c in written.choices)
    pattern = ".*".join(map(re.escape, _HOLE.sub("\0", written.text).split("\0")))
    return re.fullmatch(f"(?:.*/)?{pattern.removeprefix(re.escape('./'))}", path) is not None


def _remote(build: Build) -> bool:
    """Whether the context is an address or standard input: then no file of ours is read."""
    written = build.context_written
    text = written.text if written is not None else ""
    return text == "-" or "://" in text or text.startswith("git@")


def _hidden(paths: tuple[str, ...], place: Place, what: str) -> Left:
    return Left(
        paths,
        place,
        what,
        "It may build the old file, and would fail without it.",
        "Give it the merged file and a target by hand.",
    )


_DOCKERFILE_KEY = re.compile(
    r"(?i)\s*+(?:- |local |export |readonly )?\s*+[\"']?\w*docker[-_]?file\w*[\"']?\s*[:?]?[:=]"
)
"""A setting or variable that holds a Dockerfile's name, at the beginning of a line."""


def _blind(facts: Facts, blind: Blind, files: Sequence[RustFile]) -> Left | Finding | None:
    """A place that cannot be read: it weighs only when its file names an input, or its own
    lines do where what they stand for is elsewhere."""
    text = _command(facts, blind.place)
    known = text if blind.apart else _whole(facts, blind.place.path)
    path, settings = blind.place.path, _DOCKERFILE_KEY.match(text)
    named = [
        f.path
        for f in files
        if _names(known, f.path) or _may_name(known, f.path) or _lies_beside(path, f.path)
    ]
    followed = settings and named and all(_built_there(facts, path, name) for name in named)
    if followed:
        return None
    if named:
        return _hidden(tuple(named), blind.place, f"{blind.what} cannot be followed: {blind.why}")
    return Finding(
        Severity.NOTE, "not-read", f"{blind.what} was not read: {blind.why}",
        "A build in it would not be rewritten.", "Look there by hand.", blind.place, blind.what,
    )  # fmt: skip


def _lies_beside(path: str, wanted: str) -> bool:
    """Whether a program stands in the folder of an input that a build there takes by default."""
    folder, name = posixpath.split(wanted)
    return name == "Dockerfile" and posixpath.dirname(path) == folder and not is_prose(path)


def _whole(facts: Facts, path: str) -> str:
    if path not in facts.snapshot:
        return ""
    try:
        return facts.snapshot.read(path).decode("utf-8", "replace")
    except SnapshotError:  # a link to a folder, for one
        return ""


def _names(text: str, wanted: str) -> bool:
    name = wanted.rpartition("/")[2]
    return (wanted if name == "Dockerfile" else name) in text


def _command(facts: Facts, place: Place) -> str:
    """The lines of a place, with those that continue them."""
    if not _whole(facts, place.path):
        return ""
    source = facts.snapshot.source(place.path)
    line = source.line_of(place.span.start)
    text = source.text(line)
    while (text.rstrip().endswith("\\") or line.end < place.span.end) and line.end < len(
        source.data
    ):
        line = source.line_of(line.end)
        text += source.text(line)
    return text


_HOLE = re.compile(r"\$\([^)]*\)|\$\{\{.*?\}\}|\$\{[^}]*\}|\{\{.*?\}\}|\$\w+|%\w|\$[*@]")


_BUILDCTL = re.compile(r"\blocal[= ]dockerfile=([^\s\"',]+)")
"""The folder of the Dockerfile, as `buildctl build` takes it."""


def _may_name(text: str, wanted: str) -> bool:
    """Whether a word of a command that is not followed, with anything in place of its
    variables, could be the path of an input."""
    holed = _HOLE.sub("\0", text)
    for folder in _BUILDCTL.findall(holed):
        pattern = ".*".join(map(re.escape, folder.removeprefix("./").split("\0")))
        if re.fullmatch(f"{pattern}(?:/Dockerfile)?", wanted):
            return True
    for word in re.split(r"[\s\"'=]+", holed):
        pattern = ".*".join(map(re.escape, word.removeprefix("./").split("\0")))
        hidden = "\0" in word and "ockerfile" in word
        if hidden and re.fullmatch(f"(?:.*/)?{pattern}", wanted):
            return True
    return False


def left_mentions(
    facts: Facts, mentions: Sequence[PathMention], targets: Mapping[str, str]
) -> Iterator[Left]:
    """Places outside of every build that was read from which something may be built.

    `targets` are the targets that stand for the old files' last images.
    """
    for mention in mentions:
        if mention.successor is None:
            yield Left(
                (mention.path,), mention.place, f"{mention.path} is named behind a variable",
                "The path here would name nothing.", "Write the path out.",
            )  # fmt: skip
        elif not is_read_only(facts, mention) and not _is_read(facts, mention):
            yield Left(
                (mention.path,), mention.place, f"{mention.path} is named outside of a build that "
                "dockerfix follows",
                "What builds from it would get the merged file's last image.",
                f"Write {mention.successor}, with the target {targets.get(mention.path, '')}.",
            )  # fmt: skip


def _is_read(facts: Facts, mention: PathMention) -> bool:
    """Whether a variable of a pipeline or a value of a workflow's matrix holds the name, and a
    build that was read takes it."""
    if _built_there(facts, mention.place.path, mention.path):
        return True
    pipeline = facts.pipeline
    if pipeline is None or mention.place.path not in pipeline.files:
        return False
    text = facts.snapshot.source(mention.place.path).text(mention.place.span)
    return any(
        b.dockerfile == mention.path and text in b.variables.values()
        for b in facts.builds.builds
        if b.site.kind is SiteKind.GITLAB
    )


def _built_there(facts: Facts, where: str, path: str) -> bool:
    """Whether a build that was read in that file takes the Dockerfile."""
    return any(b.dockerfile == path and b.site.place.path == where for b in facts.builds.builds)
