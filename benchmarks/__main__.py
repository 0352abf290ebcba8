"""Print the tables: the whole process, growth with the repository, parsing, the pipeline."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.monorepo import write_monorepo, write_services
from benchmarks.timing import processes

_ROOT = Path(__file__).resolve().parent.parent
_DOCKERFIX = ("-c", "from dockerfix.cli import main; main()")


def main() -> None:
    """All tables. Processes come first: Linux counts a parent's memory as its child's peak, so
    that this one must still be small."""
    with tempfile.TemporaryDirectory(prefix="dockerfix-bench-") as name:
        sample(Path(name))
        growth(Path(name))
        checks(Path(name))
    from benchmarks.parse import parsing
    from benchmarks.pipeline import pipeline

    parsing()
    pipeline()


def sample(place: Path) -> None:
    """The whole process on the sample repository, against importing click."""
    copy = place / "sample"
    shutil.copytree(_ROOT / "sample-repo", copy)
    click, merge = "python -c 'import click'", "dockerfix merge-rust controlplane/"
    found = processes(
        {
            click: [sys.executable, "-c", "import click"],
            merge: [sys.executable, *_DOCKERFIX, "merge-rust", "controlplane/"],
            "dockerfix --help": [sys.executable, *_DOCKERFIX, "--help"],
        },
        copy,
        rounds=21,
    )
    print("a whole process on the sample repository\n")
    goals = {merge: "4 times, 60 MB", "dockerfix --help": "1.5 times"}
    print("| command | CPU ms | times `import click` | peak MB | goal |")
    print("|---|---|---|---|---|")
    for name, result in found.items():
        ratio = result.seconds / found[click].seconds
        numbers = f"{result.seconds * 1000:.0f} | {ratio:.2f} | {result.peak_mb:.0f}"
        print(f"| {name} | {numbers} | {goals.get(name, '')} |")
    print()


def growth(place: Path) -> None:
    """A plan in a generated monorepo of growing size."""
    print("one plan in a generated monorepo\n")
    print("| Dockerfiles | files | CPU s | peak MB | goal |")
    print("|---|---|---|---|---|")
    for count, files in ((250, 25_000), (500, 50_000), (1_000, 100_000)):
        root = place / f"monorepo-{count}"
        root.mkdir()
        folder = write_monorepo(root, count, files)
        command = {"plan": [sys.executable, *_DOCKERFIX, "merge-rust", folder]}
        result = processes(command, root, rounds=3)["plan"]
        goal = "300 MB" if files == 100_000 else ""
        numbers = f"{result.seconds:.2f} | {result.peak_mb:.0f}"
        print(f"| {count:,} | {files:,} | {numbers} | {goal} |")
        shutil.rmtree(root)
    print()


def checks(place: Path) -> None:
    """The whole repository: services that have nothing in common, and workspaces that all merge,
    each patch on the result of the ones before."""
    print("dockerfix check\n")
    print("| repository | CPU s | peak MB | goal |")
    print("|---|---|---|---|")
    services = place / "services"
    services.mkdir()
    write_services(services, 1_000, 500)
    roots = {services: ("1,000 Dockerfiles, 500 jobs", "5 s")}
    for merges in (20, 40, 80):
        root = place / f"merging-{merges}"
        root.mkdir()
        write_monorepo(root, 2 * merges, 20 * merges)
        roots[root] = (f"{merges} workspaces that all merge", "")
    command = {"check": [sys.executable, *_DOCKERFIX, "check", "--timeout", "600"]}
    for root, (what, goal) in roots.items():
        result = processes(command, root, rounds=3)["check"]
        print(f"| {what} | {result.seconds:.2f} | {result.peak_mb:.0f} | {goal} |")
    print()


if __name__ == "__main__":
    main()
