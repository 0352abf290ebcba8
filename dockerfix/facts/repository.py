"""Everything that is known of one snapshot, read on first use and remembered.

The one door through which transforms and checkers ask. Knows where each fact is made; makes
none itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.syntax.dockerfile import Dockerfile, parse_source
from dockerfix.text import Snapshot, SnapshotError, Source

if TYPE_CHECKING:
    from dockerfix.facts.acceptances import Acceptance
    from dockerfix.facts.bake import BakeTarget
    from dockerfix.facts.builds import BuildList
    from dockerfix.facts.cargo import Workspace
    from dockerfix.facts.compose import ComposeFiles
    from dockerfix.facts.gitlab.pipeline import Pipeline
    from dockerfix.facts.model import Build
    from dockerfix.facts.trees.tree import Folder
    from dockerfix.syntax.yaml.tree import YamlError


class Facts:
    """The facts of one snapshot. Cheap to make: nothing is read before it is asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._workspaces: dict[str, Workspace | None] = {}
        self._trees: dict[str, Folder] = {}
        self._after: tuple[Mapping[str, bytes | None], Facts] | None = None

    def after(self, changes: Mapping[str, bytes | None]) -> Facts:
        """The facts of the snapshot with these changes; the same ones when asked again."""
        if self._after is None or self._after[0] != changes:
            self._after = (dict(changes), Facts(self.snapshot.with_changes(changes)))
        return self._after[1]

    def dockerfile(self, path: str) -> Dockerfile:
        """The tree of a Dockerfile; raises `SnapshotError` when it cannot be read."""
        return self.snapshot.derive(path, parse_source)

    def stages(self, path: str) -> StageGraph:
        """The stage graph of a Dockerfile."""
        return self.snapshot.derive(path, _stage_graph)

    @cached_property
    def dockerfiles(self) -> tuple[str, ...]:
        """Paths that are Dockerfiles by their name, sorted."""
        return tuple(path for path in self.snapshot.paths if is_dockerfile(path))

    @property
    def pipeline(self) -> Pipeline | None:
        """The GitLab pipeline; None without a CI file, or with one that cannot be read: then
        `builds` says so, and its commands are unknown."""
        found = self._pipeline
        return None if isinstance(found, Exception) else found

    def read_pipeline(self) -> Pipeline | None:
        """The GitLab pipeline, for what is about nothing else; None without a CI file. Raises
        `YamlError` and `SnapshotError` for one that cannot be read."""
        found = self._pipeline
        if isinstance(found, Exception):
            raise found
        return found

    @cached_property
    def _pipeline(self) -> Pipeline | YamlError | SnapshotError | None:
        from dockerfix.facts.gitlab.pipeline import find_pipeline
        from dockerfix.syntax.yaml.tree import YamlError

        try:
            return find_pipeline(self.snapshot)
        except (YamlError, SnapshotError) as error:
            return error

    @cached_property
    def builds(self) -> BuildList:
        """Every build of the snapshot, and what could not be read."""
        from dockerfix.facts.builds import find_builds

        return find_builds(self.snapshot, self._pipeline)

    @cached_property
    def acceptances(self) -> tuple[Acceptance, ...]:
        """Acceptances that are written in files, beside what they accept."""
        from dockerfix.facts.acceptances import read_acceptances

        return tuple(read_acceptances(self.snapshot))

    @cached_property
    def compose(self) -> ComposeFiles:
        """The Compose files and their services that build."""
        return self.builds.compose

    def bake_target(self, build: Build) -> BakeTarget | None:
        """The bake target that a build stands for; None for a build that bake does not make."""
        return next(iter(self.bake_targets(build)), None)

    def bake_targets(self, build: Build) -> tuple[BakeTarget, ...]:
        """All targets of the block that makes a build's bake target: those of a matrix."""
        if build.definition is None or not build.definition.path.endswith((".hcl", ".json")):
            return ()
        from dockerfix.facts.bake import parse_bake

        file = self.snapshot.derive(build.definition.path, parse_bake)
        return tuple(t for t in file.targets.values() if t.place == build.definition)

    def workspace(self, folder: str) -> Workspace | None:
        """The cargo workspace or package whose root is `folder`."""
        if folder not in self._workspaces:
            from dockerfix.facts.cargo import find_workspace

            self._workspaces[folder] = find_workspace(self.snapshot, folder)
        return self._workspaces[folder]

    def tree(self, folder: str) -> Folder:
        """Everything below a folder as a tree; `""` is the root. It is never changed."""
        if folder not in self._trees:
            from dockerfix.facts.trees.sources import context_tree

            self._trees[folder] = context_tree(self.snapshot, folder)
        return self._trees[folder]

    def sends(self, context: str, dockerfile: str) -> Callable[[str], bool]:
        """What tells whether a file of a build context, by its path in it, is there and sent to
        the builder; of no file where the ignore file cannot be read."""
        from dockerfix.facts.trees.ignore import BadIgnoreError, Judge, read_ignore

        path = self.ignore_path(context, dockerfile)
        try:
            judge = Judge(self.snapshot.derive(path, read_ignore).rules) if path else None
        except (BadIgnoreError, SnapshotError):
            return _never

        def sent(file: str) -> bool:
            left = judge is None or not judge.judge_path(file).matched
            return left and posixpath.join(context, file) in self.snapshot

        return sent

    def folder_test(self, context: str) -> Callable[[str], bool]:
        """What tells whether a path of a build context is a folder, or a pattern of COPY that
        matches one."""
        from dockerfix.facts.trees.globs import before_wildcard, has_wildcard
        from dockerfix.text import join_path

        def is_folder(path: str) -> bool:
            joined = join_path(context, path)
            if joined is None or not has_wildcard(path):
                return joined is not None and self.snapshot.is_folder(joined)
            folder = join_path(context, before_wildcard(path) or ".")
            return folder is not None and _matches_folder(self.snapshot, joined, folder)

        return is_folder

    def ignore_path(self, context: str, dockerfile: str) -> str | None:
        """The ignore file that applies to a build: `<Dockerfile>.dockerignore` beside the
        Dockerfile wins, even when empty, over `.dockerignore` in the context."""
        for path in (f"{dockerfile}.dockerignore", posixpath.join(context, ".dockerignore")):
            if path in self.snapshot:
                return path
        return None


def _matches_folder(snapshot: Snapshot, pattern: str, folder: str) -> bool:
    """Whether a pattern, whose wildcards come behind a folder, matches a folder."""
    from dockerfix.facts.trees.globs import BadPatternError, match

    depth = pattern.count("/") + 1
    parts = (path.split("/") for path in snapshot.below(folder))
    found = {"/".join(names[:depth]) for names in parts if len(names) > depth}
    try:
        return any(match(pattern, path) for path in found)
    except BadPatternError:
        return True


def _never(_: str) -> bool:
    return False


def _stage_graph(source: Source) -> StageGraph:
    return StageGraph(parse_source(source))
