"""The same `go build` for each program that an image ships."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.go.same_go_input import SameGoInput
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

FILE = """\
FROM golang:1.25 AS build
WORKDIR /src
ENV CGO_ENABLED=0
COPY . .
RUN go build -tags netgo -trimpath -o /out/api ./cmd/api
FROM alpine
COPY --from=build /out/api /usr/bin/
"""


def judged(after: str, before: str = FILE) -> Verdict:
    first, second = (Facts(Snapshot.of({"Dockerfile": text})) for text in (before, after))
    return check(SameGoInput(Image("Dockerfile"), Image("Dockerfile")), first, second)


def test_stages_and_further_builds_do_not_matter() -> None:
    more = "RUN go build -o /out/worker ./cmd/worker\nRUN go build -tags"
    assert judged(FILE.replace("RUN go build -tags", more).replace("build /out", "0 /out")).holds


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("-tags netgo ", "", "flags"),
        ("-tags netgo", "-tags netcgo", "flags"),
        ("-trimpath ", "", "flags"),
        ("golang:1.25", "golang:1.24", "base image"),
        ("CGO_ENABLED=0", "CGO_ENABLED=1", "variable CGO_ENABLED"),
        ("ENV CGO_ENABLED=0\n", "", "variable CGO_ENABLED"),
        ("./cmd/api", "./cmd/other", "packages"),
        ("WORKDIR /src", "WORKDIR /other", "folder"),
        ("RUN go build", "RUN GOOS=js go build", "assignments"),
    ],
)
def test_what_go_is_told_must_stay(old: str, new: str, part: str) -> None:
    verdict = judged(FILE.replace(old, new))
    assert len(verdict.failures) == 1
    assert f"/usr/bin/api: {part}: " in verdict.failures[0]


def test_the_last_build_of_a_path_counts() -> None:
    more = "RUN go build -o /out/api ./cmd/other\nFROM alpine"
    assert not judged(FILE.replace("FROM alpine", more)).holds


def test_a_program_that_nothing_makes_is_missed() -> None:
    verdict = judged(FILE.replace("-o /out/api", "-o /out/other"))
    assert "nothing that can be followed" in verdict.failures[0]


def test_what_cannot_be_followed_is_said() -> None:
    text = FILE.replace("go build -tags netgo -trimpath -o /out/api ./cmd/api", "make")
    assert "could be followed" in judged(text, text).statement
