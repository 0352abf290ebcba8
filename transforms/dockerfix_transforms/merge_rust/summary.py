"""A few lines for the person on what a merge gains. Knows counts; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.api import counted
from dockerfix_transforms.merge_rust.callers.rewrite import Callers
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.write.layout import Merged


def sizes(scope: Scope, merged: Merged) -> str:
    """What the merged file holds."""
    plan = merged.plan
    aliases = f" and {counted(len(plan.aliases), 'alias', 'aliases')}" if plan.aliases else ""
    return (
        f"{len(scope.files)} Dockerfiles become {scope.into} with "
        f"{counted(len(plan.targets), 'target')}{aliases}"
    )


def gains(callers: Callers, all_stay: bool) -> Iterator[str]:
    """What is compiled less, and which jobs become one; `all_stay` says that no old file goes
    though it might."""
    before, after = callers.before, callers.after
    yield f"compile passes: {before.passes} before, {after.passes} after"
    if before.programs != after.programs:
        yield f"programs compiled: {before.programs} before, {after.programs} after"
    yield from around(callers, all_stay)


def around(callers: Callers, all_stay: bool) -> Iterator[str]:
    """What becomes of the old files and of the jobs that built from them."""
    if callers.left and all_stay:
        yield "the old Dockerfiles stay: not every place that builds them is rewritten"
    yield from _joined_jobs(callers)
    if callers.jobs.joined or callers.workflows.joined:
        yield "CI does less work in total; jobs that ran in parallel do not finish sooner"


def _joined_jobs(callers: Callers) -> Iterator[str]:
    for name, olds in callers.jobs.joined:
        if len(olds) > 1:
            yield f"CI jobs {', '.join(olds)} become {name}"
        else:
            yield f"the matrix of the CI job {name} becomes one run"
    for joined in callers.workflows.joined:
        names = ", ".join(joined.olds)
        if len(joined.olds) > 1:
            yield f"workflow jobs {names} become {joined.name}"
        else:
            yield f"{joined.rows} runs of the workflow job {names} become one, {joined.name}"
