"""Whether jobs that come do between them what a job that went did, line for line.

Each part has every key of the old job but its script; its script is lines of the old one in
their order, and no line of the old one is in no part. Which images that makes is *same images
asked for*'s. Knows jobs and the lines of scripts; asks no transform.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.proof.obligation import Permit

_FREE = frozenset({"script", "extends"})
"""Keys that may differ: the commands, and where the other keys come from."""


class Splits:
    """The jobs that permits split, each with its parts; hidden ones hold what parts share."""

    def __init__(self, permits: Iterable[Permit]) -> None:
        self.parts: dict[str, list[str]] = {}
        for permit in permits:
            if permit.rule == "job-split":
                self.parts.setdefault(permit.subject, []).append(permit.detail)

    def heirs(self, name: str) -> tuple[str, ...]:
        """The jobs that do the work of a split one."""
        return tuple(part for part in self.parts.get(name, ()) if not part.startswith("."))

    def comes(self, name: str) -> bool:
        """Whether a new job is a part of a split one, or their template."""
        return any(name in parts for parts in self.parts.values())

    def fault(self, job: Job, new: Pipeline) -> str:
        """What the parts of a job fail to do, or do in addition; empty when nothing."""
        parts = [new.jobs[name] for name in self.heirs(job.name) if name in new.jobs]
        if len(parts) < len(self.heirs(job.name)) or len(parts) < 2:
            return "its parts are not there"
        for part in parts:
            keys = sorted((job.keys.keys() | part.keys.keys()) - _FREE)
            other = next((k for k in keys if plain(job.keys.get(k)) != plain(part.keys.get(k))), "")
            if other:
                return f"`{part.name}` differs in {other}"
        old, scripts = _lines(job), [_lines(part) for part in parts]
        for part, lines in zip(parts, scripts, strict=True):
            if not _is_within(lines, old):
                return f"`{part.name}` runs what it did not, or in another order"
        missing = next((line for line in old if all(line not in s for s in scripts)), "")
        return f"no part runs `{missing}`" if missing else ""


def _lines(job: Job) -> list[str]:
    """The lines of a job's script without indentation, blank ones and comments."""
    texts = (line.scalar.text for line in job.lines if line.section == "script")
    lines = (line.strip() for text in texts for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _is_within(lines: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether lines stand in the whole in this order, others between them."""
    rest = iter(whole)
    return all(line in rest for line in lines)
