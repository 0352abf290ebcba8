"""The door to all facts of one snapshot: what is read, and when."""

from __future__ import annotations

import pytest

from dockerfix.facts.builds.files.candidates import Candidate, candidate
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.repository import Facts
from dockerfix.text import Entry, Kind, Snapshot

YES = (
    "Dockerfile", "a/Dockerfile", "Dockerfile.api", "Dockerfile-api", "Dockerfile_api",
    "api.Dockerfile", "api.dockerfile", "dockerfile", "Containerfile", "Containerfile.x",
)  # fmt: skip
NO = (
    "Dockerfile.dockerignore", "Dockerfile.md", "Dockerfile.j2", "dockerfile.py", "myDockerfile",
    "Dockerfiles", "Dockerfile/README", "dockerfile_test.go", "Dockerfile.sh", "Dockerfilex",
)  # fmt: skip


@pytest.mark.parametrize("path", YES)
def test_names_of_dockerfiles(path: str) -> None:
    assert is_dockerfile(path)


@pytest.mark.parametrize("path", NO)
def test_names_of_other_files(path: str) -> None:
    assert not is_dockerfile(path)


CANDIDATES = {
    "Makefile": Candidate.MAKE, "a/x.mk": Candidate.MAKE, "Makefile.inc": Candidate.MAKE,
    "a.sh": Candidate.SHELL, "bin/build": Candidate.SHELL, "build": Candidate.SHELL,
    "src/build": Candidate.SHELL,
    "package.json": Candidate.PACKAGE, "a/README.md": Candidate.DOCUMENT,
    ".github/workflows/x.yml": Candidate.WORKFLOW, ".gitea/workflows/x.yaml": Candidate.WORKFLOW,
    ".github/x.yml": Candidate.UNREAD, "action.yml": Candidate.WORKFLOW, "a.py": Candidate.PYTHON,
    "Jenkinsfile": Candidate.UNREAD, "Jenkinsfile.x": Candidate.UNREAD, "a.rs": Candidate.PROGRAM,
    "Dockerfile": None, "docker-bake.hcl": Candidate.BAKE, "x/Tiltfile": Candidate.PYTHON,
    "skaffold.yaml": Candidate.SKAFFOLD, ".hidden": None, "a.": None, "a.go": Candidate.PROGRAM,
    ".circleci/config.yml": Candidate.CI, "Taskfile.yml": Candidate.CI, "justfile": Candidate.JUST,
}  # fmt: skip


@pytest.mark.parametrize("path", CANDIDATES)
def test_candidates(path: str) -> None:
    assert candidate(path) is CANDIDATES[path]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    loads: list[str] = []

    def load(path: str) -> bytes:
        loads.append(path)
        return b""

    paths = ("Dockerfile", "README.md", "a.rs", "a.png", "build.sh", ".gitlab-ci.yml", "x.env")
    facts = Facts(Snapshot({path: Entry(Kind.FILE) for path in paths}, load))
    assert facts.dockerfiles == ("Dockerfile",)
    assert loads == []
    assert facts.builds.builds == ()
    assert set(loads) == {"README.md", "a.rs", "build.sh", ".gitlab-ci.yml", "x.env"}


def test_the_ignore_file_of_a_dockerfile_wins() -> None:
    files = {"app/D": "", "app/.dockerignore": "", "app/D.dockerignore": ""}
    facts = Facts(Snapshot.of(files))
    assert facts.ignore_path("app", "app/D") == "app/D.dockerignore"
    assert facts.ignore_path("app", "app/E") == "app/.dockerignore"
    assert facts.ignore_path("", "app/E") is None
