"""Which files a .NET build reads: projects, what they reference, and settings above them.

Follows MSBuild's rules for finding files: references and imports relative to the project,
`Directory.Build.*` and its kin in every folder above it. A path behind a property that is not
known stands for every file that it may end in, so that too much is found rather than too
little. Where a project runs commands, computes paths or is of a kind that is not known, what it
reads is not known either. Knows project and solution files; knows no Dockerfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from xml.etree import ElementTree

from dockerfix.facts.trees.globs import before_wildcard
from dockerfix.text import Kind, Snapshot, SnapshotError, join_path

PROJECTS = (".csproj", ".fsproj", ".vbproj")
SOLUTIONS = (".sln", ".slnx")
_IMPORTED = (".props", ".targets", ".projitems", ".proj", ".shproj", ".tasks")
_UNBUILT = ".dcproj"
"""Compose files in Visual Studio: the SDK's commands build nothing of it."""
_ABOVE = frozenset(
    {
        "directory.build.props", "directory.build.targets", "directory.build.rsp",
        "directory.packages.props", "directory.solution.props", "directory.solution.targets",
        "msbuild.rsp", "nuget.config", "global.json", ".editorconfig", ".globalconfig",
        "dotnet-tools.json", "version.json", "gitversion.yml", "gitversion.yaml",
    }
)  # fmt: skip
"""Files that a build looks for in the project's folder and in those above, in lower case."""
_TOOLS = ".config/dotnet-tools.json"
_HERE = ("$(MSBuildThisFileDirectory)", "$(MSBuildProjectDirectory)", "$(ProjectDir)")
_RUNNING = frozenset({"Exec", "UsingTask", "Code", "NuspecFile"})
"""Elements that run what may open any file, or name a list of files of another kind."""
_COMPILERS = frozenset({"microsoft.typescript.msbuild"})
"""Packages that read settings which no project names."""
_NAMES = frozenset(
    {
        "PackageReference", "PackageVersion", "GlobalPackageReference", "PackageDownload", "Using",
        "FrameworkReference", "InternalsVisibleTo", "AssemblyAttribute", "AssemblyMetadata",
        "ProjectCapability", "Reference", "RuntimeHostConfigurationOption", "TrimmerRootAssembly",
        "SupportedPlatform", "ContainerPort", "ContainerEnvironmentVariable", "Service",
    }
)  # fmt: skip
"""Items that are no files."""
_FUNCTION = re.compile(r"\$\(\[([\w.]+)\]::(\w+)\s*(?:\(\s*['\"]?([^'\",)]*))?")
_PURE_TYPES = frozenset(
    {
        "System.DateTime", "System.String", "System.Guid", "System.Version", "System.Int32",
        "System.Text.RegularExpressions.Regex", "System.Environment", "System.OperatingSystem",
        "System.Runtime.InteropServices.RuntimeInformation",
    }
)  # fmt: skip
_PURE = re.compile(
    r"Is\w+|Version\w+|GetTarget\w+|ValueOrDefault|EnsureTrailingSlash|Add|Subtract|Bitwise\w+"
)
"""Functions of MSBuild, and types, that look at no file."""
_ABOVE_FUNCTION = "GetPathOfFileAbove"
_IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"', re.MULTILINE)
_SHIPPED = "google/protobuf/"
_PATHS = frozenset({"Include", "Project", "File", "Files", "SourceFiles", "Projects"})


class ProjectError(Exception):
    """What a project reads cannot be known: where, and why."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}")


def project_files(snapshot: Snapshot, top: str, starts: Sequence[str]) -> tuple[str, ...]:
    """The files and folders below `top` that a build of these projects or solutions reads, all
    relative to the root, sorted. Raises `ProjectError`."""
    if not starts:
        return ()
    reader = _Reader(snapshot, top)
    _check_folder_links(snapshot, top)
    for path in starts:
        reader.take(path)
    _check_protocols(snapshot, top, reader.found)
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
            if path == posixpath.join(posixpath.dirname(folder), _TOOLS):
                found.setdefault(posixpath.dirname(folder), []).append(path)
            elif name.lower() in _ABOVE:
                found.setdefault(folder, []).append(path)
        return found

    def take(self, path: str) -> None:
        """A project, a solution or a file that one of them imports, and all that it leads to."""
        if path in self.seen:
            return
        self.seen.add(path)
        kind = posixpath.splitext(path.lower())[1]
        if kind.endswith("proj") and kind not in (*PROJECTS, *_IMPORTED, _UNBUILT):
            raise ProjectError(path, "a kind of project that is not known")
        if kind in SOLUTIONS:
            self.found[path] = None
            for project in _listed(_text(self.snapshot, path), path):
                self.reference(path, project)
        elif kind in PROJECTS:
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
            root = ElementTree.fromstring(_text(self.snapshot, path))
        except ElementTree.ParseError as error:
            raise ProjectError(path, str(error)) from None
        for node in root.iter():
            tag = str(node.tag).rpartition("}")[2]
            if tag in _RUNNING or node.get("Include", "").lower() in _COMPILERS:
                raise ProjectError(path, f"{tag} may read any file")
            for key, value in (*node.attrib.items(), ("", node.text or "")):
                _check_functions(path, value)
                for text in _pieces(value):
                    if key in _PATHS and tag not in _NAMES:
                        self.check(path, tag, text)
                    self.value(path, text)

    def check(self, path: str, tag: str, text: str) -> None:
        """Raises `ProjectError` for the path of an item or an import that may be any: a pattern
        of projects, or a property in a name, or before a pattern."""
        if ("*" in text or "?" in text) and tag in ("ProjectReference", "Import"):
            raise ProjectError(path, f"{text} is a pattern of projects")
        for here in _HERE:
            text = text.removeprefix(here)
        head, found, tail = text.rpartition("$(")
        tail = tail.partition(")")[2]
        if not found or not tail or "\n" in text:
            return
        if (head and not head.endswith("/")) or tail.startswith("."):
            raise ProjectError(path, f"{text} is a name with a property")
        if before_wildcard(tail.strip("/")) in ("", "."):
            raise ProjectError(path, f"{text} is a pattern below a property")
        if tail[0] != "/" and not self.ends(tail):
            raise ProjectError(path, f"{text} may be any file")

    def ends(self, text: str) -> bool:
        """Whether a path below `top` ends in a text."""
        return any(f"/{path}".endswith(f"/{text}") for path in self.snapshot.below(self.top))

    def value(self, path: str, text: str) -> None:
        """One text: the file or folder that it names, or those in which it may end."""
        folder = posixpath.dirname(path)
        for here in _HERE:
            if text.startswith(here) and (here == _HERE[0] or path.lower().endswith(PROJECTS)):
                text = text.removeprefix(here).lstrip("/") or "."
        if any(mark in text for mark in ("$(", "@(", "%(")):
            self.ending(text.rpartition(")")[2].strip("/"))
            return
        if set(text) <= {".", "/"}:
            return  # a folder above, which properties begin with: its files are named elsewhere
        literal = before_wildcard(text)
        for start in (folder, *(self.folders if path.lower().endswith(_IMPORTED) else ())):
            named = join_path(start, literal) if literal not in ("", ".") else None
            if named is not None:
                self.named(named)

    def ending(self, text: str) -> None:
        """All paths that end in a text behind a property."""
        text = posixpath.normpath(before_wildcard(text)) if text else ""
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
            kind = posixpath.splitext(path.lower())[1]
            if kind.endswith("proj") or kind in _IMPORTED:
                self.take(path)
            self.found[path] = None
            if kind == ".dll":  # with those that it needs itself
                self.found[posixpath.dirname(path)] = None
        elif self.snapshot.is_folder(path):
            self.found[path] = None


def _check_folder_links(snapshot: Snapshot, top: str) -> None:
    """Raises `ProjectError` for a link to a folder, but in a hidden one: what lies behind it
    has two paths, and is sought by one."""
    for path in snapshot.below(top):
        entry = snapshot.entries[path]
        if entry.kind is Kind.SYMLINK and not any(p[:1] == "." for p in path.split("/")):
            target = join_path(posixpath.dirname(path), entry.link)
            if target is None or snapshot.is_folder(target):
                raise ProjectError(path, "a link to a folder")


def _check_protocols(snapshot: Snapshot, top: str, found: Collection[str]) -> None:
    """Raises `ProjectError` where a protocol that is read imports one that is not."""
    protocols = [p for p in snapshot.below(top) if p.endswith(".proto")]
    left = [path for path in protocols if not _covers(found, path)]
    for path in protocols if left else ():
        for name in _IMPORT.findall(_text(snapshot, path)) if _covers(found, path) else ():
            other = any(f"/{one}".endswith(f"/{name}") for one in left)
            if other and not name.startswith(_SHIPPED):
                raise ProjectError(path, f"{name} lies elsewhere")


def _covers(found: Collection[str], path: str) -> bool:
    """Whether a path is read, or lies in a folder that is."""
    return any(not one or f"{path}/".startswith(f"{one}/") for one in found)


def _text(snapshot: Snapshot, path: str) -> str:
    """A file as text. Raises `ProjectError`."""
    try:
        return snapshot.text(path)
    except SnapshotError as error:
        raise ProjectError(path, error.why) from None


def _check_functions(path: str, value: str) -> None:
    """Raises `ProjectError` for a function that looks at files."""
    for kind, name, first in _FUNCTION.findall(value):
        if kind in _PURE_TYPES or (kind == "MSBuild" and _PURE.fullmatch(name)):
            continue
        if name != _ABOVE_FUNCTION or first.lower() not in _ABOVE:
            raise ProjectError(path, f"{name} may read any file")


def _pieces(value: str) -> Iterator[str]:
    """The paths that a value may hold: lists by `;`, quoted operands of conditions."""
    for quoted in value.replace("\\", "/").split("'"):
        for piece in quoted.split(";"):
            text = piece.strip()
            if text and "\n" not in text and "://" not in text:
                yield text


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
