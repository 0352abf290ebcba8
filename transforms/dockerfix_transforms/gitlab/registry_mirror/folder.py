"""The files of the folder: the objects of each mirror, the readers' settings, the README.

A file that is there already stays as it is: it is a person's from then on. Knows which file
holds what.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import HUB
from dockerfix_transforms.gitlab.registry_mirror.mirrors import Mirror
from dockerfix_transforms.gitlab.registry_mirror.objects import (
    FIRST_NODE_PORT,
    Reach,
    namespace,
    objects,
    rendered,
)
from dockerfix_transforms.gitlab.registry_mirror.pulls import Reader
from dockerfix_transforms.gitlab.registry_mirror.readme import Guide, readme
from dockerfix_transforms.gitlab.registry_mirror.settings import (
    buildkitd_toml,
    dind_yaml,
    hosts_toml,
    runner_toml,
)


class Served(Struct, frozen=True):
    """A mirror and its readers. `has_dind` says that a daemon which runs as a service is one
    of them."""

    mirror: Mirror
    readers: tuple[Reader, ...]
    has_dind: bool = False

    @property
    def for_nodes(self) -> bool:
        """Whether nodes get settings for it: those of a mirror that is there are its owner's."""
        return Reader.NODE in self.readers and not self.mirror.is_given


def files(folder: str, served: Sequence[Served], reach: Reach, edits: bool) -> dict[str, bytes]:
    """Every file of the folder by its path; none where all mirrors are there already and the
    pipeline alone needs to know. `edits` says that the pipeline writes BuildKit's file."""
    nodes = [item.mirror.registry for item in served if item.for_nodes]
    ports = {registry: FIRST_NODE_PORT + at for at, registry in enumerate(nodes)}
    found = _settings(served, reach, ports)
    own = [item.mirror for item in served if not item.mirror.is_given]
    if not own and set(found) <= {"readers/buildkitd.toml"} and edits:
        return {}
    if own:
        found["kubernetes/00-namespace.yaml"] = rendered([namespace(reach)])
    for mirror in own:
        port = ports.get(mirror.registry, 0)
        documents = objects(mirror, replace(reach, node_port=port))
        found[f"kubernetes/{mirror.name}.yaml"] = rendered(documents)
    dind = any(item.has_dind for item in served)
    listed = [(item.mirror, item.readers) for item in served]
    found["README.md"] = readme(Guide(folder, listed, reach, ports, dind, edits))
    return {f"{folder}/{path}": data for path, data in sorted(found.items())}


def _settings(served: Sequence[Served], reach: Reach, ports: dict[str, int]) -> dict[str, bytes]:
    """The settings of the readers."""
    found: dict[str, bytes] = {}
    buildkit = [item.mirror for item in served if Reader.BUILDKIT in item.readers]
    if buildkit:
        found["readers/buildkitd.toml"] = buildkitd_toml(buildkit).encode()
    for item in served:
        mirror = item.mirror
        if item.for_nodes:
            text = hosts_toml(mirror, ports[mirror.registry])
            found[f"readers/containerd/{mirror.registry}/hosts.toml"] = text.encode()
        if item.has_dind and mirror.registry == HUB:
            found["readers/dind.yaml"] = dind_yaml(mirror, reach.runners)
    dind = "readers/dind.yaml" in found
    if dind or ports:
        found["readers/runner-config.toml"] = runner_toml(has_dind=dind).encode()
    return found
