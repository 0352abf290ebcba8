"""The ignore file of the smaller context.

The old context's ignore file, seen from the package's folder, and those lines of a file that
lay dormant there which leave out nothing that the build uses. Knows patterns and sources.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dockerfix.api import (
    BadIgnoreError,
    Build,
    Edit,
    Facts,
    Finding,
    IgnoreFile,
    IgnoreLine,
    Judge,
    ProjectionError,
    Severity,
    Span,
    inner_path,
    named_folders,
    project_lines,
    read_ignore,
)
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.refusal import CannotSlimError


@dataclass(slots=True)
class IgnorePlan:
    """The new ignore file: created, or edits of the dormant one; and what is said.

    `rules` are those that count then: today's, seen from the folder, and those of a file that lay
    dormant there.
    """

    path: str
    rules: tuple[str, ...] = ()
    created: bytes | None = None
    edits: list[Edit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def plan_ignore(facts: Facts, consumer: Consumer) -> IgnorePlan:
    """What the smaller context's ignore file must say. Raises `CannotSlimError`.

    `<Dockerfile>.dockerignore` stays the file that counts where there is one.
    """
    own = f"{consumer.path}.dockerignore"
    if own in facts.snapshot:
        return _own_file(facts, consumer, own)
    path = posixpath.join(consumer.folder, ".dockerignore")
    old = facts.ignore_path(consumer.context, consumer.path)
    rules = tuple(rule for rule, _ in _projected(facts, consumer, old))
    plan = IgnorePlan(path, rules)
    if path in facts.snapshot:
        _awake(facts, consumer, rules, plan)
    elif rules:
        newline = consumer.graph.tree.newline.bytes.decode()
        lines = [*rules, *([".dockerignore"] if _copies_all(consumer) else [])]
        plan.created = newline.join([*lines, ""]).encode("utf-8", "surrogateescape")
    if plan.created is not None or plan.edits:
        _check_asleep(facts, consumer, path)
    return plan


def _own_file(facts: Facts, consumer: Consumer, path: str) -> IgnorePlan:
    """The Dockerfile's own ignore file: each line as the folder sees it, in its place. A comment
    goes only with all lines below it, and the blank line beside it then."""
    ruled = _projected(facts, consumer, path)
    file = facts.snapshot.derive(path, read_ignore)
    texts: dict[int, list[str]] = {}
    for rule, line in ruled:
        texts.setdefault(line.number, []).append(rule)
    edits: list[Edit] = []
    for group in _groups(file):
        if not any(line.number in texts for line in group):
            edits += [_line_edit(file, number, []) for number in _beside(file, group)]
        said = [(line, texts.get(line.number, [])) for line in group]
        edits += [_line_edit(file, at.number, new) for at, new in said if new != [at.rule]]
    return IgnorePlan(path, tuple(rule for rule, _ in ruled), None, edits)


def _beside(file: IgnoreFile, group: Sequence[IgnoreLine]) -> Iterator[int]:
    """The numbers of the comments above a group and of a blank line below it, or above the last
    one."""
    first, last = group[0].number - len(group[0].comments), group[-1].number
    yield from range(first, group[0].number)
    lines = file.source.data.splitlines()
    if last < len(lines) and not lines[last].strip():
        yield last + 1
    elif last == len(lines) and first > 1 and not lines[first - 2].strip():
        yield first - 1


def _groups(file: IgnoreFile) -> Iterator[list[IgnoreLine]]:
    """The lines between comments and blank lines."""
    group: list[IgnoreLine] = []
    for line in file.lines:
        if group and line.number > group[-1].number + 1:
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _line_edit(file: IgnoreFile, number: int, rules: Sequence[str]) -> Edit:
    """A line that says these rules instead; the first one keeps the mark at its beginning."""
    source = file.source
    start = source.line_starts[number - 1]
    ends = [*source.line_starts[number:], len(source.data)]
    newline = source.newline.bytes.decode()
    text = "".join(f"{rule}{newline}" for rule in rules).encode("utf-8", "surrogateescape")
    return Edit(Span(3 if source.bom and number == 1 else start, ends[0]), text)


def _projected(
    facts: Facts, consumer: Consumer, path: str | None
) -> tuple[tuple[str, IgnoreLine], ...]:
    """The rules of today's ignore file as the package's folder sees them, with their lines."""
    if path is None:
        return ()
    file = facts.snapshot.derive(path, read_ignore)
    try:
        return project_lines(file, inner_path(consumer.folder, consumer.context))
    except ProjectionError as error:
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "ignore-pattern", str(error),
                "it cannot be said exactly from the package's folder", "write it more plainly",
                error.place, path,
            )
        ) from None  # fmt: skip


def _copies_all(consumer: Consumer) -> bool:
    """Whether a COPY takes the new ignore file along: one of the folder, or of `*` in it."""
    for source in consumer.sources:
        if source.path == consumer.folder:
            return True
        inner = inner_path(source.path, consumer.folder) if source.package else ""
        if inner and Judge((inner,)).judge_path(".dockerignore").matched:
            return True
    return False


def _used(facts: Facts, consumer: Consumer, rules: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The package's files that the build copies, seen from its folder, as today's ignore file
    leaves them; and those that this file leaves out."""
    judge = Judge(rules)
    cut = len(consumer.folder) + 1
    found: dict[str, None] = {}
    for source in consumer.sources:
        if source.package != consumer.folder:
            continue
        head = source.path.split("*")[0].split("?")[0].split("[")[0]
        below = head if head in facts.snapshot or head == source.path else posixpath.dirname(head)
        paths = [below] if below in facts.snapshot else facts.snapshot.below(below)
        found |= dict.fromkeys(path[cut:] for path in paths)
    out = {path for path in found if judge.judge_path(path).matched}
    return [path for path in found if path not in out], sorted(out)


def _awake(facts: Facts, consumer: Consumer, rules: tuple[str, ...], plan: IgnorePlan) -> None:
    """The dormant file comes alive: lines that would leave out what the build copies become
    comments, rules of today that it lacks come first."""
    file = facts.snapshot.derive(plan.path, read_ignore)
    used, unused = _used(facts, consumer, rules)
    try:
        harmful = [line for line in file.lines if _harms(line, used, unused)]
    except BadIgnoreError as error:
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "bad-ignore", f"{plan.path} holds an {error}",
                "Docker rejects the file as soon as the context is its folder",
                "correct the pattern",
                next(file.place(line) for line in file.lines if error.pattern in line.rule),
                plan.path,
            )
        ) from None  # fmt: skip
    plan.findings += [_trap(file, line, consumer) for line in harmful]
    kept = {line.rule for line in file.lines if line not in harmful}
    missing = [rule for rule in rules if rule not in kept]
    newline = file.source.newline.bytes.decode()
    text = newline.join([*missing, ""]) if missing else ""
    start = 3 if file.source.bom else 0
    edits = dict.fromkeys((line.span.start for line in harmful), b"# ")
    first = text.encode("utf-8", "surrogateescape") + edits.pop(start, b"")
    if first:
        plan.edits.append(Edit(Span(start, start), first))
    plan.edits += [Edit(Span(at, at), sign) for at, sign in edits.items()]
    plan.rules = (*missing, *(line.rule for line in file.lines if line not in harmful))


def _harms(line: IgnoreLine, used: list[str], unused: list[str]) -> bool:
    """Whether a line would leave out a file that is copied today, or bring back one that is
    not."""
    judge = Judge((line.rule.removeprefix("!"),))
    return any(judge.judge_path(path).matched for path in (unused if line.negated else used))


def _check_asleep(facts: Facts, consumer: Consumer, path: str) -> None:
    """Raises `CannotSlimError` where another build reads the file that is to be changed, or will
    read the one that is to be made."""
    for build in facts.builds.builds:
        if build.dockerfile == consumer.path or not _reads(facts, build, path):
            continue
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "ignore-in-use",
                f"{path} must say something else than today, and "
                f"{build.dockerfile or 'another Dockerfile'} is built with it",
                "the smaller context would read it too",
                f"write {consumer.path}.dockerignore, seen from {consumer.folder}",
                build.site.place, consumer.path,
            )
        )  # fmt: skip


def _reads(facts: Facts, build: Build, path: str) -> bool:
    """Whether an ignore file counts for a build, or would if it were there."""
    folder = posixpath.dirname(path)
    if folder in named_folders(build):
        return True
    if build.context != folder or build.dockerfile is None:
        return False
    return facts.ignore_path(folder, build.dockerfile) in (None, path)


def _trap(file: IgnoreFile, line: IgnoreLine, consumer: Consumer) -> Finding:
    return Finding(
        Severity.NOTE,
        "dormant-ignore",
        f"`{line.written.strip()}` would {'bring back' if line.negated else 'leave out'} what "
        f"{consumer.path} {'does not copy' if line.negated else 'copies'}; it becomes a comment",
        "this ignore file was not read while the context was larger, and is read now",
        "",
        file.place(line),
        line.rule,
    )
