"""The consumer's Dockerfile for the smaller context: edits of its bytes.

Sources lose the package's folder, every region of a sibling becomes a copy from its image, the
steps that the image has not seen stay. Knows regions and providers; knows no call site.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from dockerfix.api import Copy, Edit, Instruction, Reference, Run, Span, Stage, inner_path
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.inline import Region
from dockerfix_transforms.slim_context.read.sources import Source
from dockerfix_transforms.slim_context.refusal import refusal
from dockerfix_transforms.slim_context.sibling.origin import From, Whole


def own_edits(consumer: Consumer) -> Iterator[Edit]:
    """The package's own sources, seen from the package's folder."""
    for source in consumer.sources:
        mixed = any(s.package != consumer.folder for s in consumer.of(source.item))
        if source.package == consumer.folder and not mixed:
            yield _stripped(consumer, source)


def _stripped(consumer: Consumer, source: Source) -> Edit:
    """A source without the folder in front: `./console/src` is `./src`, `console` is `.`."""
    written = consumer.graph.tree.source.text(source.word.span)
    prefix = inner_path(consumer.folder, consumer.context)
    plain = source.word.raw == source.word.value and not isinstance(source.item, Run)
    if plain and ".." in source.word.value.split("/"):
        return Edit(source.word.span, (source.inner or ".").encode())
    at = written.find(prefix) if plain else _quoted_at(written, prefix)
    if at < 0:
        raise refusal(
            consumer.graph, "written-source", f"{written} does not show the folder {prefix}",
            "write the path plainly", source.word.span,
        )  # fmt: skip
    start, end = source.word.span.start + at, source.word.span.start + at + len(prefix)
    dotted = written[:at].endswith("./")
    rest = written[at + len(prefix) :]
    if rest.startswith("/") and (len(rest.rstrip("\"'")) > 1 or dotted):
        return Edit(Span(start, end + 1), b"")
    if dotted:
        return Edit(Span(start - 2, end), b".")
    return Edit(Span(start, end), b".")


def _quoted_at(written: str, prefix: str) -> int:
    """Where the folder stands in a word in quotes, or in the options of a mount."""
    for head in ('"', '"./', '"/', "source=", "source=./", "src=", "src=./"):
        if f"{head}{prefix}" in written:
            return written.index(f"{head}{prefix}") + len(head)
    return -1


def sibling_edits(
    consumer: Consumer, regions: Sequence[Region], froms: Mapping[str, From]
) -> Iterator[Edit]:
    """Every region as copies from its provider's image, or from a named context."""
    for region in regions:
        if region.split:
            continue
        whole = froms[region.sibling].whole(region)
        if whole is None:
            yield from _raw(consumer, region, froms[region.sibling])
        else:
            yield from _built(consumer, region, froms[region.sibling], whole)
    mixed = dict.fromkeys(region.first for region in regions if region.split)
    for item in mixed:
        yield from _split(consumer, item, froms)


def _like(source: Source, text: str) -> str:
    """A path in the quotes of the word that it replaces."""
    return f'"{text}"' if source.word.raw[:1] == '"' else text


def _from_flag(item: Copy, name: str) -> Edit:
    """`--from=` in front of the flags."""
    at = item.code.start + len(item.keyword)
    return Edit(Span(item.code.start, at), f"{_keyword(item)} --from={name}".encode())


def _keyword(item: Copy) -> str:
    written = item.source.text(Span(item.code.start, item.code.start + len(item.keyword)))
    return "copy" if written.islower() else "COPY"


def _raw(consumer: Consumer, region: Region, origin: From) -> Iterator[Edit]:
    """Parts of a sibling that are copied as they are: from where the image has them."""
    for number, item in enumerate(region.copies):
        if number == 0:
            yield _note(consumer, item, [origin], ())
        yield from _part(consumer, item, origin)


def _part(consumer: Consumer, item: Copy, origin: From) -> Iterator[Edit]:
    yield _from_flag(item, origin.name)
    for source in consumer.of(item):
        yield Edit(source.word.span, _like(source, origin.path(source)).encode())


def _built(consumer: Consumer, region: Region, origin: From, whole: Whole) -> Iterator[Edit]:
    """The region's first copy becomes the copy from the image; copies and steps that the
    image holds already go, their comments stay above it."""
    first = region.covered[0]
    gone: list[Instruction] = [item for item in region.covered if item is not first]
    gone += [step.item for step in whole.seen]
    if region.first is first:
        yield _note(consumer, first, [origin], gone)
    else:
        yield _note(consumer, region.first, [origin], ())
        yield _note(consumer, first, (), gone)
    yield Edit(first.code, _copy_text(region, origin, whole).encode())
    for item in region.elsewhere:
        yield from _part(consumer, item, origin)
    for other in gone:
        start = other.comments[0].span.start if other.comments else other.span.start
        yield Edit(Span(start, other.span.end), b"")


def _copy_text(region: Region, origin: From, whole: Whole) -> str:
    """The copy of the whole package with the flags and the form of the one it replaces."""
    model = region.root or region.covered[0]
    flags = [model.source.text(flag.span) for flag in model.flags]
    head = [_keyword(model), f"--from={origin.name}", *flags]
    destination = model.words[-1].raw
    if region.root is None and whole.destination is not None:
        destination = _like(Source(model, model.words[-1], "", ""), whole.destination)
    if model.json is not None:
        return " ".join([*head, f'["{whole.where}", {destination}]'])
    return " ".join([*head, whole.where, destination])


def _split(consumer: Consumer, item: Copy, froms: Mapping[str, From]) -> Iterator[Edit]:
    """One instruction for each package whose files a COPY takes."""
    groups = _owners(consumer, item)
    newline = consumer.graph.tree.newline.bytes.decode()
    indent = consumer.graph.tree.source.text(Span(item.span.start, item.code.start))
    used = [
        froms[package]
        for package in dict.fromkeys(g[0].package for g in groups)
        if package in froms
    ]
    lines = [_split_text(consumer, item, group, froms) for group in groups]
    yield _note(consumer, item, used, ())
    yield Edit(item.code, (newline + indent).join(lines).encode())


def _owners(consumer: Consumer, item: Copy) -> list[list[Source]]:
    """The sources by owner; in runs of one owner when two have the same name, since the later
    one must stay the later one."""
    sources = consumer.of(item)
    names = [posixpath.basename(source.path) for source in sources]
    plain = len(set(names)) == len(names) and not any(sign in n for n in names for sign in "*?[")
    found: list[list[Source]] = []
    for source in sources:
        near = found[-1:] if not plain else found
        group = next((g for g in near if g[0].package == source.package), None)
        if group is None:
            found.append([source])
        else:
            group.append(source)
    return found


def _split_text(
    consumer: Consumer, item: Copy, group: Sequence[Source], froms: Mapping[str, From]
) -> str:
    origin = froms.get(group[0].package)
    words = []
    for source in group:
        inner = source.path[len(consumer.folder) + 1 :] or "."
        words.append(_like(source, origin.path(source) if origin is not None else inner))
    words.append(item.words[-1].raw)
    flags = [item.source.text(flag.span) for flag in item.flags]
    head = [_keyword(item), *([f"--from={origin.name}"] if origin is not None else []), *flags]
    if item.json is not None:
        return " ".join([*head, "[" + ", ".join(words) + "]"])
    return " ".join([*head, *words])


def _note(
    consumer: Consumer, item: Instruction, origins: Sequence[From], gone: Sequence[Instruction]
) -> Edit:
    """The comment that BuildKit shows when the image is not given, below the comments of
    what goes."""
    newline = consumer.graph.tree.newline.bytes.decode()
    source = consumer.graph.tree.source
    indent = source.text(Span(item.span.start, item.code.start))
    known = [c.text for c in item.comments]
    lines = [
        c.text
        for other in gone
        for c in (*other.comments, *other.inner_comments)
        if c.text not in known
    ]
    lines += [origin.note for origin in origins if origin.note]
    text = "".join(f"{indent}{line}{newline}" for line in dict.fromkeys(lines))
    return Edit(Span(item.span.start, item.span.start), text.encode())


def stage_edits(
    consumer: Consumer, regions: Sequence[Region], froms: Mapping[str, From]
) -> Iterator[Edit]:
    """The argument beside the other global ones, and the stage before its first user.

    A sibling without an image gets an empty stage for a named context to replace: without it,
    the name would fall through to the public registry.
    """
    tree = consumer.graph.tree
    newline = tree.newline.bytes.decode()
    users: dict[str, Stage] = {}
    for region in regions:
        users.setdefault(region.sibling, region.stage)
    arguments = [f"ARG {name}=scratch{newline}" for s in users if (name := froms[s].argument)]
    blocks: dict[int, list[str]] = {}
    for sibling, stage in users.items():
        origin = froms[sibling]
        image = f"${{{origin.argument}}}" if origin.argument else "scratch"
        line = origin.stages or f"FROM {image} AS {origin.name}{newline}"
        blocks.setdefault(stage.index, []).append(line)
    at = tree.preamble[-1].span.end if tree.preamble else tree.stages[0].from_.owned.start
    texts: dict[int, str] = {at: "".join(arguments)} if arguments else {}
    for index, lines in blocks.items():
        at = tree.stages[index].from_.owned.start
        texts[at] = texts.get(at, "") + "".join(lines) + newline
    for at, text in sorted(texts.items()):
        yield Edit(Span(at, at), text.encode())


def numeric_edits(consumer: Consumer) -> Iterator[Edit]:
    """`--from=0` as a name: new stages in front would shift what it means."""
    graph = consumer.graph
    taken = {(stage.name or "").lower() for stage in graph.stages}
    named: dict[int, str] = {}
    for stage in graph.stages:
        for reference in graph.references(stage):
            if not reference.numeric or reference.stage is None:
                continue
            index = reference.stage.index
            name = reference.stage.name or named.get(index)
            if name is None:
                name = f"stage-{index}"
                while name in taken:
                    name = f"{name}-{index}"
                taken.add(name)
                named[index] = name
                yield _named(reference.stage, name)
            yield renamed(reference, name)


def _named(stage: Stage, name: str) -> Edit:
    item = stage.from_
    end = item.words[0].span.end
    lower = item.source.text(Span(item.code.start, item.code.start + 4)).islower()
    return Edit(Span(end, end), f" {'as' if lower else 'AS'} {name}".encode())


def renamed(reference: Reference, name: str) -> Edit:
    """What `--from` or a mount names, under another name."""
    span = reference.flag.value_span or reference.flag.span
    if reference.flag.name == "from":
        return Edit(span, name.encode())
    text = reference.instruction.source.text(span)
    return Edit(span, text.replace(f"from={reference.text}", f"from={name}", 1).encode())


def stage_names(consumer: Consumer, siblings: Sequence[str]) -> dict[str, str]:
    """The names of the new stages: the sibling's, with the folders in front where two have one
    name, and another one where a stage has it."""
    stages = {name.lower() for name in _names_in_use(consumer)}
    found: dict[str, str] = {}
    for sibling in siblings:
        name = _stage_name(posixpath.basename(sibling) or "root")
        if name in found.values():
            name = _stage_name(sibling)
        while name in stages or name in found.values():
            name = f"{name}-image"
        found[sibling] = name
    return found


def _names_in_use(consumer: Consumer) -> Iterator[str]:
    """Names of stages, and of the images and named contexts that a stage would hide."""
    for stage in consumer.graph.stages:
        yield stage.name or ""
        yield stage.from_.image.value if stage.from_.image is not None else ""
        yield from (reference.text for reference in consumer.graph.references(stage))


def _stage_name(text: str) -> str:
    signs = (
        char if char.isascii() and (char.isalnum() or char in "-_.") else "-"
        for char in text.lower()
    )
    return "".join(signs).lstrip("0123456789-_.") or "sibling"
