"""What a person is told about a merge: differences, gains, what to look at.

Each function looks at one thing and gives findings. Knows groups and the merged file; changes
nothing.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from dockerfix.api import (
    Build,
    Facts,
    Finding,
    Place,
    Scalar,
    Severity,
    Span,
    Workspace,
    YamlError,
    crates_that_notice,
    parse_yaml,
    read_cargo,
)
from dockerfix.api import Mapping as YamlMapping
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.merge_rust.group.admission import Admission
from dockerfix_transforms.merge_rust.group.group import Group, Member, added_steps
from dockerfix_transforms.merge_rust.group.settings import IN_PATHS
from dockerfix_transforms.merge_rust.read.compiler import environment, is_compiler_variable
from dockerfix_transforms.merge_rust.read.inputs import RustFile
from dockerfix_transforms.merge_rust.read.steps import (
    Role,
    Step,
    commands,
    makes_tools,
    package_words,
)
from dockerfix_transforms.merge_rust.scope import place_of
from dockerfix_transforms.merge_rust.workflows import JoinedWorkflow
from dockerfix_transforms.merge_rust.write.layout import Merged


def merge_notes(
    facts: Facts, workspace: Workspace, groups: Sequence[Group], merged: Merged
) -> list[Finding]:
    """All findings about the merged file itself."""
    found = [
        Finding(Severity.NOTE, "widened", note, "", "", place, place.path)
        for place, note in merged.plan.notes
    ]
    for group in groups:
        found += _apart(group)
        found += _dropped(group)
        hosts = groups[0].members if merged.plan.is_guest(group) else ()
        found += _compiled_along(group)
        found += _packages(workspace, group, hosts)
        found += _added_steps(group)
        found += _environment(workspace, group)
        found += _inline_environment(workspace, group)
        found += _cook_setting(group)
        for member in group.members:
            found += _unused_cook(member.file)
            found += _useless_cook(member.file)
    found += _splitting_arguments(groups)
    return found


def _apart(group: Group) -> Iterator[Finding]:
    names = [reason.partition(":")[0] for reason in group.apart]
    fixed = any(" " in name or name in IN_PATHS for name in names)
    accept = "align the files" if fixed else f"--accept {' --accept '.join(names)} unites them"
    for reason in group.apart:
        file = group.leader.file
        yield Finding(
            Severity.NOTE,
            "separate-builder",
            f"{', '.join(m.file.binary for m in group.members)}: a builder of its own ({reason})",
            "its crates are compiled once more",
            accept,
            place_of(file),
            file.binary,
        )


def _dropped(group: Group) -> Iterator[Finding]:
    """Tools that one file alone installs where it only compiles."""
    for member in group.members:
        for step in member.dropped if all(makes_tools(s) for s in member.dropped) else ():
            yield Finding(
                Severity.NOTE,
                "dropped",
                f"{member.file.binary}: {_short(step)} is gone",
                "no image is based on it, and nothing that is built names the tool",
                "if its build needs the tool after all, put it back above the cook",
                step.item.source.place(step.item.code),
                member.file.binary,
            )


def _compiled_along(group: Group) -> Iterator[Finding]:
    """Programs that nothing builds here, in a builder that serves images which are built."""
    built = [member.file.binary for member in group.members if member.file.builds]
    for member in group.members if built else ():
        if member.file.builds:
            continue
        yield Finding(
            Severity.ASSUME,
            "compiled-along",
            f"{member.file.binary} is compiled together with {', '.join(built)}, though no call "
            "site builds it",
            "it takes its time, and where it does not compile the others fail with it",
            f"leave {member.file.path} out by naming the other files",
            place_of(member.file),
            member.file.binary,
        )


def _packages(workspace: Workspace, group: Group, hosts: Sequence[Member]) -> Iterator[Finding]:
    """Packages that a binary's builder gains and that a locked crate could notice; everything
    that it gains where no Cargo.lock says which crates there are. `hosts` are the files of
    another group whose leading stages serve this one too."""
    everything = dict.fromkeys(_listed([*hosts, *group.members]))
    for member in group.members:
        mine = _listed([member])
        reasons: dict[str, list[str]] = {}
        for word in everything:
            why = "" if word in mine else _reader(workspace, word)
            if why:
                reasons.setdefault(why, []).append(word)
        for why, words in reasons.items():
            yield Finding(
                Severity.ASSUME,
                "packages",
                f"{member.file.binary} is compiled with {', '.join(words)} installed, which its "
                "own file does not install",
                why,
                "compare the binary, or look at how the crate finds the library",
                place_of(member.file),
                ", ".join(words),
            )


_ADDED = {
    Admission.SOURCES: ("sources", "has files in its builder that its own file does not copy",
                        "a build script or macro could read them"),
    Admission.TOOLS: ("tools", "is compiled with a tool that its own file does not install",
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
        yield Finding(
            Severity.ASSUME, name, f"{', '.join(names)} {what}: {_short(step)}", why,
            "compare the binary, or look whether a build script does",
            step.item.source.place(step.item.code), ", ".join(names),
        )  # fmt: skip


def _reader(workspace: Workspace, word: str) -> str:
    """Why a package could matter to a crate that did not have it; "" when none could."""
    if workspace.locked is None:
        return "without a Cargo.lock, the crates that use it are unknown"
    noticing = crates_that_notice(re.split(r"[=<>~@]", word)[0], workspace.locked)
    return f"{', '.join(noticing)} may use it" if noticing else ""


def _listed(members: Sequence[Member]) -> list[str]:
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
    scripts = [package.name for package in workspace.packages if package.build_script]
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
        source = step.item.source
        yield Finding(
            Severity.ASSUME,
            "environment",
            f"{', '.join(lacking)}: {', '.join(names)} is set in the shared builder now",
            "macros and build scripts"
            + (f" ({', '.join(scripts[:3])})" if scripts else "")
            + " could read it",
            "look whether they do",
            source.place(step.item.code),
            ", ".join(names),
        )


def _inline_environment(workspace: Workspace, group: Group) -> Iterator[Finding]:
    """`NAME=value cargo build` of some files, which the joint call has for all of them."""
    names: dict[str, set[str]] = {}
    for member in group.members:
        for step in member.file.steps:
            for call in step.calls if step.role is Role.BUILD else ():
                for assignment in call.command.assignments:
                    names.setdefault(assignment.name, set()).add(member.file.binary)
    everyone = {member.file.binary for member in group.members}
    scripts = [package.name for package in workspace.packages if package.build_script]
    sequential = any(member.file.alone for member in group.members)
    for name, having in names.items():
        lacking = sorted(everyone - having)
        if lacking and not sequential and not is_compiler_variable(name):
            yield Finding(
                Severity.ASSUME,
                "environment",
                f"{', '.join(lacking)}: compiled with {name} set now",
                "macros and build scripts"
                + (f" ({', '.join(scripts[:3])})" if scripts else "")
                + " could read it",
                "look whether they do",
                place_of(group.leader.file),
                name,
            )


def _cook_setting(group: Group) -> Iterator[Finding]:
    """A file alone in its group keeps a cook whose flags are not its build's."""
    if len(group.members) > 1:
        return
    file = group.leader.file
    cook = next((s for s in file.steps if s.role is Role.COOK and s.call is not None), None)
    build = next((s for s in file.steps if s.role is Role.BUILD and s.call is not None), None)
    if cook is None or build is None or cook.call is None or build.call is None:
        return
    if cook.call.setting() != build.call.setting():
        yield Finding(
            Severity.NOTE,
            "cook-setting",
            f"{file.binary}: the cook has other flags than the build",
            "crates whose profile or features differ are compiled twice",
            "give both the same profile, features and target",
            cook.item.source.place(cook.item.code),
            file.binary,
        )


def _unused_cook(file: RustFile) -> Iterator[Finding]:
    """A development image that runs cargo with another profile than its cook."""
    cook = next((step for step in file.steps if step.role is Role.COOK), None)
    if cook is None or cook.call is None or cook.call.profile == "dev":
        return
    for leaf in file.live_leaves:
        base = file.graph.base(leaf.stage)
        if base is None or not file.in_chain(base):
            continue
        for item in leaf.stage.instructions:
            if item.keyword in ("CMD", "ENTRYPOINT") and _runs_dev(
                [word.value for word in item.json or ()]
            ):
                yield Finding(
                    Severity.NOTE,
                    "cook-unused",
                    f"{file.binary}: the image runs cargo in the dev profile, its cook compiled "
                    f"{cook.call.profile}",
                    "every dependency is compiled again at the first run; the cook gains nothing "
                    "here",
                    "cook the dev profile too, or run with the cook's profile",
                    file.graph.tree.source.place(item.code),
                    leaf.stage.name or "",
                )


def _runs_dev(words: Sequence[str]) -> bool:
    runs = words[:1] == ["cargo"] and any(w in ("run", "test", "watch") for w in words[1:2])
    return runs and not any(word in ("--release", "-r", "--profile") for word in words)


def _useless_cook(file: RustFile) -> Iterator[Finding]:
    """A cook that ran in another folder than the build."""
    where = ""
    folders: dict[Role, str] = {}
    steps: dict[Role, Step] = {}
    for step in file.steps:
        if step.item.keyword == "WORKDIR":
            where = posixpath.join(where or "/", step.item.words[0].value)
        folders[step.role] = where or "/"
        steps[step.role] = step
    if Role.COOK not in folders or Role.BUILD not in folders:
        return
    if folders[Role.COOK] != folders[Role.BUILD]:
        item = steps[Role.COOK].item
        yield Finding(
            Severity.NOTE,
            "cook-folder",
            f"{file.binary}: the cook runs in {folders[Role.COOK]}, the build in "
            f"{folders[Role.BUILD]}",
            "what was cooked is not found by the build, and compiled again",
            "set WORKDIR before the cook",
            item.source.place(item.code),
            file.binary,
        )


def _splitting_arguments(groups: Sequence[Group]) -> Iterator[Finding]:
    """Build arguments that reach a shared stage with different values."""
    for group in groups:
        if len(group.members) < 2:
            continue
        names = {
            name
            for step in group.common
            if step.item.keyword == "ARG"
            for name, _ in environment(step.item)
        }
        builds = [build for member in group.members for build in member.file.builds]
        for name in sorted(names):
            given = {_given(build, name) for build in builds}
            if len(given) > 1:
                yield Finding(
                    Severity.NOTE,
                    "argument-splits-cache",
                    f"the build argument {name} reaches the shared builder with "
                    f"{len(given)} values",
                    "each value compiles everything below it again",
                    "declare the ARG in the image's own stage",
                    place_of(group.leader.file),
                    name,
                )


def _given(build: Build, name: str) -> str | None:
    """The value that a build gives to an argument; None when it gives none."""
    found = (a.value.text if a.value is not None else "" for a in build.arguments if a.name == name)
    return next(found, None)


def unasked_notes(merged: Merged) -> list[Finding]:
    """Stages that nothing here asks for: kept, under the file's name."""
    return [
        Finding(
            Severity.NOTE,
            "unasked-stage",
            f"no call site asks for the stage {stage.name}; it is kept as "
            f"{file.binary}-{stage.name}",
            "somebody may build it by hand",
            "delete it if nobody does",
            file.graph.tree.source.place(stage.from_.code),
            f"{file.path}:{stage.name}",
        )
        for file, stage in merged.plan.unasked
    ]


def joined_notes(joined: Iterable[JoinedWorkflow]) -> Iterator[Finding]:
    """What a joined job of a workflow changes that no file of the repository says."""
    for one in joined:
        names = ", ".join(one.olds)
        names = names if len(one.olds) > 1 else f"{one.rows} runs of {names}"
        yield Finding.at(
            one.place,
            name="jobs-joined",
            severity=Severity.ASSUME,
            what=f"the job {one.name} does the work of {names}",
            why="Where one image fails to build, those after it are not pushed. A status check"
            " that is required by an old name would wait for ever.",
            do="Look at the required status checks in the repository's settings, or keep the jobs"
            " apart with --accept jobs-apart.",
            subject=one.name,
        )


def idle_notes(idle: Sequence[tuple[str, Place]]) -> list[Finding]:
    """Scripts of templates that no job runs any more."""
    return [
        Finding(
            Severity.NOTE,
            "idle-script",
            f"no job runs the script of {name} any longer; it names a file that is gone",
            "the jobs that ran it are one, with a script of its own",
            "delete it, or write the new script there",
            place,
            name,
        )
        for name, place in dict.fromkeys(idle)
    ]


def moved_notes(merged: Merged) -> list[Finding]:
    """Steps that only one file has, which stand on the cook now."""
    return [
        Finding(
            Severity.NOTE,
            "moved",
            f"{file.binary}: {_short(step)} runs after the cook now, for its own target only",
            "the shared builder does without it",
            "",
            step.item.source.place(step.item.code),
            json.dumps(step.item.text),
        )
        for file, step in merged.plan.moved
    ]


def _short(step: Step) -> str:
    for command in commands(step.script):
        call = read_cargo(command)
        if call is not None:
            return f"cargo {call.verb} {' '.join(call.positional)}".strip()
    text = step.item.text
    return text if len(text) <= 60 else text[:57] + "..."


_DEPENDABOT = (".github/dependabot.yml", ".github/dependabot.yaml")


def dependabot_notes(facts: Facts, moved: Sequence[str], into: str) -> Iterator[Finding]:
    """Folders that Dependabot looks into for Dockerfiles, and that hold none any more.

    `moved` are paths that go or come; folders are written from the root, with a slash.
    """
    left = {posixpath.dirname(path) for path in facts.dockerfiles if path not in moved}
    left.add(posixpath.dirname(into))
    gone = {posixpath.dirname(path) for path in moved} - left
    for folder in _dependabot_folders(facts):
        if folder.text.strip("/") in gone:
            yield Finding(
                Severity.NOTE,
                "dependabot",
                f"Dependabot looks for a Dockerfile in {folder.text}, where none is left",
                "base images there are no longer updated",
                f"let one entry say /{posixpath.dirname(into)}, and remove the others",
                folder.file.source.place(folder.span),
                folder.text,
            )


def _dependabot_folders(facts: Facts) -> Iterator[Scalar]:
    """The folders of Dependabot's entries for docker; none in a file that is no YAML."""
    for path in _DEPENDABOT:
        try:
            file = facts.snapshot.derive(path, parse_yaml) if path in facts.snapshot else None
        except YamlError:
            continue
        root = file.root if file is not None else None
        updates = root.get("updates") if root is not None else None
        for item in updates.items if isinstance(updates, YamlSequence) else ():
            folder = item.get("directory") if isinstance(item, YamlMapping) else None
            kind = item.get("package-ecosystem") if isinstance(item, YamlMapping) else None
            docker = isinstance(kind, Scalar) and kind.text == "docker"
            if docker and isinstance(folder, Scalar):
                yield folder


def plain_docker_build(deleted: Sequence[str], into: str) -> Iterator[Finding]:
    """A plain `Dockerfile` that goes: `docker build folder` by hand stops working."""
    for path in deleted:
        if posixpath.basename(path) != "Dockerfile" or posixpath.basename(into) == "Dockerfile":
            continue
        folder = posixpath.dirname(path) or "."
        yield Finding(
            Severity.ASSUME,
            "plain-docker-build",
            f"`docker build {folder}` will stop working",
            "calls that are not in a file of this repository cannot be seen",
            "accept this if nobody runs it by hand, or pass --into Dockerfile to keep the name",
            None,
            path,
        )
