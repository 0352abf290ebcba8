"""Which build of the repository makes an image that a Dockerfile names.

An image's name and the tags of builds are compared as they stand at the call sites, variables
that stay unknown included: `${REGISTRY}/sdk:${REF}` is made by the build that has that tag.
Knows builds; knows no registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.model import Build, SiteKind, Tool
from dockerfix.syntax.dockerfile import Onbuild

if TYPE_CHECKING:
    from dockerfix.facts.repository import Facts


def find_maker(builds: Sequence[Build], name: str) -> Build | None:
    """The build that makes an image; None when none does, or several that differ.

    `name` is an image, or a named context's value: `docker-image://NAME`, Compose's
    `service:NAME`, bake's `target:NAME`. When no build has the very tag, builds of the same
    image with another tag count.
    """
    kind, colon, rest = name.partition(":")
    if colon and kind == "service":
        return _one(build for build in builds if _is_service(build, rest))
    if colon and kind == "target":
        return _one(build for build in builds if _is_target(build, rest))
    image = name.removeprefix("docker-image://")
    exact = [build for build in builds if any(tag.text == image for tag in build.tags)]
    if exact:
        return _one(exact)
    bare = without_tag(image)
    return _one(b for b in builds if any(without_tag(tag.text) == bare for tag in b.tags))


def triggers_of(facts: Facts, image: str) -> tuple[Onbuild, ...]:
    """What ONBUILD of an image runs in the builds that begin with it, where builds of the
    repository make it. Several that differ count together: each may be the one."""
    bare = without_tag(image)
    found: dict[Onbuild, None] = {}
    for build in facts.builds.builds:
        path, named = build.dockerfile, (without_tag(tag.text) for tag in build.tags)
        if path is None or path not in facts.snapshot or bare not in named:
            continue
        target = build.target.text if build.target is not None else ""
        stage = facts.stages(path).target(target)
        items = stage.instructions if stage is not None else ()
        found.update({item: None for item in items if isinstance(item, Onbuild)})
    return tuple(found)


def _one(builds: Iterable[Build]) -> Build | None:
    """The first of builds that are all of one Dockerfile, context and target."""
    found: dict[tuple[str | None, str | None, str], Build] = {}
    for build in builds:
        if build.site.kind is not SiteKind.DOCUMENT:
            target = build.target.text if build.target is not None else ""
            found.setdefault((build.dockerfile, build.context, target), build)
    known = [build for (file, context, _), build in found.items() if file and context is not None]
    return known[0] if len(found) == len(known) == 1 else None


def _is_service(build: Build, name: str) -> bool:
    return build.site.kind is SiteKind.COMPOSE and build.site.name == name


def _is_target(build: Build, name: str) -> bool:
    through = build.site.through
    called = bool(through) and through[-1] == f"bake target {name}"
    alone = build.site.kind is SiteKind.BAKE and build.site.name == name
    return build.tool is Tool.BAKE and (called or alone)
