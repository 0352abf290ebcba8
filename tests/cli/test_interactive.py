"""`--interactive`: each answer, on the answers of somebody who is not there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from dockerfix.cli.interactive import LEAVE, QUIT, REWRITE, reviewed
from dockerfix.engine.plan import Outcome, Planned, Refused, plan
from dockerfix.engine.registry import Registry
from dockerfix.facts.repository import Facts
from dockerfix.report.style import PLAIN
from dockerfix.text import Snapshot

MEMBERS = ("api", "web", "job")
FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["api", "web", "job"]\nresolver = "2"\n',
    "Cargo.lock": "version = 4\n",
    "compose.yaml": "services:\n"
    + "".join(
        f"  {name}:\n    build: {{context: ., dockerfile: {name}.Dockerfile}}\n" for name in MEMBERS
    ),
}
for name in MEMBERS:
    FILES[f"{name}/Cargo.toml"] = f'[package]\nname = "{name}"\nversion = "0.1.0"\n'
    FILES[f"{name}/src/main.rs"] = "fn main() {}\n"
    FILES[f"{name}.Dockerfile"] = f"""\
FROM rust:1.90-alpine AS builder
WORKDIR /app
COPY . .
RUN cargo build --release --bin {name}
FROM alpine:3.23
COPY --from=builder /app/target/release/{name} /usr/local/bin/{name}
CMD ["{name}"]
"""


def decide(*answers: str) -> tuple[Outcome | None, list[str]]:
    facts = Facts(Snapshot.of(FILES))
    transform = Registry.installed().load("merge-rust")
    asked: list[str] = []

    def again(leave: Collection[str] = ()) -> Outcome:
        return plan(facts, transform, ("",), {}, leave=leave)

    def answer(question: str) -> str:
        asked.append(question)
        return answers[len(asked) - 1]

    return reviewed(facts, again(), again, PLAIN, answer), asked


def test_every_file_is_asked_about_and_rewritten() -> None:
    outcome, asked = decide(REWRITE, REWRITE, REWRITE)
    assert isinstance(outcome, Planned)
    assert {path for path, data in outcome.changes.items() if data is None} == {
        f"{name}.Dockerfile" for name in MEMBERS
    }
    assert asked[0] == "api.Dockerfile (1 of 3):"


def test_what_is_left_keeps_its_file_and_its_call_site() -> None:
    outcome, _ = decide(LEAVE, REWRITE, REWRITE)
    assert isinstance(outcome, Planned)
    assert "api.Dockerfile" not in outcome.changes
    assert outcome.changes["web.Dockerfile"] is None
    compose = outcome.changes["compose.yaml"]
    assert compose is not None
    assert b"dockerfile: api.Dockerfile" in compose
    assert b"web.Dockerfile" not in compose
    (finding,) = [f for f in outcome.proposal.findings if f.name == "left-as-asked"]
    assert finding.subject == "api.Dockerfile"


def test_one_file_alone_is_no_merge() -> None:
    outcome, asked = decide(LEAVE, LEAVE, REWRITE)
    assert isinstance(outcome, Refused)
    assert len(asked) == 2


def test_who_quits_gets_nothing() -> None:
    assert decide(REWRITE, QUIT) == (None, ["api.Dockerfile (1 of 3):", "job.Dockerfile (2 of 3):"])


def repository(folder: Path) -> Path:
    for path, text in {**FILES, ".dockerfix.toml": "root = true\n"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


COMMAND = [sys.executable, "-m", "dockerfix", "merge-rust", "--interactive"]


def test_without_a_terminal_nobody_can_answer(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=repository(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 64
    assert b"--interactive needs a terminal" in done.stderr


def test_a_person_at_a_terminal_gets_the_patch_that_they_chose(tmp_path: Path) -> None:
    person, terminal = pty.openpty()
    os.write(person, b"l\nr\nr\n")
    done = subprocess.run(
        COMMAND, cwd=repository(tmp_path), stdin=terminal, capture_output=True, check=False
    )
    os.close(terminal)
    os.close(person)
    assert done.returncode == 0, done.stderr.decode()
    assert b"deleted file" in done.stdout and b"a/api.Dockerfile" not in done.stdout
    assert b"built by" in done.stderr and b"[r]ewrite, [l]eave as it is, [q]uit" in done.stderr
    assert b"merge-rust . --interactive | git apply" in done.stderr
