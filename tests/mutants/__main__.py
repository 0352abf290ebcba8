"""`make mutants`: small damage to good repositories, and what the transforms make of it.

Each mutant is the sample, or the tree of some case, with one or two small edits: a line dropped,
doubled or swapped, a word lost or replaced, a character put in, a line brought from the tree of
another case, a file gone. A transform may refuse it, find nothing
to do or plan a patch; an internal check that fails, an exception or a run without end is a
bug. The same seed gives the same mutants.

    python tests/mutants [--count N] [--seed N] [--only N] [--jobs N]
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from dockerfix.checks.all import CHECKS
from dockerfix.cli.transform import read_arguments
from dockerfix.engine.plan import CheckFailed, Outcome, plan
from dockerfix.engine.registry import Registry
from dockerfix.engine.series import Run, in_order, run_series
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.testing.case import read_case
from dockerfix.text import Kind, Snapshot, normalise_path

TOP = Path(__file__).parent.parent.parent
CASES = TOP / "tests" / "transforms" / "cases"
SECONDS = 120
"""No transform takes longer over a tree of this size, on any machine."""
BUCKET = {"to": "s3://caches?region=eu-west-1"}
SERIES = ""
"""Stands for every transform, one on the result of the other, and every check."""
RUNS: tuple[tuple[str, str, str, Mapping[str, Any]], ...] = (
    ("sample", "merge-rust", "controlplane", {}),
    ("sample", "slim-context", "console", {}),
    ("sample", "shallow-clone", "", {}),
    ("sample", "add-needs", "", {}),
    ("sample", "cache-refs", "", {}),
    ("sample", "remote-cache", "", BUCKET),
    ("sample", "registry-mirror", "", {}),
    ("sample", "split-release", "", {}),
    ("sample", SERIES, "", {}),
    ("merge-rust/development-targets", "merge-rust", "", {}),
    ("merge-rust/gitlab-rules-union", "merge-rust", "", {}),
    ("merge-rust/gitlab-rules-union", SERIES, "", {}),
    ("build-once/planner-and-cook", "build-once", "", {}),
    ("build-once/package-and-copy", "build-once", "", {}),
    ("slim-context/shell-function", "slim-context", "web", {}),
    ("cache-refs/both", SERIES, "", {}),
    ("cache-refs/bake", "cache-refs", "", {}),
    ("remote-cache/after-cache-refs", "remote-cache", "", BUCKET),
    ("remote-cache/bake", "remote-cache", "", BUCKET),
    ("registry-mirror/sample-shape", "registry-mirror", "", {}),
    ("split-release/by-function", "split-release", "", {}),
    ("add-needs/caches", "add-needs", "", {}),
    ("shallow-clone/hidden-readers", "shallow-clone", "", {}),
)
"""A tree, a transform, the path that it runs on, and its options: half of all mutants. The others
are made of all cases in turn, each with its own command."""
WORDS = ("FROM", "RUN", "COPY", "AS", "--from=x", "\\", "${X}", "<<E", "&&", "{", "- a", "*x", '"')
CHARACTERS = ("\0", "\x16", "\xff", "é", "\t", "#", "'", "$", "\\", "<", ":", "[", "\r")


@lru_cache
def cases() -> tuple[str, ...]:
    """The names of all cases, as folder and file."""
    found = (path.relative_to(CASES).with_suffix("") for path in CASES.glob("*/*.case"))
    return tuple(sorted(str(path) for path in found))


def command_of(name: str) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """The transform, paths and options of a case's command."""
    case = read_case(CASES / f"{name}.case")
    paths, options = read_arguments(Registry.installed().load(case.transform), case.arguments[1:])
    return case.transform, tuple(normalise_path(path) or "" for path in paths), options


@lru_cache
def tree(name: str) -> Snapshot:
    if name == "sample":
        return read_snapshot(TOP / "sample-repo", ())
    return read_case(CASES / f"{name}.case").tree.snapshot()


def mutant(snapshot: Snapshot, made: random.Random) -> dict[str, bytes | None]:
    """The changed files of one mutant."""
    paths = [
        path
        for path in snapshot.paths
        if snapshot.entries[path].kind is Kind.FILE and not path.endswith((".lock", "-lock.json"))
    ]
    changes: dict[str, bytes | None] = {}
    for _ in range(made.choice((1, 1, 2))):
        path = made.choice(paths)
        if made.random() < 0.02:
            changes[path] = None
            continue
        changes[path] = damaged(changes.get(path) or snapshot.read(path), made)
    return changes


def foreign_line(made: random.Random) -> str:
    """A line of some file of some case."""
    snapshot = tree(made.choice(cases()))
    found = [p for p in snapshot.paths if snapshot.entries[p].kind is Kind.FILE]
    lines = snapshot.read(made.choice(found)).decode("utf-8", "surrogateescape").splitlines()
    return made.choice(lines or [""]) + "\n"


def damaged(data: bytes, made: random.Random) -> bytes:
    """A file's bytes with one small edit."""
    lines = data.decode("utf-8", "surrogateescape").splitlines(keepends=True) or [""]
    at = made.randrange(len(lines))
    words = lines[at].split(" ")
    word = made.randrange(len(words))
    kind = made.choice(
        ("drop", "double", "swap", "lose", "replace", "insert", "cut", "join", "bring")
    )
    if kind == "drop":
        del lines[at]
    elif kind == "double":
        lines.insert(at, lines[at])
    elif kind == "bring":
        lines.insert(at, foreign_line(made))
    elif kind == "swap":
        other = made.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "lose":
        lines[at] = " ".join(words[:word] + words[word + 1 :])
    elif kind == "replace":
        lines[at] = " ".join([*words[:word], made.choice(WORDS), *words[word + 1 :]])
    elif kind == "insert":
        spot = made.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:spot] + made.choice(CHARACTERS) + lines[at][spot:]
    elif kind == "cut":
        lines[at] = lines[at][: made.randrange(len(lines[at]) + 1)]
    else:
        lines[at] = lines[at].rstrip("\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def run(seed: int) -> tuple[int, str, str]:
    """One mutant: its seed, how it ended, and where, for what is a bug."""
    made = random.Random(seed)
    if made.random() < 0.5:
        name, transform, path, options = made.choice(RUNS)
        given: tuple[str, ...] = (path,)
    else:
        name = made.choice(cases())
        transform, given, options = command_of(name)
    changes = mutant(tree(name), made)
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(SECONDS)
    try:
        facts = Facts(tree(name).with_changes(changes))
        accept = frozenset({"toolchain", "features"}) if made.random() < 0.2 else frozenset()
        accept |= frozenset(options.get("accept", ()))
        outcomes = list(_outcomes(facts, transform, given, {**options, "accept": accept}))
    except _expected() as error:
        return seed, f"reported: {type(error).__name__}", ""
    except Exception as error:  # what the run is there to find
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
        what = f"{type(error).__name__}: {error} at {where}"
        return seed, "BUG", f"{name}, {sorted(changes)}: {what}"
    finally:
        signal.alarm(0)
    for one, outcome in outcomes:
        if isinstance(outcome, CheckFailed):
            found = outcome.detail.splitlines()[0] if outcome.detail else ""
            return seed, "BUG", f"{name}, {one}, {sorted(changes)}: {outcome.check}: {found}"
    return seed, type(outcomes[-1][1]).__name__ if transform else "a series", ""


def _outcomes(
    facts: Facts, name: str, paths: tuple[str, ...], options: Mapping[str, Any]
) -> Iterator[tuple[str, Outcome]]:
    """What comes of one transform, or of all, with the transform's name."""
    registry = Registry.installed()
    if name:
        yield name, plan(facts, registry.load(name), paths, options)
        return
    transforms = [registry.load(one) for one in registry.names]
    runs = [
        Run(t, paths, {**(BUCKET if t.name == "remote-cache" else {}), "accept": frozenset()})
        for t in in_order(transforms)
    ]
    for link in run_series(facts, runs):
        yield link.run.transform.name, link.outcome
    for check in CHECKS:
        for _ in check.findings(facts):
            pass


def _stop(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def _expected() -> tuple[type[Exception], ...]:
    """Errors that the command line reports with a place and what to do."""
    from dockerfix.facts.cargo import ManifestError
    from dockerfix.syntax.yaml.tree import YamlError
    from dockerfix.text import SnapshotError

    return SnapshotError, YamlError, ManifestError


def results(seeds: range, jobs: int | None) -> Iterator[tuple[int, str, str]]:
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run, seeds, chunksize=20)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="SEED", help="run this mutant alone")
    parser.add_argument("--jobs", type=int, help="how many at a time; as many as processors")
    asked = parser.parse_args()
    if asked.only is not None:
        print(*run(asked.only))
        return 0
    counts: Counter[str] = Counter()
    for seed, outcome, what in results(range(asked.seed, asked.seed + asked.count), asked.jobs):
        counts[outcome] += 1
        if what:
            print(f"{seed}: {what}", flush=True)
    for outcome, count in counts.most_common():
        print(f"{count:6} {outcome}")
    return 1 if counts["BUG"] else 0


if __name__ == "__main__":
    sys.exit(main())
