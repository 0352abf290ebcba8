"""Cache sources that can bring no step: nobody writes the ref, or it is an image without a cache.

Only refs of repositories that this project itself writes are judged, since others may be filled
from elsewhere; where some builds cannot be followed, none is. Knows what builds read and write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.images.caches import read_cache
from dockerfix.facts.model import Build, Tool, Value
from dockerfix.facts.repository import Facts

_INLINE = "BUILDKIT_INLINE_CACHE"
_OTHERS = Tool.BAKE, Tool.ACTION
_WORDS = Tool.DOCKER_BUILD, Tool.BUILDX_BUILD


class CacheSources:
    """What the builds of one repository leave where a source of theirs could find it."""

    def __init__(self, facts: Facts) -> None:
        builds = facts.builds.builds
        # A command without a context has words that nobody knows, `--cache-to` perhaps.
        known = all(build.context is not None for build in builds if build.tool in _WORDS)
        self.readable = known and all(blind.apart for blind in facts.builds.blind)
        written = {ref for build in builds for ref in _written(build)}
        inline = {tag for build in builds if _carries(build) for tag in _tags(build)}
        self.filled = written | inline
        self.inlined = {without_tag(tag) for tag in inline}
        self.pushed = {tag for build in builds for tag in _tags(build)}
        self.ours = {without_tag(ref) for ref in written | self.pushed}

    def reads(self, build: Build) -> Iterator[tuple[Value, str]]:
        """The sources of a build that are refs in a registry, filled in. Only BuildKit's: the old
        builder finds steps in any image."""
        if build.tool is Tool.BUILDX_BUILD or build.tool in _OTHERS:
            for value in build.cache_from:
                for text in texts(value):
                    if ref := read_cache(text).ref:
                        yield value, ref

    def is_empty(self, ref: str) -> bool:
        """Whether a ref provably holds no cache. Where one of its repository's images carries a
        cache, another tag may be given to that one."""
        repository = without_tag(ref)
        if not self.readable or repository not in self.ours or ref in self.filled:
            return False
        if repository in self.inlined:
            return False
        return not any(_may_be(ref, other) for other in self.filled)

    def said(self, ref: str) -> str:
        """What is wrong with an empty ref."""
        if ref in self.pushed:
            return f"`{ref}` is an image that carries no cache, and is read as one"
        return f"the cache `{ref}` is read, and nothing in this repository writes it"


def texts(value: Value) -> tuple[str, ...]:
    """Every text that a value may have."""
    return value.possible or (value.text,)


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
