"""`dockerfix mr`: what is printed without --publish, and the whole way to a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, git


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "forge")
    monkeypatch.delitem(sys.modules, "fake", raising=False)
    import fake  # type: ignore[import-not-found]  # a module beside its tests

    return fake


def test_without_publish_nothing_is_sent(dockerfix: Run, repository: Path) -> None:
    git(repository, "remote", "add", "origin", "git@gitlab.example:group/app.git")
    result = dockerfix("mr", "--only", "pin")
    assert result.code == 0
    note = result.out.decode()
    assert note.startswith("| change | what it brings |")
    assert "| `dockerfix pin .` | Pinned to pinned. | 1 | " in note
    assert "**Assumed: please look at these**" in note
    assert "```diff" not in note
    assert "https://gitlab.example/group/app, branch dockerfix/series" in result.err
    assert "commit: Apply pin to . (1 file)" in result.err


def test_a_series_reaches_the_server(dockerfix: Run, repository: Path, fakes: Any) -> None:
    files = {"Dockerfile": (repository / "Dockerfile").read_bytes()}
    fake = fakes.FakeGitLab(files)
    with fakes.serving(fake) as url:
        words = ("mr", "--only", "pin", "--publish", "--url", url, "--project", "group/app")
        result = dockerfix(*words, GITLAB_TOKEN="secret")
        assert result.code == 0, result.err
        assert result.out == b"http://gitlab.example/mr/1\n"
        again = dockerfix(*words, GITLAB_TOKEN="secret")
        assert "holds this series already" in again.err
        wrong = dockerfix(*words, GITLAB_TOKEN="bad-4711")
    assert wrong.code == 2
    assert "the token is not accepted" in wrong.err
    assert "4711" not in wrong.err
    head = fake.commits[fake.branches["dockerfix/series"]]
    assert b"FROM a AS pinned" in head["files"]["Dockerfile"]
    assert "Dockerfix-Series: " in head["message"]
    assert fake.requests[0]["title"] == "Refactor the image builds: pin"
    assert len(fake.notes) == 1


def test_what_is_missing_is_said(dockerfix: Run, repository: Path) -> None:
    assert "--project" in dockerfix("mr", "--only", "pin", "--publish").err
    given = ("--url", "https://gitlab.example", "--project", "group/app")
    result = dockerfix("mr", "--only", "pin", "--publish", *given, GITLAB_TOKEN="")
    assert result.code == 64
    assert "GITLAB_TOKEN holds no token" in result.err
    assert "nothing to do" in dockerfix("mr", "--skip", "pin", "--only", "pin").err
