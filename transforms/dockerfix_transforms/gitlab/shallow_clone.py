"""The transform `shallow-clone`: one commit is enough for most jobs.

Knows which jobs keep history and why; what a command reads stands in `history`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockerfix.api import (
    Draft,
    Facts,
    Finding,
    Job,
    OptionSpec,
    Permit,
    Pipeline,
    Proposal,
    Refused,
    Run,
    Severity,
    commands_of,
    edit,
    parse_shell,
)
from dockerfix_transforms.gitlab.history import reads_history

_DEPTH = "GIT_DEPTH"
_BREAKS = "the job would run on too short a history"


class ShallowClone:
    """Clone one commit for jobs that need no history, and all of it for those that read it.

    What it does
        Sets `GIT_DEPTH` in the pipeline's variables, and `GIT_DEPTH: "0"` on every job that
        reads history, each with its reason. A job of which not every command can be read
        keeps the depth that it had. Jobs are followed through shell functions, scripts, make,
        npm scripts and Compose services.

    Why
        A full clone is repeated by every job, and most jobs look at one commit.

    Before
        $ dockerfix shallow-clone
        -- .gitlab-ci.yml --
        variables:
          GIT_DEPTH: 0

        test:
          script:
            - cargo test

        release:
          script:
            - npx semantic-release

    After
        -- .gitlab-ci.yml --
        variables:
          GIT_DEPTH: 1

        test:
          script:
            - cargo test

        release:
          script:
            - npx semantic-release
          variables:
            GIT_DEPTH: "0"

    Safety
        A scan of a shallow clone stays green, so a missed reader is silent. That the table of
        readers knows every program of the pipeline is the assumption `clone-depth`. With a
        depth of 1 a job that starts after its branch has been overwritten cannot find its
        commit; a larger `--depth` leaves room.

    Call sites
        The pipeline's root file and its local includes. Triggered pipelines keep their depth.
    """

    name = "shallow-clone"
    summary = "Clone one commit for jobs that need no history."
    options = (
        OptionSpec("depth", "Commits to clone.", kind=int, default=1, metavar="COMMITS"),
        OptionSpec(
            "assume-shallow",
            "Make this job shallow even though not all of its commands can be read.",
            multiple=True,
            metavar="JOB",
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.pipeline
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="There is no GitLab pipeline with jobs.")
        depth = str(options["depth"])
        draft = Draft(facts, options["accept"])
        if not depth.isdecimal() or depth == "0":
            return draft.refused([_bad_depth(pipeline, depth)])
        try:
            _plan(draft, pipeline, depth, frozenset(options["assume-shallow"]))
        except Refused as refused:
            return draft.refused([refused.finding(_BREAKS)])
        if not draft.edits:
            return Proposal(reason="Every job already clones as little as it needs.")
        return draft.finished(_BREAKS)


def _plan(draft: Draft, pipeline: Pipeline, depth: str, assumed: frozenset[str]) -> None:
    """All edits: jobs that keep history first, then the pipeline's own depth."""
    old = pipeline.variables[_DEPTH].text if _DEPTH in pipeline.variables else ""
    shallow = 0
    for job in pipeline.visible:
        keeps = _keeps(draft.facts, pipeline, job, old, assumed)
        shallow += keeps is None
        if keeps is not None and keeps[0] != _own(job):
            _set_depth(draft, pipeline, job, *keeps)
    if not shallow or old == depth:
        return
    draft.edits += edit(pipeline).set_variable(_DEPTH, depth)
    draft.permits.append(Permit("clone-depth", "", pipeline.path, _DEPTH, old, depth))
    place = next(iter(pipeline.jobs.values())).place
    commits = "1 commit" if depth == "1" else f"{depth} commits"
    told = f"1 job clones {commits}" if shallow == 1 else f"{shallow} jobs clone {commits}"
    draft.findings.append(
        Finding.at(
            place,
            name="clone-depth",
            severity=Severity.ASSUME,
            subject=_DEPTH,
            what=f"{told}, since no command there is known to read history",
            why="the commands of these jobs are in no table of programs that read history; a "
            "queued or retried job fails if its branch no longer contains its commit",
            do="check the list of jobs that keep history, or pass a larger --depth",
        )
    )
    draft.summary.append(f"{told}.")


def _keeps(
    facts: Facts, pipeline: Pipeline, job: Job, old: str, assumed: frozenset[str]
) -> tuple[str, str, str] | None:
    """The depth that a job must have of its own, the finding's name and the reason; None for
    a job that may be shallow."""
    strategy = pipeline.variables_of(job).get("GIT_STRATEGY")
    if job.trigger is not None:
        return (old, "keeps-depth", "it passes its variables on to another pipeline")
    if strategy is not None and strategy.text in ("none", "empty"):
        return None
    allowed = job.inherit.variables
    if _own(job) is not None or job.rule_variables.get(_DEPTH):
        return (_own(job) or old or "0", "keeps-depth", "it sets its own depth")
    if allowed is not None and _DEPTH not in allowed:
        return None
    found = next(_reasons(facts, pipeline, job), None)
    if found is None or (job.name in assumed and found[0] == "keeps-depth"):
        return None
    return ("0" if found[0] == "reads-history" else old or "0", *found)


def _reasons(facts: Facts, pipeline: Pipeline, job: Job) -> Iterator[tuple[str, str]]:
    """Why a job needs history, known readers first."""
    commands = commands_of(facts.snapshot, pipeline, job)
    for ran in commands.ran:
        reason = reads_history(ran.words, ran.tolerated)
        if reason:
            yield "reads-history", reason
    for build in facts.builds.builds:
        if build.site.name == job.name and build.dockerfile is not None:
            for reason in _in_dockerfile(facts, build.dockerfile):
                yield "reads-history", f"{build.dockerfile}: {reason}"
    for unfollowed in commands.unfollowed:
        yield "keeps-depth", f"`{unfollowed.what}` cannot be followed: {unfollowed.why}"
    for parent in pipeline.unknown_parents(job):
        yield "keeps-depth", f"it extends `{parent}`, which is in another repository"


def _in_dockerfile(facts: Facts, path: str) -> Iterator[str]:
    """What the RUN instructions of a Dockerfile read of a `.git` in the build context."""
    if path not in facts.snapshot:
        return
    for stage in facts.dockerfile(path).stages:
        for instruction in stage.instructions:
            script = instruction.script if isinstance(instruction, Run) else None
            for command in parse_shell(script).commands() if script is not None else ():
                words = tuple(word.value or word.written for word in command.words)
                reason = reads_history(words) if words else ""
                if reason:
                    yield reason


def _own(job: Job) -> str | None:
    """The depth that a job itself sets."""
    scalar = job.variables.get(_DEPTH)
    return scalar.text if scalar is not None else None


def _set_depth(draft: Draft, pipeline: Pipeline, job: Job, depth: str, name: str, why: str) -> None:
    """The depth written on a job. A trigger job that had none must not pass one on."""
    if job.trigger is not None and not depth:
        raise Refused(
            job.place,
            f"{job.name} would pass {_DEPTH} on to the pipeline that it starts",
            "give it `inherit: variables:` with the names that it is to pass on",
        )
    draft.edits += edit(job).set("variables", _DEPTH, to=depth)
    draft.permits.append(
        Permit("clone-depth", job.name, pipeline.path, _DEPTH, _own(job) or "", depth)
    )
    draft.findings.append(
        Finding.at(
            job.place,
            name=name,
            severity=Severity.NOTE,
            subject=job.name,
            what=f"{job.name} clones "
            + ("its whole history" if depth == "0" else f"{depth} commits as before"),
            why=why,
            do=""
            if name == "reads-history"
            else f"if it needs no history, pass --assume-shallow '{job.name}'",
        )
    )


def _bad_depth(pipeline: Pipeline, depth: str) -> Finding:
    return Finding.at(
        next(iter(pipeline.jobs.values())).place,
        name="bad-depth",
        what=f"--depth {depth} is no number of commits",
        why="0 stands for the whole history",
        do="give a number from 1 on",
    )
