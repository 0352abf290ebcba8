"""The table of builds says what is known and, in the same place, what is not."""

from __future__ import annotations

import io
import json

from dockerfix.facts.repository import Facts
from dockerfix.report.builds_table import render_builds, render_builds_json, rich_table
from dockerfix.text import Snapshot

CI = """\
build:
  script:
    - docker buildx build --push -t $CI_REGISTRY_IMAGE/a:1 --build-arg A=1 --build-arg B app
    - docker build --target dev -f "$UNSET_ANYWHERE" app
"""


def facts() -> Facts:
    return Facts(Snapshot.of({".gitlab-ci.yml": CI, "app/Dockerfile": "FROM a AS dev\n"}))


def test_rows_are_aligned_and_details_stand_below() -> None:
    found = facts().builds
    lines = render_builds(found.builds, found.blind).splitlines()
    assert lines[0].split() == ["PLACE", "CALL", "SITE", "TOOL", "DOCKERFILE", "CONTEXT", "TARGET"]
    at = lines[0].index("DOCKERFILE")
    assert lines[1][at:].split() == ["app/Dockerfile", "app", "(last", "stage)"]
    assert lines[2:5] == [
        "    arg: A=1",
        "    arg: B (from the caller's environment)",
        "    pushed tag: ${CI_REGISTRY_IMAGE}/a:1",
    ]
    assert lines[5][at:].split() == ["unknown", "app", "dev"]
    assert lines[6].startswith("    unknown: ")


def test_no_build_is_said() -> None:
    assert render_builds([], []) == "No build was found.\n"


def test_json_carries_variables() -> None:
    found = facts().builds
    data = json.loads(render_builds_json(found.builds, found.blind))
    assert data["schema"] == 1
    first, second = data["builds"]
    assert first["tags"][0]["variables"] == ["CI_REGISTRY_IMAGE"]
    assert first["target"] is None
    assert second["dockerfile"] is None
    assert second["unknown"]
    assert data["not_followed"] == []


def test_a_terminal_gets_a_table_that_wraps() -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=60).print(rich_table(facts().builds.builds))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert "app/Dockerfile" in out.getvalue()
