"""The transform itself: what it does for a person, its options, and the way to a proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import Facts, Proposal
from dockerfix_transforms.merge_rust.merge import Merge
from dockerfix_transforms.merge_rust.rust import Rust
from dockerfix_transforms.merge_rust.scope.call import NothingThereError, read_scope
from dockerfix_transforms.merge_rust.scope.workspaces import NoWorkspaceError, scopes
from dockerfix_transforms.merge_rust.wishes import OPTIONS, Wishes


class MergeRust:
    """Merge the Dockerfiles of a cargo workspace into one file with a target per binary.

    What it does
        Reads every Dockerfile that builds the workspace and writes one `Dockerfile.all`: the
        stages that all of them share (toolchain, planner, cook, build) appear once, every image
        that a call site can ask for is a target `<binary>-<old target>`, and the bare name of
        a binary is its last image. Call sites follow in the same patch: GitLab jobs, GitHub
        workflows, Compose services, bake files, Makefiles, scripts, documents. The old files
        are deleted once nothing names them.

        Files are compiled together only if the compiler gets the same input: toolchain, base
        image, target triple, profile, features, flags, cargo-chef. Files that differ keep a
        builder of their own in the merged file, and the report says what keeps them apart.

    Why
        Each file compiles the same dependencies and the same crates again: three binaries are
        three times the work, and CI jobs on fresh runners repeat it every time. The report
        counts compile passes: how often a CI job, or a person's machine, compiles dependencies.

    Before
        -- app/Cargo.toml --
        [workspace]
        members = ["api", "worker"]
        resolver = "3"
        -- app/api/Cargo.toml --
        [package]
        name = "api"
        -- app/api/src/main.rs --
        fn main() {}
        -- app/worker/Cargo.toml --
        [package]
        name = "worker"
        -- app/worker/src/main.rs --
        fn main() {}
        -- app/Dockerfile.api --
        FROM rust:1.90 AS builder
        WORKDIR /app
        COPY . .
        RUN cargo build --release --bin api

        FROM debian:12
        COPY --from=builder /app/target/release/api /usr/local/bin/api
        CMD ["api"]
        -- app/Dockerfile.worker --
        FROM rust:1.90 AS builder
        WORKDIR /app
        COPY . .
        RUN cargo build --release --bin worker

        FROM debian:12
        COPY --from=builder /app/target/release/worker /usr/local/bin/worker
        USER nobody
        CMD ["worker"]

    After
        -- app/Cargo.toml --
        [workspace]
        members = ["api", "worker"]
        resolver = "3"
        -- app/api/Cargo.toml --
        [package]
        name = "api"
        -- app/api/src/main.rs --
        fn main() {}
        -- app/worker/Cargo.toml --
        [package]
        name = "worker"
        -- app/worker/src/main.rs --
        fn main() {}
        -- app/Dockerfile.all --
        FROM rust:1.90 AS builder
        WORKDIR /app
        COPY . .
        RUN cargo build --release --bin api --bin worker

        FROM debian:12 AS api
        COPY --from=builder /app/target/release/api /usr/local/bin/api
        CMD ["api"]

        FROM debian:12 AS worker
        COPY --from=builder /app/target/release/worker /usr/local/bin/worker
        USER nobody
        CMD ["worker"]

    Safety
        Runtime stages are copied byte for byte; only the names of stages change, and steps
        with which several of them begin become one stage below them. Build steps are
        matched by what they mean: `./a` is `a`, and independent steps may change places.
        Builds by `--bin` share one call, since `--bin` at a virtual root unifies features over
        all default members whatever is named; builds by `-p`, in a member's folder or with other
        features run one after another in one RUN. Packages, tools and sources that only some
        builders had become assumptions if a crate could notice them. A file that cannot share a
        builder keeps its own if it still shares a stage, on the cook of the others if it cooks
        the same; otherwise it stays as it is, and the report names it. A file that nothing
        builds is never compiled along with those that are built. If no two files can share a
        builder or a cook, there is nothing to gain, and the report says what stands in the way.

    Call sites
        CI jobs that would each compile one group on a runner of its own become one job with
        one `docker buildx bake` call, since three jobs that each build one target of the
        merged file would compile everything three times; `needs:` and `dependencies:` follow,
        and the rules of the new job cover those of the old ones. Jobs stay apart if one of them
        would then wait for a click or get other variables, if `latest` would be pushed from
        pipelines that did not push it, or if they write the same file with other contents.
        Sibling jobs of a GitHub workflow, or the rows of a matrix, that differ only in their
        images become one job in which the build steps follow each other on one builder; jobs
        with other conditions, machines or steps keep their old files, and the report says why.
        Call sites that already share a builder keep their form and get the new file and target.
        If a call site cannot be followed and may build one of the files, that file stays, and
        the report names the place; `--accept left-behind` deletes it anyway.
    """

    name = "merge-rust"
    after = ("build-once", "shallow-clone")
    summary = "Merge the Dockerfiles of a cargo workspace into one, a target per binary."
    options = OPTIONS

    def candidates(self, facts: Facts, paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
        """The workspaces at or below `paths`, each as the paths of a call."""
        return scopes(facts, paths)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The merge of the workspace's Dockerfiles at `paths` (a folder, or Dockerfiles)."""
        wishes = Wishes.of(options)
        try:
            scope = read_scope(facts, paths, wishes.into)
        except NoWorkspaceError as error:
            return Proposal(findings=(error.finding,), refused=True)
        except NothingThereError as error:
            return Proposal(reason=str(error))
        scope.leave_checked(wishes.without)
        return Merge(Rust(facts, scope, wishes)).proposal()
