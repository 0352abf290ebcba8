"""Bake's reading against ours, with a `docker` that prints what the test says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot
from dockerfix.verify.buildx import Buildx
from dockerfix.verify.concern import Orders
from dockerfix.verify.copies import Copies
from dockerfix.verify.errors import ReadingError
from dockerfix.verify.reading import check_bake_files
from dockerfix.verify.recipe import Order
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables

FILES = {
    ".gitlab-ci.yml": "all: {script: [docker buildx bake --file app/docker-bake.hcl --push]}\n",
    "app/docker-bake.hcl": """\
variable "CI_REGISTRY_IMAGE" { default = "" }
target "default" {
  context    = "app"
  dockerfile = "Dockerfile.all"
  target     = "release"
  tags       = ["${CI_REGISTRY_IMAGE}/app:1"]
  args       = { A = "b" }
}
""",
    "app/Dockerfile.all": "FROM scratch AS release\n",
}
READ = {
    "context": "app",
    "dockerfile": "Dockerfile.all",
    "target": "release",
    "args": {"A": "b"},
    "tags": ["ci-registry-image/app:1"],
}


def check(tmp_path: Path, printed: object) -> None:
    """Compare with a bake that prints one target; it notes its variables."""
    for side in Side:
        (tmp_path / side.value).mkdir()
    program = tmp_path / "docker"
    target = json.dumps({"target": {"default": printed}})
    program.write_text(f"#!/bin/sh\necho $* > {tmp_path}/words\necho $CI_REGISTRY_IMAGE > "
                       f"{tmp_path}/variable\necho '{target}'\n")  # fmt: skip
    program.chmod(0o755)
    variables = Variables()
    found = Orders(Facts(Snapshot.of(FILES)), variables).all()
    orders = [order for order in found if isinstance(order, Order)]
    assert len(orders) == 1
    copies = Copies(tmp_path / "before", tmp_path / "after", frozenset(), ())
    buildx = Buildx({"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    check_bake_files(orders, Side.AFTER, copies, buildx, variables)


def test_the_same_reading_is_fine(tmp_path: Path) -> None:
    check(tmp_path, READ)
    words = (tmp_path / "words").read_text().split()
    assert words == ["buildx", "bake", "--print", "--file", "app/docker-bake.hcl", "default"]
    assert (tmp_path / "variable").read_text() == "ci-registry-image\n"


@pytest.mark.parametrize(
    "other",
    [{"target": "debug"}, {"dockerfile": "Dockerfile"}, {"context": "."}, {"args": {"A": "c"}}],
)
def test_another_reading_is_a_bug(tmp_path: Path, other: dict[str, object]) -> None:
    with pytest.raises(ReadingError, match=r"app/docker-bake.hcl:2:1: bake reads .* of target"):
        check(tmp_path, {**READ, **other})
