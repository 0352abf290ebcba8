"""From which jobs a GitLab job takes its variables, and which hidden ones can give a value to all.

`extends` merges variables deeply; a `<<` gives its `variables:` only to a job that writes none,
since an own key hides the merged one (CI/CD YAML syntax; YAML merge keys). Knows jobs and no
meaning of a variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dockerfix.api import Job, Pipeline, Refused, Span, edit
from dockerfix.api import Sequence as YamlSequence

_LEVELS = 11
_WHAT = frozenset(
    {"after_script", "before_script", "hooks", "image", "run", "script", "services", "variables"}
)
"""Keys that say what a job runs; the others say when and how often, or what it hands on."""


class Templates:
    """The jobs of one pipeline with what stands above them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.bodies: dict[tuple[str, Span], str] = {
            (job.body.file.source.path, job.body.span): name
            for name, job in pipeline.jobs.items()
            if job.body is not None
        }

    def above(self, job: Job, depth: int = 0) -> Iterator[str]:
        """Every job whose variables reach this one, what wins first: the last parent before the
        first. GitLab takes at most eleven levels (CI/CD YAML syntax, extends)."""
        for name in (*self._merged(job), *(parent.text for parent in reversed(job.extends))):
            if name == job.name:
                continue
            yield name
            if depth < _LEVELS and (parent := self.pipeline.jobs.get(name)) is not None:
                yield from self.above(parent, depth + 1)

    def _merged(self, job: Job) -> Iterator[str]:
        """The jobs that a `<<` gives this one whole, if it writes no variables itself."""
        body = job.body
        own = [e for e in body.entries if body.span.contains(e.key.span)] if body else []
        if any(entry.key.text == "variables" for entry in own):
            return
        for entry in own:
            if entry.key.text != "<<":
                continue
            nodes = entry.value.items if isinstance(entry.value, YamlSequence) else (entry.value,)
            for node in nodes:
                name = self.bodies.get((node.file.source.path, node.span))
                if name is not None:
                    yield name

    def nearest(self, job: Job, values: Mapping[str, str]) -> str:
        """The value that the nearest job above this one gives; empty for none."""
        return next((values[name] for name in self.above(job) if name in values), "")

    def below(self, name: str) -> list[Job]:
        """All jobs that take variables of this one."""
        return [job for job in self.pipeline.jobs.values() if name in set(self.above(job))]

    def common(self, variable: str, wanted: Mapping[str, str | None]) -> dict[str, str]:
        """The hidden jobs in which one variable serves at least two visible ones, with its value.

        `wanted` has each visible job's value; an empty one must stay as it is, and None may get
        any. A hidden job is chosen only where all that take from it agree, so that the order in
        which values win plays no part.
        """
        users: dict[str, list[Job]] = {
            name: [] for name, j in self.pipeline.jobs.items() if j.hidden
        }
        for job in self.pipeline.visible:
            for name in dict.fromkeys(self.above(job)):
                if name in users:
                    users[name].append(job)
        found: dict[str, str] = {}
        for name in sorted(users, key=lambda name: -len(users[name])):
            values = {wanted[job.name] for job in users[name]} - {None}
            value = values.pop() if len(values) == 1 else None
            served = [
                job for job in users[name] if wanted[job.name] and not self.nearest(job, found)
            ]
            if value and len(served) > 1 and self._takes(name, variable, value):
                found[name] = value
        return found

    def _takes(self, name: str, variable: str, value: str) -> bool:
        """Whether the variable can be written in a job and changes only those below it. One that
        only says when its users run, or what they hand on, is no place for it."""
        job = self.pipeline.jobs[name]
        own = {entry.key.text for entry in job.body.entries} if job.body is not None else set()
        if variable in job.variables or not own & _WHAT:
            return False
        try:
            edit(job).set("variables", variable, to=value, among=self.names_below(name))
        except Refused:
            return False
        return True

    def names_below(self, name: str) -> frozenset[str]:
        """The names of the jobs that take variables of this one."""
        return frozenset(job.name for job in self.below(name))
