"""Pipelines as gitlab-ci-local expands them, against what dockerfix reads: the sample and every
case with a pipeline, job by job and value by value, as `--preview` and `--list-json` say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lab.lab import Lab
from runner.gitlab import install, work_tree
from runner.reading import (
    differences,
    listed_by_gitlab_ci_local,
    listed_by_us,
    make_tools,
    read_by_gitlab_ci_local,
    read_by_us,
)

from dockerfix.facts.gitlab.pipeline import ROOT, find_pipeline
from dockerfix.testing.case import read_case
from dockerfix.text import Snapshot

pytestmark = pytest.mark.engine

TESTS = Path(__file__).parents[1]
CASES = TESTS / "transforms" / "cases"
REFUSED = {
    "could not be fetched": "a template of GitLab's, which is not here",
    "Could not resolve host": "a file of another project",
    "YAMLException": "the file is no YAML",
    "not found for": "a stage that is not listed; GitLab refuses it too",
    "contains non string value": "a script of `true` without quotes; GitLab refuses it too",
    "Error attempting to evaluate": "a rule that nobody can read; GitLab refuses it too",
    "needs: [": "a need that it does not know, such as one of a single run of a matrix",
}
"""What gitlab-ci-local says of the pipelines that it does not take, and why."""


@pytest.fixture(scope="module")
def program(lab: Lab) -> Path:
    """gitlab-ci-local."""
    return install(lab.folder / "parts", os.environ)


def pipelines() -> Iterator[tuple[str, Snapshot]]:
    """The cases with a pipeline; of those with the same YAML files the first."""
    seen: set[tuple[tuple[str, bytes], ...]] = set()
    for path in sorted(CASES.rglob("*.case")):
        snapshot = read_case(path).tree.snapshot()
        yaml = tuple((p, snapshot.read(p)) for p in snapshot.paths if p.endswith((".yml", ".yaml")))
        if ROOT in snapshot and yaml not in seen:
            seen.add(yaml)
            yield f"{path.parent.name}/{path.stem}", snapshot


def compared(
    snapshot: Snapshot, tree: Path, program: Path, tools: Path
) -> list[tuple[str, str, object, object]] | str:
    """The differences, or why gitlab-ci-local does not take the pipeline."""
    try:
        expanded = read_by_gitlab_ci_local(tree, program, tools)
        listed = listed_by_gitlab_ci_local(tree, program, tools)
    except ValueError as error:
        return str(error)
    pipeline = find_pipeline(snapshot)
    assert pipeline is not None
    return [
        *differences(read_by_us(pipeline), expanded),
        *differences(listed_by_us(pipeline), listed),
    ]


def test_the_sample(program: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(TESTS.parent / "sample-repo", tree)
    work_tree(tree)
    files = {ROOT: (tree / ROOT).read_text()}
    assert compared(Snapshot.of(files), tree, program, make_tools(tmp_path / "bin")) == []


def test_every_case(program: Path, tmp_path: Path) -> None:
    tools = make_tools(tmp_path / "bin")

    def of(case: tuple[str, Snapshot]) -> tuple[str, list[tuple[str, str, object, object]] | str]:
        name, snapshot = case
        tree = tmp_path / name
        for path in snapshot.paths:
            if path.endswith((".yml", ".yaml")):
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_bytes(snapshot.read(path))
        work_tree(tree)
        return name, compared(snapshot, tree, program, tools)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(pool.map(of, pipelines()))
    refused = {name: said for name, said in found.items() if isinstance(said, str)}
    unexplained = {n: said for n, said in refused.items() if not any(k in said for k in REFUSED)}
    assert unexplained == {}
    assert {n: unequal for n, unequal in found.items() if unequal and n not in refused} == {}
    assert len(found) - len(refused) > 150
