"""The transform itself: what it does for a person, its options, and the way to a proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import Facts, Proposal
from dockerfix_transforms.merge_go.language import Go
from dockerfix_transforms.merge_go.modules import NoModuleError, calls_below
from dockerfix_transforms.merge_go.scope import NothingThereError, read_scope
from dockerfix_transforms.merge_rust.merge import Merge
from dockerfix_transforms.merge_rust.wishes import OPTIONS, Wishes


class MergeGo:
    """Merge the Dockerfiles of a Go module into one file with a target per program.

    What it does
        Reads every Dockerfile that runs `go build` for the module, or for the `go.work`
        workspace around it, and writes one `Dockerfile.all`. What all builders begin with
        (base image, `go mod download`, sources) appears once. Builders that differ only in the
        programs that they compile become one, with one `go build` after the other. Every image
        that a call site can ask for is a target with the program's name. Call sites follow in
        the same patch, and the old files are deleted once nothing names them.

    Why
        Each file downloads the same modules and compiles the standard library and the shared
        packages again. Go keeps what it compiled in its build cache, which the steps of one
        stage share and the builds of two Dockerfiles do not.

    Before
        -- app/go.mod --
        module example.org/app

        go 1.25
        -- app/cmd/api/main.go --
        package main

        func main() {}
        -- app/cmd/worker/main.go --
        package main

        func main() {}
        -- app/Dockerfile.api --
        FROM golang:1.25 AS builder
        WORKDIR /src
        COPY go.mod ./
        RUN go mod download
        COPY . .
        RUN CGO_ENABLED=0 go build -o /out/api ./cmd/api

        FROM gcr.io/distroless/static
        COPY --from=builder /out/api /api
        ENTRYPOINT ["/api"]
        -- app/Dockerfile.worker --
        FROM golang:1.25 AS builder
        WORKDIR /src
        COPY go.mod ./
        RUN go mod download
        COPY . .
        RUN CGO_ENABLED=0 go build -o /out/worker ./cmd/worker

        FROM gcr.io/distroless/static
        COPY --from=builder /out/worker /worker
        USER nonroot
        ENTRYPOINT ["/worker"]

    After
        -- app/go.mod --
        module example.org/app

        go 1.25
        -- app/cmd/api/main.go --
        package main

        func main() {}
        -- app/cmd/worker/main.go --
        package main

        func main() {}
        -- app/Dockerfile.all --
        FROM golang:1.25 AS builder
        WORKDIR /src
        COPY go.mod ./
        RUN go mod download
        COPY . .
        RUN CGO_ENABLED=0 go build -o /out/api ./cmd/api
        RUN CGO_ENABLED=0 go build -o /out/worker ./cmd/worker

        FROM gcr.io/distroless/static AS api
        COPY --from=builder /out/api /api
        ENTRYPOINT ["/api"]

        FROM gcr.io/distroless/static AS worker
        COPY --from=builder /out/worker /worker
        USER nonroot
        ENTRYPOINT ["/worker"]

    Safety
        Every instruction is copied byte for byte; only the names of stages change. Programs are
        built in one stage only where no file that another build writes could be noticed: by an
        image that copies it, by `//go:embed`, or by Git, whose answer go writes into a program
        (`-buildvcs`). Flags, tags and variables of single builds need not agree. A builder that
        does more than build behind the common steps keeps a stage of its own on them. Files
        whose builders do not begin alike stay as they are, and the report says at which step
        they differ. Builds that `make` or a script runs inside of a Dockerfile are not read.

    Call sites
        As with merge-rust: CI jobs that would each compile the programs of one builder become
        one job, or stay with their old files; Compose, bake, Makefiles, scripts, workflows and
        documents get the new file and target. If a call site cannot be followed and may build
        one of the files, that file stays, and the report names the place; `--accept left-behind`
        deletes it anyway.
    """

    name = "merge-go"
    after = ("shallow-clone",)
    summary = "Merge the Dockerfiles of a Go module into one, a target per program."
    options = OPTIONS

    def candidates(self, facts: Facts, paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
        """The modules at or below `paths`, each as the paths of a call."""
        return calls_below(facts, paths)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The merge of the module's Dockerfiles at `paths` (a folder, or Dockerfiles)."""
        wishes = Wishes.of(options)
        try:
            scope = read_scope(facts, paths, wishes.into)
        except NoModuleError as error:
            return Proposal(findings=(error.finding,), refused=True)
        except NothingThereError as error:
            return Proposal(reason=str(error))
        scope.leave_checked(wishes.without)
        return Merge(Go(facts, scope, wishes)).proposal()
