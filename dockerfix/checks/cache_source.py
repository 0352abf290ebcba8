"""A cache source that can hit nothing: nobody writes it, or it is an image without a cache."""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.checks.check import Check
from dockerfix.facts.images.cache_sources import CacheSources
from dockerfix.facts.repository import Facts
from dockerfix.text import Place


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    sources = CacheSources(facts)
    told: set[str] = set()
    for build in facts.builds.builds:
        for value, ref in sources.reads(build):
            if ref not in told and sources.is_empty(ref):
                told.add(ref)
                yield value.place or build.site.place, sources.said(ref), ref


CHECK = Check(
    "cache-source-empty",
    "The import brings no step, and costs a request in every build.",
    "Write the ref with --cache-to, or remove the source.",
    _look,
)
