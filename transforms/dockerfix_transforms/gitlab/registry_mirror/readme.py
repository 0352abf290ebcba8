"""The README of the folder: what stands in it, how it is put to use, and what to know.

Knows the files that the transform writes; makes none of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from dockerfix_transforms.gitlab.registry_mirror.mirrors import Mirror
from dockerfix_transforms.gitlab.registry_mirror.objects import Reach, secret_name
from dockerfix_transforms.gitlab.registry_mirror.pulls import Reader


class Guide(Struct, frozen=True):
    """What the README speaks of: the folder, the mirrors with their readers, where they run,
    and whether the pipeline's builders get their file."""

    folder: str
    mirrors: Sequence[tuple[Mirror, Sequence[Reader]]]
    reach: Reach
    node_ports: Mapping[str, int]
    has_dind: bool
    edits_pipeline: bool


def readme(guide: Guide) -> bytes:
    """The README."""
    parts = [_head(guide), _install(guide), _readers(guide), _account(guide), _know()]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _head(guide: Guide) -> str:
    lines = [
        "# Registry mirrors",
        "",
        "Pull-through copies of the public registries that the pipeline pulls from. Each one is",
        "the registry of the Distribution project as a proxy of one upstream. The project's own",
        "registry has none.",
        "",
        "| registry | address for pods | who pulls |",
        "|---|---|---|",
    ]
    for mirror, readers in guide.mirrors:
        names = ", ".join(reader.value for reader in readers)
        lines.append(f"| {mirror.registry} | `{mirror.url}` | {names} |")
    return "\n".join(lines)


def _install(guide: Guide) -> str:
    if all(mirror.is_given for mirror, _ in guide.mirrors):
        return ""
    when = "Do this before the pipeline's change is merged."
    if not guide.edits_pipeline:
        when = "Nothing pulls through them before the settings below are in place."
    return f"""\
## Install

```
kubectl apply -f {guide.folder}/kubernetes/
kubectl -n {guide.reach.namespace} get pods
```

{when} The image of the mirrors is
pinned; renew it as you renew others."""


def _readers(guide: Guide) -> str:
    readers = {reader for _, found in guide.mirrors for reader in found}
    lines = ["## Settings of those who pull", ""]
    if Reader.BUILDKIT in readers:
        told = "The pipeline gives it to its builders."
        if not guide.edits_pipeline:
            told = "It goes to each builder by `--buildkitd-config`."
        lines += [f"- **BuildKit**: `readers/buildkitd.toml`. {told}", *_MOUNTED]
    if guide.has_dind:
        runners = guide.reach.runners or "NAMESPACE-OF-THE-JOBS"
        lines += [
            "- **The Docker daemon of a service**, whose mirrors are for Docker Hub alone:",
            f"  `kubectl apply -n {runners} -f {guide.folder}/readers/dind.yaml`,",
            "  then `readers/runner-config.toml` into the runner's `config.toml`, which mounts it.",
        ]
    if guide.node_ports:
        lines += _NODES
        lines += [
            f"  {registry}: port {port} of every node."
            for registry, port in guide.node_ports.items()
        ]
    return "\n".join(lines) if len(lines) > 2 else ""


_MOUNTED = (
    "  Where jobs have a volume of the runner, the file can be mounted instead, as",
    "  `~/.docker/buildx/buildkitd.default.toml`.",
)
_NODES = (
    "- **The nodes' containerd**, which pulls the images of jobs and services and the runner's",
    "  helper: `readers/containerd/` goes to `/etc/containerd/certs.d/` of every node. containerd",
    "  cannot resolve names of the cluster, so it asks a port of its own node. Where kube-proxy",
    "  does not serve node ports on 127.0.0.1 (modes ipvs and nftables), write the node's address.",
)


def _account(guide: Guide) -> str:
    mirror = next((mirror for mirror, _ in guide.mirrors if not mirror.is_given), None)
    if mirror is None:
        return ""
    return f"""\
## An account at the upstream

Without one, a registry's limits for anonymous pulls count for all jobs together. Take an account
that can read public images alone: whoever reaches the mirror reads what its account reads.

```
kubectl -n {guide.reach.namespace} create secret generic {secret_name(mirror)} \\
  --from-literal=username=NAME --from-literal=password=TOKEN
kubectl -n {guide.reach.namespace} rollout restart deployment {mirror.name}
```"""


def _know() -> str:
    return """\
## What to know

- A pull by tag asks the upstream whether the tag has moved, and fetches nothing that is there. A
  pull by digest asks nothing.
- A mirror refuses pushes. Tags that are pushed, and caches that builds export, keep their registry.
- When a mirror is down, all readers go on to the registry itself.
- When the upstream is down, what was pulled before is served; a new tag is then simply unknown.
- **A mirror that is started while its upstream is down stops again**, and what it holds is out of
  reach until the upstream is back. So its probes do not ask the upstream, which would restart it
  at the worst time."""
