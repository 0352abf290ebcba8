"""Builds and places that cannot be followed, and which of the inputs they may use.

Knows builds and the words of a command; a place weighs only where it names an input, or could.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from dockerfix.api import (
    Blind,
    Build,
    Facts,
    Finding,
    Place,
    Severity,
    SiteKind,
    SnapshotError,
    Span,
    is_program,
    is_typed,
    links_to,
    pattern_prerequisites,
)
from dockerfix_transforms.merge_rust.callers.left import Left
from dockerfix_transforms.merge_rust.callers.left_mentions import built_there
from dockerfix_transforms.merge_rust.callers.mentions import is_prose
from dockerfix_transforms.merge_rust.read.input_file import InputFile


def hidden_sites(facts: Facts, files: Sequence[InputFile]) -> Iterator[Left | Finding]:
    """Builds and places that cannot be followed and may use an input.

    A build whose Dockerfile is not known may be of any input that its words fit, unless its
    context is another one.
    """
    folders = {file.context for file in files}
    for build in facts.builds.builds:
        elsewhere = _runs_elsewhere(build, facts)
        hidden = build.dockerfile is None and (build.context is None or build.context in folders)
        if (
            not (hidden or elsewhere or build.loose)
            or build.site.kind is SiteKind.DOCUMENT
            or _remote(build)
        ):
            continue
        text = _command(facts, build.site.place)
        fitting = tuple(
            file.path
            for file in files
            if ((hidden or elsewhere) and (_may_be(build, file.path) or _says(build, text, file)))
            or _may_be_told(facts, build, file.path)
        )
        if fitting and is_typed(facts.snapshot, build):
            yield _typed(build)
        elif fitting:
            reason = "; ".join(build.unknown) or "its Dockerfile is not known"
            if elsewhere and not build.loose:
                reason = f"there is no {build.dockerfile}, so it runs in a folder that is not known"
            yield _hidden(fitting, build.site.place, f"{build.site.kind.value} {build.site.name}: "
                          f"this build cannot be followed ({reason})")  # fmt: skip
    for blind in facts.builds.blind:
        found = _blind(facts, blind, files)
        if found is not None:
            yield found
    yield from _pattern_rules(facts, files)
    yield from _links(facts, files)


def _pattern_rules(facts: Facts, files: Sequence[InputFile]) -> Iterator[Left]:
    """Rules of Makefiles that depend on an input by a pattern: without the file, make knows no
    rule for what depends on it."""
    for file in files:
        for place, word in pattern_prerequisites(facts.snapshot, file.path):
            yield Left(
                (file.path,),
                place,
                f"a rule of {place.path} depends on {word}",
                "Without the old file, make would know no rule for it.",
                "Take the pattern out of the rule, and name the merged file and a target.",
            )


def _links(facts: Facts, files: Sequence[InputFile]) -> Iterator[Left]:
    """Symbolic links to inputs: under the name of the link, the merged file would be built
    without a target, and without the input the link leads nowhere."""
    for link, path in links_to(facts.snapshot, [file.path for file in files]):
        try:
            place = facts.snapshot.source(link).place(Span(0, 0))
        except SnapshotError:
            continue
        yield Left(
            (path,),
            place,
            f"{link} is a symbolic link to {path}",
            "Without the old file the link leads nowhere.",
            f"Take {link} away once nothing builds from it.",
        )


def _runs_elsewhere(build: Build, facts: Facts) -> bool:
    """Whether a script asks for a Dockerfile that is not where it was looked for: scripts do not
    say in which folder they run."""
    scripts = (SiteKind.SHELL, SiteKind.PYTHON)
    missing = build.dockerfile is not None and build.dockerfile not in facts.snapshot
    return missing and build.site.kind in scripts


def _may_be(build: Build, path: str) -> bool:
    """Whether a build whose Dockerfile is not known could take an input."""
    if build.dockerfile is not None:
        return posixpath.basename(path) == posixpath.basename(build.dockerfile)
    written = build.dockerfile_written
    if written is None:
        return posixpath.basename(path) == "Dockerfile"
    if written.choices:
        return any(path == c or path.endswith(f"/{c.removeprefix('./')}") for c in written.choices)
    pattern = ".*".join(map(re.escape, _HOLE.sub("\0", written.text).split("\0")))
    return re.fullmatch(f"(?:.*/)?{pattern.removeprefix(re.escape('./'))}", path) is not None


def _says(build: Build, text: str, file: InputFile) -> bool:
    """Whether the words of a build that cannot be sorted name an input."""
    return build.dockerfile is None and _names(text, file.path)


def _may_be_told(facts: Facts, build: Build, path: str) -> bool:
    """Whether words that may hold further options may hold this file: the script names it, or
    could, and no build there takes it."""
    if not build.loose or build.dockerfile_written is not None:
        return False
    where = build.site.place.path
    known = _whole(facts, where)
    named = _names(known, path) or _may_name(known, path)
    return named and not built_there(facts, where, path)


def _remote(build: Build) -> bool:
    """Whether the context is an address or standard input: then no file of ours is read."""
    written = build.context_written
    text = written.text if written is not None else ""
    return text == "-" or "://" in text or text.startswith("git@")


def _typed(build: Build) -> Finding:
    """A build whose Dockerfile a person types: the one who knows the old name types the new one."""
    return Finding.at(
        build.site.place,
        severity=Severity.ASSUME,
        name="typed-by-hand",
        what=f"whoever starts {build.site.place.path} by hand types the Dockerfile",
        why="an old name, typed from habit, would no longer be found",
        do="Type the merged file, and a target.",
        subject=build.site.place.path,
    )


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


def _blind(facts: Facts, blind: Blind, files: Sequence[InputFile]) -> Left | Finding | None:
    """A place that cannot be read: it weighs only when its file names an input, or its own
    lines do where what they stand for is elsewhere."""
    text = _command(facts, blind.place)
    known = text if blind.apart else _whole(facts, blind.place.path)
    path, settings = blind.place.path, _DOCKERFILE_KEY.match(text)
    named = [
        f.path
        for f in files
        if _names(known, f.path)
        or _may_name(known, f.path)
        or _names_folder(known, path, f.path)
        or _lies_beside(path, f.path)
    ]
    followed = settings and named and all(built_there(facts, path, name) for name in named)
    if followed:
        return None
    if named:
        return _hidden(tuple(named), blind.place, f"{blind.what} cannot be followed: {blind.why}")
    return Finding.at(
        blind.place,
        severity=Severity.NOTE,
        name="not-read",
        what=f"{blind.what} was not read: {blind.why}",
        why="A build in it would not be rewritten.",
        do="Look there by hand.",
        subject=blind.what,
    )


def _names_folder(text: str, where: str, wanted: str) -> bool:
    """Whether a text that builds names the folder of an input, and the plain file by its name
    alone: `path: a` with `dockerfile: Dockerfile`, or a list of folders in a program. The
    settings of a CI system need not name what is the default."""
    folder, name = posixpath.split(wanted)
    if name != "Dockerfile" or not folder or is_prose(where):
        return False
    if is_program(where):
        text = " ".join(_LITERALS.findall(text))
    words = {word.strip("./") for word in re.split(r"[^\w./-]+", text)}
    if folder in words and where.endswith((".yml", ".yaml")):
        return True
    return name in words and not words.isdisjoint({folder, posixpath.basename(folder)})


_LITERALS = re.compile(r""" "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*` """, re.VERBOSE)
"""Texts in a program: its own names, `api::image`, are no names of folders."""


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


_HOLE = re.compile(
    r"[*?]|\$\([^)]*\)|\$\{\{.*?\}\}|\$\{[^}]*\}|\{\{.*?\}\}|\$\w+|%\w|\$[*@]|\{\w*\}"
)


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
