"""Print the tables: the whole process, growth with the repository, parsing, the pipeline."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.monorepo import write_monorepo
from benchmarks.timing import processes

_ROOT = Path(__file__).resolve().parent.parent
_DOCKERFIX = ("-c", "from dockerfix.cli import main; main()")


def main() -> None:
    """All tables. Processes come first: Linux counts a parent's memory as its child's peak, so
    that this one must still be small."""
    with tempfile.TemporaryDirectory(prefix="dockerfix-bench-") as name:
        sample(Path(name))
        growth(Path(name))
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
    print("| command | CPU ms | times `import click` | peak MB |")
    print("|---|---|---|---|")
    for name, result in found.items():
        ratio = result.seconds / found[click].seconds
        print(f"| {name} | {result.seconds * 1000:.0f} | {ratio:.2f} | {result.peak_mb:.0f} |")
    print()


def growth(place: Path) -> None:
    """A plan in a generated monorepo of growing size."""
    print("one plan in a generated monorepo\n")
    print("| Dockerfiles | files | CPU s | peak MB |")
    print("|---|---|---|---|")
    for count, files in ((250, 25_000), (500, 50_000), (1_000, 100_000)):
        root = place / f"monorepo-{count}"
        root.mkdir()
        folder = write_monorepo(root, count, files)
        command = {"plan": [sys.executable, *_DOCKERFIX, "merge-rust", folder]}
        result = processes(command, root, rounds=3)["plan"]
        print(f"| {count:,} | {files:,} | {result.seconds:.2f} | {result.peak_mb:.0f} |")
        shutil.rmtree(root)
    print()


if __name__ == "__main__":
    main()
