"""The settings of each reader: what makes it pull through the mirrors.

Follows "buildkitd.toml" of BuildKit, "daemon configuration file" of Docker, "registry host
configuration" of containerd, and "the Kubernetes executor" of GitLab Runner. Knows the forms
of these files; knows no pipeline.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dockerfix_transforms.gitlab.registry_mirror.mirrors import Mirror
from dockerfix_transforms.gitlab.registry_mirror.objects import Document, rendered

DIND = "dind-registry-mirror"
"""The ConfigMap with the settings of the daemons that run as services."""


def buildkitd_toml(mirrors: Sequence[Mirror]) -> str:
    """BuildKit's settings. That a mirror has no TLS stands in a section of its own: in that of
    the registry it would take TLS from the registry too."""
    lines = []
    for mirror in mirrors:
        lines += [f'[registry."{mirror.registry}"]', f'  mirrors = ["{mirror.address}"]']
    for host in dict.fromkeys(mirror.host for mirror in mirrors if mirror.plain):
        lines += [f'[registry."{host}"]', "  http = true"]
    return "".join(f"{line}\n" for line in lines)


def daemon_json(mirror: Mirror) -> str:
    """A Docker daemon's settings; its mirrors are for Docker Hub alone."""
    data: dict[str, list[str]] = {"registry-mirrors": [mirror.url]}
    if mirror.plain:
        data["insecure-registries"] = [mirror.host]
    return json.dumps(data, indent=2) + "\n"


def dind_yaml(mirror: Mirror, namespace: str) -> bytes:
    """The ConfigMap that gives them to the daemons; it stands in the jobs' namespace."""
    metadata = {"name": DIND, **({"namespace": namespace} if namespace else {})}
    data = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"daemon.json": daemon_json(mirror)},
    }
    comment = (
        "For the namespace of the jobs' pods; runner-config.toml mounts it. It is one file in\n"
        "/etc/docker, mounted by its sub_path: the rest of that folder stays the image's."
    )
    return rendered([Document(comment, data)])


def hosts_toml(mirror: Mirror, node_port: int) -> str:
    """containerd's settings for one registry. Without `push` a push goes to the registry."""
    return f"""\
# /etc/containerd/certs.d/{mirror.registry}/hosts.toml on every node, with
# config_path = "/etc/containerd/certs.d" in containerd's own settings.
server = "{mirror.upstream}"

[host."http://127.0.0.1:{node_port}"]
  capabilities = ["pull", "resolve"]
"""


def runner_toml(*, has_dind: bool) -> str:
    """What goes into the runner's config.toml."""
    lines = [
        "# Excerpt: these keys go into the section of your runner.",
        "[[runners]]",
        "  [runners.kubernetes]",
        "    # The helper image comes from registry.gitlab.com, which has no mirror. Docker Hub",
        "    # has it too; name the version and the architecture of your runner:",
        '    # helper_image = "docker.io/gitlab/gitlab-runner-helper:x86_64-vVERSION"',
    ]
    if has_dind:
        lines += [
            "    # Every container of a job's pod gets the file; only a Docker daemon reads it.",
            "    [[runners.kubernetes.volumes.config_map]]",
            f'      name = "{DIND}"',
            '      mount_path = "/etc/docker/daemon.json"',
            '      sub_path = "daemon.json"',
        ]
    return "".join(f"{line}\n" for line in lines)
