"""Programs that an image copies: made by a build of the stage, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

WORKSPACE = {
    "Cargo.toml": '[workspace]\nresolver = "3"\nmembers = ["a", "b", "lib"]\n',
    "a/Cargo.toml": '[package]\nname = "a"\nedition = "2021"\n[[bin]]\nname = "a2"\n'
    'path = "src/two.rs"\nrequired-features = ["two"]\n[features]\ntwo = []\n',
    "a/src/main.rs": "fn main() {}\n",
    "b/Cargo.toml": '[package]\nname = "b"\nversion = "1.0.0"\n',
    "b/src/main.rs": "fn main() {}\n",
    "lib/Cargo.toml": '[package]\nname = "my-lib"\n[lib]\ncrate-type = ["cdylib"]\n',
    "lib/src/lib.rs": "",
}


def produced(text: str, target: str = "", files: Mapping[str, str] | None = None) -> Verdict:
    facts = Facts(Snapshot.of({**WORKSPACE, "Dockerfile": text, **(files or {})}))
    return check(ArtefactProduced(Image("Dockerfile", target)), facts, facts)


def built(run: str, copied: str = "/app/target/release/a", before: str = "") -> Verdict:
    return produced(
        f"FROM rust AS builder\nWORKDIR /app\nCOPY . .\n{before}{run}\n"
        f"FROM alpine\nCOPY --from=builder {copied} /usr/bin/\n"
    )


def why(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict
    return verdict.failures[0]


def undecided(verdict: Verdict) -> str:
    assert verdict.holds, verdict.failures
    assert len(verdict.unproved) == 1, verdict.unproved
    assert verdict.unproved[0].startswith("Dockerfile:")
    return verdict.unproved[0]


class TestMade:
    @pytest.mark.parametrize(
        ("run", "copied"),
        [
            ("RUN cargo build --release", "/app/target/release/a"),
            ("RUN cargo build --release --bin b --bin a", "/app/target/release/a"),
            ("RUN cargo build", "/app/target/debug/a"),
            ("RUN cargo build --profile dist -p a", "/app/target/dist/a"),
            ("RUN cargo build -r --target x86_64-x", "/app/target/x86_64-x/release/a"),
            ("RUN cargo build -r --target-dir /out", "/out/release/a"),
            ("ENV CARGO_TARGET_DIR=/t\nRUN cargo build -r", "/t/release/a"),
            ("RUN CARGO_TARGET_DIR=/t cargo build -r", "/t/release/a"),
            ("RUN export CARGO_BUILD_TARGET=x && cargo build -r", "/app/target/x/release/a"),
            ("RUN cd a && cargo build -r", "/app/target/release/a"),
            ("WORKDIR a\nRUN cargo build -r --bin a", "/app/target/release/a"),
            ("RUN cargo build -r --manifest-path a/Cargo.toml", "/app/target/release/a"),
            ("RUN cargo build -r -p b && cargo build -r -p a", "/app/target/release/a"),
            ("RUN for p in a b; do cargo build -r -p $p; done", "/app/target/release/a"),
            ("ARG BIN=a\nRUN cargo build -r --bin ${BIN}", "/app/target/release/a"),
            ("RUN sh -c 'cargo build -r'", "/app/target/release/a"),
            ("RUN <<EOF\nset -e\ncargo build -r\nEOF", "/app/target/release/a"),
            ("RUN cargo build -r && mkdir /out && cp target/release/a /out", "/out/a"),
            ("RUN cargo build -r && cp target/release/a /out/server", "/out/server"),
            ("RUN cargo build -r && cp target/release/a target/release/b /out/", "/out/a"),
            ("RUN cargo build -r && mv target/release/a /a", "/a"),
            ("RUN cargo build -r && install -Dm755 target/release/a /usr/bin/a", "/usr/bin/a"),
            ("RUN cargo build -r && cp -r target/release /out", "/out/a"),
            ("RUN cargo build -r && cp target/release/* /out/", "/out/a"),
            ("RUN cargo build -r && cp target/release/a /one\nRUN mv /one /two", "/two"),
            ("RUN cargo build -r && cp target/release/a target/release/b /out/", "/out/a"),
            ("RUN --mount=type=ssh cargo build -r", "/app/target/release/a"),
            ("RUN --mount=type=secret,id=x cargo build -r", "/app/target/release/a"),
            ("RUN cargo install --path a", "/usr/local/cargo/bin/a"),
            ("RUN cargo install --path ./a --root /out", "/out/bin/a"),
            ("RUN cargo build -r --features two", "/app/target/release/a2"),
            ("RUN cargo build -r", "/app/target/release/libmy_lib.so"),
            ("RUN cargo build -r", "app/target/release/a"),
            ("RUN cargo build -r", "/app/target/release/[ab]"),
            (
                "RUN --mount=type=cache,target=/app/target cargo build -r "
                "&& cp target/release/a /a",
                "/a",
            ),
            (
                "RUN --mount=type=cache,target=target cargo build -r\nRUN cargo build -r",
                "/app/target/release/a",
            ),
        ],
    )
    def test_by_cargo(self, run: str, copied: str) -> None:
        verdict = built(run, copied)
        assert verdict.failures == ()
        assert (verdict.differences, verdict.unproved) == ((), ())

    def test_through_stages(self) -> None:
        verdict = produced(
            "FROM rust AS base\nWORKDIR /app\nCOPY . .\nFROM base AS builder\n"
            "RUN cargo build -r\nFROM scratch AS out\n"
            "COPY --from=builder /app/target/release/a /a\n"
            "FROM alpine\nCOPY --from=out /a /usr/bin/a\n"
        )
        assert verdict.holds
        assert (verdict.differences, verdict.unproved) == ((), ())

    def test_through_a_mount(self) -> None:
        text = (
            "FROM rust AS builder\nWORKDIR /app\nCOPY . .\nRUN cargo build -r{bins}\n"
            "FROM alpine\n"
            "RUN --mount=from=builder,source=/app/target,target=/t cp /t/release/a /a\n"
        )
        assert produced(text.format(bins="")).unproved == ()
        assert "does not select it" in why(produced(text.format(bins=" --bin b")))

    def test_sources_by_a_bind_mount(self) -> None:
        verdict = produced(
            "FROM rust AS builder\nWORKDIR /app\n"
            "RUN --mount=type=bind,target=/app cargo build -r --target-dir /out\n"
            "FROM alpine\nCOPY --from=builder /out/release/a /a\n"
        )
        assert verdict.holds
        assert (verdict.differences, verdict.unproved) == ((), ())

    def test_sources_in_parts(self) -> None:
        verdict = built("RUN cargo build -r", before="COPY a a/\nCOPY b ./b\n")
        assert (verdict.differences, verdict.unproved) == ((), ())

    def test_a_workspace_below_the_context(self) -> None:
        files = {f"cp/{path}": text for path, text in WORKSPACE.items()}
        text = (
            "FROM rust AS builder\nWORKDIR /src\nCOPY cp cp\nWORKDIR /src/cp\n"
            "RUN cargo build -r{}\nFROM alpine\n"
            "COPY --from=builder /src/cp/target/release/a /a\n"
        )
        assert produced(text.format(""), files=files).unproved == ()
        assert not produced(text.format(" --bin b"), files=files).holds

    def test_a_prebuilt_file_of_the_context(self) -> None:
        verdict = produced(
            "FROM scratch AS files\nCOPY bin /\nFROM alpine\nCOPY --from=files /a /a\n",
            files={"bin/a": ""},
        )
        assert verdict.holds
        assert (verdict.differences, verdict.unproved) == ((), ())

    def test_a_recipe(self) -> None:
        text = (
            "FROM rust AS planner\nWORKDIR /app\nCOPY . .\nRUN cargo chef prepare {}\n"
            "FROM rust\nCOPY --from=planner /app/recipe.json recipe.json\n"
        )
        assert produced(text.format("--recipe-path recipe.json")).unproved == ()
        assert produced(text.format("")).unproved == ()
        assert produced(text.format("--recipe-path other.json")).unproved != ()

    def test_images_are_not_asked(self) -> None:
        verdict = produced("FROM alpine\nCOPY --from=nginx:1 /target/release/a /a\n")
        assert verdict.holds
        assert (verdict.differences, verdict.unproved) == ((), ())


class TestNotMade:
    def test_a_binary_that_is_not_selected(self) -> None:
        found = why(built("RUN cargo build -r --bin b"))
        assert found.startswith("Dockerfile:6:1: /app/target/release/a of stage `builder`")
        assert "`cargo build -r --bin b` does not select it (Dockerfile:4:5)" in found

    def test_a_cook_leaves_empty_programs(self) -> None:
        found = why(built("RUN cargo chef cook --release"))
        assert "a cook leaves an empty program" in found

    def test_a_cook_and_a_build_of_another(self) -> None:
        run = "RUN cargo chef cook --release\nRUN cargo build --release -p b"
        assert "`cargo build --release -p b` does not select it" in why(built(run))

    def test_required_features(self) -> None:
        found = built("RUN cargo build -r", "/app/target/release/a2")
        assert "does not select it" in why(found)

    @pytest.mark.parametrize(
        ("run", "copied"),
        [
            ("RUN cargo build", "/app/target/release/a"),
            ("RUN cargo build -r", "/app/target/debug/a"),
            ("RUN cargo build -r --target x", "/app/target/release/a"),
            ("RUN cargo build -r", "/target/release/a"),
            ("RUN cargo build -r", "target/release/a"),  # --from counts from the root
            ("RUN cargo build -r --bin a", "/app/target/release/libmy_lib.so"),
            ("RUN cargo build -r && mv target/release/a /a", "/app/target/release/a"),
            ("RUN cargo build -r && rm -rf target", "/app/target/release/a"),
            ("RUN cargo build -r --bin b", "/app/target/release/a*"),
            ("RUN cargo build -r -p b && cp target/release/a /out/a", "/out/a"),
            ("RUN true", "/app/target/release/a"),
        ],
    )
    def test_a_path_where_nothing_is(self, run: str, copied: str) -> None:
        assert not built(run, copied).holds

    def test_a_cache_mount_is_not_in_the_image(self) -> None:
        run = "RUN --mount=type=cache,target=/app/target cargo build -r"
        assert "copy it in the same RUN" in why(built(run))

    def test_another_run_fills_the_cache_mount(self) -> None:
        mount = "RUN --mount=type=cache,target=/app/target"
        run = f"{mount} cargo build -r\n{mount} cp target/release/a /a"
        assert "only in a cache mount" in why(built(run, "/a"))

    def test_a_stage_before_the_build(self) -> None:
        verdict = produced(
            "FROM rust AS base\nWORKDIR /app\nCOPY . .\nRUN cargo chef cook -r\n"
            "FROM base AS builder\nRUN cargo build -r\n"
            "FROM alpine\nCOPY --from=base /app/target/release/a /a\n"
        )
        assert "only a cook runs here" in why(verdict)

    def test_a_target_that_is_not_there(self) -> None:
        assert "no stage is called `x`" in why(produced("FROM a\n", "x"))

    def test_cargo_surely_fails(self) -> None:
        verdict = built("RUN cargo build -r -p nobody", "/app/target/release/a")
        assert "`nobody` is not a member of the workspace" in why(verdict)


class TestUndecided:
    @pytest.mark.parametrize(
        ("run", "copied"),
        [
            ("RUN make", "/out/server"),
            ("RUN make", "/app/target/release/a"),
            ("RUN ./build.sh", "/app/target/release/a"),
            ("RUN cargo xtask dist", "/app/target/release/a"),
            ('RUN ["cargo", "build", "-r"]', "/app/target/release/a"),
            ('RUN if [ -n "$X" ]; then cargo build -r; fi', "/app/target/release/a"),
            ("RUN cargo build -r", "/app/target/release"),
            ("RUN cargo build -r", "/usr/lib/libssl.so"),
            ("ARG BIN\nRUN cargo build -r --bin $BIN", "/app/target/release/a"),
            ("ENV X=1\nRUN cargo build -r", "/app/${PROFILE}/a"),
            ("RUN npm run build", "/app/dist"),
            ("RUN cargo build -r --target wasm", "/app/target/wasm/release/a.wasm"),
            ("RUN ((", "/app/target/release/a"),
        ],
    )
    def test_it_is_said_and_is_no_failure(self, run: str, copied: str) -> None:
        undecided(built(run, copied))

    def test_no_manifest(self) -> None:
        facts = Facts(
            Snapshot.of(
                {
                    "Dockerfile": "FROM rust AS b\nCOPY . /app\nWORKDIR /app\n"
                    "RUN cargo build -r\nFROM x\n"
                    "COPY --from=b /app/target/release/a /a\n"
                }
            )
        )
        verdict = check(ArtefactProduced(Image("Dockerfile")), facts, facts)
        assert "there is no Cargo.toml" in undecided(verdict)

    def test_a_broken_manifest(self) -> None:
        run = "FROM rust AS b\nWORKDIR /app\nCOPY . .\nRUN cargo build -r\nFROM x\n"
        run += "COPY --from=b /app/target/release/a /a\n"
        assert "Cargo.toml" in undecided(produced(run, files={"Cargo.toml": "= broken"}))


class TestTheSample:
    @pytest.mark.parametrize("target", ["server", "authz-worker-release", "synchronizer", ""])
    def test_the_merge_by_hand_holds(self, before: Facts, after: Facts, target: str) -> None:
        owed = ArtefactProduced(Image("controlplane/Dockerfile.all", target))
        verdict = check(owed, before, after)
        assert verdict.failures == ()
        assert (verdict.differences, verdict.unproved) == ((), ())

    @pytest.mark.parametrize(
        ("image", "pair"),
        [
            ("authz-worker", ("--bin authz-worker --bin synchronizer\n\n", "\n\n")),
            ("server", ("RUN cargo build --release", "RUN cargo chef cook --release")),
            ("server", ("=builder /app/target/release/server", "=base /app/target/release/server")),
            ("synchronizer", ("/app/target/release/synchronizer", "/app/target/release/sync")),
            ("server", ("RUN cargo build", "RUN --mount=type=cache,target=target cargo build")),
        ],
    )  # fmt: skip
    def test_every_mutation_is_caught(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        image: str,
        pair: tuple[str, str],
    ) -> None:
        broken = mutated("controlplane/Dockerfile.all", pair)
        owed = ArtefactProduced(Image("controlplane/Dockerfile.all", image))
        assert not check(owed, before, broken).holds

    def test_a_package_of_another_ecosystem(self, before: Facts) -> None:
        verdict = check(ArtefactProduced(Image("console/Dockerfile")), before, before)
        assert "/console/dist" in verdict.unproved[0]
        assert verdict.holds


def cooked(
    cook: str, image: str = "rust", install: str = "RUN cargo install cargo-chef"
) -> Verdict:
    """What a build ships whose dependencies a cook compiles; only `a` is a default member."""
    manifest = WORKSPACE["Cargo.toml"] + 'default-members = ["a"]\n'
    text = (
        f"FROM {image} AS chef\n{install}\nWORKDIR /app\n"
        "FROM chef AS planner\nCOPY . .\nRUN cargo chef prepare\n"
        f"FROM chef AS builder\nCOPY --from=planner /app/recipe.json .\nRUN {cook}\nCOPY . .\n"
        "RUN cargo build -r --workspace --bin a --bin b\n"
        "FROM alpine\nCOPY --from=builder /app/target/release/a /usr/bin/\n"
    )
    return produced(text, files={"Cargo.toml": manifest})


class TestCooks:
    """A cook selects as a build does, and hands its words to cargo."""

    @pytest.mark.parametrize(
        "cook",
        [
            "cargo chef cook -r",
            "cargo chef cook -r --bin a",
            "cargo chef cook -r --workspace --bin a --bin b",
            "cargo chef cook -r -p b",
            "cargo chef cook -r --bin $X",
        ],
    )
    def test_runs(self, cook: str) -> None:
        assert cooked(cook).holds

    def test_default_members_lack_a_program(self) -> None:
        verdict = cooked("cargo chef cook -r --bin a --bin b")
        assert "cargo fails: no binary `b`" in why(verdict)

    @pytest.mark.parametrize(
        ("image", "install"),
        [
            ("rust", "RUN cargo install cargo-chef --version 0.1.62"),
            ("rust", "RUN cargo install --locked --version=0.1.62 cargo-chef"),
            ("rust", "RUN cargo install cargo-chef@0.1.50 sccache"),
            ("rust", "RUN cargo binstall -y cargo-chef@0.1.50"),
            ("rust", "ARG V=0.1.50\nRUN cargo install cargo-chef --version $V"),
            ("rust", "ARG V\nRUN cargo install cargo-chef --version ${V}"),
            ("rust", "RUN cargo install --git https://git.example/cargo-chef --tag v0.1.50"),
            ("rust", "RUN curl -L https://x.example/cargo-chef/releases/v0.1.50/a.tgz | tar xz"),
            ("lukemathwalker/cargo-chef:0.1.62-rust-1.72-bookworm", ""),
            ("lukemathwalker/cargo-chef:latest-rust-1.70.0", ""),
        ],
    )
    def test_old_cargo_chef_takes_one_bin(self, image: str, install: str) -> None:
        verdict = cooked(
            "cargo chef cook -r --workspace --bin a --bin b", image=image, install=install
        )
        assert "this cargo-chef may take `--bin` only once" in why(verdict)

    @pytest.mark.parametrize(
        ("image", "install"),
        [
            ("rust", "RUN cargo install cargo-chef@0.1.71"),
            ("rust", "RUN cargo install sccache@0.5.1 cargo-chef"),
            ("rust", "RUN cargo install cargo-chef --version ^0.1.50"),
            ("rust", "ARG V=0.1.64\nRUN cargo install cargo-chef --version $V"),
            ("lukemathwalker/cargo-chef:0.1.71-rust-1.72", ""),
            ("lukemathwalker/cargo-chef:latest-rust-1", ""),
            ("lukemathwalker/cargo-chef:latest-rust-1.90-slim", ""),
            ("lukemathwalker/cargo-chef", ""),
        ],
    )
    def test_new_cargo_chef_takes_several(self, image: str, install: str) -> None:
        assert cooked(
            "cargo chef cook -r --workspace --bin a --bin b", image=image, install=install
        ).holds
