"""Inputs of a merge from a few lines: a workspace of two crates, and a Dockerfile for each."""

from __future__ import annotations

from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.scope.call import read_scope

_WORKSPACE = {
    "Cargo.toml": b'[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n',
    "Cargo.lock": b"version = 4\n",
    "a/Cargo.toml": b'[package]\nname = "a"\nversion = "0.1.0"\n',
    "a/src/main.rs": b"fn main() {}\n",
    "b/Cargo.toml": b'[package]\nname = "b"\nversion = "0.1.0"\n',
    "b/src/main.rs": b"fn main() {}\n",
    "proto/x.proto": b"",
}
_END = "FROM debian:12\nCOPY --from=build /w/target/release/{name} /{name}\n"


def inputs(one: str, other: str, more: dict[str, str] | None = None) -> list[InputFile]:
    """The files of a merge as it reads them: the Dockerfiles of the crates `a` and `b`, and
    `more` files beside them, which may build these."""
    files = dict(_WORKSPACE)
    files |= {path: text.encode() for path, text in (more or {}).items()}
    files |= {"Dockerfile.a": one.encode(), "Dockerfile.b": other.encode()}
    facts = Facts(Snapshot.of(files))
    return read_scope(facts, ["Dockerfile.a", "Dockerfile.b"], "Dockerfile.all").files


def read(one: str, other: str) -> list[InputFile]:
    """Two inputs whose build stages have these lines (`; ` between them) before the build."""
    return inputs(_dockerfile("a", one), _dockerfile("b", other))


def _dockerfile(name: str, lines: str) -> str:
    build = f"RUN cargo build --release --bin {name}\n"
    chain = lines.replace("; ", "\n")
    return f"FROM rust:1.90 AS build\n{chain}\n{build}{_END.format(name=name)}"
