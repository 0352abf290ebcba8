"""The stages of a sibling's own Dockerfile as a consumer can hold them, so that its cache hits.

BuildKit finds a step in a cache by the instruction, what it stands on, and the contents that it
takes; of a source path only the last name counts. So the instructions stay to the letter, and
sources get the sibling's folder in front. A COPY of a whole context has no name, and hits only
where a context is copied, no stage and no folder of one (tried with BuildKit 0.34): it copies from
a stage of that folder, in whose place a call site gives the folder as a named context. Knows two
Dockerfiles; which cache is read is `cached`'s.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.api import (
    Add,
    Copy,
    Edit,
    EditSet,
    Instruction,
    Run,
    Span,
    Stage,
    Word,
    inner_path,
)
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.owner import is_path
from dockerfix_transforms.slim_context.refusal import CannotSlimError, refusal
from dockerfix_transforms.slim_context.rewrite import renamed
from dockerfix_transforms.slim_context.sibling.provider import Provider

MAKING = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""What a stage needs up to its last one; CMD and the like behind it are the image's own."""
_SECRET = frozenset({"secret", "ssh"})


class Inlined(Struct, frozen=True):
    """Stages to put in front of those that use them: their text, the name of the last one, and
    of the one in whose place builds must give the sibling's context (or nothing)."""

    text: str
    name: str
    context: str = ""


def inlined(consumer: Consumer, provider: Provider, name: str) -> Inlined:
    """A sibling's stages in the consumer's file. Raises `CannotSlimError` for what cannot stand
    there to the letter."""
    return _Stages(consumer, provider, name).all()


class _Stages:
    """The stages of one provider. Private to `inlined`."""

    def __init__(self, consumer: Consumer, provider: Provider, name: str) -> None:
        self.consumer = consumer
        self.graph = provider.graph
        self.stages = provider.graph.needs(provider.stage)
        self.tree = provider.graph.tree
        self.newline = consumer.graph.tree.newline.bytes.decode()
        context = provider.build.context or ""
        self.folder = context
        self.prefix = inner_path(context, consumer.context)
        self.sources = f"{name}-sources"
        last = provider.stage.index
        self.names = {
            s.index: name if s.index == last else f"{name}-{(s.name or str(s.index)).lower()}"
            for s in self.stages
        }
        self.whole = False

    def all(self) -> Inlined:
        """The text of all stages."""
        self.check()
        texts = [self.stage(stage) for stage in self.stages]
        said = f"# As in {self.tree.path}, so that the cache of its image serves these steps."
        head = [said]
        if self.whole:
            given = f"# Its cache is hit with --build-context {self.sources}={self.folder}."
            head += [given, f"FROM scratch AS {self.sources}", f"COPY ./{self.prefix} /", ""]
        text = self.newline.join([*head, (self.newline * 2).join(texts)])
        name = self.names[self.stages[-1].index]
        return Inlined(f"{text}{self.newline}", name, self.sources if self.whole else "")

    def check(self) -> None:
        """What the two files must have in common."""
        mine = self.consumer.graph.tree
        if mine.escape != self.tree.escape or mine.newline != self.tree.newline:
            raise self.refused("its escape sign or its line ends differ from this file's", None)
        taken = {(stage.name or "").lower() for stage in self.consumer.graph.stages}
        clash = next((n for n in (self.sources, *self.names.values()) if n in taken), None)
        if clash is not None:
            raise self.refused(f"this file has a stage {clash} already", None)

    def refused(self, what: str, item: Instruction | None) -> CannotSlimError:
        """A stage that would differ from what the cache holds."""
        where = f" ({self.tree.source.place(item.code)})" if item is not None else ""
        first = self.consumer.graph.stages[0].from_
        return refusal(
            self.consumer.graph, "cache-misses",
            f"the steps of {self.tree.path} would not be found in its cache: {what}{where}",
            "pass --via image to take them from its image", first.code,
        )  # fmt: skip

    def stage(self, stage: Stage) -> str:
        """One stage from its FROM to the last instruction that makes a file."""
        made = [item for item in stage.instructions if item.keyword in MAKING]
        last = made[-1] if made else stage.from_
        span = Span(stage.from_.code.start, last.span.end)
        edits = [Edit(stage.from_.code, self.head(stage).encode())]
        for item in made:
            edits += self.instruction(item)
        for reference in self.graph.references(stage):
            if reference.stage is not None and reference.instruction in made:
                edits.append(renamed(reference, self.names[reference.stage.index]))
        start = span.start
        own = [Edit(Span(e.span.start - start, e.span.end - start), e.replacement) for e in edits]
        text = EditSet.of(own).apply(self.tree.source.data[start : span.end])
        return text.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def head(self, stage: Stage) -> str:
        """The FROM line under the stage's new name."""
        item, below = stage.from_, self.graph.base(stage)
        image = item.image
        if image is None or image.variables or any("$" in (f.value or "") for f in item.flags):
            raise self.refused("its FROM takes an argument", item)
        base = self.names[below.index] if below is not None else image.value
        flags = [self.tree.source.text(flag.span) for flag in item.flags]
        return " ".join(["FROM", *flags, base, "AS", self.names[stage.index]])

    def instruction(self, item: Instruction) -> Iterator[Edit]:
        """What an instruction must change to mean the same here."""
        if isinstance(item, Run):
            kinds = {m.kind for m in item.mounts if m.option("from") is None}
            if kinds & _SECRET or "bind" in kinds:
                raise self.refused("a RUN mounts a secret or the context", item)
        if isinstance(item, Copy) and item.from_ is None:
            words = [word for word in item.sources if is_path(item, word)]
            if self.prefix and words:
                yield from self.copied(item, words)

    def copied(self, item: Copy, words: list[Word]) -> Iterator[Edit]:
        """A COPY's sources with the sibling's folder in front."""
        if any(word.variables for word in words) or item.flag("parents") is not None:
            raise self.refused("a COPY takes a path from a variable, or --parents", item)
        cleaned = [posixpath.normpath(word.value.lstrip("/") or ".") for word in words]
        if "." in cleaned:
            if len(words) > 1 or isinstance(item, Add):
                raise self.refused("a COPY takes the whole context and more", item)
            self.whole = True
            at = item.code.start + len(item.keyword)
            yield Edit(Span(at, at), f" --from={self.sources}".encode())
            return
        for word, path in zip(words, cleaned, strict=True):
            if word.raw != word.value and item.json is None:
                raise self.refused("a COPY writes a path in quotes", item)
            text = f"./{self.prefix}/{path}"
            yield Edit(word.span, (f'"{text}"' if item.json is not None else text).encode())
