"""Values of a build that who starts a pipeline may replace.

Follows "CI/CD variable precedence": a value given for one pipeline wins over those of its
files. Knows values of builds and variables of jobs.
"""

from __future__ import annotations

from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.model import CallSite, SiteKind, Value


def set_outside(pipeline: Pipeline | None, site: CallSite, value: Value | None) -> str:
    """The variable of the pipeline that gives a value its only known text; empty where none
    does."""
    job = pipeline.jobs.get(site.name) if pipeline is not None else None
    if value is None or not value.known or pipeline is None or job is None:
        return ""
    if site.kind is not SiteKind.GITLAB:
        return ""
    names = {*value.written_variables, value.carrier, *value.follows}
    for name, scalar in pipeline.variables_of(job).items():
        if name in names or scalar.file.source.place(scalar.span) == value.origin:
            return name
    return ""
