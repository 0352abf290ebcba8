"""`dockerfix init` and `dockerfix schema`: a settings file to begin with, and what checks it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dockerfix.engine.registry import Registry
from dockerfix.repo.settings import read_settings

from .conftest import Run

TOP = Path(__file__).parents[2]
CASES = TOP / "tests" / "transforms" / "cases"


def schema(dockerfix: Run, name: str) -> Draft202012Validator:
    data = json.loads(dockerfix("schema", name).out)
    Draft202012Validator.check_schema(data)
    return Draft202012Validator(data)


def test_init_writes_settings_that_are_read(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("init")
    assert result.code == 0
    assert str(repository / ".dockerfix.toml") in result.err
    text = (repository / ".dockerfix.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["root"] is True
    assert '[pin]\n# The new name.\n# to = "pinned"\n# Keep a copy.\n# keep-old = false\n' in text
    assert dockerfix("builds").code == 0


def test_each_example_of_init_is_a_setting(dockerfix: Run, repository: Path) -> None:
    dockerfix("init")
    file = repository / ".dockerfix.toml"
    text = re.sub(r'^# ("?[\w@-]+"? = )', r"\1", file.read_text(encoding="utf-8"), flags=re.M)
    file.write_text(text, encoding="utf-8")
    registry = Registry.installed()
    settings = read_settings(repository, registry.names)
    assert settings.exclude
    for name in sorted({"pin", "merge-rust", "slim-context", "remote-cache"}):
        transform = registry.load(name)
        read = settings.options(name, transform.options)
        assert read.keys() == {spec.name for spec in transform.options}
        assert settings.accepted(name)
    assert [*schema(dockerfix, "settings").iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize("there", [".dockerfix.toml", "pyproject.toml"])
def test_init_never_overwrites(dockerfix: Run, repository: Path, there: str) -> None:
    file = repository / there
    before = "exclude = []\n" if there == ".dockerfix.toml" else "[tool.dockerfix]\nexclude = []\n"
    file.write_text(before)
    result = dockerfix("init")
    assert result.code == 2
    assert f"{there}: holds settings already" in result.err
    assert file.read_text() == before
    assert sorted(p.name for p in repository.glob("*.toml")) == [there]


def test_init_goes_where_it_is_sent(dockerfix: Run, repository: Path) -> None:
    (repository / "below").mkdir()
    assert dockerfix("init", "below").code == 0
    assert (repository / "below" / ".dockerfix.toml").is_file()
    assert not (repository / ".dockerfix.toml").exists()


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ('root = "yes"', "root"),
        ("exclude = 1", "exclude"),
        ("[pin]\nno-such = 1", "pin"),
        ('[pin]\nvia = "other"', "via"),
        ('[pin]\nskip = "one"', "skip"),
        ('[pin.accept]\nsame-base = " "', "same-base"),
        ("[no-such-transform]", ""),
        ("accept = {}", ""),
    ],
)
def test_the_schema_and_dockerfix_refuse_the_same(
    dockerfix: Run, repository: Path, settings: str, wrong: str
) -> None:
    (repository / ".dockerfix.toml").write_text(settings)
    assert dockerfix("pin").code == 64
    errors = [*schema(dockerfix, "settings").iter_errors(tomllib.loads(settings))]
    assert errors
    assert wrong == "" or any(wrong in map(str, error.absolute_path) for error in errors)


def test_the_settings_of_the_readme_fit_the_schema(dockerfix: Run) -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        assert [*schema(dockerfix, "settings").iter_errors(tomllib.loads(example))] == []


def test_the_reports_fit_the_schema(dockerfix: Run, repository: Path) -> None:
    form = schema(dockerfix, "report")
    outcomes = set()
    for transform in ("pin", "wrong"):
        data: dict[str, Any] = json.loads(dockerfix(transform, "--format", "json").out)
        assert [*form.iter_errors(data)] == []
        outcomes.add(data["outcome"])
    (repository / "Dockerfile").write_text("FROM refused\n")
    for arguments in (("pin",), ("pin", "--to", "refused"), ("check", "--only", "pin")):
        data = json.loads(dockerfix(*arguments, "--format", "json").out)
        assert [*form.iter_errors(data)] == []
        outcomes.add(data.get("outcome", "series"))
    assert outcomes == {"planned", "check-failed", "refused", "series"}
    assert [*form.iter_errors({"schema": 1, "dockerfix": "1"})]
