"""Checks *cache refs*: builds differ in nothing but caches, and each changed ref has one writer.

An export replaces its ref, so a ref with two writers in one pipeline is lost to one of them, and
a source that nobody writes finds nothing. Knows builds and their cache options; asks no
transform.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from dockerfix.facts.images.caches import is_per_ref, read_cache
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Obligation, Permit, Verdict

_DEFAULT, _SLUG = "${CI_DEFAULT_BRANCH}", "${CI_COMMIT_REF_SLUG}"
_Key = tuple[str, str, str, str, tuple[str, ...]]


class CacheChange(Obligation, frozen=True):
    """A build that reads or writes other caches than before is otherwise the same; what it
    writes differs from branch to branch and has no other writer; what it reads is written."""

    permits: tuple[Permit, ...] = ()

    kind: ClassVar[str] = "cache refs"
    rules: ClassVar[dict[str, str]] = {
        "cache-ref": "a build reads or writes other caches: `detail` is the option, `before` and"
        " `after` are its values",
    }

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether every changed cache is permitted and sound."""
        pairs = [(old, new) for old, new in _pairs(before, after) if _caches(old) != _caches(new)]
        count = "1 build uses" if len(pairs) == 1 else f"{len(pairs)} builds use"
        statement = f"{count} other caches; nothing else about them changes"
        comparison = _Comparison(self.permits, before, after)
        for old, new in pairs:
            comparison.build(old, new)
        comparison.writers()
        return Verdict(statement, tuple(comparison.differences), tuple(comparison.failures))


def changes_caches(before: Facts, after: Facts) -> bool:
    """Whether a build of the pipeline reads or writes other caches than before."""
    return any(_caches(old) != _caches(new) for old, new in _pairs(before, after))


class _Comparison:
    """Gathers over all pairs; dicts keep the first of equal lines."""

    def __init__(self, permits: Sequence[Permit], before: Facts, after: Facts) -> None:
        self.asked = {
            (p.subject, p.detail, p.before, p.after) for p in permits if p.rule == "cache-ref"
        }
        self.added = {(p.subject, p.detail) for p in permits if p.rule == "argument-added"}
        self.known = {cache for build in _builds(before) for cache in _written(build)}
        self.written = Counter(cache for b in _builds(after) for cache in set(_written(b)))
        self.sites = {cache: b.site for b in _builds(after) for cache in _written(b)}
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}

    def build(self, old: Build, new: Build) -> None:
        """One build: its permits, its other options, its sources."""
        for name, first, second in (
            ("cache-from", old.cache_from, new.cache_from),
            ("cache-to", old.cache_to, new.cache_to),
        ):
            values = ("; ".join(v.text for v in first), "; ".join(v.text for v in second))
            if values[0] == values[1]:
                continue
            line = f"{new.site}: --{name} was `{values[0]}`, it is `{values[1]}`"
            if (new.site.name, name, *values) in self.asked:
                self.differences[f"cache-ref: {line}"] = None
            else:
                self.failures[line] = None
        if _options_but_caches(old) != self.without_added(new):
            self.failures[f"{new.site}: more than the caches of this build differ"] = None
        self.sources(old, new)

    def without_added(self, build: Build) -> list[tuple[str, str]]:
        """A build's options but caches, without named contexts that a permit adds: *same images
        asked for* judges these."""
        return [
            (name, text)
            for name, text in _options_but_caches(build)
            if name != "build-context"
            or (build.dockerfile, text.partition("=")[0]) not in self.added
        ]

    def sources(self, old: Build, new: Build) -> None:
        """Every new source is written by a build, for this branch or for the default one."""
        known = {value.text for value in old.cache_from}
        for value in new.cache_from:
            for text in () if value.text in known else value.possible:
                name = _identity(text).replace(_DEFAULT, _SLUG)
                if name not in self.written:
                    what = f"nothing writes the cache `{name}`, which this build reads"
                    self.failures[f"{new.site}: {what}"] = None

    def writers(self) -> None:
        """A new cache differs between branches and has one writer."""
        for name, count in self.written.items():
            if name in self.known:
                continue
            if count > 1:
                what = f"the cache `{name}` gets {count} writers: the last one wins"
                self.failures[f"{self.sites[name]}: {what}"] = None
            if _SLUG not in name and not is_per_ref(_names(name)):
                what = f"the cache `{name}` is the same for all branches"
                self.failures[f"{self.sites[name]}: {what}"] = None


def _builds(facts: Facts) -> list[Build]:
    return [b for b in facts.builds.builds if b.site.kind is SiteKind.GITLAB]


def _pairs(before: Facts, after: Facts) -> Iterator[tuple[Build, Build]]:
    """Builds of before and after that are the same call; others are no matter of caches."""
    rest: dict[_Key, list[Build]] = {}
    for build in _builds(after):
        rest.setdefault(_key(build), []).append(build)
    for build in _builds(before):
        others = rest.get(_key(build))
        if others:
            yield build, others.pop(0)


def _key(build: Build) -> _Key:
    """The job, the file and the tags."""
    target = build.target.text if build.target is not None else ""
    tags = tuple(value.text for value in build.tags)
    return build.site.name, build.dockerfile or "", build.context or "", target, tags


def _caches(build: Build) -> tuple[list[str], list[str]]:
    return [v.text for v in build.cache_from], [v.text for v in build.cache_to]


def _options_but_caches(build: Build) -> list[tuple[str, str]]:
    """All options but the caches, each with its value."""
    return [
        (option.name, option.value.text if option.value is not None else "")
        for option in build.options
        if option.name not in ("cache-from", "cache-to")
    ]


def _written(build: Build) -> Iterator[str]:
    for value in build.cache_to:
        yield from (_identity(text) for text in value.possible)


def _identity(text: str) -> str:
    """What tells one cache from another: the ref, or the bucket's path and name."""
    spec = read_cache(text)
    if spec.ref:
        return spec.ref
    named = ("endpoint_url", "bucket", "prefix", "manifests_prefix", "blobs_prefix", "name")
    return " ".join((spec.kind, *(spec.get(field) for field in named if spec.get(field))))


def _names(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("${")[1:]]
