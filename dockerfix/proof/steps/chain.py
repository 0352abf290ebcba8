"""The chain of an image: every instruction that makes it, from the base image up.

A stage stands on stages and at last on an image; flattened, the names of the stages no
longer matter, and two chains can be laid side by side. Follows BuildKit's dockerfile2llb:
build arguments of a lower stage are inherited, a global ARG reaches a stage only through an
ARG of its own, `ONBUILD` runs where a stage is built upon, ENTRYPOINT clears a CMD of a lower
stage. Knows one Dockerfile; compares nothing.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from msgspec import Struct

from dockerfix.facts.dockerfile.places import Placed, folders, joined, placed
from dockerfix.facts.dockerfile.stages import Reference, StageGraph
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image
from dockerfix.syntax.dockerfile import Arg, Copy, From, Instruction, Onbuild, Run, Stage
from dockerfix.text import Place

Key = tuple[object, ...]


class NoSuchImageError(Exception):
    """An image that an obligation names is not in the snapshot; says which and why."""


class Outside(Struct, frozen=True):
    """What `--from` names when it is no stage: an image or a named context."""

    name: str


class Step(Struct, frozen=True):
    """One instruction of a chain.

    Two steps with equal keys say the same but for the stages that they name; those stand, in
    the order of the flags, in `references`. `where` is the folder in which the instruction
    runs, relative where only the base image knows it.
    """

    instruction: Instruction
    stage: Stage
    key: Key
    references: tuple[Stage | Outside, ...] = ()
    where: str = ""

    @property
    def placed(self) -> Placed | None:
        """What a COPY or ADD brings where."""
        item = self.instruction
        return placed(item, self.where) if isinstance(item, Copy) else None

    @property
    def place(self) -> Place:
        """Where the instruction stands."""
        return self.instruction.source.place(self.instruction.code)

    @property
    def short(self) -> str:
        """The instruction in one line, for messages."""
        line = " ".join(self.instruction.text.split())
        return line if len(line) <= 72 else line[:69] + "..."


class Base(Struct, frozen=True):
    """The image below a chain: FROM as written, with the defaults of the build arguments
    that it names, and its platform."""

    image: str
    platform: str
    arguments: tuple[tuple[str, str | None], ...]
    place: Place


class Chain(Struct, frozen=True):
    """A stage's image, flattened."""

    base: Base
    steps: tuple[Step, ...]


def find_stage(facts: Facts, image: Image) -> tuple[StageGraph, Stage]:
    """The graph of an image's Dockerfile and the stage of its target.

    Raises `NoSuchImageError` when there is no such file, stage or base.
    """
    if image.dockerfile not in facts.snapshot:
        raise NoSuchImageError(f"{image.dockerfile}: no such Dockerfile")
    graph = facts.stages(image.dockerfile)
    stage = graph.target(image.target)
    if stage is None:
        wanted = f"no stage is called `{image.target}`" if image.target else "there is no stage"
        raise NoSuchImageError(f"{image.dockerfile}: {wanted}")
    return graph, stage


_CHAINS: WeakKeyDictionary[StageGraph, dict[int, Chain]] = WeakKeyDictionary()
"""every obligation about a Dockerfile asks for the same chains."""


def flatten(graph: StageGraph, stage: Stage) -> Chain:
    """The chain of a stage; made once."""
    known = _CHAINS.setdefault(graph, {})
    if stage.index not in known:
        known[stage.index] = _flatten(graph, stage)
    return known[stage.index]


def _flatten(graph: StageGraph, stage: Stage) -> Chain:
    stages = graph.chain(stage)
    steps: list[Step] = []
    triggers: list[Step] = []
    for current in stages:
        named = list(graph.references(current))
        where = folders(graph, current)
        made = [
            _step(graph, current, item, named, where[number])
            for number, item in enumerate(current.instructions)
        ]
        steps += (*triggers, *made)
        triggers = [
            Step(step.instruction, current, ("ONBUILD runs", step.key))
            for step in made
            if isinstance(step.instruction, Onbuild)
        ]
    return Chain(_base(graph, stages[0].from_), tuple(steps))


def _base(graph: StageGraph, from_: From) -> Base:
    platform = from_.platform.value or "" if from_.platform is not None else ""
    image = from_.image
    names = dict.fromkeys(image.variables if image is not None else ())
    names.update({name: None for name in graph.global_arguments if f"${name}" in platform})
    names.update({name: None for name in graph.global_arguments if f"${{{name}" in platform})
    return Base(
        image.value if image is not None else "",
        platform,
        tuple(_with_inner(graph, list(names))),
        from_.source.place(from_.code),
    )


def _with_inner(graph: StageGraph, names: list[str]) -> list[tuple[str, str | None]]:
    """Build arguments with their defaults, and those that the defaults name."""
    found: dict[str, str | None] = {}
    while names:
        name = names.pop(0)
        if name in found:
            continue
        default = graph.global_arguments.get(name)
        found[name] = default
        names += [n for n in graph.global_arguments if default and f"${n}" in default]
        names += [n for n in graph.global_arguments if default and f"${{{n}" in default]
    return sorted(found.items(), key=lambda item: item[0])


def _step(
    graph: StageGraph, stage: Stage, item: Instruction, named: list[Reference], where: str
) -> Step:
    references = tuple(
        r.stage if r.stage is not None else Outside(r.text) for r in named if r.instruction is item
    )
    return Step(item, stage, _key(graph, stage, item, where, bool(references)), references, where)


def _key(graph: StageGraph, stage: Stage, item: Instruction, where: str, refers: bool) -> Key:
    """What the instruction says: paths by what they mean and not by how they are spelled."""
    if isinstance(item, Arg):
        return ("ARG", *_arguments(graph, item))
    if item.keyword == "ENTRYPOINT":
        lower = any(i.keyword == "CMD" and i.span < item.span for i in stage.instructions)
        return (item.text, "keeps CMD" if lower else "clears CMD")
    if item.keyword == "WORKDIR" and item.words:
        return ("WORKDIR", joined(where, item.words[0].value))
    copy = placed(item, where) if isinstance(item, Copy) else None
    if copy is not None and refers == (item.flag("from") is not None):
        return (copy.keyword, *copy.flags, copy.sources, copy.destination, refers)
    return _unnamed(item) if refers else (item.text,)


def _arguments(graph: StageGraph, item: Arg) -> list[object]:
    """Names with defaults; one without takes the global default, as BuildKit does, if there
    is any: a global ARG without one leaves it to what the build is given. A default that holds
    no variable says the same in either place."""
    found: list[object] = []
    for name, default in item.entries:
        given = graph.global_arguments.get(name) if default is None else None
        if given is not None and "$" not in given:
            found.append((name, given))
        elif given is not None:
            found.append((name, "global", *_with_inner(graph, [name])))
        else:
            found.append((name, default))
    return found


def _unnamed(item: Instruction) -> Key:
    """The instruction with `from` left out of its flags and mounts."""
    rest = item.text[len(item.keyword) :]
    for flag in item.flags:
        written = f" --{flag.name}" + (f"={flag.value}" if flag.value is not None else "")
        if not rest.startswith(written):
            # A quoted flag: its text stays in the key, so that names must be equal too.
            break
        rest = rest[len(written) :]
    return (item.keyword, rest, *_flags(item))


def _flags(item: Instruction) -> list[object]:
    mounts = {mount.flag: mount for mount in item.mounts} if isinstance(item, Run) else {}
    found: list[object] = []
    for flag in item.flags:
        if flag in mounts:
            options = mounts[flag].options
            found.append(("mount", *sorted((n, v) for n, v in options.items() if n != "from")))
            found.append("from" in options)
        elif not (isinstance(item, Copy) and flag.name == "from"):
            found.append((flag.name, flag.value))
    return found
