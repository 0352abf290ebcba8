"""Builder groups: which files one cook and one build can serve, and what keeps others apart.

Files come one after the other to the first cluster that takes them: it must compile with the
same input, up to what was accepted, and the chain of steps must be one that serves all. Trying
every partition would be exponential and gain little, since files that agree with one file of a
cluster nearly always agree with all. Knows settings and alignment; knows nothing of bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dockerfix.api import Finding
from dockerfix_transforms.merge_rust.group.chains import aligned
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.reasons import (
    Reason,
    of_obstacle,
    of_programs,
    of_settings,
)
from dockerfix_transforms.merge_rust.group.settings import FEATURES, Settings
from dockerfix_transforms.merge_rust.group.slots import Obstacle
from dockerfix_transforms.merge_rust.read.input_file import InputFile


def group_files(
    files: Sequence[InputFile], accept: Collection[str], apart: Mapping[str, Reason]
) -> tuple[list[Group], list[Finding]]:
    """Files in groups, largest first, and a finding for each accepted difference. Those in
    `apart` get a builder of their own, for the reason given."""
    settings = Settings.of(files, accept)
    clusters = _clusters(settings, files, apart)
    groups: list[Group] = []
    findings: list[Finding] = []
    for number, cluster in enumerate(clusters):
        reasons: tuple[Reason, ...] = ()
        if number:
            given = apart.get(cluster[0].path) or apart.get(clusters[0][0].path)
            given = given or _fixed(cluster[0])
            nearest = _nearest(settings, clusters[:number], cluster[0])
            reasons = _reasons(settings, nearest, cluster[0]) if given is None else (given,)
        ordered = settings.leader_first(cluster)
        findings += settings.changes(ordered)
        group = _group(settings, ordered, cluster)
        groups.append(Group(group.members, group.common, reasons))
    return groups, findings


def _clusters(
    settings: Settings, files: Sequence[InputFile], apart: Mapping[str, Reason]
) -> list[list[InputFile]]:
    """The files that go together, the largest cluster first."""
    clusters: list[list[InputFile]] = []
    for file in files:
        for cluster in clusters:
            alone = any(one.path in apart or one.fixed for one in (file, cluster[0]))
            if not alone and _goes_with(settings, cluster, file):
                cluster.append(file)
                break
        else:
            clusters.append([file])
    return sorted(clusters, key=len, reverse=True)


def _goes_with(settings: Settings, cluster: Sequence[InputFile], file: InputFile) -> bool:
    """Whether one builder can serve a file together with those of a cluster."""
    together = [*cluster, file]
    if not settings.leaders(together):
        return False
    different = settings.different(cluster[0], file) - settings.accepted
    if not _same_programs(cluster, file):
        different -= FEATURES  # each call of the sequence keeps its own
    for other in cluster:  # one program at one place is compiled in one way
        if set(other.shipped) & set(file.shipped):
            different |= settings.different(other, file) - settings.accepted
    return not different and isinstance(aligned(together, settings.accepted), Group)


def _same_programs(cluster: Sequence[InputFile], file: InputFile) -> set[str]:
    """Programs that the file ships and another one of the cluster too: two calls would leave
    them at one place, so that the builds cannot be calls one after the other."""
    return {name for other in cluster for name in other.shipped} & set(file.shipped)


def _group(settings: Settings, ordered: Sequence[InputFile], cluster: Sequence[InputFile]) -> Group:
    """The group of a cluster. The order of files decides where their own steps go, so that the
    one with the leader first may fail where that in which the files came did not."""
    for files in (ordered, cluster):
        group = aligned(files, settings.accepted)
        if isinstance(group, Group):
            return group
    raise AssertionError("the files were a group when the last one came to the cluster")


# What keeps a file apart.


def _nearest(
    settings: Settings, clusters: Sequence[list[InputFile]], file: InputFile
) -> list[InputFile]:
    """The cluster from which a file differs least; the largest of several. A step that stands
    in the way counts as one difference."""
    return min(
        clusters,
        key=lambda one: len(settings.different(one[0], file) - settings.accepted) or 1,
    )


def _reasons(
    settings: Settings, cluster: Sequence[InputFile], file: InputFile
) -> tuple[Reason, ...]:
    """What keeps a file apart from those of a cluster: parts of the compiler's input, else the
    first step that stands in the way."""
    return of_settings(settings, cluster[0], file) or (_misplaced(settings, cluster, file),)


def _misplaced(settings: Settings, cluster: Sequence[InputFile], file: InputFile) -> Reason:
    """What stands in the way where the compiler's input is the same."""
    programs = _same_programs(cluster, file)
    found = aligned([*cluster, file], settings.accepted)
    if isinstance(found, Obstacle):
        return of_obstacle(found, file)
    if programs:
        return of_programs(sorted(programs))
    return Reason(
        "its steps cannot be laid over those of all others",
        f"Write the steps before its build as {cluster[0].path} does.",
    )


def _fixed(file: InputFile) -> Reason | None:
    """What the file itself says about keeping a stage of its own."""
    if not file.fixed:
        return None
    do = f"Let {file.path} call cargo in the workspace's root, with -p for the package."
    return Reason(file.fixed, do)
