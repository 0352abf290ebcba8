"""The transform `split-release`: one job for each image of a job that builds several.

Knows which jobs can be split and what they become; what a unit is stands in `release_units`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockerfix.api import (
    Build,
    Draft,
    Facts,
    Finding,
    Job,
    OptionSpec,
    Permit,
    Pipeline,
    Proposal,
    Refused,
    Severity,
    SiteKind,
)
from dockerfix.api import Mapping as YamlMapping
from dockerfix_transforms.gitlab.split_release.retarget import retargeted
from dockerfix_transforms.gitlab.split_release.text import (
    followed_references,
    split_edits,
    template_of,
)
from dockerfix_transforms.gitlab.split_release.units import NoUnitsError, Unit, units_of

_BREAKS = "an image would not be built any more, or a job would need one that is gone"
_BINDING = (
    "artifacts", "environment", "release", "trigger", "parallel", "after_script", "coverage",
    "pages", "run",
)  # fmt: skip
"""Keys of a job that mean one job: what they give cannot be shared out."""
_SEPARATORS = (" / ", ": ", "/", ":", "-", "_", " ")


class SplitRelease:
    """Give each image of a job that builds several one after the other a job of its own.

    What it does
        The job becomes a hidden template with everything but its builds; each build becomes a
        job that extends it. A function that the builds call stays in the template's script,
        and the new jobs include it by `!reference`. Builds of one Dockerfile stay in one job,
        since running them in sequence compiles shared stages once. Every `needs:` and
        `dependencies:` on the old job then names the new ones.

    Why
        Builds in sequence take the sum of their times; parallel jobs take as long as the longest.

    Before
        $ dockerfix split-release
        -- .gitlab-ci.yml --
        release:
          stage: deploy
          retry: 1
          script:
            - |
              build() {
                docker build --push -t "$CI_REGISTRY_IMAGE/$1:latest" "$1"
              }
              build server
              build console
        -- server/Dockerfile --
        FROM rust:1.90
        -- console/Dockerfile --
        FROM node:22

    After
        -- .gitlab-ci.yml --
        .release:
          stage: deploy
          retry: 1
          script:
            - |
              build() {
                docker build --push -t "$CI_REGISTRY_IMAGE/$1:latest" "$1"
              }

        release-server:
          extends: .release
          script:
            - !reference [.release, script]
            - build server

        release-console:
          extends: .release
          script:
            - !reference [.release, script]
            - build console
        -- server/Dockerfile --
        FROM rust:1.90
        -- console/Dockerfile --
        FROM node:22

    Safety
        The build commands themselves do not change. A job is not split if one build reads what
        another one wrote, if a command cannot be assigned to a single build, if its tags come from
        a clock or from chance, or if the job leaves artifacts, deploys to an environment, or
        refers to its own name. The parts keep the lock of the job (`resource_group`), so that one
        of them runs at a time, and jobs of another pipeline between them. The old job stopped at
        its first failure and the new ones do not, and other projects may refer to the old name:
        the assumption `job-split` covers both.

        A build that another job makes too gets a job of its own like every other, and a note names
        both places. Its work is not left to the other job, whose `rules:` would then have to hold
        wherever those of this one do: in such pipelines everything else that job does would run
        too.

    Call sites
        The pipeline's root file and its local includes.
    """

    name = "split-release"
    summary = "Give each image of a job that builds several a job of its own"
    options = (
        OptionSpec(
            "separate",
            "Split builds of one Dockerfile too, though each then compiles shared stages.",
            kind=bool,
            default=False,
        ),
    )
    after = ("merge-rust",)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.read_pipeline()
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        draft = Draft(facts, options["accept"])
        for job in pipeline.visible:
            try:
                _split(draft, pipeline, job, separate=bool(options["separate"]))
            except NoUnitsError as error:
                if str(error):
                    draft.findings.append(_whole(job, str(error)))
            except Refused as refused:
                draft.findings.append(_whole(job, f"{refused.what} ({refused.place})"))
        if not draft.edits:
            return Proposal(
                findings=tuple(draft.findings), reason="No job builds several images by itself."
            )
        return draft.finished(_BREAKS)


def _split(draft: Draft, pipeline: Pipeline, job: Job, *, separate: bool) -> None:
    """One job, if it can be split; raises `NoUnitsError` and `Refused`."""
    units = units_of(draft.facts, job)
    why = _is_bound(pipeline, job)
    if why:
        raise NoUnitsError(why)
    draft.findings += _twins(draft.facts, job, units)
    parts = [[unit] for unit in units] if separate else list(_grouped(units))
    if len(parts) < 2:
        raise NoUnitsError("all of its builds use one Dockerfile; --separate splits them anyway")
    names = _names(pipeline, job, parts)
    for other in pipeline.visible:
        depends = job.name in {scalar.text for scalar in other.dependencies}
        if depends and other.needs is not None and job.name not in {n.job for n in other.needs}:
            raise NoUnitsError(f"{other.name} depends on it and does not need it")
    if doubled := next(filter(_doubles, pipeline.jobs.values()), None):
        raise NoUnitsError(f"{doubled.name} says a key of its `needs:` or `dependencies:` twice")
    edits = split_edits(job, dict(zip(names, parts, strict=True)))
    edits += retargeted(pipeline, job.name, names)
    template = template_of(job, units)
    edits += followed_references(pipeline, job, template, units)
    draft.edits += edits
    path = pipeline.path
    for name in (template, *names) if template else names:
        draft.permits.append(Permit("job-split", job.name, path, name))
    for other in pipeline.visible:
        if job.name in {need.job for need in other.needs or ()}:
            draft.permits.append(Permit("needs-followed", other.name, path, "needs"))
        if job.name in {scalar.text for scalar in other.dependencies}:
            draft.permits.append(Permit("needs-followed", other.name, path, "dependencies"))
    draft.findings.append(_assumed(draft.facts, job, names, parts))
    draft.summary.append(f"{job.name} becomes {', '.join(names)}.")


def _twins(facts: Facts, job: Job, units: Sequence[Unit]) -> Iterator[Finding]:
    """Builds of other jobs that push a tag of this one; raises `NoUnitsError` where they build
    something else."""
    others = [
        build
        for build in facts.builds.builds
        if build.site.kind is SiteKind.GITLAB and build.site.name != job.name
    ]
    for build in (build for unit in units for build in unit.builds):
        tags = {tag.text for tag in build.tags}
        for other in others:
            same = tags & {tag.text for tag in other.tags}
            if same and _asked(other) != _asked(build):
                raise NoUnitsError(f"{min(same)} is another build at {other.site.place}")
            if same:
                yield _twin(build, other, min(same))


def _asked(build: Build) -> tuple[object, ...]:
    """What two builds must have in common to be the same one."""
    target = build.target.text if build.target is not None else ""
    arguments = sorted(
        (a.name, a.value.text if a.value is not None else "") for a in build.arguments
    )
    platforms = sorted(platform.text for platform in build.platforms)
    return build.dockerfile, build.context, target, arguments, platforms


def _twin(build: Build, other: Build, tag: str) -> Finding:
    return Finding.at(
        build.site.place,
        name="twin-build",
        severity=Severity.NOTE,
        subject=build.site.name,
        what=f"{build.site.name} builds {tag} once more, which {other.site.name} builds too",
        why=f"both push the tag; the other build stands at {other.site.place}",
        do=f"widen the rules of {other.site.name} to those of {build.site.name}, need it, and "
        "remove this build",
    )


def _is_bound(pipeline: Pipeline, job: Job) -> str:
    """Why a job must stay one; empty when it may be split."""
    key = next((key for key in _BINDING if key in job.keys and _is_own(job, key)), "")
    if key:
        return f"it has `{key}:`"
    if "CI_JOB_" in job.resource_group:
        return "its lock is named after the job"
    if job.stage not in (*pipeline.stages, ".pre", ".post"):
        return f"its stage `{job.stage}` is not in `stages`, so GitLab takes no part of it"
    if any("rules" not in what for _, what in pipeline.unread) or pipeline.unknown_parents(job):
        return "a part of the pipeline is in another repository, and may name it"
    if "manual" in (job.when, *(rule.when for rule in job.rules or ())):
        return "somebody starts it, and would have to start each part"
    named = {*(need.job for need in job.needs or ()), *(s.text for s in job.dependencies)}
    if job.name in named:
        return "it needs itself, which GitLab refuses"
    texts = [line.scalar.text for line in job.lines]
    if any("CI_JOB_" in text for text in texts):
        return "its script uses its own name or number"
    if any(scalar.text == job.name for other in pipeline.jobs.values() for scalar in other.extends):
        return "another job extends it"
    if starter := next((o.name for o in pipeline.jobs.values() if _stops_by(o, job)), ""):
        return f"{starter} names it to stop its environment"
    if taker := next((o.name for o in pipeline.jobs.values() if _takes_script(o, job)), ""):
        return f"{taker} has its script too"
    if any(
        job.name in (n.job for n in r.needs or ()) for o in pipeline.visible for r in o.rules or ()
    ):
        return "the rules of another job need it"
    return ""


def _stops_by(other: Job, job: Job) -> bool:
    """Whether the environment of another job is stopped by this one."""
    return other.environment is not None and other.environment.on_stop == job.name


def _takes_script(other: Job, job: Job) -> bool:
    """Whether another job has lines of the job's script, by an anchor or a `!reference`."""
    node = job.body.get("script") if job.body is not None else None
    if node is None or other.name == job.name:
        return False
    lines = (line.scalar for line in other.lines)
    return any(s.file is node.file and node.span.contains(s.span) for s in lines)


def _doubles(job: Job) -> bool:
    """Whether a job says a key twice where it says which jobs it needs, so that the first
    counts for nothing: the parts of a split job would have it as often as there are parts."""
    keys = [entry.key.text for entry in job.body.entries] if job.body is not None else []
    if any(keys.count(key) > 1 for key in ("needs", "dependencies")):
        return True
    items = (need.node for need in job.needs or ())
    mappings = (item for item in items if isinstance(item, YamlMapping))
    written = ([entry.key.text for entry in item.entries] for item in mappings)
    return any(len(set(keys)) < len(keys) for keys in written)


def _is_own(job: Job, key: str) -> bool:
    """Whether the job says the key itself; what `default:` gives every job does no harm."""
    return key != "after_script" or (job.body is not None and job.body.get(key) is not None)


def _grouped(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    """Units that share a Dockerfile together, in the order of their first."""
    groups: list[list[Unit]] = []
    for unit in units:
        files = {file for file, _ in unit.files}
        mine = [g for g in groups if any(files & {f for f, _ in other.files} for other in g)]
        merged = [other for group in mine for other in group] + [unit]
        groups = [group for group in groups if group not in mine]
        groups.append(sorted(merged, key=units.index))
    yield from sorted(groups, key=lambda group: units.index(group[0]))


def _names(pipeline: Pipeline, job: Job, parts: Sequence[Sequence[Unit]]) -> list[str]:
    """Names by the manner of the old one; raises `NoUnitsError` where none is free."""
    separator = next((s for s in _SEPARATORS if s in job.name), "-")
    first, _, rest = job.name.partition(separator)
    others = {name for name in pipeline.jobs if name != job.name}
    inside = bool(rest) and any(name.startswith(first + separator) for name in others)
    found = []
    for part in parts:
        service = _service(part)
        if not service:
            raise NoUnitsError("an image is named by a variable, and so would be its job")
        words = [first, service, rest] if inside else [job.name, service]
        found.append(separator.join(words))
    if len(set(found)) < len(found) or others & {*found, f".{job.name}"}:
        raise NoUnitsError("the names of its parts are taken")
    return found


def _service(part: Sequence[Unit]) -> str:
    """What a job's part builds: its image, or for several the folder of their Dockerfile."""
    folders = {posixpath.dirname(file) for unit in part for file, _ in unit.files}
    folder = posixpath.basename(min(folders)) if len(part) > 1 and len(folders) == 1 else ""
    return folder or part[0].name


def _assumed(
    facts: Facts, job: Job, names: Sequence[str], parts: Sequence[Sequence[Unit]]
) -> Finding:
    again = _built_again(facts, parts)
    checks = ["who uses the old name", "that a half-new set of tags harms nobody"]
    checks += ["that the comment above it still holds"] if _has_comment(job) else []
    lock = f" The lock {job.resource_group} lets one of them run at a time, and jobs of another "
    lock = f"{lock}pipeline between them." if job.resource_group else ""
    each = f" Each compiles what {again} share, until merge-rust joins them." if again else ""
    return Finding.at(
        job.place,
        name="job-split",
        severity=Severity.ASSUME,
        subject=job.name,
        what=f"{job.name} becomes {len(names)} jobs, each with its own preparation",
        why="the old job stopped at its first failure; when one of the new ones fails, the others "
        "still push their tags. Badges, links and other projects may use the old name."
        f"{lock}{each}",
        do=f"check {', '.join(checks[:-1])}, and {checks[-1]}",
    )


def _has_comment(job: Job) -> bool:
    """Whether a comment stands directly above a job, which may speak of its builds."""
    source = job.file.source
    start = source.line_of(job.entry.key.span.start).start
    above = source.line_of(start - 1) if start else None
    return above is not None and source.slice(above).startswith(b"#")


def _built_again(facts: Facts, parts: Sequence[Sequence[Unit]]) -> str:
    """Dockerfiles of several parts that begin with the same instructions; empty for none."""
    heads: dict[tuple[str, ...], list[str]] = {}
    for part in parts:
        for file in sorted({file for unit in part for file, _ in unit.files}):
            if file in facts.snapshot and facts.stages(file).stages:
                stage = facts.stages(file).stages[0]
                head = (facts.stages(file).image(stage), *(i.text for i in stage.instructions))
                if len(head) > 1:
                    heads.setdefault(head, []).append(file)
    shared = [files for files in heads.values() if len(files) > 1]
    return " and ".join(shared[0]) if shared else ""


def _whole(job: Job, why: str) -> Finding:
    return Finding.at(
        job.place,
        name="job-whole",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} stays one job",
        why=why,
    )
