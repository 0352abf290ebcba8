"""The transform itself: what it does for a person, and the way to a proposal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockerfix.api import (
    Arg,
    Build,
    Draft,
    Facts,
    Finding,
    Image,
    OptionSpec,
    Permit,
    Proposal,
    Severity,
    SnapshotError,
    StageGraph,
    all_of,
    is_within,
)
from dockerfix_transforms.build_once.reading import (
    CannotReadError,
    NamingStage,
    naming_argument,
    naming_stages,
)
from dockerfix_transforms.build_once.values import Values, read_values
from dockerfix_transforms.build_once.writing import has_comments, stage_edits
from dockerfix_transforms.merge_rust.write.wording import listed

_BREAKS = "it builds the programs of the others too"
_READ_LATER = "let the argument name programs for cargo alone, and read it below the build"
_WIDENED = {
    "build": "build-widened",
    "chef cook": "cook-widened",
    "chef prepare": "prepare-widened",
}


class BuildOnce:
    """Compile once for every value of a build argument that names the program.

    What it does
        Finds Dockerfiles that tell cargo what to build by a build argument
        (`cargo build --bin ${BIN}`) and that are built with several values. cargo is told all of
        them instead, and the argument is declared below the build, or in the image alone. The
        images keep the argument and take their own program, so that no call site changes.

    Why
        Each value is another build stage for BuildKit: it compiles all dependencies and all
        shared crates again for every image.

    Before
        -- Cargo.toml --
        [workspace]
        members = ["api", "worker"]
        resolver = "3"
        -- api/Cargo.toml --
        [package]
        name = "api"
        -- api/src/main.rs --
        fn main() {}
        -- worker/Cargo.toml --
        [package]
        name = "worker"
        -- worker/src/main.rs --
        fn main() {}
        -- Dockerfile --
        FROM rust:1.90 AS build
        ARG BIN
        WORKDIR /src
        COPY . .
        RUN cargo build --release --bin ${BIN}

        FROM debian:12
        ARG BIN
        COPY --from=build /src/target/release/${BIN} /usr/local/bin/service
        CMD ["service"]
        -- compose.yaml --
        services:
          api:
            build: {context: ., args: {BIN: api}}
          worker:
            build: {context: ., args: {BIN: worker}}

    After
        -- Cargo.toml --
        [workspace]
        members = ["api", "worker"]
        resolver = "3"
        -- api/Cargo.toml --
        [package]
        name = "api"
        -- api/src/main.rs --
        fn main() {}
        -- worker/Cargo.toml --
        [package]
        name = "worker"
        -- worker/src/main.rs --
        fn main() {}
        -- Dockerfile --
        FROM rust:1.90 AS build
        WORKDIR /src
        COPY . .
        RUN cargo build --release --bin api --bin worker

        FROM debian:12
        ARG BIN
        COPY --from=build /src/target/release/${BIN} /usr/local/bin/service
        CMD ["service"]
        -- compose.yaml --
        services:
          api:
            build: {context: ., args: {BIN: api}}
          worker:
            build: {context: ., args: {BIN: worker}}

    Safety
        Every image is judged with every value that a call site gives: it must ship the same
        program, compiled from the same input. Calls by `-p` are repeated one after the other,
        since one call for several packages unites their features. Where the argument does more
        than to name programs before cargo is done, or a call site gives a value that reading
        cannot tell, the file stays as it is. That the argument is no longer set while cargo runs,
        and that nobody gives another value from outside, are assumptions.

    Call sites
        None changes. Work is counted where it is done: if CI builds every value on a runner of
        its own, each of them would compile all programs, and the file stays as it is.
    """

    name = "build-once"
    summary = "Compile once for every value of a build argument that names the program."
    options: tuple[OptionSpec, ...] = ()

    def candidates(self, facts: Facts, paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
        """The Dockerfiles at or below `paths` that this is about, each as the paths of a call."""
        return tuple((path,) for path in _dockerfiles(facts, paths))

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """What becomes of the Dockerfiles at `paths` (folders, or Dockerfiles)."""
        work = Draft(facts, options["accept"])
        without = options.get("without", {})
        reasons: list[str] = []
        for path in _dockerfiles(facts, paths):
            if path in without:
                reasons.append(f"{path} stays as it is")
                continue
            try:
                reasons += _file(work, facts.stages(path))
            except CannotReadError as problem:
                work.findings.append(_kept(facts.stages(path), problem))
        if work.edits:
            return work.finished(_BREAKS)
        if any(finding.severity is Severity.REFUSE for finding in work.findings):
            return work.refused(work.weighed)
        return Proposal(
            reason="; ".join(reasons) or "no Dockerfile names its program by an argument"
        )


def _dockerfiles(facts: Facts, paths: Sequence[str]) -> Iterator[str]:
    """The Dockerfiles at or below some paths that tell cargo an argument."""
    built = {build.dockerfile for build in facts.builds.builds}
    for path in facts.snapshot.paths:
        known = path in built or path in paths or path in facts.dockerfiles
        below = any(p in ("", ".") or path == p or is_within(path, p) for p in paths)
        if not known or not below:
            continue
        try:
            if b"cargo" in facts.snapshot.read(path) and naming_argument(facts.stages(path)):
                yield path
        except SnapshotError:
            continue


def _file(work: Draft, graph: StageGraph) -> Iterator[str]:
    """Edits, permits and findings of one file; gives the reason where nothing is to be done.
    Raises `CannotReadError`."""
    name, path = naming_argument(graph), graph.tree.source.path
    stages = naming_stages(graph, name)
    values = read_values(work.facts, graph, name)
    if values.unknown:
        build, text = values.unknown[0]
        shown = f"`{text}`, which reading cannot tell" if text else "nothing"
        what = f"{build.site} gives {name} {shown}"
        raise CannotReadError(
            what, stages[0].arg.code, "write the value where the build is asked for"
        )
    if any(run.cached for stage in stages for run in stage.runs):
        yield f"{path}: a cache mount keeps what cargo compiles, for the other values too"
        return
    reader = _reader(work.facts, values, name)
    if reader:
        raise CannotReadError(f"{reader} reads {name} while it is compiled", stages[0].arg.code)
    for value, build in values.known.items():
        if value not in _programs(work.facts, build):
            what = f"{build.site} gives {name} `{value}`, and no binary or package is called so"
            raise CannotReadError(what, stages[0].arg.code, "correct the value")
    if len(values.known) < 2:
        given = f"only {next(iter(values.known))}" if values.known else "nothing"
        yield f"{path}: call sites give {name} {given}"
        return
    if not values.pays:
        count = all_of(values.machines, "runner")
        yield (
            f"{path}: {count} would compile {all_of(len(values.known), 'program')}, and gain "
            "nothing by it; build the images in one job first"
        )
        return
    home = _home(graph, name, stages)
    known = tuple(values.known)
    edits = [edit for stage in stages for edit in stage_edits(stage, name, known, home)]
    work.edits += [(path, edit) for edit in edits]
    work.permits += _permits(work.facts, graph, name, stages)
    work.findings += _assumed(graph, name, stages, values)
    work.summary += [
        f"{path}: {listed(list(values.known))} are compiled together",
        f"compile passes: {values.before.passes} before, {values.after.passes} after",
    ]


def _home(graph: StageGraph, name: str, stages: Sequence[NamingStage]) -> Arg | None:
    """The ARG of an image that takes the comment of the one that goes: the last without its own."""
    mine = {stage.stage.index for stage in stages}
    declared = [
        item
        for stage in graph.stages
        if stage.index not in mine
        for item in stage.instructions
        if isinstance(item, Arg) and name in dict(item.entries)
    ]
    commented = sum(has_comments(stage.arg) for stage in stages)
    free = [item for item in declared if not has_comments(item)]
    return free[-1] if free and commented == 1 else None


def _reader(facts: Facts, values: Values, name: str) -> str:
    """A source of the workspace that names the variable, as `env!("NAME")` does."""
    needle = f'"{name}"'.encode()
    for folder in {build.context for build in values.known.values() if build.context is not None}:
        workspace = facts.workspace(folder)
        for package in workspace.packages if workspace is not None else ():
            for path in facts.snapshot.below(package.folder):
                if path.endswith(".rs") and needle in facts.snapshot.peek(path):
                    return path
    return ""


def _programs(facts: Facts, build: Build) -> frozenset[str]:
    """The binaries and packages of the workspace that a build has for its context."""
    workspace = facts.workspace(build.context) if build.context is not None else None
    if workspace is None:
        return frozenset()
    names = {binary.name for binary in workspace.binaries}
    return frozenset(names | {package.name for package in workspace.packages})


def _permits(
    facts: Facts, graph: StageGraph, name: str, stages: Sequence[NamingStage]
) -> Iterator[Permit]:
    """Leave for every image of the file."""
    path = graph.tree.source.path
    verbs = {call.verb for stage in stages for run in stage.runs for call in run.calls}
    targets = {""}
    for build in facts.builds.builds:
        if build.dockerfile == path and build.target is not None:
            targets |= set(build.target.possible)
    for image in sorted(str(Image(path, target)) for target in targets):
        yield Permit("every-value", image, path, name)
        yield Permit("environment", image, path, name)
        yield from (Permit(_WIDENED[verb], image, path) for verb in sorted(verbs))


def _assumed(
    graph: StageGraph, name: str, stages: Sequence[NamingStage], values: Values
) -> Iterator[Finding]:
    place = graph.tree.source.place(stages[0].arg.code)
    yield Finding.at(
        place,
        severity=Severity.ASSUME,
        name="every-value",
        what=f"{name} takes no other values than {', '.join(values.known)}",
        why="the program that another value names would not be built",
        do="add it where cargo is told the others",
        subject=name,
    )
    yield Finding.at(
        place,
        severity=Severity.ASSUME,
        name="environment",
        what=f"{name} is no longer set while the programs are compiled",
        why="macros, build scripts and what a RUN calls could read it",
        do="look whether they do",
        subject=name,
    )


def _kept(graph: StageGraph, problem: CannotReadError) -> Finding:
    """A file that stays as it is."""
    source = graph.tree.source
    return Finding.at(
        source.place(problem.span),
        name="argument-read",
        what=f"{problem.what}; {source.path} stays as it is",
        why="its stages would no longer do what they did for each value",
        do=problem.action or _READ_LATER,
        subject=source.path,
    )
