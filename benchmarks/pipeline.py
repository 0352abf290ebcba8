"""The sample's pipeline before and after merge-rust, on the lab's cold builders.

Every job runs on a BuildKit that has never seen anything, with one registry for all, as on an
ephemeral runner; then all of them once more, with the caches that the first push left there.
Takes several minutes, and says so when this machine can have no lab.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dockerfix.engine.plan import Planned, plan
from dockerfix.engine.registry import Registry
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.report.measured import sentences, size, total
from dockerfix.verify.buildx import Buildx
from dockerfix.verify.concern import concern
from dockerfix.verify.copies import two_copies
from dockerfix.verify.measure import Stopwatch
from dockerfix.verify.outcome import Measured, SideWork
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT / "tests"))  # the lab is a package beside the tests

if TYPE_CHECKING:
    from lab.lab import Lab

NAME = "dockerfix-bench"
_PURPOSES = {"install": "tools (cargo install)", "cook": "dependencies (cook)", "build": "build"}


def pipeline() -> None:
    """Print the tables, or why there are none."""
    from lab.commands import NoLabError
    from lab.lab import open_lab

    lab = open_lab()
    ran = lab.runs()
    print("the sample's pipeline, each job on a cold builder\n")
    try:
        lab.up()
    except NoLabError as reason:
        print(f"not measured: {reason}\n")
        return
    try:
        with _registry(lab.env()) as registry:
            for measured in measure(lab, registry):
                show(measured)
    finally:
        if not ran:
            lab.down()


def measure(lab: Lab, registry: str) -> Iterator[Measured]:
    """The first push and the next one."""
    from lab.lab import LabBuilders

    sample = _ROOT / "sample-repo"
    facts = Facts(read_snapshot(sample))
    planned = plan(facts, Registry.installed().load("merge-rust"), ["controlplane"], {})
    assert isinstance(planned, Planned)
    with two_copies(sample, facts.snapshot, planned.patch, NAME) as copies:
        after = Facts(read_snapshot(copies.after))
        variables = Variables()
        found = concern(facts, after, copies.changed, variables)
        builders, buildx = LabBuilders(lab), Buildx(lab.env())
        stopwatch = Stopwatch(buildx, copies, builders, variables, NAME, registry)
        pipelines = {Side.BEFORE: facts.pipeline, Side.AFTER: after.pipeline}
        yield from stopwatch.measure(found.orders, pipelines, pushes=2)


def show(measured: Measured) -> None:
    """One push: what it comes to in words, then the table."""
    print(f"{measured.title.partition(', ')[2]}\n")
    for sentence in sentences(measured):
        print(f"- {sentence}")
    print("\n| | before | after | ratio |\n|---|---|---|---|")
    before, after = numbers(measured.before), numbers(measured.after)
    for name, (then, unit) in before.items():
        now, _ = after[name]
        ratio = f"{now / then:.2f}" if then else "-"
        print(f"| {name} | {unit(then)} | {unit(now)} | {ratio} |")
    print("\n| job | seconds | crates |\n|---|---|---|")
    for side in Side:
        for job in measured.side(side).jobs:
            work = job.work
            print(f"| {side.value}: {job.name} | {work.seconds:.0f} | {work.compiled} |")
    print()


def numbers(side: SideWork) -> dict[str, tuple[float, Callable[[float], str]]]:
    """What the table compares, by name: the number, and how it is written."""
    work = total(side)
    counted: Mapping[str, float] = {
        "crates compiled": work.compiled,
        **{f"- {_PURPOSES[kind]}": count for kind, count in work.crates.items()},
        "steps run": work.steps - work.cached,
        "steps cached": work.cached,
    }
    return {
        "runner time, all jobs": (side.seconds, _seconds),
        "elapsed time, longest path": (side.elapsed, _seconds),
        **{name: (count, _count) for name, count in counted.items()},
        "sent to builders": (work.sent, _size),
        "exported caches": (work.cache_exported or 0, _size),
    }


@contextlib.contextmanager
def _registry(environment: Mapping[str, str]) -> Iterator[str]:
    """`host:port` of an empty registry, gone afterwards."""
    docker = ["docker", "run", "--detach", "--rm", "--publish", "127.0.0.1::5000", "registry:2"]
    container = _said(docker, environment)
    try:
        address = _said(["docker", "port", container, "5000"], environment).splitlines()[0]
        for _ in range(100):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/v2/"):
                break
            time.sleep(0.1)
        yield address
    finally:
        _said(["docker", "rm", "--force", "--volumes", container], environment)


def _said(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _seconds(value: float) -> str:
    return f"{value:.0f} s"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _size(value: float) -> str:
    return size(int(value))


if __name__ == "__main__":
    pipeline()
