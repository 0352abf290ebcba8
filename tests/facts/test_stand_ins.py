"""Stand-ins for sources: which RUNs write nothing else."""

from __future__ import annotations

import pytest

from dockerfix.facts.dockerfile.places import apart, placed, sources_of
from dockerfix.facts.dockerfile.stand_ins import stand_ins
from dockerfix.facts.repository import Facts
from dockerfix.syntax.dockerfile import Copy, parse
from dockerfix.text import Snapshot


@pytest.mark.parametrize(
    "line, written",
    [
        ("RUN mkdir -p a/src && echo 'fn main() {}' > a/src/main.rs", {"/w/a/src/main.rs"}),
        ("RUN touch a.rs /b.rs", {"/w/a.rs", "/b.rs"}),
        ('RUN echo "" > x.rs; printf "" >> y.rs', {"/w/x.rs", "/w/y.rs"}),
        ("RUN mkdir -p a/src", set()),
        ("RUN echo x > build.rs", set()),
        ("RUN echo x > a.rs && echo y > Cargo.toml", set()),
        ("RUN echo x > $D/a.rs", set()),
        ("RUN touch */main.rs", set()),
        ("RUN echo $(make a) > a.rs", set()),
        ("RUN echo x > a.rs && cargo build", set()),
        ("RUN --mount=type=cache,target=/w echo x > a.rs", set()),
        ("COPY a.rs a.rs", set()),
    ],
)
def test_what_a_line_writes(line: str, written: set[str]) -> None:
    item = parse(f"FROM x\n{line}\n".encode()).instructions[-1]
    assert stand_ins(item, "/w") == written
    assert stand_ins(item, "w") == set()


_FILES = {"Cargo.toml": b"", "Cargo.lock": b"", "a/src/lib.rs": b"", "docs.d/x": b""}


@pytest.mark.parametrize(
    "line, path, sources",
    [
        ("COPY . .", "/w/a/src/lib.rs", ["a/src/lib.rs"]),
        ("COPY a b", "/w/b/src/lib.rs", ["a/src/lib.rs"]),
        ("COPY a/src/lib.rs x/", "/w/x/lib.rs", ["a/src/lib.rs"]),
        ("COPY a/src/lib.rs x", "/w/x", ["a/src/lib.rs"]),
        ("COPY a/src b/", "/w/a/src/lib.rs", []),
        ("COPY Cargo.* ./", "/w/Cargo.toml", []),
        ("COPY --exclude=*.rs a a", "/w/a/src/lib.rs", []),
    ],
)
def test_where_a_copied_file_comes_from(line: str, path: str, sources: list[str]) -> None:
    is_folder = Facts(Snapshot.of(_FILES)).folder_test("")
    item = parse(f"FROM x\n{line}\n".encode()).instructions[-1]
    copy = placed(item, "/w", is_folder) if isinstance(item, Copy) else None
    assert copy is not None
    assert list(sources_of(copy, path, is_folder)) == sources


@pytest.mark.parametrize(
    "one, other, independent",
    [
        ("COPY Cargo.toml Cargo.lock* ./", "COPY a/src a/src", True),
        ("COPY Cargo.* ./", "COPY Cargo.toml ./", False),
        ("COPY Cargo.* ./", "COPY a/Cargo.toml a/", True),
        ("COPY docs* ./", "COPY a/src a/src", False),
        ("COPY a*/src ./", "COPY a/src x", False),
    ],
)
def test_copies_with_wildcards(one: str, other: str, independent: bool) -> None:
    is_folder = Facts(Snapshot.of(_FILES)).folder_test("")
    items = parse(f"FROM x\n{one}\n{other}\n".encode()).instructions[1:]
    first, second = (placed(i, "/w", is_folder) for i in items if isinstance(i, Copy))
    assert first is not None
    assert second is not None
    assert apart(first, second, is_folder) is independent
    assert apart(second, first, is_folder) is independent


def test_what_the_ignore_file_keeps_back_is_not_sent() -> None:
    facts = Facts(Snapshot.of({"c/a.rs": b"", "c/b.rs": b"", "c/.dockerignore": b"b.rs\n"}))
    sent = facts.sends("c", "Dockerfile")
    assert [name for name in ("a.rs", "b.rs", "x.rs") if sent(name)] == ["a.rs"]
    broken = Facts(Snapshot.of({"a.rs": b"", ".dockerignore": b"[\n"}))
    assert not broken.sends("", "Dockerfile")("a.rs")


def test_what_packages_are_made_of() -> None:
    facts = Facts(
        Snapshot.of(
            {
                "Cargo.toml": b'[workspace]\nmembers = ["a", "b", "c", "d"]\n'
                b'[workspace.dependencies]\nb = { path = "b" }\n'
                b'[patch.crates-io]\nd = { path = "d" }\n',
                "a/Cargo.toml": b'[package]\nname = "a"\n[dependencies]\nb.workspace = true\n',
                "b/Cargo.toml": b'[package]\nname = "b"\n',
                "c/Cargo.toml": b'[package]\nname = "c"\n',
                "d/Cargo.toml": b'[package]\nname = "d"\n',
            }
        )
    )
    workspace = facts.workspace("")
    assert workspace is not None
    assert workspace.reached(["a"]) == {"a", "b", "d"}
    assert workspace.reached(["c"]) == {"c", "d"}
