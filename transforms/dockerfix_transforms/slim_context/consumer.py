"""The consumer: a Dockerfile whose context is larger than its own package.

Which Dockerfile, which builds, which folder is its own; what each COPY and ADD takes from the
context. What cannot be split safely is a refusal. Knows one Dockerfile.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    Add,
    Build,
    Copy,
    Facts,
    Finding,
    Instruction,
    Kind,
    Onbuild,
    Run,
    Severity,
    Span,
    StageGraph,
    Word,
    join_path,
)
from dockerfix_transforms.slim_context.packages import (
    is_package,
    nearest_package,
    owner_of,
    workspace_root,
)
from dockerfix_transforms.slim_context.steps import installs

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
    that it belongs to: the consumer's own one or a sibling's. `prefix` is the part of the
    word, as written, that names the package's folder from the context.
    """

    item: Instruction
    word: Word
    path: str
    package: str


class Consumer(Struct, frozen=True):
    """What is slimmed. `context` is today's context, `folder` the package and tomorrow's."""

    path: str
    graph: StageGraph
    context: str
    folder: str
    builds: tuple[Build, ...]
    sources: tuple[Source, ...]

    def of(self, item: Instruction) -> tuple[Source, ...]:
        """The sources that one instruction names."""
        return tuple(source for source in self.sources if source.item is item)

    @property
    def siblings(self) -> tuple[str, ...]:
        """The other packages that the file copies from, in order."""
        found = (s.package for s in self.sources if s.package != self.folder)
        return tuple(dict.fromkeys(found))


class CannotSlimError(Exception):
    """The file cannot be slimmed; the finding says where and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def refusal(graph: StageGraph, name: str, what: str, action: str, span: Span) -> CannotSlimError:
    """A refusal at a span of the Dockerfile."""
    tree = graph.tree
    return CannotSlimError(
        Finding(
            Severity.REFUSE, name, what, "the smaller context would not hold it", action,
            tree.source.place(span), tree.path,
        )
    )  # fmt: skip


def find_consumers(facts: Facts, path: str) -> list[str]:
    """The Dockerfiles that a path means: the file itself, those that stand in the folder, or
    those elsewhere that build hardly anything else (`docker/web.Dockerfile`)."""
    if path in facts.snapshot:
        return [path]
    used = {b.dockerfile for b in facts.builds.builds if b.dockerfile in facts.snapshot}
    listed = {*facts.dockerfiles, *(u for u in used if u)}
    inside = sorted(p for p in listed if posixpath.dirname(p) == path)
    return inside or sorted(p for p in used if p and path and _is_about(facts, p, path))


def _is_about(facts: Facts, dockerfile: str, folder: str) -> bool:
    """Whether a Dockerfile's builds have a folder as their context, or could have."""
    for build in facts.builds.builds:
        if build.dockerfile == dockerfile and build.context is not None:
            try:
                return _folder(facts, facts.stages(dockerfile), build.context) == folder
            except CannotSlimError:
                return False
    return False


def read_consumer(facts: Facts, path: str) -> Consumer | str:
    """The consumer, or a sentence that says why there is nothing to do.

    Raises `CannotSlimError`.
    """
    graph = facts.stages(path)
    for problem in graph.tree.errors:
        raise refusal(
            graph, "rejected", f"BuildKit rejects this file: {problem.message}",
            problem.hint or "correct it first", problem.span,
        )  # fmt: skip
    builds = tuple(b for b in facts.builds.builds if b.dockerfile == path)
    if not builds:
        return f"no call site builds {path}: its context is not known"
    contexts = {build.context for build in builds}
    if None in contexts or len(contexts) > 1:
        place = builds[0].site.place
        listed = ", ".join(sorted(str(c) if c else "." for c in contexts))
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "contexts", f"{path} is built with several contexts: {listed}",
                "one Dockerfile has one context", "build it with one context first", place, path,
            )
        )  # fmt: skip
    context = builds[0].context or ""
    folder = _folder(facts, graph, context)
    if folder == context:
        return f"the context of {path} is {folder or 'the root'} already"
    sources = tuple(_Sources(facts, graph, context, folder).all())
    _check_workspace(facts, graph, folder)
    return Consumer(path, graph, context, folder, builds, sources)


def _check_workspace(facts: Facts, graph: StageGraph, folder: str) -> None:
    """A package that is installed from its workspace's lock file needs the workspace."""
    root = workspace_root(facts, folder)
    steps = (item for stage in graph.stages for item in stage.instructions)
    runs = (item for item in steps if isinstance(item, Run) and installs(item))
    first = next(runs, None) if root is not None else None
    if first is not None:
        raise refusal(
            graph, "workspaces", f"{folder} has no lock file: it is installed as a part of {root}",
            "give it a lock file of its own", first.code,
        )  # fmt: skip


def _folder(facts: Facts, graph: StageGraph, context: str) -> str:
    """The Dockerfile's own folder; for a folder of Dockerfiles (`docker/`) the package that
    holds nearly everything that is copied."""
    own = posixpath.dirname(graph.tree.path)
    if own == context:
        return context
    words = [w for item in _copies(graph) for w in item.sources if _is_path(item, w)]
    paths = [joined for w in words if (joined := _joined(context, w.value)) is not None]
    within = not context or _inside(own, context)
    if within and (not paths or any(_inside(p, own) for p in paths)):
        return own
    return _owner(facts, graph, paths, context, within)


def _owner(
    facts: Facts, graph: StageGraph, paths: Sequence[str], context: str, within: bool
) -> str:
    """The package of most of the paths; the context where it cannot be made smaller."""
    if not paths or context in paths:
        return context
    cut = len(context) + 1 if context else 0
    heads = Counter(
        nearest_package(facts, p, context) or posixpath.join(context, p[cut:].split("/")[0])
        for p in paths
    )
    name, count = heads.most_common(1)[0]
    if not within and not is_package(facts, name):
        return context
    if count * 10 < len(paths) * 6:
        raise refusal(
            graph, "owner", "no folder holds most of what is copied",
            "name the package with a Dockerfile in its folder", graph.stages[0].from_.code,
        )  # fmt: skip
    return name


def _copies(graph: StageGraph) -> Iterator[Copy]:
    """COPY and ADD from the context."""
    for stage in graph.stages:
        for item in stage.instructions:
            if isinstance(item, Copy) and item.from_ is None:
                yield item


def _is_path(item: Copy, word: Word) -> bool:
    """Whether a source is a path of the context: no heredoc, no address."""
    if any(word.raw == doc.word for doc in item.heredocs):
        return False
    return not (isinstance(item, Add) and ("://" in word.value or word.value.startswith("git@")))


def _joined(context: str, text: str) -> str | None:
    return join_path(context, text.lstrip("/") or ".")


def _inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or stands in it; the root holds everything."""
    return not folder or path == folder or path.startswith(f"{folder}/")


class _Sources:
    """Reads what a Dockerfile takes from its context. Private to `read_consumer`."""

    def __init__(self, facts: Facts, graph: StageGraph, context: str, folder: str) -> None:
        self.facts = facts
        self.graph = graph
        self.context = context
        self.folder = folder

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

    def refused(self, name: str, what: str, action: str, span: Span) -> CannotSlimError:
        """A refusal in this Dockerfile."""
        return refusal(self.graph, name, what, action, span)

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
        words = [word for word in item.sources if _is_path(item, word)]
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
        path = _joined(self.context, text)
        if path is None:
            raise self.refused(
                "outside", f"{text} leaves the context", "correct the path", word.span
            )
        self.check(path, text, word)
        if _inside(path, self.folder):
            self.check_links(path, word)
            return Source(item, word, path, self.folder)
        name = posixpath.basename(path)
        package = owner_of(self.facts, path, self.context, self.folder)
        if package is not None and package != path and "/" in path:
            return Source(item, word, path, package)
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

    def check(self, path: str, text: str, word: Word) -> None:
        """Sources that no package owns alone; raises `CannotSlimError`."""
        cut = len(self.context) + 1 if self.context else 0
        head = path[cut:].split("/")[0]
        if path != self.folder and _inside(self.folder, path):
            whole = "the whole context" if path == self.context else f"{path} as a whole"
            raise self.refused(
                "whole-context", f"{word.raw} copies {whole}",
                "copy the package's folder by its name", word.span,
            )  # fmt: skip
        depth = len([p for p in self.folder[cut:].split("/") if p])
        for part in path[cut:].split("/")[:depth]:
            if "$" in part:
                raise self.refused(
                    "variable-source", f"the folder of {text} is a variable",
                    "write the folder out", word.span,
                )  # fmt: skip
            if any(sign in part for sign in "*?["):
                raise self.refused(
                    "glob-source", f"{text} matches folders of several packages",
                    "write the folder out", word.span,
                )  # fmt: skip
        if head == ".git":
            raise self.refused(
                "git", "the repository's history is copied",
                "pass what is read from it as a build argument", word.span,
            )  # fmt: skip

    def check_links(self, path: str, word: Word) -> None:
        """A source that is named through a link must not lead out of the package."""
        parts = path[len(self.folder) + 1 :].split("/")
        for count in range(1, len(parts) + 1):
            name = posixpath.join(self.folder, *parts[:count])
            entry = self.facts.snapshot.entries.get(name)
            if entry is None or entry.kind is not Kind.SYMLINK:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.link))
            if posixpath.isabs(entry.link) or not _inside(target, self.folder):
                raise self.refused(
                    "link", f"{name} is a link out of the package, to {entry.link}",
                    "copy what it points to by its own path", word.span,
                )  # fmt: skip
