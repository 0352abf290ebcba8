"""The whole pipeline in memory, with the checks that every test of a transform wants.

A planned patch must be taken by the real `git apply` and give exactly the tree after, every
Dockerfile on both sides must round-trip, and the command must find nothing to do afterwards.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import CheckFailed, NothingToDo, Outcome, Planned, Refused, plan
from dockerfix.engine.proposal import Transform
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.repository import Facts
from dockerfix.syntax.dockerfile import parse, render
from dockerfix.text import Kind, Snapshot


def run_transform(
    transform: Transform,
    snapshot: Snapshot,
    paths: Sequence[str],
    options: Mapping[str, Any],
    judges: Judges | None = None,
) -> Outcome:
    """The outcome of a transform on a snapshot, after the hidden checks.

    Raises `AssertionError` when a check fails; a refusal and nothing to do are outcomes.
    """
    _check_round_trips(snapshot)
    outcome = plan(Facts(snapshot), transform, paths, options, judges)
    if isinstance(outcome, CheckFailed):
        raise AssertionError(f"the gate's check {outcome.check} failed:\n{outcome.detail}")
    if isinstance(outcome, Planned):
        after = snapshot.with_changes(outcome.changes)
        _check_round_trips(after)
        check_git_apply(snapshot, outcome)
        again = plan(Facts(after), transform, paths, options, judges)
        # A file that a check keeps as it was is refused again, and nothing else is left to do.
        left = isinstance(again, Refused) and {f.name for f in again.proposal.findings}
        if not isinstance(again, NothingToDo) and left != {"check-failed"}:
            raise AssertionError(f"a second run gives {type(again).__name__}, not NothingToDo")
    return outcome


def _check_round_trips(snapshot: Snapshot) -> None:
    for path in snapshot.paths:
        if is_dockerfile(path) and snapshot.entries[path].kind is Kind.FILE:
            data = snapshot.read(path)
            if render(parse(data, path)) != data:
                raise AssertionError(f"{path} does not round-trip")


def check_git_apply(before: Snapshot, planned: Planned) -> None:
    """Apply the patch with git in a folder of its own, and compare every file and mode."""
    with tempfile.TemporaryDirectory(prefix="dockerfix-") as name:
        folder = Path(name)
        touched = [path for path in planned.changes if path in before]
        for path in touched:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(before.read(path))
            file.chmod(before.entries[path].mode)
        result = subprocess.run(
            ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"],
            cwd=folder,
            input=planned.patch,
            capture_output=True,
            check=False,
            # No repository above the folder may have a say.
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        )
        if result.returncode:
            raise AssertionError(f"git apply refuses the patch: {result.stderr.decode()}")
        _compare(folder, before, planned)


def _compare(folder: Path, before: Snapshot, planned: Planned) -> None:
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {path for path, data in planned.changes.items() if data is not None}
    if left != expected:
        raise AssertionError(f"git apply leaves {sorted(left)}, not {sorted(expected)}")
    for path in sorted(expected):
        if (folder / path).read_bytes() != planned.changes[path]:
            raise AssertionError(f"git apply gives other bytes in {path}")
        executable = path in before and bool(before.entries[path].mode & 0o100)
        if bool((folder / path).stat().st_mode & 0o100) != executable:
            raise AssertionError(f"git apply changes the mode of {path}")
