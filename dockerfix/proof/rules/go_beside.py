"""A step of a build stage that compiles other Go programs, beside those that an image ships.

Go's caches are addressed by contents, so that a build changes nothing for the next one but by the
files that it writes: none of them may be one that the image's own steps or stages read. Knows
chains; how a RUN is read stands in `proof.go`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.facts.dockerfile.places import Placed, within
from dockerfix.proof.go.builds import Work, keeps_to_output, work_of
from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.steps.chain import Key, Step
from dockerfix.proof.steps.reading import from_context, set_by
from dockerfix.syntax.dockerfile import Copy, Env, Run

RULE = "go-beside"
_HEEDED = (
    "GO", "CGO_", "PKG_CONFIG", "LD_", "LIB", "C_INCLUDE", "CPATH", "CPLUS", "CC", "CXX", "AR",
    "FC", "GCC", "GIT_", "SSH_", "XDG_", "COMPILER_", "LC_", "LANG",
)  # fmt: skip
_OBEYED = frozenset(
    {
        "PATH", "HOME", "TMPDIR", "TMP", "TEMP", "SHELL", "IFS", "ENV", "BASH_ENV", "USER", "PWD",
        "SOURCE_DATE_EPOCH", "CDPATH",
    }
)  # fmt: skip
"""Variables that go, git, the C compiler or a shell obey."""
_CACHES = ("/root/.cache/go-build/x", "/go/pkg/mod/x", "/root/go/pkg/mod/x", "/tmp/x")


def go_beside(pair: Pair, step: Step) -> Use | None:
    """The rule under which a step that only compiles other Go programs may be new."""
    if pair.shipped or RULE not in pair.allowed or pair.tree is None:
        return None
    if not any(work_of(one) is not None for one in pair.before.steps):
        return None
    after = pair.after.steps
    position = next(n for n, one in enumerate(after) if one is step)
    mine = {one.key for one in pair.before.steps}
    names = set_by(step)
    if names:
        free = _is_unheeded(pair, names, [s for s in after[position + 1 :] if s.key in mine])
        return Use(RULE, f"sets {', '.join(names)}, which nothing else reads") if free else None
    work = work_of(step)
    if work is None or not work.bare or not _keep_to_output(after[:position]):
        return None
    old_go = not _knows_go_sum(pair.after.graph.image(pair.after.stage))
    if old_go or _reads_more(after[position + 1 :], mine) or not _is_free(pair, work):
        return None
    return Use(RULE, f"also runs `{step.short}`")


def _is_unheeded(pair: Pair, names: Sequence[str], later: Sequence[Step]) -> bool:
    """Whether no step of the image's own heeds variables: go reads those of its own alone."""
    known = any(
        name.startswith(_HEEDED)
        or name in _OBEYED
        or name.endswith("FLAGS")
        or name.lower().endswith("_proxy")
        for name in names
    )
    if known or pair.before.variables.intersection(names):
        return False
    builds = all(
        (work := work_of(step)) is not None and work.bare
        for step in later
        if isinstance(step.instruction, Run)
    )
    return builds and not any(name in step.instruction.text for name in names for step in later)


def _keep_to_output(steps: Sequence[Step]) -> bool:
    """Whether no setting of the chain has go write elsewhere, or change a manifest."""
    for step in steps:
        item = step.instruction
        if item.keyword == "SHELL" or (isinstance(item, Run) and "env -w" in item.text):
            return False
        if "GOFLAGS" in set_by(step):
            values = dict(item.pairs) if isinstance(item, Env) else {}
            if not keeps_to_output(values.get("GOFLAGS", "$")):
                return False
        if {"GOENV", "GOCACHE", "GOMODCACHE", "GOPATH", "GOTMPDIR"} & set(set_by(step)):
            return False
        if isinstance(item, Run) and ("env -w" in item.text or item.keyword == "SHELL"):
            return False
    return True


def _reads_more(later: Sequence[Step], mine: set[Key]) -> bool:
    """Whether one of the image's own steps behind this one does more than build with go."""
    return any(
        isinstance(step.instruction, Run) and ((work := work_of(step)) is None or not work.bare)
        for step in later
        if step.key in mine
    )


def _is_free(pair: Pair, work: Work) -> bool:
    """Whether nothing of the image is at, below or above the paths that a step writes."""
    files = [build.output.rstrip("/") for build in work.builds]
    paths = [*files, *work.folders]
    own = [w for step in pair.before.steps if (w := work_of(step)) is not None]
    outputs = [build.output.rstrip("/") for w in own for build in w.builds]
    folders = [folder for w in own for folder in w.folders]
    taken = [f"/{one.lstrip('/')}" for one in _taken(pair)]
    if any(_meets(path, one) for path in (*paths, *_CACHES) for one in taken):
        return False
    if any(_touches(path, one) for path in files for one in outputs):
        return False
    if any(within(folder, path) for path in files for folder in folders):
        return False
    if any(within(folder, one) for folder in work.folders for one in outputs):
        return False
    return not any(_is_noticed(pair, own, path) for path in paths)


def _taken(pair: Pair) -> Iterator[str]:
    """The paths that stages of the image's file take out of the stage that is compared, or out of
    one that stands on it."""
    graph, compared = pair.before.graph, pair.before.stage.index
    for stage in graph.stages:
        for named in graph.references(stage):
            if named.stage is None or all(s.index != compared for s in graph.chain(named.stage)):
                continue
            item = named.instruction
            if isinstance(item, Copy):
                yield from (word.value for word in item.sources)
            elif isinstance(item, Run):
                yield from (
                    m.option("source", "src") or "/" for m in item.mounts if "from" in m.options
                )


def _meets(path: str, taken: str) -> bool:
    """Whether a path that a stage copies, which may hold a variable or a pattern, could be or
    hold a path."""
    ends = [taken.find(sign) for sign in "$*?[" if sign in taken]
    if ends:
        known = taken[: min(ends)]
        return path.startswith(known) or known.startswith(f"{path}/")
    return _touches(path, posixpath.normpath(taken))


def _touches(one: str, other: str) -> bool:
    return within(one, other) or within(other, one)


def _is_noticed(pair: Pair, own: Sequence[Work], path: str) -> bool:
    """Whether go, Git or a copy meets a path in the image's build stage."""
    tree = pair.tree
    assert tree is not None  # the rule asks for it first
    whole = False
    for root, source in _roots(pair):
        if within(root, path):
            return True
        if within(path, root):
            whole = whole or source == "."
            inside = posixpath.normpath(posixpath.join(source, posixpath.relpath(path, root)))
            if not source or tree.notices(inside):
                return True
    stamped = any(b.call.value("buildvcs") != "false" for w in own for b in w.builds)
    return whole and tree.has_git and stamped


def _roots(pair: Pair) -> Iterator[tuple[str, str]]:
    """The folders of the stage into which something is copied or mounted, each with the folder of
    the context that it shows; empty for what is not the context's."""
    for step in pair.before.steps:
        item, copy = step.instruction, step.placed
        if isinstance(item, Copy):
            yield from _copied(pair, step, copy)
        for mount in item.mounts if isinstance(item, Run) else ():
            if mount.kind == "bind":
                target = mount.option("target", "dst", "destination") or ""
                source = (mount.option("source", "src") or ".").strip("/") or "."
                where = posixpath.normpath(posixpath.join(step.where, target))
                yield _shown(pair, where, source) if not mount.option("from") else (where, "")


def _copied(pair: Pair, step: Step, copy: Placed | None) -> Iterator[tuple[str, str]]:
    """The folders into which one COPY or ADD brings something."""
    if copy is None or not copy.target.startswith("/") or "$" in copy.target:
        yield "/", ""
    elif not from_context(step) or any(sign in one for one in copy.sources for sign in "$*?["):
        yield copy.target, ""
    else:
        for source in copy.sources:
            if copy.keyword == "ADD" and source != "." and not pair.is_folder(source):
                yield copy.target, ""  # an archive, or a download
            elif copy.destination.endswith("/") and not pair.is_folder(source):
                yield copy.target, posixpath.dirname(source) or "."
            else:
                yield _shown(pair, copy.target, source)


def _shown(pair: Pair, where: str, source: str) -> tuple[str, str]:
    """A folder of the context as it stands in the stage; the one around a single file."""
    if source == "." or pair.is_folder(source):
        return where, source
    return posixpath.dirname(where), posixpath.dirname(source) or "."


def _knows_go_sum(image: str) -> bool:
    """Whether an image is not known to hold a go before 1.16, whose builds write go.mod."""
    name, _, tag = image.rpartition(":")
    parts = tag.partition("-")[0].split(".")
    if posixpath.basename(name) != "golang" or not all(part.isdecimal() for part in parts):
        return True
    return len(parts) < 2 or (int(parts[0]), int(parts[1])) >= (1, 16)
