"""The gate fails for each thing that a wrong transform could do, and names the check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import CheckFailed, NothingToDo, Outcome, Planned, Refused, plan
from dockerfix.engine.proposal import OptionSpec, Proposal
from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Obligation, Permit, Verdict
from dockerfix.syntax.dockerfile import Dockerfile
from dockerfix.text import Edit, EditSet, Entry, Kind, Opaque, Snapshot, Source, Span

DOCKERFILE = b"FROM a\n# why\nRUN b\n"


@dataclass(frozen=True)
class Toy:
    """Proposes what it is given while the snapshot is as it was."""

    make: Callable[[Facts], Proposal]
    once: bool = True
    name: str = "toy"
    summary: str = ""
    options: tuple[OptionSpec, ...] = ()

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        if self.once and "done" in facts.snapshot:
            return Proposal(reason="done")
        return self.make(facts)


def agree(owed: Obligation, before: Facts, after: Facts) -> Verdict:
    return Verdict(f"{owed}")


def no_disagreement(tree: Dockerfile) -> tuple[str, ...]:
    return ()


def run(
    files: Mapping[str, bytes] | Snapshot,
    proposal: Proposal | Callable[[Facts], Proposal],
    *,
    verdict: Callable[[Obligation, Facts, Facts], Verdict] = agree,
    disagreements: Callable[[Dockerfile], tuple[str, ...]] = no_disagreement,
    once: bool = True,
) -> Outcome:
    make = (lambda _: proposal) if isinstance(proposal, Proposal) else proposal
    snapshot = files if isinstance(files, Snapshot) else Snapshot.of(files)
    return plan(Facts(snapshot), Toy(make, once), [""], {}, Judges(verdict, disagreements))


def replaced(data: bytes, old: bytes, new: bytes) -> EditSet:
    at = data.index(old)
    return EditSet.of([Edit(Span(at, at + len(old)), new)])


def failed(outcome: Outcome) -> tuple[str, str]:
    assert isinstance(outcome, CheckFailed), outcome
    return outcome.check, outcome.detail


DONE = {"done": b""}


def test_a_sound_proposal_is_planned_with_its_patch_and_verdicts() -> None:
    proposal = Proposal(
        edits={"Dockerfile": replaced(DOCKERFILE, b"RUN b", b"RUN c")},
        created=DONE,
    )
    outcome = run({"Dockerfile": DOCKERFILE}, proposal)
    assert isinstance(outcome, Planned)
    assert outcome.changes == {"Dockerfile": b"FROM a\n# why\nRUN c\n", "done": b""}
    assert b"-RUN b\n+RUN c\n" in outcome.patch
    kinds = [v.statement.partition("(")[0] for v in outcome.verdicts]
    assert kinds == [
        "SameRuntime", "SameCompilerInput", "ArtefactProduced", "SameFiles", "NoDanglingReference",
    ]  # fmt: skip


def test_nothing_to_do_and_refused_are_outcomes_of_their_own() -> None:
    assert isinstance(run({}, Proposal(reason="why")), NothingToDo)
    finding = Finding(Severity.REFUSE, "x", "no")
    refused = Proposal(created=DONE, findings=(finding,), refused=True)
    assert isinstance(run({}, refused), Refused)


@pytest.mark.parametrize(
    ("proposal", "what"),
    [
        (Proposal(created={"f": b""}, deleted=("f",)), "f: named twice"),
        (Proposal(created={"f": b""}), "f: exists already"),
        (Proposal(created={"folder": b""}), "folder: exists already"),
        (Proposal(created={"f/x": b""}), "f/x: f is not a folder"),
        (Proposal(deleted=("gone",)), "gone: no such file"),
        (Proposal(created={"../x": b""}), "../x: no path that a patch may touch"),
        (Proposal(created={"/etc/x": b""}), "/etc/x: no path"),
        (Proposal(created={"a/../x": b""}), "a/../x: no path"),
        (Proposal(created={".git/hooks/post-checkout": b""}), ".git/hooks/post-checkout: no path"),
        (Proposal(created={"target/x": b""}), "target/x: target was not read"),
        (Proposal(deleted=("link",)), "link: a symbolic link"),
        (Proposal(created={"link/x": b""}), "link/x: link is not a folder"),
    ],
)
def test_paths(proposal: Proposal, what: str) -> None:
    entries = {
        "f": Entry(Kind.FILE),
        "folder/f": Entry(Kind.FILE),
        "link": Entry(Kind.SYMLINK, link="/etc"),
    }
    snapshot = Snapshot(entries, lambda path: b"", {"target": Opaque.GENERATED})
    check, detail = failed(run(snapshot, proposal))
    assert (check, what in detail) == ("paths", True), detail


@pytest.mark.parametrize(
    "edit", [Edit(Span(0, 99), b""), Edit(Span(5, 2), b""), Edit(Span(0, 4), b"FROM")]
)
def test_edits_outside_of_the_file_or_without_effect(edit: Edit) -> None:
    proposal = Proposal(edits={"Dockerfile": EditSet((edit,))}, created=DONE)
    check, detail = failed(run({"Dockerfile": DOCKERFILE}, proposal))
    assert check == "edits"
    assert detail.startswith("Dockerfile: ")


def test_conflicting_edits_are_a_failed_check() -> None:
    def conflict(facts: Facts) -> Proposal:
        EditSet.of([Edit(Span(0, 3), b"x"), Edit(Span(1, 4), b"y")])
        raise AssertionError

    assert failed(run({}, conflict))[0] == "edits"


@pytest.mark.parametrize(
    ("path", "before", "after", "what"),
    [
        ("Dockerfile", DOCKERFILE, b"FROM a\n# why\nRUNN b\n", "Dockerfile:3:1: unknown"),
        ("ci.yml", b"a: 1\n", b"a: [1\n", "ci.yml:"),
        ("ci.yml", b"a: 1\n", b"a: 1\na: 2\n", "ci.yml:2:1: the key a appears twice"),
        ("x/bake.hcl", b'target "a" {\n}\n', b'target "a" {\n', "x/bake.hcl:"),
        ("renovate.json", b"{}", b'{"a": 1,}', "renovate.json:1:"),
        ("a.toml", b"a = 1\n", b"a = \n", "a.toml:1:1: no valid TOML"),
        ("x.sh", b"docker build .\n", b"docker build $(\n", "x.sh:1:"),
        ("Makefile", b"a:\n\tdocker build .\n", b"ifeq (a,b)\na:\n", "Makefile:"),
        ("build.py", b"x = 1\n", b"x = (\n", "build.py:1:"),
    ],
)  # fmt: skip
def test_a_file_that_its_grammar_no_longer_reads(
    path: str, before: bytes, after: bytes, what: str
) -> None:
    edit = EditSet((Edit(Span(0, len(before)), after),))
    check, detail = failed(run({path: before}, Proposal(edits={path: edit}, created=DONE)))
    assert check == "syntax"
    assert detail.startswith(what)


def test_a_file_that_was_faulty_may_stay_so_but_get_no_worse() -> None:
    before = b"FROM a\nRUNN b\n"
    kept = Proposal(edits={"Dockerfile": replaced(before, b" a", b" c")}, created=DONE)
    assert isinstance(run({"Dockerfile": before}, kept), Planned)
    worse = Proposal(edits={"Dockerfile": replaced(before, b"a\n", b"a\nRUNN c\n")}, created=DONE)
    assert failed(run({"Dockerfile": before}, worse))[0] == "syntax"


def test_a_new_dockerfile_has_no_faults() -> None:
    proposal = Proposal(created={"x.Dockerfile": b"RUN a\n", **DONE})
    assert failed(run({}, proposal))[0] == "syntax"


def test_an_image_that_stands_for_another_is_one_of_a_dockerfile() -> None:
    proposal = Proposal(
        created={"images/web": b"RUN a\n", **DONE},
        permits=(Permit("stands-for", "Dockerfile", "images/web"),),
    )
    assert failed(run({"Dockerfile": DOCKERFILE}, proposal))[0] == "syntax"


@pytest.mark.parametrize("comment", [b"# why\n", b"RUN b \\\n  # why\n  c\n"])
def test_a_lost_comment(comment: bytes) -> None:
    before = b"FROM a\n" + comment
    after = b"FROM a\nRUN b\n"
    files = {"Dockerfile": before}
    edit = {"Dockerfile": EditSet((Edit(Span(0, len(before)), after),))}
    check, detail = failed(run(files, Proposal(edits=edit, created=DONE)))
    assert check == "comments"
    assert detail.endswith("a comment is lost: # why")
    at = before.index(b"# why")
    place = Source("Dockerfile", before).place(Span(at, at + 5))
    said = Finding(Severity.NOTE, "comment-dropped", "it goes", place=place)
    outcome = run(files, Proposal(edits=edit, created=DONE, findings=(said,)))
    assert isinstance(outcome, Planned)


def test_a_comment_may_move_to_another_dockerfile() -> None:
    proposal = Proposal(created={"all.Dockerfile": DOCKERFILE, **DONE}, deleted=("Dockerfile",))
    assert isinstance(run({"Dockerfile": DOCKERFILE}, proposal), Planned)


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        (b"# Stage 2: Build the api and worker binaries\n", True),
        (b"# Stage 2: Build the worker binary, then more\n", True),
        (b"# Stage 2: Build the api binaries\n", False),
    ],
)
def test_a_comment_may_gain_names(now: bytes, kept: bool) -> None:
    before = b"FROM a\n# Stage 1: Build the worker binary\nRUN b\n"
    after = b"FROM a\n" + now + b"RUN b\n"
    edit = {"Dockerfile": EditSet((Edit(Span(0, len(before)), after),))}
    outcome = run({"Dockerfile": before}, Proposal(edits=edit, created=DONE))
    assert isinstance(outcome, Planned) is kept


def test_the_second_reader_must_agree_where_it_agreed() -> None:
    def about_c(tree: Dockerfile) -> tuple[str, ...]:
        return ("line 3: RUN",) if b"RUN c" in tree.source.data else ()

    files = {"Dockerfile": DOCKERFILE}
    edits = {"Dockerfile": replaced(DOCKERFILE, b"RUN b", b"RUN c")}
    outcome = run(files, Proposal(edits=edits, created=DONE), disagreements=about_c)
    assert failed(outcome) == ("second reader", "Dockerfile: line 3: RUN")
    created = Proposal(created={"x.Dockerfile": b"FROM a\nRUN c\n", **DONE})
    assert failed(run(files, created, disagreements=about_c))[0] == "second reader"


def test_a_second_reader_that_never_agreed_does_not_stop_the_patch() -> None:
    edits = {"Dockerfile": replaced(DOCKERFILE, b"RUN b", b"RUN c")}
    proposal = Proposal(edits=edits, created={"x.Dockerfile": b"FROM a\n", **DONE})
    outcome = run({"Dockerfile": DOCKERFILE}, proposal, disagreements=lambda tree: ("x",))
    assert isinstance(outcome, Planned)


def test_an_obligation_that_fails_is_named_with_its_statement() -> None:
    def fails(owed: Obligation, before: Facts, after: Facts) -> Verdict:
        wrong = isinstance(owed, SameRuntime)
        return Verdict("it runs the same", failures=("Dockerfile:3:1: USER differs",) * wrong)

    edits = {"Dockerfile": replaced(DOCKERFILE, b"RUN b", b"RUN c")}
    outcome = run({"Dockerfile": DOCKERFILE}, Proposal(edits=edits, created=DONE), verdict=fails)
    assert failed(outcome) == (
        "same runtime", "Dockerfile:3:1: USER differs (owed: it runs the same)"
    )  # fmt: skip


def test_obligations_see_the_snapshot_before_and_after() -> None:
    seen: list[Obligation] = []

    def look(owed: Obligation, before: Facts, after: Facts) -> Verdict:
        assert "done" not in before.snapshot
        assert "done" in after.snapshot
        seen.append(owed)
        return Verdict("")

    assert isinstance(run({}, Proposal(created=DONE), verdict=look), Planned)
    assert [owed.kind for owed in seen] == ["no dangling reference"]


def test_a_second_run_must_find_nothing_to_do() -> None:
    count = iter(range(9))
    outcome = run({}, lambda _: Proposal(created={f"f{next(count)}": b""}), once=False)
    assert failed(outcome) == ("second run", "the same command would then change f1 again")


def test_a_second_run_that_raises_is_a_failed_check() -> None:
    def propose(facts: Facts) -> Proposal:
        facts.snapshot.read("Dockerfile")
        return Proposal(deleted=("Dockerfile",))

    check, detail = failed(run({"Dockerfile": b"FROM a\n"}, propose, once=False))
    assert check == "second run"
    assert "Dockerfile: no such file" in detail
