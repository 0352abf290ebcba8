"""What a pipeline that ran left on GitLab: the list of its jobs, and the trace of each.

Follows "Jobs API" and "Pipelines API". Reads only, so everything is tried again after a passing
fault. Gives what the server sends; what it means is read in `dockerfix.traces`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dockerfix.forge.connection import AGAIN
from dockerfix.forge.errors import ForgeError
from dockerfix.forge.gitlab import GitLab

LATEST = "latest"
_BLOCK = 1 << 16


def pipeline_id(forge: GitLab, wanted: str) -> int:
    """The id of a pipeline: `wanted` is the id, `latest` for that of the default branch's last
    commit, or a branch or tag for that of its last commit. Raises `ForgeError`."""
    if wanted.isdecimal():
        return int(wanted)
    named = {} if wanted == LATEST else {"ref": wanted}
    with forge.asking(f"looking for the pipeline {wanted}"):
        found: Any = forge.project.pipelines.latest(**named)
    return int(found.id)


def pipeline_jobs(forge: GitLab, number: int) -> list[dict[str, Any]]:
    """The jobs of a pipeline as the jobs API lists them, the last run of each; raises
    `ForgeError`. Jobs that start other pipelines are among the `bridges`."""
    with forge.asking(f"reading the jobs of the pipeline {number}"):
        pipeline = forge.project.pipelines.get(number, lazy=True)
        found = pipeline.jobs.list(get_all=True, per_page=100, **AGAIN)
    return [job.asdict() for job in found]


def bridges(forge: GitLab, number: int) -> list[dict[str, Any]]:
    """The jobs of a pipeline that start other pipelines, as the jobs API lists them; raises
    `ForgeError`."""
    with forge.asking(f"reading what the pipeline {number} starts"):
        pipeline = forge.project.pipelines.get(number, lazy=True)
        found = pipeline.bridges.list(get_all=True, per_page=100, **AGAIN)
    return [bridge.asdict() for bridge in found]


def started_by(bridge: dict[str, Any]) -> int | None:
    """The pipeline of the same project that a job started; None for another project's, and where
    none was started."""
    own, other = bridge.get("pipeline") or {}, bridge.get("downstream_pipeline") or {}
    same = own.get("project_id") == other.get("project_id")
    number = other.get("id")
    return number if same and isinstance(number, int) else None


def trace_blocks(forge: GitLab, number: int) -> Iterator[bytes] | None:
    """The trace of a job in blocks, as they arrive; None where GitLab has none. Raises
    `ForgeError`, also while the blocks are taken."""
    doing = f"reading the trace of the job {number}"
    job = forge.project.jobs.get(number, lazy=True)
    try:
        with forge.asking(doing):
            blocks = job.trace(iterator=True, streamed=True, chunk_size=_BLOCK, **AGAIN)
    except ForgeError as error:
        if error.status == 404:
            return None
        raise
    return _arriving(forge, doing, blocks)


def _arriving(forge: GitLab, doing: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    with forge.asking(doing):
        yield from blocks
