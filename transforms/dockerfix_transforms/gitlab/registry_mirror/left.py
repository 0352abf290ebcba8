"""What comes without a mirror: the place, the reason, and the words to write by hand.

A Docker daemon has mirrors for Docker Hub alone, and other builders have settings of their own.
Knows what each reader can; edits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerfix.api import HUB, Finding, Job, Place, Severity, repository_of
from dockerfix_transforms.gitlab.registry_mirror.builders import FILE, Builder
from dockerfix_transforms.gitlab.registry_mirror.mirrors import Mirror
from dockerfix_transforms.gitlab.registry_mirror.pulls import Pull, Reader
from dockerfix_transforms.gitlab.registry_mirror.upstreams import Upstream


def left_pulls(upstreams: Sequence[Upstream], mirrors: Mapping[str, Mirror]) -> Iterator[Finding]:
    """The pulls of readers whose settings are not among those that are written."""
    for upstream in upstreams:
        mirror = mirrors.get(upstream.registry)
        if upstream.registry != HUB:
            yield from _foreign(upstream, mirror)
        nodes = upstream.by(Reader.NODE)
        if nodes and mirror is not None and mirror.is_given:
            yield left_nodes(nodes, mirror)
        for reader, words in ((Reader.KANIKO, _kaniko), (Reader.PODMAN, _podman)):
            pulls = upstream.by(reader)
            if pulls and mirror is not None:
                yield _left(
                    pulls[0].place,
                    upstream.registry,
                    f"{_named(pulls)}: {reader.value} pulls from {upstream.registry} itself",
                    f"{reader.value} has settings of its own",
                    words(mirror),
                )


def _foreign(upstream: Upstream, mirror: Mirror | None) -> Iterator[Finding]:
    """What a Docker daemon pulls from another registry than Docker Hub, image by image."""
    images: dict[str, list[Pull]] = {}
    for pull in upstream.by(Reader.DOCKERD):
        images.setdefault(pull.image, []).append(pull)
    for image, pulls in images.items():
        path = repository_of(image).removeprefix(f"{upstream.registry}/").rpartition("/")[2]
        words = f"copy it to $CI_REGISTRY_IMAGE/{path} and name the copy"
        if mirror is not None:
            tail = image.removeprefix(f"{upstream.registry}/")
            words = f"name it {mirror.address}/{tail}"
            words += f", and add {mirror.host} to insecure-registries" if mirror.plain else ""
        yield _left(
            pulls[0].place,
            image,
            f"{_named(pulls)}: a Docker daemon pulls {image} from {upstream.registry} itself",
            "a Docker daemon has mirrors for Docker Hub alone",
            words,
        )


def _kaniko(mirror: Mirror) -> str:
    plain = f" --insecure-registry={mirror.host}" if mirror.plain else ""
    if mirror.registry == HUB:
        return f"add --registry-mirror={mirror.address}{plain} to the executor"
    return f"add --registry-map={mirror.registry}={mirror.address}{plain} to the executor"


def _podman(mirror: Mirror) -> str:
    plain = ", insecure = true" if mirror.plain else ""
    return (
        f'write [[registry]] location = "{mirror.registry}" with [[registry.mirror]] '
        f'location = "{mirror.address}"{plain} into /etc/containers/registries.conf'
    )


def left_daemons(pulls: Sequence[Pull], mirror: Mirror | None) -> Finding:
    """Daemons whose settings no file of the folder reaches, by what they pull."""
    address = mirror.url if mirror is not None and not mirror.has_path else "http://ADDRESS"
    why = "it is no service of the job, so that its settings are on the machine that it runs on"
    if mirror is not None and mirror.has_path:
        why = f"a Docker daemon takes no mirror with a path, as {mirror.address} has one"
    return _left(
        pulls[0].place,
        HUB,
        f"{_named(pulls)}: a Docker daemon pulls from {HUB} itself",
        why,
        f'write "registry-mirrors": ["{address}"] into its /etc/docker/daemon.json',
    )


def left_nodes(pulls: Sequence[Pull], mirror: Mirror) -> Finding:
    """Nodes, where a mirror runs already: whether they can ask it is known to its owner."""
    return _left(
        pulls[0].place,
        mirror.registry,
        f"{_named(pulls)}: the nodes pull from {mirror.registry} itself",
        "nodes cannot resolve names of the cluster, and no file here sets them up",
        f"name {mirror.url} or another address of it in /etc/containerd/certs.d/"
        f"{mirror.registry}/hosts.toml of every node",
    )


def left_builder(job: Job, builder: Builder, mirrors: Sequence[Mirror]) -> Finding:
    """A builder that the patch does not give the file."""
    where = "a file that its line names by --buildkitd-config"
    why = f"its line is no item of a list in the pipeline, or the job uses a {FILE} of its own"
    if builder.file:
        where, why = builder.file, f"it has settings of its own, {builder.file}"
    elif builder.is_elsewhere:
        where = "a file for it alone, with an address that its machine can reach"
        why = f"its BuildKit may run outside of the cluster, at {builder.endpoint}"
    elif not builder.is_started:
        where = "/etc/buildkit/buildkitd.toml of its BuildKit"
        why = f"its driver is {builder.driver}, whose BuildKit runs already"
    return _left(
        builder.place,
        job.name,
        f"{job.name}: its builder pulls without mirrors",
        why,
        f"write {'; '.join(_lines(mirrors))} into {where}",
    )


def _lines(mirrors: Sequence[Mirror]) -> Iterator[str]:
    """BuildKit's settings, each on one line."""
    for mirror in mirrors:
        yield f'registry."{mirror.registry}".mirrors = ["{mirror.address}"]'
    for host in dict.fromkeys(mirror.host for mirror in mirrors if mirror.plain):
        yield f'registry."{host}".http = true'


def _named(pulls: Sequence[Pull]) -> str:
    jobs = list(dict.fromkeys(pull.job for pull in pulls))
    return jobs[0] if len(jobs) == 1 else f"{jobs[0]} and {len(jobs) - 1} more"


def _left(place: Place, subject: str, what: str, why: str, do: str) -> Finding:
    return Finding.at(
        place,
        name="not-mirrored",
        severity=Severity.NOTE,
        subject=subject,
        what=what,
        why=why,
        do=do,
    )
