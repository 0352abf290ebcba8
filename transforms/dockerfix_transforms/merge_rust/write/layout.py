"""The merged file: shared stages first, one block a binary, aliases last.

Puts pieces of the inputs together; every instruction is a slice of the file it came from,
with stage names and widened lines edited in place. Knows groups; knows no call sites.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dockerfix.api import Arg, Edit, EditSet, From, Place, Source, Span, Stage
from dockerfix_transforms.merge_rust.group.groups import Group, Member, grown_below
from dockerfix_transforms.merge_rust.read.compiler import base_images
from dockerfix_transforms.merge_rust.read.inputs import RustFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, steps_of, words_of
from dockerfix_transforms.merge_rust.write.comments import (
    free_comments,
    heading_lines,
    homeless_comments,
    loose_comments,
    piece_of,
)
from dockerfix_transforms.merge_rust.write.line import Line
from dockerfix_transforms.merge_rust.write.widen import cooked, prepared, said, widened

Names = dict[tuple[str, int], str]
"""The merged file's stage for (path, stage index) of an input."""


@dataclass(slots=True)
class Merged:
    """The merged file's text, and which target stands for each old stage."""

    text: str = ""
    targets: dict[tuple[str, int], str] = field(default_factory=dict)
    notes: list[tuple[Place, str]] = field(default_factory=list)
    moved: list[tuple[RustFile, Step]] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    unasked: list[tuple[RustFile, Stage]] = field(default_factory=list)
    """Stages that no call site asks for and no image needs; they are kept."""
    strangers: list[RustFile] = field(default_factory=list)
    """Files of which no stage serves another file too."""
    guests: list[Group] = field(default_factory=list)
    """Groups that build on leading stages of the first group."""

    def is_guest(self, group: Group) -> bool:
        """Whether the group builds on leading stages of the first one."""
        return any(other is group for other in self.guests)


def merged_file(groups: Sequence[Group], files: Sequence[RustFile]) -> Merged:
    """The merged file of all groups; `files` gives the order of the blocks.

    Raises `CannotJoinError` when lines of one group cannot become one line.
    """
    made = _Layout(groups, files, {}).build()
    homeless = homeless_comments(files, made.text)
    return _Layout(groups, files, homeless).build() if homeless else made


class _Layout:
    """One merged file. `homeless` are comment lines, by file, that stand at the head of the
    file's block since what they stood at is another file's now."""

    def __init__(
        self,
        groups: Sequence[Group],
        files: Sequence[RustFile],
        homeless: Mapping[str, list[str]],
    ) -> None:
        self.groups = groups
        self.files = files
        self.homeless = homeless
        self.newline = files[0].graph.tree.newline.bytes.decode()
        self.merged = Merged()
        self.names: Names = {}
        self.taken: set[str] = set()
        self.fed: dict[str, str] = {}
        self.blocks: list[str] = []

    def build(self) -> Merged:
        self.blocks.append(self.header())
        for group in self.groups:
            self.shared(group)
        last = [file for file in self.files if _is_plain(file) and len(file.targets) == 1]
        for file in self.files:
            if file not in last:
                self.block(file)
        self.blocks += self.aliases()
        for file in last:
            self.block(file)
        end = self.newline * 2
        parts = [block.strip("\r\n") for block in self.blocks if block.strip()]
        self.merged.text = end.join(parts) + self.newline
        return self.merged

    # The head of the file.

    def header(self) -> str:
        """Parser directives, the first file's leading comments, and all global ARGs."""
        directives = list(
            dict.fromkeys(
                file.graph.tree.source.text(item.span).rstrip("\r\n")
                for file in self.files
                for item in file.graph.tree.directives
            )
        )
        lines = list(directives)
        seen: set[str] = set()
        arguments = []
        for file in self.files:
            for item in file.graph.tree.preamble:
                if isinstance(item, Arg) and item.text not in seen:
                    seen.add(item.text)
                    arguments.append(piece_of(item).rstrip("\r\n"))
        text = self.newline.join(lines)
        head = self.newline.join(heading_lines(self.files))
        return (self.newline * 2).join(
            part for part in (text, head, self.newline.join(arguments)) if part
        )

    # Stages that several files share.

    def shared(self, group: Group) -> None:
        """The group's build chain and planner, under the leader's names where they are free."""
        leader = group.leader.file
        first = group is self.groups[0]
        stages = [*leader.chain, *([leader.planner] if leader.planner is not None else [])]
        shared = {} if first else self.already_shared(group)
        if shared:
            self.merged.guests.append(group)
        elif not first and len(group.members) == 1:
            self.merged.strangers.append(leader)
        for stage in sorted(stages, key=lambda s: s.index):
            if stage.index in shared and shared[stage.index][1] == ():
                self.bind(group, stage, shared[stage.index][0])
                continue
            if leader.planner is not None and stage.index == leader.planner.index:
                self.planner(group, stage, first)
            else:
                self.chain_stage(group, stage, first, shared.get(stage.index))

    def already_shared(self, group: Group) -> dict[int, tuple[str, tuple[Step, ...]]]:
        """Leading stages that the first group has too: the stage's name there, and the steps
        that only this group has on top of it."""
        main = self.groups[0]
        found: dict[int, tuple[str, tuple[Step, ...]]] = {}
        theirs, ours = main.leader.file, group.leader.file
        if base_images(theirs) != base_images(ours):
            return found
        for mine, other in zip(ours.chain, theirs.chain, strict=False):
            steps = [
                main.common[n] for n in range(len(main.common)) if _home(main, n) == other.index
            ]
            if any(step.role in (Role.COOK, Role.BUILD) for step in steps):
                break  # what is compiled there is not what this group compiles
            keys = [step.key for step in steps]
            extra = _extra([s for s in group.common if s.stage.index == mine.index], keys)
            name = self.names.get((theirs.path, other.index))
            if extra is None or name is None:
                break
            packages = all(
                s.role is not Role.PACKAGES or self.covers(main, s) for s in group.common
            )
            if not packages:
                break
            found[mine.index] = (name, tuple(extra))
            if extra:
                break
        if found and ours.planner is not None and theirs.planner is not None:
            base = ours.graph.base(ours.planner)
            if base is not None and found.get(base.index, ("", None))[1] != ():
                return found  # it would run above steps that it does not run above here
            keys = [s.key for s in theirs.planner_steps]
            if [s.key for s in ours.planner_steps] == keys:
                name = self.names.get((theirs.path, theirs.planner.index))
                if name is not None:
                    found[ours.planner.index] = (name, ())
        return found

    def covers(self, main: Group, step: Step) -> bool:
        """Whether the first group's list holds every package of this one."""
        from dockerfix_transforms.merge_rust.read.steps import package_words

        have: set[str] = set()
        for member in main.members:
            for mine in member.matched:
                if mine is not None and mine.role is Role.PACKAGES:
                    have |= set((package_words(mine) or ("", ()))[1])
        return have >= set((package_words(step) or ("", ()))[1])

    def bind(self, group: Group, stage: Stage, name: str) -> None:
        """All members' stages that end where this one ends go by `name`."""
        leader = group.leader
        planner = leader.file.planner
        for member in group.members:
            if planner is not None and stage.index == planner.index:
                if member.file.planner is not None:
                    self.names[(member.file.path, member.file.planner.index)] = name
                continue
            end = leader.common_before(leader.file.end_of(stage))
            for other in member.file.chain:
                if member.common_before(member.file.end_of(other)) == end:
                    self.names[(member.file.path, other.index)] = name

    def stage_name(self, group: Group, stage: Stage, first: bool, fallback: str) -> str:
        old = stage.name or fallback
        name = old if first else f"{group.leader.file.binary}-{old}"
        while name.lower() in self.taken:
            name = f"{group.leader.file.binary}-{name}"
        self.taken.add(name.lower())
        return name

    def planner(self, group: Group, stage: Stage, first: bool) -> None:
        leader = group.leader.file
        name = self.stage_name(group, stage, first, "planner")
        base = leader.graph.base(stage)
        parts = [self.from_line(leader, stage.from_, self.name_of(leader, base), name)]
        for number, step in enumerate(leader.planner_steps):
            others = [
                (m.file, m.file.planner_steps[number])
                for m in group.members
                if number < len(m.file.planner_steps)
                and m.file.planner_steps[number].key == step.key
            ]
            parts.append(self.written(leader, step, prepared(step, others)))
        self.blocks.append("".join(parts))
        self.bind(group, stage, name)

    def chain_stage(
        self,
        group: Group,
        stage: Stage,
        first: bool,
        shared: tuple[str, tuple[Step, ...]] | None,
    ) -> None:
        """One stage of the chain; the one that copies the sources is split when a file has
        steps of its own, so that they can stand between the cook and the sources."""
        leader = group.leader.file
        name = self.stage_name(group, stage, first, "builder")
        base = leader.graph.base(stage)
        below = self.name_of(leader, base) if shared is None else shared[0]
        indexes = [
            n
            for n, step in enumerate(group.common)
            if _home(group, n) == stage.index
            and (shared is None or any(step is extra for extra in shared[1]))
        ]
        self.feeders(group, indexes)
        split = group.split
        if group.has_own and split in indexes and indexes[0] < split:
            cook = self.stage_name_for_cook(group, first)
            before = [n for n in indexes if n < split]
            after = [n for n in indexes if n >= split]
            self.blocks.append(self.stage_text(group, stage, below, cook, before, True))
            self.names[(leader.path, -split)] = cook
            self.blocks.append(self.stage_text(group, stage, cook, name, after, False))
        else:
            self.blocks.append(self.stage_text(group, stage, below, name, indexes, True))
            if group.has_own and split in indexes:
                self.names[(leader.path, -split)] = below or ""
        self.bind(group, stage, name)

    def feeders(self, group: Group, indexes: Iterable[int]) -> None:
        """Stages beside the chain that shared steps copy from: they stand above the stage that
        has these steps, once where several files have the same."""
        for index in indexes:
            for member in group.members:
                step = member.matched[index]
                for stage in _fed_by(member.file, step) if step is not None else ():
                    if (member.file.path, stage.index) not in self.names:
                        self.feeder(group, member, stage)

    def feeder(self, group: Group, member: Member, stage: Stage) -> None:
        """One of them, under its old name where that is free."""
        file = member.file
        words = words_of(file.graph, stage)
        name = self.fed.get(words, "")
        self.names[(file.path, stage.index)] = name
        if name:
            return
        name = stage.name or f"stage-{stage.index}"
        while name.lower() in self.taken:
            name = f"{file.binary}-{name}"
        self.taken.add(name.lower())
        self.names[(file.path, stage.index)] = self.fed[words] = name
        self.blocks.append(self.fed_text(group, member, stage, name))

    def fed_text(self, group: Group, member: Member, stage: Stage, name: str) -> str:
        """A stage that shared steps copy from: its cook and its recipe serve all files that
        have the same."""
        file = member.file
        twins = [
            (m.file, steps_of(m.file.graph, other))
            for m in group.members
            for other in m.file.graph.stages
            if words_of(m.file.graph, other) == words_of(file.graph, stage)
        ]
        mine = steps_of(file.graph, stage)
        if not any(step.role in (Role.COOK, Role.PREPARE) for step in mine):
            return self.leaf(group, member, stage, name)
        below = self.name_of(file, file.graph.base(stage))
        parts = [self.from_line(file, stage.from_, below, name)]
        for number, step in enumerate(mine):
            pairs = [(f, steps[number]) for f, steps in twins]
            own = (step if f is file else other for f, other in pairs)
            pairs = [(f, s) for (f, _), s in zip(pairs, own, strict=True)]
            line = cooked(group, step, pairs) if step.role is Role.COOK else prepared(step, pairs)
            parts.append(self.written(file, step, line))
        return "".join(parts)

    def stage_name_for_cook(self, group: Group, first: bool) -> str:
        cooks = any(step.role is Role.COOK for step in group.common)
        name = "cook" if cooks else "toolchain"
        name = name if first else f"{group.leader.file.binary}-{name}"
        while name in self.taken:
            name = f"{name}-stage"
        self.taken.add(name)
        return name

    def stage_text(
        self,
        group: Group,
        stage: Stage,
        below: str | None,
        name: str,
        indexes: Iterable[int],
        comments: bool,
    ) -> str:
        leader = group.leader.file
        parts = [self.from_line(leader, stage.from_, below, name, comments=False)]
        if comments:
            foreign = self.foreign_from_comments(group, stage) if len(group.members) > 1 else ""
            own = Span(stage.from_.owned.start, stage.from_.span.start)
            mine = leader.graph.tree.source.text(own)
            if len(group.members) > 1 and stage.from_ is leader.graph.tree.instructions[0]:
                mine = self.common_head(group, stage)
            loose = loose_comments(leader, stage.from_)
            parts = [loose, mine, foreign, *parts]
        for index in indexes:
            step = group.common[index]
            owner = next(m.file for m in group.members if any(s is step for s in m.file.steps))
            line = widened(group, index)
            gap = self.newline if len(parts) > 1 and _after_blank(step) else ""
            loose = loose_comments(owner, step.item)
            parts.append(gap + loose + self.written(owner, step, line))
            parts += [self.written(file, more, Line()) for file, more in line.more]
        return "".join(parts)

    def common_head(self, group: Group, stage: Stage) -> str:
        """The comments above the first line of every file: what only one says is about that
        file, and stands above its own image."""
        heads = [
            {c.text for c in member.file.graph.tree.instructions[0].comments}
            for member in group.members
        ]
        kept = [c.text for c in stage.from_.comments if all(c.text in head for head in heads)]
        return "".join(f"{text}{self.newline}" for text in kept)

    def foreign_from_comments(self, group: Group, stage: Stage) -> str:
        leader = group.leader
        end = leader.common_before(leader.file.end_of(stage))
        known = [c.text for c in stage.from_.comments]
        lines = []
        for member in group.members[1:]:
            for other in member.file.chain:
                head = other.from_ is member.file.graph.tree.instructions[0]
                if head or member.common_before(member.file.end_of(other)) != end:
                    continue  # what stands above a file's first line is about that file
                for comment in other.from_.comments:
                    if not any(said(comment.text, other) for other in known):
                        known.append(comment.text)
                        text = comment.text.lstrip("#").strip()
                        lines.append(f"# {text} ({member.file.binary}){self.newline}")
        return "".join(lines)

    # One block a binary.

    def block(self, file: RustFile) -> None:
        """The stages that are the file's own: its images, and what they alone need."""
        group, member = self.member(file)
        common = heading_lines(self.files)
        head = [line for line in free_comments(file) if line not in common]
        head += self.homeless.get(file.path, [])
        first = len(self.blocks)
        self.targets_of(file, group, member)
        if head and first < len(self.blocks):
            self.blocks[first] = self.newline.join([*head, self.blocks[first]])
        elif head:
            self.blocks.append(self.newline.join(head))

    def targets_of(self, file: RustFile, group: Group, member: Member) -> None:
        """The images of a file, and stages that they alone need."""
        single = len(file.targets) == 1
        for leaf in file.leaves:
            if not leaf.live and not self.needed(file, leaf.stage):
                if leaf.stage.name is None:
                    continue
                self.merged.unasked.append((file, leaf.stage))
            standing = self.names.get((file.path, leaf.stage.index))
            if standing is not None and not leaf.live:
                continue
            name = self.leaf_name(file, leaf.stage, leaf.live, single)
            if standing is not None:
                self.blocks.append(f"FROM {standing} AS {name}")
                self.merged.targets[(file.path, leaf.stage.index)] = name
                continue
            self.names[(file.path, leaf.stage.index)] = name
            self.blocks.append(self.leaf(group, member, leaf.stage, name))
            if leaf.live:
                self.merged.targets[(file.path, leaf.stage.index)] = name
        for stage in file.live_chain:
            below = self.name_of(file, stage) or ""
            name = file.binary if single else f"{file.binary}-{stage.name or 'builder'}"
            if name.lower() not in self.taken:
                self.taken.add(name.lower())
                self.blocks.append(f"FROM {below} AS {name}")
            self.merged.targets[(file.path, stage.index)] = name

    def needed(self, file: RustFile, stage: Stage) -> bool:
        return any(
            stage.index == other.index
            for target in file.targets
            for other in file.graph.needs(target)
        )

    def leaf_name(self, file: RustFile, stage: Stage, live: bool, single: bool) -> str:
        if live and single:
            name = file.binary
        elif stage.name is not None and self.tells_apart(file, stage.name, live):
            name = stage.name
        else:
            name = f"{file.binary}-{stage.name or ('runtime' if live else f'stage-{stage.index}')}"
        while name.lower() in self.taken:
            name = f"{name}-image"
        self.taken.add(name.lower())
        return name

    def tells_apart(self, file: RustFile, name: str, live: bool) -> bool:
        """Whether a stage's old name stands in this file alone, and that of an image speaks of
        what it ships: then call sites that name it need no change."""
        named = [
            other for other in self.files for stage in other.graph.stages if stage.name == name
        ]
        words, own = set(re.split(r"[-_]", name)), set(re.split(r"[-_]", file.binary))
        speaks = not live or bool(words & own)
        return len(named) == 1 and speaks and name.lower() not in self.taken

    def leaf(self, group: Group, member: Member, stage: Stage, name: str) -> str:
        file = member.file
        base = file.graph.base(stage)
        if base is None or not file.in_chain(base):
            below = self.name_of(file, base)
            return self.from_line(file, stage.from_, below, name) + self.body(file, stage)
        own = member.own_before(file.end_of(base))
        if not own:
            below = self.own_base(group, member, base) or self.name_of(file, base)
            return self.from_line(file, stage.from_, below, name) + self.body(file, stage)
        end = member.common_before(file.end_of(base))
        parts = [
            self.from_line(file, stage.from_, self.split_name(group, end), name),
            *(self.written(file, step, Line()) for step in own),
            *(
                self.written(file, step, Line())
                for step in member.matched[group.split : end]
                if step is not None
            ),
            self.body(file, stage),
        ]
        self.merged.moved += [(file, step) for step in own]
        return "".join(parts)

    def own_base(self, group: Group, member: Member, base: Stage) -> str | None:
        """A runtime image that stands on what the builder stands on, below any cargo: where
        the shared stage holds more than the file's own did, it keeps its own."""
        file = member.file
        if not grown_below(group, member, file.end_of(base)):
            return None
        below: str | None = None
        for stage in file.graph.chain(base):
            key = (file.path, -1000 - stage.index)
            if key not in self.names:
                name = f"{file.binary}-{stage.name or 'base'}"
                while name.lower() in self.taken:
                    name = f"{name}-own"
                self.taken.add(name.lower())
                self.names[key] = name
                text = self.from_line(file, stage.from_, below, name) + self.body(file, stage)
                self.blocks.append(text)
            below = self.names[key]
        return below

    def split_name(self, group: Group, end: int) -> str:
        """The stage on which a file's own steps stand: the cook, or what ends before it."""
        leader = group.leader
        if end >= group.split:
            found = self.names.get((leader.file.path, -group.split))
            if found:
                return found
        for stage in reversed(leader.file.chain):
            if leader.common_before(leader.file.end_of(stage)) <= min(end, group.split):
                return self.names[(leader.file.path, stage.index)]
        return leader.file.graph.image(leader.file.chain[0])

    def body(self, file: RustFile, stage: Stage) -> str:
        """The stage below FROM, byte for byte but for the names of other stages."""
        if not stage.instructions:
            return ""
        start = stage.from_.span.end
        source = file.graph.tree.source
        edits = list(self.reference_edits(file, stage))
        return _applied(source, Span(start, stage.span.end), edits, self.newline)

    def aliases(self) -> list[str]:
        """The bare name of each file with several targets; the plain `Dockerfile`'s last, so
        that a build without a target gives what it gave."""
        found: list[tuple[bool, str]] = []
        for file in self.files:
            if len(file.targets) < 2:
                continue
            last = file.graph.stages[-1]
            target = self.merged.targets[(file.path, last.index)]
            if file.binary.lower() in self.taken:
                continue
            self.taken.add(file.binary.lower())
            self.merged.aliases.append(file.binary)
            found.append((_is_plain(file), f"FROM {target} AS {file.binary}"))
        found.sort(key=lambda pair: pair[0])
        if not found:
            return []
        comment = "# The bare name of a binary is its last image, as in a Dockerfile of its own."
        return [self.newline.join([comment, *(text for _, text in found)])]

    # Pieces.

    def member(self, file: RustFile) -> tuple[Group, Member]:
        for group in self.groups:
            for member in group.members:
                if member.file is file:
                    return group, member
        raise KeyError(file.path)

    def name_of(self, file: RustFile, stage: Stage | None) -> str | None:
        """The merged name of a stage; for a chain stage that has none the next one that
        holds at least as much."""
        if stage is None:
            return None
        found = self.names.get((file.path, stage.index))
        if found is not None or not file.in_chain(stage):
            return found
        group, member = self.member(file)
        end = member.common_before(file.end_of(stage))
        leader = group.leader
        for other in leader.file.chain:
            if leader.common_before(leader.file.end_of(other)) >= end:
                name = self.names.get((leader.file.path, other.index))
                if name is not None:
                    return name
        # What only this file does at the end stands in the last shared stage.
        return self.names.get((leader.file.path, leader.file.chain[-1].index))

    def from_line(
        self, file: RustFile, item: From, below: str | None, name: str, comments: bool = True
    ) -> str:
        edits: list[Edit] = []
        image = item.image
        if image is not None and below is not None and below != image.value:
            edits.append(Edit(image.span, below.encode()))
        if item.name is not None:
            edits.append(Edit(item.name.span, name.encode()))
        elif image is not None:
            lower = item.source.text(item.code)[:4] == "from"
            text = f" {'as' if lower else 'AS'} {name}"
            edits.append(Edit(Span(image.span.end, image.span.end), text.encode()))
        span = item.owned if comments else item.span
        loose = loose_comments(file, item) if comments else ""
        return loose + _applied(file.graph.tree.source, span, edits, self.newline)

    def reference_edits(self, file: RustFile, stage: Stage) -> Iterator[Edit]:
        for reference in file.graph.references(stage):
            if reference.stage is None or reference.flag.value_span is None:
                continue
            name = self.name_of(file, reference.stage)
            if name is None or name == reference.text:
                continue
            span = reference.flag.value_span
            text = file.graph.tree.source.text(span)
            if reference.flag.name == "from":
                yield Edit(span, name.encode())
            else:
                replaced = text.replace(f"from={reference.text}", f"from={name}", 1)
                yield Edit(span, replaced.encode())

    def written(self, file: RustFile, step: Step, line: Line) -> str:
        """An instruction with its comments, edited, with more comment lines above it."""
        source = file.graph.tree.source
        edits = list(line.edits)
        seen = {edit.span for edit in edits}
        edits += [
            edit
            for edit in self.reference_edits(file, step.stage)
            if step.item.span.contains(edit.span) and edit.span not in seen
        ]
        for note in line.notes:
            self.merged.notes.append((source.place(step.item.code), note))
        start = step.item.code.start
        indent = source.text(Span(step.item.span.start, start))
        above = "".join(f"{indent}# {text}{self.newline}" for text in line.above)
        comments = Span(step.item.owned.start, step.item.span.start)
        own = source.text(comments)
        return own + above + _applied(source, step.item.span, edits, self.newline)


def _is_plain(file: RustFile) -> bool:
    """Whether a build of the folder without `--file` takes this file: its image stays last."""
    return file.path.rpartition("/")[2] == "Dockerfile"


def _fed_by(file: RustFile, step: Step) -> Iterator[Stage]:
    """The stages beside the chain that an instruction copies from, with what they need."""
    planner = file.planner.index if file.planner is not None else -1
    for reference in file.graph.references(step.stage):
        if reference.instruction is step.item and reference.stage is not None:
            for stage in file.graph.needs(reference.stage):
                if not file.in_chain(stage) and stage.index != planner:
                    yield stage


def _home(group: Group, index: int) -> int:
    """The leader's stage in which a common step stands; a step that the leader lacks stands
    with the next one that it has."""
    for step in group.leader.matched[index:]:
        if step is not None:
            return step.stage.index
    return group.leader.file.chain[-1].index


def _after_blank(step: Step) -> bool:
    """Whether a blank line stands above the instruction and its comments."""
    source = step.item.source
    start = step.item.owned.start
    return start > 0 and not source.slice(source.line_of(start - 1)).strip()


def _extra(steps: Sequence[Step], keys: Sequence[str]) -> list[Step] | None:
    """The steps behind those of `keys`, when the stage begins with all of them; else None."""
    mine = [step.key for step in steps[: len(keys)]]
    return list(steps[len(keys) :]) if mine == list(keys) else None


def _applied(source: Source, span: Span, edits: Sequence[Edit], newline: str) -> str:
    shifted = [
        Edit(Span(e.span.start - span.start, e.span.end - span.start), e.replacement)
        for e in edits
        if span.contains(e.span)
    ]
    data = EditSet.of(shifted).apply(source.slice(span))
    text = data.decode("utf-8", "surrogateescape")
    return text if text.endswith("\n") else text + newline
