"""The consumer: a Dockerfile whose context is larger than its own package.

Which Dockerfile, which builds, which folder is its own; what each COPY and ADD takes from the
context. What cannot be split safely is a refusal. Knows one Dockerfile.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dockerfix.api import (
    Add,
    Build,
    Copy,
    Facts,
    Finding,
    Instruction,
    Onbuild,
    Run,
    Severity,
    Span,
    StageGraph,
    Word,
    join_path,
)

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_MANIFESTS = frozenset(
    {
        "package.json", "package-lock.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", "yarn.lock",
        "Cargo.toml", "Cargo.lock", "go.work", "go.mod", "lerna.json", "turbo.json", "nx.json",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a COPY or ADD, or of a bind mount.

    `path` is relative to the root of the repository, a glob perhaps; `package` is the folder
    that it belongs to: the consumer's own one or a sibling's. `prefix` is the part of the
    word, as written, that names the package's folder from the context.
    """

    item: Instruction
    word: Word
    path: str
    package: str


@dataclass(frozen=True, slots=True)
class Consumer:
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
    """The Dockerfiles that a path means: the file itself, or those that build the folder."""
    if path in facts.snapshot:
        return [path]
    used = {b.dockerfile for b in facts.builds.builds if b.dockerfile in facts.snapshot}
    listed = {*facts.dockerfiles, *(u for u in used if u)}
    return sorted(p for p in listed if posixpath.dirname(p) == path)


def read_consumer(facts: Facts, path: str) -> Consumer | str:
    """The consumer, or a sentence that says why there is nothing to do.

    Raises `CannotSlimError`.
    """
    graph = facts.stages(path)
    for problem in graph.tree.errors:
        raise refusal(
            graph, "rejected", f"BuildKit rejects this file: {problem.message}",
            problem.hint or "mend it first", problem.span,
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
    folder = _folder(graph, path, context)
    if folder == context:
        return f"the context of {path} is {folder or 'the root'} already"
    sources = tuple(_sources(graph, context, folder))
    return Consumer(path, graph, context, folder, builds, sources)


def _folder(graph: StageGraph, path: str, context: str) -> str:
    """The Dockerfile's own folder; for a folder of Dockerfiles (`docker/`) the directory that
    holds nearly everything that is copied."""
    own = posixpath.dirname(path)
    if own == context:
        return context
    words = [w for item in _copies(graph) for w in item.sources if _is_path(item, w)]
    paths = [joined for w in words if (joined := _joined(context, w.value)) is not None]
    if not paths or any(_inside(p, own) for p in paths):
        return own
    return _owner(graph, paths, context)


def _owner(graph: StageGraph, paths: Sequence[str], context: str) -> str:
    cut = len(context) + 1 if context else 0
    heads = Counter(p[cut:].split("/")[0] for p in paths if p[cut:])
    if not heads or "" in paths or context in paths:
        return context
    name, count = heads.most_common(1)[0]
    if count * 10 < len(paths) * 6:
        raise refusal(
            graph, "owner", "no folder holds most of what is copied",
            "name the package with a Dockerfile in its folder", graph.stages[0].from_.code,
        )  # fmt: skip
    return posixpath.join(context, name)


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
    return path == folder or path.startswith(f"{folder}/")


def _sources(graph: StageGraph, context: str, folder: str) -> Iterator[Source]:
    for stage in graph.stages:
        for item in stage.instructions:
            if isinstance(item, Onbuild):
                inner = item.inner
                if isinstance(inner, Copy) and inner.from_ is None:
                    raise refusal(
                        graph, "onbuild", "ONBUILD copies in the child's build",
                        "the child's context decides; move it there", item.code,
                    )  # fmt: skip
            if isinstance(item, Copy) and item.from_ is None:
                yield from _copied(graph, item, context, folder)
            if isinstance(item, Run):
                yield from _mounted(graph, item, context, folder)


def _copied(graph: StageGraph, item: Copy, context: str, folder: str) -> Iterator[Source]:
    words = [word for word in item.sources if _is_path(item, word)]
    if words and item.flag("parents") is not None:
        raise refusal(
            graph, "parents", "COPY --parents keeps the folders of its sources",
            "copy without --parents", item.code,
        )  # fmt: skip
    for word in words:
        if isinstance(item, Add) and word.value.endswith(_ARCHIVES):
            raise refusal(
                graph, "archive", f"ADD unpacks {word.value}", "copy it and unpack it with RUN",
                word.span,
            )  # fmt: skip
        yield _source(graph, item, word, word.value, context, folder)


def _mounted(graph: StageGraph, item: Run, context: str, folder: str) -> Iterator[Source]:
    for mount in item.mounts:
        if mount.kind != "bind" or mount.option("from") is not None:
            continue
        text = mount.option("source", "src")
        if not text:
            raise refusal(
                graph, "bind-mount", "a bind mount shows the whole context",
                "give it a source=", mount.flag.span,
            )  # fmt: skip
        span = mount.flag.value_span or mount.flag.span
        source = _source(graph, item, Word(text, text, span), text, context, folder)
        if source.package != folder:
            raise refusal(
                graph, "bind-mount", f"a bind mount shows {text}, which is no part of {folder}",
                "copy what it needs", mount.flag.span,
            )  # fmt: skip
        yield source


def _source(
    graph: StageGraph, item: Instruction, word: Word, text: str, context: str, folder: str
) -> Source:
    path = _joined(context, text)
    if path is None:
        raise refusal(graph, "outside", f"{text} leaves the context", "mend the path", word.span)
    cut = len(context) + 1 if context else 0
    head = path[cut:].split("/")[0]
    if not path[cut:]:
        raise refusal(
            graph, "whole-context", f"{word.raw} copies the whole context",
            "copy the package's folder by its name", word.span,
        )  # fmt: skip
    if "$" in head:
        raise refusal(
            graph, "variable-source", f"the folder of {text} is a variable",
            "write the folder out", word.span,
        )  # fmt: skip
    if any(sign in head for sign in "*?["):
        raise refusal(
            graph, "glob-source", f"{text} matches folders of several packages",
            "write the folder out", word.span,
        )  # fmt: skip
    if head == ".git":
        raise refusal(
            graph, "git", "the repository's history is copied",
            "pass what is read from it as a build argument", word.span,
        )  # fmt: skip
    if _inside(path, folder):
        return Source(item, word, path, folder)
    if "/" not in path[cut:] and head in _MANIFESTS:
        raise refusal(
            graph, "workspace-manifest", f"{head} of the workspace's root is copied",
            "the package cannot be installed without its workspace", word.span,
        )  # fmt: skip
    return Source(item, word, path, posixpath.join(context, head))
