"""What tells of the past: by the name of a file, its folder, or the heading above."""

from __future__ import annotations

import pytest

from dockerfix.facts.past import is_past, tells_of_the_past
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot, Source


@pytest.mark.parametrize(
    ("path", "past"),
    [
        ("CHANGELOG.md", True),
        ("docs/changelog.rst", True),
        ("CHANGES", True),
        ("server/HISTORY.txt", True),
        ("Release_Notes.md", True),
        ("docs/adr/0003-one-image.md", True),
        ("doc/architecture/decisions/0001-record.md", True),
        ("changelog.d/12.fixed.md", True),
        ("blog/2024-03-01-images.md", True),
        ("RELEASING.md", False),
        ("release.sh", False),
        ("changes.yml", False),
        ("docs/news.html", False),
        ("changelog.d/build.sh", False),
        ("README.md", False),
        ("docs/2024/deploy.md", False),
    ],
)
def test_files(path: str, past: bool) -> None:
    assert is_past(path) is past


@pytest.mark.parametrize(
    ("heading", "past"),
    [
        ("## 1.2.0", True),
        ("## [v1.2.0-rc.1](https://example.org) (2024-01-02)", True),
        ("## Version 2.3", True),
        ("## 2024-01-31", True),
        ("## Moved on 31/01, decided 2024-01-31", True),
        ("## March 3, 2024", True),
        ("## Change log", True),
        ("Release notes\n-------------", True),
        ("## Deploy", False),
        ("## Rust 1.90", False),
        ("## Release", False),
        ("## May 2 images be built?", False),
        ("## Git history", False),
    ],
)
def test_sections(heading: str, past: bool) -> None:
    text = f"# Title\n\nbefore\n\n{heading}\n\n### Added\n\ninside\n\n## Build\n\nbehind\n"
    source = Source("README.md", text.encode())
    assert tells_of_the_past(source, text.index("inside")) is past
    assert not tells_of_the_past(source, text.index("before"))
    assert not tells_of_the_past(source, text.index("behind"))
    assert not tells_of_the_past(Source("run.py", text.encode()), text.index("inside"))


def test_nobody_runs_what_was() -> None:
    text = "# Build\n\n    docker build a\n\n## 2024-01-31\n\n    docker build b\n"
    builds = Facts(Snapshot.of({"README.md": text})).builds.builds
    assert [build.context for build in builds] == ["a"]
