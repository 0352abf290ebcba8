"""What a wrong transform gets: no patch, whatever it asks leave for.

A mutant takes the proposal of a real transform and does one thing wrong, or asks for less or
for more than the real one. The first kind must fail in the gate even with every permit that
there is; the second must at least change what a case records. `test_mutation_table` holds the
mutants of each permit and each obligation of every transform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dockerfix.engine.gate import Judges
from dockerfix.engine.permits import kinds
from dockerfix.engine.plan import CheckFailed, Outcome, Planned, Refused, plan
from dockerfix.engine.proposal import OptionSpec, Proposal, Transform
from dockerfix.engine.registry import Registry
from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.testing import read_case, run_case
from dockerfix.text import EditSet, Snapshot, Span

TOP = Path(__file__).parents[2]
CASES = TOP / "tests" / "transforms" / "cases"
ALL = "controlplane/Dockerfile.all"
CI = ".gitlab-ci.yml"


class Mutant:
    """A transform whose proposals are changed on their way to the gate, and that does the same
    again whatever it is told of files that fail."""

    def __init__(self, name: str, change: Callable[[Proposal, Facts], Proposal]) -> None:
        self.inner: Transform = Registry.installed().load(name)
        self.change = change
        self.name, self.summary = self.inner.name, self.inner.summary
        self.options: tuple[OptionSpec, ...] = self.inner.options

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        proposal = self.inner.propose(facts, paths, {**options, "without": {}})
        return self.change(proposal, facts) if proposal.changes_anything else proposal


@cache
def sample() -> Facts:
    """The sample repository as it is kept."""
    folder = TOP / "sample-repo"
    skipped = {"node_modules", "target", "dist"}
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not skipped.intersection(path.parts)
    }
    return Facts(Snapshot.of(files))


def outcome(name: str, path: str, change: Callable[[Proposal, Facts], Proposal]) -> Outcome:
    return plan(sample(), Mutant(name, change), [path], {}, Judges.real())


def everything(proposal: Proposal, facts: Facts) -> tuple[Permit, ...]:
    """Every permit that a plug-in could think of, but for those that a person must accept."""
    free = [rule for kind in kinds() for rule in kind.rules]
    images = {p.subject: p.place for p in proposal.permits if p.rule == "stands-for"}
    pipeline = facts.pipeline
    assert pipeline is not None
    keys = {key for job in pipeline.jobs.values() for key in job.keys}
    one_by_one = {"stands-for", "job-joined", "argument-added", "context-moved"}
    return (
        *proposal.permits,
        *(
            Permit(rule, subject, place)
            for rule in free
            for subject, place in images.items()
            if rule not in one_by_one
        ),
        *(
            Permit(rule, job, CI, key)
            for rule in ("build-call", "needs-followed", "rules-united", "job-added")
            for job in pipeline.jobs
            for key in sorted(keys)
        ),
    )


def written(proposal: Proposal, facts: Facts, path: str) -> bytes:
    """The text of a file after the proposal."""
    if path in proposal.created:
        return proposal.created[path]
    return proposal.edits.get(path, EditSet()).apply(facts.snapshot.read(path))


def rewritten(proposal: Proposal, facts: Facts, path: str, *pairs: tuple[str, str]) -> Proposal:
    """The proposal with a file that says something else, and with every permit."""
    data = written(proposal, facts, path).decode()
    for old, new in pairs:
        assert old in data, old
        data = data.replace(old, new, 1)
    permits = everything(proposal, facts)
    if path in proposal.created:
        created = {**proposal.created, path: data.encode()}
        return replace(proposal, created=created, permits=permits)
    old_data = facts.snapshot.read(path)
    from dockerfix.text import Edit

    whole = EditSet((Edit(Span(0, len(old_data)), data.encode()),))
    return replace(proposal, edits={**proposal.edits, path: whole}, permits=permits)


def swaps_targets(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(
        proposal, facts, ALL,
        ("AS server-release", "AS other"), ("AS synchronizer-release", "AS server-release"),
        ("AS other", "AS synchronizer-release"),
    )  # fmt: skip


def drops_a_user(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(proposal, facts, ALL, ("USER nobody\n", ""))


def forgets_a_call_site(proposal: Proposal, facts: Facts) -> Proposal:
    edits = {p: e for p, e in proposal.edits.items() if p != "docker-compose.yml"}
    return replace(proposal, edits=edits, permits=everything(proposal, facts))


def deletes_a_file_that_is_named(proposal: Proposal, facts: Facts) -> Proposal:
    deleted = (*proposal.deleted, "node-sdk/Dockerfile")
    return replace(proposal, deleted=deleted, permits=everything(proposal, facts))


def deletes_what_a_setting_names(proposal: Proposal, facts: Facts) -> Proposal:
    edits = {p: e for p, e in proposal.edits.items() if p != "renovate.json"}
    return replace(proposal, edits=edits, permits=everything(proposal, facts))


def widens_rules(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(proposal, facts, CI, ("        - controlplane/**/*\n", "        - '**/*'\n"))


def narrows_rules(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(
        proposal, facts, CI, ("        - controlplane/**/*\n", "        - controlplane/*\n")
    )


def changes_a_global(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(proposal, facts, CI, ("  TARGET: development\n", "  TARGET: release\n"))


def runs_something_else(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(
        proposal, facts, CI, ('  local target="', '  curl example.org\n        local target="')
    )


def changes_a_base_image(proposal: Proposal, facts: Facts) -> Proposal:
    return rewritten(
        proposal, facts, ALL,
        ("alpine:3.23 AS authz-worker-release", "alpine:3.22 AS authz-worker-release"),
    )  # fmt: skip


WRONG: dict[Callable[[Proposal, Facts], Proposal], str] = {
    swaps_targets: "same runtime",
    drops_a_user: "same runtime",
    changes_a_base_image: "same runtime",
    forgets_a_call_site: "same images asked for",
    deletes_a_file_that_is_named: "same runtime",
    deletes_what_a_setting_names: "no dangling reference",
    widens_rules: "pipeline change",
    narrows_rules: "pipeline change",
    changes_a_global: "pipeline change",
    runs_something_else: "pipeline change",
}


def test_the_sample_is_merged_with_every_permit_too() -> None:
    def generous(proposal: Proposal, facts: Facts) -> Proposal:
        return replace(proposal, permits=everything(proposal, facts))

    assert isinstance(outcome("merge-rust", "controlplane", generous), Planned)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_plug_in_that_does_wrong_gets_no_patch(
    wrong: Callable[[Proposal, Facts], Proposal],
) -> None:
    found = outcome("merge-rust", "controlplane", wrong)
    assert isinstance(found, CheckFailed | Refused), found
    if isinstance(found, CheckFailed):
        assert found.check == WRONG[wrong], found.detail


@pytest.mark.parametrize(
    "permit",
    [
        Permit("instruction", "controlplane/Dockerfile:release", ALL, before="USER nobody"),
        Permit("pipeline-value", "", CI, "variables.TARGET", '"development"', '"release"'),
        Permit("toolchain", "controlplane/Dockerfile:release", ALL),
        Permit("left-behind", "controlplane/Dockerfile", "docker-compose.yml"),
        Permit("whatever", "controlplane/Dockerfile:release", ALL),
    ],
    ids=lambda permit: permit.rule,
)
def test_what_no_checker_can_judge_needs_the_person(permit: Permit) -> None:
    def asks(proposal: Proposal, facts: Facts) -> Proposal:
        note = Finding(Severity.ASSUME, permit.rule, "it is harmless")
        findings = (*proposal.findings, note)
        return replace(proposal, permits=(*proposal.permits, permit), findings=findings)

    found = outcome("merge-rust", "controlplane", asks)
    assert isinstance(found, CheckFailed)
    assert found.check == "permits"


def cases_with(text: str) -> Iterator[Path]:
    """The cases whose expectation has a text, the shortest first."""
    for path in sorted(CASES.glob("*/*.case"), key=lambda path: path.stat().st_size):
        head, _, expected = path.read_text("utf-8", "surrogateescape").partition("\n== planned ==")
        if text in expected.partition("\n== patch ==")[0] and head:
            yield path


def recorded(path: Path, change: Callable[[Proposal, Facts], Proposal]) -> str:
    """What comes of a case with a mutant in the place of its transform; empty for no patch."""
    case = read_case(path)
    try:
        found = run_case(case, lambda name: Mutant(name, change))
    except AssertionError:
        return ""
    return "" if found.startswith("== refused") else found


def asks_for_more(rule: str) -> Callable[[Proposal, Facts], Proposal]:
    """A mutant that asks for one more difference, of an image that has not asked for it."""

    def change(proposal: Proposal, facts: Facts) -> Proposal:
        more = Permit(rule, "an/image", "a/file", "a detail")
        return replace(proposal, permits=(*proposal.permits, more))

    return change


FREE = sorted({rule for kind in kinds() for rule in kind.rules})


@pytest.mark.parametrize("rule", FREE)
def test_a_transform_that_asks_for_more_changes_its_cases(rule: str) -> None:
    path = next(cases_with("== proved =="))
    case = read_case(path)
    assert recorded(path, lambda proposal, facts: proposal) == case.expected
    assert recorded(path, asks_for_more(rule)) != case.expected


def test_a_transform_that_asks_for_nothing_changes_no_image() -> None:
    def silent(proposal: Proposal, facts: Facts) -> Proposal:
        return replace(proposal, permits=())

    for name, path in (("merge-rust", "controlplane"), ("slim-context", "console")):
        assert isinstance(outcome(name, path, silent), CheckFailed)
