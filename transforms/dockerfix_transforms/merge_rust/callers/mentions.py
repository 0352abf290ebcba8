"""Places that name an old Dockerfile without building it: which may name the merged one.

A mention is rewritten only where the file is read as a text or merely spoken of: documents,
comments, filters of paths, settings of bots, linters. Anywhere else, in a program above all,
something may build from it, and would get the merged file without a target.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from collections.abc import Sequence as Items

from dockerfix.api import (
    Facts,
    MappedText,
    Mapping,
    Node,
    PathMention,
    Scalar,
    Sequence,
    Source,
    Span,
    YamlError,
    builds_in_comment,
    hands_on,
    lacks_target,
    parse_shell,
    parse_yaml,
    scans,
)

_PROSE = (".md", ".markdown", ".rst", ".adoc", ".txt")
_SETTINGS = frozenset(
    {
        "CODEOWNERS", "renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json",
        "dependabot.yml", "dependabot.yaml", ".dockerignore", ".gitignore", ".gitattributes",
        ".editorconfig", ".pre-commit-config.yaml", "labeler.yml", ".prettierignore",
    }
)  # fmt: skip
"""Files that name paths in order to match or to read them."""
_FILTERS = frozenset(
    {"paths", "paths-ignore", "changes", "files", "exclude", "include-paths", "onChange"}
)
"""Keys of pipelines whose lists are matched against changed files."""
_READERS = frozenset(
    {
        "hadolint", "cat", "grep", "egrep", "test", "[", "ls", "head", "tail", "wc", "diff", "cmp",
        "sha256sum", "md5sum", "dockerfilelint", "dockerfile-utils", "dclint", "checkov", "file",
        "trivy", "echo",
    }
)  # fmt: skip
"""Commands that read a Dockerfile and build nothing."""
_COMMENTS = ("#", "//", "/*", "*", ";", "--")


def is_prose(path: str) -> bool:
    """Whether a file is a document, which only speaks of what it names."""
    return path.endswith(_PROSE)


def is_read_only(facts: Facts, mention: PathMention) -> bool:
    """Whether nothing is built from what stands at the mention."""
    place = mention.place
    name = posixpath.basename(place.path)
    if is_handed_on(facts, mention):
        return False
    if is_prose(place.path):
        return not lacks_target(facts, mention)
    if name in _SETTINGS or name.endswith("ignore"):
        return True
    source = facts.snapshot.source(place.path)
    line = source.line_of(place.span.start)
    before = source.text(Span(line.start, place.span.start))
    if before.lstrip().startswith(_COMMENTS) or " # " in before or " // " in before:
        return not builds_in_comment(facts, mention)
    if name.startswith(("Makefile", "GNUmakefile")) and before[:1] not in ("\t", ""):
        return ":" in before and "=" not in before  # a rule that depends on the file
    if place.path.endswith((".yml", ".yaml")):
        return _in_yaml(facts, place.path, place.span)
    if place.path.endswith((".sh", ".bash")) or before.startswith("\t"):
        return _is_read(source.text(line).strip(), mention.path)
    return False


def is_handed_on(facts: Facts, mention: PathMention) -> bool:
    """Whether a line of a script hands the file on as a text, from which something may be built
    that takes no target."""
    source = facts.snapshot.source(mention.place.path)
    line = source.text(source.line_of(mention.place.span.start)).strip()
    if line.startswith(_COMMENTS):
        return False
    return hands_on(line.removeprefix("- "), posixpath.basename(mention.path))


def _in_yaml(facts: Facts, path: str, span: Span) -> bool:
    """Whether a value of a YAML file is a filter, the input of a linter, or a reading command."""
    try:
        root = facts.snapshot.derive(path, parse_yaml).root
    except YamlError:
        return False
    way = list(_way(root, span))
    keys = [key for key, _ in way]
    if any(key in _FILTERS for key in keys):
        return True
    if any(_is_linter(node) for _, node in way) or _is_scanned_row(way):
        return True
    leaf = way[-1][1] if way else None
    if not isinstance(leaf, Scalar) or not {"run", "script", "before_script"} & set(keys):
        return False
    source: Source = facts.snapshot.source(path)
    text = source.text(source.line_of(span.start)).strip().removeprefix("- ")
    return _is_read(text.removeprefix("run:").strip(), source.text(span))


def _way(node: Node | None, span: Span) -> Iterator[tuple[str, Node]]:
    """Keys and nodes from the root down to the place."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            if not entry.aliased and entry.value.span.contains(span):
                yield entry.key.text, entry.value
                yield from _way(entry.value, span)
    elif isinstance(node, Sequence):
        for item in node.items:
            if item.span.contains(span):
                yield "", item
                yield from _way(item, span)


def _is_linter(node: Node) -> bool:
    uses = node.get("uses") if isinstance(node, Mapping) else None
    return isinstance(uses, Scalar) and scans(uses.text)


def _is_scanned_row(way: Items[tuple[str, Node]]) -> bool:
    """Whether a value of a workflow's matrix is handed to linters and scanners alone."""
    keys = [key for key, _ in way]
    if keys[:1] != ["jobs"] or keys[2:4] != ["strategy", "matrix"] or len(keys) < 5:
        return False
    job, variable = way[1][1], re.compile(rf"\bmatrix\.{re.escape(keys[4])}\b")
    users = [node for node in _steps(job) if variable.search(_text_of(node))]
    return bool(users) and all(_is_linter(node) for node in users)


def _steps(job: Node) -> Iterator[Node]:
    """What a job holds beside its matrix, its steps one by one."""
    for entry in job.entries if isinstance(job, Mapping) else ():
        if entry.key.text == "steps" and isinstance(entry.value, Sequence):
            yield from entry.value.items
        elif entry.key.text not in ("strategy", "name"):
            yield entry.value


def _text_of(node: Node) -> str:
    return node.file.source.text(node.span)


def _is_read(line: str, path: str) -> bool:
    """Whether every command of a line that names the path only reads it; where none does, the
    line is a loop over it, and all of its commands must."""
    name = posixpath.basename(path)
    commands = list(parse_shell(MappedText.whole(line.encode())).commands())
    mine = [c for c in commands if any(name in word.written for word in c.words)] or commands
    return bool(mine) and all(posixpath.basename(c.name or "") in _READERS for c in mine)
