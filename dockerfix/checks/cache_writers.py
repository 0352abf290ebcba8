"""Two different builds write one cache ref: each export replaces the other's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from dockerfix.checks.check import Check
from dockerfix.checks.together import Together, same_everywhere, texts
from dockerfix.facts.images.caches import read_cache
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.text import Place


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    pipeline = facts.pipeline
    if pipeline is None:
        return
    together = Together(pipeline)
    writers: dict[str, list[tuple[Build, Place]]] = {}
    for build in facts.builds.builds:
        if build.site.kind is not SiteKind.GITLAB or build.dockerfile is None:
            continue
        for value in build.cache_to:
            for ref in filter(None, (read_cache(text).ref for text in texts(value))):
                if same_everywhere(ref):
                    place = value.place or build.site.place
                    writers.setdefault(ref, []).append((build, place))
    for ref, found in writers.items():
        for (one, _), (two, place) in combinations(found, 2):
            kind = next(together.kinds(one.site.name, two.site.name), None)
            if _differ(one, two) and kind is not None:
                what = f"{_named(one)} and {_named(two)} both write the cache `{ref}` {kind}"
                yield place, what, ref
                break


def _differ(one: Build, two: Build) -> bool:
    return _what(one) != _what(two)


def _what(build: Build) -> tuple[str | None, str | None, str]:
    target = build.target.text if build.target is not None else ""
    return build.dockerfile, build.context, target


def _named(build: Build) -> str:
    target = f" target {build.target.text}" if build.target is not None else ""
    return f"`{build.site.name}` ({build.dockerfile}{target})"


CHECK = Check(
    "cache-two-writers",
    "An export replaces what stands under the ref, so that each build finds the other's cache.",
    "Give each build a ref of its own.",
    _look,
)
