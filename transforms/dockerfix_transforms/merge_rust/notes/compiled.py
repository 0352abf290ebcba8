"""What programs are compiled with that they were not compiled with before: packages, files,
tools, variables. Reading cannot prove such things harmless, so that each is an assumption.

Knows groups and the crates of the workspace; changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from dockerfix.api import Finding, Place, Severity, Span, Workspace, crates_that_notice
from dockerfix_transforms.merge_rust.group.admission import Admission
from dockerfix_transforms.merge_rust.group.group import Group, Member, added_steps
from dockerfix_transforms.merge_rust.notes.steps import shortened
from dockerfix_transforms.merge_rust.read.compiler import environment, is_compiler_variable
from dockerfix_transforms.merge_rust.read.steps import Role, Step, package_words
from dockerfix_transforms.merge_rust.write.wording import listed


def compiled_notes(
    workspace: Workspace, group: Group, hosts: Sequence[Member]
) -> Iterator[Finding]:
    """What is different for the programs of a group. `hosts` are the files of another group
    whose leading stages serve this one too."""
    yield from compiled_along(group)
    yield from _packages(workspace, group, hosts)
    yield from _added_steps(group)
    yield from _environment(workspace, group)
    yield from _inline_environment(workspace, group)


def compiled_along(group: Group) -> Iterator[Finding]:
    """Programs that nothing builds here, in a builder that serves images which are built."""
    built = [member.file.binary for member in group.members if member.file.builds]
    for member in group.members if built else ():
        if member.file.builds:
            continue
        yield Finding.at(
            member.file.place,
            severity=Severity.ASSUME,
            name="compiled-along",
            what=f"{member.file.binary} is compiled together with {', '.join(built)}, though no "
            "call site builds it",
            why="it takes its time, and where it does not compile the others fail with it",
            do=f"leave {member.file.path} out by naming the other files",
            subject=member.file.binary,
        )


def _packages(workspace: Workspace, group: Group, hosts: Sequence[Member]) -> Iterator[Finding]:
    """Packages that a binary's builder gains and that a locked crate could notice; everything
    that it gains where no Cargo.lock says which crates there are. `hosts` are the files of
    another group whose leading stages serve this one too."""
    everything = dict.fromkeys(_words_of([*hosts, *group.members]))
    for member in group.members:
        mine = _words_of([member])
        reasons: dict[str, list[str]] = {}
        for word in everything:
            why = "" if word in mine else _reader(workspace, word)
            if why:
                reasons.setdefault(why, []).append(word)
        if reasons:
            gained = [word for words in reasons.values() for word in words]
            yield Finding.at(
                member.file.place,
                severity=Severity.ASSUME,
                name="packages",
                what=f"{member.file.binary} is compiled with {listed(gained)} installed, which "
                "its own file does not install",
                why=_readers(reasons),
                do="compare the binary, or look at how the crate finds the library",
                subject=", ".join(gained),
            )


def _readers(reasons: Mapping[str, Sequence[str]]) -> str:
    """Which crates may use which packages, in one sentence."""
    if len(reasons) == 1:
        return next(iter(reasons))
    return "; ".join(f"{listed(words)}: {why}" for why, words in reasons.items())


_ADDED = {
    Admission.SOURCES: ("sources", ("has files in its builder that its own file does not copy",
                                    "have files in their builder that their own files do not copy"),
                        "a build script or macro could read them"),
    Admission.TOOLS: ("tools", ("is compiled with a tool that its own file does not install",
                                "are compiled with a tool that their own files do not install"),
                      "a build script could find and use it"),
}  # fmt: skip


def _added_steps(group: Group) -> Iterator[Finding]:
    """Sources and tools of some files that the builder of all has now."""
    lacking: dict[tuple[Span, Admission], tuple[Step, list[str]]] = {}
    for member in group.members:
        for step, kind in added_steps(group, member):
            if kind in _ADDED:
                found = lacking.setdefault((step.item.code, kind), (step, []))
                found[1].append(member.file.binary)
    for (_, kind), (step, names) in lacking.items():
        name, what, why = _ADDED[kind]
        yield Finding.at(step.item.source.place(step.item.code),
severity=Severity.ASSUME,
name=name,
what=f"{listed(names)} {what[len(names) > 1]}: {shortened(step)}",
why=why,
do="compare the binary, or look whether a build script does",
subject=", ".join(names),
)  # fmt: skip


def _reader(workspace: Workspace, word: str) -> str:
    """Why a package could matter to a crate that did not have it; "" when none could."""
    if workspace.locked is None:
        return "without a Cargo.lock, the crates that use it are unknown"
    noticing = crates_that_notice(re.split(r"[=<>~@]", word)[0], workspace.locked)
    return f"{', '.join(noticing)} may use it" if noticing else ""


def _words_of(members: Sequence[Member]) -> list[str]:
    return [
        word
        for member in members
        for step in member.file.steps
        if step.role is Role.PACKAGES
        for word in (package_words(step) or ("", ()))[1]
    ]


def _environment(workspace: Workspace, group: Group) -> Iterator[Finding]:
    """Variables that only some files set in a shared stage, where a build script could read
    them in a binary that did not have them."""
    said: set[str] = set()
    for index, step in enumerate(group.common):
        lacking = [m.file.binary for m in group.members if m.matched[index] is None]
        names = [
            name
            for name, _ in environment(step.item)
            if not is_compiler_variable(name) and name not in said
        ]
        said.update(names)
        if not lacking or not names or step.role is Role.PACKAGES:
            continue
        what = f"{', '.join(lacking)}: {', '.join(names)} is set in the shared builder now"
        place = step.item.source.place(step.item.code)
        yield _set_now(workspace, place, what, ", ".join(names))


def hosted_environment(workspace: Workspace, main: Group, group: Group) -> Iterator[Finding]:
    """Variables that the cook of the `main` group has, on which another group's builder stands,
    and that this one's own file does not set."""
    known = {name for step in group.common for name, _ in environment(step.item)}
    for step in main.common[: main.split]:
        names = [name for name, _ in environment(step.item) if name not in known]
        if names:
            what = f"{group.leader.file.binary}: {', '.join(names)} is set in its builder now"
            place = step.item.source.place(step.item.code)
            yield _set_now(workspace, place, what, ", ".join(names))


def _inline_environment(workspace: Workspace, group: Group) -> Iterator[Finding]:
    """`NAME=value cargo build` of some files, which the joint call has for all of them."""
    names: dict[str, set[str]] = {}
    for member in group.members:
        for step in member.file.steps:
            for call in step.calls if step.role is Role.BUILD else ():
                for assignment in call.command.assignments:
                    names.setdefault(assignment.name, set()).add(member.file.binary)
    everyone = {member.file.binary for member in group.members}
    sequential = any(member.file.alone for member in group.members)
    for name, having in names.items():
        lacking = sorted(everyone - having)
        if lacking and not sequential and not is_compiler_variable(name):
            what = f"{', '.join(lacking)}: compiled with {name} set now"
            yield _set_now(workspace, group.leader.file.place, what, name)


def _set_now(workspace: Workspace, place: Place, what: str, names: str) -> Finding:
    """Variables that a program did not have where it was compiled."""
    scripts = [package.name for package in workspace.packages if package.build_script]
    shown = f" ({', '.join(scripts[:3])})" if scripts else ""
    return Finding.at(
        place,
        severity=Severity.ASSUME,
        name="environment",
        what=what,
        why=f"macros and build scripts{shown} could read it",
        do="look whether they do",
        subject=names,
    )
