"""Which registry an image comes from, and to which registries a pipeline pushes.

Follows the reference of the Distribution project, "Canonical names": what stands before the
first slash is a registry when it holds a dot or a colon, or is `localhost`; every other name is
one of Docker Hub. Knows names; asks no registry.
"""

from __future__ import annotations

from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.images.caches import read_cache
from dockerfix.facts.model import SiteKind
from dockerfix.facts.repository import Facts

HUB = "docker.io"
"""Docker Hub, as image names spell it."""
_HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def registry_of(image: str) -> str:
    """The registry of an image; a variable as `${NAME}` where the registry stands in one."""
    head, slash, _ = _first_part(image)
    if head.startswith("$"):
        return head if slash else without_tag(head)
    if slash and ("." in head or ":" in head or head == "localhost"):
        return HUB if head in _HUB_HOSTS else head
    return HUB


def repository_of(image: str) -> str:
    """The image without tag and digest, in one spelling for Docker Hub: `docker.io/library/x`."""
    name, registry = without_tag(image), registry_of(image)
    if registry != HUB:
        return name
    head, _, rest = name.partition("/")
    path = rest if head in _HUB_HOSTS else name
    return f"{HUB}/{path if '/' in path else f'library/{path}'}"


def _first_part(image: str) -> tuple[str, str, str]:
    """The name cut at its first slash that is in no `${...}`."""
    depth = 0
    for at, char in enumerate(image):
        depth += (char == "{") - (char == "}")
        if char == "/" and not depth:
            return image[:at], "/", image[at + 1 :]
    return image, "", ""


def pushed_images(facts: Facts) -> frozenset[str]:
    """The images that jobs build, tag or push, and the refs to which they export caches."""
    found: set[str] = set()
    for build in facts.builds.builds:
        if build.site.kind is SiteKind.GITLAB:
            found |= {text for value in build.tags for text in value.possible}
            found |= {read_cache(t).ref for value in build.cache_to for t in value.possible}
    for call in facts.builds.images:
        if call.site.kind is SiteKind.GITLAB:
            found |= {text for value in call.names for text in value.possible}
    return frozenset(image for image in found if image)


def pushed_registries(facts: Facts) -> frozenset[str]:
    """The registries of those images. One without a registry stays in its daemon unless it is
    pushed to Docker Hub, which is never counted here."""
    return frozenset(map(registry_of, pushed_images(facts))) - {HUB}
