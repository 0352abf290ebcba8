"""What gitlab-ci-local and dockerfix read of the same pipeline, as values that can be compared.

Knows both readers; judges neither: `differences` names the values that are not the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dockerfix.facts.gitlab.job import SECTIONS, Job
from dockerfix.facts.gitlab.pipeline import GLOBAL_KEYS, Pipeline

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Read:
    """A pipeline as one reader reads it: the values that it has of itself, and those of each
    of its jobs."""

    pipeline: Values
    jobs: Mapping[str, Values]

    @property
    def count(self) -> int:
        """How many values there are to compare."""
        return len(self.pipeline) + sum(map(len, self.jobs.values()))


def differences(ours: Read, theirs: Read) -> Iterator[tuple[str, str, object, object]]:
    """What is not the same: the job (empty for the pipeline's own), the key, our value, theirs;
    a job that only one reader has is a difference of the key `job`."""
    yield from (("", *found) for found in _unequal(ours.pipeline, theirs.pipeline))
    for name in sorted({*ours.jobs, *theirs.jobs}):
        if name not in ours.jobs or name not in theirs.jobs:
            yield name, "job", name in ours.jobs, name in theirs.jobs
        else:
            yield from ((name, *found) for found in _unequal(ours.jobs[name], theirs.jobs[name]))


def _unequal(ours: Values, theirs: Values) -> Iterator[tuple[str, object, object]]:
    for key in ours:
        if ours[key] != theirs[key]:
            yield key, ours[key], theirs[key]


def read_by_us(pipeline: Pipeline) -> Read:
    """What dockerfix reads."""
    shared = {name: scalar.text for name, scalar in pipeline.variables.items()}
    return Read(
        {"stages": list(pipeline.stages), "variables": shared},
        {job.name: _job(job) for job in pipeline.visible},
    )


def _job(job: Job) -> Values:
    scripts = {
        section: [line.scalar.text for line in job.lines if line.section == section]
        for section in SECTIONS
    }
    needs = job.needs
    return {
        **scripts,
        "stage": job.stage,
        "needs": None if needs is None else [(n.job, n.optional, n.artifacts) for n in needs],
        "variables": {name: scalar.text for name, scalar in job.variables.items()},
        "image": job.image.name if job.image is not None else "",
        "services": [service.name for service in job.services],
        "dependencies": [scalar.text for scalar in job.dependencies],
        "rules": None if job.rules is None else len(job.rules),
    }


def read_by_gitlab_ci_local(tree: Path, program: Path, tools: Path) -> Read:
    """What gitlab-ci-local reads in a work tree; `tools` are those of `make_tools`. Raises
    `ValueError` with what it says for a pipeline that it does not take."""
    expanded = yaml.load(
        _said(tree, program, tools, "--preview").partition("---\n")[2], yaml.BaseLoader
    )
    jobs = {
        name: _expanded(body)
        for name, body in expanded.items()
        if isinstance(body, dict) and name not in GLOBAL_KEYS and not name.startswith(".")
    }
    shared = _variables(expanded.get("variables"))
    return Read({"stages": expanded["stages"], "variables": shared}, jobs)


def _expanded(body: dict[str, Any]) -> Values:
    """A job of `--preview`, in which templates and defaults stand in the job itself."""
    scripts = {section: _list(body.get(section)) for section in SECTIONS}
    return {
        **scripts,
        "stage": body.get("stage", "test"),
        "needs": _needs(body["needs"]) if "needs" in body else None,
        "variables": _variables(body.get("variables")),
        "image": _name(body["image"]) if "image" in body else "",
        "services": [_name(service) for service in _list(body.get("services"))],
        "dependencies": _list(body.get("dependencies")),
        "rules": len(body["rules"]) if "rules" in body else None,
    }


def _needs(items: list[Any]) -> list[tuple[str, bool, bool]]:
    """Those of this pipeline: job, whether it is optional, and whether artifacts come."""
    entries = [{"job": item} if isinstance(item, str) else item for item in items]
    return [
        (entry["job"], entry.get("optional") == "true", entry.get("artifacts") != "false")
        for entry in entries
        if "project" not in entry and "pipeline" not in entry
    ]


def _variables(given: Any) -> dict[str, str]:
    return {
        name: value.get("value", "") if isinstance(value, dict) else value
        for name, value in (given or {}).items()
    }


def _name(given: Any) -> str:
    return str(given["name"] if isinstance(given, dict) else given)


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given] if given else []


def listed_by_us(pipeline: Pipeline) -> Read:
    """What dockerfix says of the values that `--list-json` has."""
    return Read({}, {job.name: _listed_job(job) for job in pipeline.visible})


def _listed_job(job: Job) -> Values:
    values: dict[str, object] = {
        "stage": job.stage,
        "needs": sorted(need.job for need in job.needs or ()),
        "conditions": [rule.condition for rule in job.rules or ()],
    }
    if job.rules is None:  # with rules it says what the one gives that holds for this run
        values["when"] = job.when
        if job.when != "manual":  # which may fail ("CI/CD YAML syntax, allow_failure"): it differs
            values["allow_failure"] = job.allow_failure
    return values


def listed_by_gitlab_ci_local(tree: Path, program: Path, tools: Path) -> Read:
    """What `gitlab-ci-local --list-json` says, the runs of a matrix as one job; raises as
    `read_by_gitlab_ci_local` does."""
    said = _said(tree, program, tools, "--list-json")
    jobs = json.loads(said[said.index("[") :])
    return Read({}, {job["name"].partition(": [")[0]: _listed(job) for job in jobs})


def _listed(job: dict[str, Any]) -> Values:
    allowed = job["allow_failure"]
    return {
        "stage": job["stage"],
        "needs": sorted(name for name, _, _ in _needs(job.get("needs") or [])),
        "conditions": [rule.get("if", "") for rule in job.get("rules") or ()],
        "when": job["when"],
        "allow_failure": allowed if isinstance(allowed, bool) else True,
    }


def make_tools(folder: Path) -> Path:
    """A folder for PATH with the programs that gitlab-ci-local asks for before it reads."""
    folder.mkdir()
    for name in ("bash", "sh", "git", "node", "env", "id"):
        (folder / name).symlink_to(shutil.which(name) or name)
    # It calls rsync only to run jobs.
    (folder / "rsync").write_text("#!/bin/sh\nexit 0\n")
    (folder / "rsync").chmod(0o755)
    return folder


def _said(tree: Path, program: Path, tools: Path, wanted: str) -> str:
    killer = shutil.which("timeout") or "timeout"
    command = [killer, "-s", "KILL", "300", "node", str(program), wanted]
    # Into a file: it ends before a pipe has taken all of a long text.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            # The schema knows fewer keys than GitLab does.
            [*command, "--json-schema-validation=false"],
            cwd=tree,
            env={"PATH": str(tools), "HOME": str(tools)},
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        output.seek(0)
        said = output.read().decode()
    if done.returncode:
        raise ValueError((said + done.stderr.decode())[-2000:])
    return said
