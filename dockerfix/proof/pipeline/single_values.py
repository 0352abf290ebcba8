"""Which single values of a pipeline a permit lets differ: depths, builders, mirrors, and any
value that a person accepted with exactly its before and after. Asks no transform."""

from __future__ import annotations

import json

from dockerfix.facts.gitlab.job import SECTIONS
from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.gitlab.values import as_dict, texts
from dockerfix.proof.pipeline.commands import other_commands
from dockerfix.proof.pipeline.mirrors import mirror_fault
from dockerfix.proof.pipeline.sides import Sides
from dockerfix.proof.pipeline.values import ValueChange, variable_changes

CLONE = ("GIT_DEPTH",)
"""Variables that say how a job gets its sources."""
STRATEGIES = (("GIT_STRATEGY", "clone", "fetch"), ("GIT_STRATEGY", "", "none"))
"""The other changes of how sources come: the work tree of an earlier job is used again, or a job
has none."""


def value_permitted(sides: Sides, job: str, change: ValueChange) -> bool:
    """Whether one value was accepted with exactly this before and after."""
    mine = (p for p in sides.values if (p.subject, p.detail) == (job, change.path))
    same = any((p.before, p.after) == (change.before, change.after) for p in mine)
    return (
        same
        or _depths(sides, job, change)
        or _builder_lines(sides, job, change)
        or _mirrored_beside(sides, job, change)
    )


def _builder_lines(sides: Sides, job: str, change: ValueChange) -> bool:
    """Whether a script beside the jobs differs in commands that build or make a builder,
    with leave for it; what the jobs then build is judged by *same images asked for*."""
    head = change.path.removeprefix("default.").partition("[")[0].partition(" of ")[0]
    if job or ("build-call", "", head) not in sides.asked or not change.before:
        return False
    old, new = (json.loads(text) if text else "" for text in (change.before, change.after))
    scripts = [side if isinstance(side, list) else [side] for side in (old, new)]
    return not other_commands(*([str(line) for line in script] for script in scripts))


def _mirrored_beside(sides: Sides, job: str, change: ValueChange) -> bool:
    """Whether the builders of a script beside the jobs pull through mirrors, and nothing else
    differs, with leave for it. A change is one item of a script, so that all of these scripts
    are compared whole."""
    head = change.path.partition("[")[0]
    asked = any(
        rule == "registry-mirror" and not subject and key in head.replace(" ", ".").split(".")
        for rule, subject, key in sides.asked
    )
    if job or not asked:
        return False
    old, new = _shared_scripts(sides.old), _shared_scripts(sides.new)
    return old.keys() == new.keys() and not any(
        mirror_fault(lines, new[key], sides.pushed) for key, lines in old.items()
    )


def _depths(sides: Sides, job: str, change: ValueChange) -> bool:
    """Whether a change of variables is one of depths alone, each with its permit."""
    found = list(variable_changes(change))
    return bool(found) and all(
        (name in CLONE or (name, old, new) in STRATEGIES)
        and (job, name, old, new) in sides.variables_set
        for name, old, new in found
    )


def hands_on_less(sides: Sides, old: Job, new: Job) -> bool:
    """Whether `inherit:` keeps nothing but a depth away, with a permit."""
    before, after = sides.old.variables_of(old), sides.new.variables_of(new)
    kept = {n: s.text for n, s in before.items() if n not in CLONE}
    same = kept == {n: s.text for n, s in after.items()}
    permitted = ("clone-depth", new.name, "inherit") in sides.asked
    return permitted and same and old.inherit.default == new.inherit.default


def _shared_scripts(pipeline: Pipeline) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The scripts beside the jobs, by file and key path."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path, file in pipeline.files.items():
        top = as_dict(file.root) or {}
        for head, keys in (("", top), ("default", as_dict(top.get("default")) or {})):
            found |= {(path, head, key): texts(keys[key]) for key in SECTIONS if key in keys}
    return found
