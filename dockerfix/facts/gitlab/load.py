"""The files of a pipeline: the root and what it includes, each part once for each set of inputs.

Follows "CI/CD YAML syntax, include". Included parts come before those that include them, so
that a later key wins. What is not in the repository, or hangs on rules, is noted: it is
unknown, never nothing. Knows files; knows no jobs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.gitlab.inputs import Inputs, declared_inputs, filled
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import (
    Node,
    Scalar,
    Sequence,
    YamlError,
    YamlFile,
    parse_gitlab_yaml,
    to_data,
)
from dockerfix.text import Place, Snapshot, SnapshotError


class Part(Struct, frozen=True):
    """One file as it is included, inputs filled in."""

    file: YamlFile
    root: YamlMapping


class Included(Struct, frozen=True):
    """One path that an include names, where it does, and the inputs that it hands over."""

    path: str
    place: Place
    inputs: tuple[tuple[str, Node], ...]


class Loader:
    """Gathers the parts of one pipeline in the order in which they count."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.parts: list[Part] = []
        self.files: dict[str, YamlFile] = {}
        self.unread: list[tuple[Place, str]] = []
        self.seen: set[str] = set()

    def load(self, path: str, given: Inputs) -> None:
        """A file with what it includes; raises `YamlError` and `SnapshotError` for itself."""
        self.seen.add(_key(path, given))
        file = self.snapshot.derive(path, parse_gitlab_yaml)
        inputs = {**declared_inputs(file), **given}
        root = filled(file.root, inputs) if file.root is not None else None
        included = root.get("include") if root is not None else None
        for node in included.items if isinstance(included, Sequence) else (included,):
            for target in self.targets(file, node):
                self.enter(target)
        self.files[path] = file
        if root is not None:
            self.parts.append(Part(file, root))

    def enter(self, target: Included) -> None:
        """An included file, unless it was read with the same inputs."""
        inputs = dict(target.inputs)
        if _key(target.path, inputs) in self.seen:
            return
        try:
            self.load(target.path, inputs)
        except YamlError as error:
            self.unread.append((target.place, str(error)))
        except SnapshotError as error:
            self.unread.append((target.place, f"{target.path} cannot be read: {error.why}"))

    def targets(self, file: YamlFile, node: Node | None) -> Iterator[Included]:
        """The files of this repository that one entry of `include:` names."""
        if node is None:
            return
        place = file.source.place(node.span)
        local: Node | None = node
        inputs: tuple[tuple[str, Node], ...] = ()
        if isinstance(node, YamlMapping):
            local = node.get("local")
            if local is None:
                self.unread.append((place, f"include of {next(iter(node.resolved), 'nothing')}"))
                return
            handed = node.get("inputs")
            inputs = tuple(handed.resolved.items()) if isinstance(handed, YamlMapping) else ()
            if node.get("rules") is not None:
                self.unread.append((place, "include whose rules may leave it out"))
        if not isinstance(local, Scalar) or "$" in local.text or "://" in local.text:
            self.unread.append((place, "include that is not a path in this repository"))
            return
        for path in self.paths(local.text.lstrip("/"), place):
            yield Included(path, place, inputs)

    def paths(self, pattern: str, place: Place) -> Iterator[str]:
        """The files that a path or a pattern of `include: local:` stands for."""
        path = posixpath.normpath(pattern)
        if "*" in pattern:
            wanted = _include_pattern(pattern)
            head = posixpath.dirname(pattern[: pattern.index("*")])
            yield from (found for found in self.snapshot.below(head) if wanted.fullmatch(found))
        elif path in self.snapshot:
            yield path
        else:
            self.unread.append((place, f"include of {pattern}, which does not exist"))


def _key(path: str, inputs: Inputs) -> str:
    """Names a part: the same file with other inputs is another one."""
    return f"{path}\0{sorted((name, str(to_data(node))) for name, node in inputs.items())}"


def _include_pattern(pattern: str) -> re.Pattern[str]:
    """GitLab's wildcards of `include: local:`: `**` crosses folders, `*` does not."""
    parts = re.split(r"(\*\*|\*)", pattern)
    signs = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(signs.get(part, re.escape(part)) for part in parts))
