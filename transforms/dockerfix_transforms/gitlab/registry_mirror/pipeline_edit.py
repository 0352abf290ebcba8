"""The edit of the pipeline: a builder gets the file that names the mirrors.

The file is written by the same script, just above the line that makes the builder: a file of
the repository would not be there in jobs that have no sources. Knows `docker buildx create`
and where a list's items stand; decides no mirror.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.api import (
    Command,
    Draft,
    Edit,
    Job,
    Line,
    Mapping,
    Node,
    Permit,
    Pipeline,
    Place,
    Scalar,
    Sequence,
    Source,
    Span,
    parse_shell,
)
from dockerfix_transforms.gitlab.builder_keys import CREATE
from dockerfix_transforms.gitlab.registry_mirror.builders import (
    FILE,
    config_option,
    read_builder,
)

_DASH = re.compile(r"([ \t]*)-[ \t]+")
_SECTIONS = ("before_script", "script")
_COMMENT = "# Base images come through mirrors of their registries."


class BuilderLine(Struct, frozen=True):
    """An item of a script that makes builders without settings of their own. `ends` are the
    places behind the word `create`, `jobs` all jobs that have the item, templates included."""

    scalar: Scalar
    ends: tuple[int, ...]
    jobs: tuple[tuple[Job, str], ...]

    @property
    def place(self) -> Place:
        """Where the item stands."""
        return self.scalar.file.source.place(self.scalar.span)

    @property
    def visible(self) -> tuple[Job, ...]:
        """The jobs that run it."""
        return tuple(job for job, _ in self.jobs if not job.hidden)


def builder_lines(pipeline: Pipeline) -> tuple[BuilderLine, ...]:
    """Every such item of the pipeline, once, in the order of the jobs."""
    found: dict[tuple[str, int], list[tuple[Job, Line]]] = {}
    for job in pipeline.jobs.values():
        for line in job.lines:
            key = (line.scalar.file.source.path, line.scalar.span.start)
            if line.section in _SECTIONS and any(_ends(line.scalar)):
                found.setdefault(key, []).append((job, line))
    return tuple(
        BuilderLine(
            held[0][1].scalar,
            tuple(_ends(held[0][1].scalar)),
            tuple((job, line.section) for job, line in held),
        )
        for held in found.values()
    )


def _ends(scalar: Scalar) -> Iterator[int]:
    """Where the word `create` ends in each command that starts a BuildKit without a file."""
    if "buildx" not in scalar.text:
        return
    for command in parse_shell(scalar.mapped).every_command():
        builder = read_builder(_words(command), scalar.file.source.place(command.span))
        if builder is None or builder.is_elsewhere:
            continue
        if builder.is_started and not builder.file:
            yield command.words[len(CREATE) - 1].span.end


def _words(command: Command) -> tuple[str, ...]:
    return tuple(word.value or word.written for word in command.words)


def give_file(draft: Draft, pipeline: Pipeline, line: BuilderLine, settings: str) -> bool:
    """The edits of one item, with leave for each script that has it; False where the item is
    none on lines of its own, or a job that has it uses a file of that name already."""
    source = line.scalar.file.source
    first = source.line_of(line.scalar.span.start)
    dash = _DASH.fullmatch(source.text(Span(first.start, line.scalar.span.start)))
    taken = any(FILE in other.scalar.text for job, _ in line.jobs for other in job.lines)
    if dash is None or taken:
        return False
    inside = _inside(line)
    at = _above_comments(source, first.start) if inside is None else inside[0]
    text = _item(settings, dash[1]) if inside is None else _lines(settings, inside[1])
    text = text.replace("\n", source.newline.bytes.decode())
    option = f"{config_option(line.visible)} {FILE}"
    draft.edits.append((source.path, Edit(Span(at, at), text.encode())))
    draft.edits += [
        (source.path, Edit(Span(end, end), f"{_joint(line.scalar, end)}{option}".encode()))
        for end in line.ends
    ]
    draft.permits += _permits(pipeline, line)
    return True


def _inside(line: BuilderLine) -> tuple[int, str] | None:
    """Where the file can be written within a block, just above the one command that makes the
    builder, and the indentation there: a command that always runs, on a line of its own."""
    scalar = line.scalar
    if scalar.style != "|" or len(line.ends) > 1:
        return None
    source = scalar.file.source
    statements = parse_shell(scalar.mapped).statements
    found = next((s for s in statements if s.span.contains(Span(line.ends[0], line.ends[0]))), None)
    if not isinstance(found, Command):
        return None
    start = source.line_of(found.span.start).start
    pad = source.text(Span(start, found.span.start))
    above = _above_comments(source, start)
    head = source.line_of(source.line_of(scalar.span.start).end)
    base = source.text(head)[: len(source.text(head)) - len(source.text(head).lstrip())]
    return (above, pad) if pad == base and above > head.start else None


def _joint(scalar: Scalar, end: int) -> str:
    """What comes before the option: what comes before the next word of the command."""
    for command in parse_shell(scalar.mapped).every_command():
        words = command.words[len(CREATE) - 1 :]
        if len(words) > 1 and words[0].span.end == end:
            between = scalar.file.source.text(Span(end, words[1].span.start))
            return between if "\n" in between else " "
    return " "


def _lines(settings: str, pad: str) -> str:
    """The commands that write the file."""
    text = f"{_COMMENT}\ntee {FILE} <<'EOF'\n{settings}EOF\n"
    return "".join(f"{pad}{line}\n" for line in text.splitlines())


def _item(settings: str, pad: str) -> str:
    """The item that writes the file."""
    body = [_COMMENT, "- |"]
    body += [f"  {text}" for text in (f"tee {FILE} <<'EOF'", *settings.splitlines(), "EOF")]
    return "".join(f"{pad}{text}\n" for text in body)


def _above_comments(source: Source, start: int) -> int:
    """Where the comments begin that stand directly above a line."""
    while start > 0:
        above = source.line_of(start - 1)
        if not source.slice(above).lstrip().startswith(b"#"):
            break
        start = above.start
    return start


def _permits(pipeline: Pipeline, line: BuilderLine) -> Iterator[Permit]:
    """Leave for every job that has the item, and for the keys beside the jobs that hold it."""
    for job, section in line.jobs:
        yield Permit("registry-mirror", job.name, pipeline.path, section)
    for file in pipeline.files.values():
        top = file.root
        default = top.get("default") if top is not None else None
        for owner in (o for o in (top, default) if isinstance(o, Mapping)):
            for section in _SECTIONS:
                if _holds(owner.get(section), line.scalar):
                    yield Permit("registry-mirror", "", pipeline.path, section)


def _holds(node: Node | None, scalar: Scalar) -> bool:
    """Whether a list has an item, in a list inside of it too."""
    if isinstance(node, Sequence):
        return any(_holds(item, scalar) for item in node.items)
    same = isinstance(node, Scalar) and node.span == scalar.span
    return same and node is not None and node.file.source.path == scalar.file.source.path
