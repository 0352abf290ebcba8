"""Which files a .NET build reads: projects, what they reference, and settings above them.

Follows MSBuild's rules for finding files: references and imports relative to the project,
`Directory.Build.*` and its kin in every folder above it. A path behind a property that is not
known stands for every file that it may end in, so that too much is found rather than too
little. Knows project and solution files; knows no Dockerfile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from functools import cached_property
from xml.etree import ElementTree

from dockerfix.facts.context.globs import has_wildcard
from dockerfix.text import Snapshot, SnapshotError, join_path

PROJECTS = (".csproj", ".fsproj", ".vbproj")
SOLUTIONS = (".sln", ".slnx")
_IMPORTED = (".props", ".targets", ".projitems")
_ABOVE = frozenset(
    {
        "directory.build.props", "directory.build.targets", "directory.build.rsp",
        "directory.packages.props", "directory.solution.props", "directory.solution.targets",
        "msbuild.rsp", "nuget.config", "global.json", ".editorconfig", ".globalconfig",
    }
)  # fmt: skip
"""Files that a build looks for in the project's folder and in those above, in lower case."""
_TOOLS = ".config/dotnet-tools.json"
_HERE = ("$(MSBuildThisFileDirectory)", "$(MSBuildProjectDirectory)", "$(ProjectDir)")


class ProjectError(Exception):
    """A project file that cannot be read: where, and what is wrong."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}")


def project_files(snapshot: Snapshot, top: str, starts: Sequence[str]) -> tuple[str, ...]:
    """The files and folders below `top` that a build of these projects or solutions reads, all
    relative to the root, sorted. Raises `ProjectError`."""
    reader = _Reader(snapshot, top)
    for path in starts:
        reader.take(path)
    return tuple(sorted(reader.found))


class _Reader:
    """Follows one build. `found` are the paths it reads, `seen` the files it was led to, and
    `folders` those of projects: what an imported file names is sought there too."""

    def __init__(self, snapshot: Snapshot, top: str) -> None:
        self.snapshot = snapshot
        self.top = top
        self.found: dict[str, None] = {}
        self.seen: set[str] = set()
        self.folders: dict[str, None] = {}

    @cached_property
    def above(self) -> dict[str, list[str]]:
        """The settings files of each folder, below `top`."""
        found: dict[str, list[str]] = {}
        for path in self.snapshot.below(self.top):
            folder, name = posixpath.split(path)
            if name.lower() in _ABOVE:
                found.setdefault(folder, []).append(path)
            elif path == posixpath.join(posixpath.dirname(folder), _TOOLS):
                found.setdefault(posixpath.dirname(folder), []).append(path)
        return found

    def take(self, path: str) -> None:
        """A project, a solution or a file that one of them imports, and all that it leads to."""
        if path in self.seen:
            return
        self.seen.add(path)
        if path.endswith(SOLUTIONS):
            self.found[path] = None
            for project in _listed(self.text(path), path):
                self.reference(path, project)
        elif path.endswith(PROJECTS):
            self.folders[posixpath.dirname(path)] = None
            self.found[posixpath.dirname(path)] = None
            self.values(path)
        else:
            self.found[path] = None
            self.values(path)
        self.settings(posixpath.dirname(path))

    def settings(self, folder: str) -> None:
        """The settings files of a folder and of those above it, as far as `top`."""
        while True:
            for path in self.above.get(folder, ()):
                self.take(path)
            if folder in ("", self.top):
                return
            folder = posixpath.dirname(folder)

    def reference(self, path: str, text: str) -> None:
        """A project that a solution or a project names; one that is not there fails the build
        with all files as well as with few."""
        named = join_path(posixpath.dirname(path), text)
        if named is not None and named in self.snapshot:
            self.take(named)

    def values(self, path: str) -> None:
        """Every text of a project file that names files."""
        if not path.lower().endswith((*PROJECTS, *_IMPORTED, ".config")):
            return
        try:
            root = ElementTree.fromstring(self.text(path))
        except ElementTree.ParseError as error:
            raise ProjectError(path, str(error)) from None
        for node in root.iter():
            for value in (*node.attrib.values(), node.text or ""):
                for text in _pieces(value):
                    self.value(path, text)

    def value(self, path: str, text: str) -> None:
        """One text: the file or folder that it names, or those in which it may end."""
        folder = posixpath.dirname(path)
        for here in _HERE:
            if text.startswith(here) and (here == _HERE[0] or path.endswith(PROJECTS)):
                text = text.removeprefix(here).lstrip("/") or "."
        if any(mark in text for mark in ("$(", "@(", "%(")):
            self.ending(text.rpartition(")")[2].strip("/"))
            return
        if set(text) <= {".", "/"}:
            return  # a folder above, which properties begin with: its files are named elsewhere
        literal = _literal(text)
        for start in (folder, *(self.folders if path.lower().endswith(_IMPORTED) else ())):
            named = join_path(start, literal) if literal not in ("", ".") else None
            if named is not None:
                self.named(named)

    def ending(self, text: str) -> None:
        """All paths that end in a text behind a property."""
        text = posixpath.normpath(_literal(text)) if text else ""
        text = text.lstrip("./")
        if len(text) < 2:
            return
        for path in self.snapshot.below(self.top):
            start = f"/{path}/".find(f"/{text}/")
            if start >= 0:
                self.named(path[: start + len(text)])

    def named(self, path: str) -> None:
        """A path that a project file names, if it is there."""
        if path in self.snapshot:
            if path.lower().endswith((*PROJECTS, *_IMPORTED)):
                self.take(path)
            self.found[path] = None
        elif self.snapshot.is_folder(path):
            self.found[path] = None

    def text(self, path: str) -> str:
        """A file as text. Raises `ProjectError`."""
        try:
            return self.snapshot.text(path)
        except SnapshotError as error:
            raise ProjectError(path, error.why) from None


def _pieces(value: str) -> Iterator[str]:
    """The paths that a value may hold: lists by `;`, quoted operands of conditions."""
    for quoted in value.replace("\\", "/").split("'"):
        for piece in quoted.split(";"):
            text = piece.strip()
            if text and "\n" not in text and "://" not in text:
                yield text


def _literal(text: str) -> str:
    """A path up to its first part with a wildcard; `.` where that is the first part."""
    kept: list[str] = []
    for part in text.split("/"):
        if has_wildcard(part):
            return "/".join(kept) or "."
        kept.append(part)
    return "/".join(kept)


def _listed(text: str, path: str) -> Iterator[str]:
    """The projects that a solution lists, as written. Raises `ProjectError`."""
    if path.endswith(".slnx"):
        try:
            nodes = list(ElementTree.fromstring(text).iter("Project"))
        except ElementTree.ParseError as error:
            raise ProjectError(path, str(error)) from None
        yield from (node.get("Path", "").replace("\\", "/") for node in nodes)
        return
    for line in text.splitlines():
        head, _, rest = line.strip().partition("=")
        if head.startswith("Project("):
            fields = [field.strip().strip('"') for field in rest.split(",")]
            if len(fields) > 1:
                yield fields[1].replace("\\", "/")
