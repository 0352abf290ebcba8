"""merge-rust on the sample repository, proved: the images before and after are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runner.machine import HERE, Machine

from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot

pytestmark = pytest.mark.engine

BINARIES = ("server", "authz-worker", "synchronizer")
DEVELOPMENT_RULES = {
    "cargo-cache",
    "cargo-target",
    "joint-cook",
    "patched-files",
    "united-packages",
}
TEST = "dockerfix-test"


@pytest.fixture(scope="module")
def images(machine: Machine, sample: Path, patch: bytes) -> dict[str, Any]:
    """What `dockerfix verify` says of the images, by name; they are equal."""
    words = ("verify", "-", *HERE, "--seconds=2", "--format=json")
    done = machine.dockerfix(*words, cwd=sample, patch=patch)
    assert done.code == 0, done.out + done.err
    assert done.data["verdict"] == "equal"
    return {image["name"]: image for image in done.data["images"]}


@pytest.fixture(scope="module")
def built(
    images: dict[str, Any], machine: Machine, sample: Path, merged: Path
) -> Iterator[dict[str, str]]:
    """Image ids of both files' targets, `before server` for a build without target; the
    builder has all of their steps in its cache already."""
    wanted = {
        **{f"before {name}": (sample, file, "") for name, file in _old_files(sample).items()},
        **{f"after {name}": (merged, "Dockerfile.all", name) for name in BINARIES},
        "after last": (merged, "Dockerfile.all", ""),
        "after development": (merged, "Dockerfile.all", "server-development"),
    }
    tags = {}
    for name, (tree, file, target) in wanted.items():
        tags[name] = f"{TEST}:{name.replace(' ', '-')}"
        build(machine, tree, file, tags[name], *(("--target", target) if target else ()))
    yield tags
    machine.docker("image", "rm", "--force", *tags.values(), check=False)


def build(machine: Machine, tree: Path, file: str, tag: str, *more: str) -> None:
    """Build from the workspace of a tree."""
    words = ("buildx", "build", *HERE, "--provenance=false", "--tag", tag, *more)
    machine.docker(*words, "--file", f"controlplane/{file}", "controlplane", cwd=tree)


def _old_files(sample: Path) -> dict[str, str]:
    files = {"server": "Dockerfile"}
    return files | {name: f"Dockerfile.{name}" for name in BINARIES[1:]}


def test_every_image_that_the_patch_concerns_is_equal(images: dict[str, Any]) -> None:
    expected = {f"{name} ({target})" for name in BINARIES for target in ("development", "release")}
    assert set(images) == expected
    assert all(image["equal"] and not image["differences"] for image in images.values())


@pytest.mark.parametrize("name", BINARIES)
def test_release_images_are_the_same_byte_for_byte(images: dict[str, Any], name: str) -> None:
    image = images[f"{name} (release)"]
    assert image["expected_differences"] == {}
    assert image["after"] == f"controlplane/Dockerfile.all, target {name}-release"


@pytest.mark.parametrize("name", BINARIES)
def test_the_shipped_programs_run(images: dict[str, Any], name: str) -> None:
    version, started = images[f"{name} (release)"]["starts"]
    assert version["command"] == [name, "--version"] and version["same"]
    assert f'"{name} 0.4.0"' in version["after"]
    assert started["command"] == [name] and started["same"]
    assert '"starting"' in started["after"]


@pytest.mark.parametrize("name", BINARIES)
def test_development_images_differ_by_named_rules_alone(images: dict[str, Any], name: str) -> None:
    image = images[f"{name} (development)"]
    rules = image["expected_differences"]
    assert set(rules) <= DEVELOPMENT_RULES
    gone = {d["path"] for found in rules.values() for d in found if d["what"] == "missing"}
    assert all(path.startswith(("/app/target/", "/usr/local/cargo/")) for path in gone), gone
    # server asked for every package; the others get what only server had.
    assert ("united-packages" in rules) is (name != "server")


@pytest.mark.parametrize("name", BINARIES)
def test_aliases_are_what_the_old_files_gave(
    built: dict[str, str], machine: Machine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compared(machine, built[f"before {name}"], built[f"after {name}"], monkeypatch) == []


def test_without_a_target_the_merged_file_gives_what_the_plain_one_gave(
    built: dict[str, str], machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compared(machine, built["before server"], built["after last"], monkeypatch) == []


def compared(
    machine: Machine, before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> list[object]:
    """What differs between two images of the engine."""
    from dockerfix.verify.compare import differences, unexplained
    from dockerfix.verify.engine import open_engine

    engine = open_engine("dockerfix-verify-test", machine.env["DOCKER_HOST"])
    try:
        return list(differences(engine.image(before), engine.image(after), unexplained))
    finally:
        engine.forget()
        engine.close()


def test_cargo_run_works_in_a_development_image(built: dict[str, str], machine: Machine) -> None:
    words = ("cargo", "run", "--quiet", "--offline", "--bin", "server", "--", "--version")
    done = machine.docker("run", "--rm", "--network=none", built["after development"], *words)
    assert done.out == "server 0.4.0\n"


def test_three_targets_in_one_call_give_three_tags_of_one_image(
    built: dict[str, str], machine: Machine, merged: Path
) -> None:
    """Why no patch of ours is written that way: docker says nothing, and ships one program
    under three names."""
    tags = [f"{TEST}:wrong-{name}" for name in BINARIES]
    targets = [word for name in BINARIES for word in ("--target", f"{name}-release")]
    more = [word for tag in tags[1:] for word in ("--tag", tag)]
    build(machine, merged, "Dockerfile.all", tags[0], *more, *targets)
    try:
        ids = [machine.docker("image", "inspect", "-f", "{{.Id}}", tag).out for tag in tags]
        assert len(set(ids)) == 1
        command = machine.docker("image", "inspect", "-f", "{{json .Config.Cmd}}", tags[0]).out
        assert json.loads(command) == ["synchronizer"]
    finally:
        machine.docker("image", "rm", "--force", *tags, check=False)


def test_build_checks_find_nothing_new(machine: Machine, sample: Path, merged: Path) -> None:
    old = {
        warning for file in _old_files(sample).values() for warning in checks(machine, sample, file)
    }
    assert set(checks(machine, merged, "Dockerfile.all")) <= old


def checks(machine: Machine, tree: Path, file: str) -> list[str]:
    """The names of the warnings of `docker buildx build --check`, for every target."""
    graph = Facts(read_snapshot(tree)).stages(f"controlplane/{file}")
    found: list[str] = []
    for stage in graph.stages:
        if stage.name is None:
            continue
        words = ("buildx", "build", "--builder", "lab", "--call=check,format=json")
        done = machine.docker(
            *words, "--target", stage.name, "-f", f"controlplane/{file}", "controlplane",
            cwd=tree, check=False,
        )  # fmt: skip
        report = json.loads(done.out)
        assert "buildError" not in report, report
        found += [warning["ruleName"] for warning in report.get("warnings") or ()]
    return found
