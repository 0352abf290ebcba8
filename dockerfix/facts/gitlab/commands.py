"""Which commands a job runs, wherever they are written: functions, scripts, make, npm, Compose.

A job's lines are followed into what the repository holds. What cannot be followed is listed
with the reason, so that a caller can tell *nothing more runs* from *nobody knows*. Knows
how commands start others; judges none of them.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.facts.builds.compose_calls import compose_use
from dockerfix.facts.builds.gathered import ComposeCall
from dockerfix.facts.builds.jobs import runs_of
from dockerfix.facts.builds.make import Makefiles, make_words
from dockerfix.facts.builds.recognise import plain, recognise, unwrapped
from dockerfix.facts.builds.script_files import read_script, script_path
from dockerfix.facts.builds.words import Scope, bound_to, words_of
from dockerfix.facts.compose import BASE_NAMES
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.model import CallSite, ComposeUse, SiteKind, Tool, Value
from dockerfix.syntax.shell import (
    SHELLS,
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Opaque,
    Statement,
    parse_shell,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, Sequence, YamlError, parse_yaml
from dockerfix.text import MappedText, Place, Snapshot, SnapshotError, Source, join_path

_NODE = frozenset({"npm", "yarn", "pnpm", "bun"})
_WRAPPERS = frozenset({"gradlew", "mvnw"})
"""Scripts that a build tool writes into a repository, to fetch and run itself."""
_DEPTH = 12
_STEPS = 5_000


class Ran(Struct, frozen=True):
    """One command: its words after expansion (unknown variables as `${NAME}`), and where the
    job's text leads to it. `tolerated` says that its failure is caught by a `||`; `service` is
    the Compose service that it runs in, empty for the job's own shell, `sources` whether the
    job's files are there."""

    words: tuple[str, ...]
    place: Place
    tolerated: bool = False
    service: str = ""
    sources: bool = True

    @property
    def name(self) -> str:
        """The program, without its folder."""
        return posixpath.basename(self.words[0])


class Unfollowed(Struct, frozen=True):
    """What a job runs that reading cannot follow, and why: a command as it is written, or a text
    that is known by its place alone (`what` is then empty). `file` is the program's path where
    it is a file of this repository."""

    what: str
    why: str
    place: Place
    file: str = ""

    def said(self) -> str:
        """How a person finds it."""
        place = f"{self.place.path}:{self.place.position.line}"
        return f"`{self.what}`" if self.what else f"the script at {place}"


class Commands(Struct, frozen=True):
    """Everything that one job runs. `compose` are its Compose commands, `texts` all that was
    read for it, each with the file that it stands in: what is computed inside a test, a default
    or a variable of make is in no command of `ran`."""

    ran: tuple[Ran, ...]
    unfollowed: tuple[Unfollowed, ...]
    compose: tuple[ComposeUse, ...]
    texts: tuple[tuple[str, str], ...] = ()


class CommandReader:
    """Reads the jobs of one pipeline; Makefiles are read once for all of them."""

    def __init__(self, snapshot: Snapshot, pipeline: Pipeline) -> None:
        self.snapshot = snapshot
        self.pipeline = pipeline
        self._makefiles = Makefiles(snapshot)

    def of(self, job: Job) -> Commands:
        """The commands of a job, each run of a matrix included, equal ones once."""
        walker = _Walker(self.snapshot, self._makefiles)
        for run in runs_of(self.pipeline, job, {}):
            functions: dict[str, tuple[Function, Source]] = {}
            for mapped, source, state in run:
                walker.text(mapped, _At(source, "", state.scope, functions))
        return Commands(
            tuple(dict.fromkeys(walker.ran)),
            tuple(dict.fromkeys(walker.unfollowed)),
            tuple(dict.fromkeys(walker.compose)),
            tuple(walker.texts),
        )


@dataclass(slots=True)
class _At:
    """Where the walk stands. `place` is set where the text itself has no place of its own."""

    source: Source
    folder: str | None
    scope: Scope
    functions: dict[str, tuple[Function, Source]]
    depth: int = 0
    tolerated: bool = False
    service: str = ""
    place: Place | None = None
    sources: bool = True

    def inside(self, source: Source, folder: str | None) -> _At:
        """One call deeper, in another text."""
        return _At(
            source, folder, self.scope, self.functions, self.depth + 1, self.tolerated,
            self.service, self.place, self.sources,
        )  # fmt: skip


@dataclass(slots=True)
class _Walker:
    """Gathers the commands of one job."""

    snapshot: Snapshot
    makefiles: Makefiles
    ran: list[Ran] = field(default_factory=list)
    unfollowed: list[Unfollowed] = field(default_factory=list)
    compose: list[ComposeUse] = field(default_factory=list)
    texts: dict[tuple[str, str], None] = field(default_factory=dict)
    steps: int = 0

    def text(self, mapped: MappedText, at: _At) -> None:
        """A shell text."""
        self.texts[(at.source.path, mapped.text)] = None
        script = parse_shell(mapped)
        for span in script.broken[:1]:
            place = at.place or at.source.place(span)
            self.stop("", "the shell grammar cannot read it", place)
        self.statements(script.statements, at)

    def stop(self, what: str, why: str, place: Place, file: str = "") -> None:
        """Note what is not followed."""
        self.unfollowed.append(Unfollowed(what, why, place, file))

    def statements(self, statements: Iterable[Statement], at: _At) -> None:
        """Every statement; conditions are taken to hold both ways."""
        for statement in statements:
            self.steps += 1
            if self.steps > _STEPS or at.depth > _DEPTH:
                self.stop("", "it is too long", at.source.place(statement.span))
                return
            self.statement(statement, at)

    def statement(self, item: Statement, at: _At) -> None:
        """One statement."""
        if isinstance(item, Function):
            at.functions[item.name] = (item, at.source)
        elif isinstance(item, Assignment):
            self.substituted([item.value] if item.value is not None else [], at)
            if item.value is not None:
                at.scope = at.scope.bind(item.name, bound_to(item.value, at.scope, at.source))
        elif isinstance(item, Command):
            self.substituted([*item.words, *(a.value for a in item.assignments if a.value)], at)
            self.command(item, at)
        elif isinstance(item, Loop):
            self.substituted(item.values, at)
            self.statements(item.body, at)
        else:
            self.block(item, at)

    def block(self, item: Block, at: _At) -> None:
        """A list, branch or group: what stands before a `||` may fail."""
        tolerated, folder = at.tolerated, at.folder
        for number, statement in enumerate(item.body):
            last = number == len(item.body) - 1
            at.tolerated = tolerated or (item.operator == "||" and not last)
            self.statement(statement, at)
        at.tolerated = tolerated
        if item.isolated:
            at.folder = folder
        elif item.conditional and at.folder != folder:
            at.folder = None

    def substituted(self, words: Iterable[object], at: _At) -> None:
        """Commands inside `$(...)`."""
        for word in words:
            for part in getattr(word, "parts", ()):
                if isinstance(part, Opaque) and part.body:
                    self.statements(part.body, at)

    def command(self, item: Command, at: _At) -> None:
        """One command, and what it starts."""
        words = unwrapped(words_of(item.words, at.scope, at.source))
        if not words:
            return
        place = at.place or at.source.place(item.span)
        name = posixpath.basename(plain(words[0]))
        if name == "cd":
            target = plain(words[1]) if len(words) > 1 else ""
            at.folder = script_path(target, at.folder) if at.folder is not None else None
        elif name in at.functions and "/" not in plain(words[0]):
            function, source = at.functions[name]
            if at.depth < _DEPTH:
                inner = at.inside(source, at.folder)
                inner.scope = at.scope.called(words[1:])
                self.statements(function.body, inner)
        elif "${" in plain(words[0]):
            self.stop(plain(words[0]), "the command is in a variable", place)
        elif not self.started(name, words, place, at):
            self.note(words, place, at)

    def started(self, name: str, words: tuple[Value, ...], place: Place, at: _At) -> bool:
        """Whether the command is one that runs others, which are then followed."""
        if name in SHELLS or name in (".", "source") or "/" in plain(words[0]):
            return self.script(name, words, place, at)
        if name == "eval":
            self.stop("eval", "its text is made while it runs", place)
            return True
        if name in ("make", "gmake"):
            return self.make(words, place, at)
        if name in _NODE:
            return self.package(words, place, at)
        found = recognise(words)
        if found is not None and found.tool is Tool.COMPOSE:
            self.composed(found.rest, place, at)
        return False

    def script(self, name: str, words: tuple[Value, ...], place: Place, at: _At) -> bool:
        """`sh FILE`, `./FILE`, `. FILE` and `sh -c TEXT`; a program of the image is none."""
        texts = [plain(word) for word in words]
        if name in SHELLS and len(texts) > 1 and texts[1].startswith("-") and "c" in texts[1]:
            inner = at.inside(at.source, at.folder)
            inner.place = place
            self.text(MappedText.whole(" ".join(texts[2:3]).encode()), inner)
            return True
        started = name in SHELLS or name in (".", "source")
        written = _script_of(texts[1:]) if started else texts[0]
        if not written or written.startswith(("/", "~/", "${HOME}/")) or _activates(texts):
            return False
        if posixpath.basename(written) in _WRAPPERS:
            return False
        path = script_path(written, at.folder) if at.folder is not None else None
        script = read_script(self.snapshot, path) if path is not None else None
        if path is None or script is None:
            there = path if path is not None and path in self.snapshot else ""
            self.stop(written, "it is not a shell script of this repository", place, there)
            return started
        inner = at.inside(self.snapshot.source(path), at.folder)
        inner.functions = at.functions if name in (".", "source") else dict(at.functions)
        self.texts[(path, self.snapshot.text(path))] = None
        if script.broken:
            self.stop(path, "the shell grammar cannot read it", place)
        self.statements(script.statements, inner)
        return True

    def make(self, words: tuple[Value, ...], place: Place, at: _At) -> bool:
        """The recipes that `make` runs."""
        call = make_words(words[1:], at.folder)
        file = self.makefiles.find(call) if call is not None else None
        wanted = file.wanted(call.targets) if file is not None and call is not None else []
        if file is None or call is None or not wanted:
            self.stop("make", "its Makefile or target is not in this repository", place)
            return True
        for part in (file.path, *sorted(file.included)):
            self.texts[(part, self.snapshot.text(part))] = None
        for name in file.unread:
            self.stop(f"include {name}", "which Makefile that is cannot be known", place)
        whole = file.expander(call, at.scope)
        for rule, target in wanted:
            expander = file.of_target(whole, rule, target)
            for mapped in file.recipe(expander, rule):
                inner = at.inside(rule.source, call.folder)
                inner.scope = file.scope(expander)
                self.text(mapped, inner)
        return True

    def package(self, words: tuple[Value, ...], place: Place, at: _At) -> bool:
        """`npm run NAME`, `npm test` and their kin, from package.json; False for the rest."""
        texts = [plain(word) for word in words[1:] if not plain(word).startswith("-")]
        verb = texts[0] if texts else ""
        script = texts[1] if verb in ("run", "run-script") and len(texts) > 1 else verb
        if verb not in ("run", "run-script", "test", "start", "t") and words[0].text == "npm":
            return False
        path = join_path(at.folder, "package.json") if at.folder is not None else None
        text = self.package_script(path, "test" if script == "t" else script)
        if text is None:
            if verb in ("run", "run-script", "test", "start", "t"):
                self.stop(" ".join(plain(w) for w in words), "its script is not known", place)
                return True
            return False
        inner = at.inside(at.source, at.folder)
        inner.place = place
        self.text(MappedText.whole(text.encode()), inner)
        return True

    def package_script(self, path: str | None, name: str) -> str | None:
        """A script of a package.json."""
        if path is None or path not in self.snapshot:
            return None
        try:
            scripts = json.loads(self.snapshot.read(path)).get("scripts", {})
        except (ValueError, AttributeError, SnapshotError):
            return None
        found = scripts.get(name) if isinstance(scripts, dict) else None
        return found if isinstance(found, str) else None

    def composed(self, rest: tuple[Value, ...], place: Place, at: _At) -> None:
        """What runs in the services of a Compose command that mount the sources."""
        site = CallSite(SiteKind.GITLAB, "", place)
        call = ComposeCall(site, rest, at.scope, at.folder)
        use = compose_use(call, self.snapshot)
        if use is None:
            return
        self.compose.append(use)
        if use.verb not in ("run", "exec", "up", "start", "create"):
            return
        given = _behind_service(rest, use) if use.verb in ("run", "exec") else ()
        for name, body in self.services(use, at):
            command = given if name in use.services[:1] and given else _command(body)
            inner = at.inside(at.source, "")
            inner.place, inner.service, inner.sources = place, name, _mounts(body)
            if not inner.sources:
                self.words(given if name in use.services[:1] else (), place, inner)
            elif command is None:
                self.stop(f"the service {name}", "its command is in its image", place)
            elif "entrypoint" in body.resolved:
                self.stop(f"the service {name}", "its entrypoint decides what runs", place)
            else:
                self.words(command, place, inner)

    def words(self, command: tuple[str, ...], place: Place, at: _At) -> None:
        """A command that is given as words, in a service."""
        values = unwrapped(tuple(Value(text, text) for text in command))
        if not values:
            return
        name = posixpath.basename(plain(values[0]))
        inline = name in SHELLS and "-c" in command
        if not (at.sources or inline) or not self.started(name, values, place, at):
            self.note(values, place, at)

    def note(self, words: tuple[Value, ...], place: Place, at: _At) -> None:
        """One command that starts no other."""
        texts = tuple(plain(word) for word in words)
        self.ran.append(Ran(texts, place, at.tolerated, at.service, at.sources))

    def services(self, use: ComposeUse, at: _At) -> Iterator[tuple[str, YamlMapping]]:
        """The services that a Compose command starts, `depends_on` left out: all for none."""
        files = use.files or tuple(
            path for name in BASE_NAMES if (path := join_path(at.folder or "", name))
        )
        for path in files:
            if path not in self.snapshot:
                continue
            try:
                root = self.snapshot.derive(path, parse_yaml).root
            except (YamlError, SnapshotError):
                self.stop(path, "it cannot be read", use.site.place)
                continue
            section = root.get("services") if root is not None else None
            for name, body in section.resolved.items() if isinstance(section, YamlMapping) else ():
                if isinstance(body, YamlMapping) and (not use.services or name in use.services):
                    yield name, body


def _activates(texts: list[str]) -> bool:
    """Whether a command enters a virtual environment of Python, whose script a tool wrote."""
    return texts[0] in (".", "source") and texts[-1].endswith("bin/activate")


def _script_of(words: list[str]) -> str:
    """The script that a shell is given; empty for a text on its standard input."""
    at = 0
    while at < len(words) and words[at].startswith(("-", "+")):
        flag = words[at]
        if flag == "-" or (flag[1:2] != "-" and "s" in flag):
            return ""
        # `-o pipefail` and `-euo pipefail` take a word of their own.
        at += 2 if flag[1:2] != "-" and flag.endswith("o") else 1
    return words[at] if at < len(words) else ""


def _behind_service(rest: tuple[Value, ...], use: ComposeUse) -> tuple[str, ...]:
    """The words behind the service's name in `run` and `exec`."""
    texts = [plain(word) for word in rest]
    if not use.services or use.services[0] not in texts[1:]:
        return ()
    return tuple(texts[texts.index(use.services[0], 1) + 1 :])


def _command(body: YamlMapping) -> tuple[str, ...] | None:
    """A service's own command; None when its image decides."""
    node = body.get("command")
    if isinstance(node, Sequence):
        return tuple(item.text for item in node.items if isinstance(item, Scalar))
    return ("sh", "-c", node.text) if isinstance(node, Scalar) else None


def _mounts(body: YamlMapping) -> bool:
    """Whether a service mounts the folder of its Compose file, in which `.git` may stand."""
    volumes = body.get("volumes")
    for item in volumes.items if isinstance(volumes, Sequence) else ():
        node = item.get("source") if isinstance(item, YamlMapping) else item
        source = node.text.split(":")[0] if isinstance(node, Scalar) else ""
        if source in (".", "./", "..", "../", "$PWD", "${PWD}", "./.git", "$CI_PROJECT_DIR",
                      "${CI_PROJECT_DIR}"):  # fmt: skip
            return True
    return False
