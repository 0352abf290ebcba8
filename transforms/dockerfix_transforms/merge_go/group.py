"""Which files share a builder, and which share only the stages below it.

Files that begin alike up to their last `go build` share one builder, in which these builds stand
one after the other: go compiles a package once for all of them. Files that begin alike until
their modules are there share that beginning, and each has a builder of its own on it. Others have
nothing to gain. Knows steps; knows nothing of bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import Arg, Facts, Judge, read_ignore
from dockerfix_transforms.merge_go.read import InputFile
from dockerfix_transforms.merge_go.steps import fetches, written_by
from dockerfix_transforms.merge_rust.group.group import Group, Member, given_argument
from dockerfix_transforms.merge_rust.group.reasons import Reason
from dockerfix_transforms.merge_rust.group.slots import shortened
from dockerfix_transforms.merge_rust.read.steps import Step


class Grouping(Struct, frozen=True):
    """The groups of a merge, the one with several files first; `below` is what all of them begin
    with, as a group of its own (no step where there is one group). `others` are the files that
    begin otherwise, each with the reason."""

    groups: tuple[Group, ...]
    below: Group
    others: tuple[tuple[InputFile, Reason], ...]


def group_files(
    facts: Facts, files: Sequence[InputFile], apart: Mapping[str, Reason]
) -> Grouping | None:
    """The grouping of the largest number of files; those in `apart` get a builder of their own.
    None where no two files have anything to share."""
    best: list[InputFile] = []
    for seed in files:
        cluster = _cluster(facts, seed, files, apart)
        if len(cluster) > max(len(best), 1):
            best = cluster
    if not best:
        return None
    joined = _joined(facts, best, apart)
    together = [joined] if len(joined) > 1 else []
    single = [[file] for file in best if len(joined) < 2 or file not in joined]
    common = _beginning(best)
    groups = tuple(
        _group(members, tuple(_why_apart(facts, joined, members, apart)))
        for members in (*together, *single)
    )
    count = common if len(groups) > 1 else 0
    starts = [_start(file, count) for file in best]
    below = Group(tuple(Member(f, f.steps, ()) for f in starts), starts[0].steps)
    others = tuple((f, why_alone(best[0], f)) for f in files if f not in best)
    return Grouping(groups, below, others)


def _cluster(
    facts: Facts, seed: InputFile, files: Sequence[InputFile], apart: Collection[str]
) -> list[InputFile]:
    """The files that share something with one file and with one another, in their order."""
    found = [seed]
    for file in files:
        if file is not seed and _shares(facts, [*found, file], apart):
            found.append(file)
    return [file for file in files if any(file is one for one in found)]


def _shares(facts: Facts, files: Sequence[InputFile], apart: Collection[str]) -> bool:
    """Whether modules or packages that all of the files need come once for them."""
    count = _beginning(files)
    if any(fetches(step) for step in files[0].steps[:count]):
        return True
    return not any(file.path in apart for file in files) and _obstacle(facts, files) is None


def _beginning(files: Sequence[InputFile]) -> int:
    """How many first steps all of the files have in common, on the same image. A build argument
    to which their builds give different values ends them: each value makes what follows anew."""
    if len({_base(file) for file in files}) > 1:
        return 0
    count = 0
    for row in zip(*(file.steps for file in files), strict=False):
        names = [name for name, _ in row[0].item.entries] if isinstance(row[0].item, Arg) else []
        if len({step.key for step in row}) > 1 or any(_given(files, name) > 1 for name in names):
            break
        count += 1
    return count


def _given(files: Sequence[InputFile], name: str) -> int:
    """How many values the builds of files give to an argument; giving none is one."""
    return len({given_argument(build, name) for file in files for build in file.builds})


def _start(file: InputFile, count: int) -> InputFile:
    """The file as if its builder ended with the first steps."""
    steps = file.steps[:count]
    there = {step.stage.index for step in steps}
    last = max(there, default=-1)
    chain = tuple(stage for stage in file.chain if stage.index <= last)
    return replace(file, chain=chain, steps=steps)


def _base(file: InputFile) -> tuple[str, str]:
    """The image and the platform that the builder stands on, as written."""
    from_ = file.chain[0].from_
    platform = from_.platform.value if from_.platform is not None else ""
    return from_.image.value if from_.image is not None else "", platform or ""


# One builder for several files.


def _joined(facts: Facts, files: Sequence[InputFile], apart: Collection[str]) -> list[InputFile]:
    """The most files that one builder can serve, found from each file in turn."""
    best: list[InputFile] = []
    free = [file for file in files if file.path not in apart]
    for seed in free:
        found = [seed]
        for file in free:
            if file is not seed and _obstacle(facts, [*found, file]) is None:
                found.append(file)
        if len(found) > len(best):
            best = [file for file in files if any(file is one for one in found)]
    return best


def _obstacle(facts: Facts, files: Sequence[InputFile]) -> Reason | None:
    """What keeps files from one builder, None where nothing does."""
    count = _beginning(files)
    for file in files:
        found = _in_the_way(file, file.steps[count:]) if count else _other_base(files[0], file)
        if len(file.chain) != len(files[0].chain):
            found = found or Reason("it begins otherwise", "Make the first stages alike.")
        if found is not None:
            return found
    for file in files:
        mine = set(file.outputs)
        others = {path for other in files if other is not file for path in other.outputs}
        for path in sorted(mine | set(file.taken)):
            met = next((o for o in sorted(others) if _meets(o, path) and o not in mine), "")
            met = met or (path if path in mine & others and _differ(files, path) else "")
            if met:
                return Reason(
                    f"{file.path} takes or writes {met}, as another file's build does",
                    f"Give the programs names of their own: `-o {_suggested(file)}`.",
                )
    return _other_values(files, count) or _seen_by_git(facts, files)


def _other_values(files: Sequence[InputFile], count: int) -> Reason | None:
    """A build argument behind what all share that is not the same for all of the files."""
    defaults: dict[str, dict[str | None, InputFile]] = {}
    for file in files:
        for step in file.steps[count:]:
            for name, default in step.item.entries if isinstance(step.item, Arg) else ():
                defaults.setdefault(name, {}).setdefault(default, file)
    for name, known in defaults.items():
        if len(known) > 1:
            paths = " and ".join(file.path for file in known.values())
            return Reason(
                f"ARG {name} has another default in {paths}",
                "Give it one default, or write its value into the `go build`.",
            )
        if _given(files, name) > 1:
            return Reason(
                f"its builds do not all give {name} one value, and each value would compile "
                "everything again",
                f"Give {name} to all builds alike.",
            )
    return None


def _in_the_way(file: InputFile, tail: Sequence[Step]) -> Reason | None:
    """The first step behind those that all share that does more than build or name a value."""
    if not any(written_by(step) for step in file.steps):
        step = file.steps[-1]
        return Reason(f"what `go build` of {file.path} writes cannot be read", "Name it with `-o`.",
                      span=step.item.code)  # fmt: skip
    last = file.chain[-1].index
    standing = [*(file.graph.base(leaf.stage) for leaf in file.leaves), *file.live_chain]
    if any(stage is not None and stage.index == last for stage in standing):
        return Reason(
            f"an image of {file.path} is based on its builder",
            "Base the image on something else.",
        )
    for step in tail:
        if step.stage.index != last:
            return Reason("it begins otherwise", "Make the first stages alike.")
        outputs = written_by(step)
        if step.item.keyword != "ARG" and (outputs is None or not all(o.output for o in outputs)):
            place = file.graph.tree.source.place(step.item.code)
            return Reason(
                f"`{shortened(step)}` at {place} comes after the steps that all of them share",
                "Move it above the `go build` in every file, or below the builder.",
                span=step.item.code,
            )
    return None


def _other_base(first: InputFile, file: InputFile) -> Reason | None:
    """Another image below the builder, or another first step."""
    mine, theirs = _base(file), _base(first)
    if mine != theirs:
        shown = " ".join(part for part in (mine[1], mine[0]) if part)
        other = " ".join(part for part in (theirs[1], theirs[0]) if part)
        return Reason(
            f"its builder is based on {shown}, that of {first.path} on {other}",
            "Use the same image in both files.",
            span=file.chain[0].from_.code,
        )
    return Reason(
        "its builder begins with another step", "Begin both builders with the same steps."
    )


def _meets(one: str, other: str) -> bool:
    """Whether two paths are one, or one lies in the other."""
    return f"{one}/".startswith(f"{other.rstrip('/')}/") or f"{other}/".startswith(f"{one}/")


def _differ(files: Sequence[InputFile], path: str) -> bool:
    """Whether two files write a path with other steps: the same step stands once."""
    steps = {s.key for f in files for s in f.steps for o in written_by(s) or () if o.output == path}
    return len(steps) > 1


def _suggested(file: InputFile) -> str:
    return f"/out/{file.binary}"


def _seen_by_git(facts: Facts, files: Sequence[InputFile]) -> Reason | None:
    """Go asks Git whether the sources are modified, and writes the answer into a program: a
    program beside the sources would change that for the next one."""
    file = files[0]
    wholes = [s.copy.target for f in files for s in f.steps if s.copy and s.copy.sources == (".",)]
    inside = [o for f in files for o in f.outputs for w in wholes if o.startswith(f"{w}/")]
    if not inside or file.context or not _sends_git(facts, file):
        return None
    calls = (o.call for f in files for s in f.steps for o in written_by(s) or ())
    if all(call.value("buildvcs") == "false" for call in calls):
        return None
    return Reason(
        f"go would write into the second program that the sources are modified, by {inside[0]}",
        f"Write the programs outside of the sources (`-o {_suggested(file)}`), or exclude `.git` "
        f"in .dockerignore.",
    )


def _sends_git(facts: Facts, file: InputFile) -> bool:
    """Whether the ignore file lets `.git` through."""
    path = facts.ignore_path(file.context, file.path)
    if path is None:
        return True
    return not Judge(read_ignore(facts.snapshot.source(path)).rules).judge_path(".git").matched


# Groups.


def _group(files: Sequence[InputFile], apart: tuple[Reason, ...]) -> Group:
    """The group of these files: the steps that all share, then those of each file in turn."""
    count = _beginning(files) if len(files) > 1 else len(files[0].steps)
    common = list(files[0].steps[:count])
    keys = [step.key for step in common]
    for file in files:
        for step in file.steps[count:]:
            if step.key not in keys[count:]:
                common.append(step)
                keys.append(step.key)
    members = tuple(Member(file, tuple(_matched(file, keys, count)), ()) for file in files)
    return Group(members, tuple(common), apart)


def _matched(file: InputFile, keys: Sequence[str], count: int) -> Iterator[Step | None]:
    """For each common step the file's own, None for those of others."""
    tail = {step.key: step for step in file.steps[count:]}
    for index, key in enumerate(keys):
        yield file.steps[index] if index < count else tail.get(key)


def _why_apart(
    facts: Facts,
    joined: Sequence[InputFile],
    files: Sequence[InputFile],
    apart: Mapping[str, Reason],
) -> Iterator[Reason]:
    """What keeps a file from the builder of the others."""
    if len(files) > 1:
        return
    file = files[0]
    others = [one for one in joined if one is not file]
    if file.path in apart:
        yield apart[file.path]
    elif others:
        found = _obstacle(facts, [*others, file])
        if found is not None:
            yield found


def why_alone(first: InputFile, file: InputFile) -> Reason:
    """Why a file shares neither modules nor a builder with another one."""
    if _base(first) != _base(file):
        found = _other_base(first, file)
        assert found is not None  # the images differ
        return found
    count = _beginning([first, file])
    step = file.steps[count] if count < len(file.steps) else file.steps[-1]
    return Reason(
        f"`{shortened(step)}` is the first step that {first.path} does not have there, "
        "and no modules are downloaded above it",
        "Download the modules above it in both files.",
        span=step.item.code,
    )
