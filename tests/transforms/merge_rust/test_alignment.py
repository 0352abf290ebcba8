"""Laying build chains over each other: which steps share a slot, and what stands in the way."""

from __future__ import annotations

import pytest

from dockerfix_transforms.merge_rust.group.align import lay_over
from dockerfix_transforms.merge_rust.group.chains import aligned
from dockerfix_transforms.merge_rust.group.commute import commute
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.slots import Obstacle, representative

from .conftest import read


def slots(one: str, other: str) -> list[str]:
    """The merged chain, one line a slot."""
    files = read(one, other)
    found = lay_over(files, files[0].is_folder)
    assert not isinstance(found, Obstacle), found.why
    return [representative(slot).item.text for slot in found]


def obstacle(one: str, other: str) -> str:
    """What stands in the way."""
    files = read(one, other)
    found = lay_over(files, files[0].is_folder)
    assert isinstance(found, Obstacle)
    return f"{found.step.item.text}: {found.why}"


_BUILD = "RUN cargo build --release --bin a"


@pytest.mark.parametrize(
    "one, other",
    [
        ("WORKDIR /w; COPY . .", "WORKDIR /w/; COPY ./ ./"),
        ("WORKDIR /w; COPY a a; COPY b b", "WORKDIR /w; COPY b ./b/; COPY ./a /w/a"),
        ("WORKDIR /w; RUN apk add x; COPY . .", "RUN apk add x; WORKDIR /w; COPY . ."),
        ("ARG V; WORKDIR /w; COPY . .", "WORKDIR /w; ARG V; COPY . ."),
    ],
)  # fmt: skip
def test_what_means_the_same_shares_its_slots(one: str, other: str) -> None:
    assert slots(one, other) == [*one.split("; "), _BUILD]


def test_packages_stand_where_the_first_file_needs_them() -> None:
    late = "WORKDIR /w; COPY . .; RUN apt-get install -y x"
    early = "WORKDIR /w; RUN apt-get install -y x; COPY . ."
    found = slots(late, early)
    assert found.index("RUN apt-get install -y x") < found.index("COPY . .")


def test_a_step_of_one_file_comes_before_the_next_that_both_have() -> None:
    found = slots("WORKDIR /w; COPY . .", "WORKDIR /w; ENV LOG=x; COPY . .")
    assert found == ["WORKDIR /w", "ENV LOG=x", "COPY . .", _BUILD]


@pytest.mark.parametrize(
    "one, other, why",
    [
        ("WORKDIR /w; COPY . .; RUN ./generate", "WORKDIR /w; COPY . .", "has no such step"),
        ("WORKDIR /w; COPY . .", "WORKDIR /w/x; COPY . /w; WORKDIR /w", "Dockerfile.a has no such"),
        ("WORKDIR /w; RUN ./x; RUN ./y", "WORKDIR /w; RUN ./y; RUN ./x", "comes after"),
        ("WORKDIR /w; ENV A=1; RUN ./x", "WORKDIR /w; RUN ./x; ENV A=1", "comes after"),
        ("WORKDIR /w; COPY a x; COPY b x", "WORKDIR /w; COPY b x; COPY a x", "comes after"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_named(one: str, other: str, why: str) -> None:
    assert why in obstacle(one, other)


def test_packages_may_come_earlier_and_never_later() -> None:
    file = read("WORKDIR /w; RUN apk add x; RUN ./x; COPY . .", "WORKDIR /w; COPY . .")[0]
    packages, run = file.steps[1], file.steps[2]
    assert commute(run, packages, file.is_folder)
    assert not commute(packages, run, file.is_folder)


def test_more_sources_are_admitted_and_compiler_files_are_not() -> None:
    lines = "WORKDIR /w; COPY Cargo.toml Cargo.lock ./; COPY a a; COPY b b"
    assert "COPY proto proto" in slots(lines, f"{lines}; COPY proto proto")
    assert "has no such step" in obstacle(lines, f"{lines}; COPY a/Cargo.toml /w/.cargo/")


def test_files_that_align_are_a_group() -> None:
    assert isinstance(
        aligned(read("WORKDIR /w; COPY . .", "WORKDIR /w; COPY . ."), frozenset()), Group
    )
