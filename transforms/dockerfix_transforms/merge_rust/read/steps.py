"""The steps of a Rust image's build chain: what each instruction is there for.

A chain is the run of instructions from the base image to the `cargo build` whose binary is
shipped. Knows one Dockerfile at a time; knows nothing of other files or of call sites.
"""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Container, Iterator

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import (
    Block,
    CargoCall,
    Command,
    Copy,
    From,
    Instruction,
    IsFolder,
    Placed,
    Run,
    Script,
    Stage,
    StageGraph,
    Statement,
    folders,
    parse_shell,
    placed,
    read_cargo,
)


class Role(enum.Enum):
    """What a step is there for."""

    PACKAGES = "packages"
    CHEF = "cargo-chef"
    PREPARE = "prepare"
    RECIPE = "recipe"
    COOK = "cook"
    SOURCES = "sources"
    BUILD = "build"
    GO = "go build"
    """Brings modules or compiles with go; of another language's merge."""
    OTHER = "other"


_MANAGERS = {
    "apk": "add",
    "apt-get": "install",
    "apt": "install",
    "dnf": "install",
    "yum": "install",
}
_LISTS = ("/var/lib/apt/lists", "/var/cache/apt", "/var/cache/apk")


class Step(Struct, frozen=True):
    """One instruction of a chain.

    `key` is equal for steps of two files that stand for the same thing: the whole text for
    most, only the role for those that a merge unites or widens.
    """

    item: Instruction
    stage: Stage
    role: Role
    key: str
    script: Script | None = None
    where: str = ""
    """The folder in which the instruction runs; relative where only the base image knows."""
    copy: Placed | None = None
    """What a COPY or ADD brings where."""
    instead: str = ""
    """The path to write in place of a WORKDIR's."""

    @property
    def calls(self) -> tuple[CargoCall, ...]:
        """The cargo commands of a prepare, cook or build step; several in a sequence."""
        wanted = {Role.PREPARE: "chef prepare", Role.COOK: "chef cook"}.get(self.role)
        found = (read_cargo(command) for command in commands(self.script))
        return tuple(
            call
            for call in found
            if call is not None
            and (call.compiles if self.role is Role.BUILD else call.verb == wanted)
        )

    @property
    def call(self) -> CargoCall | None:
        """The first of `calls`."""
        return next(iter(self.calls), None)


def steps_of(
    graph: StageGraph, stage: Stage, is_folder: IsFolder | None = None
) -> tuple[Step, ...]:
    """The steps of one stage, FROM left out; `is_folder` tells the folders of the context."""
    where = folders(graph, stage)
    below = {lower.index for lower in graph.chain(stage)[:-1]}
    feeding: dict[int, str] = {}
    for reference in graph.references(stage):
        if reference.stage is not None:
            words = feeding.get(id(reference.instruction), "")
            feeding[id(reference.instruction)] = words + words_of(graph, reference.stage, below)
    steps = (
        _step(graph, stage, item, where[number], is_folder, id(item) in feeding)
        for number, item in enumerate(stage.instructions)
    )
    return tuple(
        replace(step, key=f"{step.key} from {feeding[id(step.item)]}")
        if id(step.item) in feeding and step.role is not Role.RECIPE
        else step
        for step in steps
    )


def words_of(graph: StageGraph, stage: Stage, known: Container[int] = ()) -> str:
    """All that makes a stage: a step that copies from it is the same only with the same. What
    a merge unites or widens counts by its role; stages in `known` are compared by the caller."""
    return "\n".join(
        line
        for other in graph.needs(stage)
        if other.index not in known
        for line in (_image_of(graph, other), *(step.key for step in steps_of(graph, other)))
    )


def _image_of(graph: StageGraph, stage: Stage) -> str:
    """What a stage stands on; other stages are told apart by their own words."""
    image = stage.from_.image
    if image is None or graph.base(stage) is not None:
        return ""
    return f"{stage.from_.platform.value if stage.from_.platform else ''} {image.value}"


def commands(script: Script | None) -> Iterator[Command]:
    """The simple commands of a script that may be absent."""
    return script.commands() if script is not None else iter(())


def statement_list(script: Script | None) -> tuple[Statement, ...] | None:
    """The statements of `a && b && c`, or of lines below a `set -e`, which stops at the first
    that fails too; a branch or a pipeline is one of them. None for any other script."""
    statements: tuple[Statement, ...] = script.statements if script is not None else ()
    if len(statements) == 1 and isinstance(statements[0], Block):
        block = statements[0]
        if block.operator != "&&" or block.isolated or block.conditional:
            return None
        return block.body
    if len(statements) > 1 and not _stops_at_failure(statements[0]):
        return None
    return statements


def flat_list(script: Script | None) -> tuple[Command, ...] | None:
    """The commands of a list of statements; None where it holds anything but simple commands."""
    statements = statement_list(script)
    if statements is None:
        return None
    found = tuple(item for item in statements if isinstance(item, Command))
    return found if len(found) == len(statements) else None


def _stops_at_failure(first: Statement) -> bool:
    """Whether a script begins with `set -e` or the like."""
    if not isinstance(first, Command) or first.name != "set":
        return False
    words = [word.value or "" for word in first.words[1:]]
    return any(word[:1] == "-" and "e" in word for word in words) or "errexit" in words


_FOLDERS = frozenset({".", "/", "/usr/local/bin", "/usr/bin", "/bin", "/opt", "/tmp", "/srv"})
"""Folders that every image has, so that what is copied to them keeps its name."""


def written_paths(command: Command) -> list[str]:
    """The files that a copying command makes, as it writes them; none for any other."""
    values = [word.value or "" for word in command.words[1:]]
    values = [value for value in values if not value.startswith("-")]
    if command.name not in ("cp", "mv", "install", "ln") or len(values) < 2:
        return []
    *sources, last = values
    folder = last.endswith("/") or last in _FOLDERS or len(sources) > 1
    names = [posixpath.basename(source) for source in sources]
    return [posixpath.join(last, name) for name in names] if folder else [last]


def makes_tools(step: Step) -> bool:
    """Whether a step does nothing but install programs from a registry, or components of the
    toolchain."""
    found = tuple(commands(step.script)) if flat_list(step.script) is not None else ()
    return bool(found) and all(_makes_a_tool(command) for command in found)


def _makes_a_tool(command: Command) -> bool:
    call = read_cargo(command)
    if call is not None:
        return call.verb == "install" and not call.values("path") and bool(call.positional)
    words = [word.value for word in command.words]
    return words[:3] == ["rustup", "component", "add"]


def only_installs(step: Step) -> bool:
    """Whether a step installs packages and does no more than refresh and clean their lists: a
    file that lacks it may get it as a part of its own list."""
    found = flat_list(step.script) or ()
    return (
        bool(found)
        and step.role is Role.PACKAGES
        and all(_installs(command) or _keeps_lists(command) for command in found)
    )


def _installs(command: Command) -> bool:
    verb = _MANAGERS.get(posixpath.basename(command.name))
    plain = (word.value for word in command.words[1:] if not word.written.startswith("-"))
    return verb is not None and next(plain, None) == verb


def _keeps_lists(command: Command) -> bool:
    """Whether a command fetches or deletes what a package manager knows of its packages."""
    words = [word.value or "" for word in command.words]
    name, plain = posixpath.basename(command.name), [w for w in words[1:] if w[:1] != "-"]
    if name == "rm":
        return bool(plain) and all(word.startswith(_LISTS) for word in plain)
    if name == "set":
        return plain in ([], ["pipefail"])
    return name in _MANAGERS and plain in (["update"], ["clean"], ["clean", "all"], ["makecache"])


def package_words(step: Step) -> tuple[str, tuple[str, ...]] | None:
    """The package manager and the packages that a step installs; None when it does not."""
    for command in commands(step.script):
        name = posixpath.basename(command.name)
        if name in _MANAGERS:
            values = [word.value for word in command.words[1:]]
            plain = [value for value in values if value and not value.startswith("-")]
            if plain[:1] == [_MANAGERS[name]]:
                return name, tuple(_without_flag_values(command))
    return None


def packages_of(step: Step) -> frozenset[str]:
    """The packages that a step installs."""
    return frozenset((package_words(step) or ("", ()))[1])


def _without_flag_values(command: Command) -> Iterator[str]:
    skip = seen_verb = False
    for word in command.words[1:]:
        value = word.value if word.value is not None else word.written
        if skip:
            skip = False
        elif value.startswith("-"):
            skip = value in ("--virtual", "-t", "--repository", "-X", "-o", "-c")
        elif not seen_verb:
            seen_verb = True
        else:
            yield value


def _step(
    graph: StageGraph,
    stage: Stage,
    item: Instruction,
    where: str,
    is_folder: IsFolder | None,
    fed: bool,
) -> Step:
    script = None
    if isinstance(item, Run) and item.script is not None:
        script = parse_shell(item.script)
    copy = placed(item, where, is_folder) if isinstance(item, Copy) else None
    role, key = _role(graph, stage, item, script)
    step = Step(item, stage, role, key, script, where, copy)
    return replace(step, key=_resolved_key(step, fed))


def _resolved_key(step: Step, fed: bool) -> str:
    """The key with the folder in it: a COPY by what it brings where, a WORKDIR by its path,
    cargo's steps with the folder they run in. `fed` steps copy from a stage, whose words are
    added to the key instead of its name."""
    item, copy = step.item, step.copy
    if copy is not None and isinstance(item, Copy):
        sources = " ".join(sorted(copy.sources))
        flags = " ".join(f"--{name}={value}" for name, value in copy.flags)
        if step.role is Role.RECIPE:
            return f"recipe {flags} {sources} {copy.destination}"
        image = "" if fed or item.from_ is None else item.from_.value
        return f"{copy.keyword} {flags} {image} {sources} {copy.destination}"
    if item.keyword == "WORKDIR" and item.words:
        return f"WORKDIR {posixpath.normpath(posixpath.join(step.where, item.words[0].value))}"
    if step.role in (Role.COOK, Role.BUILD):
        return f"{step.key} in {step.where}"
    return step.key


def _role(
    graph: StageGraph, stage: Stage, item: Instruction, script: Script | None
) -> tuple[Role, str]:
    if isinstance(item, Copy) and not isinstance(item, From):
        return _copy_role(graph, stage, item)
    calls = [call for call in map(read_cargo, commands(script)) if call is not None]
    verbs = {call.verb for call in calls}
    if "chef prepare" in verbs:
        return Role.PREPARE, "prepare"
    if "chef cook" in verbs:
        return Role.COOK, "cook " + _mounts(item)
    if any(call.compiles for call in calls):
        return Role.BUILD, "build " + _mounts(item)
    if any(call.verb == "install" and "cargo-chef" in call.positional for call in calls):
        return Role.CHEF, _run_key(item)
    packages = package_words(Step(item, stage, Role.OTHER, "", script))
    if packages is not None and len(verbs) == 0:
        return Role.PACKAGES, _packages_key(item, script)
    return Role.OTHER, _run_key(item)


def _run_key(item: Instruction) -> str:
    """The text, with one blank between words where no quotes or heredoc give blanks a
    meaning."""
    if item.heredocs or any(sign in item.text for sign in "\"'"):
        return item.text
    return " ".join(item.text.split())


def spelled(command: Command) -> str:
    """A command's assignments and words with one blank between them."""
    written = (
        f"{a.name}={a.value.written if a.value is not None else ''}" for a in command.assignments
    )
    return " ".join([*written, *(word.written for word in command.words)])


def _packages_key(item: Instruction, script: Script | None) -> str:
    """All of an installing step but its packages: only lists that are installed in the same
    way are united."""
    listed = flat_list(script)
    if listed is None or any(sign in item.text for sign in "<>|"):
        return _run_key(item)
    texts = [" ".join(_without_packages(command)) for command in listed]
    return f"packages {' && '.join(texts)} {_mounts(item)}"


def _without_packages(command: Command) -> Iterator[str]:
    installs = posixpath.basename(command.name) in _MANAGERS
    packages = set(_without_flag_values(command)) if installs else set()
    for word in command.words:
        value = word.value if word.value is not None else word.written
        if value not in packages:
            yield value


def _mounts(item: Instruction) -> str:
    """The mounts for comparison; the id of a cache mount is the first file's."""
    if not isinstance(item, Run):
        return ""
    texts = [
        ",".join(f"{name}={text}" for name, text in sorted(mount.options.items()) if name != "id")
        for mount in item.mounts
    ]
    return " ".join(sorted(texts))


def _copy_role(graph: StageGraph, stage: Stage, item: Copy) -> tuple[Role, str]:
    source = item.from_.value if item.from_ is not None else None
    if source is None:
        whole = any(word.value in (".", "./", "/") for word in item.sources)
        return (Role.SOURCES if whole else Role.OTHER), item.text
    found = graph.find(source, before=stage.index)
    if found is None:
        return Role.OTHER, item.text
    prepares = any(
        call.verb == "chef prepare"
        for other in found.instructions
        if isinstance(other, Run) and other.script is not None
        for call in map(read_cargo, parse_shell(other.script).commands())
        if call is not None
    )
    return (Role.RECIPE if prepares else Role.OTHER), item.text
