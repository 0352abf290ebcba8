"""Which commands read history: forms of one program side by side."""

from __future__ import annotations

import pytest

from dockerfix_transforms.gitlab.history import reads_history

READERS = [
    "git log",
    "git describe --tags",
    "git diff origin/main...HEAD",
    "git -C web rev-list HEAD",
    "gitleaks detect --source .",
    "gitleaks git",
    "trufflehog git file://.",
    "npx --yes semantic-release@25",
    "npx @commitlint/cli --from main",
    "nx affected -t build",
    "turbo run build --filter=[main]",
    "atlas migrate lint --git-base main",
    "docker run --rm -v .:/src zricethezav/gitleaks:latest detect",
    "python -m setuptools_scm",
    "mvn verify sonar:sonar",
    "eslint --changed-since $CI_MERGE_REQUEST_DIFF_BASE_SHA",
]
OTHERS = [
    "git rev-parse HEAD",
    "git status",
    "git log -1",
    "git diff --exit-code",
    "git push origin HEAD",
    "gitleaks dir .",
    "gitleaks detect --no-git",
    "trufflehog filesystem .",
    "atlas migrate apply",
    "lerna run build",
    "turbo run build",
    "npm ci",
    "docker run --rm node:22 npm test",
]


@pytest.mark.parametrize("command", READERS)
def test_it_reads_history(command: str) -> None:
    assert reads_history(command.split())


@pytest.mark.parametrize("command", OTHERS)
def test_it_looks_at_one_commit(command: str) -> None:
    assert reads_history(command.split()) == ""


def test_a_tolerated_describe_may_fail() -> None:
    assert reads_history(["git", "describe", "--always"])
    assert reads_history(["git", "describe", "--always"], tolerated=True) == ""
