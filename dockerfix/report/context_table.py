"""What `dockerfix context` prints: what a build context costs, as text and as JSON.

Sizes are given in the units of the docker command line (1 kB is 1,000 bytes). Pure: knows the
answers of `facts.context` and nothing of the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct

from dockerfix.facts.context.dormant import DormantFile
from dockerfix.facts.context.explored import Question
from dockerfix.facts.context.steps import LOCAL
from dockerfix.facts.context.transfer import Asked, ContextCost, LargeEntry, Sent
from dockerfix.facts.model import Build
from dockerfix.facts.trees.idle import IdleLine
from dockerfix.facts.trees.weight import HeavyEntry, Weight
from dockerfix.report.json_ import dumped, header, place_data
from dockerfix.report.style import PLAIN, Style
from dockerfix.text.units import human

SIZES = "Sizes are those of the working tree, ignored and untracked files included."
_CLASSIC = "classic builder, kaniko, remote API"
_SHOWN = 5


class ContextAnswer(Struct, frozen=True):
    """One build that was looked at, and what was found."""

    question: Question
    cost: ContextCost


def render_context(answers: Sequence[ContextAnswer], style: Style = PLAIN) -> str:
    """All answers as text: a block for each build, or a table for a Dockerfile with several."""
    blocks = ["\n".join(_file(list(group), style)) for _, group in groupby(answers, _dockerfile)]
    return "\n\n".join([*blocks, style.faint(SIZES)]) + "\n"


def render_context_json(answers: Sequence[ContextAnswer]) -> str:
    """The same as JSON; sizes are bytes."""
    data = {**header(), "sizes": "working tree", "builds": [_data(answer) for answer in answers]}
    return dumped(data)


def _dockerfile(answer: ContextAnswer) -> str:
    return answer.question.given.dockerfile


def _file(answers: Sequence[ContextAnswer], style: Style) -> Iterator[str]:
    """One Dockerfile: a row for each of its builds, and all that is known of an only one."""
    if len(answers) == 1:
        yield from _block(answers[0], style)
        return
    yield style.heading(_dockerfile(answers[0]))
    rows = [("TARGET", "CONTEXT", "BUILDKIT", "NEVER USED", "CLASSIC, KANIKO", "NEVER USED", "")]
    for answer in answers:
        cost = answer.cost
        buildkit, classic = cost.buildkit, cost.classic
        rows.append(
            (
                cost.given.target or "(last stage)",
                cost.given.context or ".",
                human(buildkit.weight.size),
                human(buildkit.unused.size),
                human(classic.weight.size),
                human(classic.unused.size),
                "fails" if cost.failure is not None else "",
            )
        )
    yield from _columns(rows, style, right=(2, 3, 4, 5))
    for answer in answers:
        if answer.cost.failure is not None:
            yield style.bad(
                f"{answer.cost.given.target or 'the last stage'}: {answer.cost.failure}"
            )
    yield style.faint("--target STAGE says what each one is asked for.")


def _block(answer: ContextAnswer, style: Style) -> Iterator[str]:
    cost = answer.cost
    given = cost.given
    target = given.target or "(last stage)"
    yield style.heading(f"{given.dockerfile}  context {given.context or '.'}  target {target}")
    yield from _asked_by(answer.question, style)
    if cost.failure is not None:
        yield style.bad(f"  this build fails: {cost.failure}")
    for path in cost.emptied:
        why = "an exception, then a pattern for a folder above it"
        yield style.bad(f"  BuildKit sends {path} empty: the ignore file has {why}")
    yield ""
    yield from _sent_table(cost, style)
    yield from _asked(cost, style)
    yield from _largest(cost.largest, style)
    yield from _unused("BuildKit", cost.buildkit, style)
    if cost.classic.unused.size != cost.buildkit.unused.size:
        yield from _unused("the classic builder", cost.classic, style)
    yield from _idle(cost, style)
    yield from _dormant(cost.dormant, style)


def _asked_by(question: Question, style: Style) -> Iterator[str]:
    for build in question.asked_by:
        yield style.faint(f"  asked for by {build.site}: {build.tool.value}")
    if question.assumed:
        why = "the context is not known" if question.asked_by else "no call site asks for it"
        context = question.given.context or "."
        yield style.faint(f"  {why}: {context} is taken for the context")
    for name, text in question.given.named_contexts.items():
        if text.startswith(LOCAL):
            folder = text.removeprefix(LOCAL) or "."
            yield f"  the named context {name} ({folder}) is sent too, and not counted here"


def _sent_table(cost: ContextCost, style: Style) -> Iterator[str]:
    rows = [("WHAT IS SENT", "FILES", "SIZE", "NEVER USED", "IGNORE FILE")]
    for name, sent in (("BuildKit", cost.buildkit), (_CLASSIC, cost.classic)):
        unused = human(sent.unused.size)
        rows.append((name, *_weight(sent.weight), unused, sent.ignore or "none"))
    rows.append(("(everything in the folder)", *_weight(cost.folder), "", ""))
    yield from _columns(rows, style, right=(1, 2, 3))
    for entry in cost.asked:
        if entry.whole:
            yield f"BuildKit is asked for the whole context by {entry.place}"
            break
    if cost.classic.ignore != cost.buildkit.ignore:
        yield f"The classic builder does not read {cost.buildkit.ignore}"


def _asked(cost: ContextCost, style: Style) -> Iterator[str]:
    if not cost.asked:
        return
    rows = [("WHAT BUILDKIT IS ASKED FOR", "FILES", "SIZE", "")]
    rows += [(str(item.place), *_weight(item.weight), _short(item.text)) for item in cost.asked]
    yield ""
    yield from _columns(rows, style, right=(1, 2))


def _largest(entries: Sequence[LargeEntry], style: Style) -> Iterator[str]:
    if not entries:
        return
    rows = [("LARGEST THAT THE CLASSIC BUILDER IS SENT", "FILES", "SIZE", "USED", "BUILDKIT")]
    for entry in entries:
        used, sent = _share(entry.unused, entry.weight), _share(entry.buildkit, entry.weight)
        words = {"all": "never", "none": "all", "some": "some"}
        rows.append((entry.path, *_weight(entry.weight), words[used], f"{sent} of it"))
    yield ""
    yield from _columns(rows, style, right=(1, 2))


def _unused(who: str, sent: Sent, style: Style) -> Iterator[str]:
    if not sent.unused.files:
        return
    yield ""
    title = f"SENT TO {who.upper()} AND NEVER USED"
    rows = [(title, "FILES", "SIZE"), *map(_heavy, sent.unused_largest[:_SHOWN])]
    yield from _columns(rows, style, right=(1, 2))
    if len(sent.unused_largest) > _SHOWN:
        yield style.faint(f"in all {sent.unused.files:,} files, {human(sent.unused.size)}")


def _heavy(entry: HeavyEntry) -> tuple[str, str, str]:
    files, size = _weight(entry.weight)
    return entry.path, files, size


def _idle(cost: ContextCost, style: Style) -> Iterator[str]:
    if not cost.idle or cost.buildkit.ignore is None:
        return
    yield ""
    yield style.heading(f"LINES OF {cost.buildkit.ignore} THAT DO NOTHING")
    rows = []
    for item in cost.idle:
        place = f"{cost.buildkit.ignore}:{item.line.number}"
        rows.append((place, item.line.written.strip(), _why_idle(item)))
    yield from _columns(rows, style)


def _why_idle(item: IdleLine) -> str:
    return "other lines decide all that it matches" if item.matches else "matches nothing now"


def _dormant(files: Iterable[DormantFile], style: Style) -> Iterator[str]:
    first = True
    for dormant in files:
        if first:
            yield ""
            yield style.heading("IGNORE FILES THAT NO BUILD READS")
            first = False
        instead = f"; {dormant.instead} is read in its place" if dormant.instead else ""
        yield f"{dormant.file.path}{instead}"
        for line, path in dormant.traps:
            place = dormant.file.place(line)
            text = f"`{line.written.strip()}` would leave out {path}, which is copied"
            yield style.warning(f"  {place}: if it were read, {text}")


def _share(part: Weight, whole: Weight) -> str:
    """How many of the files: `none`, `some`, `all`."""
    if not part.files:
        return "none"
    return "all" if part.files == whole.files else "some"


def _weight(weight: Weight) -> tuple[str, str]:
    return f"{weight.files:,}", human(weight.size)


def _short(text: str, limit: int = 70) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _columns(
    rows: Sequence[tuple[str, ...]], style: Style, right: tuple[int, ...] = ()
) -> Iterator[str]:
    """Aligned columns; a first row in capitals is a heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(cells).rstrip()
        yield style.heading(line) if row is rows[0] and right else line


def _data(answer: ContextAnswer) -> dict[str, Any]:
    cost = answer.cost
    given = cost.given
    failure = cost.failure
    return {
        "dockerfile": given.dockerfile,
        "context": given.context,
        "target": given.target,
        "named_contexts": dict(given.named_contexts),
        "assumed": answer.question.assumed,
        "asked_by": [_build_data(build) for build in answer.question.asked_by],
        "fails": {"place": place_data(failure.place), "message": failure.message}
        if failure
        else None,
        "sent_empty": list(cost.emptied),
        "folder": _weight_data(cost.folder),
        "buildkit": {
            **_sent_data(cost.buildkit),
            "asked": [_asked_data(item) for item in cost.asked],
        },
        "classic": _sent_data(cost.classic),
        "largest": [_entry_data(entry) for entry in cost.largest],
        "idle_lines": [
            {
                "path": cost.buildkit.ignore,
                "line": item.line.number,
                "text": item.line.written,
                "matches": item.matches,
            }
            for item in cost.idle
        ],
        "dormant": [_dormant_data(item) for item in cost.dormant],
    }


def _build_data(build: Build) -> dict[str, Any]:
    return {
        "place": place_data(build.site.place),
        "kind": build.site.kind.value,
        "name": build.site.name,
        "tool": build.tool.value,
    }


def _asked_data(item: Asked) -> dict[str, Any]:
    return {
        "place": place_data(item.place),
        "instruction": item.text,
        "whole_context": item.whole,
        **_weight_data(item.weight),
    }


def _entry_data(entry: LargeEntry) -> dict[str, Any]:
    return {
        "path": entry.path,
        **_weight_data(entry.weight),
        "sent_to_buildkit": _weight_data(entry.buildkit),
        "never_used": _weight_data(entry.unused),
    }


def _weight_data(weight: Weight) -> dict[str, int]:
    return {"files": weight.files, "bytes": weight.size}


def _sent_data(sent: Sent) -> dict[str, Any]:
    return {
        **_weight_data(sent.weight),
        "ignore_file": sent.ignore,
        "never_used": {
            **_weight_data(sent.unused),
            "largest": [
                {"path": entry.path, **_weight_data(entry.weight)} for entry in sent.unused_largest
            ],
        },
    }


def _dormant_data(dormant: DormantFile) -> dict[str, Any]:
    return {
        "path": dormant.file.path,
        "read_instead": dormant.instead,
        "traps": [
            {"place": place_data(dormant.file.place(line)), "leaves_out": path}
            for line, path in dormant.traps
        ],
    }
