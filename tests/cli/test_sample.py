"""The main job on the sample repository, as a person does it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
SAMPLE = Path(__file__).resolve().parents[2] / "sample-repo"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample repository; its own settings say that it is the root."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "sample"))


def pushed(dockerfix: Run, sample: Path) -> Counter[str]:
    """How often each tag is pushed, by every call site."""
    data = json.loads(dockerfix("builds", "--format", "json", cwd=sample).out)
    builds = [build for build in data["builds"] if build["push"]]
    return Counter(tag["text"] for build in builds for tag in build["tags"])


def test_merge_apply_and_nothing_is_left_to_do(dockerfix: Run, sample: Path) -> None:
    before = pushed(dockerfix, sample)
    first = dockerfix("merge-rust", "controlplane/", cwd=sample)
    assert first.code == 0, first.err
    assert dockerfix("merge-rust", "controlplane/", cwd=sample).out == first.out
    subprocess.run(["git", "apply", "-"], cwd=sample, input=first.out, check=True)
    assert not list(sample.glob("controlplane/Dockerfile.[!a]*"))
    second = dockerfix("merge-rust", "controlplane/", cwd=sample)
    assert (second.code, second.out) == (0, b"")
    assert "nothing to do" in second.err
    assert pushed(dockerfix, sample) == before


def test_the_report_has_its_lists(dockerfix: Run, sample: Path) -> None:
    report = dockerfix("merge-rust", "controlplane/", cwd=sample).err
    for heading in ("Files", "Proved", "Next"):
        assert f"\n{heading}\n" in report
    data = json.loads(dockerfix("merge-rust", "controlplane", "--format", "json", cwd=sample).out)
    assert data["outcome"] == "planned"
    assert len(data["proved"]) >= 7
    assert all(finding["what"] for finding in data["findings"])


def test_what_a_merge_imports(environment: dict[str, str], sample: Path) -> None:
    code = (
        "import sys; from dockerfix.cli import run; run(sys.argv[1:]); "
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "merge-rust", "controlplane"],
        cwd=sample, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = set(done.stderr.splitlines())
    assert "dockerfix_transforms.merge_rust" in modules
    for heavy in ("docker", "libcst", "rich", "pygments", "importlib.metadata", "difflib",
                  "dockerfix.testing", "dockerfix.verify", "toys"):  # fmt: skip
        assert heavy not in modules
