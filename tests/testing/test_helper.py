"""The helper catches what a transform's author would forget to check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dockerfix.engine.gate import Judges
from dockerfix.engine.patch import make_patch
from dockerfix.engine.plan import Planned
from dockerfix.engine.proposal import OptionSpec, Proposal
from dockerfix.engine.registry import Plugin, Registry
from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Verdict
from dockerfix.syntax.dockerfile import From, parse, render
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.testing import (
    CaseError,
    assert_codemod,
    assert_nothing_to_do,
    assert_refused,
    check_example,
    check_git_apply,
    check_transform,
    hostile_variants,
    parse_case,
    read_case,
    run_case,
    run_hostile,
)
from dockerfix.text import Edit, EditSet, Snapshot

JUDGES = Judges(lambda claim, before, after: Verdict(""), lambda tree: ())


class Pin:
    """Replace a base image.

    What it does
        Replaces it.
    Why
        To show it.
    Before
        $ dockerfix pin Dockerfile --to b
        -- Dockerfile --
        FROM a
    After
        -- Dockerfile --
        FROM b
    Safety
        None.
    Call sites
        None.
    """

    name = "pin"
    summary = "Replace a base image."
    options = (OptionSpec("to", "The new image.", default="b"),)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        path = paths[0] or "Dockerfile"
        tree = facts.dockerfile(path)
        image = tree.stages[0].from_.image
        assert image is not None
        if "$" in image.raw:
            place = tree.source.place(image.span)
            finding = Finding(
                Severity.REFUSE, "variable-base", "a variable", action="write it", place=place
            )
            return Proposal(findings=(finding,), refused=True)
        if image.raw == options["to"]:
            return Proposal(reason="it is pinned")
        edit = Edit(image.span, options["to"].encode())
        return Proposal(edits={path: EditSet.of([edit])}, summary=("Pinned.",))


class Broken(Pin):
    """Drops the final newline again and again."""

    name = "broken"

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        return Proposal(created={f"{len(facts.snapshot.entries)}": b""})


def test_a_codemod_changes_what_it_should_and_nothing_else() -> None:
    changed = {"Dockerfile": "FROM c\n"}
    assert_codemod(Pin(), {"Dockerfile": "FROM a\n"}, changed, judges=JUDGES, to="c")
    with pytest.raises(AssertionError, match="expected \\['Dockerfile', 'more'\\]"):
        more = {**changed, "more": None}
        assert_codemod(Pin(), {"Dockerfile": "FROM a\n"}, more, judges=JUDGES, to="c")
    with pytest.raises(AssertionError, match="Dockerfile differs"):
        assert_codemod(Pin(), {"Dockerfile": "FROM a\n"}, changed, judges=JUDGES)


def test_outcomes_that_surprise_are_told() -> None:
    files = {"Dockerfile": "FROM b\n"}
    assert_nothing_to_do(Pin(), files, judges=JUDGES)
    with pytest.raises(AssertionError, match="expected a patch, got NothingToDo it is pinned"):
        assert_codemod(Pin(), files, {}, judges=JUDGES)
    refused = {"Dockerfile": "ARG x=a\nFROM $x\n"}
    assert_refused(Pin(), refused, finding="variable-base", judges=JUDGES)
    with pytest.raises(AssertionError, match="no finding is called other; there are: variable"):
        assert_refused(Pin(), refused, finding="other", judges=JUDGES)


def test_a_transform_that_never_comes_to_rest_is_caught() -> None:
    with pytest.raises(AssertionError, match="the gate's check second run failed"):
        assert_codemod(Broken(), {"a": ""}, {}, judges=JUDGES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Shows it.\n\n$ dockerfix pin x/ --to c\n\n-- x --\nFROM a\n",
            "== planned ==\nPinned.\n== permitted ==\n== proved ==\n",
        ),
        (
            "$ dockerfix pin Dockerfile\n-- Dockerfile (crlf) --\nFROM b\n",
            "== nothing to do ==\nit is pinned\n",
        ),
        (
            "$ dockerfix pin Dockerfile\n-- Dockerfile --\nARG i=a\nFROM $i\n",
            "== refused ==\nrefuse variable-base: Dockerfile:2:6: a variable\n  -> write it\n",
        ),
        (
            "$ dockerfix pin Dockerfile\n-- Dockerfile (crlf, bom) --\nFROM a\n",
            "-<BOM>FROM a<CR>\n+<BOM>FROM b<CR>\n",
        ),
    ],
)
def test_a_case_shows_what_came_of_it(text: str, expected: str) -> None:
    assert expected in run_case(parse_case(text), lambda name: Pin(), JUDGES)


def test_a_case_is_given_and_expected() -> None:
    case = parse_case("$ dockerfix pin a\n-- a --\n\\== x ==\n== planned ==\n-- b --\n")
    assert case.given.endswith("\\== x ==\n")
    assert case.expected == "== planned ==\n-- b --\n"
    assert case.tree.files == {"a": b"== x ==\n"}


def test_a_case_shares_a_tree(tmp_path: Path) -> None:
    (tmp_path / "bases").mkdir()
    (tmp_path / "pin").mkdir()
    (tmp_path / "bases" / "two.tree").write_text("-- a --\nold\n-- b -> a --\n-- c --\nc\n")
    path = tmp_path / "pin" / "x.case"
    path.write_text("$ dockerfix pin a\n\nbase: two\n\n-- a --\nnew\n")
    tree = read_case(path).tree
    assert (tree.files, tree.links) == ({"a": b"new\n", "c": b"c\n"}, {"b": "a"})
    with pytest.raises(CaseError, match="no tree is shared here"):
        parse_case(path.read_text())


@pytest.mark.parametrize(
    "text", ["-- a --\n", "$ docker build .\n", "$ dockerfix a\n$ dockerfix b\n"]
)
def test_a_case_has_one_dockerfix_command(text: str) -> None:
    with pytest.raises(ValueError, match=r"one line that begins|no dockerfix command"):
        parse_case(text)


REGISTRY = Registry([Plugin("pin", "x:Pin", "test")])


def test_documentation_is_checked_and_its_example_run() -> None:
    check_transform(Pin(), REGISTRY)
    check_example(Pin(), JUDGES)
    with pytest.raises(AssertionError, match="broken is not an entry point"):
        check_transform(Broken(), REGISTRY)


def documentation(transform: Pin) -> None:
    check_transform(transform, REGISTRY)


def example(transform: Pin) -> None:
    check_example(transform, JUDGES)


@pytest.mark.parametrize(
    ("old", "new", "check", "message"),
    [
        ("    Safety\n        None.\n", "", documentation, "does not document: Safety"),
        ("        FROM b\n", "        FROM c\n", example, "After differs in Dockerfile"),
        ("        FROM b\n", "        FROM b\n        -- x --\n", example, "only After has x"),
    ],
)
def test_documentation_that_is_wrong_fails(
    old: str, new: str, check: Callable[[Pin], None], message: str
) -> None:
    documented = type("Pin", (Pin,), {"__doc__": (Pin.__doc__ or "").replace(old, new)})
    with pytest.raises(AssertionError, match=message):
        check(documented())


PLAIN = b"""\
# syntax=docker/dockerfile:1
FROM rust:1.90 AS builder
RUN apk add \\
    git \\
    make
COPY . .
RUN cat <<'EOF' > script
a \\
b
EOF

# The image that ships.
FROM alpine:3.23
COPY --from=builder /a /b
CMD ["a"]
"""


def test_every_hostile_form_parses_and_keeps_the_instructions() -> None:
    variants = {variant.name: variant.data for variant in hostile_variants(PLAIN)}
    assert len(variants) == 14
    for name, data in variants.items():
        tree = parse(data)
        assert render(tree) == data
        assert rejections(tree) == (), name
        assert len(tree.stages) == 2, name
    assert b"a \\\nb\nEOF" in variants["escape directive"]
    assert b"apk add `\n    git `\n" in variants["escape directive"]
    assert b"--from=0 " in variants["numeric --from"]
    assert b"FROM ${HOSTILE} AS builder" in variants["ARG in FROM"]
    assert not variants["no final newline"].endswith(b"\n")


def test_a_form_without_a_place_is_left_out() -> None:
    names = {variant.name for variant in hostile_variants(b"FROM a\n")}
    assert "numeric --from" not in names
    assert "flags" not in names


def test_a_transform_is_run_on_each_hostile_form() -> None:
    outcomes = run_hostile(Pin(), {"Dockerfile": PLAIN}, "Dockerfile", ["Dockerfile"], JUDGES)
    refused = {name for name, outcome in outcomes.items() if not isinstance(outcome, Planned)}
    assert refused == {"ARG in FROM"}


def test_a_transform_that_fails_on_a_hostile_form_is_named() -> None:
    class DropsComments(Pin):
        def propose(
            self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]
        ) -> Proposal:
            tree = facts.dockerfile("Dockerfile")
            from_ = tree.stages[0].from_
            assert isinstance(from_, From)
            if from_.text == "FROM x":
                return Proposal(reason="done")
            edit = Edit(from_.owned, b"FROM x\n")
            return Proposal(edits={"Dockerfile": EditSet.of([edit])})

    with pytest.raises(AssertionError, match=r"with comment between: .*comments failed"):
        run_hostile(DropsComments(), {"Dockerfile": b"FROM a\n"}, "Dockerfile", [""], JUDGES)


def test_cases_are_collected_compared_and_regenerated(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        pytest_plugins = ["dockerfix.testing.plugin"]
        from dockerfix.engine import registry
        from dockerfix.engine.proposal import Proposal
        class Toy:
            name, summary, options = "toy", "", ()
            def propose(self, facts, paths, options):
                return Proposal(reason="nothing here")
        registry.Registry.load = lambda self, name: Toy()
        """
    )
    text = "$ dockerfix toy a\n-- a --\nx\n"
    case = Path(pytester.makefile(".case", first=text.rstrip("\n")))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*+== nothing to do ==*", "*pytest --regenerate-cases*"])
    pytester.runpytest_subprocess("--regenerate-cases").assert_outcomes(passed=1)
    assert case.read_text() == text + "== nothing to do ==\nnothing here\n"
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_second_run_that_refuses_is_no_rest() -> None:
    class Sulks(Pin):
        def propose(
            self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]
        ) -> Proposal:
            if "done" in facts.snapshot:
                return Proposal(refused=True)
            return Proposal(created={"done": b""})

    with pytest.raises(AssertionError, match="a second run gives Refused, not NothingToDo"):
        assert_codemod(Sulks(), {"a": ""}, {"done": ""}, judges=JUDGES)


@pytest.mark.parametrize(
    ("changes", "extra", "message"),
    [
        ({"f": b"b\n"}, b"", ""),
        ({"f": b"c\n"}, b"", "gives other bytes in f"),
        ({"f": b"b\n", "g": b""}, b"", r"leaves \['f'\], not \['f', 'g'\]"),
        ({"f": b"b\n"}, b"old mode 100644\nnew mode 100755\n", "changes the mode of f"),
    ],
)
def test_what_git_makes_of_a_patch_is_compared(
    changes: dict[str, bytes | None], extra: bytes, message: str
) -> None:
    before = Snapshot.of({"f": b"a\n"})
    first, rest = make_patch(before, {"f": b"b\n"}).split(b"\n", 1)
    planned = Planned(Proposal(), changes, first + b"\n" + extra + rest, ())
    if not message:
        check_git_apply(before, planned)
        return
    with pytest.raises(AssertionError, match=message):
        check_git_apply(before, planned)


def test_a_patch_that_git_refuses_is_told() -> None:
    planned = Planned(Proposal(), {"f": b"b\n"}, b"no patch\n", ())
    with pytest.raises(AssertionError, match="git apply refuses the patch"):
        check_git_apply(Snapshot.of({"f": b"a\n"}), planned)
