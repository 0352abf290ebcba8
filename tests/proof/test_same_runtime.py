"""The same chain of instructions: what may differ, under which rule, and what may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

ALL_RULES = frozenset(
    {
        "united-packages", "cook-widened", "build-widened", "prepare-widened", "tools-later",
        "sources-later", "environment-added",
    }
)  # fmt: skip


def runtime(
    before: str,
    after: str,
    *,
    old: str = "",
    new: str = "",
    rules: frozenset[str] = ALL_RULES,
) -> Verdict:
    owed = SameRuntime(Image("Dockerfile", old), Image("Dockerfile", new), rules)
    first, second = (Facts(Snapshot.of({"Dockerfile": text})) for text in (before, after))
    return check(owed, first, second)


def rules_of(verdict: Verdict) -> set[str]:
    assert verdict.holds, verdict.failures
    return {difference.split(":")[0] for difference in verdict.differences}


def failure(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict.failures
    return verdict.failures[0]


class TestEqualChains:
    def test_stages_may_be_cut_and_named_otherwise(self) -> None:
        verdict = runtime(
            "FROM a AS one\nENV X=1\nRUN x\nFROM b\nCOPY --from=one /x /y\nUSER u\n",
            "FROM a AS two\nENV X=1\nFROM two AS three\nRUN x\n"
            "FROM b AS rel\nCOPY --from=three /x /y\nUSER u\nFROM rel AS alias\n",
        )
        assert verdict.holds
        assert verdict.differences == ()

    def test_case_blanks_comments_and_continuations_do_not_matter(self) -> None:
        verdict = runtime("FROM a\nRUN x   && y\n", "from a\n# why\nrun x \\\n  # no\n  && y\n")
        assert verdict.holds

    def test_a_number_and_a_name_are_the_same_stage(self) -> None:
        verdict = runtime(
            "FROM a\nRUN x\nFROM b\nCOPY --from=0 /x /y\n",
            "FROM a AS one\nRUN x\nFROM b\nCOPY --from=ONE /x /y\n",
        )
        assert verdict.holds

    def test_mounts_name_stages_too(self) -> None:
        old = "FROM a AS x\nRUN one\nFROM b\nRUN --mount=from=x,target=/x cp /x/a /a\n"
        new = "FROM a AS y\nRUN one\nFROM b\nRUN --mount=from=y,target=/x cp /x/a /a\n"
        assert runtime(old, new).holds
        other = new.replace("RUN one", "RUN two")
        assert "this is `RUN two`; it was `RUN one`" in failure(runtime(old, other))

    def test_onbuild_keeps_its_names(self) -> None:
        old = "FROM a\nONBUILD COPY --from=builder /x /y\n"
        assert runtime(old, old).holds
        assert not runtime(old, old.replace("builder", "all-builder")).holds

    def test_heredocs_are_compared_by_their_bodies(self) -> None:
        old = "FROM a\nRUN <<EOF\nx\nFROM y\nEOF\n"
        assert runtime(old, old).holds
        assert not runtime(old, old.replace("FROM y", "FROM z")).holds


class TestWhatMustNotDiffer:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("FROM a\nUSER nobody\n", "FROM a\n", "`USER nobody` is missing"),
            ("FROM a\n", "FROM a\nUSER root\n", "`USER root` was not in"),
            ("FROM a:1\n", "FROM a:2\n", "the base image is `a:2`, it was `a:1`"),
            ("FROM a\n", "FROM --platform=linux/arm64 a\n", "the platform is `linux/arm64`"),
            ("FROM a\nENV A=1\n", "FROM a\nENV A=2\n", "this is `ENV A=2`"),
            ("FROM a\nENV A  b\n", "FROM a\nENV A c\n", "this is"),
            ('FROM a\nCMD ["x"]\n', "FROM a\nCMD x\n", "this is"),
            ('FROM a\nSHELL ["bash"]\nRUN x\n', "FROM a\nRUN x\n", '`SHELL ["bash"]` is missing'),
            ("FROM a\nWORKDIR /a\nWORKDIR b\n", "FROM a\nWORKDIR b\nWORKDIR /a\n", "this is"),
            (
                "FROM a\nRUN apk add x\n",
                "FROM a\nRUN apk add x y\n",
                "this is `RUN apk add x y`",
            ),
            ("FROM a\nCOPY --from=img /x /y\n", "FROM a\nCOPY --from=other /x /y\n", "copies from"),
            ("FROM a\nCOPY --chown=1 x y\n", "FROM a\nCOPY x y\n", "this is"),
        ],
    )
    def test_in_a_runtime_image(self, old: str, new: str, message: str) -> None:
        found = failure(runtime(old, new))
        assert message in found
        assert found.startswith("Dockerfile:")

    def test_a_stage_that_became_an_image(self) -> None:
        old = "FROM a AS x\nRUN one\nFROM b\nCOPY --from=x /a /a\n"
        new = "FROM b\nCOPY --from=x /a /a\n"
        assert "the image or context `x`, it was the stage `x`" in failure(runtime(old, new))

    def test_the_wrong_stage(self) -> None:
        old = "FROM a AS x\nRUN one\nFROM a AS y\nRUN two\nFROM b\nCOPY --from=x /a /a\n"
        new = old.replace("--from=x", "--from=y")
        found = failure(runtime(old, new))
        assert "this is `RUN two`; it was `RUN one` at Dockerfile:2:1" in found

    def test_a_global_argument_with_another_default(self) -> None:
        old = "ARG TAG=1\nFROM a:$TAG\n"
        assert "build arguments of FROM differ" in failure(runtime(old, old.replace("=1", "=2")))
        assert "base image" in failure(runtime(old, "FROM a:1\n"))

    def test_an_argument_that_takes_the_global_default(self) -> None:
        old = "ARG V=1\nFROM a\nARG V\nRUN x $V\n"
        assert runtime(old, old).holds
        assert not runtime(old, old.replace("V=1", "V=2")).holds
        assert runtime(old, old.replace("FROM", "ARG OTHER=1\nFROM")).holds

    def test_an_entrypoint_clears_the_command_of_a_lower_stage(self) -> None:
        old = 'FROM a\nCMD ["x"]\nENTRYPOINT ["y"]\n'
        new = 'FROM a AS x\nCMD ["x"]\nFROM x\nENTRYPOINT ["y"]\n'
        assert not runtime(old, new).holds

    def test_onbuild_runs_where_a_stage_is_built_upon(self) -> None:
        old = "FROM a\nONBUILD RUN x\nRUN y\n"
        new = "FROM a AS s\nONBUILD RUN x\nFROM s\nRUN y\n"
        assert not runtime(old, new).holds

    def test_the_escape_character(self) -> None:
        old = "FROM a\nRUN x \\\n y\n"
        new = "# escape=`\nFROM a\nRUN x `\n y\n"
        assert "escape character" in runtime(old, new).failures[0]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "# check=error=true\n"),
            ("# check=skip=all\n", ""),
            ("# check=a=b\n", "# check=a=c\n"),
        ],
    )
    def test_another_check(self, before: str, after: str) -> None:
        verdict = runtime(f"{before}FROM a\n", f"{after}FROM a\n")
        assert "the check directive is" in verdict.failures[0]

    def test_another_syntax(self) -> None:
        first = "# syntax=docker/dockerfile:1\nFROM a\n"
        assert rules_of(runtime("FROM a\n", first)) == {"syntax-added"}
        assert not runtime(first, "FROM a\n").holds

    @pytest.mark.parametrize("target", ["gone", "9"])
    def test_a_target_that_is_not_there(self, target: str) -> None:
        assert "no stage is called" in failure(runtime("FROM a\n", "FROM a\n", new=target))

    def test_a_file_that_is_not_there(self) -> None:
        owed = SameRuntime(Image("x"), Image("Dockerfile"), ALL_RULES)
        facts = Facts(Snapshot.of({"Dockerfile": "FROM a\n"}))
        assert "no such Dockerfile" in failure(check(owed, facts, facts))

    def test_a_file_without_stages(self) -> None:
        assert "there is no stage" in failure(runtime("FROM a\n", "# nothing\n"))


BUILD = """\
FROM rust AS chef
RUN apk add --no-cache musl-dev
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cargo chef prepare --bin a --recipe-path recipe.json
FROM chef AS builder
COPY --from=planner /app/recipe.json recipe.json
RUN cargo chef cook --release --bin a --recipe-path recipe.json
COPY . .
RUN cargo build --release --bin a
FROM alpine
COPY --from=builder /app/target/release/a /a
"""


def changed(*pairs: tuple[str, str]) -> Verdict:
    text = BUILD
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return runtime(BUILD, text)


class TestRules:
    def test_packages(self) -> None:
        verdict = changed(("add --no-cache musl-dev", "add --no-cache perl \\\n musl-dev"))
        assert rules_of(verdict) == {"united-packages"}
        assert "Dockerfile:2:1 -> Dockerfile:2:1" in verdict.differences[0]
        assert not changed(("--no-cache musl-dev", "--no-cache perl")).holds
        assert not changed(("--no-cache musl-dev", "musl-dev perl")).holds
        assert not changed(("musl-dev", "musl-dev=1.2")).holds
        assert not changed(("apk add --no-cache", "apt-get install")).holds

    def test_packages_that_are_hidden_are_not_compared(self) -> None:
        assert not changed(("musl-dev", "musl-dev $MORE")).holds

    def test_packages_of_their_own_instruction(self) -> None:
        verdict = changed(("WORKDIR", "RUN apk add --no-cache perl\nWORKDIR"))
        assert rules_of(verdict) == {"united-packages"}
        assert not changed(("WORKDIR", "RUN apk add --no-cache perl && ./x\nWORKDIR")).holds

    def test_two_package_instructions_that_became_one(self) -> None:
        split = BUILD.replace("WORKDIR", "RUN apk add --no-cache perl\nWORKDIR")
        one = BUILD.replace("musl-dev", "musl-dev perl")
        assert rules_of(runtime(split, one)) == {"united-packages"}
        assert not runtime(split, BUILD).holds

    def test_apt(self) -> None:
        old = BUILD.replace(
            "apk add --no-cache musl-dev",
            "apt-get update && apt-get install -y --no-install-recommends clang "
            "&& rm -rf /var/lib/apt/lists/*",
        )
        new = old.replace("clang ", "clang libpq-dev ")
        assert rules_of(runtime(old, new)) == {"united-packages"}
        assert not runtime(old, new.replace(" && rm -rf /var/lib/apt/lists/*", "")).holds

    def test_prepare(self) -> None:
        assert rules_of(changed(("prepare --bin a", "prepare"))) == {"prepare-widened"}
        assert not changed(("prepare --bin a", "prepare --bin b")).holds

    def test_cook(self) -> None:
        wide = ("cook --release --bin a", "cook --release --bin a --bin b")
        assert rules_of(changed(wide)) == {"cook-widened"}
        assert rules_of(changed(("cook --release --bin a", "cook --release"))) == {"cook-widened"}
        assert not changed(("cook --release --bin a", "cook --release --bin b")).holds
        assert not changed(("cook --release --bin a", "cook --bin a")).holds

    def test_a_cook_that_follows_its_build(self) -> None:
        old = BUILD.replace("cook --release", "cook")
        assert rules_of(runtime(old, BUILD)) == {"cook-widened"}

    def test_build(self) -> None:
        wide = ("build --release --bin a", "build --release --bin b --bin a")
        assert rules_of(changed(wide)) == {"build-widened"}
        assert not changed(("build --release --bin a", "build --release --bin b")).holds
        assert not changed(("build --release --bin a", "build --bin a")).holds
        assert not changed(("build --release --bin a", "build --release --bin a --target x")).holds
        assert not changed(("build --release --bin a", "build --offline --release --bin a")).holds

    def test_a_sequence_of_builds(self) -> None:
        old = BUILD.replace("build --release --bin a", "build --release -p a")
        new = old.replace("-p a\n", "-p a && cargo build --release -p b\n")
        assert rules_of(runtime(old, new)) == {"build-widened"}
        assert not runtime(old, old.replace("-p a\n", "-p b && cargo build --release -p c\n")).holds

    def test_copies_out_of_a_cache_mount(self) -> None:
        old = BUILD.replace(
            "RUN cargo build --release --bin a",
            "RUN --mount=type=cache,target=/app/target cargo build --release --bin a "
            "&& cp target/release/a /a",
        )
        new = old.replace(
            "cp target/release/a /a", "cp target/release/a /a && cp target/release/b /b"
        )
        assert rules_of(runtime(old, new)) == {"build-widened"}
        assert not runtime(old, new.replace(" && cp target/release/a /a", "")).holds
        assert not runtime(old, new.replace("target=/app/target ", "target=/x ")).holds

    def test_an_inline_environment_must_stay(self) -> None:
        old = BUILD.replace("RUN cargo build", "RUN SQLX_OFFLINE=true cargo build")
        new = old.replace("--bin a\nFROM alpine", "--bin a --bin b\nFROM alpine")
        assert rules_of(runtime(old, new)) == {"build-widened"}
        assert not runtime(old, new.replace("SQLX_OFFLINE=true ", "")).holds

    def test_a_build_that_became_a_cook(self) -> None:
        assert not changed(("cargo build --release --bin a", "cargo chef cook --release")).holds

    def test_what_stands_in_a_pipe_is_compared_to_the_letter_but_for_the_build(self) -> None:
        old = BUILD.replace("--bin a\nFROM alpine", "--bin a | tee log\nFROM alpine")
        new = old.replace("--bin a |", "--bin a --bin b |")
        assert rules_of(runtime(old, new)) == {"build-widened"}
        assert not runtime(old, new.replace("tee log", "tee /log")).holds
        assert not runtime(old, new.replace("--bin a --bin b", "--bin b")).holds

    def test_paths_are_compared_by_what_they_mean(self) -> None:
        otherwise = BUILD.replace("COPY . .", "COPY ./ ./").replace("WORKDIR /app", "WORKDIR /app/")
        assert runtime(BUILD, otherwise).differences == ()
        moved = BUILD.replace(
            "RUN apk add --no-cache musl-dev\nWORKDIR /app",
            "WORKDIR /app\nRUN apk add --no-cache musl-dev",
        )
        assert rules_of(runtime(BUILD, moved)) <= {"order"}
        assert not runtime(BUILD, BUILD.replace("COPY . .", "COPY . ./src")).holds

    def test_a_step_must_not_run_in_another_folder(self) -> None:
        old = BUILD.replace(
            "COPY . .\nRUN cargo build", "COPY . .\nRUN ./generate\nRUN cargo build"
        )
        assert old != BUILD
        new = old.replace("RUN ./generate", "WORKDIR /app/x\nRUN ./generate\nWORKDIR /app")
        assert any("runs in /app/x" in line for line in runtime(old, new).failures)

    def test_a_build_of_another_image_may_follow(self) -> None:
        more = "RUN cargo build --release --bin b && cp target/release/b /b\nFROM alpine"
        assert rules_of(runtime(BUILD, BUILD.replace("FROM alpine", more))) == {"build-widened"}
        for wrong in ("cp target/release/b target/release/a", "rm -rf target", "./run"):
            new = BUILD.replace("FROM alpine", f"RUN cargo build --bin b && {wrong}\nFROM alpine")
            assert not runtime(BUILD, new).holds, wrong

    def test_environment(self) -> None:
        verdict = changed(("WORKDIR /app\n", "WORKDIR /app\nENV SQLX_OFFLINE=true\n"))
        assert rules_of(verdict) == {"environment-added"}
        assert "sets SQLX_OFFLINE too" in verdict.differences[0]
        for name in ("PATH", "RUSTFLAGS", "LD_PRELOAD", "CARGO_PROFILE_RELEASE_LTO"):
            assert not changed(("WORKDIR /app\n", f"WORKDIR /app\nENV {name}=x\n")).holds
        flags = BUILD.replace("WORKDIR /app\n", "WORKDIR /app\nENV RUSTFLAGS=x\n")
        assert runtime(BUILD, flags, rules=ALL_RULES | {"flags"}).holds
        taken = BUILD.replace("WORKDIR", "ENV A=1\nWORKDIR")
        assert not runtime(taken, taken.replace("ENV A=1", "ENV A=1\nENV A=2")).holds
        runtime_only = BUILD.replace("FROM alpine", "FROM alpine\nENV A=1")
        assert not runtime(BUILD, runtime_only).holds

    def test_each_rule_must_be_named(self) -> None:
        new = BUILD.replace("musl-dev", "musl-dev perl").replace("prepare --bin a", "prepare")
        assert runtime(BUILD, new).holds
        verdict = runtime(BUILD, new, rules=frozenset({"prepare-widened"}))
        assert not verdict.holds
        assert any("musl-dev perl" in line for line in verdict.failures)

    def test_prefixes(self) -> None:
        old = "FROM a\nCOPY ./console/package.json console/x ./\nCOPY console ./\n"
        new = "FROM a\nCOPY ./package.json x ./\nCOPY . ./\n"
        rules = frozenset({"prefix-stripped"})
        assert rules_of(runtime(old, new, rules=rules)) == {"prefix-stripped"}
        assert not runtime(old, new).holds
        assert not runtime(old, new.replace(" x ", " y "), rules=rules).holds

    def test_prefixes_of_mounts(self) -> None:
        old = "FROM a\nRUN --network=none --mount=type=bind,source=console/x,target=/x cat /x\n"
        new = old.replace("console/x", "x")
        rules = frozenset({"prefix-stripped"})
        assert rules_of(runtime(old, new, rules=rules)) == {"prefix-stripped"}
        assert not runtime(old, new.replace("--network=none ", ""), rules=rules).holds
        assert not runtime(old, new.replace("cat", "rm"), rules=rules).holds

    def test_the_id_of_a_cache_is_no_part_of_an_image(self) -> None:
        old = BUILD.replace("RUN cargo build", "RUN --mount=type=cache,id=a,target=/c cargo build")
        assert runtime(old, old.replace("id=a", "id=b")).holds
        assert not runtime(old, old.replace("target=/c", "target=/d")).holds


TOOLS = """\
FROM rust AS chef
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json
FROM chef AS base
{tool}COPY --from=planner /app/recipe.json recipe.json
RUN cargo chef cook --release --recipe-path recipe.json
COPY . .
FROM base AS development
CMD ["x"]
FROM base AS builder
RUN cargo build --release
FROM alpine
COPY --from=builder /app/target/release/a /a
"""
LATER = """\
FROM rust AS chef
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json
FROM chef AS cook
COPY --from=planner /app/recipe.json recipe.json
RUN cargo chef cook --release --recipe-path recipe.json
FROM cook AS base
COPY . .
FROM cook AS development
{tool}COPY . .
CMD ["x"]
FROM base AS builder
RUN cargo build --release
FROM alpine
COPY --from=builder /app/target/release/a /a
"""


def tools(tool: str, later: str | None = None, target: str = "development") -> Verdict:
    return runtime(
        TOOLS.format(tool=tool),
        LATER.format(tool=tool if later is None else later),
        old=target,
        new=target,
    )


class TestTools:
    @pytest.mark.parametrize(
        "tool",
        [
            "RUN cargo install sqlx-cli --locked --version 0.8\n",
            "RUN cargo install a b\nRUN rustup component add clippy\n",
            "RUN printf 'exit 0' > /usr/local/bin/probe && chmod 755 /usr/local/bin/probe\n",
            "RUN apk add --no-cache postgresql-client\n",
            "COPY tools/probe /usr/local/bin/probe\n",
            "ARG V=1\nRUN cargo install x --version $V\n",
            "ENV PROBE_PORT=8080\n",
        ],
    )
    def test_a_tool_may_run_after_the_cook_and_stay_out_of_the_builder(self, tool: str) -> None:
        assert rules_of(tools(tool)) == {"tools-later"}
        assert rules_of(tools(tool, target="")) == {"tools-later"}

    def test_the_order_of_tools_stays(self) -> None:
        first, second = "RUN cargo install a\n", "RUN cargo install b\n"
        assert rules_of(tools(first + second)) == {"tools-later"}
        found = failure(tools(first + second, second + first))
        assert "`RUN cargo install b` comes before `RUN cargo install a`" in found

    @pytest.mark.parametrize(
        "tool",
        [
            "USER builder\n",
            "WORKDIR /src\n",
            'SHELL ["/bin/bash", "-c"]\n',
            "ENV RUSTFLAGS=-Cdebuginfo=0\n",
            "ARG CARGO_PROFILE_RELEASE_LTO=fat\n",
            "COPY rust-toolchain.toml .\n",
            "COPY .cargo /app/.cargo\n",
        ],
    )
    def test_what_changes_the_cook_may_not_move(self, tool: str) -> None:
        assert not tools(tool).holds

    @pytest.mark.parametrize(
        "tool",
        [
            "RUN ./generate.sh\n",
            "RUN sed -i s/a/b/ Cargo.toml\n",
            "RUN cargo install --path tools/gen\n",
            "RUN curl -o /app/lib.rs http://x\n",
            "RUN ln -s /usr/bin/clang /usr/local/bin/cc\n",
            "RUN printf x > /usr/local/bin/cc && chmod 755 /usr/local/bin/cc\n",
            "RUN curl http://x | sh\n",
            "COPY build.rs /usr/local/bin/\n",
            "RUN apk add --no-cache protobuf-dev\n",
            "COPY protos ./protos\n",
            "ENV RUSTC_WRAPPER=sccache\n",
            "RUN rustup default nightly\n",
            "RUN cargo install cargo-chef --version 1\n",
        ],
    )
    def test_what_may_reach_the_compiler_may_not_stay_out_of_the_builder(self, tool: str) -> None:
        assert not tools(tool, target="").holds

    @pytest.mark.parametrize(
        "tool",
        [
            "RUN printf x > version.txt\n",
            "RUN printf x > 'version.txt'\n",
            "RUN echo 'fn main() {}' >> src/main.rs\n",
            "RUN mkdir -p src/generated\n",
            "RUN chmod +x build.sh\n",
            "RUN curl http://x | tar -xz\n",
            "RUN curl -o data.bin http://x\n",
            "RUN curl -O http://x/data.bin\n",
            "RUN wget http://x/data.bin\n",
            "RUN unzip x.zip\n",
            "RUN npm ci\n",
            "RUN pip install -e .\n",
        ],
    )
    def test_what_writes_beside_the_manifest_is_no_tool(self, tool: str) -> None:
        assert not tools(tool, target="").holds

    @pytest.mark.parametrize(
        "tool",
        [
            "RUN curl -fsSL http://x | tar -xz -C /usr/local/bin\n",
            "RUN curl -fsSLo /usr/local/bin/probe http://x && chmod 755 /usr/local/bin/probe\n",
            "RUN wget -O /usr/local/bin/probe http://x 2>/dev/null\n",
            "RUN npm install -g prettier\n",
        ],
    )
    def test_what_writes_to_a_folder_of_programs_is_one(self, tool: str) -> None:
        assert rules_of(tools(tool, target="")) == {"tools-later"}

    @pytest.mark.parametrize(
        "path", ["/usr/local/bin/probe", "/usr/local/bin", "/usr/local", "/", "/usr/local/bin/*"]
    )
    def test_a_tool_that_another_stage_copies_is_none(self, path: str) -> None:
        tool = "RUN printf 'exit 0' > /usr/local/bin/probe && chmod 755 /usr/local/bin/probe\n"
        copied = f"COPY --from=builder {path} /x\n"
        old, new = TOOLS.format(tool=tool) + copied, LATER.format(tool=tool) + copied
        assert not runtime(old, new).holds

    def test_a_development_image_keeps_its_tools(self) -> None:
        found = failure(tools("RUN cargo install sqlx-cli\n", ""))
        assert "`RUN cargo install sqlx-cli` is missing" in found

    def test_a_tool_that_the_build_names_is_none(self) -> None:
        tool = "RUN cargo install gen\n"
        old = TOOLS.format(tool=tool).replace("RUN cargo build", "RUN gen && cargo build")
        new = LATER.format(tool=tool).replace("RUN cargo build", "RUN gen && cargo build")
        assert not runtime(old, new).holds

    def test_sources_may_come_after_a_tool(self) -> None:
        head = "FROM rust AS d\nRUN cargo chef cook\n"
        old = head + "COPY . .\nRUN cargo install x\n"
        new = head + "RUN cargo install x\nCOPY . .\n"
        assert rules_of(runtime(old, new)) == {"sources-later"}
        reads = old.replace("cargo install x", "make")
        assert not runtime(reads, new.replace("cargo install x", "make")).holds


MUTATIONS = [
    pytest.param("authz-worker-release", ("USER nobody\n", ""), "USER nobody", id="user-dropped"),
    pytest.param(
        "synchronizer-release",
        ("=builder /app/target/release/synchronizer", "=cook /app/target/release/synchronizer"),
        "cargo build",
        id="wrong-stage",
    ),
    pytest.param(
        "server-release",
        ("FROM alpine:3.23 AS server-release", "FROM alpine:3.22 AS server-release"),
        "base image",
        id="base-changed",
    ),
    pytest.param(
        "synchronizer-development",
        ("ENV SYNC_INTERVAL=1\n", ""),
        "SYNC_INTERVAL=1",
        id="env-dropped",
    ),
    pytest.param(
        "server-release",
        ('server\nENV RUST_LOG=info\nEXPOSE 8080\n', 'server\nEXPOSE 8080\nENV RUST_LOG=info\n'),
        "comes before",
        id="order-changed",
    ),
    pytest.param(
        "synchronizer-release",
        ("WORKDIR /var/lib/synchronizer\n", ""),
        "WORKDIR /var/lib/synchronizer",
        id="workdir-dropped",
    ),
    pytest.param(
        "authz-worker-release",
        ("ca-certificates\nCOPY --from=builder /app/target/release/authz-worker",
         "ca-certificates tzdata\nCOPY --from=builder /app/target/release/authz-worker"),
        "tzdata",
        id="runtime-packages-united",
    ),
    pytest.param(
        "server-release",
        ("RUN cargo build --release", "RUN cargo chef cook --release"),
        "cook",
        id="cook-instead-of-build",
    ),
    pytest.param(
        "server-release",
        ("RUN cargo build --release", "RUN cargo build"),
        "cargo build --bin",
        id="profile-lost",
    ),
    pytest.param(
        "authz-worker-release",
        (" --bin authz-worker --bin synchronizer\n\n# server", "\n\n# server"),
        "cargo build",
        id="binary-not-built",
    ),
    pytest.param(
        "server-development",
        ('HEALTHCHECK --interval=10s CMD ["health-probe", "8080"]\n', ""),
        "HEALTHCHECK",
        id="healthcheck-dropped",
    ),
    pytest.param(
        "server-development",
        ("RUN cargo install shellharden --locked --version 4.3.1\n", ""),
        "shellharden",
        id="tool-dropped",
    ),
    pytest.param(
        "authz-worker-development",
        ("base AS authz-worker-development", "server-development AS authz-worker-development"),
        "shellharden",
        id="tools-of-another",
    ),
]  # fmt: skip


class TestTheSample:
    @pytest.mark.parametrize("name", ["server", "authz-worker", "synchronizer"])
    @pytest.mark.parametrize("target", ["development", "release", ""])
    def test_the_merge_by_hand_holds(
        self, before: Facts, after: Facts, name: str, target: str
    ) -> None:
        verdict = check(owed(name, target), before, after)
        assert verdict.failures == ()
        assert "cook-widened" in rules_of(verdict)

    @pytest.mark.parametrize(("image", "pair", "message"), MUTATIONS)
    def test_every_mutation_is_caught(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        image: str,
        pair: tuple[str, str],
        message: str,
    ) -> None:
        name, target = image.rsplit("-", 1)
        verdict = check(owed(name, target), before, mutated("controlplane/Dockerfile.all", pair))
        assert not verdict.holds
        assert any(message in line for line in verdict.failures), verdict.failures

    def test_two_targets_that_were_swapped(
        self, before: Facts, mutated: Callable[..., Facts]
    ) -> None:
        swapped = mutated(
            "controlplane/Dockerfile.all",
            ("AS server-release", "AS x-release"),
            ("AS synchronizer-release", "AS server-release"),
            ("AS x-release", "AS synchronizer-release"),
        )
        for name in ("server", "synchronizer"):
            assert not check(owed(name, "release"), before, swapped).holds


def owed(name: str, target: str) -> SameRuntime:
    suffix = "" if name == "server" else f".{name}"
    merged = f"{name}-{target}" if target else name
    return SameRuntime(
        Image(f"controlplane/Dockerfile{suffix}", target),
        Image("controlplane/Dockerfile.all", merged),
        ALL_RULES,
    )
