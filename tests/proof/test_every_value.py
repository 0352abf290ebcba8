"""Images that are judged once for each value that call sites give to a build argument."""

from __future__ import annotations

import pytest

from dockerfix.facts.given import given_facts, given_values, values_given
from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image
from dockerfix.syntax.dockerfile import parse_source
from dockerfix.text import Snapshot, Source

OLD = """\
FROM rust:1.90 AS build
ARG BIN
WORKDIR /src
COPY . .
RUN cargo build --release --bin ${BIN}

FROM debian:12
ARG BIN
COPY --from=build /src/target/release/${BIN} /service
"""
NEW = OLD.replace("ARG BIN\nWORKDIR", "WORKDIR").replace("${BIN}\n\n", "api --bin worker\n\n")
IMAGE = Image("Dockerfile")
TOLD = frozenset({"every-value", "every-value BIN", "environment", "build-widened"})


def facts(dockerfile: str, **more: str) -> Facts:
    files = {
        "Dockerfile": dockerfile,
        "Cargo.toml": '[workspace]\nmembers = ["api", "worker"]\nresolver = "2"\n',
        "compose.yaml": "services:\n  api:\n    build: {context: ., args: {BIN: api}}\n",
    }
    for name in ("api", "worker"):
        files[f"{name}/Cargo.toml"] = f'[package]\nname = "{name}"\nversion = "0.1.0"\n'
        files[f"{name}/src/main.rs"] = "fn main() {}\n"
    return Facts(Snapshot.of({p: text.encode() for p, text in (files | more).items()}))


def verdicts(old: Facts, new: Facts, value: str, told: frozenset[str] = TOLD) -> list[bool]:
    given = (("BIN", value),)
    owed = (
        SameRuntime(IMAGE, IMAGE, told, frozenset(), given),
        SameCompilerInput(IMAGE, IMAGE, frozenset({"BIN"}), given),
        ArtefactProduced(IMAGE, IMAGE, given),
    )
    found = [one.check(old, new) for one in owed]
    return [one.holds and not one.unproved for one in found]


@pytest.mark.parametrize("value", ["api", "worker"])
def test_each_value_is_proved(value: str) -> None:
    assert verdicts(facts(OLD), facts(NEW), value) == [True, True, True]


def test_a_value_that_is_not_built_any_more_fails() -> None:
    narrow = facts(NEW.replace(" --bin worker", ""))
    assert verdicts(facts(OLD), narrow, "worker") == [False, False, False]


def test_a_value_that_makes_cargo_fail_is_no_artefact() -> None:
    wrong = facts(NEW.replace("--bin worker", "--bin wroker"))
    assert not verdicts(facts(OLD), wrong, "api")[2]


def test_another_program_under_the_name_fails() -> None:
    fixed = facts(NEW.replace("release/${BIN}", "release/api"))
    assert not verdicts(facts(OLD), fixed, "worker")[0]


def test_the_argument_moves_by_leave_alone() -> None:
    later = OLD.replace("ARG BIN\nWORKDIR", "WORKDIR").replace("${BIN}\n\n", "${BIN}\nARG BIN\n\n")
    assert not all(verdicts(facts(OLD), facts(later), "api"))
    kept = NEW.replace("worker\n\n", "worker\nARG BIN\nRUN cp target/release/${BIN} /bin/one\n\n")
    before = OLD.replace("${BIN}\n\n", "${BIN}\nRUN cp target/release/${BIN} /bin/one\n\n")
    assert all(verdicts(facts(before), facts(kept), "api"))
    assert not verdicts(facts(before), facts(kept), "api", TOLD - {"every-value BIN"})[0]


def test_a_source_that_reads_the_argument_is_no_matter_of_leave() -> None:
    reads = {"api/src/main.rs": 'fn main() { println!("{}", env!("BIN")); }\n'}
    assert not verdicts(facts(OLD, **reads), facts(NEW, **reads), "api")[1]


def test_the_build_of_the_run_before_is_that_of_its_successor() -> None:
    joined = OLD.replace(
        "--bin ${BIN}\n\n", "--bin ${BIN} && mv target/release/${BIN} /bin/one\n\n"
    )
    apart = NEW.replace("worker\n\n", "worker\nARG BIN\nRUN mv target/release/${BIN} /bin/one\n\n")
    joined, apart = (t.replace("/src/target/release/${BIN}", "/bin/one") for t in (joined, apart))
    assert all(verdicts(facts(joined), facts(apart), "worker"))
    between = apart.replace("ARG BIN\nRUN mv", "RUN touch api\nARG BIN\nRUN mv")
    assert not verdicts(facts(joined), facts(between), "worker")[0]
    other = apart.replace("worker\nARG", "api\nARG")
    assert not verdicts(facts(joined), facts(other), "worker")[0]


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("RUN cargo build --bin ${BIN}", "RUN cargo build --bin api"),
        ('RUN echo "$BIN" $BINARY', 'RUN echo "api" $BINARY'),
        ("RUN echo '$BIN' \\$BIN", "RUN echo '$BIN' \\$BIN"),
        ('RUN echo "it\'s $BIN"', 'RUN echo "it\'s api"'),
        ("RUN echo a \\\n # it's\n $BIN", "RUN echo a \\\n # it's\n api"),
        ("RUN echo ${BIN:-x}", "RUN echo ${BIN:-x}"),
        ("COPY $BIN /", "COPY $BIN /"),
        ("ENV BIN=x\nRUN echo $BIN", "ENV BIN=x\nRUN echo $BIN"),
    ],
)
def test_what_a_run_reads(line: str, made: str) -> None:
    tree = parse_source(Source("Dockerfile", f"FROM a\nARG BIN=z\n{line}\n".encode()))
    text = given_values(tree, (("BIN", "api"),)).source.data.decode()
    assert text == f"FROM a\nARG BIN=api\n{made}\n"


def test_an_argument_reaches_stages_that_begin_with_its_own() -> None:
    text = "ARG BIN=z\nFROM a AS b\nARG BIN\nFROM b\nRUN $BIN\nFROM a\nRUN $BIN\n"
    tree = given_values(parse_source(Source("Dockerfile", text.encode())), (("BIN", "api"),))
    assert tree.source.data.decode() == (
        "ARG BIN=api\nFROM a AS b\nARG BIN=api\nFROM b\nRUN api\nFROM a\nRUN $BIN\n"
    )


def test_values_of_call_sites() -> None:
    known = facts(OLD)
    build = known.builds.builds[0]
    graph = known.stages("Dockerfile")
    assert values_given(graph, build, "BIN") == ("api",)
    assert values_given(graph, build, "OTHER") == ("",)
    assert given_facts(known, "Dockerfile", ()) is known
