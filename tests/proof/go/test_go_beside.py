"""Other programs of go in a build stage: where nothing of the image could notice, and where not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

HEAD = "FROM golang:1.25 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\n"
SOURCES = {
    "app/go.mod": "module example.org/app\n\ngo 1.25\n",
    "app/go.sum": "",
    "app/cmd/api/main.go": "package main\n",
    "app/bin/keep": "",
}


def judged(
    added: str,
    *,
    own: str = "RUN go build -o /out/api ./cmd/api\n",
    head: str = f"{HEAD}COPY . .\n",
    image: str = "FROM alpine\nCOPY --from=build /out/api /api\n",
    behind: bool = False,
    rules: frozenset[str] = frozenset({"go-beside"}),
    files: Mapping[str, str] = SOURCES,
    context: str = "app",
) -> Verdict:
    """The verdict where `added` comes before what the file itself builds, or `behind` it."""
    made = own + added if behind else added + own
    call = f"docker build -f app/Dockerfile {context}\n"
    before = Facts(Snapshot.of({**files, "app/Dockerfile": head + own + image, "b.sh": call}))
    after = Facts(Snapshot.of({**files, "app/Dockerfile": head + made + image, "b.sh": call}))
    return check(
        SameRuntime(Image("app/Dockerfile"), Image("app/Dockerfile"), rules), before, after
    )


class TestAllowed:
    @pytest.mark.parametrize("behind", [False, True])
    @pytest.mark.parametrize(
        "added",
        [
            "RUN go build -o /out/worker ./cmd/worker\n",
            "RUN CGO_ENABLED=0 GOOS=linux go build -tags x -trimpath -o /out/worker ./cmd/worker\n",
            "RUN --mount=type=cache,target=/root/.cache/go-build go build -o /w ./cmd/worker\n",
            "RUN V=$(git describe --tags) && go build -ldflags \"-X m.v=$V\" -o /w ./cmd/worker\n",
            "RUN mkdir -p /x/y && go build -o /x/y/worker ./cmd/worker && go version\n",
            "RUN cd cmd/worker && go build -o /out/worker .\n",
            "RUN go build -o bin/worker ./cmd/worker\n",
            "ARG CHANNEL\nRUN go build -ldflags \"-X m.c=$CHANNEL\" -o /w ./cmd/worker\n",
        ],
    )  # fmt: skip
    def test_a_build_to_a_path_that_nothing_reads(self, added: str, behind: bool) -> None:
        verdict = judged(added, behind=behind)
        assert verdict.holds, verdict.failures
        assert verdict.differences

    def test_not_without_a_permit(self) -> None:
        assert not judged("RUN go build -o /out/worker ./cmd/worker\n", rules=frozenset()).holds


class TestWritten:
    @pytest.mark.parametrize(
        "added",
        [
            "RUN go build -o /out/api ./cmd/worker\n",
            "RUN go build -o /out ./cmd/worker\n",
            "RUN go build -o /out/api/worker ./cmd/worker\n",
            "RUN go build -o $NAME ./cmd/worker\n",
            "RUN go build -o cmd/api/main.go ./cmd/worker\n",
            "RUN go build -o bin/keep ./cmd/worker\n",
            "RUN go build -o cmd/api/x.syso ./cmd/worker\n",
            "RUN go build -o vendor/x ./cmd/worker\n",
            "RUN go build -o / ./...\n",
            "RUN go build ./...\n",
        ],
    )
    def test_a_path_that_the_image_or_go_reads(self, added: str) -> None:
        assert not judged(added).holds

    @pytest.mark.parametrize(
        "copied",
        ["/out", "/out/", "/", "/out/*", "/out/${NAME}", "/root", "/go", "/go/pkg/mod/x", "/ou*"],
    )
    def test_a_folder_that_the_image_copies(self, copied: str) -> None:
        image = f"FROM alpine\nCOPY --from=build /out/api {copied} /b/\n"
        assert not judged("RUN go build -o /out/worker ./cmd/worker\n", image=image).holds

    def test_a_mount_of_the_stage(self) -> None:
        image = "FROM alpine\nRUN --mount=from=build,target=/b cp /b/out/api /api\n"
        assert not judged("RUN go build -o /out/worker ./cmd/worker\n", image=image).holds

    def test_what_comes_out_of_another_stage_does_not_matter(self) -> None:
        image = (
            "FROM node AS web\nRUN npm run build\nFROM alpine\nCOPY --from=web /$DIR /web\n"
            "COPY --from=build /out/api /api\n"
        )
        assert judged("RUN go build -o /out/worker ./cmd/worker\n", image=image).holds

    def test_a_stage_that_is_an_image(self) -> None:
        image = 'FROM build\nCMD ["/out/api"]\n'
        assert not judged("RUN go build -o /out/worker ./cmd/worker\n", image=image).holds


class TestNoticed:
    @pytest.mark.parametrize(
        ("pattern", "holds"), [("bin/*", False), ("*", False), (".", False), ("static", True)]
    )
    def test_what_embed_could_match(self, pattern: str, holds: bool) -> None:
        files = {
            **SOURCES,
            "app/files.go": f"package app\n\n//go:embed {pattern}\nvar f embed.FS\n",
        }
        assert judged("RUN go build -o bin/worker ./cmd/worker\n", files=files).holds is holds

    def test_git_calls_the_tree_modified(self) -> None:
        files = {path.removeprefix("app/"): text for path, text in SOURCES.items()}
        added = "RUN go build -o worker ./cmd/worker\n"
        own = "RUN go build -o /out/api ./cmd/api\n"
        assert not judged(added, own=own, files=files, context=".").holds
        assert judged(added, own=own, files={**files, ".dockerignore": ".git\n"}, context=".").holds
        unstamped = "RUN go build -buildvcs=false -o /out/api ./cmd/api\n"
        assert judged(added, own=unstamped, files=files, context=".").holds

    def test_outside_of_the_sources_git_sees_nothing(self) -> None:
        files = {path.removeprefix("app/"): text for path, text in SOURCES.items()}
        assert judged("RUN go build -o /w ./cmd/worker\n", files=files, context=".").holds


class TestMore:
    @pytest.mark.parametrize(
        "added",
        [
            "RUN go generate ./... && go build -o /w ./cmd/worker\n",
            "RUN go mod tidy && go build -o /w ./cmd/worker\n",
            "RUN go build -mod=mod -o /w ./cmd/worker\n",
            "RUN GOFLAGS=-mod=mod go build -o /w ./cmd/worker\n",
            "RUN GOCACHE=/src go build -o /w ./cmd/worker\n",
            "RUN go build -toolexec ./x -o /w ./cmd/worker\n",
            "RUN go build -o /w ./cmd/worker > go.mod\n",
            "RUN V=$(make version) && go build -o /w ./cmd/worker\n",
            "RUN go build -o /w ./cmd/worker && rm -rf /out\n",
            "RUN go build -o /w ./cmd/worker || true\n",
            "RUN --mount=type=bind,target=/src,rw go build -o /w ./cmd/worker\n",
            "RUN --mount=type=secret,id=netrc go build -o /w ./cmd/worker\n",
            "RUN make worker\n",
            "RUN go install ./cmd/worker\n",
            "RUN go test ./...\n",
            "COPY other/ other/\n",
            "USER nobody\n",
        ],
    )
    def test_what_does_more_than_build(self, added: str) -> None:
        assert not judged(added).holds

    @pytest.mark.parametrize(
        "added",
        ["ARG CGO_ENABLED=0\n", "ENV GOFLAGS=-tags=x\n", "ENV PATH=/x\n", "ARG CC\n",
         "ARG HTTP_PROXY\n", "ENV TMPDIR=/src\n", "ARG VERSION=2\n"],
    )  # fmt: skip
    def test_a_variable_that_go_or_the_file_reads(self, added: str) -> None:
        own = 'RUN go build -ldflags "-X m.v=$VERSION" -o /out/api ./cmd/api\n'
        assert not judged(added, own=own).holds

    def test_a_setting_of_the_stage_lets_go_write_elsewhere(self) -> None:
        head = f"{HEAD}COPY . .\nENV GOFLAGS=-mod=mod\n"
        assert not judged("RUN go build -o /w ./cmd/worker\n", head=head).holds

    def test_an_old_go_writes_manifests(self) -> None:
        head = f"{HEAD}COPY . .\n".replace("1.25", "1.15-alpine")
        assert not judged("RUN go build -o /w ./cmd/worker\n", head=head).holds

    def test_own_steps_that_do_more_than_build(self) -> None:
        own = "RUN go build -o /out/api ./cmd/api && strip /out/*\n"
        assert not judged("RUN go build -o /w ./cmd/worker\n", own=own).holds
        assert judged("RUN go build -o /w ./cmd/worker\n", own=own, behind=True).holds
