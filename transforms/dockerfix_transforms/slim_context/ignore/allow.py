"""`--via ignore`: the context stays, and an ignore file lets through what the Dockerfile uses.

`<Dockerfile>.dockerignore` begins with `*`, takes every source back, and keeps those lines of
the old ignore file that can concern a source. No call site changes. BuildKit, kaniko, buildah
and podman read such a file; the classic builder does not. Knows one Dockerfile and its ignore
files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec.structs import replace

from dockerfix.api import (
    BadIgnoreError,
    ContextUse,
    Edit,
    Facts,
    Finding,
    IgnoreFile,
    Judge,
    ProjectionError,
    Severity,
    Span,
    Tool,
    classic_rules,
    emptied,
    exceptions,
    heaviest,
    human,
    inner_path,
    is_allow_list,
    kept_rules,
    line_in_the_way,
    read_ignore,
    read_of,
    rules_of,
    sent_of,
    split_allow_list,
    used_of,
)
from dockerfix_transforms.slim_context.ignore.allow_plan import AllowPlan
from dockerfix_transforms.slim_context.ignore.leave import left_plan
from dockerfix_transforms.slim_context.notes.advice import instead_of_everything
from dockerfix_transforms.slim_context.read.scope import Built
from dockerfix_transforms.slim_context.refusal import CannotSlimError

HOLD_ALL = frozenset({Tool.KANIKO, Tool.BUILDAH, Tool.PODMAN})
"""Builders that hold the whole context and read `<Dockerfile>.dockerignore`: kaniko's
`getExcludedFiles`, and buildah's `ContainerIgnoreFile`, which podman calls too."""


_LARGE = 1_000_000
"""Bytes of a context of which it is said where they lie."""
_SHOWN = 3


def plan_allow(facts: Facts, made: Built) -> AllowPlan | str:
    """The ignore file that a Dockerfile needs, or a sentence that says why it needs none.

    Raises `CannotSlimError`.
    """
    narrow = read_of(facts, made.path, made.context, projects=True)
    used = narrow or check_parts(facts, made)
    if narrow is None and not used.paths:
        return f"{made.path} takes nothing from its context"
    path = f"{made.path}.dockerignore"
    _check_containerignore(facts, made)
    old = facts.ignore_path(made.context, made.path)
    file = facts.snapshot.derive(old, read_ignore) if old is not None else None
    if file is not None and is_allow_list(file) and old == path:
        return f"{path} lets through only what it names already"
    try:
        paths = used.paths if narrow is None else _sent(facts, made, used.paths)
        if narrow is not None and narrow.left:
            plan = left_plan(facts, made, narrow.left, file)
        else:
            plan = _planned(facts, made, path, paths, file, whole=narrow is not None)
    except ProjectionError as error:
        raise _unclear(error.place.path, str(error), error) from None
    except BadIgnoreError as error:
        raise _unclear(old or path, str(error), None) from None
    if narrow is None or isinstance(plan, str):
        return plan
    return replace(plan, narrows=used_of(facts, made.path, made.context).whole)


def _planned(
    facts: Facts,
    made: Built,
    path: str,
    used: Sequence[str],
    file: IgnoreFile | None,
    *,
    whole: bool,
) -> AllowPlan | str:
    """The plan, its figures compared; with `whole` a COPY takes all that is let through. Raises
    `ProjectionError` and `BadIgnoreError`."""
    taken, kept = exceptions(used), kept_rules(file, used) if file is not None else ()
    if file is not None and file.path != path and (parts := split_allow_list(kept)):
        taken, kept = parts  # the old file's own exceptions say it all
    itself = _itself(made, path, (*taken, *kept))
    rules = ("*", *taken, *kept, *itself)
    lost = emptied(facts, made.context, rules)
    if lost is not None:
        raise _unclear(path, f"{lost} would be sent without its content", None)
    old, classic = rules_of(facts, made.context, made.path), classic_rules(facts, made.context)
    asked = None if whole else used
    before = sent_of(facts, made.context, asked, old, classic)
    after = sent_of(facts, made.context, asked, rules, classic)
    if after.whole.size * 10 >= before.whole.size * (9 if whole else 10):
        return f"the ignore file of {made.path} lets through hardly more than what is copied"
    head = _head(made, taken, [*kept, *itself], whole=whole)
    if file is not None and file.path == path:
        return AllowPlan(path, before, after, edits=(_extended(file, used, head),))
    tail = [f"# As in {file.path}.", *kept] if file is not None and kept else []
    tail += [*([""] if tail else []), "# This file itself.", *itself] if itself else []
    return AllowPlan(path, before, after, created=_text(facts, made, [*head, *tail]))


def _sent(facts: Facts, made: Built, paths: Sequence[str]) -> list[str]:
    """Those paths that are sent today: a file that the old ignore file leaves out needs no line
    of the new one. Raises `BadIgnoreError`."""
    judge = Judge(rules_of(facts, made.context, made.path))
    return [
        path
        for path in paths
        if posixpath.join(made.context, path) not in facts.snapshot
        or not judge.judge_path(path).matched
    ]


def check_parts(facts: Facts, made: Built) -> ContextUse:
    """What the Dockerfile uses of its context; raises `CannotSlimError` where that is all of it,
    or not known."""
    used = used_of(facts, made.path, made.context)
    if used.unknown is not None:
        place, what = used.unknown
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "variable-source", what,
                "the ignore file could not let it through", "write the folder out",
                place, made.path,
            )
        )  # fmt: skip
    if used.whole is not None:
        item = used.whole
        rules = rules_of(facts, made.context, made.path)
        size = sent_of(facts, made.context, None, rules, rules).whole.size
        mostly = _mostly(facts, made.context, rules) if size >= _LARGE else ""
        what = f"`{' '.join(item.line.split())[:60]}` takes the whole context, {human(size)}"
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "whole-context", what + mostly,
                "nothing can be left out as long as everything is copied",
                instead_of_everything(facts, facts.stages(made.path), item, made.context),
                item.source.place(item.code), made.path,
            )
        )  # fmt: skip
    return used


def _mostly(facts: Facts, context: str, rules: Sequence[str]) -> str:
    """What a context holds most of, so that a person sees what could go."""
    entries = heaviest(facts, context, rules, _SHOWN)
    return ", mostly " + ", ".join(f"{e.path} ({human(e.weight.size)})" for e in entries)


def _check_containerignore(facts: Facts, made: Built) -> None:
    """buildah and podman read `.containerignore` first; the new file would hide it."""
    paths = (f"{made.path}.containerignore", posixpath.join(made.context, ".containerignore"))
    path = next((path for path in paths if path in facts.snapshot), None)
    if path is not None:
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "containerignore",
                f"buildah and podman read {path}, which the new file would hide",
                "what it leaves out would be there again", "merge it with .dockerignore first",
                None, made.path,
            )
        )  # fmt: skip


def _itself(made: Built, path: str, rules: Sequence[str]) -> tuple[str, ...]:
    """A line for the new ignore file itself where a source would take it along."""
    if made.context and not path.startswith(f"{made.context}/"):
        return ()
    inner = inner_path(path, made.context)
    judge = Judge(("*", *rules))
    return () if judge.judge_path(inner).matched else (inner,)


def _head(made: Built, taken: Sequence[str], more: Sequence[str], *, whole: bool) -> list[str]:
    """The exceptions `taken`, and what they are for; a blank line where `more` follows."""
    name = posixpath.basename(made.path)
    what = f"# Only what {name} copies or mounts; a new source needs a line here."
    if whole:
        what = (
            f"# Only what the build in {name} reads; whatever else it comes to read needs a line."
        )
    return [what, "*", *taken, *([""] if more else [])]


def _text(facts: Facts, made: Built, lines: Sequence[str]) -> bytes:
    """The new file, with the Dockerfile's line ends."""
    newline = facts.stages(made.path).tree.newline.bytes.decode()
    return newline.join([*lines, ""]).encode("utf-8", "surrogateescape")


def _extended(file: IgnoreFile, used: Sequence[str], head: Sequence[str]) -> Edit:
    """An ignore file of the Dockerfile's own: its lines stay, the exceptions come before them.
    Raises `ProjectionError` where a line of it would then say something else."""
    line = line_in_the_way(file, used)
    if line is not None:
        raise ProjectionError(file.place(line), line.rule, "the sources")
    newline = file.source.newline.bytes.decode()
    start = 3 if file.source.bom else 0
    text = newline.join([*head, ""])
    return Edit(Span(start, start), text.encode("utf-8", "surrogateescape"))


def _unclear(path: str, what: str, error: ProjectionError | None) -> CannotSlimError:
    return CannotSlimError(
        Finding(
            Severity.REFUSE, "ignore-pattern", what,
            "what the old ignore file leaves out must stay out, exactly",
            "write the pattern more plainly", error.place if error is not None else None, path,
        )
    )  # fmt: skip
