"""The transform `shallow-clone`: one commit is enough for most jobs.

Knows which jobs keep history and why; which depth a job keeps stands in `depth`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from dockerfix.api import (
    Draft,
    Facts,
    Finding,
    Job,
    OptionSpec,
    Permit,
    Pipeline,
    Place,
    Proposal,
    Refused,
    Scalar,
    Severity,
    edit,
)
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.gitlab.shallow_clone.depth import (
    DEPTH,
    Depths,
    Keeps,
    own_depth,
    own_depths,
)
from dockerfix_transforms.gitlab.shallow_clone.no_tree import treeless_jobs
from dockerfix_transforms.gitlab.shallow_clone.templates import Templates

STRATEGY = "GIT_STRATEGY"
_USUAL = 20
"""Commits that jobs of new projects clone (Customize pipeline configuration, shallow clone)."""
_BREAKS = "the job would run on too short a history"


class ShallowClone:
    """Clone one commit for jobs that need no history, and all of it for those that read it.

    What it does
        Sets `GIT_DEPTH` in the pipeline's variables, and `GIT_DEPTH: "0"` on every job that
        reads history, with the reason for each. A job keeps its depth if not all of its
        commands can be read. If the pipeline's depth would reach jobs that must not have it, the
        depth is set in single jobs, and in templates whose jobs all want the same. A depth
        from 2 to 20 that is already there stays. Jobs are followed through shell functions,
        scripts, make, npm scripts and Compose services. `--no-tree` skips the clone for jobs whose
        commands are all known to read no file of the repository.

    Why
        Every job repeats the full clone, although most jobs look at one commit only.

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
        A history scan of a shallow clone passes without finding anything, so a job that was
        wrongly made shallow does not fail. The assumption `clone-depth` says that dockerfix knows
        every program of the pipeline that reads history. Since Go 1.24, `go build` writes a
        version from tags into programs; a job counts as a reader of history if it passes its
        program on and code of the repository asks for that version. With a depth of 1, a job
        that starts after its branch was force-pushed cannot find its commit; a larger `--depth`
        leaves room.

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
        OptionSpec(
            "fetch",
            "Turn GIT_STRATEGY clone into fetch, which uses a work tree that is there already.",
            kind=bool,
            default=False,
        ),
        OptionSpec(
            "no-tree",
            "Clone nothing for jobs that read no file of the repository.",
            kind=bool,
            default=False,
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.read_pipeline()
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        depth = str(options["depth"])
        draft = Draft(facts, options["accept"])
        if not depth.isdecimal() or depth == "0":
            return draft.refused([_bad_depth(pipeline, depth)])
        if depth == "1" and _is_small(given := _given_depth(pipeline)):
            return Proposal(
                reason=f"The pipeline already clones {given} commits; pass --depth for another."
            )
        if any(name == DEPTH for rule in pipeline.workflow or () for name, _ in rule.variables):
            # A job's own depth would win over what the rules say of a kind of pipeline.
            return Proposal(reason="`workflow: rules:` set GIT_DEPTH; change it there.")
        try:
            bare = treeless_jobs(draft.facts, pipeline) if options["no-tree"] else ()
            for job in bare:
                _clone_nothing(draft, pipeline, job)
            assumed = frozenset(options["assume-shallow"])
            _plan(draft, pipeline, depth, assumed, [job.name for job in bare])
            if options["fetch"]:
                _fetch(draft, pipeline)
        except Refused as refused:
            return draft.refused([refused.finding(_BREAKS)])
        if not draft.edits:
            return Proposal(reason="Every job already clones as little as it needs.")
        return draft.finished(_BREAKS)


def _given_depth(pipeline: Pipeline) -> str:
    """The depth in the pipeline's variables; empty for none."""
    scalar = pipeline.variables.get(DEPTH)
    return scalar.text if scalar is not None else ""


def _is_small(depth: str) -> bool:
    """Whether somebody chose a depth from which one commit saves nothing worth a risk: more than
    one, and no more than GitLab gives new projects."""
    return depth.isdecimal() and 1 < int(depth) <= _USUAL


def _plan(
    draft: Draft,
    pipeline: Pipeline,
    depth: str,
    assumed: frozenset[str],
    bare: Collection[str],
) -> None:
    """The depths of all jobs but the `bare` ones, which clone nothing.

    Jobs of includes that are in no file here would get a global depth too, unseen, and a job
    that keeps the depth of the project's settings would lose it. So where there are any, or where
    most jobs read history and would clone more than those settings say, each other job gets its
    own.
    """
    old = _given_depth(pipeline)
    depths = Depths(draft.facts, pipeline, old, assumed)
    keeps = {job.name: depths.kept(job) for job in pipeline.visible}
    unseen = [(place, what) for place, what in pipeline.unread if "rules" not in what]
    # A job cannot be given back the depth of the project's settings, which nothing here says.
    settings = not old and any(
        k is not None and k.name == "keeps-depth" and own_depth(pipeline.jobs[name]) is None
        for name, k in keeps.items()
    )
    cloning = [job for job in pipeline.visible if depths.clones(job) and job.name not in bare]
    few = not old and 2 * sum(keeps[job.name] is None for job in cloning) < len(cloning)
    alone = bool(unseen or settings or few) and old != depth
    keeps |= dict.fromkeys(bare)
    if alone:
        keeps |= _unwritable(pipeline, keeps, old or "0", depth)
    shallow = [job for job in cloning if keeps[job.name] is None]
    if not shallow:
        return
    before = len(draft.edits)
    _write(draft, pipeline, keeps, [job.name for job in shallow], depth, alone)
    if not alone and old != depth:
        draft.edits += edit(pipeline).set_variable(DEPTH, depth)
        draft.permits.append(Permit("clone-depth", "", pipeline.path, DEPTH, old, depth))
    if len(draft.edits) > before:
        stamped = [job.name for job in shallow if depths.writes_version(job)]
        _tell(draft, shallow, depth, unseen if alone else (), stamped, still=old == depth)


def _unwritable(
    pipeline: Pipeline, keeps: Mapping[str, Keeps | None], old: str, depth: str
) -> dict[str, Keeps | None]:
    """What the jobs keep whose depth cannot be written; the option that would make others shallow
    is not enough there."""
    write = "write the job's variables out with GIT_DEPTH"
    found: dict[str, Keeps | None] = {}
    for name, why in _shared(pipeline, depth).items():
        kept = keeps[name]
        if kept is None:
            found[name] = Keeps(old, "keeps-depth", why, f"{write}, if it needs no history")
        elif kept.do:
            found[name] = replace(kept, do=f"{kept.do}, and {write}")
    return found


def _write(
    draft: Draft,
    pipeline: Pipeline,
    keeps: Mapping[str, Keeps | None],
    shallow: Sequence[str],
    depth: str,
    alone: bool,
) -> None:
    """The depths that jobs and templates get of their own, and those that jobs keep."""
    templates = Templates(pipeline)
    targets = own_depths(pipeline, templates, keeps, shallow, depth, alone)
    for job in pipeline.jobs.values():
        _set_depth(draft, templates, job, targets)
    for job in pipeline.visible:
        kept = keeps[job.name]
        if kept is not None and (alone or kept.depth != depth):
            _keep(draft, pipeline, job, kept, alone)


def _shared(pipeline: Pipeline, depth: str) -> dict[str, str]:
    """The jobs whose depth cannot be written without changing others, with the reason, and those
    others too: once they have keys of their own, the first could be written after all."""
    found: dict[str, str] = {}
    for job in pipeline.visible:
        try:
            edit(job).set("variables", DEPTH, to=depth)
        except Refused as refused:
            found[job.name] = f"its depth cannot be written: {refused.what}"
    for job in pipeline.visible:
        if job.name not in found and (of := next((n for n in _merged(pipeline, job, found)), "")):
            found[job.name] = f"it merges `{of}`, whose depth cannot be written"
    return found


def _merged(pipeline: Pipeline, job: Job, names: Collection[str]) -> Iterator[str]:
    """Those of the named jobs whose mapping a job merges with `<<`."""
    entries = job.body.entries if job.body is not None else ()
    for entry in entries:
        if entry.key.text != "<<":
            continue
        nodes = entry.value.items if isinstance(entry.value, YamlSequence) else (entry.value,)
        spans = {(node.file.source.path, node.span) for node in nodes}
        for name in names:
            body = pipeline.jobs[name].body
            if body is not None and (body.file.source.path, body.span) in spans:
                yield name


def _clone_nothing(draft: Draft, pipeline: Pipeline, job: Job) -> None:
    """A job without a tree, under an assumption."""
    draft.edits += edit(job).set("variables", STRATEGY, to="none")
    draft.permits.append(Permit("clone-depth", job.name, pipeline.path, STRATEGY, "", "none"))
    draft.summary.append(f"{job.name} clones nothing.")
    draft.findings.append(
        Finding.at(
            job.place,
            name="clone-depth",
            severity=Severity.ASSUME,
            subject=STRATEGY,
            what=f"{job.name} clones nothing, since none of its commands reads a file",
            why="what an earlier job left in the same folder of the runner stays there",
            do="leave --no-tree out if the job is to read files later on",
        )
    )


def _fetch(draft: Draft, pipeline: Pipeline) -> None:
    """Fetch instead of clone, where the pipeline or a job says clone."""
    strategy = pipeline.variables.get(STRATEGY)
    owners: list[tuple[str, Scalar | None]] = [("", strategy)]
    owners += [(job.name, job.variables.get(STRATEGY)) for job in pipeline.visible]
    for name, scalar in owners:
        if scalar is None or scalar.text != "clone":
            continue
        draft.edits += (
            edit(pipeline.jobs[name]).set("variables", STRATEGY, to="fetch")
            if name
            else edit(pipeline).set_variable(STRATEGY, "fetch")
        )
        permit = Permit("clone-depth", name, pipeline.path, STRATEGY, "clone", "fetch")
        draft.permits.append(permit)
        draft.findings.append(
            Finding.at(
                scalar.file.source.place(scalar.span),
                name="clone-depth",
                severity=Severity.ASSUME,
                subject=STRATEGY,
                what=f"{name or 'every job'} fetches into the work tree of an earlier job",
                why="what that job left and .gitignore names stays there; on runners whose disks "
                "start empty, such as pods with emptyDir, nothing is gained",
                do="leave --fetch out unless the runners keep their work trees",
            )
        )


def _tell(
    draft: Draft,
    shallow: Sequence[Job],
    depth: str,
    unread: Sequence[tuple[Place, str]],
    stamped: Sequence[str],
    *,
    still: bool,
) -> None:
    """The assumption under which jobs become shallow, or `still` are. `stamped` are those whose
    programs in Go get a version that nothing here is seen to read."""
    commits = "1 commit" if depth == "1" else f"{depth} commits"
    jobs = "1 job" if len(shallow) == 1 else f"{len(shallow)} jobs"
    clone = "clones" if len(shallow) == 1 else "clone"
    count = f"{jobs} still {clone}" if still else f"{jobs} {clone}"
    why = (
        "the table of programs that read history may lack one; a queued or retried job fails "
        "if its branch no longer contains its commit"
    )
    if unread:
        why += (
            f". The depth is set in jobs and templates, since that of the pipeline would reach the "
            f"unseen jobs of an {unread[0][1]}"
        )
    if stamped:
        why += f". Go from 1.24 on writes a version from tags into what {stamped[0]} builds"
    finding = Finding.at(
        shallow[0].place,
        name="clone-depth",
        severity=Severity.ASSUME,
        subject=DEPTH,
        what=f"{count} {commits}, since no command there is known to read history",
        why=why,
        do="check the jobs that keep history, or pass a larger --depth",
    )
    draft.findings.append(finding)
    draft.summary.append(f"{count} {commits}.")


def _set_depth(draft: Draft, templates: Templates, job: Job, targets: Mapping[str, str]) -> None:
    """The depth written on a job, unless one from which it takes its variables gives it."""
    path = templates.pipeline.path
    given = templates.nearest(job, targets)
    own = own_depth(job) or ""
    depth = targets.get(job.name, given if job.hidden and not own else "")
    if not depth:
        return
    if given != depth:
        among = templates.names_below(job.name)
        draft.edits += edit(job).set("variables", DEPTH, to=depth, among=among)
    draft.permits.append(Permit("clone-depth", job.name, path, DEPTH, own, depth))


def _keep(draft: Draft, pipeline: Pipeline, job: Job, keeps: Keeps, alone: bool) -> None:
    """What is said of a job that keeps its depth, which is also kept away from the pipeline that
    it starts."""
    if job.trigger is not None and not keeps.depth:
        if alone or job.inherit.variables is not None:
            return
        names = sorted(name for name in pipeline.variables if name != DEPTH)
        draft.edits += edit(job).set("inherit", "variables", to=names or False)
        draft.permits.append(Permit("clone-depth", job.name, pipeline.path, "inherit"))
        clones = "as the project's settings say"
    elif keeps.depth == own_depth(job) or not keeps.depth:
        return
    elif alone:
        clones = "as much as before"
    else:
        clones = "its whole history" if keeps.depth == "0" else f"{keeps.depth} commits as before"
    draft.findings.append(
        Finding.at(
            job.place,
            name=keeps.name,
            severity=Severity.NOTE,
            subject=job.name,
            what=f"{job.name} clones {clones}",
            why=keeps.why,
            do=keeps.do,
        )
    )


def _bad_depth(pipeline: Pipeline, depth: str) -> Finding:
    return Finding.at(
        next(iter(pipeline.jobs.values())).place,
        name="bad-depth",
        what=f"--depth {depth} is not a number of commits",
        why="0 means the whole history",
        do="give a number from 1 on",
    )
