"""What the commands of a build read of a context that a COPY takes as a whole.

A stage that only builds reads the projects that its commands name, and nothing of it is in the
image but what other stages take. Where one command, or what is taken, cannot be known, all of
it is read. Knows `dotnet`, `go`, `turbo prune` and commands that read the files they name;
edits nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msgspec import Struct

from dockerfix.facts.context.globs import has_wildcard
from dockerfix.facts.context.ignore import Judge
from dockerfix.facts.context.revision import may_ask_git
from dockerfix.facts.context.script import BuildScript
from dockerfix.facts.context.senders import rules_of
from dockerfix.facts.context.steps import BuildInput, CopyStep, RunStep, StageScript, absolute
from dockerfix.facts.context.tree import StageRef
from dockerfix.facts.dockerfile.walk import At, walk
from dockerfix.facts.dotnet import PROJECTS, SOLUTIONS, ProjectError, project_files
from dockerfix.facts.golang import VALUED, GoError, package_files, packages_of
from dockerfix.facts.members import (
    filtered,
    member_folder,
    paths_beside,
    root_of,
    script_of,
    unneeded,
)
from dockerfix.facts.package_commands import package_command
from dockerfix.facts.repository import Facts
from dockerfix.facts.turbo import pruned_files, pruned_packages
from dockerfix.facts.turbo_settings import WorkspaceError
from dockerfix.syntax.dockerfile import Instruction, Run
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Loop,
    Opaque,
    ShellWord,
    Statement,
    parse_shell,
)
from dockerfix.text import Kind, MappedText, is_within

_BUILDS = frozenset({"restore", "build", "publish", "pack", "clean", "msbuild"})
"""Verbs of `dotnet` that take a project, or the one in the current folder. `test` is none: tests
open files."""
_SETTINGS = frozenset(
    {
        "-c", "--configuration", "-o", "--output", "-r", "--runtime", "-f", "--framework", "-a",
        "--arch", "--os", "-v", "--verbosity", "--version-suffix", "--self-contained",
    }
)  # fmt: skip
"""Flags of `dotnet` whose value is no file that is read."""
_OTHER_VERBS = frozenset({"tool", "workload", "nuget", "new", "--info", "--version"})
_FILES = frozenset({"cp", "mv", "cat", "chmod", "chown", "ls", "ln", "install", "sed", "head"})
"""Commands that read or move the files that they name, and nothing else."""
_NOTHING = frozenset(
    {
        "echo", "printf", "true", "false", "exit", "set", "mkdir", "rm", "touch", "groupadd",
        "useradd", "adduser", "addgroup", "update-ca-certificates", "id", "uname",
    }
)  # fmt: skip
"""Commands that read nothing of a context's files."""
_OTHERS = frozenset(
    {"apt-get", "apt", "apk", "tdnf", "dnf", "microdnf", "yum", "curl", "wget", "export"}
)
"""Commands that read a file of a context only where a word names it."""
_TESTS = frozenset({"test", "["})
_OF_FILES = frozenset({*(f"-{letter}" for letter in "abcdefghkprsuwxLOGSN"), "-nt", "-ot", "-ef"})
"""Operators of `test` before or between files."""
_BRACKETS = re.compile(r"(?<!\S)\[\[?\s([^\]]*)\]")
_CASES = re.compile(r"\bcase\s([^\n]*?)\sin\b")
_ENTERS = re.compile(r"\b(cd|pushd)\b")
_LISTS = re.compile(r"[=:,;@\s]+")
_GO_FILES = frozenset({"GOENV", "GOCACHEPROG", "GOFLAGS", "GOWORK", "GO111MODULE"})
"""Variables of Go that name files, or change which are read."""
_DEEPEST = 5
"""Scripts of the root that call one another."""
_GIT = ".git"
_DOCKER = ".dcproj"
_MANIFESTS = (".config/dotnet-tools.json", "dotnet-tools.json")
_FLAG = ("-", "/p:", "/property:")


class _UnknownError(Exception):
    """What a command reads cannot be known."""


class Reads(Struct, frozen=True):
    """What is read of a context: paths relative to it. `left` are the folders that are not,
    but for a manifest, where that is the shorter way to say it."""

    paths: tuple[str, ...]
    left: tuple[str, ...] = ()


def reads_of(
    facts: Facts,
    dockerfile: str,
    context: str,
    wholes: Sequence[Instruction],
    *,
    projects: bool = True,
) -> Reads | None:
    """What is read of a context that the instructions `wholes` copy.

    None where all of it may be: a command is not known, or the copy is in an image that is asked
    for; for .NET and scripts of packages unless `projects`. Raises `SnapshotError` when the
    Dockerfile cannot be read.
    """
    given = (BuildInput.of(build) for build in facts.builds.builds)
    ways = [w for w in given if w and (w.dockerfile, w.context) == (dockerfile, context)]
    reading = _Reading(facts, dockerfile, context, wholes)
    try:
        for way in ways or [BuildInput(dockerfile, context)]:
            reading.build(BuildScript(facts.stages(dockerfile), way))
        if (reading.starts or reading.members) and not projects:
            return None
        reading.built()
    except (_UnknownError, ProjectError, GoError, WorkspaceError):
        return None
    if any(has_wildcard(path) or "\\" in path for path in reading.found):
        return None  # a line of an ignore file would take it for a pattern
    return Reads(tuple(sorted(reading.found)), reading.left)


class _Reading:
    """What the stages with a copy of the whole context read of it. `at` is where it stands in
    each of them, by the stage's index, and `places` are all such. `starts` are the projects that
    commands name, `packages` those of Go, `modules` the folders whose modules it loads, `entered`
    the folders that commands enter, and `pruned` the packages of each workspace that
    `turbo prune` takes; `built_in` are the stages whose commands were read. `members` are the
    packages of each workspace that scripts run in; `left` is what then need not be there."""

    def __init__(
        self, facts: Facts, dockerfile: str, context: str, wholes: Sequence[Instruction]
    ) -> None:
        self.facts = facts
        self.graph = facts.stages(dockerfile)
        self.context = context
        self.wholes = wholes
        self.found: dict[str, None] = {}
        self.starts: dict[str, None] = {}
        self.packages: dict[str, None] = {}
        self.modules: dict[str, None] = {}
        self.entered: dict[str, None] = {}
        self.pruned: dict[str, dict[str, None]] = {}
        self.at: dict[int, str] = {}
        self.places: dict[str, None] = {}
        self.built_in: dict[int, None] = {}
        self.members: dict[str, dict[str, None]] = {}
        self.left: tuple[str, ...] = ()

    def build(self, script: BuildScript) -> None:
        """One way to build the file. Raises `_UnknownError`."""
        self.at = {}
        for stage in self.graph.stages:
            self.stage(script.stage(stage.index))
        target = script.target
        if target is None or target.ref.index in self.at:
            raise _UnknownError
        for stage in self.graph.stages:
            self.taken(script.stage(stage.index))

    def stage(self, script: StageScript) -> None:
        """The commands of a stage behind the copy."""
        index = script.ref.index
        if isinstance(script.base, StageRef) and script.base.index in self.at:
            self.at[index] = self.at[script.base.index]
        copies = {
            step.instruction: step.destination
            for step in script.steps
            if isinstance(step, CopyStep) and step.instruction in self.wholes
        }
        for at in walk(self.graph, script.stage):
            if at.stage is not script.stage:
                continue
            if at.item in copies:
                self.copied(index, copies[at.item])
            elif at.item in self.wholes:  # a bind mount of everything
                raise _UnknownError
            elif index in self.at and isinstance(at.item, Run):
                self.built_in[index] = None
                self.run(at.item, at, self.at[index])

    def copied(self, index: int, destination: str) -> None:
        """The whole context stands at a place from here on."""
        place = posixpath.normpath(destination)
        if "$" in place or place == "/" or self.at.get(index, place) != place:
            raise _UnknownError
        self.at[index] = place
        self.places[place] = None

    def taken(self, script: StageScript) -> None:
        """What a stage takes from one with the copy."""
        for step in script.steps:
            if isinstance(step, CopyStep):
                pairs = [(step.source, absolute("/", path)) for path in step.local]
            elif isinstance(step, RunStep):
                pairs = [(mount.source, mount.path) for mount in step.mounts]
            else:
                continue
            for source, path in pairs:
                if isinstance(source, StageRef) and source.index in self.at:
                    self.path(path, self.at[source.index])

    def run(self, run: Run, at: At, place: str) -> None:
        """One RUN behind the copy."""
        script = parse_shell(run.script) if run.script is not None else None
        if run.script is None or script is None or script.broken or script.functions:
            raise _UnknownError
        if "<" in run.script.text.replace("<<", ""):
            raise _UnknownError  # a file is read, or a program's output
        _check_conditions(run.script.text)
        for test in _BRACKETS.findall(run.script.text):
            self.test(test, at.folder, run.script.text, place)
        for name, value in at.environment:
            self.setting(name, value)
            self.mentioned(value, place, place)
        _Shell(self, place).statements(script.statements, at.folder)

    def test(self, text: str, folder: str, script: str, place: str) -> None:
        """A test in brackets, which the shell's tree leaves out: the files that it asks for. In
        a script that enters a folder they are not known."""
        words = text.split()
        if not _OF_FILES.isdisjoint(words):
            if "$" in text or _ENTERS.search(script):
                raise _UnknownError
            for word in words:
                self.mentioned(word.strip("\"'"), folder, place)

    def setting(self, name: str, value: str | None) -> None:
        """A variable of the environment: unknown where it changes what Go reads."""
        if name not in _GO_FILES or value == "":
            return
        if name == "GOFLAGS" and value is not None and packages_of(value.split()) == ["."]:
            return
        if (name, value) not in (("GOWORK", "off"), ("GO111MODULE", "on"), ("GO111MODULE", "auto")):
            raise _UnknownError

    def mentioned(self, text: str, folder: str, place: str) -> None:
        """The files that a text names, by itself or in a list, behind `=` or as a URL: they
        count as read, whatever is done with them."""
        for piece in _LISTS.split(text):
            path = absolute(folder, f"/{piece.lstrip('/')}" if piece.startswith("/") else piece)
            if piece and self.inside(path, place):
                self.path(path, place)

    def path(self, path: str, place: str) -> None:
        """A path, perhaps with wildcards, that is read: all of the context where it is, or
        holds, the place of the copy."""
        inner = self.inside(path, place)
        if inner is None:
            if "$" in path or f"{place}/".startswith(f"{path.rstrip('/')}/"):
                raise _UnknownError
            return
        full = posixpath.join(self.context, inner)
        if full in self.facts.snapshot or self.facts.snapshot.is_folder(full):
            self.found[inner] = None
        elif has_wildcard(inner):
            self.path(posixpath.dirname(path), place)

    def inside(self, path: str, place: str) -> str | None:
        """An absolute path relative to the context that stands at a place; None elsewhere."""
        return path[len(place) + 1 :] if path.startswith(f"{place}/") else None

    def built(self) -> None:
        """The files of what commands build. Raises `ProjectError`, `GoError` and
        `WorkspaceError`."""
        snapshot = self.facts.snapshot
        if self.members:
            self.workspace()
            return
        if not self.starts and not self.packages and not self.pruned:
            raise _UnknownError
        paths = [*project_files(snapshot, self.context, tuple(self.starts))]
        paths += package_files(snapshot, self.context, tuple(self.packages), tuple(self.modules))
        for root, names in self.pruned.items():
            paths += pruned_files(snapshot, root, tuple(names))
        cut = len(self.context) + 1 if self.context else 0
        for path in paths:
            if path in ("", self.context) or (self.context and path[cut - 1 : cut] != "/"):
                raise _UnknownError
            self.found[path[cut:]] = None
        for inner in self.entered:
            there = snapshot.is_folder(posixpath.join(self.context, inner))
            if there and not any(is_within(p, inner) or is_within(inner, p) for p in self.found):
                self.found[inner] = None
        self.history()
        self.links()

    def workspace(self) -> None:
        """The members of one workspace that stay, and all that lies beside them. Raises
        `_UnknownError` and `WorkspaceError`."""
        ((root, names),) = self.members.items() if len(self.members) == 1 else (("", {}),)
        if not names or self.starts or self.packages or self.pruned:
            raise _UnknownError
        snapshot, cut = self.facts.snapshot, len(self.context) + 1 if self.context else 0
        gone = [path[cut:] for path in unneeded(snapshot, root, tuple(names))]
        named = [*self.found, *self.entered]
        self.found = dict.fromkeys(paths_beside(snapshot, self.context, gone))
        beside = set(self.found)
        self.links()
        read = {*named, *(self.found.keys() - beside)}
        self.left = tuple(
            folder
            for folder in gone
            if not any(is_within(path, folder) or is_within(folder, path) for path in read)
        )
        if not self.left:
            raise _UnknownError
        self.found = dict.fromkeys(paths_beside(snapshot, self.context, self.left))

    def links(self) -> None:
        """What the links in what is read lead to, which is read as well; where nothing is there,
        a file that nobody committed may be. Raises `_UnknownError` for a link to all of it."""
        snapshot = self.facts.snapshot
        cut = len(self.context) + 1 if self.context else 0
        judge = Judge(rules_of(self.facts, self.context, self.graph.tree.path))
        links = {
            path[cut:]: snapshot.entries[path].link
            for path in snapshot.below(self.context)
            if snapshot.entries[path].kind is Kind.SYMLINK
            and not judge.judge_path(path[cut:]).matched
        }
        waiting = [inner for inner in links if self.covers(inner)]
        while waiting:
            for inner in waiting:
                del links[inner]
                self.leads(inner, snapshot.entries[posixpath.join(self.context, inner)].link, judge)
            waiting = [inner for inner in links if self.covers(inner)]

    def leads(self, inner: str, link: str, judge: Judge) -> None:
        """One link: what it leads to in the copy. Elsewhere in the image nothing changes."""
        for place in self.places:
            path = absolute(posixpath.join(place, posixpath.dirname(inner)), link)
            target = self.inside(path, place)
            if target is None and f"{place}/".startswith(f"{path.rstrip('/')}/"):
                raise _UnknownError
            if target is not None and not self.covers(target):
                full = posixpath.join(self.context, target)
                there = full in self.facts.snapshot or self.facts.snapshot.is_folder(full)
                if there or not judge.judge_path(target).matched:
                    self.found[target] = None

    def covers(self, inner: str) -> bool:
        """Whether a path of the context is read, or lies in a folder that is."""
        return any(is_within(inner, path) for path in self.found)

    def history(self) -> None:
        """`.git`, as far as an ignore file lets it through: the SDK of .NET writes the revision
        into what it builds. Go writes, too, whether a file is missing: then all are read, unless
        git is not there."""
        rules = rules_of(self.facts, self.context, self.graph.tree.path)
        inner = any(rule.startswith(f"!{_GIT}") for rule in rules)
        there = self.facts.snapshot.is_folder(posixpath.join(self.context, _GIT))
        builds = self.starts or self.packages
        if there and builds and (inner or not Judge(rules).judge_path(_GIT).matched):
            stages = (self.graph.stages[index] for index in self.built_in)
            if self.packages and any(may_ask_git(self.graph, stage) for stage in stages):
                raise _UnknownError
            if self.starts:
                self.found[_GIT] = None


class _Shell:
    """The commands of one RUN, with the folder that each runs in."""

    def __init__(self, reading: _Reading, place: str, depth: int = 0) -> None:
        self.reading = reading
        self.place = place
        self.depth = depth

    def statements(self, body: Sequence[Statement], folder: str) -> str:
        """All of them in order; gives the folder after them."""
        for statement in body:
            if isinstance(statement, Command):
                folder = self.command(statement, folder)
            elif isinstance(statement, Assignment):
                self.assigned(statement, folder)
            elif isinstance(statement, Block | Loop):
                for value in statement.values if isinstance(statement, Loop) else ():
                    self.substitutions(value, folder)
                    if has_wildcard(value.written):
                        raise _UnknownError
                after = self.statements(statement.body, folder)
                isolated = isinstance(statement, Block) and statement.isolated
                if after != folder and not isolated and _may_be_left_out(statement):
                    raise _UnknownError
                folder = folder if isolated else after
            else:
                raise _UnknownError
        return folder

    def substitutions(self, word: ShellWord | None, folder: str) -> None:
        """The commands whose output a word takes."""
        for part in word.parts if word is not None else ():
            if isinstance(part, Opaque):
                if not part.body:
                    raise _UnknownError
                self.statements(part.body, folder)

    def command(self, command: Command, folder: str) -> str:
        """One command; gives the folder after it."""
        self.around(command, folder)
        name, words = command.name, command.words[1:]
        if name == "cd" and len(words) == 1 and words[0].value is not None:
            return self.enter(absolute(folder, words[0].value))
        if name == "dotnet":
            self.dotnet(words, folder)
        elif name == "go":
            self.go(words, folder)
        elif self.prune(command, folder) or self.package(command, folder) or _is_removal(command):
            pass
        elif _is_install(command) or name in _OTHERS:
            self.others(words, folder)
        elif name in _TESTS:
            self.tests(words, folder)
        elif name == ".":
            self.sourced(words, folder)
        elif name in _FILES:
            self.files(words, folder)
        elif command.words and name not in _NOTHING:
            raise _UnknownError
        return folder

    def around(self, command: Command, folder: str) -> None:
        """The commands whose output a command takes, and its variables."""
        for word in command.words:
            self.substitutions(word, folder)
        for assignment in command.assignments:
            self.assigned(assignment, folder)

    def enter(self, folder: str) -> str:
        """`cd` into a folder, which must be there."""
        inner = self.reading.inside(folder, self.place)
        if inner:
            self.reading.entered[inner] = None
        return folder

    def assigned(self, assignment: Assignment, folder: str) -> None:
        """A variable: the files that its value names, which a command may read."""
        word = assignment.value
        self.substitutions(word, folder)
        self.reading.setting(assignment.name, word.value if word is not None else "")
        if word is not None and word.value is not None:
            self.reading.mentioned(word.value, folder, self.place)

    def others(self, words: Sequence[ShellWord], folder: str) -> None:
        """Words among which one may name a file of the context, or begin as one."""
        for word in words:
            text = word.written.strip("\"'") if word.value is None else word.value
            head = text.partition("$")[0]
            if word.value is not None:
                self.reading.mentioned(text, folder, self.place)
            elif "://" not in text and ("/" in head or head.startswith(".")):
                path = absolute(folder, head)
                if path == self.place or self.reading.inside(path, self.place) is not None:
                    raise _UnknownError

    def tests(self, words: Sequence[ShellWord], folder: str) -> None:
        """`test`: whether a file is there must stay as it is."""
        asks = any(word.value in _OF_FILES for word in words)
        for word in words:
            if word.value is None and asks:
                raise _UnknownError
            if word.value is not None:
                self.reading.mentioned(word.value, folder, self.place)

    def dotnet(self, words: Sequence[ShellWord], folder: str) -> None:
        """The projects that a `dotnet` command builds: those it names, or the folder's."""
        verb = words[0].value if words else None
        if verb in _OTHER_VERBS:
            self.others(words[1:], folder)
            for name in _MANIFESTS if verb == "tool" else ():
                self.reading.mentioned(name, folder, self.place)
            return
        if verb not in _BUILDS:
            raise _UnknownError
        named = False
        before = ""
        for word in words[1:]:
            if word.value is None:
                plain = word.written.strip("\"'")
                if before not in _SETTINGS and not (
                    plain.startswith(_FLAG) and "/" not in plain[1:]
                ):
                    raise _UnknownError
            else:
                named |= self.argument(word.value, folder)
            before = word.written.strip("\"'")
        if not named and not self.folder_of_project(folder):
            raise _UnknownError

    def argument(self, text: str, folder: str) -> bool:
        """A word, or the value of a property, that may name a project or another file. Tells
        whether it is what is built."""
        if text.startswith("@") or text.lower().endswith((".slnf", ".config")):
            raise _UnknownError  # words, projects or sources of packages from a file
        if _is_other_project(text):
            raise _UnknownError
        path = absolute(folder, text.rpartition("=")[2] or ".")
        inner = self.reading.inside(path, self.place)
        full = posixpath.join(self.reading.context, inner) if inner else ""
        snapshot = self.reading.facts.snapshot
        if full in snapshot and text.lower().endswith(
            (*PROJECTS, *SOLUTIONS, ".props", ".targets")
        ):
            self.reading.starts[full] = None
            return "=" not in text and text.lower().endswith((*PROJECTS, *SOLUTIONS))
        if text.startswith(("-", "/p")) and "=" in text and ".." in text:
            raise _UnknownError  # relative to a project
        if full in snapshot or (text.startswith(_FLAG) and snapshot.is_folder(full or "?")):
            self.reading.found[inner or ""] = None
        elif not text.startswith("-") and "=" not in text:
            if self.folder_of_project(path):
                return True
            if full and snapshot.is_folder(full):
                self.reading.found[inner or ""] = None  # such as one with packages
        return False

    def folder_of_project(self, path: str) -> bool:
        """A folder whose solution or project is built: whether it holds one."""
        inner = self.reading.inside(path, self.place)
        if inner is None and path != self.place:
            return False
        folder = posixpath.join(self.reading.context, inner or "").rstrip("/")
        found = [
            file
            for file in self.reading.facts.snapshot.below(folder)
            if posixpath.dirname(file) == folder and file.lower().endswith((*PROJECTS, *SOLUTIONS))
        ]
        others = self.reading.facts.snapshot.below(folder)
        if any(posixpath.dirname(file) == folder and _is_other_project(file) for file in others):
            raise _UnknownError
        self.reading.starts.update(dict.fromkeys(found))
        return bool(found)

    def go(self, words: Sequence[ShellWord], folder: str) -> None:
        """The packages that a `go` command builds."""
        said = [word.value for word in words]
        if said[:1] in (["env"], ["version"]) and "-w" not in said:
            return
        if said[:2] in (["mod", "download"], ["mod", "verify"]):
            self.reading.modules[self.full(folder)] = None
            return
        named = packages_of(_values(words[1:])) if said[:1] in (["build"], ["install"]) else None
        if named is None:
            raise _UnknownError
        for text in named:
            if "@" in text:
                continue  # a module of a registry
            if not text.startswith((".", "/")) and not text.endswith(".go"):
                raise _UnknownError  # the path of an import
            path = absolute(folder, text)
            if posixpath.basename(path) == "*.go":
                path = posixpath.dirname(path)
            if has_wildcard(path) or "{" in path:
                raise _UnknownError
            self.reading.packages[self.full(path)] = None

    def full(self, path: str) -> str:
        """An absolute path in the copy, relative to the repository's root."""
        inner = "" if path == self.place else self.reading.inside(path, self.place)
        if inner is None:
            raise _UnknownError
        return posixpath.join(self.reading.context, inner).rstrip("/")

    def prune(self, command: Command, folder: str) -> bool:
        """The packages that a `turbo prune` names: whether the command is one."""
        named = pruned_packages([word.value for word in command.words])
        if named is None:
            return False
        root = self.full(folder)
        self.reading.pruned.setdefault(root, {}).update(dict.fromkeys(named))
        return True

    def package(self, command: Command, folder: str) -> bool:
        """A script of a package manager: whether the command is one, and known."""
        ran = package_command([word.value for word in command.words])
        if ran is None or _is_install(command):
            return False
        snapshot, place = self.reading.facts.snapshot, self.full(folder)
        root = root_of(snapshot, place, self.reading.context)
        if root is None:
            raise _UnknownError
        names = self.reading.members.setdefault(root, {})
        names.update(dict.fromkeys(filtered(snapshot, root, ran.names)))
        if not ran.script:
            return True
        if place != root:
            inner = place[len(root) + 1 if root else 0 :]
            if member_folder(snapshot, root, inner) is None:
                raise _UnknownError
            names[inner] = None
            return True
        text = script_of(snapshot, root, ran.script)
        script = (
            parse_shell(MappedText.whole(" ".join([text, *ran.rest]).encode())) if text else None
        )
        if script is None or script.broken or script.functions or self.depth >= _DEEPEST:
            raise _UnknownError
        _Shell(self.reading, self.place, self.depth + 1).statements(script.statements, folder)
        return True

    def sourced(self, words: Sequence[ShellWord], folder: str) -> None:
        """`. FILE`: known where the file is none of the context."""
        text = words[0].value if words else None
        if text is None or self.reading.inside(absolute(folder, text), self.place) is not None:
            raise _UnknownError

    def files(self, words: Sequence[ShellWord], folder: str) -> None:
        """The files that a command names."""
        for word in words:
            if word.value is None:
                raise _UnknownError
            if not word.value.startswith("-"):
                self.reading.path(absolute(folder, word.value), self.place)


def _is_install(command: Command) -> bool:
    """Whether a package manager only installs tools for all, or is switched on itself."""
    said = [word.value or word.written.strip("\"'") for word in command.words]
    if said[:1] == ["corepack"]:
        return said[1:2] in (["enable"], ["prepare"], ["use"])
    manager = said[:1] and said[0] in ("npm", "pnpm", "yarn")
    return bool(manager) and ("-g" in said or "--global" in said)


def _is_removal(command: Command) -> bool:
    """Whether a `find` only removes what it finds."""
    said = [word.value or "" for word in command.words]
    runs = [
        said[at + 1 : at + 2] for at, word in enumerate(said) if word.startswith(("-exec", "-ok"))
    ]
    return said[:1] == ["find"] and all(run == ["rm"] for run in runs)


def _check_conditions(text: str) -> None:
    """Raises `_UnknownError` for a condition that takes the output of a command."""
    for condition in (*_BRACKETS.findall(text), *_CASES.findall(text)):
        if "$(" in condition or "`" in condition:
            raise _UnknownError


def _is_other_project(path: str) -> bool:
    """Whether MSBuild would build a file of a kind that is not followed."""
    kind = posixpath.splitext(path.lower())[1]
    return kind.endswith("proj") and kind not in (*PROJECTS, _DOCKER)


def _values(words: Sequence[ShellWord]) -> list[str | None]:
    """The words of a `go` command; a flag's value with a variable says nothing of packages."""
    found: list[str | None] = []
    for word in words:
        plain = word.written.strip("\"'")
        before = (found[-1] or "") if found else ""
        valued = before.startswith("-") and before.lstrip("-") in VALUED
        flag = plain.startswith("-") or valued
        found.append(plain if word.value is None and flag else word.value)
    return found


def _may_be_left_out(statement: Block | Loop) -> bool:
    return isinstance(statement, Loop) or statement.conditional or statement.alternatives
