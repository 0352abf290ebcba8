"""Lines of several files that become one: builds, package lists, comments."""

from __future__ import annotations

import pytest

from dockerfix_transforms.merge_rust.group.grouping import group_files
from dockerfix_transforms.merge_rust.write.layout import merged_file
from dockerfix_transforms.merge_rust.write.line import CannotJoinError

from .conftest import inputs

_FILE = """\
FROM rust:1.90 AS build
WORKDIR /w
COPY . .
{lines}
FROM debian:12
COPY --from=build /w/target/release/{name} /{name}
"""
_BUILD = "RUN cargo build --release"


def joined(one: str, other: str) -> str:
    """What stands in the shared builder behind its sources."""
    files = inputs(_FILE.format(lines=one, name="a"), _FILE.format(lines=other, name="b"))
    groups, _ = group_files(files, (), {})
    assert len(groups) == 1
    builder, _, _ = merged_file(groups, files).text.partition("\n\nFROM debian")
    return builder.partition("COPY . .\n")[2]


@pytest.mark.parametrize(
    "one, other, found",
    [
        (f"{_BUILD} --bin a", f"{_BUILD} --bin b", f"{_BUILD} --bin a --bin b"),
        (_BUILD, _BUILD, f"{_BUILD} --bin a --bin b"),
        (f"{_BUILD} --locked --bin a", f"{_BUILD} --bin b", f"{_BUILD} --locked --bin a --bin b"),
    ],
    ids=["two selections", "no selection is narrowed", "the strictest flags"],
)
def test_builds_share_one_call(one: str, other: str, found: str) -> None:
    assert joined(one, other) == found


@pytest.mark.parametrize(
    "one, other",
    [
        (f"{_BUILD} -p a", f"{_BUILD} -p b"),
        (f"{_BUILD} --features f --bin a", f"{_BUILD} --bin b"),
    ],
    ids=["packages, whose features cargo unites", "other features"],
)
def test_builds_that_must_not_share_a_call_follow_one_another(one: str, other: str) -> None:
    assert joined(one, other) == f"{one} \\\n    && {other.removeprefix('RUN ')}"


def test_what_stands_behind_a_build_runs_for_each_file() -> None:
    lines = (f"{_BUILD} --bin {name} && strip target/release/{name}" for name in "ab")
    joint = " \\\n    && "
    found = [f"{_BUILD} --bin a --bin b", "strip target/release/a", "strip target/release/b"]
    assert joined(*lines) == joint.join(found)


def test_lines_that_cannot_be_one_stand_whole_one_after_the_other() -> None:
    one, other = f"{_BUILD} --bin a && ./x", f"{_BUILD} --bin b | tee log"
    assert joined(one, other) == f"{one}\n{other}"


def test_two_files_must_not_write_one_path() -> None:
    lines = [f"{_BUILD} --bin {name} && cp target/release/{name} /out" for name in "ab"]
    with pytest.raises(CannotJoinError, match="two files write /out"):
        joined(*lines)


def test_package_lists_are_united_and_say_who_needs_what() -> None:
    install = "RUN apt-get install -y"
    found = joined(f"{install} x\n{_BUILD} --bin a", f"{install} y\n{_BUILD} --bin b")
    says = "# x is needed by a only.\n# y is needed by b only.\n"
    assert found == f"{says}{install} x y\n{_BUILD} --bin a --bin b"


def test_a_comment_of_another_file_names_it_and_an_equal_one_stands_once() -> None:
    one, other = f"# Both.\n# For a.\n{_BUILD} --bin a", f"# Both.\n{_BUILD} --bin b"
    assert joined(one, other) == f"# Both.\n# For a.\n{_BUILD} --bin a --bin b"
    one, other = f"# For a.\n{_BUILD} --bin a", f"# For b.\n{_BUILD} --bin b"
    assert joined(one, other) == f"# For a.\n# For b. (b)\n{_BUILD} --bin a --bin b"
