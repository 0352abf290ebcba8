"""The pipelines that tell conditions apart: every kind, with every value that matters.

A condition can only compare a variable with the texts and patterns that it names; so a few
values for each variable stand for all that it may hold. Knows which variables GitLab sets in
which kind of pipeline; knows nothing of jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

from msgspec import Struct

from dockerfix.facts.gitlab.conditions import (
    Compare,
    ConditionError,
    Pattern,
    Present,
    SomeText,
    Text,
    Value,
    Variable,
    comparisons,
    compiled,
    pattern_of,
)
from dockerfix.facts.gitlab.gates import Gate


class Case(Struct, frozen=True):
    """One pipeline: what a person calls it, its variables, and whether it has a list of
    changed files (without one, GitLab takes every `changes:` as true). `guessed` says that a
    variable has a value that no file gives it."""

    title: str
    variables: Mapping[str, Value]
    has_changes: bool
    guessed: bool = False

    @property
    def usual(self) -> bool:
        """Whether it is a push or a merge request of a branch of its own, with the variables
        that the files give."""
        source = self.variables.get("CI_PIPELINE_SOURCE")
        branch = self.variables.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
        own = branch is None or branch != self.variables.get("CI_DEFAULT_BRANCH")
        return source in ("push", "merge_request_event") and own and not self.guessed


_BRANCH = frozenset(
    {
        "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG", "CI_DEFAULT_BRANCH",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    }
)  # fmt: skip
_FIXED = _BRANCH | {
    "CI_COMMIT_TAG",
    "CI_PIPELINE_SOURCE",
    "CI_MERGE_REQUEST_IID",
    "CI_MERGE_REQUEST_ID",
}
_SOURCE, _TARGET = "CI_PIPELINE_SOURCE", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
_SLUG = "CI_COMMIT_REF_SLUG"
_SOURCES = {
    "api": "a pipeline started through the API",
    "chat": "a pipeline started from chat",
    "external": "a pipeline of an external service",
    "external_pull_request_event": "an external pull request",
    "parent_pipeline": "a child pipeline",
    "pipeline": "a pipeline started by another project",
    "schedule": "a scheduled pipeline",
    "trigger": "a triggered pipeline",
    "web": "a pipeline started by hand",
    "webide": "a pipeline of the web IDE",
}
_CHANGES = {"external_pull_request_event": (True,), "parent_pipeline": (True, False)}
"""Sources that have a list of changed files, though no push began them: a child takes its
parent's. The others have none."""


def cases(
    gates: Sequence[Gate], defaults: Mapping[str, Mapping[str, str]], exact: bool
) -> Iterator[Case]:
    """Every kind of pipeline with every choice of the variables that the gates name.

    `defaults` are the variables that the files give each job. With `exact` all values are
    real texts; without it `SomeText` stands for every other one as well.
    """
    names = variables_in(gates)
    free = sorted(names - _FIXED)
    values_of = {name: _free_values(name, gates, defaults, exact) for name in free}
    for case in _kinds(gates, names, exact):
        domains = [values_of[name] if _is_set(name, case) else [None] for name in free]
        for values in product(*domains):
            given = {
                n: v for n, v in zip(free, values, strict=True) if not isinstance(v, _FromFiles)
            }
            shown = [_shown(name, value) for name, value in given.items()]
            title = f"{case.title} with {' and '.join(shown)}" if shown else case.title
            yield Case(title, {**case.variables, **given}, case.has_changes, bool(given))


_ONLY_IN = {
    "CI_MERGE_REQUEST_": "merge_request_event",
    "CI_EXTERNAL_PULL_REQUEST_": "external_pull_request_event",
    "CI_PIPELINE_SCHEDULE_": "schedule",
}
"""Beginnings of variables that GitLab sets in pipelines of one source alone."""


def _is_set(name: str, case: Case) -> bool:
    """Whether GitLab sets a variable in this kind of pipeline, as far as its name tells."""
    source = next((s for prefix, s in _ONLY_IN.items() if name.startswith(prefix)), None)
    return source is None or case.variables["CI_PIPELINE_SOURCE"] == source


class _FromFiles(Struct, frozen=True):
    """The value that the pipeline's own files give a variable."""


def _shown(name: str, value: Value) -> str:
    if value is None:
        return f"${name} not set"
    return f"${name} = `{value}`" if isinstance(value, str) else f"some ${name}"


def _kinds(gates: Sequence[Gate], names: set[str], exact: bool) -> Iterator[Case]:
    """Branches, tags and merge requests, each from the sources that can make them."""
    branches = _texts(gates, _BRANCH, exact) if names & _BRANCH else []
    sources = _sources(gates)
    for default, branch in _branch_pairs(branches):
        where = _where(default, branch, branches)
        given: dict[str, Value] = {
            "CI_COMMIT_BRANCH": branch,
            "CI_COMMIT_REF_NAME": branch,
            _SLUG: _slug(branch),
            "CI_DEFAULT_BRANCH": default,
        }
        pushed = {**given, "CI_PIPELINE_SOURCE": "push"}
        yield Case(f"a push to {where}", pushed, True)
        yield Case(f"the first push of {where}", pushed, False)
        for source in sources:
            made = {**given, "CI_PIPELINE_SOURCE": source}
            for has_changes in _CHANGES.get(source, (False,)):
                yield Case(f"{_title(source)} of {where}", made, has_changes)
        for target in branches if _TARGET in names else (default,):
            into = "" if target == default else f" into {_named('branch', target, branches)}"
            asks = _merge_request(given, target)
            yield Case(f"a merge request from {where}{into}", asks, True)
    tags = _texts(gates, frozenset({"CI_COMMIT_TAG", "CI_COMMIT_REF_NAME"}), exact)
    for tag in ["v1.2.3", *tags] if "CI_COMMIT_TAG" in names or branches else ["v1.2.3"]:
        for source in ("push", *(s for s in sources if s not in _CHANGES)):
            given = {
                "CI_COMMIT_TAG": tag,
                "CI_COMMIT_REF_NAME": tag,
                _SLUG: _slug(tag),
                "CI_DEFAULT_BRANCH": "main",
                "CI_PIPELINE_SOURCE": source,
            }
            start = "a push of" if source == "push" else f"{_title(source)} of"
            yield Case(f"{start} {_named('tag', tag, tags)}", given, False)


def _sources(gates: Sequence[Gate]) -> list[str]:
    """Sources beside pushes and merge requests: a schedule, and those that the conditions name
    or match."""
    patterns = patterns_in(gates, {_SOURCE})
    matched = {s for s in _SOURCES for pattern in patterns if compiled(pattern).search(s)}
    asked = {*_literals(gates, {_SOURCE}), *matched}
    return ["schedule", *sorted(asked - {"", "push", "schedule", "merge_request_event"})]


def _title(source: str) -> str:
    return _SOURCES.get(source, f"a pipeline of the source {source}")


def _slug(name: Value) -> Value:
    """As GitLab makes `CI_COMMIT_REF_SLUG` of a ref: lower case, 63 characters, no others than
    letters, digits and dashes."""
    if not isinstance(name, str):
        return name
    kept = (char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return "".join(kept)[:63].strip("-")


def _other_name(slug: str) -> str:
    """Another ref that has this slug."""
    return slug.replace("-", "/", 1) if "-" in slug else slug.upper()


def _merge_request(given: Mapping[str, Value], target: Value) -> dict[str, Value]:
    return {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_ID": "1",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": given["CI_COMMIT_BRANCH"],
        _TARGET: target,
        "CI_COMMIT_REF_NAME": given["CI_COMMIT_BRANCH"],
        _SLUG: given[_SLUG],
        "CI_DEFAULT_BRANCH": given["CI_DEFAULT_BRANCH"],
    }


def _where(default: Value, branch: Value, known: Sequence[Value]) -> str:
    if known and branch == default:
        return "the default branch"
    return _named("branch", branch, known) if len(known) != 1 else "another branch"


def _named(kind: str, value: Value, known: Sequence[Value]) -> str:
    if isinstance(value, str) and len(known) > 1:
        return f"{kind} `{value}`"
    return f"a {kind}"


def _branch_pairs(branches: Sequence[Value]) -> Iterator[tuple[Value, Value]]:
    """Default branch and branch, the usual ones first."""
    if not branches:
        yield "main", "feature"
        return
    usual = "main" if "main" in branches or "master" not in branches else "master"
    for branch in dict.fromkeys((usual, *branches)):
        yield branch, branch
    for branch in dict.fromkeys(("feature", *branches)):
        yield (usual if branch != usual else "trunk"), branch


def variables_in(gates: Sequence[Gate]) -> set[str]:
    """The variables that the conditions of gates name."""
    found: set[str] = set()
    for item in _compared(gates):
        operands = (item.operand,) if isinstance(item, Present) else (item.left, item.right)
        found.update(o.name for o in operands if isinstance(o, Variable))
    return found


def _compared(gates: Sequence[Gate]) -> Iterator[Compare | Present]:
    for gate in gates:
        for clause in gate:
            if clause.condition is not None:
                yield from comparisons(clause.condition)


def _literals(gates: Sequence[Gate], names: Iterable[str]) -> list[str]:
    """Texts that one of the variables is compared with by `==` or `!=`."""
    wanted = set(names)
    found: list[str] = []
    for item in _compared(gates):
        if isinstance(item, Compare) and item.operator in ("==", "!="):
            sides = (item.left, item.right)
            if any(isinstance(o, Variable) and o.name in wanted for o in sides):
                found += [o.value for o in sides if isinstance(o, Text) and o.value is not None]
    return list(dict.fromkeys(found))


def patterns_in(gates: Sequence[Gate], names: Iterable[str] | None = None) -> list[Pattern]:
    """Patterns that one of the variables (any, for None) is matched with."""
    wanted = None if names is None else set(names)
    found: list[Pattern] = []
    for item in _compared(gates):
        if isinstance(item, Compare) and item.operator in ("=~", "!~"):
            pattern = pattern_of(item.right, {})
            left = item.left
            if pattern is None:
                raise ConditionError(f"the pattern behind `{item.operator}` is in a variable")
            if wanted is None or (isinstance(left, Variable) and left.name in wanted):
                found.append(pattern)
    return list(dict.fromkeys(found))


def _texts(gates: Sequence[Gate], names: frozenset[str], exact: bool) -> list[Value]:
    """Values that the conditions tell apart, without None."""
    patterns = patterns_in(gates, names)
    found: list[Value] = [text for text in _literals(gates, names) if text]
    found += [sample for pattern in patterns for sample in _samples(pattern)]
    if _SLUG in names:
        found += [_other_name(slug) for slug in _literals(gates, {_SLUG}) if slug]
    if not exact:
        if len(patterns) > 4:
            raise ConditionError("a variable is matched with too many patterns")
        for number in range(len(patterns) + 1):
            found += [SomeText(frozenset(chosen)) for chosen in combinations(patterns, number)]
    return list(dict.fromkeys((*found, "other")))


def _free_values(
    name: str, gates: Sequence[Gate], defaults: Mapping[str, Mapping[str, str]], exact: bool
) -> list[Value | _FromFiles]:
    """What a variable may hold: what the files give it first, then anything that a person or
    the project's settings may."""
    texts = _texts(gates, frozenset({name}), exact)
    linked = [
        text
        for item in _compared(gates)
        if isinstance(item, Compare)
        and {type(item.left), type(item.right)} == {Variable}
        and any(isinstance(o, Variable) and o.name == name for o in (item.left, item.right))
        for text in _literals(gates, variables_in(gates))
    ]
    values: list[Value | _FromFiles] = []
    if any(name in given for given in defaults.values()):
        values.append(_FromFiles())
    return list(dict.fromkeys((*values, None, *texts, *linked, "")))


_SUFFIXES = ("", "x", "1", "/x", "1.0", "1.2.3", "-x", "v1.2.3", "v1.0", "feature", "release")


def _samples(pattern: Pattern) -> list[str]:
    """A few texts that match the pattern, found by trying; none for an unusual one."""
    body = pattern.body.replace("\\/", "/")
    prefix = ""
    for at, char in enumerate(body.lstrip("^")):
        following = body.lstrip("^")[at + 1 : at + 2]
        if not (char.isalnum() or char in "/_-") or following in ("?", "*", "{"):
            break
        prefix += char
    expression = compiled(pattern)
    tried = (prefix + suffix for suffix in _SUFFIXES)
    return [text for text in tried if text and expression.search(text)][:2]
