"""The server and the project behind the forms of a remote's address."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dockerfix.repo.remote import origin, prefix


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("git@gitlab.example:group/sub/app.git", ("https://gitlab.example", "group/sub/app")),
        ("https://gitlab.example/group/app.git", ("https://gitlab.example", "group/app")),
        ("https://u:p@gitlab.example:8443/group/app", ("https://gitlab.example:8443", "group/app")),
        ("ssh://git@gitlab.example:2222/group/app.git", ("https://gitlab.example", "group/app")),
        ("/srv/git/app.git", None),
        ("../app", None),
    ],
)
def test_an_address(tmp_path: Path, address: str, found: tuple[str, str] | None) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert origin(tmp_path) is None
    subprocess.run(["git", "remote", "add", "origin", address], cwd=tmp_path, check=True)
    assert origin(tmp_path) == found
    (tmp_path / "a").mkdir()
    assert (prefix(tmp_path), prefix(tmp_path / "a")) == ("", "a/")
