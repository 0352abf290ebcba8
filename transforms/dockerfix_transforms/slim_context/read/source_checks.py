"""Whether one source of a Dockerfile can be taken from a package alone.

What several packages own, what a variable or a glob names, and links out of the package are
refusals. Knows paths of one Dockerfile's context.
"""

from __future__ import annotations

import posixpath

from dockerfix.api import Facts, Kind, Span, StageGraph, Word, inner_path
from dockerfix_transforms.slim_context.read.owner import is_inside
from dockerfix_transforms.slim_context.refusal import CannotSlimError, refusal


class SourceChecks:
    """The checks of one Dockerfile, built from `context`, whose package lies in `folder`.

    `beside`: what lies beside the packages may come from the old context, as a named one; else
    it is a refusal.
    """

    def __init__(
        self, facts: Facts, graph: StageGraph, context: str, folder: str, *, beside: bool
    ) -> None:
        self.facts = facts
        self.beside = beside
        self.graph = graph
        self.context = context
        self.folder = folder

    def refused(self, name: str, what: str, action: str, span: Span) -> CannotSlimError:
        """A refusal in this Dockerfile."""
        return refusal(self.graph, name, what, action, span)

    def check(self, path: str, text: str, word: Word) -> None:
        """Sources that no package owns alone; raises `CannotSlimError`."""
        head = inner_path(path, self.context).split("/")[0]
        if path != self.folder and is_inside(self.folder, path):
            whole = "the whole context" if path == self.context else f"{path} as a whole"
            raise self.refused(
                "whole-context", f"{word.raw} copies {whole}",
                "copy the package's folder by its name", word.span,
            )  # fmt: skip
        for part in self.shared(path):
            if "$" in part:
                raise self.refused(
                    "variable-source", f"the folder of {text} is a variable",
                    "write the folder out", word.span,
                )  # fmt: skip
            if not self.beside and any(sign in part for sign in "*?["):
                raise self.refused(
                    "glob-source", f"{text} matches folders of several packages",
                    "write the folder out", word.span,
                )  # fmt: skip
        if head == ".git":
            raise self.refused(
                "git", "the repository's history is copied",
                "pass what is read from it as a build argument", word.span,
            )  # fmt: skip

    def shared(self, path: str) -> list[str]:
        """The parts of a path that may tell the package from its siblings."""
        depth = len([part for part in inner_path(self.folder, self.context).split("/") if part])
        return inner_path(path, self.context).split("/")[:depth]

    def check_links(self, path: str, word: Word) -> None:
        """A source that is named through a link must not lead out of the package."""
        parts = path[len(self.folder) + 1 :].split("/")
        for count in range(1, len(parts) + 1):
            name = posixpath.join(self.folder, *parts[:count])
            entry = self.facts.snapshot.entries.get(name)
            if entry is None or entry.kind is not Kind.SYMLINK:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.link))
            if posixpath.isabs(entry.link) or not is_inside(target, self.folder):
                raise self.refused(
                    "link", f"{name} is a link out of the package, to {entry.link}",
                    "copy what it points to by its own path", word.span,
                )  # fmt: skip
