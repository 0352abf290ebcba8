"""The help teaches: examples, exit codes, what a transform does; and it loads nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockerfix import __version__

Run = Callable[..., Any]


def test_the_first_help(dockerfix: Run) -> None:
    printed = dockerfix("--help").out.decode()
    text = " ".join(printed.split())
    for taught in (
        "dockerfix merge-rust controlplane/ | git apply",
        "Exit codes:",
        " pin Name the first stage of a Dockerfile. ",
        " builds Every image build that was found, and where it is asked for. ",
        "the transform twice is claimed by other-pack and toy-pack",
    ):
        assert taught in text
    assert dockerfix("-h").out.decode() == printed


def test_help_does_not_load_what_it_lists(dockerfix: Run) -> None:
    # `broken` cannot be imported at all, and is listed like the others.
    result = dockerfix("--help")
    assert result.code == 0
    assert "broken" in result.out.decode()
    assert result.err == ""


def test_a_transforms_help_keeps_its_own_options_apart(dockerfix: Run) -> None:
    text = dockerfix("pin", "--help").out.decode()
    own, common = text.split("Common options:")
    assert "Options of pin:" in own
    assert "--to IMAGE" in own
    assert "The new name. Default: pinned." in own
    assert "--via [tag|digest]" in own
    assert "--write" in common
    assert "dockerfix explain pin" in common


def test_version(dockerfix: Run) -> None:
    assert dockerfix("--version").out == f"dockerfix {__version__}\n".encode()


def test_explain(dockerfix: Run) -> None:
    text = dockerfix("explain", "pin").out.decode()
    assert text.startswith("dockerfix pin\n\nName the first stage of a Dockerfile.\n")
    assert "\nBefore\n  -- Dockerfile --\n  FROM a\n" in text
    assert "\nOptions\n  --to: The new name. Default: pinned.\n" in text
    result = dockerfix("explain", "pni")
    assert result.code == 64
    assert "no transform is called pni; there are:" in result.err


def test_without_arguments_it_helps(dockerfix: Run) -> None:
    result = dockerfix()
    assert "Exit codes:" in result.out.decode() + result.err


HEAVY = (
    "docker", "libcst", "rich", "yaml", "tree_sitter", "dockerfile_parse", "pygments",
    "importlib.metadata", "dockerfix_transforms.merge_rust", "toys", "hypothesis",
    "dockerfix.testing", "dockerfix.verify", "e2b_dockerfile_utils",
)  # fmt: skip


def loaded(arguments: list[str], folder: Path, environment: dict[str, str]) -> set[str]:
    """The modules that a run of dockerfix leaves imported."""
    import subprocess
    import sys

    code = (
        "import sys; from dockerfix.cli import run; run(sys.argv[1:]); "
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.splitlines())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["explain", "--help"]])
def test_help_imports_nothing_heavy(
    environment: dict[str, str], repository: Path, arguments: list[str]
) -> None:
    modules = loaded(arguments, repository, environment)
    assert "dockerfix.cli.application" in modules
    assert not modules.intersection(HEAVY)


def test_a_run_imports_only_what_it_needs(environment: dict[str, str], repository: Path) -> None:
    modules = loaded(["pin"], repository, environment)
    assert "toys" in modules
    for heavy in ("docker", "libcst", "rich", "pygments", "importlib.metadata", "difflib",
                  "tree_sitter", "dockerfix.testing"):  # fmt: skip
        assert heavy not in modules
