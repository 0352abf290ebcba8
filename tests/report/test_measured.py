"""The measured part of a report: what it says, and above all what it says first."""

from __future__ import annotations

import json

from dockerfix.report.measured import (
    measured_data,
    measured_lines,
    render_measured,
    sentences,
    size,
    table,
    verdict,
)
from dockerfix.traces.steps import Failure
from dockerfix.verify.compare import Aspect, Difference
from dockerfix.verify.concern import Unmatched, Unread
from dockerfix.verify.outcome import (
    ImageResult,
    JobWork,
    Measured,
    NotBuilt,
    SideWork,
    Verified,
    Work,
)
from dockerfix.verify.recipe import Recipe
from dockerfix.verify.side import Side
from dockerfix.verify.starts import Ending, Start, StartCheck

EQUAL = ImageResult(
    "server (release)",
    "app/Dockerfile, target release",
    "app/Dockerfile.all, target server-release",
    differences=(Difference(Aspect.CONTENT, "/app/target/x", "1", "2", "cargo-target"),),
    starts=(
        StartCheck(
            ("server",), Start(Ending.RUNNING, 0, ("a",)), Start(Ending.RUNNING, 0, ("a",)), True
        ),
    ),
)
DIFFERENT = ImageResult(
    "worker (release)",
    "app/Dockerfile.worker, target release",
    "app/Dockerfile.all, target worker-release",
    differences=(
        Difference(Aspect.CONFIGURATION, "User", "nobody", ""),
        Difference(Aspect.MISSING, "/etc/tz", "file, 3 bytes, sha256 ab"),
    ),
    starts=(
        StartCheck(
            ("worker",), Start(Ending.RUNNING, 0, ("a",)), Start(Ending.EXITED, 0, ()), False
        ),
    ),
)


def job(name: str, stage: str, seconds: float, cook: int, build: int) -> JobWork:
    crates = {"install": 0, "cook": cook, "build": build}
    return JobWork(name, stage, Work(seconds, crates, 10, 1, 23_592))


SIDE_BY_SIDE = Measured(
    "each job on a cold builder",
    SideWork((job("a", "build", 90, 50, 0), job("b", "build", 100, 50, 0)), 100, {"build": 100}),
    SideWork((job("all", "build", 110, 50, 0),), 110, {"build": 110}),
)
IN_A_ROW = Measured(
    "each job on a cold builder",
    SideWork(
        (*SIDE_BY_SIDE.before.jobs, job("release", "release", 200, 100, 10)),
        300,
        {"build": 100, "release": 200},
    ),
    SideWork(
        (*SIDE_BY_SIDE.after.jobs, job("release", "release", 40, 0, 10)),
        150,
        {"build": 110, "release": 40},
    ),
)


def test_no_gain_in_elapsed_time_is_said_first() -> None:
    first, second, third = sentences(SIDE_BY_SIDE)
    assert first == (
        "The pipeline does not finish sooner: 100 s before, 110 s after; its jobs ran side by side."
    )
    assert second == "The runners are busy for 110 s instead of 190 s, 1.7 times less."
    assert third == "cargo compiles 50 crates instead of 100, 2.0 times less."


def test_a_stage_without_a_gain_is_said_before_the_gain_of_the_whole() -> None:
    assert list(sentences(IN_A_ROW))[:2] == [
        "Stage build does not end sooner: 100 s before, 110 s after; its 2 jobs ran side by side.",
        "The pipeline finishes after 150 s instead of 300 s, 2.0 times less.",
    ]


def test_no_gain_at_all_is_no_gain() -> None:
    same = Measured("t", SIDE_BY_SIDE.before, SIDE_BY_SIDE.before)
    first, second, _ = sentences(same)
    assert first.startswith("The pipeline does not finish sooner")
    assert second.startswith("The runners are not busy for less time")


def test_the_table_has_each_job_and_the_sums() -> None:
    lines = list(table(IN_A_ROW))
    assert [line.split()[0] for line in lines] == [
        *("seconds", "before", "a", "b", "release", "sum", "longest"),
        *("after", "all", "release", "sum", "longest"),
    ]
    assert lines[5].split()[4:6] == ["390", "210"]
    assert len({len(line) for line in lines if " of " in line and "jobs" not in line}) == 1


def test_equal_images_and_what_a_rule_expects() -> None:
    text = render_measured(Verified((EQUAL,), notes=("told",)))
    assert text.splitlines() == [
        "dockerfix verify: 1 image is equal before and after",
        "  server (release)  equal; starts and ends the same: `server`",
        "Different by a named rule, which does not count",
        "  cargo-target: cargo's target folder, which every build fills",
        "    server (release): /app/target/x",
        "note: told",
    ]
    assert verdict(Verified((EQUAL,))) == "equal"


def test_each_difference_is_listed_by_path() -> None:
    text = render_measured(Verified((EQUAL, DIFFERENT)))
    assert "1 of 2 images are different" in text
    assert "    configuration: User: nobody -> nothing" in text
    assert "    missing: /etc/tz (file, 3 bytes, sha256 ab)" in text
    assert '    `worker`: still running, first line "a"; after: ended with 0, no output' in text
    assert verdict(Verified((DIFFERENT,))) == "different"


def test_many_differences_are_cut_in_the_text_and_not_in_the_data() -> None:
    many = ImageResult(
        "x", "b", "a", differences=tuple(Difference(Aspect.ADDED, f"/{n}") for n in range(50))
    )
    text = render_measured(Verified((many,)))
    assert "and 30 more (--format json lists them)" in text
    assert len(measured_data(Verified((many,)))["images"][0]["differences"]) == 50


def test_a_lost_image_is_a_difference_and_an_unread_build_is_incomplete() -> None:
    lost = Unmatched(Side.BEFORE, "worker", "ci:1:1", Recipe("a", "a/Dockerfile"))
    new = Unmatched(Side.AFTER, "worker", "ci:1:1", Recipe("a", "a/Dockerfile"))
    assert "worker: nothing builds it any longer; ci:1:1 did" in render_measured(
        Verified((EQUAL,), (lost,))
    )
    assert verdict(Verified((EQUAL,), (lost,))) == "different"
    assert verdict(Verified((EQUAL,), (new,))) == "equal"
    assert "  worker: new, built and compared with nothing" in render_measured(
        Verified((EQUAL,), (new,))
    )
    unread = Unread(Side.AFTER, "ci:1:1", "its target holds T", True)
    assert verdict(Verified((EQUAL,), unread=(unread,))) == "incomplete"
    shown = Unread(Side.AFTER, "README.md:1:1", "its target holds T", False)
    assert verdict(Verified((EQUAL,), unread=(shown,))) == "equal"
    assert "not built (after): ci:1:1" in render_measured(Verified((EQUAL,), unread=(unread,)))


def test_a_failed_build_names_the_side_and_the_builders_last_lines() -> None:
    failed = NotBuilt(Side.AFTER, ("server",), Failure("[x 1/2] RUN y", ("error: no",)))
    text = render_measured(failed)
    assert text.splitlines() == [
        "dockerfix verify: after could not be built",
        "  after (server) failed at: [x 1/2] RUN y",
        "    error: no",
        "  Before was built: the patch breaks this build.",
    ]
    assert measured_data(failed)["verdict"] == "could-not-build"


def test_everything_is_data_too() -> None:
    data = measured_data(Verified((EQUAL, DIFFERENT), measured=(IN_A_ROW,)))
    again = json.loads(json.dumps(data))
    assert again["images"][0]["expected_differences"]["cargo-target"][0]["path"] == "/app/target/x"
    assert again["measured"][0]["before"]["sum"]["crates"]["all"] == 210
    assert again["measured"][0]["after"]["elapsed_seconds"] == 150


def test_the_lines_for_a_transforms_report_are_few() -> None:
    lines = measured_lines(Verified((EQUAL,), measured=(IN_A_ROW,)))
    assert lines[:2] == ("1 image is equal before and after", "each job on a cold builder:")
    assert len(lines) == 6


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 23_592, 5_000_000, 2_020_000_000)] == [
        *("0 B", "999 B", "23.6 kB", "5.0 MB", "2.0 GB")
    ]
