"""What `--format json` says of real outcomes fits the published schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dockerfix.cli.transform import read_arguments
from dockerfix.engine.registry import Registry
from dockerfix.report.json_ import render_json
from dockerfix.report.json_model import report_schema
from dockerfix.report.report import Report
from dockerfix.testing.case import read_case
from dockerfix.testing.pipeline import run_transform
from dockerfix.text import normalise_path

CASES = sorted((Path(__file__).parents[1] / "transforms" / "cases").glob("*/*.case"))
FIRST = {path.parent.name: path for path in reversed(CASES)}
FEW = sorted({*CASES[::15], *FIRST.values()})
"""Each report takes a whole run; these come from every transform."""


@pytest.fixture(scope="module")
def form() -> Draft202012Validator:
    Draft202012Validator.check_schema(report_schema())
    return Draft202012Validator(report_schema())


@pytest.mark.parametrize("path", FEW, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_report_of_a_case(path: Path, form: Draft202012Validator) -> None:
    case = read_case(path)
    transform = Registry.installed().load(case.transform)
    paths, options = read_arguments(transform, case.arguments[1:])
    asked = [normalise_path(name) or "" for name in paths]
    outcome = run_transform(transform, case.tree.snapshot(), asked, options)
    report = Report("dockerfix", transform.name, outcome, dict.fromkeys(options["accept"], ""))
    data = json.loads(render_json(report))
    assert [*form.iter_errors(data)] == []
    assert data["outcome"] == report.kind


def test_the_schema_tells_a_wrong_report(form: Draft202012Validator) -> None:
    assert not form.is_valid({"schema": 1, "dockerfix": "1.0"})
    assert not form.is_valid({"schema": "1", "dockerfix": "1.0", "reports": [], "checks": []})
    assert form.is_valid({"schema": 1, "dockerfix": "1.0", "reports": [], "checks": []})
