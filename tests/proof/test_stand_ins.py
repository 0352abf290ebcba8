"""Stand-ins for sources: which of them a build stage may gain, lose or write otherwise."""

from __future__ import annotations

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

_FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["api", "core", "tool"]\nresolver = "2"\n',
    "api/Cargo.toml": '[package]\nname = "api"\n[dependencies]\ncore = { path = "../core" }\n',
    "api/src/main.rs": "fn main() {}\n",
    "core/Cargo.toml": '[package]\nname = "core"\n',
    "core/src/lib.rs": "",
    "tool/Cargo.toml": '[package]\nname = "tool"\n',
    "tool/src/main.rs": "fn main() {}\n",
}
_HEAD = "FROM rust:1.90 AS builder\nWORKDIR /w\nCOPY Cargo.toml ./\nCOPY core core\nCOPY api api\n"
_MANIFEST = "COPY tool/Cargo.toml tool/\n"
_TOOL = "RUN mkdir -p tool/src && touch tool/src/main.rs\n"
_BUILD = "RUN cargo build --release -p api\n"
_END = "FROM debian:12\nCOPY --from=builder /w/target/release/api /api\n"


def judged(before: str, after: str, allowed: str = "stand-ins", **more: str) -> Verdict:
    owed = SameRuntime(Image("Dockerfile", ""), Image("Dockerfile", ""), frozenset({allowed}))
    files = {**_FILES, **more}
    old, new = ({**files, "Dockerfile": f"{_HEAD}{text}{_END}"} for text in (before, after))
    return check(owed, Facts(Snapshot.of(old)), Facts(Snapshot.of(new)))


def test_what_no_program_is_made_of_may_be_new() -> None:
    before, after = _MANIFEST + _TOOL + _BUILD, _MANIFEST + _TOOL + "RUN touch tool/x.rs\n" + _BUILD
    assert judged(before, after).holds
    assert not judged(before, after, allowed="sources").holds


def test_a_stand_in_must_not_stay_where_a_program_is_compiled_from() -> None:
    more = "RUN touch core/src/more.rs\n"
    assert not judged(_MANIFEST + _TOOL + _BUILD, _MANIFEST + _TOOL + more + _BUILD).holds


def test_a_stand_in_must_not_come_over_a_source() -> None:
    more = "RUN echo x > core/src/lib.rs\n"
    assert not judged(_MANIFEST + _TOOL + _BUILD, _MANIFEST + _TOOL + more + _BUILD).holds
    again = more + "COPY core core\n"
    assert not judged(_MANIFEST + _TOOL + _BUILD, _MANIFEST + _TOOL + again + _BUILD).holds


def test_a_stand_in_that_gives_way_to_the_source_may_be_another() -> None:
    first, second = "RUN echo a > core/src/lib.rs\n", "RUN echo b > core/src/lib.rs\n"
    end = "COPY core/src core/src\n" + _MANIFEST + _TOOL + _BUILD
    assert judged(first + end, second + end).holds
    ignored = judged(first + end, second + end, **{".dockerignore": "core/src/lib.rs\n"})
    assert not ignored.holds
    late = _MANIFEST + _TOOL + _BUILD + "COPY core/src core/src\n" + _BUILD
    assert not judged(first + late, second + late).holds


def test_one_may_be_gone_where_its_sources_come_before_cargo_reads_them() -> None:
    allowed = "stand-ins"
    before = _MANIFEST + _TOOL + "RUN mkdir -p tool/src && touch tool/src/lib.rs\n" + _BUILD
    here = _MANIFEST + _TOOL + _BUILD
    assert not judged(before, here, allowed).holds
    real = _MANIFEST + _TOOL + "COPY tool/src tool/src\n"
    copied = "RUN mkdir -p tool/src && touch tool/src/lib.rs\n" + _BUILD
    assert judged(real + copied, real + _BUILD, allowed).holds
    early = _MANIFEST + _TOOL + "RUN cargo fetch\nCOPY tool/src tool/src\n"
    assert not judged(early + copied, early + _BUILD, allowed).holds


def test_a_build_of_everything_is_made_of_everything() -> None:
    more = "RUN touch tool/src/lib.rs\n"
    build = "RUN cargo build --release\n"
    assert not judged(_MANIFEST + _TOOL + build, _MANIFEST + _TOOL + more + build).holds
    hidden = "RUN cargo build --release -p api $MORE\n"
    assert not judged(_MANIFEST + _TOOL + hidden, _MANIFEST + _TOOL + more + hidden).holds


def test_sources_that_are_there_may_be_touched() -> None:
    before = _MANIFEST + _TOOL + _BUILD + "COPY core/src core/src\n" + _BUILD
    after = before.replace(f"src\n{_BUILD}", f"src\nRUN touch core/src/lib.rs\n{_BUILD}")
    assert judged(before, after).holds
    assert not judged(before, after.replace("lib.rs", "more.rs")).holds
    assert not judged(before, after.replace("touch core", "echo x > core")).holds
