"""Which registries can be mirrored for a pipeline, which cannot, and why.

The project's own registry never: what it holds is private, and a mirror with its credentials
would open it to everyone who reaches the mirror. Knows images and registries; writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    HUB,
    Facts,
    Finding,
    Severity,
    counted,
    pushed_images,
    pushed_registries,
    registry_of,
    repository_of,
)
from dockerfix_transforms.gitlab.registry_mirror.pulls import JobPulls, Pull, Reader, is_composed

_PUBLIC = frozenset(
    {
        HUB, "cgr.dev", "docker.elastic.co", "gcr.io", "ghcr.io", "k8s.gcr.io", "lscr.io",
        "mcr.microsoft.com", "nvcr.io", "public.ecr.aws", "quay.io", "registry.access.redhat.com",
        "registry.fedoraproject.org", "registry.k8s.io", "registry.opensuse.org",
    }
)  # fmt: skip
"""Registries that serve images to everyone. Any other may be a company's own."""
_DEPENDENCY_PROXY = "${CI_DEPENDENCY_PROXY"
_OWN = "${CI_REGISTRY"
_GITLAB = "registry.gitlab.com"
_PUSHED = "a job pushes to it"
_UNKNOWN = "nothing says that everyone may read it"
_LOGIN_VALUED = ("-u", "--username", "-p", "--password")


class Upstream(Struct, frozen=True):
    """A registry that can be mirrored, with what is pulled from it."""

    registry: str
    pulls: tuple[Pull, ...]

    def by(self, reader: Reader) -> tuple[Pull, ...]:
        """What one reader pulls."""
        return tuple(pull for pull in self.pulls if pull.reader is reader)

    @property
    def readers(self) -> tuple[Reader, ...]:
        """Its readers, in the order of `Reader`."""
        return tuple(reader for reader in Reader if self.by(reader))


class Sorted(Struct, frozen=True):
    """The registries of a pipeline's pulls. `own` are those that are left out, each with the
    reason, `proxied` the pulls that go through GitLab's dependency proxy already."""

    upstreams: tuple[Upstream, ...]
    own: tuple[tuple[Pull, str], ...]
    proxied: tuple[Pull, ...]


def sort_pulls(facts: Facts, jobs: Sequence[JobPulls], named: Collection[str]) -> Sorted:
    """The pulls of all jobs by registry; a person `named` those that are mirrored in any case.
    What the jobs make themselves is no pull, and neither is an image whose registry stands in
    an unknown variable."""
    made = {repository_of(image) for image in (*pushed_images(facts), *_made(facts, jobs))}
    own = _own_registries(facts, jobs)
    upstreams: dict[str, list[Pull]] = {}
    left: dict[str, tuple[Pull, str]] = {}
    proxied: list[Pull] = []
    for pull in (pull for job in jobs for pull in job.pulls):
        registry = registry_of(pull.image)
        if registry.startswith(_DEPENDENCY_PROXY):
            proxied.append(pull)
        elif registry.startswith(_OWN):
            left.setdefault(_variable(registry), (pull, "it is the project's own"))
        elif "$" in registry or "." not in registry or repository_of(pull.image) in made:
            continue
        elif registry in own and (registry not in named or own[registry] == _PUSHED):
            left.setdefault(registry, (pull, own[registry]))
        elif registry not in _PUBLIC and registry not in named:
            left.setdefault(registry, (pull, _UNKNOWN))
        else:
            upstreams.setdefault(registry, []).append(pull)
    names = sorted(upstreams, key=lambda name: (name != HUB, name))
    return Sorted(
        tuple(Upstream(name, tuple(upstreams[name])) for name in names),
        tuple(left.values()),
        tuple(proxied),
    )


def _made(facts: Facts, jobs: Sequence[JobPulls]) -> Iterator[str]:
    """The names that the jobs give to images by building Compose services, and those without a
    namespace that anything in the repository gives to what it builds: a build argument may have
    such a name as its default, for people who build by hand."""
    for build in facts.builds.builds:
        composed = any(is_composed(build, job.commands) for job in jobs)
        names = [text for value in build.tags for text in value.possible]
        yield from (name for name in names if composed or "/" not in name)


def _own_registries(facts: Facts, jobs: Sequence[JobPulls]) -> dict[str, str]:
    """Registries that may hold what is private to the project, each with the reason."""
    found = {_GITLAB: "on GitLab.com it is the project's own"}
    for job in jobs:
        for ran in job.commands.ran:
            if ran.name in ("docker", "podman", "buildah") and ran.words[1:2] == ("login",):
                found |= dict.fromkeys(_logged_in(ran.words[2:]), "a job logs in to it")
    found |= dict.fromkeys(pushed_registries(facts), _PUSHED)
    found.pop(HUB, None)
    return found


def _logged_in(words: Sequence[str]) -> Iterator[str]:
    """The registry of a `docker login`."""
    at = 0
    while at < len(words):
        if words[at].startswith("-"):
            at += 2 if words[at] in _LOGIN_VALUED else 1
            continue
        yield registry_of(words[at].removeprefix("https://").rstrip("/") + "/")
        return


def told(found: Sorted) -> Iterator[Finding]:
    """What is pulled from where and by whom, and what is left out."""
    for upstream in found.upstreams:
        yield _listed(upstream)
    for pull, why in found.own:
        yield _left_out(pull, _variable(registry_of(pull.image)), why)
    nodes = [pull for upstream in found.upstreams for pull in upstream.by(Reader.NODE)]
    if nodes:
        yield _helper(nodes[0])


def _variable(registry: str) -> str:
    """A registry without the variable that follows the one that it stands in: `${A}${B}`."""
    head, _, rest = registry.partition("}")
    return head + "}" if rest.startswith("$") else registry


def _helper(pull: Pull) -> Finding:
    """What the runner itself pulls for every job, which no file of the repository says."""
    return Finding.at(
        pull.place,
        name="runner-helper",
        severity=Severity.NOTE,
        subject=_GITLAB,
        what=f"the runner's helper image comes from {_GITLAB}, which gets no mirror",
        why="nodes pull it for every job that runs as a pod",
        do="set helper_image in the runner's settings to the copy on Docker Hub",
    )


def _listed(upstream: Upstream) -> Finding:
    """One registry with its readers."""
    readers = []
    for reader in upstream.readers:
        pulls = upstream.by(reader)
        shown = sorted({pull.image for pull in pulls if pull.is_shown})
        own = sorted({pull.image for pull in pulls if not pull.is_shown})
        readers.append(f"{reader.value} pulls {', '.join((*shown, *own))}")
    return Finding.at(
        upstream.pulls[0].place,
        name="upstream",
        severity=Severity.NOTE,
        subject=upstream.registry,
        what=f"{_count(upstream)} from {upstream.registry}",
        why="; ".join(readers),
    )


def _count(upstream: Upstream) -> str:
    jobs, images = (len({getattr(p, key) for p in upstream.pulls}) for key in ("job", "image"))
    pulled = counted(images, "image")
    return f"1 job pulls {pulled}" if jobs == 1 else f"{jobs} jobs pull {pulled}"


def _left_out(pull: Pull, registry: str, why: str) -> Finding:
    return Finding.at(
        pull.place,
        name="own-registry",
        severity=Severity.NOTE,
        subject=registry,
        what=f"{registry} gets no mirror",
        why=f"{why}, and everyone who reaches a mirror reads what its credentials read",
        do=""
        if "$" in registry or why == _PUSHED
        else f"if it is public, pass --registry {registry}",
    )
