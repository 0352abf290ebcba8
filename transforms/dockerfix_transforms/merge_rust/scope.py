"""What a call of merge-rust is about: the workspace, its Dockerfiles, the merged file's place.

Knows the command's arguments; reads files through `inputs`. A file that cannot go along with
the others is left out with a finding.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from dockerfix.api import (
    Arg,
    Build,
    Facts,
    Finding,
    Newline,
    Place,
    Severity,
    SnapshotError,
    Span,
    UnreadableError,
    Workspace,
    join_path,
    unreadable,
)
from dockerfix_transforms.merge_rust.read.inputs import RustFile, candidates, read_file

_PLAIN_PATH = re.compile(r"[\w.+/-]+")


@dataclass(slots=True)
class Scope:
    """The files to merge, in order, and findings about those that are left out."""

    workspace: Workspace
    into: str
    files: list[RustFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def context(self) -> str:
        """The build context of all files."""
        return self.files[0].context

    def leave_out(self, file: RustFile, name: str, what: str, action: str, span: Span) -> None:
        """Take a file out of the merge, and say so."""
        self.files.remove(file)
        self.findings.append(
            Finding(
                Severity.REFUSE,
                name,
                f"{what}; this file stays as it is",
                "its images would be built from something else",
                action,
                file.graph.tree.source.place(span),
                file.path,
            )
        )


class NoWorkspaceError(Exception):
    """The argument leads to no cargo workspace: the finding says where one was looked for."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


class NothingThereError(Exception):
    """None of the paths is there: what to say instead of a merge."""


def read_scope(facts: Facts, paths: Sequence[str], into: str) -> Scope:
    """The scope of one call; raises `NoWorkspaceError`, and `NothingThereError` when no path
    is there any more."""
    given = [path for path in paths if path in facts.snapshot]
    folders = [p for p in paths if p in ("", ".") or facts.snapshot.is_folder(p)]
    if not given and not folders:
        raise NothingThereError(f"{', '.join(paths)}: gone already, nothing to merge")
    start = folders[0] if folders else posixpath.dirname(given[0])
    workspace = _workspace(facts, start, given)
    _check_arguments(facts, workspace, folders, into)
    listed = candidates(facts, workspace.folder, given, folders)
    scope = Scope(workspace, _into(workspace, listed, into))
    for path in listed:
        if path == scope.into and len(listed) > 1 and not _is_plain(path):
            continue  # the merged file itself, kept beside its inputs
        found = read_file(facts, workspace, path, scope.into)
        if isinstance(found, Finding):
            scope.findings.append(found)
        elif found is not None:
            scope.files.append(found)
        elif path in given:
            scope.findings.append(_not_of(facts, workspace, path))
    _agree(facts, scope)
    _leave_hidden(scope)
    if not given:
        scope.findings += _without_cargo(facts, workspace, listed, scope.into)
    return scope


def _leave_hidden(scope: Scope) -> None:
    """Leave out a file that calls an image or a named context what another one calls a stage:
    in one file the name would mean the stage."""
    for file in tuple(scope.files):
        others = [other for other in scope.files if other is not file]
        stages = {(s.name or "").lower() for other in others for s in other.graph.stages}
        for name, span in _outside_names(file):
            if name.lower() in stages:
                what = f"`{name}` is an image or a named context here, and a stage elsewhere"
                scope.leave_out(file, "name-clash", what, "rename the stage", span)
                break


def _outside_names(file: RustFile) -> Iterator[tuple[str, Span]]:
    """What the file calls images and named contexts, with its place."""
    for stage in file.graph.stages:
        if file.graph.base(stage) is None:
            yield file.graph.image(stage), stage.from_.code
        for named in file.graph.references(stage):
            if named.stage is None:
                yield named.text, named.instruction.code


def _not_of(facts: Facts, workspace: Workspace, path: str) -> Finding:
    """A file that was named on the command line and builds nothing here."""
    return Finding(
        Severity.REFUSE,
        "no-cargo",
        f"no `cargo build` in it compiles the workspace {workspace.folder or '.'}; "
        "this file stays as it is",
        "merge-rust merges the Dockerfiles of one cargo workspace",
        "leave it out of the command, or name the workspace that it builds",
        facts.snapshot.source(path).place(Span(0, 0)),
        path,
    )


def _check_arguments(facts: Facts, workspace: Workspace, folders: Sequence[str], into: str) -> None:
    """One workspace at a time, and a merged file inside of the repository."""
    for folder in folders[1:]:
        other = _at_or_above(facts, folder)
        if other is None or other.folder != workspace.folder:
            raise NoWorkspaceError(
                Finding(
                    Severity.REFUSE, "several-workspaces",
                    f"{folder} does not belong to the workspace {workspace.folder or '.'}",
                    "merge-rust merges the Dockerfiles of one cargo workspace",
                    "call it once for each workspace",
                )
            )  # fmt: skip
    if into and not _PLAIN_PATH.fullmatch(into):
        raise NoWorkspaceError(
            Finding(
                Severity.REFUSE, "into", f"--into {into} would need quotes where it is used",
                "a shell, YAML, HCL and Makefiles each quote in their own way",
                "use letters, digits and the signs . _ - + / only",
            )
        )  # fmt: skip
    if "/" in into and join_path("", into) is None:
        raise NoWorkspaceError(
            Finding(
                Severity.REFUSE, "into", f"--into {into} lies outside of the repository",
                "a patch only changes the repository",
                "give a name, or a path relative to the repository's root",
            )
        )  # fmt: skip


def _without_cargo(
    facts: Facts, workspace: Workspace, listed: Sequence[str], into: str
) -> list[Finding]:
    """Dockerfiles that call sites build in the workspace and that run no cargo: not merged."""
    found: dict[str, Finding] = {}
    for build in facts.builds.builds:
        path = build.dockerfile
        if path is None or path in listed or path == into or path not in facts.snapshot:
            continue
        if build.context == workspace.folder and path not in found:
            found[path] = _not_merged(facts, build, path)
    return list(found.values())


def _not_merged(facts: Facts, build: Build, path: str) -> Finding:
    """Why a Dockerfile that is built in the workspace does not count as one that runs cargo."""
    why = f"{build.site} builds it in the workspace"
    try:
        source, errors = facts.snapshot.source(path), facts.dockerfile(path).errors
    except SnapshotError as error:
        return replace(unreadable(error), severity=Severity.NOTE)
    for problem in errors:
        what = f"BuildKit rejects this file: {problem.message}; it stays as it is"
        place = source.place(problem.span)
        return Finding(Severity.NOTE, "rejected", what, why, problem.hint, place, path)
    what = f"{path} runs no cargo; it stays as it is"
    place = source.place(Span(0, 0))
    return Finding(Severity.NOTE, "no-cargo", what, why, "", place, path)


def _is_plain(path: str) -> bool:
    return posixpath.basename(path) in ("Dockerfile", "Containerfile")


def _workspace(facts: Facts, start: str, given: Sequence[str]) -> Workspace:
    """The workspace at or above a folder, or the one that a given Dockerfile's builds use."""
    contexts = [b.context for b in facts.builds.builds if b.dockerfile in given and b.context]
    for folder in (start, *contexts):
        found = _at_or_above(facts, folder)
        if found is not None:
            return found
    below = workspaces_below(facts, start)
    if len(below) == 1 and (workspace := facts.workspace(below[0])) is not None:
        return workspace
    raise NoWorkspaceError(_no_workspace(start, below))


def _no_workspace(start: str, below: Sequence[str]) -> Finding:
    """Nothing to merge at a folder, or too many workspaces at once."""
    if len(below) > 1:
        calls = ", ".join(f"`dockerfix merge-rust {folder or '.'}`" for folder in below)
        return Finding.at(
            None,
            name="several-workspaces",
            what=f"{start or '.'} holds {len(below)} cargo workspaces with Dockerfiles",
            why="merge-rust merges the Dockerfiles of one cargo workspace",
            do=f"run it once for each: {calls}",
        )
    return Finding.at(
        None,
        name="no-workspace",
        what=f"{start or '.'} holds no cargo workspace whose Dockerfiles run cargo",
        why="merge-rust merges the Dockerfiles of one cargo workspace",
        do="name its folder, or one of its Dockerfiles",
    )


def scopes(facts: Facts, paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The paths of each call that covers `paths`: a folder above several workspaces is one
    call for each of them."""
    found: list[tuple[str, ...]] = []
    together: list[str] = []
    for path in paths:
        if path in facts.snapshot or _at_or_above(facts, path) is not None:
            together.append(path)
        else:
            found += [(folder,) for folder in workspaces_below(facts, path)]
    return (*([tuple(together)] if together else []), *found)


def workspaces_below(facts: Facts, folder: str) -> list[str]:
    """The folders of the outermost workspaces at or below a folder in which Dockerfiles run
    cargo, sorted; one whose manifest cannot be read is among them, so that it is reported."""
    found: list[str] = []
    members: set[str] = set()
    for path in sorted(facts.snapshot.paths, key=lambda path: path.count("/")):
        parent, name = posixpath.split(path)
        if name != "Cargo.toml" or not _is_below(parent, folder) or parent in members:
            continue
        if any(_is_below(parent, outer) for outer in found):
            continue
        try:
            workspace = facts.workspace(parent)
        except UnreadableError:
            workspace = None
        else:
            if workspace is None:
                continue
            members.update(package.folder for package in workspace.packages)
        if candidates(facts, parent, ()):
            found.append(parent)
    return sorted(found)


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _at_or_above(facts: Facts, folder: str) -> Workspace | None:
    """The outermost workspace at or above the folder that has it as a member, as cargo looks
    for it; a package of its own else."""
    package: Workspace | None = None
    current = folder
    while True:
        found = facts.workspace(current)
        if found is not None:
            if len(found.packages) > 1 or found.virtual:
                return found
            package = package or found
        if not current:
            return package
        current = posixpath.dirname(current)


def _usual_name(listed: Sequence[str]) -> str:
    """`all.Dockerfile` where all inputs are an `x.Dockerfile`, else `Dockerfile.all`."""
    names = [posixpath.basename(path) for path in listed]
    for end in (".Dockerfile", ".dockerfile"):
        if names and all(name.endswith(end) for name in names):
            return f"all{end}"
    return "Dockerfile.all"


def _into(workspace: Workspace, listed: Sequence[str], into: str) -> str:
    """Beside the inputs when they stand in one folder, else at the workspace's root; without
    a name of its own, named in the manner of the inputs."""
    into = into or _usual_name(listed)
    if "/" in into:
        return join_path("", into) or into
    others = [path for path in listed if posixpath.basename(path) != into]
    folders = {posixpath.dirname(path) for path in others or listed}
    folder = folders.pop() if len(folders) == 1 else workspace.folder
    return posixpath.join(folder, into)


def _agree(facts: Facts, scope: Scope) -> None:
    """Leave out the files that one merged file cannot serve together with the others."""
    _majority(scope, lambda f: f.context, "context", "another build context than the others'")
    _majority(
        scope,
        lambda f: facts.snapshot.read(i) if (i := facts.ignore_path(f.context, f.path)) else b"",
        "ignore-file",
        "another ignore file than the others'",
    )
    _majority(scope, lambda f: f.graph.tree.escape, "escape", "another escape character")
    _majority(scope, lambda f: f.graph.tree.newline, "newline", "other newlines than the others'")
    for file in list(scope.files):
        if file.graph.tree.newline is Newline.MIXED:
            scope.leave_out(
                file, "newline", "its newlines are mixed", "make them all alike", Span(0, 0)
            )
    _directives(scope)
    _global_arguments(scope)
    scope.files = list(_told_apart(scope.files))


def _told_apart(files: Sequence[RustFile]) -> Iterator[RustFile]:
    """The files with a name of its own for each: of several that ship one binary, the plain
    `Dockerfile` or the one that is called like it keeps the binary's name."""
    for file in files:
        same = [other for other in files if other.binary == file.binary]
        plain = [f for f in same if _is_plain(f.path) and posixpath.dirname(f.path) == f.context]
        called = [other for other in same if _label(other.path) == file.binary]
        if file is next(iter([*plain, *called, *same])):
            yield file
            continue
        label = _label(file.path)
        begins = label.startswith(f"{file.binary}-")
        yield replace(file, binary=label if begins else f"{file.binary}-{label}")


def _label(path: str) -> str:
    """What tells a Dockerfile from others: `x` of `Dockerfile.x`, `x.Dockerfile` and
    `x/Dockerfile`."""
    folder, name = posixpath.split(path)
    parts = [
        part
        for part in re.split(r"[._]", name)
        if not re.search(r"(?i)(docker|container)file", part)
    ]
    return "-".join(parts) or posixpath.basename(folder) or "image"


def _majority(scope: Scope, value: Callable[[RustFile], object], name: str, what: str) -> None:
    """Keep the files whose value most files share; the first one's wins a tie."""
    counts = Counter(value(file) for file in scope.files)
    if len(counts) < 2:
        return
    best = max(counts, key=lambda item: counts[item])
    for file in list(scope.files):
        if value(file) != best:
            span = file.graph.tree.instructions[0].code
            scope.leave_out(file, name, f"it has {what}", "make them alike", span)


def _directives(scope: Scope) -> None:
    """Files whose `syntax` or `check` directive says something else than the first one's."""
    known: dict[str, str] = {}
    for file in list(scope.files):
        for item in file.graph.tree.directives:
            if known.setdefault(item.name, item.value) != item.value:
                scope.leave_out(
                    file,
                    "directive",
                    f"its {item.name} directive is {item.value}, another file's is "
                    f"{known[item.name]}",
                    "give the files the same directive",
                    item.span,
                )
                break


def _global_arguments(scope: Scope) -> None:
    """Files whose global ARG has another default than the same one of an earlier file."""
    known: dict[str, tuple[str | None, str]] = {}
    for file in list(scope.files):
        _captured(scope, file)
    for file in list(scope.files):
        for item in file.graph.tree.preamble:
            entries = item.entries if isinstance(item, Arg) else ()
            clash = next(
                ((n, d) for n, d in entries if known.setdefault(n, (d, file.path))[0] != d), None
            )
            if clash is not None:
                scope.leave_out(
                    file,
                    "global-argument",
                    f"ARG {clash[0]} has the default {clash[1] or 'nothing'} here and "
                    f"{known[clash[0]][0] or 'nothing'} in {known[clash[0]][1]}",
                    "rename it, with its call sites, or align the defaults",
                    item.code,
                )
                break


def _captured(scope: Scope, file: RustFile) -> None:
    """Leave a file out whose `ARG x` in a stage would take the default of another file's
    global ARG x, as BuildKit hands it down."""
    defaults = {
        name: (default, other.path)
        for other in scope.files
        for item in other.graph.tree.preamble
        for name, default in (item.entries if isinstance(item, Arg) else ())
        if default
    }
    own = file.graph.global_arguments
    for stage in file.graph.stages:
        for item in stage.instructions:
            for name, default in item.entries if isinstance(item, Arg) else ():
                if default is None and name in defaults and name not in own:
                    scope.leave_out(
                        file,
                        "global-argument",
                        f"ARG {name} has no default here, and would take {defaults[name][0]} "
                        f"from {defaults[name][1]}",
                        "give it a default, or rename one of the two",
                        item.code,
                    )
                    return


def place_of(file: RustFile) -> Place:
    """The place of a file's first instruction."""
    tree = file.graph.tree
    return tree.source.place(tree.instructions[0].code)
