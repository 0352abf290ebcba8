"""What call sites give to the argument, and whether compiling for all of them pays.

Work is counted where it is done: a machine that builds one value alone would compile the
programs of all. Knows builds; knows no instruction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from dockerfix.api import Build, Facts, SiteKind, StageGraph, values_given
from dockerfix_transforms.merge_rust.callers.runners import Machines, Work

_PLAIN = re.compile(r"[A-Za-z0-9_][\w.-]*")


class Values(Struct, frozen=True):
    """The values in the order of the call sites, each with its first build; builds that give
    something unknown; and the work before and after."""

    known: Mapping[str, Build]
    unknown: tuple[tuple[Build, str], ...]
    before: Work
    after: Work
    machines: int

    @property
    def pays(self) -> bool:
        """Whether less is compiled for it."""
        return self.after.is_less_than(self.before)


def read_values(facts: Facts, graph: StageGraph, name: str) -> Values:
    """What the builds of a Dockerfile give to an argument."""
    path = graph.tree.source.path
    builds = [build for build in facts.builds.builds if build.dockerfile == path]
    known: dict[str, Build] = {}
    unknown: list[tuple[Build, str]] = []
    held: dict[tuple[str, ...], set[str]] = {}
    told: dict[tuple[str, ...], set[str]] = {}
    machines = Machines(facts)
    for build in builds:
        for value in values_given(graph, build, name):
            if not _PLAIN.fullmatch(value):
                unknown.append((build, value))
                continue
            known.setdefault(value, build)
            shown = build.site.kind is SiteKind.DOCUMENT
            where = ("document",) if shown else machines.runner(build)
            (told if shown else held).setdefault(where, set()).add(value)
    work = held or told
    before = sum(len(values) for values in work.values())
    after = Work(len(work), len(work) * len(known))
    return Values(known, tuple(unknown), Work(before, before), after, len(work))
