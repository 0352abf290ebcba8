"""The transform itself: from a workspace's Dockerfiles to a proposal.

Knows the order of the work; every step of it is a module of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.api import (
    Draft,
    Edit,
    Facts,
    Finding,
    OptionSpec,
    Proposal,
    Severity,
    Span,
    StepDown,
)
from dockerfix_transforms.merge_rust.callers import Callers, rewrite_callers
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.grouping import group_files
from dockerfix_transforms.merge_rust.group.settings import IN_PATHS
from dockerfix_transforms.merge_rust.left import by_hand, kept_files
from dockerfix_transforms.merge_rust.notes import (
    dependabot_notes,
    idle_notes,
    joined_notes,
    merge_notes,
    moved_notes,
    plain_docker_build,
    unasked_notes,
)
from dockerfix_transforms.merge_rust.permits import (
    image_permits,
    job_permits,
    left_permits,
    workflow_permits,
)
from dockerfix_transforms.merge_rust.read.inputs import candidates
from dockerfix_transforms.merge_rust.scope import (
    NothingThereError,
    NoWorkspaceError,
    Scope,
    place_of,
    read_scope,
    scopes,
)
from dockerfix_transforms.merge_rust.sites import read_sites
from dockerfix_transforms.merge_rust.workflows import APART
from dockerfix_transforms.merge_rust.write.layout import Merged, merged_file
from dockerfix_transforms.merge_rust.write.line import CannotJoinError

_BREAKS = "it builds one of the files that go"


class MergeRust:
    """Merge the cargo-chef Dockerfiles of a workspace into one file with a target per binary.

    What it does
        Reads every Dockerfile that builds the workspace and writes one `Dockerfile.all`: the
        stages that all of them have stand once (toolchain, planner, cook, build), every image
        that a call site can ask for is a target `<binary>-<old target>`, and the bare name of
        a binary is its last image. Call sites follow in the same patch: GitLab jobs, Compose
        services, bake files, Makefiles, scripts, documents. The old files go once nothing
        names them.

        Files are compiled together only when the compiler gets the same input: toolchain, base
        image, target triple, profile, features, flags, cargo-chef. Files that differ keep a
        builder of their own in the merged file, and the report says what keeps them apart.

    Why
        Each file cooks the same dependencies and compiles the same crates again: three
        binaries, three times the work. CI jobs on fresh runners pay it every time.

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
        Runtime stages are copied byte for byte; only the names of stages change. Build steps
        are laid over each other by what they mean: `./a` is `a`, and steps that do not touch
        each other may trade places. Builds by `--bin` share one call, since `--bin` at a virtual
        root unifies features over all default members whatever is named; builds by `-p`, in a
        member's folder or with other features follow one another in one RUN. Packages, tools
        and sources that only some builders had are assumptions where a crate could notice them.
        A file that cannot share a builder keeps one of its own where it still shares a stage,
        else it stays as it is and is named. Where no two files can share a builder there is
        nothing to gain, and the report says what stands in the way.

    Call sites
        CI jobs that would each compile one group on a runner of its own become one job with
        one `docker buildx bake` call, since three jobs that each build one target of the
        merged file would compile everything three times; `needs:` and `dependencies:` follow,
        rules cover the union. Sibling jobs of a GitHub workflow, or the rows of a matrix, that
        differ in their images alone become one job in which the build steps follow each other
        on one builder; jobs with other conditions, machines or steps stay on their old files,
        with the reason. What shares a builder already keeps its form and gets the new
        file and target. A call site that cannot be followed and may build one of the files is
        a refusal: pass `--keep-old`, or `--no-ci` to do the call sites by hand.
    """

    name = "merge-rust"
    after = ("shallow-clone",)
    summary = "Merge the cargo-chef Dockerfiles of a workspace into one, a target per binary"
    options = (
        OptionSpec(
            "into",
            "Name or path of the merged file; without it, Dockerfile.all, or all.Dockerfile for"
            " files named x.Dockerfile.",
            default="",
            metavar="NAME",
        ),
        OptionSpec("keep-old", "Keep the old Dockerfiles beside the merged one.", kind=bool),
        OptionSpec(
            "no-ci",
            "Write the Dockerfile only; list the call sites. Implies --keep-old.",
            kind=bool,
        ),
    )

    def candidates(self, facts: Facts, paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
        """The workspaces at or below `paths`, each as the paths of a call."""
        return scopes(facts, paths)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The merge of the workspace's Dockerfiles at `paths` (a folder, or Dockerfiles)."""
        wishes = _Wishes(
            str(options["into"]),
            bool(options["keep-old"]) or bool(options["no-ci"]),
            bool(options["no-ci"]),
            frozenset(options["accept"]),
            options.get("without", {}),
        )
        try:
            scope = read_scope(facts, paths, wishes.into)
        except NoWorkspaceError as error:
            return Proposal(findings=(error.finding,), refused=True)
        except NothingThereError as error:
            return Proposal(reason=str(error))
        scope.files = [
            file
            for file in scope.files
            if file.path not in wishes.without or wishes.without[file.path].rungs == 1
        ]
        return _Merge(facts, scope, wishes).proposal()


class _Wishes(Struct, frozen=True):
    into: str
    keep_old: bool
    no_ci: bool
    accept: frozenset[str]
    without: Mapping[str, StepDown]


class _Merge:
    """One merge. Private to `MergeRust.propose`."""

    def __init__(self, facts: Facts, scope: Scope, wishes: _Wishes) -> None:
        self.facts = facts
        self.scope = scope
        self.wishes = wishes
        self.work = Draft(self.facts, self.wishes.accept)
        self.callers: Callers | None = None

    def proposal(self) -> Proposal:
        """The proposal, a refusal, or the reason why there is nothing to do."""
        self.work = Draft(self.facts, self.wishes.accept)
        made = self.merge()
        if made is None:
            return self.too_few()
        groups, merged = made
        if all(len(group.members) == 1 for group in groups):
            return self.nothing_shared(groups)
        self.work.findings += merge_notes(self.facts, self.scope.workspace, groups, merged)
        if not self.wishes.no_ci:
            self.callers = rewrite_callers(
                self.facts, self.scope, groups, merged, self.wishes.accept, self.wishes.keep_old
            )
            if self.leave_useless(self.callers):
                return self.proposal()
            if not self.callers.gains:
                return self.nothing_gained(self.callers)
        standing = self.standing(merged)
        if standing is not None:
            return standing
        self.write_merged(merged)
        self.work.findings += moved_notes(merged)
        self.work.findings += unasked_notes(merged)
        if self.callers is None:
            self.without_callers(groups, merged)
        else:
            self.call_sites(self.callers)
            self.summarise(groups, merged, self.callers)
        return self.finished(groups, merged)

    def leave_useless(self, callers: Callers) -> bool:
        """Leave the files out whose images nobody would build from the merged file; whether
        there are any, and others to merge."""
        useless = callers.useless(self.scope.files, self.wishes.accept)
        if not useless or len(self.scope.files) - len(useless) < 2:
            return False
        accept = self.wishes.accept
        self.scope.findings += [
            left.finding(accept) for left in callers.left if set(left.files) <= set(useless)
        ]
        self.scope.files = [file for file in self.scope.files if file.path not in useless]
        return True

    # The merged file.

    def merge(self) -> tuple[list[Group], Merged] | None:
        """Groups and merged file. A file whose lines cannot be joined gets a builder of its
        own in the merged file; one that would share nothing there stays as it is."""
        apart = {path: step.found[0] for path, step in self.wishes.without.items()}
        while len(self.scope.files) > 1:
            groups, findings = group_files(self.scope.files, self.wishes.accept, apart)
            try:
                merged = merged_file(groups, self.scope.files)
            except CannotJoinError as error:
                if error.file.path in apart:
                    self.scope.leave_out(
                        error.file, "cannot-join", error.why, error.action, error.step.item.code
                    )
                apart[error.file.path] = f"{error.why}: {error.action}"
                continue
            if not any(len(group.members) > 1 for group in groups) or not merged.plan.strangers:
                self.work.findings += findings
                return groups, merged
            self.leave_strangers(groups, merged)
        return None

    def leave_strangers(self, groups: Sequence[Group], merged: Merged) -> None:
        """Leave out the files that would share no stage: moving them saves nothing."""
        for group in groups:
            for member in group.members:
                if member.file in merged.plan.strangers:
                    why = "; ".join(group.apart)
                    span = member.file.graph.tree.instructions[0].code
                    self.scope.leave_out(
                        member.file, "separate-builder", f"it would share no stage: {why}",
                        _unite(group.apart), span,
                    )  # fmt: skip

    def standing(self, merged: Merged) -> Proposal | None:
        """What to say when the merged file stands already: nothing to do, or a refusal."""
        into = self.scope.into
        if into not in self.facts.snapshot or any(f.path == into for f in self.scope.files):
            return None
        if self.facts.snapshot.read(into) == _encoded(merged.text):
            asked = any(file.builds for file in self.scope.files)
            if not asked or self.wishes.no_ci:
                return Proposal(reason=f"{into} is the merged file already")
            return None
        if self.served(into):
            old = ", ".join(file.path for file in self.scope.files)
            return Proposal(reason=f"{into} serves {old} already; what builds from them was left")
        place = self.facts.snapshot.source(into).place(Span(0, 0))
        return self.refused(
            [
                Finding(
                    Severity.REFUSE, "exists", f"{into} exists already, with another text",
                    "it would be overwritten", "choose another name with --into", place, into,
                )
            ]
        )  # fmt: skip

    def served(self, into: str) -> bool:
        """Whether a merged file that stands has a target for each of the old files: they were
        left for the sake of some call site."""
        names = {stage.name for stage in self.facts.stages(into).stages}
        return all(
            any(name == file.binary or name.startswith(f"{file.binary}-") for name in names if name)
            for file in self.scope.files
        )

    def write_merged(self, merged: Merged) -> None:
        """The merged file, and which of its inputs go."""
        into, data = self.scope.into, _encoded(merged.text)
        if into in self.facts.snapshot:
            old = self.facts.snapshot.read(into)
            if old != data:
                self.work.edits.append((into, Edit(Span(0, len(old)), data)))
        else:
            self.work.created[into] = data

    def delete_old(self, kept: frozenset[str]) -> None:
        """The old files that nothing needs any more go."""
        old = [f.path for f in self.scope.files if f.path != self.scope.into]
        gone = [] if self.wishes.keep_old else [path for path in old if path not in kept]
        self.work.deleted += gone
        own = [f"{file.path}.dockerignore" for file in self.scope.files]
        there = [path for path in own if path in self.facts.snapshot]
        new = f"{self.scope.into}.dockerignore"
        if there and new not in self.facts.snapshot:
            # An ignore file of the Dockerfile's own name moves along with it.
            self.work.created[new] = self.facts.snapshot.read(there[0])
        self.work.deleted += [
            path for path in there if path != new and path.removesuffix(".dockerignore") in gone
        ]

    # The call sites.

    def without_callers(self, groups: Sequence[Group], merged: Merged) -> None:
        """What is to be done by hand when no caller is to be changed."""
        sites = read_sites(self.facts, self.scope.files, merged.plan.targets, self.scope.into)
        self.work.steps += [
            f"change by hand: {change.build.site}: {self.scope.into}, target {change.wanted.target}"
            for _, change in sites.changes
        ]
        self.work.findings += sites.findings
        self.work.summary += [
            *self.sizes(groups, merged),
            f"compile passes: {len(self.scope.files)} before, {len(groups)} after",
        ]
        self.delete_old(frozenset())

    def call_sites(self, callers: Callers) -> None:
        """Edits of everything that builds or names the inputs."""
        accept = self.wishes.accept
        self.delete_old(kept_files(callers.left, accept))
        self.work.edits += callers.edits
        self.work.findings += callers.findings
        self.work.findings += [left.finding(accept) for left in callers.left]
        self.work.findings += idle_notes(callers.jobs.idle)
        self.work.findings += joined_notes(callers.workflows.joined)
        self.work.steps += by_hand(callers.left, accept)
        if callers.jobs.bake:
            self.work.created[callers.jobs.bake_path] = callers.jobs.bake
        if self.work.deleted:
            usual = [f.path for f in self.scope.files if posixpath.dirname(f.path) == f.context]
            gone = [path for path in usual if path in self.work.deleted]
            self.work.findings += plain_docker_build(gone, self.scope.into)
            self.work.findings += dependabot_notes(
                self.facts, [*self.work.deleted, *self.work.created], self.scope.into
            )

    # The outcome.

    def refused(self, findings: Sequence[Finding]) -> Proposal:
        """The whole merge refused."""
        return Proposal(findings=(*findings, *self.scope.findings), refused=True)

    def too_few(self) -> Proposal:
        """Fewer than two files: nothing to do, or a refusal when some were left out."""
        files = self.scope.files
        left_out = [f for f in self.scope.findings if f.severity is Severity.REFUSE]
        if len(files) + len(left_out) + len(self.wishes.without) > 1:
            return Proposal(findings=tuple(left_out), refused=True)
        folder = self.scope.workspace.folder or "."
        paths = [*(file.path for file in files), *(finding.subject for finding in left_out)]
        every = candidates(self.facts, self.scope.workspace.folder, ())
        others = [path for path in every if path not in (*paths, self.scope.into)]
        if paths and others:
            return Proposal(
                reason=f"{paths[0]} was named alone, and {', '.join(others)} also build {folder}; "
                f"name the folder {folder} to merge them all"
            )
        if paths:
            return Proposal(reason=f"{paths[0]} alone builds {folder}: nothing to merge")
        return Proposal(reason=f"no Dockerfile builds the workspace {folder}")

    def nothing_shared(self, groups: Sequence[Group]) -> Proposal:
        """No two files share a builder: what stands in the way, one line each."""
        findings = [
            Finding(
                Severity.NOTE,
                "nothing-to-gain",
                f"{group.leader.file.path}: {reason}",
                "It would be compiled as often as before.",
                _unite(group.apart),
                place_of(group.leader.file),
                group.leader.file.path,
            )
            for group in groups
            for reason in group.apart
        ]
        count = len(self.scope.files)
        return Proposal(
            reason=f"nothing to gain: {count} files would still need {count} compile passes",
            findings=(*self.scope.findings, *findings),
        )

    def nothing_gained(self, callers: Callers) -> Proposal:
        """A merge after which as much is compiled as before."""
        stands = [left.finding(self.wishes.accept) for left in callers.left]
        apart = [f for f in self.work.findings if f.name == "separate-builder"]
        before, after = callers.before.passes, callers.after.passes
        figures = f"{before} compile {'pass' if before == 1 else 'passes'} before, {after} after"
        reason = f"a merge would save nothing: {figures}"
        if any(left.name != APART for left in callers.left):
            reason = f"as long as call sites stay with the old files, {reason}"
        return Proposal(findings=(*self.scope.findings, *apart, *stands), reason=reason)

    def sizes(self, groups: Sequence[Group], merged: Merged) -> list[str]:
        """What the merged file holds."""
        aliases = f" and {len(merged.plan.aliases)} aliases" if merged.plan.aliases else ""
        return [
            f"{len(self.scope.files)} Dockerfiles become {self.scope.into} with "
            f"{len(merged.plan.targets)} targets{aliases}"
        ]

    def summarise(self, groups: Sequence[Group], merged: Merged, callers: Callers) -> None:
        """A few lines for the person."""
        before, after = callers.before, callers.after
        lines = [
            *self.sizes(groups, merged),
            f"compile passes: {before.passes} before, {after.passes} after",
        ]
        if before.programs != after.programs:
            lines.append(f"programs compiled: {before.programs} before, {after.programs} after")
        if callers.left and not self.work.deleted and not self.wishes.keep_old:
            lines.append("the old Dockerfiles stay: not every place that builds them is rewritten")
        for name, olds in callers.jobs.joined:
            lines.append(
                f"CI jobs {', '.join(olds)} become {name}"
                if len(olds) > 1
                else f"the matrix of the CI job {name} becomes one run"
            )
        for joined in callers.workflows.joined:
            names = ", ".join(joined.olds)
            lines.append(
                f"workflow jobs {names} become {joined.name}"
                if len(joined.olds) > 1
                else f"{joined.rows} runs of the workflow job {names} become one, {joined.name}"
            )
        if callers.jobs.joined or callers.workflows.joined:
            lines.append(
                "the sum of CI work falls; jobs that ran side by side do not finish sooner"
            )
        self.work.summary += lines

    def finished(self, groups: Sequence[Group], merged: Merged) -> Proposal:
        """The proposal with its permits."""
        work, callers = self.work, self.callers
        work.findings = [*self.scope.findings, *work.findings]
        work.permits += image_permits(groups, merged, self.scope.into, work.weighed)
        if callers is not None:
            work.permits += job_permits(self.facts.pipeline, callers.jobs)
            work.permits += workflow_permits(callers.workflows)
            work.permits += left_permits(callers.left, self.wishes.accept)
            work.callers = callers.rewritten_jobs
        return work.finished(_BREAKS)


def _unite(reasons: Sequence[str]) -> str:
    """What to do about differences: accept them, where each has a name that can be."""
    names = [reason.partition(":")[0] for reason in reasons if " has " in reason]
    plain = all(name.replace("-", "").replace("_", "").isalnum() for name in names)
    if len(names) < len(reasons) or not plain or any(name in IN_PATHS for name in names):
        return "align the files"
    return f"align the files, or --accept {' --accept '.join(names)}"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
