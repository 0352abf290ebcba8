"""The pipeline's own scripts, before and after merge-rust, run by a runner that others wrote.

First with a `docker` that only takes notes; then for real, each job with a BuildKit that has
never seen anything, as on an ephemeral runner, and one registry for all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab.lab import Lab
from runner.gitlab import Call, Runner, commit, git, install

from dockerfix.traces.steps import Steps
from dockerfix.verify.measure import work_of
from dockerfix.verify.outcome import Work

pytestmark = pytest.mark.engine

REGISTRY = "registry.example.org/group/sample"
DEVELOPMENT = ("build / server", "build / authz-worker", "build / synchronizer")
JOINED = ("build / controlplane-all",)
RELEASE = "build / release"
OTHERS = ("build / node-sdk", "build / console", "build / system-tests")
SOURCE = "controlplane/server/src/main.rs"


@pytest.fixture(scope="module")
def program(lab: Lab) -> Path:
    """gitlab-ci-local."""
    return install(lab.folder / "parts", os.environ)


def runner_of(
    tree: Path, folder: Path, program: Path, lab: Lab, registry: str = REGISTRY
) -> Runner:
    """A runner on a copy of a tree, on a branch that changes the control plane."""
    copy = folder / "tree"
    shutil.copytree(tree, copy)
    git(copy, "checkout", "-q", "-b", "feature")
    change(copy, "// A change of the branch.")
    environment = {
        k: v for k, v in lab.env().items() if k in ("PATH", "DOCKER_HOST", "DOCKER_CONFIG")
    }
    variables = {
        "CI_REGISTRY": registry.split("/")[0],
        "CI_REGISTRY_IMAGE": registry,
        "CI_COMMIT_SHORT_SHA": "0123abcd",
    }
    return Runner(copy, program, environment, folder / "runner", variables)


def change(tree: Path, line: str) -> None:
    """Commit a change of one source file that changes no program."""
    source = tree / SOURCE
    source.write_text(f"{source.read_text()}{line}\n")
    commit(tree, line)


# What the scripts ask for.


@dataclass(frozen=True)
class Asked:
    """One image that a call pushes."""

    tag: str
    file: str
    context: str
    target: str
    arguments: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()


def asked(call: Call) -> Iterator[Asked]:
    """What a call of docker builds and pushes."""
    if call.bake is not None:
        assert "--push" in call.words
        for target in call.bake.values():
            build_arguments = target.get("args") or {}
            assert isinstance(build_arguments, Mapping)
            sorted_arguments = tuple(sorted(build_arguments.items()))
            for tag in _strings(target.get("tags")):
                file = f"{target['context']}/{target.get('dockerfile', 'Dockerfile')}"
                context, stage = str(target["context"]), str(target.get("target", ""))
                yield Asked(tag, file, context, stage, sorted_arguments)
    elif call.words[:2] == ("buildx", "build"):
        options = list(zip(call.words, call.words[1:], strict=False))
        given = {name: [value for flag, value in options if flag == name] for name, _ in options}
        assert "--push" in call.words and len(given.get("--target", [])) <= 1
        context = call.words[-1]
        file = given.get("--file", [f"{context}/Dockerfile"])[-1]
        arguments = tuple(sorted(a.partition("=")[::2] for a in given.get("--build-arg", [])))
        labels = tuple(given.get("--label", []))
        for tag in given["--tag"]:
            stage = given.get("--target", [""])[-1]
            yield Asked(tag, file, context, stage, arguments, labels)


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


def recorded(runner: Runner, jobs: tuple[str, ...]) -> list[Asked]:
    """What the scripts of jobs ask for."""
    return [image for call in runner.run(*jobs) for image in asked(call)]


@pytest.fixture(scope="module")
def pushed(
    lab: Lab, sample: Path, merged: Path, program: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Asked], list[Asked]]:
    """What all jobs that build ask for, before and after."""
    before = runner_of(sample, tmp_path_factory.mktemp("before"), program, lab)
    after = runner_of(merged, tmp_path_factory.mktemp("after"), program, lab)
    return (
        recorded(before, (*DEVELOPMENT, *OTHERS, RELEASE)),
        recorded(after, (*JOINED, *OTHERS, RELEASE)),
    )


def test_the_same_tags_are_pushed_and_none_more_often(
    pushed: tuple[list[Asked], list[Asked]],
) -> None:
    before, after = (Counter(image.tag for image in images) for images in pushed)
    assert before == after
    twin = f"{REGISTRY}/node-sdk:feature"
    assert len(before) == 11
    assert {tag: times for tag, times in before.items() if times > 1} == {twin: 2}


def test_each_tag_is_built_from_what_stands_for_its_old_target(
    pushed: tuple[list[Asked], list[Asked]],
) -> None:
    old, new = ({image.tag: image for image in images} for images in pushed)
    for tag, image in old.items():
        if image.context != "controlplane":
            assert new[tag] == image
            continue
        name = tag.removeprefix(f"{REGISTRY}/").partition(":")[0]
        assert new[tag] == Asked(
            tag,
            "controlplane/Dockerfile.all",
            image.context,
            f"{name}-{image.target}",
            image.arguments,
            image.labels,
        )


def test_the_branch_runs_the_joined_job_where_it_ran_the_three(
    lab: Lab, sample: Path, merged: Path, program: Path, tmp_path: Path
) -> None:
    """Their rules are united, and whatever needs them follows."""
    before = set(runner_of(sample, tmp_path / "before", program, lab).jobs())
    after = set(runner_of(merged, tmp_path / "after", program, lab).jobs())
    assert before - after == set(DEVELOPMENT)
    assert after - before == set(JOINED)


# The ephemeral runner, for real.


@dataclass(frozen=True)
class Pushes:
    """The work of each job: of the first push into an empty registry, and of the next one."""

    first: Mapping[str, Work]
    second: Mapping[str, Work]

    def crates(self, kind: str = "") -> int:
        """Crates that all jobs of the first push compile."""
        works = self.first.values()
        return sum(work.crates[kind] if kind else work.compiled for work in works)


def push(
    lab: Lab, tree: Path, folder: Path, program: Path, registry: str, jobs: tuple[str, ...]
) -> Pushes:
    """Run the jobs on a branch and the release job; then the jobs for one more commit."""
    runner = runner_of(tree, folder, program, lab, registry)
    first = {job: run_cold(lab, runner, job) for job in (*jobs, RELEASE)}
    change(runner.tree, "// Another one.")
    runner.prepare()
    return Pushes(first, {job: run_cold(lab, runner, job) for job in jobs})


def run_cold(lab: Lab, runner: Runner, job: str) -> Work:
    """Run one job on a builder of its own; what is no part of the merge is not built."""
    with lab.cold_builder() as builder:
        calls = runner.run(job, builder=builder.name, only=["controlplane"])
    said = []
    for call in calls:
        steps = Steps()
        for line in call.said.splitlines():
            steps.feed(line)
        said.append(steps)
    return work_of(said, sum(call.seconds for call in calls))


@pytest.fixture(scope="module")
def before(
    lab: Lab, sample: Path, program: Path, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> Pushes:
    """Three jobs that compile, and the release."""
    folder = tmp_path_factory.mktemp("cold-before")
    return push(lab, sample, folder, program, f"{registry}/before", DEVELOPMENT)


@pytest.fixture(scope="module")
def after(
    lab: Lab, merged: Path, program: Path, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> Pushes:
    """One job that compiles, and the release."""
    folder = tmp_path_factory.mktemp("cold-after")
    return push(lab, merged, folder, program, f"{registry}/after", JOINED)


def test_cold_runners_compile_less_than_half(before: Pushes, after: Pushes) -> None:
    assert before.crates() >= 2.5 * after.crates()
    assert before.crates("cook") >= 2.9 * after.crates("cook") > 0


def test_only_the_joined_job_compiles_dependencies(before: Pushes, after: Pushes) -> None:
    """The release finds them in the cache that the jobs before it exported."""
    cooked = {job: work.crates["cook"] for job, work in {**before.first, **after.first}.items()}
    assert [job for job, crates in cooked.items() if crates] == [*DEVELOPMENT, *JOINED]


def test_the_next_push_compiles_nothing(before: Pushes, after: Pushes) -> None:
    for pushes in (before, after):
        assert {work.compiled for work in pushes.second.values()} == {0}
    assert all(work.cached for work in after.second.values())


def test_the_images_that_were_pushed_run(
    lab: Lab, before: Pushes, after: Pushes, registry: str
) -> None:
    """The pipeline's own images, from the registry, say the same of themselves."""
    for name in ("server", "authz-worker", "synchronizer"):
        said = set()
        for side in ("before", "after"):
            image = f"{registry}/{side}/{name}:release"
            command = ["docker", "run", "--rm", "--quiet", "--network=none", image, name]
            done = subprocess.run(
                [*command, "--version"], env=lab.env(), capture_output=True, text=True, check=True
            )
            said.add(done.stdout)
            subprocess.run(["docker", "image", "rm", image], env=lab.env(), capture_output=True)
        assert said == {f"{name} 0.4.0\n"}
