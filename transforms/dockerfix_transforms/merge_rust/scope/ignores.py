"""One ignore file for the merged file, where its inputs have different ones.

Every image must get the files that it got; a stage that only compiles may get more, which a
person is told. The one of the inputs' own ignore files that serves most of them is taken, or,
for lists of exceptions to `*`, all their exceptions in one. Judges the files of the snapshot;
what git does not know is said. Knows ignore files and COPY; knows nothing of builders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from dockerfix.api import (
    BadIgnoreError,
    Copy,
    Facts,
    Finding,
    IgnoreFile,
    Judge,
    Run,
    Severity,
    Source,
    Span,
    Stage,
    counted,
    is_within,
    placed,
    read_ignore,
)
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.scope.scope import Scope

_ALL = ("*", "**", "**/*")
_NAMED = 3
"""How many files a sentence names."""


class OtherIgnore(Struct, frozen=True):
    """What the merged file's ignore file is to an input that had another one: the files that
    its builder gets in addition, and the patterns in which the two differ."""

    file: InputFile
    gained: tuple[str, ...]
    patterns: tuple[str, ...]


class _Text(Struct, frozen=True, dict=True):
    """One ignore file's text, and what it lets through of the files of a context."""

    source: Source
    files: tuple[str, ...]

    @cached_property
    def ignore(self) -> IgnoreFile:
        return read_ignore(self.source)

    @cached_property
    def visible(self) -> frozenset[str]:
        judge = Judge(self.ignore.rules)
        return frozenset(path for path in self.files if not judge.judge_path(path).matched)


def one_ignore_file(facts: Facts, scope: Scope) -> None:
    """Choose the merged file's ignore file, and leave out the files that it does not serve."""
    if not scope.files:
        return
    texts = {file.path: _source(facts, file) for file in scope.files}
    if len({source.data for source in texts.values()}) < 2:
        return
    context = f"{scope.context}/" if scope.context else ""
    files = tuple(p[len(context) :] for p in facts.snapshot.below(scope.context) if p != context)
    known: dict[bytes, _Text] = {}
    for source in texts.values():
        known.setdefault(source.data, _Text(source, files))
    own = {path: known[source.data] for path, source in texts.items()}
    try:
        best = max(_candidates(list(known.values())), key=lambda text: _worth(scope, own, text))
    except BadIgnoreError:
        return  # a build with such a file fails today
    others: list[OtherIgnore] = []
    for file in list(scope.files):
        mine = own[file.path]
        why = _why_not(file, mine, best)
        if why:
            span = file.graph.tree.instructions[0].code
            do = "give all of them one ignore file that lets through what each of them copies"
            scope.leave_out(file, "ignore-file", f"it has another ignore file: {why}", do, span)
        elif mine is not best:
            others.append(OtherIgnore(file, _gained(file, mine, best), _differing(mine, best)))
    scope.ignore = best.source.data
    scope.assumed = [finding for other in others for finding in _notes(other)]
    scope.gained = frozenset(other.file.path for other in others if other.gained)


def _source(facts: Facts, file: InputFile) -> Source:
    """The ignore file that applies to an input; an empty one where there is none."""
    path = facts.ignore_path(file.context, file.path)
    return facts.snapshot.source(path) if path is not None else Source("", b"")


def _candidates(texts: Sequence[_Text]) -> Iterator[_Text]:
    """The ignore files to choose from: those that are there, then all their exceptions in one."""
    yield from texts
    united = _united([text.ignore for text in texts])
    if united is not None:
        yield _Text(united, texts[0].files)


def _united(ignores: Sequence[IgnoreFile]) -> Source | None:
    """The first file with the exceptions of the others behind its own; None unless each hides
    everything first."""
    first = ignores[0]
    if not all(ignore.lines and ignore.lines[0].rule in _ALL for ignore in ignores):
        return None
    last = [line for line in first.lines if line.negated][-1:]
    rules = set(first.rules)
    more: dict[str, str] = {}
    for line in (line for ignore in ignores[1:] for line in ignore.lines):
        if line.negated and line.rule not in rules:
            more.setdefault(line.rule, line.written)
    if not last or not more:
        return None
    data = first.source.data
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    end = last[0].span.end
    head, tail = data[:end], data[end:]
    if not head.endswith(b"\n"):
        head += newline
    lines = b"".join(text.encode("utf-8", "surrogateescape") + newline for text in more.values())
    return Source(first.path, head + lines + tail)


def _worth(scope: Scope, own: dict[str, _Text], text: _Text) -> tuple[int, int]:
    """How many files an ignore file serves, and then how few files it adds."""
    served = [f for f in scope.files if not _why_not(f, own[f.path], text)]
    return len(served), -sum(len(_gained(f, own[f.path], text)) for f in served)


def _why_not(file: InputFile, mine: _Text, other: _Text) -> str:
    """Why another ignore file does not serve a file; empty when it does."""
    if mine is other or mine.source.data == other.source.data:
        return ""
    stages = file.graph.stages
    lost = _copied(file, stages, mine.visible - other.visible)
    if lost:
        return f"by the one of the others, {_some(lost)} would be missing"
    images = [leaf.stage for leaf in file.leaves] + list(file.live_chain)
    more = _copied(file, images, other.visible - mine.visible)
    if more:
        return f"by the one of the others, {_some(more)} would get into an image"
    patterns = _differing(mine, other)
    for source in (s for s in _sources(file, images) if s == "." or file.is_folder(s)):
        near = [text for text in patterns if _may_touch(text, source)]
        if near:
            return (
                f"`{near[0]}` differs, and could let other files of {source} into an image or "
                "keep them out"
            )
    return ""


def _gained(file: InputFile, mine: _Text, other: _Text) -> tuple[str, ...]:
    return _copied(file, file.graph.stages, other.visible - mine.visible)


def _differing(mine: _Text, other: _Text) -> tuple[str, ...]:
    """The patterns that only one of two ignore files has."""
    rules = [*mine.ignore.rules, *other.ignore.rules]
    both = {*mine.ignore.rules} & {*other.ignore.rules}
    return tuple(dict.fromkeys(rule for rule in rules if rule not in both))


def _copied(file: InputFile, stages: Sequence[Stage], paths: frozenset[str]) -> tuple[str, ...]:
    """Those of some files of the context that stages copy or mount."""
    sources = list(_sources(file, stages)) if paths else []
    return tuple(sorted(p for p in paths if any(s == "." or is_within(p, s) for s in sources)))


def _sources(file: InputFile, stages: Sequence[Stage]) -> Iterator[str]:
    """What stages take of the context, each as a path without variables and patterns."""
    for item in (item for stage in stages for item in stage.instructions):
        if isinstance(item, Copy) and item.from_ is None:
            copy = placed(item, "/")
            yield from (_literal(source) for source in (copy.sources if copy is not None else ()))
        elif isinstance(item, Run):
            for mount in item.mounts:
                if mount.kind == "bind" and "from" not in mount.options:
                    source = mount.options.get("source") or mount.options.get("src") or "."
                    yield _literal(source.strip("/") or ".")


def _literal(source: str) -> str:
    """The folder above the first variable or pattern."""
    parts = source.split("/")
    plain = next((n for n, part in enumerate(parts) if any(c in part for c in "*?[$")), len(parts))
    return "/".join(parts[:plain]) or "."


def _may_touch(rule: str, source: str) -> bool:
    """Whether a pattern could match something in a source of COPY, by what is literal of both."""
    pattern = _literal(rule.removeprefix("!"))
    return "." in (pattern, source) or is_within(pattern, source) or is_within(source, pattern)


def _some(paths: Sequence[str]) -> str:
    """The first of some paths, and how many more there are."""
    rest = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + rest


def _notes(other: OtherIgnore) -> Iterator[Finding]:
    """What a person is told of a file that gets another ignore file."""
    file = other.file
    place = file.graph.tree.source.place(Span(0, 0))
    if other.gained:
        files = counted(len(other.gained), "more file")
        yield Finding.at(
            place,
            severity=Severity.ASSUME,
            name="sources",
            what=f"the builder of {file.binary} gets {files}, which its own ignore file hides: "
            f"{_some(other.gained)}",
            why="a build script or macro could read them",
            do="compare the binary, or look whether a build script does",
            subject=file.binary,
        )
        return
    patterns = ", ".join(f"`{rule}`" for rule in other.patterns[:_NAMED])
    yield Finding.at(
        place,
        severity=Severity.ASSUME,
        name="ignore-file",
        what=f"{file.binary} is built with another ignore file; they differ in {patterns}",
        why="files that git does not know could be sent to its builder now, or be kept from it",
        do="look at what the patterns match where the image is built",
        subject=file.binary,
    )
