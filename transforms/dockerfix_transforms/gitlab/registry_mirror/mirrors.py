"""A mirror: the address at which pods find a pull-through copy of one registry.

Names follow RFC 1035, as Kubernetes wants them for services. Knows names and addresses; knows
neither readers nor objects.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from dockerfix.api import HUB

PORT = 5000
_LONGEST = 50
"""Characters of a name; a suffix such as `-nodes` still makes a label of at most 63."""
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


class Mirror(Struct, frozen=True):
    """The mirror of one registry. `address` is `host:port`, with a path where one address
    serves several registries; `is_given` says that it runs already."""

    registry: str
    name: str
    address: str
    plain: bool = True
    is_given: bool = False

    @property
    def host(self) -> str:
        """The address without its path."""
        return self.address.partition("/")[0]

    @property
    def has_path(self) -> bool:
        """Whether the address has a path, which a Docker daemon does not take."""
        return self.host != self.address

    @property
    def url(self) -> str:
        """The address with its scheme."""
        return f"{'http' if self.plain else 'https'}://{self.address}"

    @property
    def upstream(self) -> str:
        """The address of the registry itself."""
        return upstream_url(self.registry)


def upstream_url(registry: str) -> str:
    """Where a registry's API is; that of Docker Hub has another name than its images."""
    return f"https://{'registry-1.docker.io' if registry == HUB else registry}"


class MirrorError(ValueError):
    """An option that names no mirror; the message says what is wrong."""


def read_mirrors(written: Iterable[str]) -> dict[str, Mirror]:
    """The mirrors of `REGISTRY=ADDRESS`; an address without a scheme has TLS. Raises
    `MirrorError`."""
    found: dict[str, Mirror] = {}
    for text in written:
        registry, equals, address = text.partition("=")
        plain = address.startswith("http://")
        parts = urlsplit(address if "://" in address else f"https://{address}")
        strange = parts.query or parts.fragment or parts.scheme not in ("http", "https")
        if not equals or not registry or not parts.netloc or strange:
            raise MirrorError("it is no REGISTRY=ADDRESS, such as docker.io=http://hub.example")
        where = f"{parts.netloc}{parts.path}".rstrip("/")
        found[registry] = Mirror(registry, label(registry), where, plain, is_given=True)
    return found


def mirrors_for(
    registries: Sequence[str], given: dict[str, Mirror], namespace: str
) -> tuple[Mirror, ...]:
    """The mirror of each registry: the given one, or a service of a namespace. The cluster's
    own domain is left to the search list of its pods."""
    names = [label(registry) for registry in registries]
    found = []
    for registry, short in zip(registries, names, strict=True):
        name = _with_digest(short, registry) if names.count(short) > 1 else short
        own = Mirror(registry, name, f"{name}.{namespace}.svc:{PORT}")
        found.append(given.get(registry, own))
    return tuple(found)


def label(registry: str) -> str:
    """A registry's name as a label, which begins with a letter."""
    text = re.sub(r"[^a-z0-9]+", "-", registry.lower()).strip("-")
    text = text if text[:1].isalpha() else f"registry-{text}"
    return text if len(text) <= _LONGEST else _with_digest(text[:_LONGEST], registry)


def _with_digest(text: str, registry: str) -> str:
    digest = hashlib.sha256(registry.encode()).hexdigest()[:8]
    return f"{text[: _LONGEST - 9].rstrip('-')}-{digest}"


def is_label(text: str) -> bool:
    """Whether a text can be a namespace's name (RFC 1123)."""
    return _LABEL.fullmatch(text) is not None
