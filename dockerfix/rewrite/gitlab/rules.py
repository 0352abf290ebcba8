"""Rules of jobs: united for jobs that become one, widened for a job that others wait for.

Knows `rules:` as data, and how a rule is written; evaluates no condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from dockerfix.facts.gitlab.pipeline import Job
from dockerfix.rewrite.gitlab.job_keys import JobKeys
from dockerfix.rewrite.wanted import Refused
from dockerfix.rewrite.yaml_edits import quoted
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, to_data
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence

Rules = list[dict[str, Any]]
"""The value of `rules:` as plain data."""


def put_rules(
    keys: JobKeys, rules: Rules | None, paths: Mapping[str, str] = MappingProxyType({})
) -> None:
    """These rules in place of the job's own; None takes them away. `paths` maps files that go to
    those that come, for globs."""
    if rules == plain_data(keys.job.keys.get("rules")):
        return
    if rules is None:
        keys.remove("rules")
        if "rules" in keys.job.keys and keys.body.entry("rules") is None:
            keys.put("rules", ["when: on_success"])
        return
    moved = [_moved(rule, paths) for rule in rules]
    hidden = next((text for rule in moved for text in _half_named(rule, paths)), None)
    if hidden is not None:
        what = f"`{hidden}` names a file that goes among other words"
        raise Refused(keys.job.place, what, "write the file as a glob of its own")
    keys.put("rules", [_rule_text(rule, keys.step, keys.dash) for rule in moved])


def _half_named(rule: dict[str, Any], paths: Mapping[str, str]) -> list[str]:
    """Texts of a rule that hold the path of a file that goes as a part of them."""
    values = (v if isinstance(v, list) else [v] for v in rule.values())
    texts = [text for value in values for text in value if isinstance(text, str)]
    return [text for text in texts if any(f" {old}" in f" {text}" for old in paths)]


def united_rules(jobs: Sequence[Job]) -> Rules | None:
    """Rules that hold whenever those of one job hold; None for *always*.

    Raises `Refused` where the order of rules matters (`when: never`) or where `only:` and
    `except:` differ: those are not united but must be equal.
    """
    listed = [plain_data(job.keys.get("rules")) for job in jobs]
    if all(rules == listed[0] for rules in listed):
        return listed[0] if isinstance(listed[0], list) else None
    if any(rules is None for rules in listed):
        return None
    lists = [rules if isinstance(rules, list) else [] for rules in listed]
    # The first rule that matches counts: what all begin with decides alike for all.
    head = _shared_head(lists)
    if not all(isinstance(rule, dict) for rule in lists[0][:head]):
        head = 0
    united: Rules = []
    for job, rules in zip(jobs, lists, strict=True):
        for rule in _checked(job, rules[head:]):
            _add_rule(united, rule)
    return [*(dict(rule) for rule in lists[0][:head]), *united]


def covering_rules(provider: Job, consumers: Sequence[Job]) -> Rules | None:
    """Rules that hold whenever those of one job hold; None for *always*.

    What all jobs begin with stays in front. Where the provider leaves further cases out, the
    consumers' rules come before; one that leaves cases out itself raises `Refused`.
    """
    listed = [plain_data(job.keys.get("rules")) for job in (provider, *consumers)]
    if all(rules == listed[0] for rules in listed):
        return listed[0] if isinstance(listed[0], list) else None
    lists = [rules for rules in listed if isinstance(rules, list)]
    if len(lists) < len(listed):
        return None
    size = _shared_head(lists)
    head, own = lists[0][:size], lists[0][size:]
    more: Rules = []
    for job, rules in zip(consumers, lists[1:], strict=True):
        for rule in _checked(job, rules[size:]):
            _add_rule(more, _existence(rule))
    if any(not isinstance(rule, dict) or rule.get("when") == "never" for rule in own):
        return [*head, *more, *own]
    united = [dict(rule) for rule in own]
    for rule in more:
        _add_rule(united, rule)
    return [*head, *united]


def _shared_head(lists: Sequence[Sequence[Any]]) -> int:
    """How many first rules all lists have in common."""
    rows = takewhile(lambda row: all(rule == row[0] for rule in row), zip(*lists, strict=False))
    return len(list(rows))


def _checked(job: Job, rules: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The rules of a job, which can be united with those of others; raises `Refused` for one
    that cannot."""
    for rule in rules:
        if not isinstance(rule, dict) or not _is_read(rule):
            raise Refused(
                job.place,
                f"the rules of {job.name} hold what GitLab's documentation does not know",
                "correct the rules",
            )
        if rule.get("when") == "never":
            raise Refused(
                job.place,
                f"the rules of {job.name} leave cases out, and differ from the other jobs'",
                "give the jobs the same rules",
            )
        yield rule


def _existence(rule: dict[str, Any]) -> dict[str, Any]:
    """What decides that a job is there; how it then runs is its own business."""
    kept = {key: value for key, value in rule.items() if key in ("if", "changes", "exists")}
    return kept or {"when": "on_success"}


_RULE_KEYS = frozenset(
    {"if", "changes", "exists", "when", "allow_failure", "variables", "needs", "start_in",
     "interruptible", "auto_cancel"}
)  # fmt: skip
"""Keys of a rule ("rules", CI/CD YAML syntax reference of GitLab)."""


def _is_read(rule: dict[str, Any]) -> bool:
    """Whether a rule has known keys only, and a plain list of globs."""
    changes = rule.get("changes")
    globs = changes if isinstance(changes, list) else []
    return rule.keys() <= _RULE_KEYS and all(isinstance(glob, str) for glob in globs)


def _add_rule(united: Rules, rule: dict[str, Any]) -> None:
    for known in united:
        if {k: v for k, v in known.items() if k != "changes"} != {
            k: v for k, v in rule.items() if k != "changes"
        }:
            continue
        mine, theirs = known.get("changes"), rule.get("changes")
        if mine == theirs or mine is None:
            return
        if theirs is None:
            del known["changes"]
            return
        if isinstance(mine, list) and isinstance(theirs, list):
            known["changes"] = [*mine, *(glob for glob in theirs if glob not in mine)]
            return
    united.append(dict(rule))


def _moved(rule: dict[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """The rule with files that go replaced in its globs."""
    globs = rule.get("changes")
    if not isinstance(globs, list):
        return rule
    return {**rule, "changes": list(dict.fromkeys(paths.get(glob, glob) for glob in globs))}


_BARE = frozenset({"allow_failure", "exit_codes", "interruptible", "artifacts", "optional"})
"""Keys whose values are booleans or numbers, which GitLab refuses as texts."""


def _rule_text(rule: dict[str, Any], step: int, dash: int) -> str:
    return "\n".join(line for key, value in rule.items() for line in _entry(key, value, step, dash))


def _entry(key: str, value: Any, step: int, dash: int, *, texts: bool = False) -> Iterator[str]:
    """The lines of a key with what it holds; `texts` says that all values below are texts."""
    texts = texts or key == "variables"
    if isinstance(value, dict):
        yield f"{key}:"
        for name, inner in value.items():
            for line in _entry(name, inner, step, dash, texts=texts):
                yield f"{' ' * step}{line}"
    elif isinstance(value, list):
        yield f"{key}:"
        for item in value:
            pairs = item.items() if isinstance(item, dict) else ()
            lines = [t for name, inner in pairs for t in _entry(name, inner, step, dash)]
            first, *rest = lines or [_value(key, str(item), texts=texts)]
            yield f"{' ' * dash}- {first}"
            yield from (f"{' ' * dash}  {line}" for line in rest)
    else:
        text = str(value)
        yield f"{key}: {_condition(text) if key == 'if' else _value(key, text, texts=texts)}"


def _value(key: str, text: str, *, texts: bool) -> str:
    return text if key in _BARE and not texts else quoted(text)


def _condition(text: str) -> str:
    """Conditions are plain scalars almost everywhere; they stay so where YAML allows it."""
    unsafe = text[:1] in "\"'[]{}>|*&!%#@`" or ": " in text or " #" in text
    return quoted(text, "'") if unsafe else text


def plain_data(value: object) -> Any:
    """Plain data of an effective key, whatever merging has made of it."""
    if isinstance(value, dict):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, Scalar | YamlMapping | YamlSequence):
        return to_data(value)
    return value
