"""The stage graph of one Dockerfile: which stage stands on which, and which copies from which.

Follows BuildKit's `dockerfile2llb`: FROM finds an earlier stage by its lower-case name after
expanding global ARGs, and then the stage's name shadows an image of the same name;
`COPY --from` is a number or finds the last stage of a name in any case, a later one too; a
mount's `from` is a name only. Knows one tree; knows no other file.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from dockerfix.syntax.dockerfile import Arg, Copy, Dockerfile, Flag, Instruction, Run, Stage


class Reference(Struct, frozen=True):
    """A place that names a stage or an image outside FROM: `COPY --from`, a mount's `from`.

    `stage` is the stage it resolves to, None when it names an image, a named context, or by
    its index a stage that does not exist. `numeric` says that it is an index.
    """

    instruction: Instruction
    flag: Flag
    text: str
    stage: Stage | None
    numeric: bool


class GlobalArguments:
    """The ARGs above the first FROM of a tree, and what they make of a text."""

    def __init__(self, tree: Dockerfile) -> None:
        self.tree = tree

    @cached_property
    def global_arguments(self) -> Mapping[str, str | None]:
        """Global ARGs with their defaults as written, in order."""
        found: dict[str, str | None] = {}
        for item in self.tree.preamble:
            if isinstance(item, Arg):
                found.update(item.entries)
        return found

    @cached_property
    def defaults(self) -> Mapping[str, str]:
        """Global ARGs that have a default, each expanded by those before it."""
        return self.values({})

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Global ARGs as a build has them that is given some: those, and the defaults of the
        others, each expanded by those before it."""
        found: dict[str, str] = {}
        for name, default in self.global_arguments.items():
            if name in given:
                found[name] = given[name]
            elif default is not None:
                found[name] = _expanded(default, found)
        return found

    def expand(self, text: str) -> str:
        """`text` with the global ARGs replaced by their defaults.

        A variable without a default, and what BuildKit itself sets (`TARGETARCH`), stays as
        written; `${NAME:-x}` of such a one is `x`, but for BuildKit's own.
        """
        return _expanded(text, self.defaults)

    def named_arguments(self, text: str) -> frozenset[str]:
        """The global ARGs that `text` names, and those that their defaults name."""
        found: set[str] = set()
        queue = [text]
        while queue:
            for match in _VARIABLE.finditer(queue.pop()):
                name = match["plain"] or match["name"]
                queue.append(match["operand"] or "")
                if name in self.global_arguments and name not in found:
                    found.add(name)
                    queue.append(self.global_arguments[name] or "")
        return frozenset(found)


class StageGraph(GlobalArguments):
    """The stages of a tree with what they refer to. Immutable."""

    def __init__(self, tree: Dockerfile) -> None:
        super().__init__(tree)
        self.stages = tree.stages

    def bases(self, given: Mapping[str, str]) -> Iterator[str]:
        """The images that FROM names when a build is given arguments; earlier stages left out."""
        values, stages = self.values(given), set[str]()
        for stage in self.stages:
            image = stage.from_.image
            text = _expanded(image.value, values) if image is not None else ""
            if text and text not in stages:
                yield text
            stages.add((stage.name or "").lower())

    @cached_property
    def duplicates(self) -> tuple[Stage, ...]:
        """Stages whose name an earlier stage has already."""
        seen: set[str] = set()
        found = []
        for stage in self.stages:
            name = (stage.name or "").lower()
            if name and name in seen:
                found.append(stage)
            seen.add(name)
        return tuple(found)

    @cached_property
    def cycle(self) -> tuple[Stage, ...]:
        """Stages that need one another, so that none can be built: BuildKit rejects the file
        ("circular dependency detected on stage"). Empty where there are none."""
        sorter: graphlib.TopologicalSorter[int] = graphlib.TopologicalSorter()
        for stage in self.stages:
            below = self.base(stage)
            named = (reference.stage for reference in self.references(stage))
            sorter.add(stage.index, *(s.index for s in (below, *named) if s is not None))
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            return tuple(self.stages[index] for index in sorted(set(error.args[1])))
        return ()

    def find(self, name: str, before: int | None = None) -> Stage | None:
        """The stage that `COPY --from` names, by number or in any case; the last of one name.

        With `before`, only stages of a smaller index count.
        """
        candidates = self.stages if before is None else self.stages[:before]
        if name.isdecimal():
            return candidates[int(name)] if int(name) < len(candidates) else None
        return _named(candidates, name)

    def target(self, name: str) -> Stage | None:
        """The stage that `--target name` builds, in any case; the last one for an empty name.

        A number is taken too, so that a stage without a name can be told, though BuildKit
        itself wants a name.
        """
        if not name:
            return self.stages[-1] if self.stages else None
        return self.find(name)

    def base(self, stage: Stage) -> Stage | None:
        """The stage that FROM stands on when no build argument is given; None for an image."""
        image = stage.from_.image
        name = self.expand(image.value) if image is not None else ""
        for earlier in reversed(self.stages[: stage.index]):
            if earlier.name is not None and earlier.name.lower() == name:
                return earlier
        return None

    def chain(self, stage: Stage) -> tuple[Stage, ...]:
        """The stages from the one that stands on an image up to `stage` itself."""
        chain = [stage]
        while (below := self.base(chain[-1])) is not None:
            chain.append(below)
        return tuple(reversed(chain))

    def image(self, stage: Stage) -> str:
        """The image below the stage's chain, global ARGs expanded by their defaults.

        Variables without a default stay as written.
        """
        image = self.chain(stage)[0].from_.image
        return self.expand(image.value) if image is not None else ""

    def references(self, stage: Stage) -> Iterator[Reference]:
        """What the stage's instructions name by `--from` or a mount; ONBUILD is left out,
        since it resolves in the child's build."""
        for item in stage.instructions:
            if isinstance(item, Copy) and item.from_ is not None and item.from_.value:
                text = item.from_.value
                found = self.find(text)
                yield Reference(item, item.from_, text, found, text.isdecimal())
            for mount in item.mounts if isinstance(item, Run) else ():
                name = mount.option("from")
                if name:
                    yield Reference(item, mount.flag, name, _named(self.stages, name), False)

    def needs(self, stage: Stage) -> tuple[Stage, ...]:
        """The stages that building `stage` needs, itself included, in file order."""
        wanted: dict[int, Stage] = {}
        queue = [stage]
        while queue:
            current = queue.pop()
            if current.index in wanted:
                continue
            wanted[current.index] = current
            below = self.base(current)
            queue += [below] if below is not None else []
            queue += [ref.stage for ref in self.references(current) if ref.stage is not None]
        return tuple(wanted[index] for index in sorted(wanted))


def _named(stages: Sequence[Stage], name: str) -> Stage | None:
    """The last stage of a name, in any case."""
    for stage in reversed(stages):
        if stage.name is not None and stage.name.lower() == name.lower():
            return stage
    return None


_VARIABLE = re.compile(
    r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<operator>:?[-+])(?P<operand>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\})"
)
_PLATFORM = re.compile(r"(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|OSVERSION)|TARGETSTAGE")
"""What BuildKit sets in the global scope by itself."""


def _expanded(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match["plain"] or match["name"]
        operator, operand = match["operator"], match["operand"] or ""
        known = values.get(name)
        if operator is None:
            return known if known is not None else match[0]
        if known is None and _PLATFORM.fullmatch(name):
            return match[0]
        there = known is not None and (known != "" or ":" not in operator)
        if operator.endswith("+"):
            return _expanded(operand, values) if there else ""
        return (known or "") if there else _expanded(operand, values)

    return _VARIABLE.sub(value, text)
