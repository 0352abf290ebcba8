"""Assertions on transforms in the style of LibCST's `assertCodemod`: before, after, done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import NothingToDo, Outcome, Planned, Refused
from dockerfix.engine.proposal import Transform
from dockerfix.testing.pipeline import run_transform
from dockerfix.testing.tree import FileTree
from dockerfix.text import Snapshot

Files = Mapping[str, bytes | str] | FileTree
"""A tree: bytes or text by path, or what `parse_tree` gives."""


def assert_codemod(
    transform: Transform,
    before: Files,
    changed: Mapping[str, bytes | str | None],
    *paths: str,
    judges: Judges | None = None,
    **options: Any,
) -> Planned:
    """The transform changes exactly `changed`: new content by path, None for a deleted file.

    `paths` are relative to the root; without any, the root itself. Runs every hidden check of
    `dockerfix.testing.pipeline`. Gives the plan, for further questions.
    """
    outcome = _outcome(transform, before, paths, judges, options)
    assert isinstance(outcome, Planned), _surprise(outcome, "a patch")
    expected = {path: _bytes(data) for path, data in changed.items()}
    assert outcome.changes.keys() == expected.keys(), (
        f"changed {sorted(outcome.changes)}, expected {sorted(expected)}"
    )
    for path, data in expected.items():
        assert outcome.changes[path] == data, f"{path} differs:\n{outcome.patch.decode()}"
    return outcome


def assert_nothing_to_do(
    transform: Transform,
    before: Files,
    *paths: str,
    judges: Judges | None = None,
    **options: Any,
) -> NothingToDo:
    """The transform has nothing to do, and says why."""
    outcome = _outcome(transform, before, paths, judges, options)
    assert isinstance(outcome, NothingToDo), _surprise(outcome, "nothing to do")
    assert outcome.proposal.reason, "it must say why there is nothing to do"
    return outcome


def assert_refused(
    transform: Transform,
    before: Files,
    *paths: str,
    finding: str,
    judges: Judges | None = None,
    **options: Any,
) -> Refused:
    """The transform refuses as a whole, with a finding of that name that says what to do."""
    outcome = _outcome(transform, before, paths, judges, options)
    assert isinstance(outcome, Refused), _surprise(outcome, "a refusal")
    found = [each for each in outcome.proposal.findings if each.name == finding]
    names = sorted({each.name for each in outcome.proposal.findings})
    assert found, f"no finding is called {finding}; there are: {', '.join(names)}"
    assert all(each.action for each in found), f"{finding} must say what to do"
    return outcome


def _outcome(
    transform: Transform,
    before: Files,
    paths: tuple[str, ...],
    judges: Judges | None,
    options: Mapping[str, Any],
) -> Outcome:
    snapshot = before.snapshot() if isinstance(before, FileTree) else Snapshot.of(before)
    return run_transform(transform, snapshot, paths or ("",), options, judges)


def _bytes(data: bytes | str | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data


def _surprise(outcome: Outcome, expected: str) -> str:
    lines = [f"expected {expected}, got {type(outcome).__name__} {outcome.proposal.reason}"]
    lines += [f"  {finding.severity.value}: {finding}" for finding in outcome.proposal.findings]
    return "\n".join(lines)
