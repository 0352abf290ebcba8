"""Jobs on cold builders: what is called, and how what the builders say is added up."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot
from dockerfix.traces.steps import Steps
from dockerfix.verify.buildx import Buildx
from dockerfix.verify.concern import Orders
from dockerfix.verify.copies import Copies
from dockerfix.verify.measure import Stopwatch, jobs_of, work_of
from dockerfix.verify.recipe import Order
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables

CI = """\
stages: [build, release]
one:
  stage: build
  script:
    - docker buildx build --tag $CI_REGISTRY_IMAGE/a:$SLUG --push
      --cache-from type=registry,ref=$CI_REGISTRY_IMAGE/a:cache --cache-from type=gha
      --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/a:cache,mode=max a
    - docker buildx build --tag $CI_REGISTRY_IMAGE/b b
all:
  stage: release
  script:
    - docker buildx bake --file docker-bake.hcl --push
"""
BAKE = """\
group "default" { targets = ["x", "y"] }
target "x" {
  context = "a"
  tags = ["host:5000/x:1"]
}
target "y" { context = "b" }
"""
FILES = {
    ".gitlab-ci.yml": CI,
    "docker-bake.hcl": BAKE,
    "a/Dockerfile": "FROM scratch",
    "b/Dockerfile": "FROM scratch",
    "README.md": "```sh\ndocker build a\n```\n",
}


def orders(files: dict[str, str]) -> list[Order]:
    found = Orders(Facts(Snapshot.of(files)), Variables()).all()
    return [order for order in found if isinstance(order, Order)]


def test_builds_stand_in_the_jobs_and_calls_that_make_them() -> None:
    jobs = {job.name: [len(call) for call in job.calls] for job in jobs_of(orders(FILES))}
    assert jobs == {"one": [1, 1], "all": [2]}


def test_without_a_pipeline_what_one_file_asks_for_is_one_job() -> None:
    compose = "services:\n  a: {build: a}\n  b: {build: b}\n"
    files = {**FILES, "docker-compose.yml": compose}
    del files[".gitlab-ci.yml"], files["docker-bake.hcl"]
    assert [(job.name, [len(call) for call in job.calls]) for job in jobs_of(orders(files))] == [
        ("docker-compose.yml", [2])
    ]


@dataclass
class Builders:
    """Builders that are only names."""

    lent: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        name = f"cold-{len(self.lent)}"
        self.lent.append(name)
        try:
            yield name
        finally:
            self.returned.append(name)


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    for side in Side:
        (tmp_path / side.value).mkdir()
    return Copies(tmp_path / "before", tmp_path / "after", frozenset(), ())


def stopwatch(copies: Copies, builders: Builders, registry: str = "") -> Stopwatch:
    """One whose `docker` notes each definition under the builder's name and compiles a crate."""
    here = copies.before.parent
    logs = base64.b64encode(b"   Compiling serde v1\n").decode()
    status = {
        "vertexes": [{"digest": "d", "name": "[x 1/1] RUN cargo chef cook"}],
        "logs": [{"vertex": "d", "data": logs}],
    }
    program = here / "docker"
    program.write_text(
        "#!/bin/sh\nwhile [ $1 != --builder ]; do shift; done\n"
        f"here={here}/$2\n[ -p /dev/stdin ] && cat >> $here\necho '{json.dumps(status)}' >&2\n"
    )
    program.chmod(0o755)
    buildx = Buildx({"PATH": f"{here}:{os.environ['PATH']}"})
    return Stopwatch(buildx, copies, builders, Variables(), "run", registry)


def test_each_job_has_a_builder_of_its_own(copies: Copies) -> None:
    builders = Builders()
    facts = Facts(Snapshot.of(FILES))
    found = {side: orders(FILES) for side in Side}
    pipelines = dict.fromkeys(Side, facts.pipeline)
    (measured,) = stopwatch(copies, builders).measure(found, pipelines)
    assert builders.lent == builders.returned == [f"cold-{n}" for n in range(4)]
    assert [(job.name, job.stage) for job in measured.before.jobs] == [
        ("one", "build"),
        ("all", "release"),
    ]
    assert [job.work.crates["cook"] for job in measured.before.jobs] == [2, 1]
    assert measured.before.crates == 3
    assert measured.before.elapsed == pytest.approx(measured.before.seconds)
    assert measured.before.jobs[0].work.cache_exported is None
    given = (copies.before.parent / "cold-0").read_text()
    assert "type=cacheonly" in given and "cache" not in given.replace("cacheonly", "")


def test_with_a_registry_everything_goes_there_and_nowhere_else(copies: Copies) -> None:
    builders = Builders()
    pipelines = dict.fromkeys(Side)
    found = {side: orders(FILES) for side in Side}
    watch = stopwatch(copies, builders, registry="127.0.0.1:5000")
    first, second = watch.measure(found, pipelines, pushes=2)
    assert first.title != second.title
    given = (copies.before.parent / "cold-0").read_text()
    first_call = json.loads(given[: given.index("}{") + 1])["target"]["image-1"]
    where = "127.0.0.1:5000/run-before/ci-registry-image/a"
    assert first_call["tags"] == [f"{where}:slug"]
    assert first_call["output"] == ["type=registry"]
    assert first_call["cache-from"] == [f"type=registry,ref={where}:cache"]
    assert first_call["cache-to"] == [f"type=registry,ref={where}:cache,mode=max"]
    second_call = json.loads(given[given.index("}{") + 1 :])["target"]["image-1"]
    assert second_call["output"] == ["type=cacheonly"]  # the call site does not push it
    bake = json.loads((copies.before.parent / "cold-3").read_text())["target"]
    assert bake["image-1"]["tags"] == ["127.0.0.1:5000/run-after/host-5000/x:1"]


def test_crates_are_told_apart_by_what_they_are_compiled_for() -> None:
    steps = Steps()
    for number, command in enumerate(
        ("cargo install cargo-chef", "cargo chef cook --release", "cargo build --release")
    ):
        steps.feed(
            json.dumps(
                {
                    "vertexes": [{"digest": f"{number}", "name": f"[x {number}/3] RUN {command}"}],
                    "logs": [
                        {
                            "vertex": f"{number}",
                            "data": base64.b64encode(b"Compiling a v1\n" * (number + 1)).decode(),
                        }
                    ],
                }
            ).encode()
        )
    work = work_of([steps, steps], 1.5)
    assert work.crates == {"install": 2, "cook": 4, "build": 6}
    assert (work.steps, work.cached, work.seconds, work.compiled) == (6, 0, 1.5, 12)
