"""Two jobs of one pipeline push one tag: what it names depends on when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from dockerfix.checks.check import Check
from dockerfix.checks.together import Push, Together, pushes, same_everywhere
from dockerfix.facts.gitlab.schedule import Schedule
from dockerfix.facts.repository import Facts
from dockerfix.text import Place


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    pipeline = facts.pipeline
    if pipeline is None:
        return
    together, schedule = Together(pipeline), Schedule(pipeline)
    by_name: dict[str, dict[str, Push]] = {}
    for push in pushes(facts):
        if same_everywhere(push.name):
            by_name.setdefault(push.name, {}).setdefault(push.job, push)
    for name, jobs in by_name.items():
        for one, two in combinations(jobs, 2):
            kind = next(together.kinds(one, two), None)
            if kind is not None:
                late = two if one in schedule.before(two) else one
                after = late if two in schedule.before(one) or late is two else ""
                what = f"`{one}` and `{two}` both push `{name}` {kind}"
                yield jobs[two].place, f"{what}, `{after}` last" if after else what, name
                break


CHECK = Check(
    "tag-pushed-twice",
    "The push that comes last decides what the tag means; a job in between had another image.",
    "Give each job a tag of its own, or let one job build the image.",
    _look,
)
