"""Which commands read history: forms of one program side by side."""

from __future__ import annotations

import pytest

from dockerfix_transforms.gitlab.shallow_clone.history import reads_history

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
    "pnpm -r --filter ...[origin/main] test",
    "pnpm --filter [HEAD~1] build",
    "pnpm -F ...[main] build",
    "ct lint --charts charts/web",
    "docker run --rm quay.io/helmpack/chart-testing ct lint",
    "cargo +nightly release minor",
    "npx lint-staged --diff=main...topic",
    "npx some-tool --base=origin/main",
    "sentry-cli releases set-commits --auto 1.0",
    "npx chromatic",
    "xargs git diff",
    "xargs -a names.txt git log",
    "rush change --verify",
    "infection --git-diff-lines",
    "noseyparker scan .",
    "docker run --rm -v .:/src sonarsource/sonar-scanner-cli",
    "/usr/bin/entrypoint.sh sonar-scanner",
    "dotnet sonarscanner begin /k:x",
    "hugo --enableGitInfo",
    "git submodule foreach --recursive git describe",
    "towncrier check",
    "git checkout main",
    "git switch $CI_DEFAULT_BRANCH",
    "git archive -o release.tar v1.0.0",
    "git ls-tree -r v1.0",
    "git rev-parse --verify refs/heads/main",
    "npx sonarqube-scanner",
    "npx @sonar/scan",
    "dotnet-sonarscanner begin /k:x",
    "sphinx-multiversion docs public",
    "npx jest --lastCommit",
    "npm version from-git",
    "python -m semantic_release version",
    "npx pretty-quick --check --branch main",
    "git log --merges -1 --pretty=format:%s",
    "git log -1 --name-only",
    "git log -1 --format=%P",
    "git log -n 1 --pretty=%D",
    "git show --stat HEAD",
    "git show HEAD",
    "git pull --rebase origin main",
    "git pull origin ${TARGET}",
]
OTHERS = [
    "git checkout -b release",
    "git checkout $CI_COMMIT_REF_NAME",
    "git checkout -- package.json",
    "git checkout package.json",
    "git archive --format=tar HEAD",
    "git rev-parse --show-toplevel",
    "npx pretty-quick --staged",
    "git rev-parse HEAD",
    "git status",
    "git log -1",
    "git log -1 --pretty=%ct",
    "git log -n 1 --date=iso --format=%cd HEAD",
    "git show -s --format=%ci HEAD",
    "git pull",
    "git pull origin ${CI_COMMIT_REF_NAME}",
    "git diff --exit-code",
    "git push origin HEAD",
    "gitleaks dir .",
    "gitleaks detect --no-git",
    "trufflehog filesystem .",
    "atlas migrate apply",
    "lerna run build",
    "turbo run build",
    "npm ci",
    "cargo build --release",
    "cargo build --profile release --locked",
    "dotnet build",
    "pnpm --filter web build",
    "xargs git add",
    "black --diff .",
    "lint-staged",
    "git submodule foreach git status",
    "sentry-cli releases new 1.0",
    "noseyparker report",
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


def test_code_that_is_given_in_a_word() -> None:
    code = 'import subprocess; subprocess.run(["git","describe"])'
    assert reads_history(["python3", "-c", code])
    assert reads_history(["python3", "-c", "print(1)"]) == ""
