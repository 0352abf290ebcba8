"""Builds and call sites of a repository: every place that asks for an image."""

from dockerfix.facts.builds.assigned import Assigned
from dockerfix.facts.builds.find import BuildList, find_builds, job_of

__all__ = ["Assigned", "BuildList", "find_builds", "job_of"]
