"""A toy package of transforms, installed in a folder of its own, and ways to run dockerfix."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TOYS = '''
"""Toy transforms."""
import time
from pathlib import Path
from dockerfix.api import Edit, EditSet, Finding, OptionSpec, Proposal, Severity, Span

class Pin:
    """Name the first stage of a Dockerfile.

    What it does
        Names it.
    Why
        To be seen.
    Before
        -- Dockerfile --
        FROM a
    After
        -- Dockerfile --
        FROM a AS pinned
    Safety
        None.
    Call sites
        None.
    """
    name = "pin"
    summary = "Name the first stage of a Dockerfile."
    options = (
        OptionSpec("to", "The new name.", default="pinned", metavar="IMAGE"),
        OptionSpec("keep-old", "Keep a copy.", kind=bool),
        OptionSpec("skip", "Leave these alone.", multiple=True),
        OptionSpec("via", "How.", default="tag", choices=("tag", "digest")),
    )
    def propose(self, facts, paths, options):
        path = "/".join(part for part in (paths[0], "Dockerfile") if part)
        tree = facts.dockerfile(path)
        image = tree.stages[0].from_.image
        place = tree.source.place(image.span)
        if image.raw == "refused":
            told = "an odd base", "it is odd", "use another"
            finding = Finding(Severity.REFUSE, "odd-base", *told, place)
            return Proposal(findings=(finding,), refused=True)
        if options["to"] in (tree.stages[0].name, image.raw):
            return Proposal(reason="it is pinned already")
        created = {path + ".old": tree.source.data} if options["keep-old"] else {}
        told = "the new base is the same", "", "look"
        finding = Finding(Severity.ASSUME, "same-base", *told, place)
        end = Span(image.span.end, image.span.end)
        edits = {path: EditSet.of([Edit(end, f" AS {options['to']}".encode())])}
        summary = (f"Pinned to {options['to']}.",)
        return Proposal(edits=edits, created=created, findings=(finding,), summary=summary)

class Wrong(Pin):
    """Lose a comment."""
    name = "wrong"
    def propose(self, facts, paths, options):
        tree = facts.dockerfile("Dockerfile")
        edits = {"Dockerfile": EditSet.of([Edit(tree.items[0].span, b"")])}
        return Proposal(edits=edits)

class Explode(Pin):
    """Raise."""
    name = "explode"
    def propose(self, facts, paths, options):
        raise RuntimeError("a\\nbug")

class Sleep(Pin):
    """Say that it runs, and sleep."""
    name = "sleep"
    def propose(self, facts, paths, options):
        Path("started").touch()
        time.sleep(30)
'''

ENTRY_POINTS = """\
[dockerfix.transforms]
pin = toys:Pin
wrong = toys:Wrong
explode = toys:Explode
sleep = toys:Sleep
broken = no_such_module:Broken
twice = toys:Pin
"""


@dataclass(frozen=True)
class Result:
    """What a process left behind."""

    code: int
    out: bytes
    err: str


Run = Callable[..., Result]


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the toy package and another one that claims a name twice."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "toys.py").write_text(TOYS)
    for name, text in (
        ("toy-pack", ENTRY_POINTS),
        ("other-pack", "[dockerfix.transforms]\ntwice = toys:Pin\n"),
    ):
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(text)
    return folder


@pytest.fixture
def environment(toys: Path) -> dict[str, str]:
    """The environment of a process of its own: the toys installed, no colour forced."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "PYTHONPATH")}
    path = os.pathsep.join([str(toys), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, "TERM": "xterm"}


@pytest.fixture
def dockerfix(
    toys: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Iterator[Run]:
    """Run dockerfix in this process, in the repository (or in `cwd`)."""
    from dockerfix.cli import run
    from dockerfix.cli.application import application

    monkeypatch.syspath_prepend(toys)

    def here(*arguments: str, cwd: Path = repository, **environment: str) -> Result:
        # The registry is read once a process; another test may have had other packages.
        application.__dict__.pop("registry", None)
        capfdbinary.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run(arguments)
        out, err = capfdbinary.readouterr()
        return Result(code, out, err.decode())

    yield here
    application.__dict__.pop("registry", None)


def git(
    folder: Path, *arguments: str, input: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """git, which must succeed."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, input=input)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A committed work tree with one Dockerfile, CRLF and without a final newline."""
    folder = tmp_path / "repository"
    (folder / "app").mkdir(parents=True)
    (folder / "Dockerfile").write_bytes(b"# why\nFROM a\nRUN b\n")
    (folder / "app" / "Dockerfile").write_bytes(b"FROM a\r\nRUN b")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder
