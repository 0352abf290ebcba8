"""What each COPY, ADD and bind mount of a Dockerfile takes from its context, and whose it is.

What cannot be split by package safely is a refusal. Knows one Dockerfile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.api import (
    Add,
    Copy,
    Instruction,
    Onbuild,
    Run,
    Word,
)
from dockerfix_transforms.slim_context.read.owner import is_inside, is_path, joined_path
from dockerfix_transforms.slim_context.read.packages import owner_of
from dockerfix_transforms.slim_context.read.source_checks import SourceChecks

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_MANIFESTS = frozenset(
    {
        "package.json", "package-lock.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", "yarn.lock",
        "Cargo.toml", "Cargo.lock", "go.work", "go.mod", "lerna.json", "turbo.json", "nx.json",
    }
)  # fmt: skip


class Source(Struct, frozen=True):
    """One source of a COPY or ADD, or of a bind mount.

    `path` is relative to the root of the repository, a glob perhaps; `package` is the folder
    that it belongs to: the consumer's own one, a sibling's, or today's context for what lies
    beside the packages.
    """

    item: Instruction
    word: Word
    path: str
    package: str

    @property
    def inner(self) -> str:
        """The path as the package's folder sees it; empty for the folder itself."""
        return self.path[len(self.package) + 1 if self.package else 0 :]


class Sources(SourceChecks):
    """Reads what a Dockerfile takes from its context."""

    def all(self) -> Iterator[Source]:
        """Every source in order; raises `CannotSlimError`."""
        for stage in self.graph.stages:
            for item in stage.instructions:
                if isinstance(item, Onbuild):
                    self.triggered(item)
                elif isinstance(item, Copy) and item.from_ is None:
                    yield from self.copied(item)
                elif isinstance(item, Run):
                    yield from self.mounted(item)

    def triggered(self, item: Onbuild) -> None:
        """ONBUILD must not copy from the context."""
        inner = item.inner
        if isinstance(inner, Copy) and inner.from_ is None:
            raise self.refused(
                "onbuild", "ONBUILD copies in the child's build",
                "the child's context decides; move it there", item.code,
            )  # fmt: skip

    def copied(self, item: Copy) -> Iterator[Source]:
        """The paths of a COPY or ADD."""
        words = [word for word in item.sources if is_path(item, word)]
        if words and item.flag("parents") is not None:
            raise self.refused(
                "parents", "COPY --parents keeps the folders of its sources",
                "copy without --parents", item.code,
            )  # fmt: skip
        for word in words:
            if isinstance(item, Add) and word.value.endswith(_ARCHIVES):
                raise self.refused(
                    "archive", f"ADD unpacks {word.value}", "copy it and unpack it with RUN",
                    word.span,
                )  # fmt: skip
            yield self.source(item, word, word.value)

    def mounted(self, item: Run) -> Iterator[Source]:
        """The paths of bind mounts."""
        for mount in item.mounts:
            if mount.kind != "bind" or mount.option("from") is not None:
                continue
            text = mount.option("source", "src")
            if not text:
                raise self.refused(
                    "bind-mount", "a bind mount shows the whole context",
                    "give it a source=", mount.flag.span,
                )  # fmt: skip
            span = mount.flag.value_span or mount.flag.span
            source = self.source(item, Word(text, text, span), text)
            if source.package != self.folder:
                raise self.refused(
                    "bind-mount",
                    f"a bind mount shows {text}, which is not part of {self.folder}",
                    "copy what it needs", mount.flag.span,
                )  # fmt: skip
            yield source

    def source(self, item: Instruction, word: Word, text: str) -> Source:
        """One path with the package that owns it."""
        path = joined_path(self.context, text)
        self.check(path, text, word)
        if self.beside and any(sign in part for part in self.shared(path) for sign in "*?["):
            return Source(item, word, path, self.context)
        if is_inside(path, self.folder):
            self.check_links(path, word)
            return Source(item, word, path, self.folder)
        name = posixpath.basename(path)
        package = owner_of(self.facts, path, self.context, self.folder)
        if package is not None and package != path and "/" in path:
            return Source(item, word, path, package)
        if self.beside and (name in _MANIFESTS or package is None or path in self.facts.snapshot):
            return Source(item, word, path, self.context)
        if name in _MANIFESTS:
            raise self.refused(
                "workspace-manifest", f"{name} of the workspace's root is copied",
                "the package cannot be installed without its workspace", word.span,
            )  # fmt: skip
        if package is None or path in self.facts.snapshot:
            raise self.refused(
                "no-package", f"{text} belongs to no package",
                f"move it into {self.folder}, or into a package whose image is published",
                word.span,
            )  # fmt: skip
        return Source(item, word, path, package)
