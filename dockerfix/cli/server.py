"""The GitLab server that a command talks to: its options, the token, and what is fetched.

The only module of this room that knows `forge`. A token comes from the environment alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from dockerfix.cli.output import tell
from dockerfix.traces.jobs import RanJob, jobs_of_items, latest
from dockerfix.traces.model import JobTrace
from dockerfix.traces.read import read_trace

if TYPE_CHECKING:
    from dockerfix.forge.errors import Rights
    from dockerfix.forge.gitlab import GitLab

URL = click.Option(
    ["--url"],
    metavar="URL",
    help="The GitLab server. Default: CI_SERVER_URL, or origin's.",
)
PROJECT = click.Option(
    ["--project"],
    metavar="GROUP/NAME",
    help="Default: CI_PROJECT_PATH, or that of origin.",
)
TOKEN = click.Option(
    ["--token-variable"],
    metavar="NAME",
    default="GITLAB_TOKEN",
    show_default=True,
    help="The environment variable that holds the token.",
)
FETCH = click.Option(
    ["--fetch", "pipeline"],
    metavar="PIPELINE",
    help="Fetch the jobs and their traces from GitLab: a pipeline's id, a branch or tag for its "
    "last pipeline, or `latest` for that of the default branch.",
)


class Server(Struct, frozen=True):
    """Where a project is, and the environment variable with the token. Empty is unknown."""

    url: str
    project: str
    variable: str


class Fetched(Struct, frozen=True):
    """What a pipeline that ran left: its jobs, and the traces of those that have one, each with
    its job's name."""

    jobs: tuple[RanJob, ...] = ()
    traces: tuple[JobTrace, ...] = ()


def server_of(folder: Path, url: str | None, project: str | None, variable: str) -> Server:
    """The server as the command line says, else the CI job's environment, else the remote
    `origin` of the work tree."""
    from dockerfix.repo.remote import origin

    known = origin(folder) or ("", "")
    return Server(
        url or os.environ.get("CI_SERVER_URL") or known[0],
        project or os.environ.get("CI_PROJECT_PATH") or known[1],
        variable,
    )


def connect(server: Server, rights: Rights) -> GitLab:
    """A connection with the token; raises `click.UsageError` where a part is missing, and
    `ForgeError`."""
    from dockerfix.forge.gitlab import GitLab

    if not (server.url and server.project):
        raise click.UsageError(
            "there is no remote origin: name the server with --url and the project with --project"
        )
    token = os.environ.get(server.variable, "")
    if not token:
        raise click.UsageError(f"the environment variable {server.variable} holds no token")
    return GitLab(server.url, token, server.project, rights)


_LEVELS = 2
"""How deep child pipelines can be (CI/CD YAML syntax, downstream pipelines)."""


def fetch(
    server: Server, pipeline: str, only: frozenset[str] = frozenset(), *, children: bool = False
) -> Fetched:
    """The jobs of a pipeline and their traces, of the jobs named in `only` if there are any.

    With `children` also those of the pipelines of the project that it starts, each as
    `JOB THAT STARTS IT > NAME`. Raises `ForgeError` and `click.UsageError`.
    """
    from dockerfix.forge.errors import READ, ForgeError
    from dockerfix.forge.pipelines import pipeline_id

    forge = connect(server, READ)
    forge.check_scope()
    number = pipeline_id(forge, pipeline)
    jobs, starting = _jobs_of(forge, number, _LEVELS if children else 0)
    if not jobs:
        raise ForgeError(f"the pipeline {number} has no jobs", "name another one")
    wanted = [job for job in jobs if not only or only & {job.name, job.base}]
    if not wanted:
        names = ", ".join(sorted({job.base for job in jobs}))
        raise click.UsageError(f"no job of pipeline {number} is called so; it has: {names}")
    return Fetched(jobs, tuple(_traces(forge, [job for job in wanted if job.id not in starting])))


def _jobs_of(forge: GitLab, number: int, levels: int) -> tuple[tuple[RanJob, ...], set[int]]:
    """The last runs of the jobs of a pipeline and of what it starts, so many levels down, and the
    ids of those that start a pipeline and run nothing."""
    from dockerfix.forge.pipelines import bridges, pipeline_jobs, started_by

    starting = bridges(forge, number)
    items = [*pipeline_jobs(forge, number), *starting]
    found = list(latest(jobs_of_items(items))) if items else []
    ids = {item["id"] for item in starting}
    for item in starting if levels else ():
        if (child := started_by(item)) is not None:
            jobs, more = _jobs_of(forge, child, levels - 1)
            found += (replace(job, name=f"{item['name']} > {job.name}") for job in jobs)
            ids |= more
    return tuple(found), ids


def _traces(forge: GitLab, jobs: Collection[RanJob]) -> Iterator[JobTrace]:
    """The traces of jobs that ran, each read as it arrives."""
    from dockerfix.forge.pipelines import trace_blocks

    without = []
    for job in jobs:
        if job.started is None:
            continue
        blocks = trace_blocks(forge, job.id)
        if blocks is None:
            without.append(job.name)
            continue
        yield read_trace(job.name, blocks)
    if without:
        tell(f"note: GitLab has no trace of {', '.join(without)}\n")
