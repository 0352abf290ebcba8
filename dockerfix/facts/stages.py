"""The stage graph of one Dockerfile: which stage stands on which, and which copies from which.

Follows BuildKit's `instructions` and `dockerfile2llb`: FROM finds an earlier stage by its
lower-case name, `COPY --from` finds one by name in any case or by number, a stage's name
shadows an image of the same name for what comes later. Knows one tree; knows no other file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dockerfix.syntax import Arg, Copy, Dockerfile, Flag, Instruction, Run, Stage


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that names a stage or an image outside FROM: `COPY --from`, a mount's `from`.

    `stage` is the stage it resolves to, None when it names an image or a named context.
    `numeric` says that the stage is named by its index.
    """

    instruction: Instruction
    flag: Flag
    text: str
    stage: Stage | None
    numeric: bool


class StageGraph:
    """The stages of a tree with what they refer to. Immutable."""

    def __init__(self, tree: Dockerfile) -> None:
        self.tree = tree
        self.stages = tree.stages

    @cached_property
    def global_arguments(self) -> Mapping[str, str | None]:
        """Global ARGs with their defaults, in order."""
        found: dict[str, str | None] = {}
        for item in self.tree.preamble:
            if isinstance(item, Arg):
                found.update(item.entries)
        return found

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

    def find(self, name: str, before: int | None = None) -> Stage | None:
        """The stage that a target or a reference names, in any case or by number.

        With `before`, only stages of a smaller index count; the last of one name wins.
        """
        candidates = self.stages if before is None else self.stages[:before]
        for stage in reversed(candidates):
            if stage.name is not None and stage.name.lower() == name.lower():
                return stage
        if name.isdecimal() and int(name) < len(candidates):
            return candidates[int(name)]
        return None

    def target(self, name: str) -> Stage | None:
        """The stage that `--target name` builds; the last one for an empty name."""
        if not name:
            return self.stages[-1] if self.stages else None
        return self.find(name)

    def base(self, stage: Stage) -> Stage | None:
        """The stage that FROM stands on; None when it is an image."""
        image = stage.from_.image
        if image is None:
            return None
        for earlier in reversed(self.stages[: stage.index]):
            if earlier.name is not None and earlier.name.lower() == image.value:
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

    def expand(self, text: str) -> str:
        """`text` with `$NAME`, `${NAME}` and `${NAME:-default}` of global ARGs replaced."""
        for name in sorted(self.global_arguments, key=len, reverse=True):
            value = self.global_arguments[name]
            if value is None:
                continue
            text = text.replace("${" + name + "}", value).replace("$" + name, value)
            text = _replace_default(text, name, value)
        return text

    def references(self, stage: Stage) -> Iterator[Reference]:
        """What the stage's instructions name by `--from` or a mount; ONBUILD is left out,
        since it resolves in the child's build."""
        for item in stage.instructions:
            for flag, text in _named(item):
                found = self.find(text, before=stage.index)
                yield Reference(item, flag, text, found, text.isdecimal() and found is not None)

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


def stage_graph(tree: Dockerfile) -> StageGraph:
    """The graph of a tree."""
    return StageGraph(tree)


def _named(item: Instruction) -> Iterator[tuple[Flag, str]]:
    if isinstance(item, Copy) and item.from_ is not None and item.from_.value:
        yield item.from_, item.from_.value
    if isinstance(item, Run):
        for mount in item.mounts:
            name = mount.option("from")
            if name:
                yield mount.flag, name


def _replace_default(text: str, name: str, value: str) -> str:
    for operator in (":-", "-"):
        head = "${" + name + operator
        while head in text:
            start = text.index(head)
            end = text.find("}", start)
            if end < 0:
                return text
            text = text[:start] + value + text[end + 1 :]
    return text
