"""Cache sources and exports of one build command or bake target, and lines above a command.

Each value is put into the place of an old one, in its spelling and quotes; what is left over
goes with its line. Knows the writing of commands and bake files; decides no ref.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from dockerfix.facts.bake import parse_bake
from dockerfix.facts.model import Build, Option, SiteKind, Tool, Value
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.syntax.yaml.tree import Scalar
from dockerfix.text import Edit, Place, Source, Span

FROM, TO = "cache-from", "cache-to"
_BLANK = b" \t\r\n"
_INDICATORS = ("|", ">")


class Caches(Struct, frozen=True):
    """What the builds of one command shall read and write: values of the options as they are
    to be written, without quotes."""

    sources: tuple[str, ...]
    exports: tuple[str, ...]


def set_caches(facts: Facts, builds: Sequence[Build], wanted: Caches) -> Edits:
    """Edits of one command, or of one bake target; raises `Refused`.

    `builds` are all builds that the command makes: what is written there serves them all.
    """
    first = builds[0]
    if first.tool is Tool.BAKE:
        return _bake(facts, first, wanted)
    if first.tool not in (Tool.DOCKER_BUILD, Tool.BUILDX_BUILD):
        what = f"{first.tool.value} takes other words for its caches"
        raise Refused(first.site.place, what, "change them by hand")
    source = facts.snapshot.source(first.site.place.path)
    edits: Edits = []
    if not any(option.name in (FROM, TO) for option in first.options):
        return [(source.path, _none_yet(facts, source, first, wanted))]
    for name, other, texts in ((FROM, TO, wanted.sources), (TO, FROM, wanted.exports)):
        options = [option for option in first.options if option.name == name]
        beside = [option for option in first.options if option.name == other]
        if texts and not options:
            edits.append((source.path, _first(source, first, beside, name, texts)))
        else:
            edits += [(source.path, e) for e in _options(source, first, options, texts)]
    return edits


def _options(
    source: Source, build: Build, options: Sequence[Option], texts: Sequence[str]
) -> list[Edit]:
    """The options of one name with other values."""
    found: list[Edit] = []
    for option, text in zip(options, texts, strict=False):
        value, _ = _at(build, option)
        if value.inside != text:
            found.append(Edit(_inside(source, build, option), text.encode()))
    for option in options[len(texts) :]:
        _, place = _at(build, option)
        found.append(Edit(Span(_end_before(source, place.span.start), place.span.end), b""))
    more = texts[len(options) :]
    if more:
        found.append(_added(source, build, options[-1], more))
    return found


def _at(build: Build, option: Option) -> tuple[Value, Place]:
    """The value and the place of an option that is written in the command itself."""
    value, place = option.value, option.place
    if value is None or value.place is None or place is None:
        what = f"--{option.name} comes out of a variable"
        raise Refused(build.site.place, what, f"write --{option.name} in the command")
    if value.place.path != build.site.place.path:
        raise Refused(build.site.place, f"--{option.name} stands elsewhere", "write it out")
    return value, place


def _inside(source: Source, build: Build, option: Option) -> Span:
    """The bytes of a value between its quotes; raises `Refused` where a text that is put there
    would not be read as it is written."""
    value, _ = _at(build, option)
    span = value.place.span if value.place is not None else Span(0, 0)
    unclosed = value.written[:1] == '"' and value.inside == value.written
    if unclosed or value.written[:1] == "'" or source.text(span) != value.written:
        what = f"--{option.name} is quoted so that no variable can be put in"
        raise Refused(build.site.place, what, "write the value in double quotes")
    if value.inside == value.written:
        return span
    return Span(span.start + 1, span.end - 1)


def _end_before(source: Source, start: int) -> int:
    """Where the word before an offset ends: behind no blank and no line continuation."""
    while start and source.data[start - 1] in _BLANK:
        start -= 1
        ends_line = source.data[start] in b"\r\n"
        if ends_line and source.data[start - 1 : start] == b"\\":
            start -= 1
    escaped = source.data[start - 1 : start] == b"\\"
    return start + 1 if escaped else start


def _added(source: Source, build: Build, option: Option, texts: Sequence[str]) -> Edit:
    """More options of one name behind the last one, in its spelling."""
    _, place = _at(build, option)
    span, inner = place.span, _inside(source, build, option)
    joint = source.text(Span(_end_before(source, span.start), span.start))
    head = source.text(Span(span.start, inner.start))
    tail = source.text(Span(inner.end, span.end))
    text = "".join(f"{joint}{head}{value}{tail}" for value in texts)
    return Edit(Span(span.end, span.end), text.encode())


def _first(
    source: Source, build: Build, beside: Sequence[Option], name: str, texts: Sequence[str]
) -> Edit:
    """The first options of one name, above those of the other name, in their spelling."""
    if not beside:
        raise Refused(build.site.place, "the command has no cache", f"add --{name} by hand")
    _, place = _at(build, beside[0])
    span, inner = place.span, _inside(source, build, beside[0])
    joint = source.text(Span(_end_before(source, span.start), span.start))
    head = source.text(Span(span.start, inner.start)).replace(beside[0].name, name)
    tail = source.text(Span(inner.end, span.end))
    text = "".join(f"{head}{value}{tail}{joint}" for value in texts)
    return Edit(Span(span.start, span.start), text.encode())


def _none_yet(facts: Facts, source: Source, build: Build, wanted: Caches) -> Edit:
    """The options of a command that has none of the two, above its first option."""
    here = build.site.place
    places = [option.place for option in build.options if option.place is not None]
    starts = [p.span.start for p in places if p.path == here.path and here.span.contains(p.span)]
    if not starts:
        raise Refused(here, "the command has no option beside which a cache could stand", "add it")
    end = _end_before(source, at := min(starts))
    joint = source.text(Span(end, at))
    if "\n" not in joint:
        joint = line_break(facts, here) or joint
    given = [(FROM, text) for text in wanted.sources] + [(TO, text) for text in wanted.exports]
    options = "".join(f"--{name} {text}{joint}" for name, text in given)
    return Edit(Span(end, at), f"{joint}{options}".encode())


def line_break(facts: Facts, place: Place) -> str:
    """What continues a command of one line on the next one; empty where its text cannot be
    broken as it is written."""
    source = facts.snapshot.source(place.path)
    line = source.line_of(place.span.start)
    newline = source.newline.bytes.decode()
    before = source.text(Span(line.start, place.span.start))
    pad = before[: len(before) - len(before.lstrip())]
    scalar = _scalar(facts, place)
    if scalar is None or scalar.style == "|":
        return "" if before.strip() else f" \\{newline}{pad}  "
    # A plain text goes on at any deeper line, and a line break in it is a blank.
    return f"{newline}{pad}  " if scalar.style == "" else ""


# Bake files.


def _bake(facts: Facts, build: Build, wanted: Caches) -> Edits:
    target = facts.bake_target(build)
    if target is None or target.matrix:
        what = "its bake target is one of a matrix, or is not found"
        raise Refused(build.site.place, what, "change the caches by hand")
    source = facts.snapshot.source(target.place.path)
    if not source.path.endswith(".hcl"):
        raise Refused(target.place, "the bake file is JSON", "declare the variables by hand")
    edits: Edits = []
    for name, texts in ((FROM, wanted.sources), (TO, wanted.exports)):
        place = target.places.get(name)
        given = target.attributes.get(name)
        old = [given] if isinstance(given, str) else given
        if old == list(texts) or (not old and not texts):
            continue
        if place is None:
            raise Refused(target.place, f"{name} is inherited", f"write {name} in the target")
        edits.append((source.path, _list(source, place.span, texts)))
    return edits


def _list(source: Source, span: Span, texts: Sequence[str]) -> Edit:
    """Another list, one item a line; an empty one goes with its line."""
    old = source.text(span)
    if not texts:
        return Edit(source.line_of(span.start).cover(source.line_of(span.end - 1)), b"")
    items = [f'"{text}"' for text in texts]
    newline = source.newline.bytes.decode()
    if len(items) > 1:
        line = source.line_of(span.start)
        head = source.text(Span(line.start, span.start))
        pad = head[: len(head) - len(head.lstrip())]
        inner = old.split(newline)[1] if newline in old else f"{pad}  "
        deep = inner[: len(inner) - len(inner.lstrip())]
        body = "".join(f"{deep}{item},{newline}" for item in items)
        return Edit(span, f"[{newline}{body}{pad}]".encode())
    return Edit(span, f"[{', '.join(items)}]".encode())


def declare(facts: Facts, path: str, names: Sequence[str]) -> Edits:
    """Declarations of variables that a bake file lacks, below those that it has."""
    known = facts.snapshot.derive(path, parse_bake).variables
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if not missing:
        return []
    source = facts.snapshot.source(path)
    newline = source.newline.bytes.decode()
    lines = [source.line_of(at) for at in source.line_starts if at < len(source.data)]
    texts = {line: source.text(line) for line in lines}
    one_line = [n for n, text in texts.items() if text.startswith("variable ") and "}" in text]
    added = "".join(f'{newline}variable "{name}" {{ default = "" }}{newline}' for name in missing)
    if one_line:
        at = one_line[-1].end
    else:
        head = next((n for n, text in texts.items() if not text.startswith(("#", "//"))), lines[0])
        at = head.start
        added = added[len(newline) :] + newline if at == 0 else added
    return [(path, Edit(Span(at, at), added.encode()))]


# Lines above a command.


def put_above(facts: Facts, build: Build, lines: Sequence[str], comment: str = "") -> Edits:
    """Commands of their own before a build's: items of the script's list where the build's
    command stands in the first line of one, else lines above it.

    Raises `Refused` where the command begins no line. A line that reads a variable of the
    shell must not come before what sets it: it goes above the command alone.
    """
    place = build.site.place
    source = facts.snapshot.source(place.path)
    at = source.line_of(place.span.start)
    before = source.text(Span(at.start, place.span.start))
    scalar = _scalar(facts, place)
    if scalar is not None:
        style = scalar.style
        starts = source.line_of(scalar.span.start).start == at.start
        if before.lstrip().startswith("-") and not starts:
            raise Refused(place, "a dash stands inside the command's text", "make it an item")
        free = all(name.startswith("CI_") for line in lines for name in _read(line))
        start, head = _item(source, at, before, free)
        if head is not None:
            items = [text for line in lines for text in _as_item(line)]
            return [(place.path, _lines(source, start, head, (comment, *items)))]
        if style != "|":
            raise Refused(place, "the command is folded with others", "write the script with `|`")
    elif build.site.kind is not SiteKind.GITLAB or not _is_script(source):
        raise Refused(place, "the command stands in no script", "ask for the cache by hand")
    if before.strip():
        raise Refused(place, "the command begins no line", "put it on a line of its own")
    texts = [text for line in lines for text in line.split("\n")]
    start = _above_comments(source, at.start)
    return [(place.path, _lines(source, start, before, (comment, *texts)))]


def _above_comments(source: Source, start: int) -> int:
    """Where the comments begin that stand directly above a line; what names a script's program
    is none."""
    while start:
        above = source.line_of(start - 1)
        text = source.text(above).lstrip()
        if not text.startswith("#") or text.startswith("#!"):
            break
        start = above.start
    return start


def _as_item(command: str) -> list[str]:
    """A command as an item of a list, one of several lines as a block."""
    lines = command.split("\n")
    return [f"- {command}"] if len(lines) == 1 else ["- |", *(f"  {line}" for line in lines)]


def take_above(
    facts: Facts, build: Build, wanted: Callable[[str], bool], height: int, comment: str
) -> Edits:
    """The command of `height` lines above a build's taken out that is wanted, with its comment and
    the item that it alone makes; nothing where there is none before the next blank line.

    Raises `Refused` for one that stands in another list of the pipeline than the command: what
    else runs behind it is not known there.
    """
    place = build.site.place
    source = facts.snapshot.source(place.path)
    line = source.line_of(place.span.start)
    below: list[Span] = []
    while line.start:
        line = source.line_of(line.start - 1)
        if not source.slice(line).strip():
            break
        below = [line, *below][:height]
        if len(below) == height and wanted("\n".join(source.text(b).strip() for b in below)):
            found = below[0].cover(below[-1])
            if not _in_one_list(facts, found, place):
                what = "the line stands in another list than the build"
                raise Refused(source.place(line), what, "take the line out by hand")
            return [
                (place.path, Edit(Span(_head_of(facts, found, place, comment), found.end), b""))
            ]
    return []


def _head_of(facts: Facts, found: Span, place: Place, comment: str) -> int:
    """Where a command begins with the dash of its own item and the comment above."""
    source = facts.snapshot.source(place.path)
    scalar = _scalar(facts, place)
    start = found.start
    above = source.line_of(start - 1) if start else found
    if source.text(above).strip() == "- |" and (
        scalar is None or not scalar.span.contains(Span(found.start, found.end - 1))
    ):
        start = above.start
        above = source.line_of(start - 1) if start else above
    return above.start if source.text(above).strip() == comment else start


def _in_one_list(facts: Facts, line: Span, place: Place) -> bool:
    """Whether every list of commands that holds a place holds the line too; in other files than
    the pipeline's, whatever stands in the file does."""
    pipeline = facts.pipeline
    for job in pipeline.jobs.values() if pipeline is not None else ():
        mine = [item for item in job.lines if item.scalar.file.source.path == place.path]
        holding = {item.section for item in mine if item.scalar.span.contains(place.span)}
        beside = {item.section for item in mine if line.touches(item.scalar.span)}
        if not holding <= beside:
            return False
    return True


def _scalar(facts: Facts, place: Place) -> Scalar | None:
    """The scalar that holds a command of the pipeline; None for other files."""
    pipeline = facts.pipeline
    for job in pipeline.jobs.values() if pipeline is not None else ():
        for line in job.lines:
            scalar = line.scalar
            if scalar.file.source.path == place.path and scalar.span.contains(place.span):
                return scalar
    return None


def _is_script(source: Source) -> bool:
    return source.path.endswith((".sh", ".bash")) or source.data.startswith(b"#!")


def _read(line: str) -> Iterator[str]:
    """The variables that a line reads before it sets them itself."""
    for part in line.partition(";")[0].split("$")[1:]:
        name = part.removeprefix("{")
        end = next((n for n, c in enumerate(name) if not (c.isalnum() or c == "_")), len(name))
        yield name[:end]


def _item(source: Source, at: Span, before: str, free: bool) -> tuple[int, str | None]:
    """Where a list item above this one begins, with its indentation; None where the command
    does not stand in an item's first line. Unless it is `free`, it must begin the item."""
    begins = before.lstrip().startswith("- ") if free else before.strip() in ("-", '- "', "- '")
    if begins:
        line, text = at, before
    else:
        if before.strip() or not at.start:
            return at.start, None
        line = source.line_of(at.start - 1)
        text = source.text(line)
        sign = text.strip().removeprefix("-").strip()[:1]
        if not text.lstrip().startswith("- ") or sign not in _INDICATORS:
            return at.start, None
    head = text[: len(text) - len(text.lstrip())]
    return _above_comments(source, line.start), head


def _lines(source: Source, at: int, head: str, texts: Sequence[str]) -> Edit:
    newline = source.newline.bytes.decode()
    text = "".join(f"{head}{text}{newline}" for text in texts if text)
    return Edit(Span(at, at), text.encode())
