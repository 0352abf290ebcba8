"""Which cargo-chef a stage runs, as far as its words depend on it.

The version stands in the words that install it (`cargo install`, `cargo binstall`, a release
that is fetched) or in the tag of the image that brings it along. Knows one Dockerfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.dockerfile.variables import ExpansionError, Variables
from dockerfix.facts.dockerfile.walk import At, walk
from dockerfix.syntax.dockerfile import Run, Stage
from dockerfix.syntax.shell import Command, parse_shell

_NAME = "cargo-chef"
_REPEATED_BIN = (0, 1, 64)
"""The first cargo-chef whose `cook --bin` may be repeated."""
_RUST_OF_IT = (1, 78)
"""Tags `latest-rust-1.70` are no longer pushed once that Rust is old: from this Rust on, whatever
they hold repeats `--bin`."""
_VERSION = re.compile(r"(?<![\w.])v?(\d+)\.(\d+)\.(\d+)(?![\w.])")


def repeats_bin(graph: StageGraph, stage: Stage) -> bool:
    """Whether the cargo-chef of a stage takes several `cook --bin`. One whose version nobody
    pins is the newest; one whose version cannot be read may be old.

    Source: cargo-chef's changelog, 0.1.64.
    """
    installed = [text for at in walk(graph, stage) for text in _installed(at)]
    if not installed:
        image = _of_image(graph.image(stage))
        if image is not None:
            return image
        others = (part for part in graph.needs(stage) if part.index != stage.index)
        installed = [text for part in others for at in walk(graph, part) for text in _installed(at)]
        images = (_of_image(graph.image(part)) for part in graph.needs(stage))
        if False in images:
            return False
    return all(_is_new(text) for text in installed)


def _installed(at: At) -> Iterator[str]:
    """What each command that installs cargo-chef says of its version, variables filled in."""
    if not isinstance(at.item, Run) or at.item.script is None or _NAME not in at.item.text:
        return
    variables = Variables(values={k: v for k, v in at.environment if v}, open=True)
    for command in parse_shell(at.item.script).commands():
        texts = [_expanded(word.written, variables) for word in command.words]
        if any(_NAME in text for text in texts[1:]):
            yield from _said(command, texts)


def _said(command: Command, texts: list[str]) -> Iterator[str]:
    """The words of a command that may hold the version."""
    at_version = [b for a, b in pairwise(texts) if a in _FLAGS]
    attached = [t.partition("=")[2] for t in texts if t.partition("=")[0] in _FLAGS and "=" in t]
    yield from (*at_version, *attached)
    if command.name == "cargo":
        yield from (t.partition("@")[2] for t in texts if t.startswith(f"{_NAME}@"))
    else:
        yield from (text for text in texts[1:] if _NAME in text)


_FLAGS = ("--version", "--vers", "--tag")


def _expanded(text: str, variables: Variables) -> str:
    try:
        return variables.expand(text)
    except ExpansionError:
        return text


def _is_new(text: str) -> bool:
    """Whether a version, a requirement (`^0.1.50` takes the newest), or the address of a release
    means a cargo-chef that repeats `--bin`."""
    if "$" in text:
        return False
    found = _VERSION.search(text)
    if found is None or text.startswith(("^", "~", ">")):
        return True
    return tuple(map(int, found.groups())) >= _REPEATED_BIN


def _of_image(image: str) -> bool | None:
    """Whether the cargo-chef of an image repeats `--bin`; None for an image that is not known to
    bring one: `lukemathwalker/cargo-chef:0.1.62-rust-1.72-bookworm`."""
    name, _, tag = image.partition("@")[0].rpartition(":")
    if posixpath.basename(name or tag) != _NAME:
        return None
    if "$" in tag:
        return False
    version, _, rust = tag.partition("-rust-")
    number = re.match(r"(\d+)\.(\d+)", rust)
    if version == "latest" and number is not None:
        return tuple(map(int, number.groups())) >= _RUST_OF_IT
    return _is_new(version)
