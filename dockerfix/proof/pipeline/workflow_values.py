"""Whether a workflow's rows and inputs differ in what chooses an image, and in nothing else.

A row is judged by the job as it runs for it: every step with the row's values in it. An input that
is new, or gets another value, may be read by nothing but what says which image is built. Knows the
matrix and the inputs of "Workflow syntax for GitHub Actions"; which image comes of them is *same
images asked for*'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dockerfix.facts.builds.github.expressions import in_row, names_read
from dockerfix.facts.builds.github.matrix import rows
from dockerfix.proof.pipeline.workflow_reads import InputReads, with_braces
from dockerfix.proof.pipeline.workflow_steps import Standing, StepPair, same_step
from dockerfix.syntax.yaml.data import strings, with_strings
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, to_data

Row = Mapping[str, Scalar]
_JUDGED = frozenset({"steps", "strategy", "needs", "with"})
"""Keys of a job that are judged elsewhere, or step by step."""


def same_rows(old: YamlMapping, new: YamlMapping, standing: Standing) -> bool:
    """Whether a job runs for the same rows, and does the same for each but for what is built.
    Rows that come to name one file may be one."""
    before, after = rows(old), rows(new)
    if standing.moved.data(_texts(before)) == _texts(after):
        return True
    old_job, new_job = to_data(old), to_data(new)
    return len(before) == len(after) and all(
        _texts([first]) == _texts([second]) or _same_row(old_job, first, new_job, second, standing)
        for first, second in zip(before, after, strict=True)
    )


def _texts(found: Sequence[Row]) -> list[dict[str, str]]:
    return [{name: held.text for name, held in row.items()} for row in found]


def _same_row(
    old: Mapping[str, Any], first: Row, new: Mapping[str, Any], second: Row, standing: Standing
) -> bool:
    """Whether a job does for a row what the old one did."""
    changed = {n for n in {*first, *second} if _text(first, n) != _text(second, n)}
    if any(_reads_whole(job, changed) for job in (old, new)):
        return False
    here, there = _as_run(old, first), _as_run(new, second)
    keys = {*here, *there} - _JUDGED
    steps = zip(here.get("steps") or [], there.get("steps") or [], strict=False)
    return all(standing.same(here.get(key), there.get(key)) for key in keys) and all(
        same_step(StepPair(a, b, {}), standing, loose=True) for a, b in steps
    )


def _text(row: Row, name: str) -> str:
    return row[name].text if name in row else ""


def _as_run(job: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """A job with the values of a row."""
    named = {key: value for key, value in with_braces(job).items() if key != "strategy"}
    if isinstance(steps := named.get("steps"), list):
        named["steps"] = [with_braces(s) if isinstance(s, dict) else s for s in steps]
    found = with_strings(named, partial(in_row, row=row))
    return found if isinstance(found, dict) else {}


def _reads_whole(job: Mapping[str, Any], changed: set[str]) -> bool:
    """Whether an expression reads the matrix, or a mapping in it, as a whole."""
    read = {name for text in strings(job) for name in names_read(text, "matrix")}
    return any(not name or c.startswith(f"{name}.") for name in read for c in changed)


def same_inputs(
    old: Any, new: Any, root: Mapping[str, Any], standing: Standing, reads: InputReads
) -> bool:
    """Whether what a workflow is started with is the same, old files by their new names, but for
    inputs that need not be given, and that choose an image."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return bool(old == new)
    more = {name: new[name] for name in new if name not in old}
    kept = {name: value for name, value in new.items() if name in old}
    return standing.moved.data(kept) == standing.moved.data(old) and all(
        isinstance(m, dict)
        and (m.get("required", "false"), m.get("default", ""), m.get("type")) == _OPTIONAL
        and reads.choose_images(root, name)
        for name, m in more.items()
    )


_OPTIONAL = ("false", "", "string")
"""What is declared of an input that need not be given, and is the empty text then."""
