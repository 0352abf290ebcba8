"""Merges that come to nothing: what is said instead of a patch, and what stands in the way.

Knows what was read and grouped; changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from dockerfix.api import Facts, Finding, Proposal, Severity, Span
from dockerfix_transforms.merge_rust.callers.left import kept_files
from dockerfix_transforms.merge_rust.callers.rewrite import Callers
from dockerfix_transforms.merge_rust.callers.workflows import APART
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.reasons import accepting
from dockerfix_transforms.merge_rust.read.candidates import candidates
from dockerfix_transforms.merge_rust.scope.names import is_merged
from dockerfix_transforms.merge_rust.scope.scope import Scope


def too_few(facts: Facts, scope: Scope, stepped_down: int) -> Proposal:
    """Fewer than two files: nothing to do, or a refusal when some were left out. `stepped_down`
    is how many files a check of the engine has taken out before."""
    left_out = [f for f in scope.findings if f.severity is Severity.REFUSE]
    if scope.wish and scope.files and scope.into in facts.snapshot and not _serves(facts, scope):
        finding = _there(facts, scope, "is one of the Dockerfiles to merge")
        return Proposal(findings=(finding, *scope.findings), refused=True)
    if len(scope.files) + len(left_out) + stepped_down > 1:
        return Proposal(findings=tuple(left_out), refused=True)
    folder = scope.home.folder or "."
    where = f"of the workspace {scope.home.folder}".rstrip()
    paths = [*(file.path for file in scope.files), *(finding.subject for finding in left_out)]
    every = candidates(facts, scope.home.folder, ())
    mine = {*paths, scope.into}
    others = [path for path in every if path not in mine and not is_merged(path, scope.wish)]
    if paths and others and not scope.given:
        return Proposal(
            findings=tuple(f for f in scope.findings if f not in left_out),
            reason=f"nothing to merge: {paths[0]} alone compiles {folder} by a `cargo build` that "
            f"is read; {', '.join(others)} "
            + (
                "lies elsewhere, or is not read"
                if len(others) == 1
                else "lie elsewhere, or are not read"
            ),
        )
    if paths and others:
        return Proposal(
            reason=f"{paths[0]} was named alone, and {', '.join(others)} also build {folder}; "
            f"name the folder {folder} to merge them all"
        )
    if paths:
        return Proposal(reason=f"nothing to merge: {paths[0]} is the only Dockerfile {where}")
    merged = [path for path in every if is_merged(path, scope.wish)]
    if merged:
        return Proposal(reason=f"nothing to merge: {merged[0]} is the merged file already")
    if others:
        listed = ", ".join(others)
        return Proposal(reason=f"no `cargo build` that is read compiles {folder} in {listed}")
    return Proposal(reason=f"there is no Dockerfile {where}")


def nothing_built(facts: Facts, scope: Scope) -> Proposal | None:
    """Files that nothing builds, where one that is built cannot go along: they look disused."""
    built = {build.dockerfile for build in facts.builds.builds}
    left_out = [f.subject for f in scope.findings if f.severity is Severity.REFUSE]
    used = list(dict.fromkeys(path for path in left_out if path in built))
    if not used or any(file.builds for file in scope.files):
        return None
    paths = [file.path for file in scope.files]
    return Proposal(
        findings=tuple(scope.findings),
        reason=f"no call site builds {', '.join(paths)}; what is built is {', '.join(used)}. "
        "Delete them if nobody builds them by hand, or name them to merge them all the same",
    )


def nothing_shared(scope: Scope, groups: Sequence[Group]) -> Proposal:
    """No two files share a builder: what stands in the way, one line each."""
    findings = [finding for group in groups for finding in _in_the_way(group)]
    count = len(scope.files)
    return Proposal(
        reason=f"nothing to gain: {count} files would still need {count} compile passes",
        findings=(*scope.findings, *findings),
    )


def _in_the_way(group: Group) -> Iterator[Finding]:
    """What keeps a group from those before it, each difference at its place."""
    file = group.leader.file
    for reason in group.apart:
        last = accepting(group.apart) if reason is group.apart[-1] else ""
        span = reason.span or file.graph.tree.instructions[0].code
        yield Finding.at(
            file.graph.tree.source.place(span),
            severity=Severity.NOTE,
            name="nothing-to-gain",
            what=f"{file.path}: {reason.what}",
            why="It would be compiled as often as before.",
            do=f"{reason.do} {last}".strip(),
            subject=file.path,
        )


def nothing_gained(
    scope: Scope, findings: Iterable[Finding], callers: Callers, accept: Collection[str]
) -> Proposal:
    """A merge after which as much is compiled as before; `findings` are those of the merge."""
    built = [file.path for file in scope.files if file.builds]
    if len(built) == 1 and all(left.name == APART for left in callers.left):
        others = ", ".join(file.path for file in scope.files if not file.builds)
        return Proposal(
            findings=tuple(scope.findings),
            reason=f"nothing to gain: {built[0]} alone is built here, and no call site builds "
            f"{others}",
        )
    stay = [left.finding(accept) for left in callers.left]
    apart = [finding for finding in findings if finding.name in _REASONS]
    kept = kept_files(callers.left, accept)
    staying = [file.path for file in scope.files if file.path in kept]
    reason = _no_gain(callers, staying if len(staying) < len(scope.files) else ())
    if any(left.name != APART for left in callers.left):
        reason = f"as long as call sites stay with the old files, {reason}"
    return Proposal(findings=(*scope.findings, *apart, *stay), reason=reason)


_REASONS = ("separate-builder", "argument-splits-cache")
"""Findings that say why builders are not shared, or are compiled more than once."""


def _no_gain(callers: Callers, staying: Sequence[str]) -> str:
    """Why a merge would be no gain, with the figures; `staying` are the files that stay where
    others go."""
    before, after = callers.before, callers.after
    word = "pass" if before.passes == 1 else "passes"
    figures = f"{before.passes} compile {word} before, {after.passes} after"
    if callers.gains:
        return (
            f"{', '.join(staying) or 'every old Dockerfile'} would stay beside the merged one, "
            f"and only builds outside of CI would gain: {figures}"
        )
    if after.passes < before.passes:
        programs = f"{before.programs} programs compiled before, {after.programs} after"
        return f"a merge would cost more than it saves: {figures}; {programs}"
    return f"a merge would save nothing: {figures}"


def exists_already(facts: Facts, scope: Scope, data: bytes, no_ci: bool) -> Proposal | None:
    """What to say when a file of the merged one's name is there already: nothing to do where it
    is the merged file or serves the old ones, else a refusal. None when it is not there, or when
    it has to be remade for call sites."""
    into = scope.into
    if into not in facts.snapshot and facts.snapshot.is_folder(into):
        return Proposal(findings=(_folder(into), *scope.findings), refused=True)
    if into not in facts.snapshot or any(file.path == into for file in scope.files):
        return None
    if facts.snapshot.read(into) == data:
        asked = any(file.builds for file in scope.files)
        return (
            None if asked and not no_ci else Proposal(reason=f"{into} is the merged file already")
        )
    used = any(build.dockerfile == into for build in facts.builds.builds)
    if used and not any(file.builds for file in scope.files):
        old = ", ".join(file.path for file in scope.files)
        return Proposal(reason=f"{into} exists already, and no call site builds {old}")
    if _serves(facts, scope):
        old = ", ".join(file.path for file in scope.files)
        return Proposal(reason=f"{into} serves {old} already; what builds from them was left")
    finding = _there(facts, scope, "exists already, with another text")
    return Proposal(findings=(finding, *scope.findings), refused=True)


def _there(facts: Facts, scope: Scope, what: str) -> Finding:
    """A file has the merged one's name."""
    return Finding.at(
        facts.snapshot.source(scope.into).place(Span(0, 0)),
        name="exists",
        what=f"{scope.into} {what}",
        why="it would be overwritten",
        do="choose another name with --into",
        subject=scope.into,
    )


def _folder(into: str) -> Finding:
    return Finding.at(
        None,
        name="exists",
        what=f"{into} is a folder",
        why="the merged file would have its name",
        do="choose another name with --into",
        subject=into,
    )


def _serves(facts: Facts, scope: Scope) -> bool:
    """Whether the merged file that is there has a target for each of the old files: they were
    left for the sake of some call site."""
    names = {stage.name for stage in facts.stages(scope.into).stages}
    return all(
        any(name == file.binary or name.startswith(f"{file.binary}-") for name in names if name)
        for file in scope.files
    )
