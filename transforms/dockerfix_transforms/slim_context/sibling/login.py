"""Jobs that must pull an image and never logged in where the job that pushes it does.

Knows the commands and steps of jobs; knows no Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import (
    Build,
    CommandReader,
    Facts,
    Finding,
    Node,
    Scalar,
    Severity,
    SiteKind,
    parse_shell,
    parse_yaml,
    without_tag,
)
from dockerfix.api import Mapping as YamlMapping
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.slim_context.sibling.publication import Publication

_AUTH = ("DOCKER_AUTH_CONFIG", ".docker/config.json")
"""What holds a job's credentials without a login: GitLab's variable, and the file of docker and
kaniko."""


def missing_logins(facts: Facts, chosen: Publication, builds: Sequence[Build]) -> Iterator[Finding]:
    """An assumption for each job that reads the image, pushes nothing and never logs in, where
    the job that pushes the image does."""
    maker = chosen.build
    if not _logs_in(facts, maker):
        return
    pushing = {_job(build) for build in facts.builds.builds if build.push}
    pushing |= {(c.site.kind, c.site.name) for c in facts.builds.images if c.verb == "push"}
    for build in {_job(build): build for build in reversed(builds)}.values():
        if _job(build) in {_job(maker), *pushing} or _logs_in(facts, build):
            continue
        yield Finding(
            Severity.ASSUME, "no-login",
            f"{build.site.name} may pull {without_tag(chosen.text)}",
            f"it never logged in to a registry, as {maker.site.name} does",
            f"log in there as in {maker.site.name}, if the image is private", build.site.place,
            build.site.name,
        )  # fmt: skip


def _job(build: Build) -> tuple[SiteKind, str]:
    return build.site.kind, build.site.name


def _logs_in(facts: Facts, build: Build) -> bool:
    """Whether the job of a build has credentials of a registry by its own commands."""
    if build.site.kind is SiteKind.GITHUB:
        return any(_is_login(step) for step in _steps(facts, build))
    pipeline = facts.pipeline
    job = pipeline.jobs.get(build.site.name) if pipeline is not None else None
    if pipeline is None or job is None:
        return False
    commands = CommandReader(facts.snapshot, pipeline).of(job)
    texts = [*pipeline.variables_of(job), *(line.scalar.text for line in job.lines)]
    return any("login" in ran.words[1:3] for ran in commands.ran) or any(
        sign in text for text in texts for sign in _AUTH
    )


def _steps(facts: Facts, build: Build) -> Iterator[YamlMapping]:
    node: Node | None = facts.snapshot.derive(build.site.place.path, parse_yaml).root
    for key in ("jobs", build.site.name, "steps"):
        node = node.get(key) if isinstance(node, YamlMapping) else None
    if isinstance(node, YamlSequence):
        yield from (item for item in node.items if isinstance(item, YamlMapping))


def _is_login(step: YamlMapping) -> bool:
    """Whether a step logs in to a registry: an action of that name, or a command."""
    uses, run = step.get("uses"), step.get("run")
    if isinstance(uses, Scalar):
        return "login" in uses.text.partition("@")[0]
    if not isinstance(run, Scalar):
        return False
    commands = parse_shell(run.mapped).commands()
    return any("login" in [word.value for word in c.words[1:3]] for c in commands)
