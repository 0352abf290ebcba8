"""A file for which a check fails is changed less; exit 3 is left for what nothing explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.engine.gate import Judges
from dockerfix.engine.ladder import MAX_ATTEMPTS, StepDown
from dockerfix.engine.plan import CheckFailed, NothingToDo, Planned, Refused, plan
from dockerfix.engine.proposal import OptionSpec, Proposal
from dockerfix.engine.registry import Registry
from dockerfix.facts.finding import Severity
from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Obligation, Verdict
from dockerfix.proof.references.no_dangling_reference import NoDanglingReference
from dockerfix.text import Edit, EditSet, Snapshot, Span

NAMES = ("a", "b", "c")
FILES = {f"{name}/Dockerfile": b"FROM alpine\n" for name in NAMES}


class Appending:
    """Appends a line to each Dockerfile, another one a rung below, and nothing from `rungs` on."""

    name = "appending"
    summary = ""
    options: tuple[OptionSpec, ...] = ()

    def __init__(self, rungs: int = 2) -> None:
        self.rungs = rungs
        self.asked: list[Mapping[str, StepDown]] = []

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        without = options["without"]
        self.asked.append(without)
        edits: dict[str, EditSet] = {}
        for path in facts.dockerfiles:
            rung = without[path].rungs if path in without else 0
            if rung < self.rungs and b"RUN" not in facts.snapshot.read(path):
                edits[path] = EditSet((Edit(Span(12, 12), b"RUN %d\n" % rung),))
        return Proposal(edits=edits, reason="done", refused=not edits)


def failing(**lines: bytes) -> Judges:
    """A judge for which the named Dockerfiles fail with any of these bytes in them."""

    def judge(owed: Obligation, before: Facts, after: Facts) -> Verdict:
        if not isinstance(owed, SameRuntime):
            return Verdict("")
        path = owed.about
        found = [w for w in lines.get(path[0], b"").split() if w in after.snapshot.read(path)]
        return Verdict("same", (), tuple(f"{path}:2:1: {w.decode()} differs" for w in found))

    return Judges(judge, lambda tree: ())


def test_a_file_goes_down_one_rung_and_the_others_stay() -> None:
    outcome = plan(Facts(Snapshot.of(FILES)), Appending(), [""], {}, failing(b=b"0"))
    assert isinstance(outcome, Planned)
    assert outcome.changes == {
        "a/Dockerfile": b"FROM alpine\nRUN 0\n",
        "b/Dockerfile": b"FROM alpine\nRUN 1\n",
        "c/Dockerfile": b"FROM alpine\nRUN 0\n",
    }
    (finding,) = outcome.proposal.findings
    assert (finding.name, finding.severity) == ("check-failed", Severity.NOTE)
    assert "b/Dockerfile:2:1: 0 differs" in finding.what


def test_what_fails_for_the_whole_repository_names_the_file_that_goes_down() -> None:
    def judge(owed: Obligation, before: Facts, after: Facts) -> Verdict:
        if not isinstance(owed, NoDanglingReference) or b"1" in after.snapshot.read("c/Dockerfile"):
            return Verdict("")
        return Verdict("named", (), ("x.yml:1:1: names c",), about=("c/Dockerfile",))

    files = {**FILES, "x.yml": b"x: c\n"}
    outcome = plan(Facts(Snapshot.of(files)), Appending(), [""], {}, Judges(judge, lambda t: ()))
    assert isinstance(outcome, Planned)
    assert outcome.changes["b/Dockerfile"] == b"FROM alpine\nRUN 0\n"
    assert outcome.changes["c/Dockerfile"] == b"FROM alpine\nRUN 1\n"


def test_a_file_that_fails_on_every_rung_is_left_as_it_was() -> None:
    outcome = plan(Facts(Snapshot.of(FILES)), Appending(), [""], {}, failing(b=b"0 1"))
    assert isinstance(outcome, Planned)
    assert "b/Dockerfile" not in outcome.changes
    (finding,) = outcome.proposal.findings
    assert finding.severity is Severity.REFUSE
    assert "stays as it is" in finding.what


def test_a_transform_that_then_refuses_is_a_refusal_that_names_the_check() -> None:
    outcome = plan(
        Facts(Snapshot.of(FILES)), Appending(1), [""], {}, failing(a=b"0", b=b"0", c=b"0")
    )
    assert isinstance(outcome, Refused)
    assert [f.name for f in outcome.proposal.findings] == ["check-failed"] * 3


def test_a_transform_that_makes_the_same_again_has_failed() -> None:
    transform = Appending(99)
    fixed = type("Fixed", (Appending,), {"propose": _unmoved})()
    outcome = plan(Facts(Snapshot.of(FILES)), fixed, [""], {}, failing(a=b"0"))
    assert isinstance(outcome, CheckFailed)
    outcome = plan(Facts(Snapshot.of(FILES)), transform, [""], {}, failing(a=b"RUN"))
    assert isinstance(outcome, CheckFailed)
    assert len(transform.asked) <= 2 * MAX_ATTEMPTS


def _unmoved(
    self: Appending, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]
) -> Proposal:
    return Appending.propose(self, facts, paths, {**options, "without": {}})


def test_merge_rust_leaves_a_file_out_for_which_a_check_fails() -> None:
    files = _three_programs()

    def judge(owed: Obligation, before: Facts, after: Facts) -> Verdict:
        verdict = check(owed, before, after)
        if isinstance(owed, SameRuntime) and owed.about == "Dockerfile.two":
            return Verdict(verdict.statement, (), ("Dockerfile.two:1:1: something differs",))
        return verdict

    transform = Registry.installed().load("merge-rust")
    judges = Judges(judge, lambda tree: ())
    outcome = plan(Facts(Snapshot.of(files)), transform, [""], {}, judges)
    assert isinstance(outcome, Planned)
    assert sorted(outcome.changes) == ["Dockerfile.all", "Dockerfile.one", "Dockerfile.three"]
    del files["Dockerfile.three"]
    outcome = plan(Facts(Snapshot.of(files)), transform, [""], {}, judges)
    assert isinstance(outcome, NothingToDo)  # a builder of its own gains nothing for two
    names = {finding.name for finding in outcome.proposal.findings}
    assert names == {"nothing-to-gain", "check-failed"}


def test_a_fault_in_a_file_that_was_only_tried_points_nowhere() -> None:
    facts = Facts(Snapshot.of(FILES))
    for found, said in (
        ("merged:4:1: x ships `a` too", "in the merged that was tried, x ships `a` too"),
        ("b/Dockerfile:1:1: it differs", "b/Dockerfile:1:1: it differs"),
    ):
        finding = StepDown("same files", (found,)).finding(facts, "a/Dockerfile", left=True)
        assert finding.what.endswith(f"the check *same files* fails otherwise: {said}")


_DOCKERFILE = """\
FROM rust:1.90 AS builder
WORKDIR /app
COPY . .
RUN cargo build --release --bin {name}

FROM debian:12
COPY --from=builder /app/target/release/{name} /usr/local/bin/{name}
CMD ["{name}"]
"""


def _three_programs() -> dict[str, bytes]:
    names = ("one", "two", "three")
    files = {"Cargo.toml": '[workspace]\nmembers = ["one", "two", "three"]\nresolver = "3"\n'}
    for name in names:
        files[f"{name}/Cargo.toml"] = f'[package]\nname = "{name}"\n'
        files[f"{name}/src/main.rs"] = "fn main() {}\n"
        files[f"Dockerfile.{name}"] = _DOCKERFILE.format(name=name)
    return {path: text.encode() for path, text in files.items()}


def test_a_call_site_goes_down_before_its_file() -> None:
    def judge(owed: Obligation, before: Facts, after: Facts) -> Verdict:
        # Holds once the appending transform has been asked without the call site, twice.
        if not isinstance(owed, SameRuntime) or len(transform.asked) > 1:
            return Verdict("same")
        return Verdict("same", (), ("x.sh:3:1: differs",), sites=("x.sh:3:1",))

    class Heeding(Appending):
        def propose(
            self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]
        ) -> Proposal:
            made = super().propose(facts, paths, options)
            left = {"a/Dockerfile"} if "x.sh:3:1" in options["without"] else set()
            edits = {path: edit for path, edit in made.edits.items() if path not in left}
            return Proposal(edits=edits, reason="done", refused=not edits)

    transform = Heeding()
    outcome = plan(Facts(Snapshot.of(FILES)), transform, [""], {}, Judges(judge, lambda t: ()))
    assert isinstance(outcome, Planned)
    assert sorted(outcome.changes) == ["b/Dockerfile", "c/Dockerfile"]
    assert [sorted(without) for without in transform.asked[:2]] == [[], ["x.sh:3:1"]]
    assert outcome.proposal.findings == ()  # the transform itself speaks of the call site
