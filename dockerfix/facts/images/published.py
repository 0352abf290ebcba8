"""Whether a build can read an image that another build pushes: its name, and for which machines.

An image serves only who knows its tag, finds it pushed, and runs on its platform. Knows builds
and the jobs that hold them; knows no Dockerfile, and nothing of the order of jobs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.images.used import environment
from dockerfix.facts.model import Build, SiteKind, Value
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.words import OPAQUE, remaining
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence

_OF_ONE_JOB = (
    "CI_JOB_", "CI_NODE_", "CI_RUNNER_", "CI_CONCURRENT_", "CI_ENVIRONMENT_", "CI_BUILDS_DIR",
    "CI_PROJECT_DIR", "CI_DEPLOY_FREEZE", "CI_KUBERNETES_", "CI_TRIGGER_SHORT_TOKEN",
)  # fmt: skip
"""Predefined variables whose values differ between the jobs of a pipeline, or that not every job
has; GitLab's "Predefined CI/CD variables reference"."""


def unknown_name(facts: Facts, maker: Build, tag: Value, reader: Build) -> str:
    """The variable of a tag that the reader's command does not have, or not surely with the
    maker's value; empty when it has them all. What a command prints is `OPAQUE`."""
    for name in remaining(tag.text):
        if name == OPAQUE:
            return name
        if is_same_job(maker, reader) and not tag.choices:
            continue
        if not _is_shared(facts, maker, tag, reader, name):
            return name
    return ""


def is_same_job(one: Build, other: Build) -> bool:
    """Whether two builds are in one job of one file."""
    sites = one.site, other.site
    return (sites[0].kind, sites[0].name, sites[0].place.path) == (
        sites[1].kind, sites[1].name, sites[1].place.path,
    )  # fmt: skip


def _is_shared(facts: Facts, maker: Build, tag: Value, reader: Build, name: str) -> bool:
    if maker.site.kind is not SiteKind.GITLAB:
        return not name.lower().startswith(("github_job", "github_action", "github_output"))
    ours, theirs = _given(facts, maker, name), _given(facts, reader, name)
    if ours != theirs or maker.variables.get(name) != reader.variables.get(name):
        return False
    if name.startswith(("CI_", "GITLAB_")) and not ours:
        return not name.startswith(_OF_ONE_JOB)
    if tag.choices and not ours:
        return False  # a script chooses the value
    return bool(ours) or name in _said(facts, reader, tag.text)


def _given(facts: Facts, build: Build, name: str) -> tuple[str, ...]:
    """What the pipeline's files may give a variable in the job of a build."""
    pipeline = facts.pipeline
    job = pipeline.jobs.get(build.site.name) if pipeline is not None else None
    return environment(pipeline, job).get(name, ()) if pipeline and job else ()


def _said(facts: Facts, reader: Build, image: str) -> set[str]:
    """The variables that the reader's job uses without being told of the image."""
    found: set[str] = set()
    for build in facts.builds.builds:
        if is_same_job(build, reader):
            found.update(name for text in _texts(build, image) for name in remaining(text))
    for call in facts.builds.images:
        if (call.site.kind, call.site.name) == (reader.site.kind, reader.site.name):
            found.update(name for value in call.names for name in remaining(value.text))
    return found


def _texts(build: Build, image: str) -> Iterator[str]:
    for value in (*build.tags, *build.cache_from, *build.cache_to):
        yield value.text
    for argument in build.arguments:
        if argument.value is not None and argument.value.text != image:
            yield argument.value.text


def sometimes_pushed(facts: Facts, maker: Build, tag: Value, reader: Build) -> str:
    """What decides, within the maker's job, whether the tag is pushed; empty where it surely is,
    and where the reader stands behind the very same condition."""
    condition = maker.condition
    if not maker.push and not condition:
        calls = [
            call.condition
            for call in facts.builds.images
            if call.verb == "push"
            and (call.site.kind, call.site.name) == (maker.site.kind, maker.site.name)
            and any(name.text == tag.text for name in call.names)
        ]
        condition = calls[0] if calls and all(calls) else ""
    same = is_same_job(maker, reader) and reader.condition == condition
    return "" if same else condition


def runs_without(facts: Facts, maker: Build, reader: Build) -> str:
    """The job of a workflow that runs though the maker's was left out (`if:`), and lets the
    reader run; empty where none does.

    A job whose need is skipped is skipped as well, unless its own `if:` calls a status check
    function: GitHub's "Workflow syntax", `jobs.<job_id>.needs`.
    """
    if maker.site.kind is not SiteKind.GITHUB or is_same_job(maker, reader):
        return ""
    root = facts.snapshot.derive(reader.site.place.path, parse_yaml).root
    jobs = root.get("jobs") if root is not None else None
    source = _key(jobs, maker.site.name, "if")
    if not isinstance(jobs, YamlMapping) or source is None:
        return ""
    queue, seen = [reader.site.name], {maker.site.name}
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        condition = _key(jobs, name, "if")
        text = condition.text if isinstance(condition, Scalar) else ""
        if any(f"{function}()" in text for function in _STATUS):
            return name
        needs = _key(jobs, name, "needs")
        items = needs.items if isinstance(needs, YamlSequence) else (needs,)
        queue += [item.text for item in items if isinstance(item, Scalar)]
    return ""


_STATUS = ("always", "cancelled", "failure")


def _key(jobs: Node | None, name: str, key: str) -> Node | None:
    body = jobs.get(name) if isinstance(jobs, YamlMapping) else None
    return body.get(key) if isinstance(body, YamlMapping) else None


def lacking_platform(maker: Build, reader: Build) -> str:
    """A platform that the reader builds for and the maker does not; empty for none. A build that
    names no platform makes the image of the machine that it runs on."""
    made, wanted = _platforms(maker), _platforms(reader)
    if made == wanted:
        return ""
    if not wanted:
        both = {"linux/amd64", "linux/arm64"} <= made
        return "" if both else "the machine that builds it"
    return next(iter(sorted(wanted - made)), "")


def _platforms(build: Build) -> set[str]:
    return {text for value in build.platforms for text in value.text.split(",")}
