"""Jobs of a pipeline run by gitlab-ci-local, a runner that others wrote.

A job's script runs as it is written, in a work tree of its own, with a PATH that holds little
more than our `docker`: nothing else that a script calls leaves the machine. Knows nothing of
dockerfix.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

VERSION = "4.73.0"
"""Newer ones need Node 22."""
_TIMEOUT = 900
"""Seconds for one job. It is killed then: on a cycle of two jobs gitlab-ci-local spins."""
_TOOLS = (
    *("bash", "sh", "git", "node", "awk", "sed", "tr", "cat", "env", "id", "date", "printf"),
    *("mkdir", "rm", "ls", "cp", "sleep"),
)
_OF_THE_EXECUTOR = ("services", "image", "cache", "artifacts", "tags", "retry")
"""Keys that say where a job runs; here it runs in a shell, once."""
_FILE = ".runner.yml"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `docker`: the job, the words behind it, the seconds that it took, what bake
    reads in its files (None for any other call), and what the builder said (rawjson lines)."""

    job: str
    words: tuple[str, ...]
    seconds: float
    code: int
    bake: Mapping[str, Mapping[str, object]] | None
    said: bytes = b""


@dataclass(slots=True)
class Runner:
    """Runs jobs in a Git work tree.

    `program` is gitlab-ci-local, `environment` the one in which the real docker works,
    `variables` are the project's, `scratch` is a folder of the runner's own.
    """

    tree: Path
    program: Path
    environment: Mapping[str, str]
    scratch: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the PATH of the scripts, and the pipeline that a shell can run."""
        tools = self.scratch / "bin"
        tools.mkdir(parents=True, exist_ok=True)
        for name in _TOOLS:
            found = shutil.which(name)
            if found is not None and not (tools / name).exists():
                (tools / name).symlink_to(found)
        # Copies of the tree are for jobs in containers; gitlab-ci-local makes them all the same.
        _program(tools / "rsync", "#!/bin/sh\nexit 0\n")
        script = Path(__file__).with_name("recording_docker.py").read_text(encoding="utf-8")
        _program(tools / "docker", f"#!{sys.executable}\n{script}")
        self.prepare()

    def prepare(self) -> None:
        """Read the pipeline anew, after the tree changed."""
        (self.tree / _FILE).unlink(missing_ok=True)
        expanded = yaml.safe_load(self._run("--preview").partition("---\n")[2])
        for body in expanded.values():
            if isinstance(body, dict):
                for key in _OF_THE_EXECUTOR:
                    body.pop(key, None)
        (self.tree / _FILE).write_text(yaml.safe_dump(expanded, sort_keys=False))

    def jobs(self) -> list[str]:
        """The jobs that run for the work tree's branch and its changes."""
        listed = self._run("--file", _FILE, "--list-json")
        return [job["name"] for job in json.loads(listed[listed.index("[") :])]

    def run(self, *jobs: str, builder: str | None = None, only: Sequence[str] = ()) -> list[Call]:
        """Run the scripts of jobs, several at once; gives their calls of docker.

        With a builder, builds are real and use it, but for those whose context is not among
        `only` (all, when it is empty); without one nothing is built. The jobs must succeed.
        """
        calls = self.scratch / "calls"
        shutil.rmtree(calls, ignore_errors=True)
        calls.mkdir()
        settings = {
            "calls": str(calls),
            "environment": dict(self.environment),
            "builder": builder,
            "only": list(only),
        }
        (self.scratch / "bin" / "docker.json").write_text(json.dumps(settings))
        self._run("--file", _FILE, "--force-shell-executor", *jobs)
        return [_call(path) for path in sorted(calls.glob("*.json"))]

    def _run(self, *words: str) -> str:
        given = [f"--variable={name}={value}" for name, value in self.variables.items()]
        known = f"--ignore-predefined-vars={','.join(self.variables)}"
        killer = shutil.which("timeout") or "timeout"
        command = [killer, "-s", "KILL", str(_TIMEOUT), "node", str(self.program)]
        done = subprocess.run(
            [*command, *given, known, *words],
            cwd=self.tree,
            env={"PATH": str(self.scratch / "bin"), "HOME": str(self.scratch)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


def install(folder: Path, npm_environment: Mapping[str, str]) -> Path:
    """gitlab-ci-local below `folder`, fetched by npm once; gives the program's path."""
    place = folder / f"gitlab-ci-local-{VERSION}"
    program = place / "node_modules" / ".bin" / "gitlab-ci-local"
    if not program.exists():
        scratch = place.with_suffix(".new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(scratch)]
        subprocess.run(
            [*words, f"gitlab-ci-local@{VERSION}"],
            cwd=scratch,
            env=dict(npm_environment),
            check=True,
            capture_output=True,
            timeout=300,
        )
        scratch.rename(place)
    return program


def work_tree(folder: Path) -> None:
    """Make a folder a Git work tree as a clone of a GitLab project has it: one commit, and a
    remote whose default branch is `main`."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "https://gitlab.example.org/group/sample.git")
    commit(folder, "first")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")


def commit(folder: Path, message: str) -> None:
    """Commit everything."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


def git(folder: Path, *words: str) -> None:
    """git, which must succeed."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _call(path: Path) -> Call:
    data = json.loads(path.read_text())
    said = path.with_suffix(".rawjson")
    return Call(
        job=data["job"],
        words=tuple(data["words"]),
        seconds=data["seconds"],
        code=data["code"],
        bake=data["bake"],
        said=said.read_bytes() if said.exists() else b"",
    )
