"""The consumer's Dockerfile for the smaller context: edits of its bytes.

Sources lose the package's folder, every region of a sibling becomes a copy from its image, the
steps that the image has not seen stay. Knows regions and providers; knows no call site.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from dockerfix.api import Copy, Edit, Instruction, Reference, Run, Span, Stage
from dockerfix_transforms.slim_context.consumer import Consumer, Source, refusal
from dockerfix_transforms.slim_context.inline import Region
from dockerfix_transforms.slim_context.provider import Provider, missing_steps


def own_edits(consumer: Consumer) -> Iterator[Edit]:
    """The package's own sources, seen from the package's folder."""
    for source in consumer.sources:
        if source.package == consumer.folder:
            yield _stripped(consumer, source)


def _stripped(consumer: Consumer, source: Source) -> Edit:
    """A source without the folder in front: `./console/src` is `./src`, `console` is `.`."""
    written = consumer.graph.tree.source.text(source.word.span)
    cut = len(consumer.context) + 1 if consumer.context else 0
    prefix = consumer.folder[cut:]
    plain = source.word.raw == source.word.value and not isinstance(source.item, Run)
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
    consumer: Consumer,
    regions: Sequence[Region],
    providers: Mapping[str, Provider],
    names: Mapping[str, str],
    provider_builds: bool,
) -> Iterator[Edit]:
    """Every region as a copy from its provider's image; `names` are the stages' names."""
    for region in regions:
        provider, name = providers[region.sibling], names[region.sibling]
        if region.root is None:
            yield from _raw(consumer, region, provider, name)
        else:
            yield from _built(consumer, region, provider, name, provider_builds)


def context_edits(
    consumer: Consumer, regions: Sequence[Region], names: Mapping[str, str]
) -> Iterator[Edit]:
    """Every sibling's source as a path of a named context; all steps stay."""
    for region in regions:
        for item in region.copies:
            yield _from_flag(item, names[region.sibling])
            for source in consumer.of(item):
                inner = source.path[len(region.sibling) + 1 :] or "."
                yield Edit(source.word.span, _like(source, inner).encode())


def _like(source: Source, text: str) -> str:
    """A path in the quotes of the word that it replaces."""
    return f'"{text}"' if source.word.raw[:1] == '"' else text


def _from_flag(item: Copy, name: str) -> Edit:
    """`--from=` in front of the flags."""
    at = item.code.start + len(item.keyword)
    lower = item.source.text(Span(item.code.start, at)).islower()
    keyword = "copy" if lower else "COPY"
    return Edit(Span(item.code.start, at), f"{keyword} --from={name}".encode())


def _raw(consumer: Consumer, region: Region, provider: Provider, name: str) -> Iterator[Edit]:
    """Parts of a sibling that are copied as they are: from where the image has them."""
    for number, item in enumerate(region.copies):
        if number == 0:
            yield _note(consumer, item, provider, name, ())
        yield _from_flag(item, name)
        for source in consumer.of(item):
            inner = source.path[len(region.sibling) + 1 :]
            yield Edit(source.word.span, _like(source, f"{provider.where}/{inner}").encode())


def _built(
    consumer: Consumer, region: Region, provider: Provider, name: str, provider_builds: bool
) -> Iterator[Edit]:
    """The region's first copy becomes the copy from the image; copies and steps that the
    image holds already go, their comments stay above it."""
    root = region.root
    if root is None:
        return
    missing = [] if provider_builds else missing_steps(region.runs, provider)
    kept = {id(item) for item in missing}
    gone: list[Instruction] = [c for c in region.copies if c is not region.first]
    gone += [run for run in region.runs if id(run) not in kept]
    yield _note(consumer, region.first, provider, name, gone)
    yield Edit(region.first.code, _copy_text(root, provider, name).encode())
    for item in gone:
        start = item.comments[0].span.start if item.comments else item.span.start
        yield Edit(Span(start, item.span.end), b"")


def _copy_text(root: Copy, provider: Provider, name: str) -> str:
    """The copy of the whole package with the flags and the form of the one it replaces."""
    source = root.source
    flags = " ".join(source.text(flag.span) for flag in root.flags)
    destination = root.words[-1]
    lower = source.text(Span(root.code.start, root.code.start + 4)).islower()
    words = ["copy" if lower else "COPY", f"--from={name}", *([flags] if flags else [])]
    if root.json is not None:
        return " ".join([*words, f'["{provider.where}", {destination.raw}]'])
    return " ".join([*words, provider.where, destination.raw])


def _note(
    consumer: Consumer,
    item: Instruction,
    provider: Provider,
    name: str,
    gone: Sequence[Instruction],
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
    lines.append(
        f"# Needs --build-arg {provider.argument}=IMAGE, or --build-context "
        f"{name}=docker-image://IMAGE."
    )
    text = "".join(f"{indent}{line}{newline}" for line in dict.fromkeys(lines))
    return Edit(Span(item.span.start, item.span.start), text.encode())


def stage_edits(
    consumer: Consumer,
    regions: Sequence[Region],
    providers: Mapping[str, Provider],
    names: Mapping[str, str],
) -> Iterator[Edit]:
    """The argument beside the other global ones, and the stage before its first user.

    A sibling without a provider gets an empty stage for a named context to replace: without
    it, the name would fall through to the public registry.
    """
    tree = consumer.graph.tree
    newline = tree.newline.bytes.decode()
    first = tree.stages[0]
    users = {r.sibling: r.stage for r in reversed(regions)}
    arguments = [f"ARG {providers[s].argument}=scratch{newline}" for s in users if s in providers]
    blocks: dict[int, list[str]] = {}
    for sibling, stage in users.items():
        image = f"${{{providers[sibling].argument}}}" if sibling in providers else "scratch"
        line = f"FROM {image} AS {names[sibling]}{newline}"
        blocks.setdefault(stage.index, []).append(line)
    head = first.from_.owned.start
    texts: dict[int, str] = {}
    if tree.preamble and arguments:
        end = tree.preamble[-1].span.end
        texts[end] = "".join(arguments)
    else:
        texts[head] = "".join(arguments)
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
            yield _renamed(reference, name)


def _named(stage: Stage, name: str) -> Edit:
    item = stage.from_
    end = item.words[0].span.end
    lower = item.source.text(Span(item.code.start, item.code.start + 4)).islower()
    return Edit(Span(end, end), f" {'as' if lower else 'AS'} {name}".encode())


def _renamed(reference: Reference, name: str) -> Edit:
    span = reference.flag.value_span or reference.flag.span
    if reference.flag.name == "from":
        return Edit(span, name.encode())
    text = reference.instruction.source.text(span)
    return Edit(span, text.replace(f"from={reference.text}", f"from={name}", 1).encode())


def stage_names(consumer: Consumer, siblings: Sequence[str]) -> dict[str, str]:
    """The names of the new stages: the sibling's, unless a stage or image has it."""
    taken = {(stage.name or "").lower() for stage in consumer.graph.stages}
    found: dict[str, str] = {}
    for sibling in siblings:
        name = "".join(
            char if char.isalnum() or char in "-_." else "-"
            for char in posixpath.basename(sibling).lower()
        ).lstrip("0123456789-_.")
        name = name or "sibling"
        while name in taken:
            name = f"{name}-image"
        taken.add(name)
        found[sibling] = name
    return found
