"""Variables that a bake call must be given, since the job's shell keeps them to itself.

`docker build -t $TAG` is expanded by the shell; a bake file reads the environment, in which a
variable is that the script assigned only when it was exported (POSIX, "Shell Execution
Environment"). Knows scripts of jobs; knows no bake file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dockerfix.api import Assignment, Command, Job, Pipeline, Script, parse_shell
from dockerfix_transforms.merge_rust.jobs.clusters import Cluster

_READERS = frozenset({"read", "mapfile", "readarray", "getopts", "printf", "declare", "typeset"})
"""Commands of the shell that give variables values which their words name."""
_ANY = frozenset({"eval", ".", "source"})
"""Commands that may assign whatever reading does not see."""

_PREDEFINED = ("CI_", "GITLAB_")
"""Beginnings of variables that GitLab sets ("Predefined CI/CD variables reference")."""


def handed_over(
    pipeline: Pipeline, cluster: Cluster, variables: Mapping[str, str | None]
) -> tuple[str, ...]:
    """`NAME="$NAME"` for each of these variables that the shell of a job may hold unexported,
    to stand before the call; `variables` have their defaults. One without a default is asked of
    the environment before and after."""
    jobs = [build_job.job for build_job in cluster.jobs]
    return tuple(
        f'{name}="${{{name}:-{default}}}"' if default else f'{name}="${name}"'
        for name, default in variables.items()
        if default is not None and any(_keeps(pipeline, job, name) for job in jobs)
    )


def _keeps(pipeline: Pipeline, job: Job, name: str) -> bool:
    """Whether the shell of a job may have a variable that its environment has not."""
    if name in pipeline.variables_of(job):
        return False  # one of the environment stays one
    scripts = [
        parse_shell(line.scalar.mapped) for line in job.lines if line.section != "after_script"
    ]
    return any(_gives(script, name) for script in scripts) and not any(
        name in _exported(script) for script in scripts
    )


def _gives(script: Script, name: str) -> bool:
    """Whether a script may give a variable a value that it does not export with it."""
    for command in script.every_command():
        words = [word.value for word in command.words[1:]]
        if command.name in _ANY and not name.startswith(_PREDEFINED):
            return True
        if command.name in _READERS and name in words:
            return True
    return (name, False) in script.assigned()


def _exported(script: Script) -> Iterator[str]:
    """What a script exports whatever happens."""
    for statement in script.statements:
        if isinstance(statement, Command) and statement.name == "export":
            yield from (word.value for word in statement.words[1:] if word.value is not None)
        elif isinstance(statement, Assignment) and statement.exported:
            yield statement.name
