"""Print the tables: parsing, the whole process, growth with the repository."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.corpus import dockerfiles
from benchmarks.monorepo import write_monorepo
from benchmarks.timing import in_process, processes

_ROOT = Path(__file__).resolve().parent.parent
_DOCKERFIX = ("-c", "from dockerfix.cli import main; main()", "merge-rust")


def main() -> None:
    """All tables."""
    parsing()
    with tempfile.TemporaryDirectory(prefix="dockerfix-bench-") as name:
        sample(Path(name))
        growth(Path(name))


def parsing() -> None:
    """Parse and render 2,000 files, against two parsers that know less or more."""
    import dockerfile
    from dockerfile_parse import DockerfileParser

    from dockerfix.syntax import parse, render

    corpus = dockerfiles(2_000)
    texts = [data.decode() for data in corpus]

    def ours() -> None:
        for data in corpus:
            assert render(parse(data)) == data

    def structure() -> None:
        import io

        for data in corpus:
            assert DockerfileParser(fileobj=io.BytesIO(data)).structure

    def buildkit() -> None:
        for text in texts:
            assert dockerfile.parse_string(text)

    times = in_process(
        {"dockerfix": ours, "dockerfile-parse": structure, "dockerfile": buildkit}, rounds=5
    )
    print(f"parse and render {len(corpus):,} files ({sum(map(len, corpus)) / 1e6:.1f} MB)\n")
    print("| parser | CPU s | dockerfix takes |")
    print("|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.2f} | {times['dockerfix'] / seconds:.2f} x |")
    print()


def sample(place: Path) -> None:
    """The whole process on the sample repository, against importing click."""
    copy = place / "sample"
    shutil.copytree(_ROOT / "sample-repo", copy)
    click, merge = "python -c 'import click'", "dockerfix merge-rust controlplane/"
    found = processes(
        {
            click: [sys.executable, "-c", "import click"],
            merge: [sys.executable, *_DOCKERFIX, "controlplane/"],
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
        command = {"plan": [sys.executable, *_DOCKERFIX, folder]}
        result = processes(command, root, rounds=3)["plan"]
        print(f"| {count:,} | {files:,} | {result.seconds:.2f} | {result.peak_mb:.0f} |")
        shutil.rmtree(root)
    print()


if __name__ == "__main__":
    main()
