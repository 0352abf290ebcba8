"""What decides within a job whether a build runs, or pushes."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot

ACTION = """name: image
runs:
  using: composite
  steps:
    - uses: docker/build-push-action@v6
      with: {context: sdk, push: true, tags: acme/sdk}
"""
WORKFLOW = """on: push
jobs:
  sdk:
    steps:
      - %s
"""
CONDITION = "a condition of its script"


def condition(files: dict[str, str]) -> str:
    facts = Facts(Snapshot.of({"sdk/Dockerfile": "FROM scratch\n", **files}))
    (build,) = facts.builds.builds
    return build.condition


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("uses: ./.github/actions/image", ""),
        ("{uses: ./.github/actions/image, if: github.ref == 'x'}", "github.ref == 'x'"),
        ("{run: docker build --push -t acme/sdk sdk, if: failure()}", "failure()"),
        ("run: docker build --push -t acme/sdk sdk", ""),
    ],
)
def test_a_step(step: str, expected: str) -> None:
    files = {".github/workflows/a.yml": WORKFLOW % step}
    files |= {".github/actions/image/action.yml": ACTION} if "actions/image" in step else {}
    assert condition(files) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("docker build sdk", ""),
        ("cd sdk && docker build .", ""),
        ("if test $A; then docker build sdk; fi", CONDITION),
        ("test $A && docker build sdk", CONDITION),
        ("if test $A; then exit 0; fi; docker build sdk", CONDITION),
        ("if test $A; then exit 1; fi; docker build sdk", ""),
        ("for x in sdk; do docker build $x; done", ""),
    ],
)
def test_a_script(script: str, expected: str) -> None:
    assert condition({"build.sh": script + "\n"}) == expected
