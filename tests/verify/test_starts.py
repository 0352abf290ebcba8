from __future__ import annotations

import pytest

from dockerfix.verify.starts import (
    Ending,
    Start,
    answers,
    compare_starts,
    compare_versions,
    version_command,
)

RUNNING = Start(Ending.RUNNING, 0, ('{"time":"12:01:07","text":"listening"}',))
EMPTY = Start(Ending.EXITED, 0, ())


def test_an_empty_main_cannot_pass() -> None:
    version = Start(Ending.EXITED, 0, ("server 0.4.0",))
    assert not compare_versions(("server", "--version"), version, EMPTY).same
    assert not compare_starts(("server",), RUNNING, EMPTY).same
    worker = Start(Ending.EXITED, 0, ("starting",))
    assert not compare_starts(("worker",), worker, EMPTY).same


def test_times_in_the_output_are_no_difference() -> None:
    later = Start(Ending.RUNNING, 0, ('{"time":"12:01:11","text":"listening"}',))
    check = compare_starts(("server",), RUNNING, later)
    assert check.same and not check.remark


def test_other_words_are_remarked() -> None:
    other = Start(Ending.RUNNING, 0, ("Compiling serde v1",))
    check = compare_starts(("server",), RUNNING, other)
    assert check.same and check.remark


@pytest.mark.parametrize(
    "after",
    [
        Start(Ending.EXITED, 1, RUNNING.lines),
        Start(Ending.EXITED, 0, RUNNING.lines),
        Start(Ending.FAILED, 0, ("no such file",)),
        Start(Ending.RUNNING, 0, ()),
    ],
)
def test_another_ending_is_a_difference(after: Start) -> None:
    assert not compare_starts(("server",), RUNNING, after).same


def test_another_exit_code_is_a_difference() -> None:
    failed, done = (Start(Ending.EXITED, code, ("starting",)) for code in (1, 0))
    assert not compare_starts(("worker",), done, failed).same


def test_a_version_must_be_the_same_text() -> None:
    old, new = (Start(Ending.EXITED, 0, (f"server 0.4.{n}",)) for n in (0, 1))
    assert not compare_versions(("server", "--version"), old, new).same


def test_a_shell_is_not_asked_for_its_version() -> None:
    assert version_command(("/bin/sh", "-c", "exec server")) is None
    assert version_command(()) is None
    assert version_command(("/usr/bin/server", "-v")) == ("/usr/bin/server", "--version")


def test_only_words_and_success_are_an_answer() -> None:
    assert answers(Start(Ending.EXITED, 0, ("x",)))
    assert not answers(EMPTY)
    assert not answers(Start(Ending.EXITED, 2, ("unknown option",)))
    assert not answers(RUNNING)


def test_starts_read_well() -> None:
    assert str(EMPTY) == "ended with 0, no output"
    assert str(Start(Ending.RUNNING, 0, ("hello",))) == 'still running, first line "hello"'
