"""What code of a repository asks git: forms of one call side by side."""

from __future__ import annotations

import pytest

from dockerfix.text import Snapshot
from dockerfix_transforms.gitlab.shallow_clone.history import asked_in_code
from dockerfix_transforms.gitlab.shallow_clone.own_code import OwnCode

ASKING = [
    'subprocess.check_output(["git", "describe", "--tags"])',
    "subprocess.run(['git', '-C', root, 'log'])",
    'subprocess.run(["git", *words])',
    'run(\n    ["git",\n     "rev-list",\n     "HEAD"]\n)',
    "execSync('git log --oneline')",
    "execFileSync('git', args)",
    'Command::new("git").args(["describe"])',
    'exec.Command("git", "log", "-5")',
    "execute_process(COMMAND git describe --tags OUTPUT_VARIABLE version)",
    "tag = `git tag --list`",
    "import git\nimport os\nfrom git import Repo\n",
    "spawn('npx', ['semantic-release'])",
    "commandLine 'git', 'rev-list', '--count', 'HEAD'",
    "execute_process(COMMAND ${GIT_EXECUTABLE} describe --tags OUTPUT_VARIABLE version)",
    "version = run_command(git, 'describe', '--tags').stdout()",
    "VERSION := $(shell $(GIT) describe --tags)",
    "spotless { ratchetFrom 'origin/main' }",
    "repositories { id 'com.palantir.git-version' }",
]
NOT_ASKING = [
    'subprocess.check_output(["git", "rev-parse", "HEAD"])',
    'subprocess.run(["git", "clone", address])',
    'if shutil.which("git") is None: raise SystemExit',
    'tools = ["git", "make", "curl"]',
    '"repository": {"type": "git", "url": "x"}',
    "// git log would tell",
    "ignore = ['.gitignore', '.gitattributes']",
    "plugins: ['@semantic-release/changelog']",
]


@pytest.mark.parametrize("text", ASKING)
def test_it_asks_for_history(text: str) -> None:
    assert list(asked_in_code(text))


@pytest.mark.parametrize("text", NOT_ASKING)
def test_it_does_not(text: str) -> None:
    assert not list(asked_in_code(text))


FILES = {
    "tools/version.py": 'import subprocess\nsubprocess.run(["git", "describe"])\n',
    "build.rs": 'fn main() { Command::new("git").arg("describe"); }\n',
    "src/main.rs": "fn main() {}\n",
    "package.json": '{"scripts": {"notes": "git log"}, "devDependencies": {"git-cliff": "1"}}',
    "vendor/cmd/main.go": 'exec.Command("git", "log")\n',
    "bin/tool": "#!/usr/bin/env python3\n",
}
RUN = ["python3 tools/other.py", "uv run report", "poetry run tool", "python -m app", "cargo check",
       "cargo run -p xtask", "turbo run build", "pnpm --filter web build"]  # fmt: skip
NOT_RUN = ["uv run ruff check", "python3 --version", "cargo fmt", "cargo fetch", "npm ci", "yarn",
           "go test ./...", "uv sync", "python -m pip install tox", "uvx cowsay"]  # fmt: skip


@pytest.mark.parametrize("command", RUN)
def test_it_runs_code_that_asks(command: str) -> None:
    assert OwnCode(Snapshot.of(FILES)).run_by(command.split())


@pytest.mark.parametrize("command", NOT_RUN)
def test_it_runs_no_such_code(command: str) -> None:
    assert OwnCode(Snapshot.of(FILES)).run_by(command.split()) == ""


def test_a_file_has_a_language_by_its_first_line() -> None:
    code = OwnCode(Snapshot.of(FILES))
    assert code.file("bin/tool")
    assert code.file("src/main.tcl") is None


def test_tests_count_for_commands_that_run_them() -> None:
    code = OwnCode(Snapshot.of({"tests/test_git.py": 'run(["git", "log"])\n', "app.py": "\n"}))
    assert code.run_by(["uv", "run", "pytest"])
    assert code.run_by(["python", "app.py"]) == ""
