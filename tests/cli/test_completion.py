"""Completion: what click is asked for, and what the shells that are there make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

SHELLS = ("bash", "zsh", "fish")

# Press the tab key: load the script, fill in what the shell would, and print what it proposes.
# The functions are click's; zsh's `compadd`, which works in an editor only, is replaced.
PRESS = {
    "bash": """
        eval "$(dockerfix completion bash)"
        function_name=$(complete -p dockerfix | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $function_name dockerfix
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "zsh": """
        autoload -Uz compinit; compinit -D
        eval "$(dockerfix completion zsh)"
        compadd() {{ print -l -- "${{(P@)@[-1]}}" }}
        words=({words}); CURRENT=${{#words}}
        $_comps[dockerfix]
    """,
    "fish": """
        dockerfix completion fish | source
        complete --do-complete "{line}"
    """,
}


def asked(dockerfix_bin: Path, *words: str) -> list[str]:
    """What click answers to a shell that completes the last of the words."""
    line = " ".join(["dockerfix", *words])
    environment = {
        **os.environ, "_DOCKERFIX_COMPLETE": "bash_complete", "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    done = subprocess.run(
        [dockerfix_bin], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def dockerfix_bin() -> Path:
    return Path(sys.executable).parent / "dockerfix"


def test_commands_and_transforms(dockerfix_bin: Path) -> None:
    answer = asked(dockerfix_bin, "me")
    assert answer == ["plain,merge-go", "plain,merge-rust", "plain,metrics"]


def test_options_and_what_they_take(dockerfix_bin: Path) -> None:
    assert "plain,--into" in asked(dockerfix_bin, "merge-rust", "--i")
    assert "plain,sarif" in asked(dockerfix_bin, "merge-rust", "--format", "s")
    assert asked(dockerfix_bin, "merge-rust", "--accept", "plain") == ["plain,plain-docker-build"]
    assert asked(dockerfix_bin, "check", "--skip", "cook") == ["plain,cook-not-used"]
    assert asked(dockerfix_bin, "plan", "--only", "merge-r") == ["plain,merge-rust"]


def test_explain_completes_transforms_and_findings(dockerfix_bin: Path) -> None:
    answer = asked(dockerfix_bin, "explain", "pla")
    assert "plain,plain-docker-build" in answer


@pytest.mark.parametrize("command", ["merge-rust", "check", "builds", "graph", "metrics", "verify"])
def test_paths_are_left_to_the_shell(dockerfix_bin: Path, command: str) -> None:
    assert asked(dockerfix_bin, command, "so") == ["file,so"]


def test_a_broken_plug_in_breaks_no_completion(
    environment: dict[str, str], repository: Path, dockerfix_bin: Path
) -> None:
    done = subprocess.run(
        [dockerfix_bin], capture_output=True, text=True, check=False, cwd=repository,
        env={**environment, "_DOCKERFIX_COMPLETE": "fish_complete", "COMP_WORDS": "dockerfix ",
             "COMP_CWORD": "b"},
    )  # fmt: skip
    assert done.stderr == ""
    assert "plain,broken" in done.stdout
    assert "plain,builds\tEvery image build" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(dockerfix: Run, shell: str) -> None:
    result = dockerfix("completion", shell)
    assert result.code == 0
    assert f"_DOCKERFIX_COMPLETE={shell}_complete".encode() in result.out


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_loads_it(dockerfix_bin: Path, tmp_path: Path, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed here")
    line = "dockerfix check --skip cook"
    script = PRESS[shell].format(words=line, line=line)
    done = subprocess.run(
        [found, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path),
             "PATH": f"{dockerfix_bin.parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split()[0] == "cook-not-used"
