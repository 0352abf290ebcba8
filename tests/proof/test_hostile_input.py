"""No obligation about any file ends in a traceback, and none takes forever."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor
from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.pipeline.pipeline_change import PipelineChange
from dockerfix.proof.references.no_dangling_reference import NoDanglingReference
from dockerfix.text import Snapshot

MANIFESTS = {
    "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\n',
    "a/Cargo.toml": '[package]\nname = "a"\n',
    "a/src/main.rs": "",
    "b/Cargo.toml": '[package]\nname = "b"\n',
    "b/src/main.rs": "",
}


def obligations(target: str = "") -> Sequence[Obligation]:
    image = Image("Dockerfile", target)
    return (
        SameRuntime(image, image, frozenset(SameRuntime.rules)),
        SameRuntime(
            image, image, frozenset(SameRuntime.rules) | frozenset(SameCompilerInput.accepted_rules)
        ),
        SameCompilerInput(image, image),
        ArtefactProduced(image),
        SameImagesAskedFor(((image, image),)),
        NoDanglingReference(("gone/Dockerfile",), ("gone",)),
        PipelineChange(".gitlab-ci.yml"),
    )


def verdicts(
    before: dict[str, bytes | str], after: dict[str, bytes | str] | None = None, target: str = ""
) -> list[Verdict]:
    old = Facts(Snapshot.of({**MANIFESTS, **before}))
    new = Facts(Snapshot.of({**MANIFESTS, **(before if after is None else after)}))
    found = [check(owed, old, new) for owed in obligations(target)]
    assert all(verdict.statement for verdict in found)
    return found


FRAGMENTS = """\
FROM rust AS x|FROM x AS y|FROM $IMAGE|FROM --platform=$P x|from|FROM a b c|ARG IMAGE=x|ARG A B=1
ARG|ENV A=$A$A B='x|ENV A b|ENV|LABEL|WORKDIR a/../..|WORKDIR $A|WORKDIR|COPY . .|COPY a|COPY
COPY --from=x /app/target/release/a /a|COPY --from=0 * /|COPY --from=$A b c|ADD http://x /
COPY --from=y ["a b", "/c"]|COPY <<E /x~body~E|RUN cargo build --release --bin a
RUN cargo build -p $A|RUN cargo chef cook --release|RUN cargo +x build --features 'a/b c' --target
RUN cargo|RUN cd a && cargo build && cp target/debug/a /out/ && rm -rf target|RUN ((|RUN "
RUN --mount=type=cache,target=target cargo build|RUN --mount=from=x,source=/a mv /a /b|RUN --mount
RUN <<E~cargo build~E|RUN ["a", |RUN ["cargo", "build"]|RUN|RUN apk add a b|RUN install -t|RUN cp
RUN for a in 1 2 3; do for b in 1 2; do cargo build --bin $a$b; done; done
RUN rustup default nightly && rustup|RUN sh -c 'cargo build'|ONBUILD COPY --from=x a b|ONBUILD
SHELL ["a"]|USER u|CMD x|ENTRYPOINT ["x"]|# comment|RUN a \\|  b|HEALTHCHECK NONE
"""
LINES = st.sampled_from(
    [text.replace("~", "\n") for row in FRAGMENTS.splitlines() for text in row.split("|")]
    + ["\x00", "RUN \udcff", "\\"]
)
DOCKERFILES = st.lists(LINES, max_size=14).map("\n".join)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCKERFILES, DOCKERFILES, st.sampled_from(["", "x", "y", "0", "7", "${A}"]))
def test_any_two_dockerfiles(before: str, after: str, target: str) -> None:
    old, new = (text.encode("utf-8", "surrogateescape") for text in (before, after))
    verdicts({"Dockerfile": old}, {"Dockerfile": new}, target)


@settings(max_examples=60, deadline=None)
@given(DOCKERFILES)
def test_a_dockerfile_has_its_own_runtime_and_compiler_input(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    runtime, _, compiler, *_ = verdicts({"Dockerfile": data})
    assert runtime.differences == ()
    missing = ("no stage", "no such", "there is no stage")
    for verdict in (runtime, compiler):
        assert verdict.holds or any(word in verdict.failures[0] for word in missing)


RUNTIME = st.lists(
    st.sampled_from(
        ["USER u", "ENV A=1", "ENV A=2", "WORKDIR /a", "RUN x", "RUN y && z", "COPY a /b", "CMD x",
         "COPY --from=b /x /x", "EXPOSE 80", "LABEL l=1", "VOLUME /v", "STOPSIGNAL 9", "ADD a b",
         "RUN apk add p", "ARG V=1", "RUN --mount=from=b,target=/t cp /t/x /y", "ENTRYPOINT e"]
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(RUNTIME, RUNTIME, st.data())
def test_no_change_of_a_runtime_image_goes_unseen(
    stage: list[str], base: list[str], data: st.DataObject
) -> None:
    def image(base_lines: list[str], lines: list[str]) -> str:
        head = "FROM z AS b\nRUN make\n"
        return "\n".join([head, "FROM a AS base", *base_lines, "FROM base", *lines, ""])

    which = data.draw(st.sampled_from(["base", "stage"]))
    changed = list(base if which == "base" else stage)
    at = data.draw(st.integers(0, len(changed) - 1))
    if data.draw(st.booleans()):
        del changed[at]
    else:
        changed.insert(at, "RUN inserted")
    after = image(changed, stage) if which == "base" else image(base, changed)
    verdict = verdicts({"Dockerfile": image(base, stage)}, {"Dockerfile": after})[0]
    assert not verdict.holds


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_bytes(first: bytes, second: bytes) -> None:
    files: dict[str, bytes | str] = {
        "Dockerfile": first,
        ".gitlab-ci.yml": second,
        "compose.yml": second,
        "README.md": first,
        "Cargo.lock": second,
        "docker-bake.hcl": first,
    }
    verdicts(files)


YAML = st.recursive(
    st.sampled_from(["a", "$X", "never", "a/**/*", "[", "1", "null", "!reference [a, b]", "'"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(
                ["script", "needs", "rules", "if", "changes", "when", "job", "only", "extends",
                 "stage", "paths", "exists", "variables", "dependencies", "parallel", "matrix"]
            ),
            inner,
            max_size=3,
        ).map(lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d.items()) + "}"),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(YAML, max_size=4), st.lists(YAML, max_size=4))
def test_any_two_pipelines(before: list[str], after: list[str]) -> None:
    old, new = ("\n".join(f"j{n}: {v}" for n, v in enumerate(jobs)) for jobs in (before, after))
    verdicts({".gitlab-ci.yml": old}, {".gitlab-ci.yml": new})


BOMBS = [
    "FROM x\nENV A=aaaaaaaaaa\n" + "ENV A=$A$A\n" * 60 + "RUN cargo build --bin $A\n",
    "FROM x\nRUN for a in 1 2 3 4 5 6 7 8; do " * 1
    + "for b in 1 2 3 4 5 6 7 8; do for c in 1 2 3 4 5 6 7 8; do for d in 1 2 3 4 5 6 7 8; do "
    + "for e in 1 2 3 4 5 6 7 8; do cargo build --bin $a; done; done; done; done; done\n",
    "FROM x AS s0\n" + "".join(
        f"FROM x AS s{n}\nCOPY --from=s{n - 1} /target/release/a /target/release/a\n"
        f"COPY --from=s{n - 1} /target/release/b /target/release/b\n"
        for n in range(1, 80)
    ),
    "FROM x AS s0\n" + "".join(f"FROM s{n - 1} AS s{n}\nRUN cargo build\n" for n in range(1, 150)),
    "FROM x\n" + "RUN apk add p\n" * 400,
    "FROM x\nRUN " + "(" * 3000 + "\n",
    "FROM x\nRUN " + "a && " * 3000 + "b\n",
    "FROM x AS b\nRUN cargo build\nFROM y\nCOPY --from=b /target/release/" + "*" * 60 + "a /\n",
]  # fmt: skip


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_bombs_end(text: str) -> None:
    started = time.process_time()
    verdicts({"Dockerfile": text}, {"Dockerfile": text + "USER x\n"})
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "rules",
    [
        "{if: '" + "(" * 5000 + "$A'}",
        "{if: '" + "$A && " * 5000 + "$A'}",
        "{if: '" + " || ".join(f"$V{n} == $W{n}" for n in range(40)) + "'}",
        "{changes: ['" + "{a,b}" * 30 + "']}",
        "{changes: [" + ", ".join(f"'**/a{n}*b/**/*c'" for n in range(40)) + "]}",
        "{exists: [a]}, {exists: [b]}, {exists: [c]}, {exists: [d]}, {exists: [e]}, {exists: [f]}",
        "{if: '$CI_COMMIT_BRANCH =~ /(a+)+$/'}",
    ],
    ids=range(7),
)
def test_pipelines_that_explode_are_undecided(rules: str) -> None:
    text = "a: {script: [x]}\nb: {script: [x], needs: [a]}\n"
    after = f"a: {{script: [x], rules: [{rules}]}}\nb: {{script: [x], needs: [a]}}\n"
    started = time.process_time()
    verdicts({".gitlab-ci.yml": text}, {".gitlab-ci.yml": after})
    assert time.process_time() - started < 20
