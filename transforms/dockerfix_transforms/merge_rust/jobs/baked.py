"""The bake file that the one job calls: a target an image, one builder for all of them.

Knows builds; knows nothing of the job's other lines.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from dockerfix.api import Baked, Build, Facts, Refused, Tool, relative_path, shared_flags
from dockerfix_transforms.merge_rust.jobs.clusters import Cluster

BAKE_NAME = "docker-bake.hcl"
_CLIENTS = (Tool.DOCKER_BUILD, Tool.BUILDX_BUILD)


def bake_path(facts: Facts, folder: str) -> str:
    """`docker-bake.hcl` in the context folder, or the next free name beside one that exists."""
    names = [BAKE_NAME, "docker-bake.ci.hcl", *(f"docker-bake.ci-{n}.hcl" for n in range(2, 100))]
    found = (posixpath.join(folder, name) for name in names)
    return next(path for path in found if path not in facts.snapshot)


def group_name(cluster: Cluster, baked: Mapping[str, Sequence[Baked]], alone: bool) -> str:
    """`default` for the only group of a bake file; else the old target, or the images' names."""
    if alone:
        return "default"
    images = "-".join(dict.fromkeys(file.binary for file, _ in cluster.changes))
    target = next((t for t in cluster.jobs[0].targets if t and "$" not in t), "")
    if not target:
        return images
    return f"{images}-{target}" if target in baked else target


def bake_targets(cluster: Cluster, taken: set[str]) -> list[Baked]:
    """One bake target an image; a cache ref that several wrote gets one writer. Raises `Refused`
    where one call cannot do what the jobs did; names in `taken` are other groups'."""
    found: list[Baked] = []
    written_refs: set[str] = set()
    folders = {change.build.folder for _, change in cluster.changes}
    for file, change in cluster.changes:
        build, place = change.build, change.build.site.place
        _check(build, len(folders) > 1, found)
        name = file.binary if file.binary not in taken else change.wanted.target or file.binary
        if name in taken:
            raise Refused(place, f"{name} is built twice", "remove one of the builds")
        taken.add(name)
        writes = tuple(v.text for v in build.cache_to if v.text not in written_refs)
        written_refs.update(writes)
        reads = tuple(dict.fromkeys(v.text for v in build.cache_from))
        found.append(Baked(name, build, change.wanted, reads, writes))
    return found


def _check(build: Build, scattered: bool, others: Sequence[Baked]) -> None:
    """Raises `Refused` for a build that cannot be a bake target beside `others`; `scattered`
    says that the builds run in several folders."""
    place = build.site.place
    if build.tool not in _CLIENTS:
        raise Refused(place, f"{build.tool.value} cannot run a bake file", "use buildx")
    if scattered or _outside(build):
        raise Refused(place, "the jobs run in different folders", "align them")
    if build.context is None:
        raise Refused(place, "the build context is not known", "write it out")
    if any(other.build.tags == build.tags for other in others):
        raise Refused(place, "two jobs push the same tag", "remove one of them")


def _outside(build: Build) -> bool:
    """Whether bake would read outside of the folder that it is called in, for which it asks."""
    return relative_path(build.context or "", build.folder).startswith("..")


def bake_call(cluster: Cluster, path: str, group: str, given: Sequence[str]) -> str:
    """The command that builds a group of the bake file at `path`; `given` are assignments that
    stand before it."""
    builds = [change.build for _, change in cluster.changes]
    words = [*given, "docker buildx bake", f"--file {relative_path(path, builds[0].folder)}"]
    words += shared_flags(builds)
    words += [group] if group != "default" else []
    return " ".join(words)


def bake_comment(names: Sequence[str], path: str, folder: str) -> list[str]:
    """The head of the bake file that the jobs `names` call from `folder`."""
    jobs = ", ".join(f'"{name}"' for name in names)
    where = f"cd {folder} && " if folder else ""
    several = len(names) > 1
    head = f"Images of the CI {'jobs' if several else 'job'} {jobs}: "
    return [
        head + f"one call{' each' if several else ''}, one builder for all of them.",
        f"  {where}docker buildx bake --file {relative_path(path, folder)}",
        "Paths count from the folder in which bake is called.",
    ]
