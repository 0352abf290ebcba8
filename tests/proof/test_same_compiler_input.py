"""What each shipped program is compiled with, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.cargo.native import crates_that_notice, is_compiler_package
from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

WORKSPACE = {
    "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b", "c"]\n',
    "Cargo.lock": '[[package]]\nname = "a"\n[[package]]\nname = "openssl-sys"\n',
    "a/Cargo.toml": '[package]\nname = "a"\n[features]\nfast = []\n',
    "a/src/main.rs": 'fn main() { env!("STAMP"); }\n',
    "b/Cargo.toml": '[package]\nname = "b"\n[features]\nfast = []\n',
    "b/src/main.rs": "fn main() {}\n",
    "c/Cargo.toml": '[package]\nname = "c"\n',
}
DOCKERFILE = """\
FROM rust:1.90-alpine AS builder
RUN apk add --no-cache musl-dev
WORKDIR /app
COPY . .
RUN cargo build --release --bin a
FROM alpine
COPY --from=builder /app/target/release/a /a
"""


def compared(
    after: str,
    before: str = DOCKERFILE,
    accepted: frozenset[str] = frozenset(),
    files: Mapping[str, str] | None = None,
    files_after: Mapping[str, str] | None = None,
) -> Verdict:
    owed = SameCompilerInput(Image("Dockerfile"), Image("Dockerfile"), accepted)
    common = {**WORKSPACE, **(files or {})}
    first = Facts(Snapshot.of({**common, "Dockerfile": before}))
    second = Facts(Snapshot.of({**common, **(files_after or {}), "Dockerfile": after}))
    return check(owed, first, second)


def changed(old: str, new: str, accepted: frozenset[str] = frozenset()) -> Verdict:
    assert old in DOCKERFILE
    return compared(DOCKERFILE.replace(old, new), accepted=accepted)


def aspect(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict
    assert "Dockerfile" in verdict.failures[0].split(":")[0]
    return verdict.failures[0].rsplit("accept `", 1)[1].rstrip("`")


BUILD = "cargo build --release --bin a"


class TestDifferences:
    @pytest.mark.parametrize(
        ("old", "new", "name"),
        [
            ("rust:1.90-alpine", "rust:1.91-alpine", "base-image"),
            ("rust:1.90-alpine", "rust:1.90", "base-image"),
            ("FROM rust", "FROM --platform=linux/arm64 rust", "platform"),
            ("WORKDIR", "RUN rustup default stable\nWORKDIR", "toolchain"),
            ("WORKDIR", "RUN rustup update\nWORKDIR", "toolchain"),
            (BUILD, "cargo +nightly build --release --bin a", "toolchain"),
            ("WORKDIR", "ENV RUSTUP_TOOLCHAIN=beta\nWORKDIR", "toolchain"),
            ("WORKDIR", "ENV RUSTFLAGS=-Ctarget-cpu=native\nWORKDIR", "flags"),
            ("WORKDIR", "ARG CARGO_PROFILE_RELEASE_LTO=fat\nWORKDIR", "flags"),
            (BUILD, "CFLAGS=-O3 " + BUILD, "flags"),
            (BUILD, "export CC=clang && " + BUILD, "flags"),
            ("WORKDIR", "ENV CARGO_TARGET_X_LINKER=lld\nWORKDIR", "linker"),
            ("WORKDIR", "ENV RUSTC_WRAPPER=sccache\nWORKDIR", "flags"),
            ("WORKDIR", "ENV STAMP=1\nWORKDIR", "environment"),
            ("WORKDIR", "ENV SQLX_OFFLINE=true\nWORKDIR", "environment"),
            ("WORKDIR", "ENV PATH=/x:$PATH\nWORKDIR", "flags"),
            (BUILD, BUILD + " --features a/fast", "features"),
            (BUILD, BUILD + " --all-features", "features"),
            (BUILD, BUILD + " --no-default-features", "features"),
            (BUILD, "cargo build --release -p a", "selection"),
            (BUILD, "cargo build --release -p a -p b", "selection"),
            (BUILD, "cd a && " + BUILD, "selection"),
            (BUILD, "cargo zigbuild --release --bin a", "selection"),
            ("musl-dev", "musl-dev openssl-dev", "packages"),
            ("musl-dev", "musl-dev=1.2", "packages"),
            ("RUN apk add --no-cache musl-dev\n", "", "packages"),
            ("WORKDIR", 'SHELL ["/bin/bash", "-c"]\nWORKDIR', "shell"),
        ],
    )
    def test_each_is_named_fails_and_can_be_accepted(self, old: str, new: str, name: str) -> None:
        verdict = changed(old, new)
        assert {f.rsplit("accept `", 1)[1].rstrip("`") for f in verdict.failures} == {name}
        taken = changed(old, new, frozenset({name}))
        assert taken.failures == ()
        assert any("accepted" in line for line in taken.differences)

    def test_the_profile(self) -> None:
        after = DOCKERFILE.replace("--release", "--profile dist").replace(
            "target/release", "target/dist"
        )
        assert aspect(compared(after)) == "profile"

    def test_the_triple(self) -> None:
        after = DOCKERFILE.replace("--release", "-r --target x").replace("target/", "target/x/")
        assert aspect(compared(after)) == "target-triple"

    def test_both_places_are_named(self) -> None:
        found = changed("1.90", "1.91").failures[0]
        assert found.startswith("Dockerfile:5:5: a: base-image is `rust:1.91-alpine`, it was")
        assert "at Dockerfile:5:5" in found

    def test_a_variable_may_be_accepted_by_its_name(self) -> None:
        verdict = changed("WORKDIR", "ENV STAMP=1\nWORKDIR", frozenset({"STAMP"}))
        assert verdict.holds

    def test_rust_images_differ_by_their_toolchain(self) -> None:
        accepted = frozenset({"toolchain"})
        assert changed("rust:1.90", "rust:1.91", accepted).holds
        assert not changed("rust:1.90-alpine", "rust:1.91", accepted).holds
        assert not changed("rust:1.90-alpine", "rusty:1.91-alpine", accepted).holds

    def test_files_that_cargo_reads(self) -> None:
        verdict = compared(DOCKERFILE, files_after={"Cargo.toml": WORKSPACE["Cargo.toml"] + "#\n"})
        assert aspect(verdict) == "cargo-files"

    def test_a_toolchain_file(self) -> None:
        pin = {"rust-toolchain.toml": '[toolchain]\nchannel = "1.88"\n'}
        assert compared(DOCKERFILE, files=pin).holds
        found = compared(DOCKERFILE, files_after=pin)
        assert "toolchain is `channel = 1.88`" in found.failures[0]
        # The file wins over the default, so that the default changes nothing.
        default = DOCKERFILE.replace("WORKDIR", "RUN rustup default stable\nWORKDIR")
        assert compared(default, files=pin).holds

    def test_a_program_that_is_not_shipped_any_more(self) -> None:
        after = DOCKERFILE.replace("COPY --from=builder /app/target/release/a /a\n", "")
        assert "does not ship `a`" in compared(after).failures[0]

    @pytest.mark.parametrize("carry", ["cp target/release/{} /out/", "mv target/release/{} /out"])
    def test_a_program_that_a_copied_folder_brings_along(self, carry: str) -> None:
        one = f"{BUILD} && mkdir /out && {carry.format('a')}"
        before = DOCKERFILE.replace(BUILD, one).replace("/app/target/release/a /a", "/out/ /bin/")
        after = before.replace("--bin a", "--bin a --bin b")
        assert compared(after, before).holds
        after = after.replace(carry.format("a"), f"{carry.format('a')} && {carry.format('b')}")
        failures = compared(after, before).failures
        assert ["ships `b` too" in line for line in failures] == [True]


class TestHarmless:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (BUILD, "cargo build --release"),
            (BUILD, "cargo build -r --bin b --bin a --locked"),
            (BUILD, "cargo build --profile release --bins"),
            (BUILD, BUILD + " && cargo build -r -p b"),
            (BUILD, "cargo build -r -p b && " + BUILD),
            ("WORKDIR", "ENV RUST_LOG=debug TZ=UTC\nWORKDIR"),
            ("WORKDIR", "RUN rustup component add clippy\nWORKDIR"),
            ("COPY . .", "RUN cargo chef cook\nCOPY . ."),
            ("FROM alpine", "FROM builder AS other\nFROM alpine"),
            (BUILD, "for x in a; do cargo build -r --bin $x; done"),
        ],
    )
    def test_these_make_the_same_program(self, old: str, new: str) -> None:
        verdict = changed(old, new)
        assert verdict.failures == ()
        assert verdict.differences == ()

    def test_packages_that_no_crate_asks_for(self) -> None:
        verdict = changed("musl-dev", "musl-dev git sqlite-dev perl")
        assert verdict.failures == ()
        assert "added: git, perl, sqlite-dev; no crate" in verdict.differences[0]

    def test_without_a_lock_file_nobody_knows(self) -> None:
        facts = {k: v for k, v in WORKSPACE.items() if k != "Cargo.lock"}
        owed = SameCompilerInput(Image("Dockerfile"), Image("Dockerfile"))
        after = DOCKERFILE.replace("musl-dev", "musl-dev git")
        verdict = check(
            owed,
            Facts(Snapshot.of({**facts, "Dockerfile": DOCKERFILE})),
            Facts(Snapshot.of({**facts, "Dockerfile": after})),
        )
        assert "without a Cargo.lock" in verdict.failures[0]

    def test_a_variable_that_no_source_names(self) -> None:
        verdict = changed("WORKDIR", "ENV PROBE=1\nWORKDIR")
        assert verdict.failures == ()
        assert "no crate of the workspace reads it" in verdict.differences[0]

    def test_an_image_without_programs(self) -> None:
        verdict = compared("FROM alpine\n", "FROM alpine\n")
        assert verdict.statement == "Dockerfile ships no cargo program"
        assert verdict.holds

    def test_what_cannot_be_decided_is_said(self) -> None:
        hidden = DOCKERFILE.replace(BUILD, "make")
        verdict = compared(hidden, hidden)
        assert verdict.holds
        assert verdict.unproved

    def test_features_that_are_scoped_instead_of_given_to_all(self) -> None:
        before = DOCKERFILE.replace(BUILD, "cargo build -r -p a --features fast")
        after = DOCKERFILE.replace(BUILD, "cargo build -r -p a --features a/fast")
        assert compared(after, before).failures == ()
        # At the root `fast` goes to both packages.
        before = DOCKERFILE.replace(BUILD, BUILD + " --features fast")
        after = DOCKERFILE.replace(BUILD, BUILD + " --features a/fast")
        assert aspect(compared(after, before)) == "features"


class TestPackages:
    @pytest.mark.parametrize(
        ("package", "locked", "noticed"),
        [
            ("libssl-dev", {"openssl-sys"}, True),
            ("openssl-dev", {"openssl-sys"}, True),
            ("openssl-libs-static", {"openssl-sys"}, False),
            ("libpq-dev", {"pq-sys"}, True),
            ("postgresql17-dev", {"pq-sys"}, True),
            ("sqlite-dev", {"libsqlite3-sys"}, True),
            ("zlib-dev", {"libz-sys"}, True),
            ("zlib1g-dev", {"libz-sys"}, True),
            ("libzstd-dev", {"zstd-sys"}, True),
            ("cmake", {"cmake"}, True),
            ("cmake", {"serde"}, False),
            ("pkgconf", {"pkg-config"}, True),
            ("protobuf-dev", {"prost-build"}, True),
            ("clang19", {"bindgen"}, True),
            ("g++", {"cc"}, True),
            ("git", {"serde"}, False),
            ("bash", {"bash-sys"}, True),
            ("musl-dev", set(), True),
            ("libc6-dev", set(), True),
            ("gcc", set(), True),
        ],
    )
    def test_who_notices(self, package: str, locked: set[str], noticed: bool) -> None:
        assert bool(crates_that_notice(package, frozenset(locked))) is noticed

    def test_what_is_there_for_compiling(self) -> None:
        assert is_compiler_package("libssl-dev")
        assert is_compiler_package("protobuf")
        assert not is_compiler_package("postgresql-client")


class TestAcceptedToolchain:
    """`rustup default stable` in one file of three, united with the others on request."""

    before = """\
FROM rust:1.90 AS chef
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json
FROM chef AS base
RUN rustup default stable
COPY --from=planner /app/recipe.json recipe.json
RUN cargo chef cook --release
COPY . .
FROM base AS development
CMD ["x"]
FROM base AS builder
RUN cargo build --release
FROM alpine AS release
COPY --from=builder /app/target/release/a /a
"""
    after = """\
FROM rust:1.90 AS chef
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json
FROM chef AS cook
COPY --from=planner /app/recipe.json recipe.json
RUN cargo chef cook --release
FROM cook AS base
COPY . .
FROM cook AS a-development
RUN rustup default stable
COPY . .
CMD ["x"]
FROM base AS builder
RUN cargo build --release
FROM alpine AS a-release
COPY --from=builder /app/target/release/a /a
"""

    def facts(self, text: str) -> Facts:
        return Facts(Snapshot.of({**WORKSPACE, "Dockerfile": text}))

    @pytest.mark.parametrize("target", ["development", "release"])
    def test_the_runtime(self, target: str) -> None:
        images = Image("Dockerfile", target), Image("Dockerfile", f"a-{target}")
        before, after = self.facts(self.before), self.facts(self.after)
        rules = frozenset({"tools-later"})
        accepted = check(SameRuntime(*images, rules | {"toolchain"}), before, after)
        assert accepted.failures == ()
        assert accepted.differences != ()
        assert check(SameRuntime(*images, rules), before, after).holds is (target == "development")

    def test_the_compiler(self) -> None:
        images = Image("Dockerfile", "release"), Image("Dockerfile", "a-release")
        before, after = self.facts(self.before), self.facts(self.after)
        assert aspect(check(SameCompilerInput(*images), before, after)) == "toolchain"
        assert check(SameCompilerInput(*images, frozenset({"toolchain"})), before, after).holds


class TestTheSample:
    @pytest.mark.parametrize("name", ["server", "authz-worker", "synchronizer"])
    @pytest.mark.parametrize("target", ["development", "release", ""])
    def test_the_merge_by_hand_holds(
        self, before: Facts, after: Facts, name: str, target: str
    ) -> None:
        verdict = check(owed(name, target), before, after)
        assert verdict.failures == ()
        assert verdict.statement.endswith("ships no cargo program") is (target == "development")

    @pytest.mark.parametrize(
        ("pair", "name"),
        [
            (("FROM rust:1.90-alpine", "FROM rust:1.89-alpine"), "base-image"),
            (("WORKDIR /app\n", "WORKDIR /app\nENV RUSTFLAGS=-g\n"), "flags"),
            (("    perl \\\n", "    perl \\\n    musl-libgcc-dev gcc \\\n"), "packages"),
            (("RUN cargo build", "RUN cargo +nightly build"), "toolchain"),
            (("build --release --bin server --bin", "build --release -p server --bin"), ""),
        ],
    )
    def test_every_mutation_is_caught(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        pair: tuple[str, str],
        name: str,
    ) -> None:
        broken = mutated("controlplane/Dockerfile.all", pair)
        verdict = check(owed("authz-worker", "release"), before, broken)
        if name:
            assert aspect(verdict) == name
        else:
            assert not verdict.holds or verdict.unproved


def owed(name: str, target: str) -> SameCompilerInput:
    suffix = "" if name == "server" else f".{name}"
    merged = f"{name}-{target}" if target else name
    return SameCompilerInput(
        Image(f"controlplane/Dockerfile{suffix}", target),
        Image("controlplane/Dockerfile.all", merged),
    )
