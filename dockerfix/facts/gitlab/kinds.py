"""Which jobs the usual pipelines of a repository hold: pushes, merge requests, tags, schedules.

`workflow: rules` decide first whether there is a pipeline at all. Follows "CI/CD YAML syntax,
rules: changes", where tags, schedules, pipelines started by hand or through the API, and the
first push of a branch take every `changes:` as true. Knows single pipelines by name; whether
one job implies another is asked of `presence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from dockerfix.facts.gitlab.cases import Case
from dockerfix.facts.gitlab.conditions import ConditionError
from dockerfix.facts.gitlab.decide import Decision, Files
from dockerfix.facts.gitlab.gates import Gate, gate_of, workflow_gate
from dockerfix.facts.gitlab.globs import GlobError, matches
from dockerfix.facts.gitlab.pipeline import Pipeline

_DEFAULT, _BRANCH, _TAG = "main", "feature", "v1.2.3"


def _case(title: str, source: str, ref: str, has_changes: bool, **more: str) -> Case:
    where = {"CI_COMMIT_TAG": ref} if ref == _TAG else {"CI_COMMIT_BRANCH": ref}
    if source == "merge_request_event":
        where = {
            "CI_MERGE_REQUEST_IID": "1",
            "CI_MERGE_REQUEST_ID": "1",
            "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": ref,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": _DEFAULT,
        }
    given = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": source,
        "CI_DEFAULT_BRANCH": _DEFAULT,
        "CI_COMMIT_REF_NAME": ref,
        "CI_COMMIT_REF_SLUG": ref.replace(".", "-"),
    }
    return Case(title, {**given, **where, **more}, has_changes)


KINDS = (
    _case("a push to a branch", "push", _BRANCH, True),
    _case("the first push of a branch", "push", _BRANCH, False),
    _case("a push to the default branch", "push", _DEFAULT, True),
    _case("a merge request", "merge_request_event", _BRANCH, True),
    _case("a push of a tag", "push", _TAG, False),
    _case("a scheduled pipeline", "schedule", _DEFAULT, False),
    _case("a pipeline started by hand", "web", _BRANCH, False),
    _case("a pipeline started through the API", "api", _BRANCH, False),
)
"""One pipeline of each kind; names of branches and tags are examples."""


class Held(Struct, frozen=True):
    """The jobs of one pipeline, and those of which reading cannot tell."""

    jobs: frozenset[str]
    unknown: frozenset[str] = frozenset()


def held(
    pipeline: Pipeline, case: Case, changed: Sequence[str], paths: Iterable[str] = ()
) -> Held | None:
    """What a pipeline of this kind holds when these paths changed and `paths` are the files of
    the repository; None when `workflow: rules` make no pipeline of it.

    Raises `ConditionError` when what `workflow:` says cannot be read.
    """
    workflow = workflow_gate(pipeline)
    tree = tuple(paths)
    shared = {name: scalar.text for name, scalar in pipeline.variables.items()}
    if workflow is not None:
        files = _files(workflow, case, changed, tree)
        if Decision(workflow, {**shared, **case.variables}).clause(files) is None:
            return None
    there, unknown = set(), set()
    for job in pipeline.visible:
        own = {name: scalar.text for name, scalar in pipeline.variables_of(job).items()}
        try:
            gate = gate_of(job, workflow is not None)
            files = _files(gate, case, changed, tree)
            if Decision(gate, {**own, **case.variables}).clause(files) is not None:
                there.add(job.name)
        except (ConditionError, GlobError):
            unknown.add(job.name)
    return Held(frozenset(there), frozenset(unknown))


def _files(gate: Gate, case: Case, changed: Sequence[str], tree: Sequence[str]) -> Files:
    """What the globs of a gate match; a `compare_to` counts the same changes everywhere."""
    globs: dict[str, set[str]] = {}
    for clause in gate:
        if clause.changes is not None and (case.has_changes or clause.base):
            globs.setdefault(clause.base, set()).update(clause.changes)
    matched = {
        base: frozenset(g for g in wanted if any(_matches(g, path) for path in changed))
        for base, wanted in globs.items()
    }
    wanted = {clause.exists for clause in gate if clause.exists is not None}
    existing = {e for e in wanted if any(_matches(glob, path) for glob in e for path in tree)}
    return Files(matched, tuple(changed), frozenset(existing))


def _matches(glob: str, path: str) -> bool:
    if "$" in glob:
        raise GlobError(f"`{glob}` holds a variable")
    return matches(glob, path)
