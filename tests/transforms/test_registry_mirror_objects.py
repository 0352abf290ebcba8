"""The Kubernetes objects of mirrors: by the schemas of Kubernetes, and by what no schema sees.

Schemas let quantities, names, enumerations and references pass, so that these are checked here.
"""

from __future__ import annotations

import json
import re
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import kubernetes_validate
import pytest
import yaml

from dockerfix_transforms.gitlab.registry_mirror.folder import Served, files
from dockerfix_transforms.gitlab.registry_mirror.mirrors import mirrors_for, read_mirrors
from dockerfix_transforms.gitlab.registry_mirror.objects import Reach
from dockerfix_transforms.gitlab.registry_mirror.pulls import Reader

VERSIONS = ("1.28", "1.37")
REGISTRIES = ("docker.io", "quay.io", "registry.example.org:5443", f"{'a' * 80}.example.org")
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?")
ALLOWED = {
    "accessModes": {"ReadWriteOnce"},
    "protocol": {"TCP", "UDP"},
    "policyTypes": {"Ingress", "Egress"},
}
REACHES = (
    Reach("registry-mirror"),
    Reach("mirrors", runners="ci"),
    Reach("mirrors", runners="ci", nodes="10.20.0.0/16"),
    Reach("mirrors", nodes="fd00::/64"),
)


@pytest.fixture(scope="module", params=REACHES, ids=("open", "pods", "nodes", "all-pods"))
def folder(request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    reach: Reach = request.param
    mirrors = mirrors_for(REGISTRIES, {}, reach.namespace)
    readers = (Reader.BUILDKIT, Reader.DOCKERD, Reader.NODE)
    served = [Served(m, readers, m.registry == "docker.io") for m in mirrors]
    return files("deploy/mirror", served, reach, edits=True)


@pytest.fixture(scope="module")
def documents(folder: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [
        document
        for path, data in folder.items()
        if path.endswith(".yaml")
        for document in yaml.safe_load_all(data)
    ]


def every(value: Any, key: str) -> Iterator[Any]:
    """The values of a key, wherever it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from every(inner, key)
    elif isinstance(value, list):
        for item in value:
            yield from every(item, key)


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [document for document in documents if document["kind"] == kind]
    assert found
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_take_them(documents: list[dict[str, Any]], version: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for document in documents:
            kubernetes_validate.validate(document, version, strict=True)


def test_names_are_labels_and_each_object_has_its_own(documents: list[dict[str, Any]]) -> None:
    names = [(d["kind"], d["metadata"]["name"]) for d in documents]
    assert len(names) == len(set(names))
    texts = [name for _, name in names]
    for key in ("containers", "volumes", "ports"):
        texts += [i["name"] for item in every(documents, key) for i in item if "name" in i]
    for text in texts:
        assert NAME.fullmatch(text), text


def test_quantities_and_enumerations(documents: list[dict[str, Any]]) -> None:
    for key in ("requests", "limits"):
        for quantities in every(documents, key):
            assert all(QUANTITY.fullmatch(text) for text in quantities.values())
    for key, allowed in ALLOWED.items():
        for value in every(documents, key):
            assert set(value if isinstance(value, list) else [value]) <= allowed
    for deployment in of_kind(documents, "Deployment"):
        assert deployment["spec"]["replicas"] == 1
        assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_every_selector_finds_the_pods_of_its_mirror_alone(
    documents: list[dict[str, Any]],
) -> None:
    pods = {}
    for deployment in of_kind(documents, "Deployment"):
        template = deployment["spec"]["template"]
        labels = template["metadata"]["labels"]
        pods[deployment["metadata"]["name"]] = labels
        assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert len(pods) == len(REGISTRIES)
    for service in of_kind(documents, "Service"):
        name = service["metadata"]["name"].removesuffix("-nodes")
        assert [n for n, labels in pods.items() if labels == service["spec"]["selector"]] == [name]
    for policy in of_kind(documents, "NetworkPolicy"):
        labels = policy["spec"]["podSelector"]["matchLabels"]
        assert labels == pods[policy["metadata"]["name"]]


def test_mounts_ports_and_claims_exist(documents: list[dict[str, Any]]) -> None:
    claims = {d["metadata"]["name"] for d in of_kind(documents, "PersistentVolumeClaim")}
    ports = set()
    for deployment in of_kind(documents, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        volumes = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"]}
        assert set(volumes.values()) <= claims
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
            named = {port["name"] for port in container["ports"]}
            assert {probe["port"] for probe in every(container, "httpGet")} <= named
            assert {probe["path"] for probe in every(container, "httpGet")} == {"/v2/"}
            assert re.search(r":\d+\.\d+\.\d+$", container["image"])
            ports |= named
    for service in of_kind(documents, "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    numbers = list(every(documents, "nodePort"))
    assert len(numbers) == len(set(numbers)) and all(30000 <= port <= 32767 for port in numbers)


def test_no_pod_has_rights(documents: list[dict[str, Any]]) -> None:
    """Pod Security Standards, profile Restricted."""
    for deployment in of_kind(documents, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_no_credential_is_written(folder: Mapping[str, bytes]) -> None:
    for path, data in folder.items():
        for name in ("REGISTRY_PROXY_USERNAME", "REGISTRY_PROXY_PASSWORD"):
            for document in yaml.safe_load_all(data) if path.endswith(".yaml") else ():
                for env in every(document, "env"):
                    entry = next(item for item in env if item["name"] == name)
                    assert "value" not in entry
                    assert entry["valueFrom"]["secretKeyRef"]["optional"] is True


def test_the_readers_ask_the_services_that_are_there(folder: Mapping[str, bytes]) -> None:
    texts = {path.removeprefix("deploy/mirror/"): data.decode() for path, data in folder.items()}
    documents = [
        document
        for path, data in folder.items()
        if "/kubernetes/" in path
        for document in yaml.safe_load_all(data)
    ]
    services = of_kind(documents, "Service")
    hosts = {
        f"{s['metadata']['name']}.{s['metadata']['namespace']}.svc:{p['port']}"
        for s in services
        for p in s["spec"]["ports"]
        if "nodePort" not in p
    }
    node_ports = {p["nodePort"] for s in services for p in s["spec"]["ports"] if "nodePort" in p}
    tables = tomllib.loads(texts["readers/buildkitd.toml"])["registry"]
    mirrored = {name: table["mirrors"] for name, table in tables.items() if "mirrors" in table}
    assert set(mirrored) == set(REGISTRIES)
    assert {host for found in mirrored.values() for host in found} == hosts
    assert all(tables[host] == {"http": True} for host in hosts)
    asked = set()
    for registry in REGISTRIES:
        found = tomllib.loads(texts[f"readers/containerd/{registry}/hosts.toml"])
        assert found["server"].startswith("https://")
        for address, host in found["host"].items():
            assert "push" not in host["capabilities"]
            asked.add(int(address.rpartition(":")[2]))
    assert asked == node_ports
    config_map = yaml.safe_load(texts["readers/dind.yaml"])
    daemon = json.loads(config_map["data"]["daemon.json"])
    assert daemon["registry-mirrors"] == [f"http://{mirrored['docker.io'][0]}"]
    assert daemon["insecure-registries"] == mirrored["docker.io"]
    runner = tomllib.loads(texts["readers/runner-config.toml"])["runners"][0]
    volume = runner["kubernetes"]["volumes"]["config_map"][0]
    assert volume["name"] == config_map["metadata"]["name"]
    assert volume["mount_path"] == "/etc/docker/daemon.json"
    assert volume["sub_path"] in config_map["data"]


def test_a_mirror_that_runs_already_gets_no_objects() -> None:
    given = read_mirrors(["docker.io=https://hub.example.org/proxy"])
    (mirror,) = mirrors_for(["docker.io"], given, "any")
    served = [Served(mirror, (Reader.BUILDKIT, Reader.NODE))]
    assert files("mirror", served, Reach("any"), edits=True) == {}
    assert set(files("mirror", served, Reach("any"), edits=False)) == {
        "mirror/README.md",
        "mirror/readers/buildkitd.toml",
    }


def test_names_that_would_be_the_same_are_told_apart() -> None:
    mirrors = mirrors_for(["a-b.example", "a.b.example", "1.example"], {}, "ns")
    names = [mirror.name for mirror in mirrors]
    assert len(set(names)) == 3 and all(NAME.fullmatch(name) for name in names)
