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


def test_everything_that_a_build_may_have_several_of_is_listed() -> None:
    ci = """\
variables: {TAG: "1"}
build:
  parallel: {matrix: [{ARCH: [arm64, amd64]}]}
  script:
    - |
      image() {
        docker buildx build --platform "$1" --secret id=npm --build-context lib=../lib \\
          --cache-from type=registry,ref=a --cache-to type=inline -t a:$TAG app
      }
      image "linux/$ARCH"
"""
    files = {".gitlab-ci.yml": ci, "app/Dockerfile": "FROM a\n"}
    found = Facts(Snapshot.of(files)).builds
    text = render_builds(found.builds, found.blind)
    for line in (
        "through: image", "called at: .gitlab-ci.yml:10:7", "tag: a:1", "secret: id=npm",
        "cache from: type=registry,ref=a", "cache to: type=inline", "named context: lib=../lib",
        "platform: linux/arm64", "platform: linux/amd64",
    ):  # fmt: skip
        assert f"    {line}\n" in text, text


def test_what_could_not_be_followed_stands_below() -> None:
    ci = "include: https://example.org/ci.yml\nbuild:\n  script: docker build -t a .\n"
    found = Facts(Snapshot.of({".gitlab-ci.yml": ci, "Dockerfile": "FROM a\n"})).builds
    text = render_builds(found.builds, found.blind)
    assert "\nNOT FOLLOWED\n.gitlab-ci.yml:1:" in text
    assert json.loads(render_builds_json(found.builds, found.blind))["not_followed"]


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
