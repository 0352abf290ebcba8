"""The table of builds says what is known and, in the same place, what is not."""

from __future__ import annotations

import json

from dockerfix.facts.repository import Facts
from dockerfix.report.builds_table import render_builds, render_builds_json
from dockerfix.text import Snapshot

CI = """\
build:
  script:
    - docker buildx build --push -t $CI_REGISTRY_IMAGE/a:1 --build-arg A=1 --build-arg B app
    - docker build --target dev -f "$UNSET_ANYWHERE" app
"""


def facts() -> Facts:
    return Facts(Snapshot.of({".gitlab-ci.yml": CI, "app/Dockerfile": "FROM a AS dev\n"}))


def test_a_line_a_build_and_the_reasons_below() -> None:
    found = facts().builds
    assert render_builds(found.builds, found.blind).splitlines() == [
        "2 builds, 1 with unknown values, 0 not followed",
        "",
        ".gitlab-ci.yml",
        "  GitLab job build",
        "    3:7      app/Dockerfile  context app",
        "    4:7      unknown  context app  target dev",
        "      unknown: the Dockerfile holds a variable: ${UNSET_ANYWHERE}",
    ]


def test_verbose_adds_what_a_build_has_several_of() -> None:
    found = facts().builds
    text = render_builds(found.builds, found.blind, verbose=True)
    for line in (
        "arg: A=1", "arg: B (from the caller's environment)",
        "pushed tag: ${CI_REGISTRY_IMAGE}/a:1",
    ):  # fmt: skip
        assert f"      {line}\n" in text, text


def test_documents_and_vendored_files_stand_last_and_lines_fit() -> None:
    ci = (
        "on: push\njobs: {j: {strategy: {matrix: {v: [1, 2]}}, steps: [{uses: "
        "docker/build-push-action@v6, with: {context: ., file: a/very/long/path/to/a/folder/that/"
        "holds/Dockerfile, target: development, tags: '${{ matrix.v }}'}}, "
        "{run: docker build -t x $(pwd)/$(x)}]}}\n"
    )
    files = {
        ".github/workflows/a.yml": ci, "README.md": "`docker build app`\n",
        "vendor/x/b.sh": "docker build .\n", "z/c.sh": "docker build .\n", "app/Dockerfile": "",
    }  # fmt: skip
    found = Facts(Snapshot.of(files)).builds
    lines = render_builds(found.builds, found.blind, missing=("Dockerfile",)).splitlines()
    heads = [line for line in lines if line in files]
    assert heads == [".github/workflows/a.yml", "z/c.sh", "vendor/x/b.sh", "README.md"]
    assert max(map(len, lines)) <= 80
    assert "(2 times)" in " ".join(lines)
    assert "Dockerfile  (does not exist)  context ." in "\n".join(lines)
    assert not any("OPAQUE" in line for line in lines)
    assert any("$(command)" in line for line in lines)


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
    text = render_builds(found.builds, found.blind, verbose=True)
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


def test_places_of_one_reason_stand_together() -> None:
    for count, expected in ((2, "(also in line 2)"), (3, "(also in lines 2, 3)")):
        script = "buildctl build docker\n" * count
        found = Facts(Snapshot.of({"a.sh": script})).builds
        assert expected in " ".join(render_builds(found.builds, found.blind).split())


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
