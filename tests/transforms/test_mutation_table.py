"""The mutation tables: each permit and each obligation of each transform, lost or bent.

The tables are read from what the cases record, so that a rule or a kind that comes into use is in
them. `python -m pytest -v tests/transforms/test_mutation_table.py` prints one line a mutant; with
`--collect-only -q` it lists them. A mutant of a permit is a transform that

* loses it: asks for everything but the permits of one rule;
* gives it away: asks for the same, but of an image, file or job that does not need it;
* bends it: asks for another value than the one that it writes.

None of them may get the patch. A mutant of an obligation is a gate that never owes one kind: what
a case records must then be something else. Rules that no transform asks for are those of plug-ins
and of people: each must be accepted by name, and `ELSEWHERE` says which test needs it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dockerfix.engine.obligations import Owed, owed
from dockerfix.engine.permits import kinds, refused_permits, rules
from dockerfix.engine.proposal import Proposal
from dockerfix.engine.registry import Registry
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.testing import read_case

from .test_mutants import CASES, recorded

Pair = tuple[str, str]
ELSEWHERE = {
    "base-image": "proof/test_same_compiler_input.py",
    "cargo-files": "proof/test_same_compiler_input.py",
    "features": "proof/test_same_compiler_input.py",
    "instruction": "proof/test_same_runtime.py",
    "go-beside": "proof/go/test_go_beside.py",
    "linker": "proof/test_same_compiler_input.py",
    "pipeline-value": "proof/test_pipeline_change.py",
    "platform": "proof/test_same_compiler_input.py",
    "profile": "proof/test_same_compiler_input.py",
    "selection": "proof/test_same_compiler_input.py",
    "shell": "proof/test_same_compiler_input.py",
    "same go input": "proof/go/test_same_go_input.py",
    "sources-later": "proof/test_same_runtime.py",
    "target-triple": "proof/test_same_compiler_input.py",
}
"""Rules and kinds that no case needs, with the module whose tests fail when they are lost."""


@cache
def sections() -> tuple[tuple[Path, str, str], ...]:
    """The planned cases with what they ask for and what they prove, the smallest first."""
    found = []
    for path in sorted(CASES.glob("*/*.case"), key=lambda path: path.stat().st_size):
        text = path.read_text("utf-8", "surrogateescape").partition("\n== permitted ==\n")[2]
        asked, _, rest = text.partition("== proved ==\n")
        if text:
            found.append((path, asked, rest.partition("== patch ==")[0]))
    return tuple(found)


@cache
def permits() -> dict[Pair, list[Path]]:
    """The cases of each transform in which it asks for each rule."""
    found: dict[Pair, list[Path]] = defaultdict(list)
    for path, asked, _ in sections():
        items = (
            item for line in asked.splitlines() for item in line.partition(": ")[2].split(", ")
        )
        for rule in {re.split(r"[ :]", item)[0] for item in items} & rules().keys():
            found[path.parent.name, rule].append(path)
    return found


@cache
def obligations() -> dict[Pair, list[Path]]:
    """The cases of each transform in which each kind of obligation holds."""
    found: dict[Pair, list[Path]] = defaultdict(list)
    for path, _, proved in sections():
        names = {line.partition(": ")[0] for line in proved.splitlines()}
        for kind in names & {kind.kind for kind in kinds()}:
            found[path.parent.name, kind].append(path)
    return found


def table(pairs: dict[Pair, list[Path]]) -> list[Any]:
    return [pytest.param(*pair, id=" ".join(pair)) for pair in sorted(pairs)]


def of_rule(
    rule: str, change: Callable[[Permit], Permit | None]
) -> Callable[[Proposal, Facts], Proposal]:
    """A transform with the permits of one rule changed, or without them."""

    def changed(proposal: Proposal, facts: Facts) -> Proposal:
        made = (change(p) if p.rule == rule else p for p in proposal.permits)
        return replace(proposal, permits=tuple(p for p in made if p is not None))

    return changed


def caught(pair: Pair, change: Callable[[Permit], Permit | None]) -> bool:
    """Whether the mutant gets no patch in some of the cases that ask for the rule."""
    mutant = of_rule(pair[1], change)
    return any(recorded(path, mutant) == "" for path in permits()[pair])


@pytest.mark.parametrize(("transform", "rule"), table(permits()))
def test_a_permit_that_is_lost(transform: str, rule: str) -> None:
    assert caught((transform, rule), lambda permit: None)


@pytest.mark.parametrize(("transform", "rule"), table(permits()))
def test_a_permit_that_is_given_away(transform: str, rule: str) -> None:
    def another(permit: Permit) -> Permit:
        if permit.rule == "left-behind":
            return replace(permit, place="another/file")
        return replace(permit, subject="another/Dockerfile:image")

    assert caught((transform, rule), another)


def bendable() -> dict[Pair, list[Path]]:
    """The rules whose permits name a value; where a rule always stands for the whole image, or
    the whole job, there is none to bend."""
    return {pair: paths for pair, paths in permits().items() if pair[1] in BENT}


BENT = {
    "argument-added": "detail", "artifacts-unread": "detail", "build-call": "detail",
    "builds-beside-scan": "detail", "cache-ref": "after", "clone-depth": "after",
    "context-moved": "after", "job-joined": "after", "job-split": "detail",
    "needs-followed": "detail", "provider-builds": "after", "provider-lacks": "detail",
    "registry-mirror": "detail", "rules-united": "detail", "same-condition": "detail",
    "stands-for": "detail", "starts-earlier": "detail", "steps-joined": "after",
}  # fmt: skip
"""Which field of a permit holds its value."""


@pytest.mark.parametrize(("transform", "rule"), table(bendable()))
def test_a_permit_that_is_bent(transform: str, rule: str) -> None:
    field = BENT[rule]

    def bent(permit: Permit) -> Permit:
        return replace(permit, **{field: f"{getattr(permit, field)}-bent"})

    assert caught((transform, rule), bent)


@pytest.mark.parametrize(("transform", "kind"), table(obligations()))
def test_an_obligation_that_is_not_owed(
    transform: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def less(*given: Any) -> Owed:
        due = owed(*given)
        return Owed(tuple(o for o in due.obligations if o.kind != kind), due.unproved)

    path = obligations()[transform, kind][0]
    monkeypatch.setattr("dockerfix.engine.gate.owed", less)
    assert recorded(path, lambda proposal, facts: proposal) != read_case(path).expected


def missing() -> Iterator[str]:
    """What no table holds."""
    asked = {rule for _, rule in permits()}
    yield from (f"no mutant of {rule}" for rule in rules() if rule not in {*asked, *ELSEWHERE})
    owed_somewhere = {*ELSEWHERE, *(kind for _, kind in obligations())}
    yield from (f"no mutant of {k.kind}" for k in kinds() if k.kind not in owed_somewhere)
    named = {transform for transform, _ in obligations()}
    yield from (f"no case of {name}" for name in Registry.installed().names if name not in named)


def test_the_tables_are_whole() -> None:
    assert list(missing()) == []


@pytest.mark.parametrize("rule", sorted(r for kind in kinds() for r in kind.accepted_rules))
def test_what_no_checker_judges_counts_for_nobody_by_itself(rule: str) -> None:
    permit = Permit(rule, "a/Dockerfile:image", "all/Dockerfile", "detail", "1", "2")
    assert list(refused_permits([permit], [], ()))
    assert not list(refused_permits([permit], [], (rule,)))
    assert list(refused_permits([permit], [], (f"{rule}@other/Dockerfile",)))
    assert not list(refused_permits([permit], [], (f"{rule}@a/Dockerfile",)))
