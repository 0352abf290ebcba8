"""What looks like a build in the files that were read, and that no reader took for one.

Unknown is not safe: it is said at its place. Plugins come last, for they stand in files of every
kind: those whose settings tell what they build are builds, the others are said. Knows what was
read; how such a text looks stands in `unread` and `plugins`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from dockerfix.facts.builds.files.unread import build_spans, uncovered, value_behind
from dockerfix.facts.builds.reading import Reading
from dockerfix.facts.builds.systems.plugin_builds import plugin_build
from dockerfix.facts.builds.systems.plugins import Plugin, may_hold_plugins, plugins
from dockerfix.facts.model import Build, CallSite, Value
from dockerfix.text import Place, Snapshot, Span


def say_leftover(reading: Reading, skipped: Collection[str]) -> None:
    """Say what looks like a build where nothing was read; `skipped` are read as a whole."""
    read: dict[str, list[Span]] = {}
    for place in _places(reading):
        read.setdefault(place.path, []).append(place.span)
    for plugin in _plugins(reading):
        read.setdefault(plugin.place.path, []).append(plugin.settings)
        build = plugin_build(plugin, reading.snapshot)
        if build is not None:
            reading.extra.append(build)
            continue
        reading.follower.blind(plugin.place, plugin.what, "dockerfix does not read what it builds")
    written = _written(reading)
    for path, source in reading.sources.items():
        if path in skipped:
            continue
        spans = reading.snapshot.derive(path, build_spans)
        for span in uncovered(spans, read.get(path, ())):
            if value_behind(source, span) in written.get(path, ()):
                continue  # a row of a matrix whose step was read
            why = "nothing that dockerfix follows runs it"
            reading.follower.blind(source.place(span), "what looks like a build", why)


def _plugins(reading: Reading) -> Iterator[Plugin]:
    """Plugins of CI systems and files of services that build."""
    for path in reading.snapshot.groups(_may_hold_plugins).get(True, ()):
        source = reading.source(path, (b"",))
        yield from reading.snapshot.derive(path, plugins) if source is not None else ()


def _may_hold_plugins(_: Snapshot, path: str) -> bool | None:
    return may_hold_plugins(path) or None


def _assignments(reading: Reading, places: Iterable[Place]) -> Iterator[Place]:
    """Where a Makefile assigns the variables of commands that were read."""
    written = {place.path: set[str]() for place in places}
    for place in places:
        written[place.path].add(reading.snapshot.source(place.path).text(place.span))
    for makefile in reading.follower.makefiles.read_files.values():
        for path in (makefile.path, *makefile.included) if makefile is not None else ():
            texts = "\n".join(sorted(written.get(path, ())))
            yield from makefile.defining(texts) if makefile is not None and texts else ()


def _values(build: Build) -> Iterator[Value]:
    """The words of a build that may have come through an array."""
    yield from (option.value for option in build.options if option.value is not None)
    yield from (value for value in (build.context_written,) if value is not None)


def _lies_in(origin: Place | None, array: Place) -> bool:
    return origin is not None and origin.path == array.path and origin.span.touches(array.span)


def _written(reading: Reading) -> dict[str, set[str]]:
    """The Dockerfiles of builds that were read, as their files and those of who calls these write
    them, and what a call hands over on the way."""
    found: dict[str, set[str]] = {}
    calls: dict[Place, None] = {}
    for build in (*reading.found.builds, *reading.extra):
        if build.dockerfile_written is not None:
            text = build.dockerfile_written.text
            found.setdefault(build.site.place.path, set()).add(text)
            for step in build.steps[:-1] if build.dockerfile is not None else ():
                found.setdefault(step.uses.path, set()).add(text)
                calls[step.uses] = None
    for call in calls:
        found[call.path].update(_handed(reading, call))
    return found


def _handed(reading: Reading, call: Place) -> Iterator[str]:
    """What the call of a workflow or action hands over."""
    from dockerfix.facts.builds.github.workflows import user_of
    from dockerfix.syntax.yaml.tree import Mapping, Scalar, parse_yaml

    keys = user_of(reading.snapshot.derive(call.path, parse_yaml), call)
    passed = keys.get("with") if keys is not None else None
    for value in passed.resolved.values() if isinstance(passed, Mapping) else ():
        if isinstance(value, Scalar):
            yield value.text


def _places(reading: Reading) -> Iterable[Place]:
    """Places of everything that was read or is said already."""
    found = reading.found
    sites: list[CallSite] = [build.site for build in (*found.builds, *reading.extra)]
    sites += [call.site for call in found.bakes]
    sites += [call.site for call in found.composes]
    sites += [image.site for image in found.images]
    for build in found.builds:
        yield from (call.place for call in build.calls)
    named = {value.origin for build in found.builds for value in _values(build)}
    yield from (place for place in found.arrays if any(_lies_in(o, place) for o in named))
    places = [site.place for site in sites]
    yield from places
    yield from _assignments(reading, [place for place in places if place.path in reading.sources])
    yield from (blind.place for blind in found.blind)
    yield from found.scanned
