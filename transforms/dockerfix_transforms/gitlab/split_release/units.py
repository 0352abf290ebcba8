"""The builds of one job's script, one after the other, as units for jobs of their own.

A script is a head (options of the shell, assignments, functions), then units. A unit is a
statement that builds, with the comments and `echo` lines above it. Knows scripts and builds;
writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import (
    Assignment,
    Build,
    BuildArgument,
    Command,
    Facts,
    Function,
    ImageName,
    Job,
    Scalar,
    Source,
    Span,
    Statement,
    image_name,
    may_be_same,
    parse_shell,
    without_tag,
)
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.gitlab.split_release.moments import Moments, mentioned

_HEAD = frozenset({"set", "export", "unset", "shopt", "umask", "cd", ":", "mkdir", "cp", "chmod",
                   "apk", "apt-get", "source", ".", "aws", "gcloud"})  # fmt: skip
"""Commands of a head: they prepare the shell, the folder or the machine for every unit."""
_DOCKER_HEAD = frozenset({"login", "info", "version", "context"})
_SAYS = ("echo", "printf")
_WRITES = frozenset({"output", "o", "iidfile", "metadata-file", "load", "digest-file",
                     "image-name-with-digest-file", "tarPath", "tar-path"})  # fmt: skip
"""Options by which a build leaves files or images for the commands behind it."""


class Unit(Struct, frozen=True):
    """One build statement: the item of the script in which it stands, its whole lines with the
    comments and `echo` above (all of the item's lines, when it is the item), and its builds.
    `uses_head` is False where the head is functions alone and the statement calls none."""

    item: Scalar
    lines: Span
    builds: tuple[Build, ...]
    uses_head: bool = True

    @property
    def name(self) -> str:
        """The service: the last part of the first tag's repository; empty when a variable
        stands there."""
        tags = [tag for build in self.builds for tag in build.tags]
        last = without_tag(tags[0].text).rpartition("/")[2] if tags else ""
        return "" if "$" in last else last

    @property
    def files(self) -> frozenset[tuple[str, str]]:
        """Dockerfiles with their contexts."""
        pairs = ((b.dockerfile or "", b.context or "") for b in self.builds)
        return frozenset(pairs)


class NoUnitsError(Exception):
    """A job whose script is not a series of builds, or must stay one; says why."""


def units_of(facts: Facts, job: Job) -> list[Unit]:
    """The units of a job; raises `NoUnitsError` where the script is anything else."""
    builds = [b for b in facts.builds.builds if b.site.in_job(job.name)]
    if len(builds) < 2:
        raise NoUnitsError("")
    node = job.body.get("script") if job.body is not None else None
    if not isinstance(node, YamlSequence) or node.flow or node.tag == "!reference":
        raise NoUnitsError("its script is written elsewhere")
    found = list(_units(node, builds))
    placed = [build for unit in found for build in unit.builds]
    if len(found) < 2:
        raise NoUnitsError("")
    if len(placed) != len(builds):
        raise NoUnitsError("one of its builds is asked for in a loop, or elsewhere")
    _check(facts, found)
    _check_moments(facts, job, found)
    return [replace(unit, uses_head=_uses_head(unit, node)) for unit in found]


def _uses_head(unit: Unit, node: YamlSequence) -> bool:
    scripts = [parse_shell(i.mapped) for i in node.items if isinstance(i, Scalar)]
    head = [s for script in scripts for s in script.statements if not isinstance(s, Command)]
    functions = {statement.name for statement in head if isinstance(statement, Function)}
    plain = len(functions) == len(head) and not any(
        statement.name not in _SAYS and _is_head(statement)
        for script in scripts
        for statement in script.statements
        if isinstance(statement, Command)
    )
    called = {call.name for build in unit.builds for call in build.calls}
    return not plain or bool(called & functions)


def _units(node: YamlSequence, builds: Sequence[Build]) -> Iterator[Unit]:
    started, heading = False, None
    for item, elsewhere in zip(node.items, node.aliased, strict=True):
        if not isinstance(item, Scalar) or elsewhere:
            raise NoUnitsError("a part of its script is written elsewhere")
        if _only_reports(item):
            heading = heading if heading is not None else item
            continue
        for number, unit in enumerate(_with_tail(item, list(_of_item(item, builds, started)))):
            started = True
            yield _headed(unit, heading) if heading is not None and not number else unit
            heading = None
        if started and heading is not None:
            raise NoUnitsError("a heading belongs to no build")
        heading = None
    if started and heading is not None:
        raise NoUnitsError("it reports after the last build")


def _only_reports(item: Scalar) -> bool:
    statements = parse_shell(item.mapped).statements
    return bool(statements) and all(_reports(item.file.source, each) for each in statements)


def _headed(unit: Unit, heading: Scalar) -> Unit:
    """A unit with the items above it that only say what comes."""
    if unit.item.style == "|":
        raise NoUnitsError("a heading stands in an item of its own above a block")
    start = heading.file.source.line_of(heading.span.start).start
    return replace(unit, lines=Span(start, unit.lines.end))


def _of_item(item: Scalar, builds: Sequence[Build], started: bool) -> Iterator[Unit]:
    """The units of one item; a head must come before all of them."""
    script = parse_shell(item.mapped)
    if script.broken:
        raise NoUnitsError("the shell grammar cannot read its script")
    source, above = item.file.source, None
    several = len(script.statements) > 1 and item.style != "|"
    for statement in script.statements:
        mine = tuple(b for b in builds if _asks(b, source, statement))
        if mine and (several or not isinstance(statement, Command)):
            raise NoUnitsError("one of its builds stands in a loop, a condition or a list")
        if mine:
            start = above if above is not None else statement
            yield Unit(item, _lines(source, item, start, statement), mine)
            above, started = None, True
        elif _reports(source, statement):
            above = above if above is not None else statement
        elif started or not _is_head(statement):
            shown = source.slice(statement.span).decode("utf-8", "replace").split("\n")[0]
            raise NoUnitsError(f"`{shown}` belongs to no single build")
    if above is not None and started:
        raise NoUnitsError("it reports after the last build")


def _with_tail(item: Scalar, units: Sequence[Unit]) -> Sequence[Unit]:
    """The units of a block, where comments below the last statement go with the last one."""
    if not units or item.style != "|":
        return units
    source, last = item.file.source, units[-1]
    below = source.slice(Span(last.lines.end, max(item.span.end, last.lines.end)))
    lines = below.rstrip().split(b"\n") if below.strip() else []
    if not lines or any(line.strip() and not line.lstrip().startswith(b"#") for line in lines):
        return units
    end = source.line_of(last.lines.end + len(below.rstrip()) - 1).end
    return [*units[:-1], replace(last, lines=Span(last.lines.start, end))]


def _is_head(statement: Statement) -> bool:
    if isinstance(statement, Command):
        words = [word.value or "" for word in statement.words]
        if words[:1] == ["docker"]:
            prepares = words[1:3] in (["buildx", "create"], ["buildx", "use"])
            return prepares or bool(_DOCKER_HEAD & {*words[1:2]})
        return not words or words[0] in _HEAD or words[0] in _SAYS
    return isinstance(statement, Assignment | Function)


def _reports(source: Source, statement: Statement) -> bool:
    """Whether a statement only writes a line into the log, and into no file."""
    if not isinstance(statement, Command) or statement.name not in _SAYS:
        return False
    rest = Span(statement.span.end, source.line_of(max(statement.span.end - 1, 0)).end)
    return b">" not in source.slice(rest) and b"|" not in source.slice(rest)


def _asks(build: Build, source: Source, statement: Statement) -> bool:
    place = build.calls[0].place if build.calls else build.site.place
    here = source.place(statement.span)
    return place.path == here.path and statement.span.contains(place.span)


def _lines(source: Source, item: Scalar, first: Statement, last: Statement) -> Span:
    """Whole lines from the comments above the first statement to the end of the last."""
    block = item.style == "|"
    first_byte = first.span.start if block else item.span.start
    start = source.line_of(first_byte).start
    end = source.line_of(max((last.span.end if block else item.span.end) - 1, 0)).end
    if block and source.slice(Span(start, first_byte)).strip():
        raise NoUnitsError("two commands stand on one line")
    floor = source.line_of(item.span.start).end if block else 0
    while start > floor:
        line = source.line_of(start - 1)
        if line.start < floor or not source.slice(line).lstrip().startswith(b"#"):
            break
        start = line.start
    return Span(start, end)


def _check(facts: Facts, units: Sequence[Unit]) -> None:
    """Nothing flows from one unit to the next; raises `NoUnitsError`."""
    for unit in units:
        for build in unit.builds:
            if build.dockerfile is None or build.context is None:
                raise NoUnitsError("the Dockerfile of one of its builds cannot be known")
            written = next((o.name for o in build.options if o.name in _WRITES), "")
            if written:
                raise NoUnitsError(f"a build leaves something behind with --{written}")
        others = [name for other in units if other is not unit for name in _tags(other)]
        for text in (text for build in unit.builds for text in _read(facts, build)):
            if any(_may_name(image_name(text), other) for other in others):
                raise NoUnitsError(f"one of its builds reads {text}, which another one makes")


def _check_moments(facts: Facts, job: Job, units: Sequence[Unit]) -> None:
    """No tag comes from a clock or from chance in what every new job would run once more; raises
    `NoUnitsError`. A function gets its tag from its caller, so both are looked at."""
    moments = Moments(facts.snapshot)
    for line in job.lines:
        if line.section != "after_script":
            moments.read(parse_shell(line.scalar.mapped).statements)
    for build in (build for unit in units for build in unit.builds):
        words = [tag.mapped for tag in build.tags if tag.mapped is not None]
        names = {name for word in words for name in mentioned(parse_shell(word).statements)}
        for call in build.calls:
            names |= {*mentioned(tuple(_called(job, call.name))), *_passed(job, build)}
        if held := sorted(names & moments.names):
            raise NoUnitsError(
                f"`{held[0]}` comes from a clock or from chance, so the tags of its images would "
                "differ from job to job"
            )


def _called(job: Job, function: str) -> Iterator[Statement]:
    for line in job.lines:
        found = parse_shell(line.scalar.mapped).functions.get(function)
        yield from found.body if found is not None else ()


def _passed(job: Job, build: Build) -> Iterator[str]:
    """The variables that the statement mentions which asks for a build."""
    for line in job.lines:
        for statement in parse_shell(line.scalar.mapped).statements:
            if _asks(build, line.scalar.file.source, statement):
                yield from mentioned([statement])


def _tags(unit: Unit) -> Iterator[ImageName]:
    for build in unit.builds:
        yield from (image_name(text) for tag in build.tags for text in tag.possible)


def _may_name(read: ImageName, made: ImageName) -> bool:
    """Whether what a build reads may be an image that another one made: pushed, or left in the
    machine's own store under a name without a registry."""
    plain = not {"/", "$"} & {*read.repository}
    if plain and "/" in made.repository:
        return False  # An official image, or one of the machine's store.
    return may_be_same(read, made)


def _read(facts: Facts, build: Build) -> Iterator[str]:
    """The images from which a build starts, or which it is given."""
    for argument in (*build.arguments, *build.named_contexts):
        for text in argument.value.possible if argument.value is not None else ():
            if "/" in text:
                yield text.removeprefix("docker-image://")
    for source in (text for value in build.cache_from for text in value.possible):
        fields = dict(field.partition("=")[::2] for field in source.split(","))
        yield from [source] if "=" not in source else [fields["ref"]] if "ref" in fields else []
    if build.dockerfile is None or build.dockerfile not in facts.snapshot:
        return
    graph = facts.stages(build.dockerfile)
    yield from graph.bases({a.name: _given(a) for a in build.arguments})
    for stage in graph.stages:
        yield from (r.text for r in graph.references(stage) if r.stage is None)


def _given(argument: BuildArgument) -> str:
    """A build argument's value, where it is one alone that reading knows."""
    texts = argument.value.possible if argument.value is not None else ()
    return texts[0] if len(texts) == 1 else "${" + argument.name + "}"
