"""What call sites do beside building images: pushes of foreign ones, caches, Compose services.

Each function looks at one thing and gives a line for each difference.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Sent, cache_writers, sent_of
from dockerfix.syntax.yaml.tree import to_data
from dockerfix.text import Place, join_path


def beside_the_builds(before: Facts, after: Facts) -> Iterator[str]:
    """What differs though no image does, one line each."""
    yield from _sent(before, after)
    yield from _repeated_targets(before, after)
    yield from _cache_writers(before, after)
    yield from _compose(before, after)
    yield from _blind(before, after)


def changed_services(before: Facts, after: Facts) -> list[Build]:
    """The builds of before whose Compose service differs in more than its build."""
    changed = set(_compose(before, after))
    return [
        build
        for build in before.builds.builds
        if build.site.kind is SiteKind.COMPOSE
        and _differs(_service(build.site.place.path, build.site.name)) in changed
    ]


def lost_caches(before: Facts, after: Facts) -> Iterator[str]:
    """Cache refs that nothing writes any longer."""
    new = {ref for ref, _ in cache_writers(after.builds)}
    for ref in dict.fromkeys(ref for ref, _ in cache_writers(before.builds)):
        if ref not in new:
            yield f"cache: nothing writes `{ref}` any longer"


def _sent(before: Facts, after: Facts) -> Iterator[str]:
    """Pushes of images from elsewhere (pull, tag, push) are the same."""
    old, new = sent_of(before.builds), sent_of(after.builds)
    for item in _fewer(old, new):
        yield f"{item.site}: `{item.tag}` is no longer pushed"
    for item in _fewer(new, old):
        yield f"{item.site}: `{item.tag}` is pushed and was not before"


def _repeated_targets(before: Facts, after: Facts) -> Iterator[str]:
    """One build command builds one target: the last `--target` wins for every tag."""
    known = {_repeated(build) for build in before.builds.builds}
    for build in after.builds.builds:
        repeated = _repeated(build)
        if repeated and repeated not in known:
            yield (
                f"{build.site}: several --target ({', '.join(repeated)}): the last one wins, "
                "and every tag gets its image; use one bake call, or one command each"
            )


def _cache_writers(before: Facts, after: Facts) -> Iterator[str]:
    """A cache ref keeps its writer and gets no further one: an export replaces it."""
    old = Counter(ref for ref, _ in cache_writers(before.builds))
    sites = dict(cache_writers(after.builds))
    new = Counter(ref for ref, _ in cache_writers(after.builds))
    for ref, count in new.items():
        if count > max(old[ref], 1):
            what = f"the cache `{ref}` gets {count} writers, it had {old[ref]}"
            yield f"{sites[ref]}: {what}: the last one wins"


def _compose(before: Facts, after: Facts) -> Iterator[str]:
    """Compose services are the same but for what decides which image is built."""
    old, new = _services(before), _services(after)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield _differs(name)


def _differs(name: str) -> str:
    return f"{name} differs in more than its build"


def _name_watched(service: object, path: str, dockerfile: str | None) -> None:
    """Say "its Dockerfile" where a service of the Compose file at `path` watches that."""
    develop = service.get("develop") if isinstance(service, dict) else None
    watch = develop.get("watch") if isinstance(develop, dict) else None
    for entry in watch if isinstance(watch, list) else ():
        watched = entry.get("path") if isinstance(entry, dict) else None
        folder = posixpath.dirname(path)
        if isinstance(watched, str) and join_path(folder, watched) == dockerfile is not None:
            entry["path"] = "its Dockerfile"


def _service(path: str, name: str) -> str:
    return f"{path}: the service {name}"


def _blind(before: Facts, after: Facts) -> Iterator[str]:
    """The patch adds nothing that cannot be followed.

    What stood there before, and was followed then, is no addition: a template whose jobs
    run something else now is followed no more.
    """
    old = Counter((b.place.path, b.what, b.why) for b in before.builds.blind)
    for spot in after.builds.blind:
        key = (spot.place.path, spot.what, spot.why)
        old[key] -= 1
        if old[key] < 0 and not _was_there(before, after, spot.place):
            yield f"{spot.place}: {spot.what} cannot be followed: {spot.why}"


def _was_there(before: Facts, after: Facts, place: Place) -> bool:
    """Whether the text at a place of the new snapshot is a text of the old file."""
    if place.path not in before.snapshot:
        return False
    text = after.snapshot.source(place.path).slice(place.span).strip()
    return bool(text) and text in before.snapshot.read(place.path)


def _fewer(first: tuple[Sent, ...], second: tuple[Sent, ...]) -> Iterator[Sent]:
    """Items of the first that the second has fewer of, by tag and source."""
    counts = Counter((item.tag, item.source) for item in second)
    for item in first:
        counts[item.tag, item.source] -= 1
        if counts[item.tag, item.source] < 0:
            yield item


def _repeated(build: Build) -> tuple[str, ...]:
    values = [o.value.text for o in build.options if o.name == "target" and o.value is not None]
    return tuple(values) if len(set(values)) > 1 else ()


_DECIDING = frozenset({"context", "dockerfile", "target", "args", "additional_contexts"})


def _services(facts: Facts) -> dict[str, Any]:
    """All of the Compose files but for what decides which image is built, by service. Compose
    reads no key that begins with `x-` ("Extensions"): what an anchor there gives to a service
    is compared with the service. A service that watches its Dockerfile ("develop.watch")
    watches the one that it is built from."""
    found: dict[str, Any] = {}
    built = {
        _service(build.site.place.path, build.site.name): build.dockerfile
        for build in facts.builds.builds
        if build.site.kind is SiteKind.COMPOSE
    }
    for file in facts.builds.compose.files:
        data = to_data(file.root)
        if not isinstance(data, dict):
            continue
        services = data.pop("services", None)
        beside = {key: value for key, value in data.items() if not str(key).startswith("x-")}
        found[f"{file.source.path}: what is beside the services"] = beside
        for name, service in (services if isinstance(services, dict) else {}).items():
            if isinstance(service, dict) and "build" in service:
                build = service.pop("build")
                rest = build if isinstance(build, dict) else {}
                kept = {key: value for key, value in rest.items() if key not in _DECIDING}
                service["build"] = kept
            key = _service(file.source.path, str(name))
            _name_watched(service, file.source.path, built.get(key))
            found[key] = service
    return found
