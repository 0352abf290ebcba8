"""What goes on standing beside the merge and no longer says what it said: patterns of linters,
rules of bots, sentences, ignore patterns, names of jobs in settings and documents.

Each function gives lines of what is to be done by hand, each with its place. Changes nothing.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from dockerfix.api import (
    BadIgnoreError,
    Edits,
    Facts,
    Judge,
    Node,
    PathMention,
    Scalar,
    SnapshotError,
    YamlError,
    named_words,
    parse_yaml,
    path_mentions,
    relative_path,
    rules_of,
)
from dockerfix.api import Mapping as YamlMapping
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.merge_rust.callers.mentions import is_prose

_HOOKS = (".pre-commit-config.yaml", ".pre-commit-config.yml")
_RULED = ("renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json", ".gitattributes")
"""Settings in which a rule for one file and a rule for another may say different things."""


def stale_steps(
    facts: Facts, edits: Edits, deleted: Sequence[str], into: str, renamed: Mapping[str, str]
) -> Iterator[str]:
    """What a person looks at after the merge. `edits` are those of call sites and mentions,
    `deleted` the files that go for `into`, `renamed` maps jobs that are gone to the new one."""
    yield from _same_name(facts, edits, deleted, into)
    for path in _HOOKS:
        yield from _hooks(facts, path, deleted, into)
    yield from _sections(facts, deleted, into)
    yield from _jobs(facts, edits, renamed)


def shown_steps(facts: Facts, context: str, deleted: Sequence[str], into: str) -> Iterator[str]:
    """The ignore file that hid the old files from the build context and does not hide the merged
    one, whose every change then compiles again."""
    inside = relative_path(into, context)
    old = [path for path in deleted if not relative_path(path, context).startswith("..")]
    path = facts.ignore_path(context, deleted[0]) if old else None
    if path is None or inside.startswith(".."):
        return
    try:
        judge = Judge(rules_of(facts, context, deleted[0]))
    except BadIgnoreError:
        return  # it hides nothing: BuildKit refuses it
    hidden = all(judge.judge_path(relative_path(name, context)).matched for name in old)
    if hidden and not judge.judge_path(inside).matched:
        yield f"{path}: add {inside}: the old files were not in the build context, and it is"


def _same_name(facts: Facts, edits: Edits, deleted: Sequence[str], into: str) -> Iterator[str]:
    """Sentences and rules that told old files apart, and name one file now."""
    rows: dict[tuple[str, int], list[PathMention]] = {}
    for mention in path_mentions(facts.snapshot, dict.fromkeys(deleted, into)):
        path = mention.place.path
        if mention.past or not _is_edited(mention, edits):
            continue
        if is_prose(path):
            line = facts.snapshot.source(path).line_of(mention.place.span.start).start
            rows.setdefault((path, line), []).append(mention)
        elif posixpath.basename(path) in _RULED:
            rows.setdefault((path, -1), []).append(mention)
    prose: dict[str, list[tuple[PathMention, list[str]]]] = {}
    for (path, _), found in rows.items():
        names = list(dict.fromkeys(mention.path for mention in found))
        if len(names) > 1 and is_prose(path):
            prose.setdefault(path, []).append((found[0], names))
        elif len(names) > 1:
            what = f"its rules for {' and '.join(names)} are all for {into} now: keep one"
            yield f"{found[0].place}: {what}"
    for lines in prose.values():
        first, names = lines[0]
        more = f", and {len(lines) - 1} more lines do" if len(lines) > 1 else ""
        what = f"check this text: it names {' and '.join(names)}, which are one file now{more}"
        yield f"{first.place}: {what}"


def _is_edited(mention: PathMention, edits: Edits) -> bool:
    place = mention.place
    return any(path == place.path and edit.span.touches(place.span) for path, edit in edits)


def _hooks(facts: Facts, path: str, deleted: Sequence[str], into: str) -> Iterator[str]:
    """Regular expressions of pre-commit that matched old files and do not match the new one."""
    try:
        root = facts.snapshot.derive(path, parse_yaml).root if path in facts.snapshot else None
    except (YamlError, SnapshotError):
        return
    for scalar in _under(root, {"files", "exclude"}):
        try:
            pattern = re.compile(scalar.text)
        except re.error:
            continue
        gone = [name for name in deleted if pattern.search(name)]
        if gone and not pattern.search(into):
            place = scalar.file.source.place(scalar.span)
            yield f"{place}: the pattern meant {', '.join(gone)}, and does not match {into}"


def _under(node: Node | None, keys: Collection[str]) -> Iterator[Scalar]:
    if isinstance(node, YamlMapping):
        for entry in node.entries:
            if entry.key.text in keys and isinstance(entry.value, Scalar):
                yield entry.value
            elif not entry.aliased:
                yield from _under(entry.value, keys)
    elif isinstance(node, YamlSequence):
        for item in node.items:
            yield from _under(item, keys)


def _sections(facts: Facts, deleted: Sequence[str], into: str) -> Iterator[str]:
    """Sections of `.editorconfig` that held for old files and not for the new one."""
    path = ".editorconfig"
    if path not in facts.snapshot:
        return
    for number, line in enumerate(facts.snapshot.source(path).data.split(b"\n"), 1):
        text = line.decode("utf-8", "replace").strip()
        if not (text.startswith("[") and text.endswith("]")):
            continue
        globs = list(_braced(text[1:-1]))
        gone = [name for name in deleted if any(_fits(glob, name) for glob in globs)]
        if gone and not any(_fits(glob, into) for glob in globs):
            yield f"{path}:{number}:1: the section meant {', '.join(gone)}, and not {into}"


def _braced(glob: str) -> Iterator[str]:
    """`a.{b,c}` as `a.b` and `a.c`."""
    found = re.search(r"\{([^{}]*,[^{}]*)\}", glob)
    if found is None:
        yield glob
        return
    for part in found[1].split(","):
        yield from _braced(f"{glob[: found.start()]}{part}{glob[found.end() :]}")


def _fits(glob: str, path: str) -> bool:
    whole = path if "/" in glob else posixpath.basename(path)
    return fnmatch.fnmatchcase(whole, glob.removeprefix("/").replace("**", "*"))


def _jobs(facts: Facts, edits: Edits, renamed: Mapping[str, str]) -> Iterator[str]:
    """Settings and documents that name jobs that are gone: a check that is required by such a
    name is waited for without end. A name that is a word of its own may mean anything."""
    names = tuple(name for name in renamed if not name.isalnum() and " " not in name)
    edited = {path for path, _ in edits}
    found: dict[tuple[str, str], str] = {}
    for word in named_words(facts.snapshot, names):
        path = word.source.path
        name = posixpath.basename(path)
        settings = name.startswith((".mergify", "bors.", ".kodiak")) or name == "settings.yml"
        if path not in edited and word.text.endswith(word.name) and (settings or is_prose(path)):
            found.setdefault((path, word.name), str(word.source.place(word.span)))
    for place, jobs in _gathered(found).items():
        new = ", ".join(dict.fromkeys(renamed[job] for job in jobs))
        yield f"{place}: {' and '.join(jobs)} {'is' if len(jobs) == 1 else 'are'} {new} now"


def _gathered(found: Mapping[tuple[str, str], str]) -> dict[str, list[str]]:
    """The jobs that each file names, by the first place."""
    first: dict[str, str] = {}
    jobs: dict[str, list[str]] = {}
    for (path, job), place in found.items():
        jobs.setdefault(first.setdefault(path, place), []).append(job)
    return jobs


def renamed_jobs(joined: Iterable[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """The new job for each old one that goes, of the names of joined jobs."""
    return {old: name for name, olds in joined for old in olds if old != name}
