"""Comments of several files as one."""

from __future__ import annotations

import pytest

from dockerfix_transforms.merge_rust.write.comments import recounted
from dockerfix_transforms.merge_rust.write.mounts import united_id
from dockerfix_transforms.merge_rust.write.wording import said, united_comment, united_lines


@pytest.mark.parametrize(
    ("lines", "one"),
    [
        (
            ["# Build the api binary", "# Build the worker binary", "# Build the cron binary"],
            "# Build the api, worker and cron binaries",
        ),
        (["# Stage 1: Build API", "# Stage 1: Build Worker"], "# Stage 1: Build API and Worker"),
        (["# Compile the api.", "# Compile the worker."], "# Compile the api and worker."),
        (["# Build the api", "# Build the api"], None),
        (["# The api.", "# The worker."], None),
        (["# Stage 2: Prepare the chef", "# Stage 1: Prepare the chef"], None),
        (["# Build the api", "# Then ship the worker"], None),
        (["# Build the api", "# Build the worker which has to come before its tests"], None),
    ],
)
def test_names_come_together_where_the_rest_is_the_same(lines: list[str], one: str | None) -> None:
    assert united_comment(lines) == one


def test_lines_are_united_each_for_itself() -> None:
    mine = ["# Build the api binary", "# Use the lock file"]
    others = [["# Build the worker binary", "# Use the lock file"], ["# Another thought"]]
    assert united_lines(mine, others) == ["# Build the api and worker binaries", mine[1]]


@pytest.mark.parametrize(
    ("text", "other", "known"),
    [
        ("Build the worker binary", "# Build the api and worker binaries", True),
        ("Stage 3: Build dependencies", "# Stage 4: Build dependencies (cached)", True),
        ("Dependencies.", "# Dependencies of all", True),
        ("The worker.", "# The end of worker.", False),
        ("Build the cron binary", "# Build the api and worker binaries", False),
    ],
)
def test_what_is_said_already(text: str, other: str, known: bool) -> None:
    assert said(text, other) is known


def test_headings_that_two_files_number_alike_are_counted_anew() -> None:
    text = "# Stage 1: base\nFROM a AS x\n# --- STAGE 2 ---\nFROM b\n# Stage 2: run\nFROM c\n"
    assert recounted(text) == text.replace("# Stage 2: run", "# Stage 3: run")


@pytest.mark.parametrize(
    "text",
    [
        "# Stage 1: base\nFROM a AS x\n# Stage 2: run\nFROM b\n",
        "FROM a\nRUN <<E\n# Stage 1: x\n# Stage 1: y\nE\n",
        "# See stage 2 of the plan.\nFROM a\n# See stage 2 of the plan.\nFROM b\n",
    ],
)
def test_other_comments_and_text_keep_their_numbers(text: str) -> None:
    assert recounted(text) == text


@pytest.mark.parametrize(
    ("ids", "one"),
    [
        (["api-target", "worker-target"], "all-target"),
        (["cargo-api", "cargo-worker"], "cargo-all"),
        (["api-target", "target"], "target"),
        (["api", "worker"], None),
    ],
)
def test_the_id_of_a_shared_mount_is_named_after_no_single_file(
    ids: list[str], one: str | None
) -> None:
    assert united_id(ids) == one
