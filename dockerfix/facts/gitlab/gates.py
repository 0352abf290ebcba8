"""What a GitLab job says of its own existence: `rules`, or `only` and `except`, as clauses.

Follows "CI/CD YAML syntax" and GitLab's `Ci::Config::Entry::Processable`: the first rule that
applies decides; without rules `only` is `branches` and `tags`, unless `workflow: rules` are
there. Knows how to read the keys; evaluates nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.gitlab.conditions import (
    Both,
    Compare,
    Condition,
    ConditionError,
    Either,
    Present,
    Text,
    Variable,
    parse_condition,
)
from dockerfix.facts.gitlab.pipeline import Effective, Job, Pipeline
from dockerfix.facts.gitlab.rules import listed_rules
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, to_data
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence

_USUAL = "on_success"
_ASKS = frozenset({"if", "changes", "exists"})
"""Keys of a rule that ask; the others say how the job then runs."""


class Clause(Struct, frozen=True):
    """One step of a decision: when all that it asks for is so, it says whether the job is
    there. `base` is the `compare_to` from which the changes count; `how` is what the rule then
    says beside that (`when`, `variables`), as JSON, and empty for a job that just runs."""

    present: bool
    condition: Condition | None = None
    changes: frozenset[str] | None = None
    base: str = ""
    exists: frozenset[str] | None = None
    how: str = ""


Gate = tuple[Clause, ...]
"""Clauses in order; the first that applies decides, and none means absent."""

ALWAYS: Gate = (Clause(True),)


def is_always(gate: Gate) -> bool:
    """Whether a job is in every pipeline, however it then runs."""
    return replace(gate[0], how="") == ALWAYS[0] if gate else False


def plain(value: Node | Effective | None) -> Any:
    """A key of a job as plain data; two that GitLab reads alike are equal."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return to_data(value)


def written(job: Job) -> Any:
    """Everything that decides presence, for equality: two jobs that say the same, with the
    same values for the variables that they name, are there together."""
    keys = {key: plain(job.keys.get(key)) for key in ("rules", "only", "except")}
    text = str(keys)
    return keys, {n: s.text for n, s in job.variables.items() if f"${n}" in text or "${" in text}


def workflow_gate(pipeline: Pipeline) -> Gate | None:
    """The gate of `workflow: rules`; None without them. Raises `ConditionError`."""
    rules = pipeline.workflow_rules
    if rules is None:
        return None
    if not isinstance(rules, YamlSequence):
        raise ConditionError("the rules of `workflow` are no list")
    return tuple(_rule_clauses(rules))


def gate_of(job: Job, workflow_rules: bool) -> Gate:
    """The gate of a job; `workflow_rules` says whether the pipeline has `workflow: rules`.

    Raises `ConditionError` for what GitLab would reject and for what depends on more than
    the repository.
    """
    rules = job.keys.get("rules")
    if rules is not None:
        if not isinstance(rules, YamlSequence):
            raise ConditionError(f"the rules of `{job.name}` are no list")
        return tuple(_rule_clauses(rules, job.when))
    only, except_ = plain(job.keys.get("only")), plain(job.keys.get("except"))
    if only is None and not workflow_rules:
        only = ["branches", "tags"]
    how = (
        ""
        if job.when == _USUAL
        else json.dumps({"when": job.when, "allow_failure": job.allow_failure})
    )
    return (*_except(except_), *(replace(clause, how=how) for clause in _only(only)))


def _rule_clauses(rules: YamlSequence, usual: str = _USUAL) -> Iterator[Clause]:
    """The clauses of rules; `usual` is the `when` of those that say none."""
    for item in listed_rules(rules):
        if not isinstance(item, YamlMapping):
            raise ConditionError("a rule is not a mapping")
        keys = item.resolved
        changes, base = _changes(keys.get("changes"))
        when = keys.get("when")
        condition = keys.get("if")
        yield Clause(
            not (isinstance(when, Scalar) and when.text == "never"),
            parse_condition(condition.text) if isinstance(condition, Scalar) else None,
            changes,
            base,
            _changes(keys.get("exists"))[0],
            _how(keys, usual),
        )


def _how(keys: Mapping[str, Node], usual: str) -> str:
    """How a job runs where a rule with these keys lets it exist."""
    said = {"when": usual, **{key: to_data(keys[key]) for key in keys if key not in _ASKS}}
    if said["when"] == "never" or said == {"when": _USUAL}:
        return ""
    return json.dumps(said, sort_keys=True)


def _changes(node: Node | None) -> tuple[frozenset[str] | None, str]:
    if node is None:
        return None, ""
    data = to_data(node)
    base = ""
    if isinstance(data, dict):
        base = str(data.get("compare_to", ""))
        data = data.get("paths", [])
    listed = data if isinstance(data, list) else [data]
    return frozenset(str(item) for item in listed), base


_KEYWORDS = {
    "api": "api",
    "chat": "chat",
    "external": "external",
    "external_pull_requests": "external_pull_request_event",
    "merge_requests": "merge_request_event",
    "pipelines": "pipeline",
    "pushes": "push",
    "schedules": "schedule",
    "triggers": "trigger",
    "web": "web",
}
_SOURCE = Variable("CI_PIPELINE_SOURCE")


def _ref(word: str) -> Condition:
    """A keyword, a name or a pattern of `only: refs`."""
    if word == "branches":
        return Present(Variable("CI_COMMIT_BRANCH"))
    if word == "tags":
        return Present(Variable("CI_COMMIT_TAG"))
    if word in _KEYWORDS:
        return Compare("==", _SOURCE, Text(_KEYWORDS[word]))
    if "@" in word:
        raise ConditionError(f"`{word}` names another project")
    name = Variable("CI_COMMIT_REF_NAME")
    if word.startswith("/"):
        parsed = parse_condition(f"$CI_COMMIT_REF_NAME =~ {word}")
    else:
        parsed = Compare("==", name, Text(word))
    return Both(Compare("!=", _SOURCE, Text("merge_request_event")), parsed)


def _any(conditions: Iterable[Condition]) -> Condition | None:
    found: Condition | None = None
    for condition in conditions:
        found = condition if found is None else Either(found, condition)
    return found


def _sections(data: Any) -> tuple[Condition | None, Condition | None, frozenset[str] | None]:
    """`refs`, `variables` and `changes` of an `only:` or `except:`."""
    if isinstance(data, dict):
        if "kubernetes" in data:
            raise ConditionError("`kubernetes: active` depends on the project's settings")
        refs, variables, changes = (data.get(k) for k in ("refs", "variables", "changes"))
    else:
        refs, variables, changes = data, None, None
    listed = [refs] if isinstance(refs, str) else refs or ()
    return (
        _any(_ref(str(word)) for word in listed),
        _any(parse_condition(str(text)) for text in variables or ()),
        frozenset(str(glob) for glob in changes) if changes is not None else None,
    )


def _only(data: Any) -> Iterator[Clause]:
    """All sections must agree."""
    if data is None:
        yield Clause(True)
        return
    refs, variables, changes = _sections(data)
    condition = Both(refs, variables) if refs and variables else refs or variables
    yield Clause(True, condition, changes)


def _except(data: Any) -> Iterator[Clause]:
    """Any section is enough to leave the job out."""
    if data is None:
        return
    refs, variables, changes = _sections(data)
    for condition in (refs, variables):
        if condition is not None:
            yield Clause(False, condition)
    if changes is not None:
        yield Clause(False, None, changes)
