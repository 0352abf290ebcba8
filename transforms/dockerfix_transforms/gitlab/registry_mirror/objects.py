"""The Kubernetes objects of a mirror: data, and the YAML files that hold them.

One mirror is the registry of the Distribution project as a proxy, set up by its environment
("Configuring a registry: override specific configuration options"). Knows Kubernetes; knows
no pipeline.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from msgspec import Struct

from dockerfix_transforms.gitlab.registry_mirror.mirrors import PORT, Mirror

IMAGE = "docker.io/library/registry:3.0.0"
FIRST_NODE_PORT = 30500
_USER = 1000
_VOLUME = "/var/lib/registry"
_APP = "registry-mirror"


class Reach(Struct, frozen=True):
    """Where a mirror runs and who may ask it: the namespace of its own, that of the jobs'
    pods, and the addresses of the nodes; empty where that is not known. A `node_port` of 0
    says that no node asks it."""

    namespace: str
    runners: str = ""
    nodes: str = ""
    node_port: int = 0


class Document(Struct, frozen=True):
    """One object, with the comment that stands above it."""

    comment: str
    data: Mapping[str, Any]


def namespace(reach: Reach) -> Document:
    """The namespace of all mirrors."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    data = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": reach.namespace, "labels": labels},
    }
    return Document("Mirrors need no rights, and get none.", data)


def objects(mirror: Mirror, reach: Reach) -> tuple[Document, ...]:
    """Everything that one mirror needs."""
    found = [_claim(mirror, reach), _deployment(mirror, reach), _service(mirror, reach)]
    if reach.node_port:
        found.append(_node_service(mirror, reach))
    return (*found, _policy(mirror, reach))


def _metadata(mirror: Mirror, reach: Reach, suffix: str = "") -> dict[str, Any]:
    return {
        "name": f"{mirror.name}{suffix}",
        "namespace": reach.namespace,
        "labels": _labels(mirror),
    }


def _labels(mirror: Mirror) -> dict[str, str]:
    return {"app.kubernetes.io/name": _APP, "app.kubernetes.io/instance": mirror.name}


def _claim(mirror: Mirror, reach: Reach) -> Document:
    data = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(mirror, reach),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "50Gi"}},
        },
    }
    return Document("What was pulled is kept for 7 days.", data)


def _deployment(mirror: Mirror, reach: Reach) -> Document:
    data = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(mirror, reach),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": _labels(mirror)},
            "template": {"metadata": {"labels": _labels(mirror)}, "spec": _pod(mirror)},
        },
    }
    comment = (
        "One replica that goes before its successor comes: two on one volume would overwrite each\n"
        "other's files. The probes ask for /v2/, which the mirror answers without its upstream."
    )
    return Document(comment, data)


def _pod(mirror: Mirror) -> dict[str, Any]:
    """One container. Without service links: variables such as REGISTRY_PORT, which Kubernetes
    would set for a service of that name, are settings for a registry."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(mirror)],
        "volumes": [
            {"name": "cache", "persistentVolumeClaim": {"claimName": mirror.name}},
        ],
    }


def _container(mirror: Mirror) -> dict[str, Any]:
    return {
        "name": "registry",
        "image": IMAGE,
        "env": [*_environment(mirror)],
        "ports": [{"name": "registry", "containerPort": PORT}],
        "startupProbe": _probe(2, 30),
        "readinessProbe": _probe(10, 3),
        "livenessProbe": _probe(30, 4),
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "cache", "mountPath": _VOLUME}],
    }


def _environment(mirror: Mirror) -> Iterable[dict[str, Any]]:
    """The registry's settings. The account of the upstream comes out of a secret, if it is
    there."""
    yield {"name": "REGISTRY_PROXY_REMOTEURL", "value": mirror.upstream}
    yield {"name": "REGISTRY_STORAGE_DELETE_ENABLED", "value": "true"}
    yield {"name": "OTEL_TRACES_EXPORTER", "value": "none"}
    for name, key in (("USERNAME", "username"), ("PASSWORD", "password")):
        reference = {"name": secret_name(mirror), "key": key, "optional": True}
        yield {"name": f"REGISTRY_PROXY_{name}", "valueFrom": {"secretKeyRef": reference}}


def secret_name(mirror: Mirror) -> str:
    """The secret with the account that a mirror has at its upstream."""
    return f"{mirror.name}-account"


def _probe(period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/v2/", "port": "registry"},
        "periodSeconds": period,
        "failureThreshold": failures,
    }


def _service(mirror: Mirror, reach: Reach) -> Document:
    data = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(mirror, reach),
        "spec": {
            "selector": _labels(mirror),
            "ports": [{"name": "registry", "port": PORT, "targetPort": "registry"}],
        },
    }
    return Document(f"The address for pods: {mirror.host}", data)


def _node_service(mirror: Mirror, reach: Reach) -> Document:
    port = {
        "name": "registry",
        "port": PORT,
        "targetPort": "registry",
        "nodePort": reach.node_port,
    }
    data = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(mirror, reach, "-nodes"),
        "spec": {"type": "NodePort", "selector": _labels(mirror), "ports": [port]},
    }
    comment = (
        "The address for the nodes themselves, whose containerd cannot resolve names of the "
        f"cluster:\nport {reach.node_port} of every node"
    )
    return Document(comment, data)


def _policy(mirror: Mirror, reach: Reach) -> Document:
    """Jobs and nodes may ask; the mirror may ask for names and for its upstream."""
    port = int(mirror.registry.partition(":")[2] or 443)
    data = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(mirror, reach),
        "spec": {
            "podSelector": {"matchLabels": _labels(mirror)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [_ingress(reach)],
            "egress": [
                {"ports": [{"protocol": p, "port": 53} for p in ("UDP", "TCP")]},
                {"ports": [{"protocol": "TCP", "port": port}]},
            ],
        },
    }
    asks = "Nodes and pods may ask the mirror"
    if not reach.node_port:
        asks = f"Pods of {reach.runners or 'every namespace'} may ask the mirror"
    return Document(f"{asks}; the mirror asks for names and its upstream.", data)


def _ingress(reach: Reach) -> dict[str, Any]:
    """Who may ask. Nodes are in no namespace: while their addresses are not known, everyone
    may, since a request that is dropped would make each pull of a node wait."""
    ports = [{"protocol": "TCP", "port": PORT}]
    if reach.node_port and not reach.nodes:
        return {"ports": ports}
    named = {"matchLabels": {"kubernetes.io/metadata.name": reach.runners}}
    who: list[dict[str, Any]] = [{"namespaceSelector": named if reach.runners else {}}]
    if reach.node_port:
        who.append({"ipBlock": {"cidr": reach.nodes}})
    return {"from": who, "ports": ports}


def is_network(text: str) -> bool:
    """Whether a text is a range of addresses."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return "/" in text


def rendered(documents: Iterable[Document]) -> bytes:
    """A file of several objects, each below its comment."""
    parts = []
    for document in documents:
        comment = "".join(f"# {line}\n" for line in document.comment.split("\n"))
        body = yaml.dump(document.data, Dumper=_Dumper, sort_keys=False, width=100)
        parts.append(comment + body)
    return "---\n".join(parts).encode()


class _Dumper(yaml.SafeDumper):
    """Lists below their key, texts of several lines as blocks, nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Dashes stand deeper than the key above them."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        """Equal values are written out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
