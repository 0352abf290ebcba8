"""The simulator against the engine: what BuildKit really puts into each stage.

Stages that the simulator expects to build are built together and listed; each that it expects
to fail is built alone and must fail.
"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lab.builder import Builder

from dockerfix.facts.context.copying import Simulation
from dockerfix.facts.context.steps import BuildInput
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.tree import (
    Elsewhere,
    Folder,
    FromContext,
    Inline,
    LinkFromContext,
    Unpacked,
    folders,
    leaves,
)

CONTEXTS = 50
CASES = 6


def load_battery() -> ModuleType:
    """The generator, which stands beside this file and is no package."""
    path = Path(__file__).with_name("battery.py")
    spec = importlib.util.spec_from_file_location("context_battery", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


battery = load_battery()

Listing = dict[str, bytes]
"""Path to content; a folder's path ends in `/`, a link's content begins with `-> `."""


def simulated(folder: Folder, contents: Mapping[str, bytes], prefix: str = "") -> Listing:
    """What a tree would give as a listing."""
    found: Listing = {}
    for item in folder.unknown:
        assert isinstance(item, Unpacked), item
        for path, data in battery.archive_members().items():
            found |= _with_folders(prefix + path, data, len(prefix))
    for name, node in folder.children.items():
        path = prefix + name
        match node:
            case Folder():
                found |= {f"{path}/": b""} | simulated(node, contents, f"{path}/")
            case FromContext(source):
                found[path] = contents[source]
            case LinkFromContext(_, target):
                found[path] = f"-> {target}".encode()
            case Inline(_, text):
                found[path] = text.encode()
            case _:
                raise AssertionError(node)
    return found


def _with_folders(path: str, data: bytes, start: int) -> Listing:
    folders = {path[: at + 1]: b"" for at in range(start, len(path)) if path[at] == "/"}
    return {**folders, path: data}


def listed(archive: bytes) -> Listing:
    """What BuildKit exported."""
    found: Listing = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = member.name.strip("/")
            if member.isdir():
                found[f"{name}/"] = b""
            elif member.issym():
                found[name] = f"-> {member.linkname}".encode()
            else:
                file = tar.extractfile(member)
                assert file is not None
                found[name] = file.read()
    return found


class Engine:
    """Builds on one BuildKit, without its cache: whether a wildcard without a match fails
    depends on it."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def build(self, folder: Path, target: str = "") -> tuple[Listing | None, str]:
        """The files of the target, or None with what the engine said."""
        command = ["docker", "buildx", "build", "--builder", self.builder.name, "--no-cache"]
        command += ["--provenance=false", "--progress=plain", "--output", "type=tar,dest=-"]
        command += ["--target", target] if target else []
        done = subprocess.run(
            [*command, str(folder)], env=dict(self.builder.env), capture_output=True, timeout=120
        )
        said = done.stderr.decode(errors="replace")
        return (listed(done.stdout) if done.returncode == 0 else None), said


def differences(group: Any, folder: Path, engine: Engine) -> Iterator[str]:
    """Where the engine and the simulator disagree on one context's cases."""
    facts = Facts(group.context.snapshot(group.dockerfile()))
    failing = {
        case.name: Simulation(facts, BuildInput("Dockerfile", "", case.name)).failure
        for case in group.cases
    }
    together = {
        case.name
        for case in group.cases
        if failing[case.name] is None and not _has_unknown(facts, case.name)
    }
    if together:
        yield from _compared(group, together, folder / "together", engine)
    for case in group.cases:
        if failing[case.name] is None:
            continue
        alone = folder / case.name
        alone.mkdir()
        group.context.write(alone, group.dockerfile())
        files, _ = engine.build(alone, case.name)
        if files is not None:
            yield f"seed {group.seed}, {case.name} builds, expected {failing[case.name]}"


def _has_unknown(facts: Facts, target: str) -> bool:
    """Whether a stage copies out of an unpacked archive, whose members the simulator leaves
    open."""
    files = Simulation(facts, BuildInput("Dockerfile", "", target)).target
    assert files is not None
    tree = [files.root, *(folder for _, folder in folders(files.root))]
    unknown = [item for folder in tree for item in folder.unknown]
    return any(
        isinstance(item, Elsewhere) for item in (*unknown, *dict(leaves(files.root)).values())
    )


def _compared(group: Any, names: set[str], folder: Path, engine: Engine) -> Iterator[str]:
    text = group.gathered(names)
    folder.mkdir()
    group.context.write(folder, text)
    real, said = engine.build(folder)
    if real is None:
        yield f"seed {group.seed}: the engine fails\n{said[-1500:]}\n{text}"
        return
    build = Simulation(Facts(group.context.snapshot(text)), BuildInput("Dockerfile", ""))
    assert build.failure is None
    assert build.target is not None
    contents = {**group.context.files, "Dockerfile": text.encode()}
    contents[".dockerignore"] = group.context.ignore or b""
    contents |= {path: b"" for path in contents if build.judge and build.judge.empties(path)}
    expected = simulated(build.target.root, contents)
    for path in sorted({*expected, *real}):
        if expected.get(path) != real.get(path):
            yield (
                f"seed {group.seed}: {path}: simulated {expected.get(path)!r:.60}, "
                f"real {real.get(path)!r:.60}"
            )


@pytest.mark.engine
def test_every_case_is_as_the_engine_builds_it(
    cold_builder: Callable[..., Builder], tmp_path: Path
) -> None:
    engine = Engine(cold_builder())
    groups = battery.groups(CONTEXTS, CASES)

    def one(group: Any) -> list[str]:
        folder = tmp_path / str(group.seed)
        folder.mkdir()
        return list(differences(group, folder, engine))

    with ThreadPoolExecutor(max_workers=3) as pool:
        found = [line for lines in pool.map(one, groups) for line in lines]
    assert not found, "\n".join(found[:20])


def test_the_battery_is_worth_its_time() -> None:
    """Most cases build, many fail, and the same seed gives the same cases."""
    groups = battery.groups(CONTEXTS, CASES)
    assert groups == battery.groups(CONTEXTS, CASES)
    outcomes = []
    for group in groups:
        facts = Facts(group.context.snapshot(group.dockerfile()))
        for case in group.cases:
            failure = Simulation(facts, BuildInput("Dockerfile", "", case.name)).failure
            outcomes.append(failure is None)
    assert len(outcomes) == CONTEXTS * CASES
    assert sum(outcomes) > 0.55 * len(outcomes)
    assert outcomes.count(False) > 0.2 * len(outcomes)
    text = "".join(group.dockerfile() for group in groups)
    for word in ("--link", "--exclude", "--parents", "/./", "ADD", "<<EOF", "ONBUILD", "--from=s"):
        assert text.count(word) > 5, word
