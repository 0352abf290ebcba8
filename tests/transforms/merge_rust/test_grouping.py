"""Builder groups: which files go together, what keeps them apart, whose values are taken."""

from __future__ import annotations

import pytest

from dockerfix_transforms.merge_rust.group.grouping import group_files
from dockerfix_transforms.merge_rust.group.reasons import Reason

from .conftest import inputs, read

_LINES = "WORKDIR /w; COPY . ."


def groups_of(one: str, other: str, *accept: str) -> list[list[str]]:
    """The paths of each group, leader first."""
    groups, _ = group_files(read(one, other), accept, {})
    return [[member.file.path for member in group.members] for group in groups]


def test_files_that_compile_with_the_same_input_are_one_group() -> None:
    assert groups_of(_LINES, _LINES) == [["Dockerfile.a", "Dockerfile.b"]]


def test_another_flag_of_the_compiler_is_another_group_and_the_reason_is_named() -> None:
    files = read(_LINES, f"ENV RUSTFLAGS=-g; {_LINES}")
    groups, findings = group_files(files, (), {})
    assert [len(group.members) for group in groups] == [1, 1]
    assert [reason.what for reason in groups[1].apart] == [
        "RUSTFLAGS: Dockerfile.b:2:1 has -g, Dockerfile.a has nothing"
    ]
    assert not findings


def test_a_variable_is_the_same_with_and_without_braces() -> None:
    text = "FROM rust:1.90 AS build\nARG P=release\nWORKDIR /w\nCOPY . .\n"
    text += "RUN cargo build --profile {} --bin {}\n"
    end = "FROM debian:12\nCOPY --from=build /w/target/release/{0} /{0}\n"
    one, other = text.format("$P", "a"), text.format("${P}", "b")
    groups, _ = group_files(inputs(one + end.format("a"), other + end.format("b")), (), {})
    assert len(groups) == 1


def test_a_long_value_is_shortened_in_a_reason() -> None:
    files = read(_LINES, f"ENV RUSTFLAGS={'-g' * 99}; {_LINES}")
    groups, _ = group_files(files, (), {})
    assert all(len(reason.what) < 150 for reason in groups[1].apart)


def test_an_accepted_difference_unites_the_files_and_is_said() -> None:
    files = read(_LINES, f"ENV RUSTFLAGS=-g; {_LINES}")
    groups, findings = group_files(files, ("RUSTFLAGS",), {})
    assert len(groups) == 1
    assert [finding.what for finding in findings] == ["b: RUSTFLAGS changes from -g to nothing"]


def test_what_was_accepted_for_one_file_does_not_change_the_other() -> None:
    lines = _LINES, f"ENV RUSTFLAGS=-g; {_LINES}"
    assert groups_of(*lines, "RUSTFLAGS@Dockerfile.b") == [["Dockerfile.a", "Dockerfile.b"]]
    assert groups_of(*lines, "RUSTFLAGS@Dockerfile.a") == [["Dockerfile.b", "Dockerfile.a"]]


def test_the_pinned_toolchain_leads() -> None:
    text = "FROM rust:{} AS build\nWORKDIR /w\nCOPY . .\nRUN cargo build --release --bin {}\n"
    end = "FROM debian:12\nCOPY --from=build /w/target/release/{0} /{0}\n"
    files = inputs(
        text.format("latest", "a") + end.format("a"), text.format("1.90", "b") + end.format("b")
    )
    groups, _ = group_files(files, ("toolchain",), {})
    assert [member.file.path for member in groups[0].members] == ["Dockerfile.b", "Dockerfile.a"]


def test_a_file_that_cannot_be_joined_gets_a_builder_of_its_own_for_the_reason_given() -> None:
    clash = Reason("two lines clash", "Change one.")
    groups, _ = group_files(read(_LINES, _LINES), (), {"Dockerfile.b": clash})
    assert [group.apart for group in groups] == [(), (clash,)]


@pytest.mark.parametrize("line", ["RUN ./generate", "ENV CC=clang"])
def test_steps_that_a_program_could_notice_keep_files_apart(line: str) -> None:
    assert len(groups_of(_LINES, f"{line}; {_LINES}")) == 2
