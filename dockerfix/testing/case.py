r"""Case files: a command, an input tree and what must come of it, in one readable file.

    What the case shows, for the reader.

    $ dockerfix merge-rust app/

    -- app/Dockerfile --
    FROM rust AS builder
    ...
    == planned ==
    assume native-packages: app/Dockerfile:3:1: perl is added
    == permitted ==
    app/Dockerfile in app/Dockerfile.all: stands-for server, united-packages
    == proved ==
    same runtime: app/Dockerfile.all:server is made by ... [united-packages]
    == patch ==
    diff --git a/app/Dockerfile b/app/Dockerfile
    ...

A line `base: NAME` above the tree brings the files of `NAME.tree`, a tree that several cases
share: it stands in a folder `bases` beside the case's own folder. A file of the case takes the
place of one of the base.

Everything from the first `==` line on is the expectation: `planned`, `refused` or `nothing to
do`, a line for each finding, the permits that the transform asks for, the obligations that held
(with the rules under which something differs) and what nothing could prove, and the patch. So a
transform that asks for more, and a gate that owes less, change a case. It is never written by
hand: `make cases` writes it, and the change is reviewed as a diff. In it, a carriage return
stands as `<CR>`, a byte order mark as `<BOM>`, a byte that is no UTF-8 as `\xNN`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from difflib import unified_diff
from pathlib import Path

from msgspec import Struct

from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import NothingToDo, Outcome, Planned, Refused
from dockerfix.engine.proposal import Transform
from dockerfix.proof.obligation import Permit
from dockerfix.testing.pipeline import run_transform
from dockerfix.testing.tree import FileTree, parse_tree
from dockerfix.text import normalise_path


class CaseError(ValueError):
    """A case file that cannot be read."""


class Case(Struct, frozen=True):
    """A case as written: `given` is the text up to the expectation, which may be empty."""

    given: str
    expected: str
    arguments: tuple[str, ...]
    tree: FileTree

    @property
    def transform(self) -> str:
        """The name of the transform that the command runs."""
        return self.arguments[0]


def read_case(path: Path) -> Case:
    """A case file. Raises `CaseError`, `TreeError` for a tree, and `OSError`."""
    folder = path.parent.parent / "bases"
    return parse_case(_text(path), lambda name: _text(folder / f"{name}.tree"))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def parse_case(text: str, base: Callable[[str], str] | None = None) -> Case:
    """A case file's text; `base` gives the text of a shared tree by name. Raises `CaseError`,
    and `TreeError` for a tree."""
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    cut = next((n for n, line in enumerate(lines) if line.startswith("== ")), len(lines))
    given = "".join(lines[:cut])
    preamble, tree = parse_tree(given)
    commands = [line[2:] for line in preamble.splitlines() if line.startswith("$ ")]
    if len(commands) != 1:
        raise CaseError(f"a case has one line that begins with `$ `, not {len(commands)}")
    for line in preamble.splitlines():
        if line.startswith("base: "):
            if base is None:
                raise CaseError(f"no tree is shared here: {line}")
            tree = parse_tree(base(line[6:]))[1].with_files(tree)
    words = shlex.split(commands[0])
    if len(words) < 2 or words[0] != "dockerfix":
        raise CaseError(f"no dockerfix command: {commands[0]}")
    return Case(given, "".join(lines[cut:]), tuple(words[1:]), tree)


def run_case(case: Case, load: Callable[[str], Transform], judges: Judges | None = None) -> str:
    """What comes of a case, as the text that belongs below its input.

    `load` gives a transform by name. Raises `AssertionError` when a hidden check fails.
    """
    from dockerfix.cli.transform import read_arguments

    transform = load(case.transform)
    paths, options = read_arguments(transform, case.arguments[1:])
    relative = [normalise_path(path) for path in paths]
    if None in relative:
        raise CaseError(f"a path leaves the root: {paths[relative.index(None)]}")
    known = [path for path in relative if path is not None]
    outcome = run_transform(transform, case.tree.snapshot(), known, options, judges)
    return "".join(f"{line}\n" for line in _expectation(outcome))


def difference(expected: str, actual: str) -> str:
    """How two expectations differ, for the person; empty when they are the same."""
    lines = unified_diff(
        expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm=""
    )
    return "\n".join(lines)


def _expectation(outcome: Outcome) -> Iterator[str]:
    proposal = outcome.proposal
    if isinstance(outcome, Refused):
        yield "== refused =="
    elif isinstance(outcome, NothingToDo):
        yield "== nothing to do =="
        yield _visible(proposal.reason)
    else:
        yield "== planned =="
        yield from (_visible(line) for line in proposal.summary)
    for finding in proposal.findings:
        yield _visible(f"{finding.severity.value} {finding.name}: {finding}")
        if finding.action:
            yield _visible(f"  -> {finding.action}")
    if isinstance(outcome, Planned):
        yield "== permitted =="
        yield from (_visible(line) for line in _permitted(proposal.permits))
        yield "== proved =="
        yield from (_visible(line) for line in _proved(outcome))
        yield "== patch =="
        yield from _visible_bytes(outcome.patch).removesuffix("\n").split("\n")


def _permitted(permits: Iterable[Permit]) -> Iterator[str]:
    """The permits, those of one subject in one file on one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for permit in permits:
        values = f": {permit.before} -> {permit.after}" if permit.before or permit.after else ""
        asked = f"{permit.rule} {permit.detail}".strip() + values
        found.setdefault((permit.subject, permit.place), []).append(asked)
    for (subject, place), asks in found.items():
        yield f"{subject} in {place}: {', '.join(asks)}"


def _proved(outcome: Planned) -> Iterator[str]:
    """What held, each with the rules under which something differs; then what is not proved."""
    for verdict in outcome.verdicts:
        rules = dict.fromkeys(line.partition(":")[0] for line in verdict.differences)
        used = f" [{', '.join(rules)}]" if rules else ""
        yield f"{verdict.kind}: {verdict.statement}{used}"
    yield from (f"not proved: {line}" for line in outcome.unproved)


def _visible(text: str) -> str:
    return _visible_bytes(text.encode("utf-8", "surrogateescape")).replace("\n", "\\n")


def _visible_bytes(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return text.replace("\r", "<CR>").replace("\ufeff", "<BOM>")
