"""Builder groups: which files one cook and one build can serve, and what keeps others apart.

Knows chains and components; knows nothing of bytes to write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from dockerfix.api import Finding, Severity, is_accepted
from dockerfix_transforms.merge_rust.group.align import Obstacle, lay_over, representative
from dockerfix_transforms.merge_rust.group.alone import (
    Admission,
    admitted,
    harmless_environment,
)
from dockerfix_transforms.merge_rust.read.compiler import (
    Component,
    components,
    environment,
    sets_component,
)
from dockerfix_transforms.merge_rust.read.inputs import RustFile, standing_ends
from dockerfix_transforms.merge_rust.read.steps import Role, Step, makes_tools, packages_of

IN_PATHS = frozenset({"profile", "target", "selection", "installation"})
"""Components that decide where cargo leaves a program, so that an image would have to copy it
from elsewhere: they cannot be accepted."""
_FEATURES = frozenset({"features", "all-features", "no-default-features"})
_SHARED_ROLES = frozenset(
    {Role.CHEF, Role.PREPARE, Role.RECIPE, Role.COOK, Role.SOURCES, Role.BUILD}
)
_OWN_KEYWORDS = frozenset({"RUN", "COPY", "ADD", "LABEL", "EXPOSE", "HEALTHCHECK", "CMD"})


class Member(Struct, frozen=True):
    """A file in a group: `matched[i]` is its step that stands for the group's common step i
    (None for a package list that it lacks), `own` its steps that no other file has, `dropped`
    those that set what was accepted to change and have no target of their own to stand in."""

    file: RustFile
    matched: tuple[Step | None, ...]
    own: tuple[Step, ...]
    dropped: tuple[Step, ...] = ()

    def common_before(self, count: int) -> int:
        """How many common steps are done after the file's first `count` steps; those that it
        lacks count when one that it has follows them."""
        first = {id(step) for step in self.file.steps[:count]}
        done = (
            n for n, step in enumerate(self.matched, 1) if step is not None and id(step) in first
        )
        return max(done, default=0)

    def own_before(self, count: int) -> tuple[Step, ...]:
        """The file's own steps among its first `count` steps."""
        first = {id(step) for step in self.file.steps[:count]}
        return tuple(step for step in self.own if id(step) in first)


class Group(Struct, frozen=True):
    """Files that share one builder. `apart` says what keeps it from the first group."""

    members: tuple[Member, ...]
    common: tuple[Step, ...]
    apart: tuple[str, ...] = ()

    @property
    def leader(self) -> Member:
        """The file whose bytes the shared stages are taken from."""
        return self.members[0]

    @property
    def split(self) -> int:
        """The index of the common step before which own steps stand: the sources."""
        for index, step in enumerate(self.common):
            if step.role is Role.SOURCES:
                return index
        cooked = [n for n, step in enumerate(self.common) if step.role is Role.COOK]
        return cooked[-1] + 1 if cooked else len(self.common)

    def home(self, index: int) -> int:
        """The index of the leader's stage to which a common step belongs; a step that the leader
        lacks comes with the next one that it has."""
        steps = (step for step in self.leader.matched[index:] if step is not None)
        return next((s.stage.index for s in steps), self.leader.file.chain[-1].index)

    def owner(self, step: Step) -> RustFile:
        """The first file that has this very step."""
        return next(m.file for m in self.members if any(s is step for s in m.file.steps))

    @property
    def has_own(self) -> bool:
        """Whether any file has steps of its own."""
        return any(member.own for member in self.members)


def added_steps(group: Group, member: Member) -> Iterator[tuple[Step, Admission]]:
    """The common steps that a member lacks, and what each of them is to it."""
    own = [n for n, s in enumerate(member.matched) if s is not None and s.role is Role.BUILD]
    last, done = max(own, default=-1), 0
    for index, step in enumerate(group.common):
        if member.matched[index] is not None:
            done += 1
        else:
            owner = next(m.file for m in group.members if m.matched[index] is not None)
            yield step, admitted(step, owner, member.file, index > last, done)


def grown_below(group: Group, member: Member, end: int) -> bool:
    """Whether the shared steps that stand for a file's first `end` steps hold more than these,
    and no cargo runs among them: an image for run time may stand there, which must not grow."""
    mine = member.file.steps[:end]
    if any(s.role in _SHARED_ROLES or s.calls or _runs_cargo(s) for s in mine):
        return False
    for index, step in enumerate(group.common[: member.common_before(end)]):
        own = member.matched[index]
        if own is None and step.item.keyword != "WORKDIR":
            return True
        if own is not None and step.role is Role.PACKAGES:
            lists = (m.matched[index] for m in group.members)
            everyone = {word for s in lists if s is not None for word in packages_of(s)}
            if everyone != packages_of(own):
                return True
    return False


def _runs_cargo(step: Step) -> bool:
    return step.item.keyword == "RUN" and "cargo" in step.item.text


def group_files(
    files: Sequence[RustFile], accept: Collection[str], apart: Mapping[str, str]
) -> tuple[list[Group], list[Finding]]:
    """Files in groups, largest first, and a finding for each accepted difference. Those in
    `apart` get a builder of their own, for the reason given."""
    accepted = frozenset(item.partition("@")[0] for item in accept) - IN_PATHS
    settings = {file.path: components(file) for file in files}
    clusters: list[list[RustFile]] = []
    reasons: dict[str, tuple[str, ...]] = {}
    findings: list[Finding] = []
    for file in files:
        for cluster in clusters:
            first = cluster[0]
            if file.path in apart or first.path in apart:
                continue
            different = _different(settings[first.path], settings[file.path]) - accepted
            if not _leaders([*cluster, file], settings, accept):
                continue
            if _apart_programs(cluster, file):
                different -= _FEATURES  # each call of the sequence keeps its own
            for other in cluster:  # one program at one place is compiled in one way
                if set(other.shipped) & set(file.shipped):
                    different |= _different(settings[other.path], settings[file.path]) - accepted
            if not different and isinstance(aligned([*cluster, file], accepted), Group):
                cluster.append(file)
                break
        else:
            clusters.append([file])
    clusters.sort(key=len, reverse=True)
    main = clusters[0]
    for cluster in clusters[1:]:
        own = apart.get(cluster[0].path) or apart.get(main[0].path)
        found = _reasons(settings, main, cluster[0], accepted) if own is None else (own,)
        reasons[cluster[0].path] = found
    groups = []
    for cluster in clusters:
        ordered = _leader_first(cluster, settings, _leaders(cluster, settings, accept))
        findings += _accepted(ordered, settings, accepted)
        group = aligned(ordered, accepted)
        if isinstance(group, Obstacle):  # the order of files decides where their own steps go
            group = aligned(cluster, accepted)
        assert isinstance(group, Group)  # it was when the last file came to the cluster
        groups.append(Group(group.members, group.common, reasons.get(cluster[0].path, ())))
    return groups, findings


def _leaders(
    cluster: Sequence[RustFile],
    settings: dict[str, dict[str, Component]],
    accept: Collection[str],
) -> frozenset[str]:
    """The files whose values the others may take: whatever differs in another one for which it
    can be accepted at all was accepted for that file."""
    return frozenset(
        leader.path
        for leader in cluster
        if all(
            is_accepted(name, file.path, accept)
            for file in cluster
            for name in _different(settings[leader.path], settings[file.path])
            if any(item.partition("@")[0] == name for item in accept)
        )
    )


def _apart_programs(cluster: Sequence[RustFile], file: RustFile) -> bool:
    """Whether the builds may be calls one after the other, of which each keeps its features;
    not when two of them would leave one program at one place."""
    shipped = {name for other in cluster for name in other.shipped}
    return not shipped & set(file.shipped)


def _different(one: dict[str, Component], other: dict[str, Component]) -> set[str]:
    names = {*one, *other}
    return {
        name
        for name in names
        if (one[name].value if name in one else "") != (other[name].value if name in other else "")
    }


def _reasons(
    settings: dict[str, dict[str, Component]],
    cluster: Sequence[RustFile],
    file: RustFile,
    accepted: frozenset[str],
) -> tuple[str, ...]:
    """What keeps a file apart from those of a cluster: parts of the compiler's input, else the
    first step that stands in the way."""
    main = cluster[0]
    here, there = settings[file.path], settings[main.path]
    found = []
    for name in sorted(_different(there, here) - accepted):
        mine = here[name].value if name in here else "nothing"
        theirs = there[name].value if name in there else "nothing"
        step = here[name].step if name in here else None
        where = file.graph.tree.source.place(step.item.code) if step is not None else file.path
        found.append(f"{name}: {where} has {mine}, {main.path} has {theirs}")
    return tuple(found) or (_misplaced(cluster, file, accepted),)


def _misplaced(cluster: Sequence[RustFile], file: RustFile, accepted: frozenset[str]) -> str:
    """What stands in the way where the compiler's input is the same."""
    shipped = {name for other in cluster for name in other.shipped} & set(file.shipped)
    found = aligned([*cluster, file], accepted)
    if not isinstance(found, Obstacle) and shipped:
        return f"another file builds {', '.join(sorted(shipped))} too, with other features"
    if not isinstance(found, Obstacle):
        return "its steps cannot be laid over those of all others"
    source = found.file.graph.tree.source
    text = " ".join(found.step.item.text.split())
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return f"`{shown}` at {source.place(found.step.item.code)}: {found.why}"


def _leader_first(
    cluster: list[RustFile], settings: dict[str, dict[str, Component]], leaders: frozenset[str]
) -> list[RustFile]:
    """The order of the inputs, but with the majority's toolchain first when values differ:
    the merged file takes the value that changes the compiler of the fewest binaries, the
    pinned one in a tie; always one of `leaders`."""
    own = _FEATURES
    weights: dict[str, int] = {}
    for file in cluster:
        value = _signature(settings[file.path], own)
        if file.path not in leaders:
            continue
        weights[value] = weights.get(value, 0) + len(file.shipped)
    best = max(weights, key=lambda v: (weights[v], _pinned(v), -list(weights).index(v)))
    return sorted(cluster, key=lambda f: _signature(settings[f.path], own) != best)


def _signature(setting: dict[str, Component], own: frozenset[str]) -> str:
    """The values that one call must agree on; `own` are those that each call keeps."""
    return "|".join(f"{name}={setting[name].value}" for name in sorted(setting.keys() - own))


_MOVING = ("stable", "beta", "nightly", "latest")


def _pinned(value: str) -> tuple[bool, int]:
    """How firmly a value says a version: none that moves in it, and many digits."""
    return not any(word in value for word in _MOVING), sum(char.isdigit() for char in value)


def _accepted(
    files: list[RustFile],
    settings: dict[str, dict[str, Component]],
    accepted: frozenset[str],
) -> list[Finding]:
    found = []
    for file in files[1:]:
        different = _different(settings[files[0].path], settings[file.path])
        for name in sorted(different & accepted):
            mine = settings[file.path].get(name)
            theirs = settings[files[0].path].get(name)
            step = mine.step if mine is not None else None
            span = step.item.code if step is not None else file.chain[0].from_.code
            found.append(
                Finding(
                    Severity.ASSUME,
                    name,
                    f"{', '.join(file.shipped)}: {name} changes from {_shown(mine)} "
                    f"to {_shown(theirs)}",
                    "the binary is compiled with another input than before",
                    "run the tests of this binary before merging",
                    file.graph.tree.source.place(span),
                    file.binary,
                )
            )
    return found


def _shown(component: Component | None) -> str:
    return component.value if component is not None else "nothing"


def aligned(files: Sequence[RustFile], accepted: frozenset[str]) -> Group | Obstacle:
    """The group of these files when their chains can be laid over each other, else what stands
    in the way. Steps that only one file has stay out of the shared builder where that file has
    an image of its own for them; a file alone keeps all of its own."""
    if len(files) == 1:
        steps = tuple(files[0].steps)
        return Group((Member(files[0], steps, ()),), steps)
    own = _with_own_steps(files, accepted)
    if own is not None:
        return own
    slots = lay_over(files, files[0].is_folder)
    if isinstance(slots, Obstacle):
        return slots
    members = tuple(
        Member(file, tuple(slot[number] for slot in slots), ()) for number, file in enumerate(files)
    )
    return Group(
        members, tuple(_fullest(representative(slot), n, members) for n, slot in enumerate(slots))
    )


def _with_own_steps(files: Sequence[RustFile], accepted: frozenset[str]) -> Group | None:
    """The group with steps that stand on the cook for their own images only; None when no file
    has such steps, or when they cannot stand there."""
    common = [step.key for step in files[0].steps]
    for file in files[1:]:
        common = _longest(common, [step.key for step in file.steps])
    picked = _pick(list(files[0].steps), common)
    for file in files:
        mine = _pick(list(file.steps), common)
        rest = [step for step in file.steps if not any(step is m for m in mine)]
        if any(step.role in _SHARED_ROLES for step in rest):
            return None
        if len(files) > 1 and not _movable(file, rest, mine, accepted):
            return None
    united = _with_united(files, picked, common)
    members = tuple(_member(file, united, accepted) for file in files)
    if not any(member.own or member.dropped for member in members):
        return None
    left = [step for m in members for step in (*m.own, *m.dropped)]
    if any(step.role in _SHARED_ROLES or step.role is Role.PACKAGES for step in left):
        return None
    return Group(members, tuple(_fullest(step, n, members) for n, step in enumerate(united)))


def _fullest(step: Step, index: int, members: Sequence[Member]) -> Step:
    """The package list that holds all others', to be taken verbatim; else the step itself."""
    lists = [m.matched[index] for m in members]
    if step.role is not Role.PACKAGES:
        return step
    words = {id(s): packages_of(s) for s in lists if s is not None}
    every = frozenset().union(*words.values())
    if words.get(id(step), frozenset()) == every:
        return step
    return next((s for s in lists if s is not None and words[id(s)] == every), step)


def _with_united(files: Sequence[RustFile], picked: list[Step], common: list[str]) -> list[Step]:
    """The common steps, with package lists and environment that only some files have put in
    at their place."""
    united = list(picked)
    added: list[Step] = []
    for file in files:
        mine = _pick(list(file.steps), common)
        position = 0
        for step in file.steps:
            if any(step is m for m in mine):
                position += 1
                continue
            if len(files) > 1 and (step.role is Role.PACKAGES or harmless_environment(step)):
                known = [a for a in added if a.key == step.key]
                if not known:
                    shared = sum(1 for a in added if united.index(a) < position + len(added))
                    united.insert(min(position + shared, len(united)), step)
                    added.append(step)
    return united


def _member(file: RustFile, united: list[Step], accepted: frozenset[str]) -> Member:
    matched: list[Step | None] = []
    used: set[int] = set()
    at = 0
    for step in united:
        found = None
        for index in range(at, len(file.steps)):
            if file.steps[index].key == step.key and index not in used:
                found = index
                break
        if found is None:
            matched.append(None)
            continue
        used.add(found)
        at = found + 1
        matched.append(file.steps[found])
    own = tuple(step for index, step in enumerate(file.steps) if index not in used)
    if (_replaced(own, accepted) or _only_tools(own)) and not standing_ends(file):
        return Member(file, tuple(matched), (), own)
    return Member(file, tuple(matched), own)


def _replaced(own: Sequence[Step], accepted: frozenset[str]) -> bool:
    """Whether these steps only set what was accepted to change."""
    return bool(own) and all(any(sets_component(s, name) for name in accepted) for s in own)


def _only_tools(own: Sequence[Step]) -> bool:
    """Whether these steps only install tools; they go where no image stands on them, since
    what only compiles takes nothing of them along."""
    return bool(own) and all(makes_tools(step) for step in own)


def _movable(file: RustFile, rest: list[Step], mine: list[Step], accepted: frozenset[str]) -> bool:
    """Whether a file's own steps can go on top of the cook, for its own targets only.

    A step that sets what was accepted to change goes without a target to stand in.
    """
    own = [
        step for step in rest if step.role is not Role.PACKAGES and not harmless_environment(step)
    ]
    if not own:
        return True
    if any(step.item.keyword not in _OWN_KEYWORDS and not _is_setting(step) for step in own):
        return False
    sources = next((s for s in mine if s.role is Role.SOURCES), None)
    limit = file.steps.index(sources) if sources is not None else len(file.steps)
    if any(file.steps.index(step) > limit for step in own):
        return False
    last_own = max(file.steps.index(step) for step in own)
    build = next(n for n, s in enumerate(file.steps) if s.role is Role.BUILD)
    ends = standing_ends(file)
    if _replaced(own, accepted) or (_only_tools(own) and not ends):
        return True
    return any(end > last_own for end in ends) and all(
        end <= build for end in ends if end > last_own
    )


def _is_setting(step: Step) -> bool:
    return step.item.keyword in ("ENV", "ARG") and any(
        sets_component(step, name) for name, _ in environment(step.item)
    )


def _longest(one: list[str], other: list[str]) -> list[str]:
    """The longest common subsequence of two key lists."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) - 1, -1, -1):
        for j in range(len(other) - 1, -1, -1):
            table[i][j] = (
                table[i + 1][j + 1] + 1
                if one[i] == other[j]
                else max(table[i + 1][j], table[i][j + 1])
            )
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            found.append(one[i])
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _pick(steps: list[Step], keys: list[str]) -> list[Step]:
    """The steps that match the keys, in order."""
    found: list[Step] = []
    at = 0
    for key in keys:
        while at < len(steps) and steps[at].key != key:
            at += 1
        if at < len(steps):
            found.append(steps[at])
            at += 1
    return found
