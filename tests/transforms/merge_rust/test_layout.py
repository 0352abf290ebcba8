"""The plan of the merged file: which stages there are, under which names, and as what text."""

from __future__ import annotations

from dockerfix.text import Edit, Source, Span
from dockerfix_transforms.merge_rust.group.grouping import group_files
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.write.layout import merged_file, planned
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.plan import Alias, Piece, Plan
from dockerfix_transforms.merge_rust.write.printer import piece_text

from .conftest import inputs, read

_LINES = "WORKDIR /w; COPY . ."
_COOK = """\
FROM rust:1.90 AS chef
RUN cargo install cargo-chef
WORKDIR /w

FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS base
COPY --from=planner /w/recipe.json recipe.json
RUN cargo chef cook --release --recipe-path recipe.json
{own}COPY . .

FROM base AS build
RUN cargo build --release --bin {name}

{images}"""
_WATCH = "RUN cargo install cargo-watch\n"
_DEVELOPMENT = 'FROM base AS dev\nCMD ["cargo", "run"]\n\n'
_ASKING = {"Makefile": "on:\n\tdocker build -f Dockerfile.b --target dev -t b:dev .\n"}
_IMAGE = "FROM debian:12 AS {stage}\nCOPY --from=build /w/target/release/{name} /{name}\n"


def plan_of(files: list[InputFile]) -> Plan:
    groups, _ = group_files(files, (), {})
    return planned(groups, files)


def text_of(files: list[InputFile]) -> str:
    groups, _ = group_files(files, (), {})
    return merged_file(groups, files).text


def names_of(plan: Plan) -> list[str]:
    return [stage.name for stage in plan.stages]


def cooking(name: str, own: str = "", images: str = "") -> str:
    return _COOK.format(name=name, own=own, images=images or _IMAGE.format(name=name, stage=name))


# Names.


def test_the_only_image_of_a_file_goes_by_its_binary() -> None:
    plan = plan_of(read(_LINES, _LINES))
    assert names_of(plan) == ["build", "a", "b"]
    assert plan.targets == {("Dockerfile.a", 1): "a", ("Dockerfile.b", 1): "b"}
    assert not plan.aliases and not plan.strangers and not plan.guests


def test_a_group_behind_the_first_one_puts_its_binary_before_the_name() -> None:
    plan = plan_of(read(_LINES, f"ENV RUSTFLAGS=-g; {_LINES}"))
    assert names_of(plan) == ["build", "b-build", "a", "b"]
    assert [file.path for file in plan.strangers] == ["Dockerfile.b"]


def test_a_taken_name_is_told_apart_whatever_its_case() -> None:
    names = StageNames(())
    names.take("Build")
    assert not names.is_free("build")
    assert names.claim("BUILD", lambda taken: f"a-{taken}") == "a-BUILD"
    assert names.claim("build", lambda taken: f"a-{taken}") == "a-a-build"


def test_a_file_with_two_targets_gets_an_alias_of_the_last() -> None:
    images = _IMAGE.format(name="a", stage="test") + "\n" + _IMAGE.format(name="a", stage="prod")
    asks = "on:\n\tdocker build -f Dockerfile.a --target test -t a:test .\n"
    files = inputs(cooking("a", images=images), cooking("b"), {"Makefile": asks})
    plan = plan_of(files)
    assert plan.aliases == (Alias("a", "a-prod"),)
    assert set(plan.targets.values()) == {"a-test", "a-prod", "b"}


# Shared stages.


def test_steps_of_one_file_alone_split_the_stage_behind_its_cook() -> None:
    other = cooking("b", _WATCH, _DEVELOPMENT + _IMAGE.format(name="b", stage="prod"))
    files = inputs(cooking("a"), other, _ASKING)
    plan = plan_of(files)
    assert names_of(plan)[:5] == ["chef", "planner", "cook", "base", "build"]
    development = next(stage for stage in plan.stages if stage.name == "b-dev")
    assert [f"{step.item.text}\n" for step in development.moved] == [_WATCH]
    assert f"FROM cook AS b-dev\n{_WATCH}COPY . .\n" in text_of(files)


def test_own_steps_stand_on_the_base_image_where_the_sources_come_first() -> None:
    text = (
        "FROM rust:1.90 AS base\n{own}COPY . .\n\n"
        "FROM base AS build\nRUN cargo build --release --bin {name}\n\n"
    )
    one = text.format(own="", name="a") + _IMAGE.format(name="a", stage="prod")
    other = text.format(own=_WATCH, name="b") + _DEVELOPMENT
    found = text_of(inputs(one, other + _IMAGE.format(name="b", stage="prod"), _ASKING))
    assert f"FROM rust:1.90 AS b-dev\n{_WATCH}COPY . .\n" in found


def test_a_guest_stands_on_the_first_groups_stages_and_planner() -> None:
    plan = plan_of(inputs(cooking("a"), cooking("b", "ENV RUSTFLAGS=-g\n")))
    shared = ["chef", "planner", "cook", "base", "build"]
    assert names_of(plan) == [*shared, "b-base", "b-build", "a", "b"]
    assert [group.leader.file.path for group in plan.guests] == ["Dockerfile.b"]
    assert plan.cooked == plan.guests
    assert not plan.strangers


def test_a_guest_with_another_cook_stands_below_it() -> None:
    other = cooking("b", "ENV RUSTFLAGS=-g\n").replace("cook --release", "cook --release --locked")
    plan = plan_of(inputs(cooking("a"), other))
    assert names_of(plan) == ["chef", "planner", "base", "build", "b-base", "b-build", "a", "b"]
    assert plan.guests and not plan.cooked


# Text.


def test_the_head_of_every_file_stands_once_and_comments_of_one_above_its_block() -> None:
    one, other = (f"# syntax=docker/dockerfile:1\n\n# Ours.\n\n{text}" for text in (
        cooking("a"), "# Of b alone.\n\n" + cooking("b")))  # fmt: skip
    text = text_of(inputs(one, other))
    assert text.startswith("# syntax=docker/dockerfile:1\n\n# Ours.\n\nFROM rust:1.90 AS chef\n")
    assert text.count("# Ours.") == 1
    assert "\n# Of b alone.\nFROM debian:12 AS b\n" in text


def test_a_comment_that_lost_its_instruction_goes_to_the_head_of_the_block() -> None:
    one = cooking("a")
    other = one.replace("--bin a", "--bin b").replace("/a /a", "/b /b") + "# The end of b.\n"
    assert "\n# The end of b.\nFROM debian:12 AS b\n" in text_of(inputs(one, other))


def test_a_piece_takes_the_edits_of_its_span_and_ends_with_a_newline() -> None:
    source = Source("x", b"FROM a AS b\nRUN c")
    edits = (Edit(Span(5, 6), b"base"), Edit(Span(16, 17), b"make"))
    assert piece_text(Piece(source, Span(12, 17), edits, "# Why.\n"), "\r\n") == (
        "# Why.\nRUN make\r\n"
    )
