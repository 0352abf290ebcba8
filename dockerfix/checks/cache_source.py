"""A cache source that can hit nothing: nobody writes it, or it is an image without a cache.

Only refs of repositories that this project itself writes are judged: others may be filled from
elsewhere. With builds that reading cannot follow nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.checks.check import Check
from dockerfix.checks.together import texts
from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.images.caches import read_cache
from dockerfix.facts.model import Build, Tool
from dockerfix.facts.repository import Facts
from dockerfix.text import Place

_BUILDKIT = (Tool.BUILDX_BUILD, Tool.BAKE, Tool.ACTION)
_INLINE = "BUILDKIT_INLINE_CACHE"


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    if any(not blind.apart for blind in facts.builds.blind):
        return
    builds = facts.builds.builds
    written = {ref for build in builds for ref in _written(build)}
    inline = {tag for build in builds if _carries(build) for tag in _tags(build)}
    filled = written | inline
    pushed = {tag for build in builds for tag in _tags(build)}
    ours = {without_tag(ref) for ref in written | pushed}
    told: set[str] = set()
    for build in builds:
        for value in build.cache_from if build.tool in _BUILDKIT else ():
            for ref in (read_cache(text).ref for text in texts(value)):
                if not ref or ref in told or without_tag(ref) not in ours:
                    continue
                if ref not in filled and not any(_may_be(ref, other) for other in filled):
                    told.add(ref)
                    yield value.place or build.site.place, _said(ref, ref in pushed), ref


def _said(ref: str, image: bool) -> str:
    if image:
        return f"`{ref}` is an image that carries no cache, and is read as one"
    return f"the cache `{ref}` is read, and nothing in this repository writes it"


def _written(build: Build) -> Iterator[str]:
    for value in build.cache_to:
        yield from filter(None, (read_cache(text).ref for text in texts(value)))


def _tags(build: Build) -> Iterator[str]:
    for tag in build.tags:
        yield from texts(tag)


def _carries(build: Build) -> bool:
    """Whether the image itself holds its cache; what is not known counts as yes."""
    kinds = {read_cache(text).kind for value in build.cache_to for text in texts(value)}
    given = any(argument.name == _INLINE for argument in build.arguments)
    return "inline" in kinds or given or build.tool is not Tool.BUILDX_BUILD


def _may_be(one: str, two: str) -> bool:
    """Whether two refs may be the same, for some values of their variables."""
    return bool(re.fullmatch(_pattern(one), two) or re.fullmatch(_pattern(two), one))


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, re.split(r"\$\{\w+\}", text)))


CHECK = Check(
    "cache-source-empty",
    "The import brings no step, and costs a request in every build.",
    "Write the ref with --cache-to, or remove the source.",
    _look,
)
