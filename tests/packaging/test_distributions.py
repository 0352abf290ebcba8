"""The wheel and the sdist as people install them: built offline, installed into an environment
of their own, and run from there.

The environment borrows the dependencies of this one; that each of them is declared is a test of
its own. Nothing here needs a network.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

import pytest

TOP = Path(__file__).parents[2]


def build(source: Path, target: Path, kind: str) -> Path:
    """What hatchling makes of a source tree, without a download."""
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(words, cwd=source, check=True, capture_output=True)
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(TOP, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(TOP, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel, and no source tree."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (borrowed,) = {path for path in sys.path if path.endswith("site-packages")}
    # Files of the borrowed folder are found, its own .pth files are not read: the editable
    # install of this source tree stays out.
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    return folder / "bin"


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (text,) = (d for name, d in contents(wheel).items() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(text)


def run(installed: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed / words[0], *words[1:]], cwd=cwd, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    names = [PurePosixPath(name) for name in contents(wheel)]
    folders = {name.parts[0] for name in names}
    assert {folder.partition("-")[0] for folder in folders} == {"dockerfix", "dockerfix_transforms"}
    for needed in ("dockerfix/py.typed", "dockerfix/findings.md", "dockerfix/schemas/report.json"):
        assert PurePosixPath(needed) in names
    assert [name for name in names if "__pycache__" in name.parts] == []


def test_the_package_page_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    page = metadata(wheel)
    assert page["Description-Content-Type"] == "text/markdown"
    text = page.get_payload()
    assert isinstance(text, str)
    assert "pipx install dockerfix" in text
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


def test_the_sdist_makes_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build(source, tmp_path / "dist", "wheel")
    assert contents(again) == contents(wheel)


def test_the_installed_command_runs_without_the_source_tree(
    installed: Path, tmp_path: Path
) -> None:
    where = run(
        installed, "python", "-c", "import dockerfix; print(dockerfix.__file__)", cwd=tmp_path
    )
    assert Path(where.stdout).is_relative_to(installed.parent)
    (tmp_path / ".dockerfix.toml").write_text("root = true\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "Makefile").write_text("image:\n\tdocker build -t app .\n")
    assert "1 build," in run(installed, "dockerfix", "builds", cwd=tmp_path).stdout
    listed = run(installed, "dockerfix", "--help", cwd=tmp_path).stdout
    transforms = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["entry-points"]
    assert [n for n in transforms["dockerfix.transforms"] if f"\n  {n} " not in listed] == []
    explained = run(installed, "dockerfix", "explain", "left-behind", cwd=tmp_path).stdout
    assert "How to accept it" in explained


def imports() -> Iterator[tuple[str, Path]]:
    """The top-level names that the package imports, anywhere in a module."""
    for folder in ("dockerfix", "transforms"):
        for path in (TOP / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    yield from ((alias.name.partition(".")[0], path) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.partition(".")[0], path


def test_every_import_is_declared() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["gitlab"], *extras["testing"]]
    declared = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in lines}
    own = {"dockerfix", "dockerfix_transforms"}
    provided = packages_distributions()
    undeclared = sorted(
        f"{path.relative_to(TOP)}: {name}"
        for name, path in set(imports())
        if name not in sys.stdlib_module_names | own
        and declared.isdisjoint(d.lower().replace("_", "-") for d in provided.get(name, ()))
    )
    assert undeclared == []


def test_a_release_is_tagged_with_its_version(wheel: Path) -> None:
    """The version stands once, in `dockerfix/__init__.py`; a commit that is tagged as a release
    says the same, and the list of changes has a section of it."""
    version = metadata(wheel)["Version"]
    assert f"\n## {version}\n" in (TOP / "CHANGELOG.md").read_text()
    words = ["git", "-C", str(TOP), "tag", "--points-at", "HEAD", "--list", "v[0-9]*"]
    tags = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    assert tags in ([], [f"v{version}"])
