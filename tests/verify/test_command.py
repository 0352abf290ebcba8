"""The command line of verify, without an engine: usage, exit codes, what a person watches."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from runner.machine import Result, dockerfix_command

from dockerfix.cli.progress import LivingWatch, PlainWatch
from dockerfix.cli.verify import code_of
from dockerfix.traces.steps import Failure, Step, Steps
from dockerfix.verify.concern import Unread
from dockerfix.verify.outcome import ImageResult, NotBuilt, Verified
from dockerfix.verify.side import Side
from dockerfix.verify.starts import Ending, Start, StartCheck
from dockerfix.verify.watch import Phase, Progress

PATCH = """\
diff --git a/app/Dockerfile b/app/Dockerfile
--- a/app/Dockerfile
+++ b/app/Dockerfile
@@ -1 +1,2 @@
 FROM scratch
+USER 1
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "docker-compose.yml").write_text("services:\n  app:\n    build: app\n")
    (tmp_path / ".dockerfix.toml").write_text("root = true\n")
    (tmp_path / "patch").write_text(PATCH)
    return tmp_path


def run(repository: Path, *words: str, **environment: str) -> Result:
    done = subprocess.run(
        dockerfix_command("verify", *words),
        cwd=repository,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing-there"], "nothing-there"),
        (["patch", "--registry", "x"], "--registry and --cold-option are for --cold"),
        (["patch", "--cold-option", "x"], "are for --cold"),
        (["patch", "--variable", "NAME"], "--variable takes NAME=VALUE, not NAME"),
        (["patch", "--seconds", "-1"], "--seconds"),
        ([], "PATCH"),
    ],
)
def test_a_wrong_command_line(repository: Path, words: list[str], told: str) -> None:
    done = run(repository, *words)
    assert done.code == 64
    assert told in done.err
    assert not done.out


def test_without_docker_nothing_can_be_proved(repository: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    git = next(Path(p, "git") for p in os.environ["PATH"].split(":") if Path(p, "git").exists())
    (tools / "git").symlink_to(git)
    done = run(repository, "patch", PATH=str(tools), TMPDIR=str(tools))
    assert done.code == 2
    assert done.err.splitlines()[-2:] == [
        "dockerfix: docker is not installed here",
        "  -> install the Docker CLI with buildx",
    ]
    assert [path.name for path in tools.iterdir()] == ["git"]


def test_the_patch_may_be_a_file_or_come_from_a_pipe(repository: Path) -> None:
    empty = repository / "empty"
    empty.write_text("")
    assert run(repository, "empty").out.splitlines() == [
        "dockerfix verify: nothing to build",
        "note: the patch is empty",
    ]
    piped = run(repository, "-")
    assert (piped.code, piped.out) == (2, "")
    assert "the patch from the pipe is empty" in piped.err
    assert "pipefail" in piped.err


START = Start(Ending.RUNNING, 0, ("a",))


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Verified((ImageResult("a", "b", "c"),)), 0),
        (Verified(), 0),
        (Verified((ImageResult("a", "b", "c", starts=(StartCheck((), START, START, False),)),)), 1),
        (Verified(unread=(Unread(Side.AFTER, "x", "y", True),)), 2),
        (Verified(unmeasured=("no registry",)), 2),
        (NotBuilt(Side.BEFORE, (), Failure("x", ())), 2),
    ],
)
def test_exit_codes(outcome: Verified | NotBuilt, code: int) -> None:
    assert code_of(outcome) == code


def steps_with(*steps: Step) -> Steps:
    return Steps({str(number): step for number, step in enumerate(steps)})


DONE = Step("[a 1/2] RUN make", started="1", seconds=12.3, done=True)
UNDER_WAY = Step("[a 2/2] RUN make install", started="2")


def test_plain_lines_for_phases_and_for_steps_that_took_their_time() -> None:
    said: list[str] = []
    watch = PlainWatch(said.append)
    watch(Phase("building before: a"))
    watch(Progress("before", steps_with(DONE, UNDER_WAY), DONE))
    watch(Progress("before", steps_with(DONE, UNDER_WAY)))
    watch(Progress("before", steps_with(DONE), Step("[a 1/1] COPY . .", seconds=0.1, done=True)))
    assert [line.partition(" s  ")[2] for line in said] == [
        "building before: a\n",
        "before: 1 of 2 steps, 1 left, 12.3 s  [a 1/2] RUN make\n",
    ]


def test_a_living_line_shows_the_step_under_way_and_what_is_left() -> None:
    said: list[str] = []
    watch = LivingWatch(said.append)
    watch(Phase("building before: a"))
    watch(Progress("before", steps_with(DONE, UNDER_WAY), DONE))
    out = io.StringIO()
    Console(file=out, width=80).print(watch)
    assert "building before: a" in out.getvalue()
    assert "1 of 2 steps, 1 left  [a 2/2] RUN make install" in out.getvalue()
    assert said == ["before: 12.3 s  [a 1/2] RUN make"]
