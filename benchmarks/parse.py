"""Parsing and rendering against two other parsers, and what a tree weighs.

dockerfile-parse gives its `structure` of each file (instructions, lines, values: no words,
flags or heredocs); PyPI dockerfile is BuildKit's own Go parser behind a binding. All read the
same generated files in one process and take turns.
"""

from __future__ import annotations

import gc
import io
import tracemalloc

from benchmarks.corpus import dockerfiles
from benchmarks.timing import in_process

_FILES = 2_000
_ROUNDS = 7
_AT_MOST = {"dockerfile-parse": 1.5, "dockerfile": 1 / 3}
"""The share of the other's time that dockerfix may take."""


def parsing() -> None:
    """Print the table of times and the weight of a tree."""
    import dockerfile
    from dockerfile_parse import DockerfileParser

    from dockerfix.syntax.dockerfile import parse, render

    corpus = dockerfiles(_FILES)
    texts = [data.decode() for data in corpus]

    def ours() -> None:
        for data in corpus:
            assert render(parse(data)) == data

    def structure() -> None:
        for data in corpus:
            assert DockerfileParser(fileobj=io.BytesIO(data), env_replace=False).structure

    def buildkit() -> None:
        for text in texts:
            assert dockerfile.parse_string(text)

    work = {"dockerfix": ours, "dockerfile-parse": structure, "dockerfile": buildkit}
    times = in_process(work, _ROUNDS)
    print(f"parse and render {len(corpus):,} files ({sum(map(len, corpus)) / 1e6:.1f} MB)\n")
    print("| parser | CPU s | µs a file | dockerfix takes | at most |")
    print("|---|---|---|---|---|")
    for name, seconds in times.items():
        ratio = times["dockerfix"] / seconds
        limit = f"{_AT_MOST[name]:.2f} x" if name in _AT_MOST else ""
        each = seconds / len(corpus) * 1e6
        print(f"| {name} | {seconds:.2f} | {each:.0f} | {ratio:.2f} x | {limit} |")
    print(f"\na tree weighs {_tree_weight(corpus) / 1024:.1f} KiB beside the bytes of its file\n")


def _tree_weight(corpus: list[bytes]) -> float:
    """The bytes of memory that a parsed file holds on average, words not yet read."""
    from dockerfix.syntax.dockerfile import parse

    gc.collect()
    tracemalloc.start()
    trees = [parse(data) for data in corpus]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / len(trees)
