"""The hostile list: one Dockerfile, written in every way that breaks careless rewriters.

Each variant means the same to BuildKit as the original, or adds an instruction that changes
nothing for the others, so that a transform must either do its work on it or refuse, and never
fail. The list follows style.md's; a form that the given file has no place for is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import Outcome
from dockerfix.engine.proposal import Transform
from dockerfix.syntax.dockerfile import Copy, Dockerfile, Instruction, Run, parse
from dockerfix.testing.pipeline import run_transform
from dockerfix.text import Edit, EditSet, Snapshot, Span
from dockerfix.text.source import BOM


class Variant(Struct, frozen=True):
    """A hostile form of a Dockerfile: what is hostile about it, and its bytes."""

    name: str
    data: bytes


def hostile_variants(data: bytes) -> tuple[Variant, ...]:
    """All hostile forms of a Dockerfile that is written plainly: LF, backslash as escape."""
    made = ((name, make(parse(data))) for name, make in _FORMS.items())
    return tuple(Variant(name, variant) for name, variant in made if variant != data)


def run_hostile(
    transform: Transform,
    files: Mapping[str, bytes],
    dockerfile: str,
    paths: Sequence[str],
    judges: Judges | None = None,
    **options: Any,
) -> dict[str, Outcome]:
    """Run a transform on every hostile form of one file of a tree, with the hidden checks.

    Gives the outcome of each variant by its name, so that a test can say which are refused.
    Raises `AssertionError` when a check fails.
    """
    outcomes: dict[str, Outcome] = {}
    for variant in hostile_variants(files[dockerfile]):
        snapshot = Snapshot.of({**files, dockerfile: variant.data})
        try:
            outcomes[variant.name] = run_transform(transform, snapshot, paths, options, judges)
        except AssertionError as error:
            raise AssertionError(f"with {variant.name}: {error}") from error
    return outcomes


def _edited(tree: Dockerfile, edits: Iterator[Edit]) -> bytes:
    return EditSet.of(edits).apply(tree.source.data)


def _insert(at: int, text: bytes) -> Edit:
    return Edit(Span(at, at), text)


def _after_from(tree: Dockerfile, text: bytes) -> bytes:
    """Text below the FROM of every stage; a file must end its FROM lines for that."""
    return _edited(tree, (_insert(stage.from_.span.end, text) for stage in tree.stages))


def _behind_keyword(item: Instruction) -> int | None:
    """The offset behind a keyword that is not split by a continuation."""
    start = item.code.start
    end = start + len(item.keyword)
    written = item.source.data[start:end]
    return end if written.upper() == item.keyword.encode() else None


def _plain_runs(tree: Dockerfile) -> Iterator[tuple[Run, int]]:
    for item in tree.instructions:
        at = _behind_keyword(item)
        if isinstance(item, Run) and item.json is None and not item.heredocs and at is not None:
            yield item, at


def _comment_between(tree: Dockerfile) -> bytes:
    text = b"# hostile: between\n"
    return _edited(tree, (_insert(item.span.start, text) for item in tree.instructions))


def _comment_inside(tree: Dockerfile) -> bytes:
    text = b" \\\n    # hostile: inside\n\n   "
    return _edited(tree, (_insert(at, text) for _, at in _plain_runs(tree)))


def _heredoc(tree: Dockerfile) -> bytes:
    return _after_from(tree, b"RUN <<'EOF'\n# hostile: no comment\nFROM scratch AS text\nEOF\n")


def _escape(tree: Dockerfile) -> bytes:
    """The continuation backslashes become backquotes, under a directive that says so."""

    def edits() -> Iterator[Edit]:
        yield _insert(len(tree.bom), b"# escape=`\n")
        for item in tree.instructions:
            bodies = [doc.body_span for doc in item.heredocs]
            for start in tree.source.line_starts:
                line = tree.source.line_of(start) if start < len(tree.source.data) else None
                if line is None or not item.span.contains(line):
                    continue
                end = line.start + len(tree.source.slice(line).rstrip())
                last = Span(end - 1, end)
                inside = any(body.touches(line) for body in bodies)
                if tree.source.slice(last) == b"\\" and not inside:
                    yield Edit(last, b"`")

    return _edited(tree, edits())


def _lower_case(tree: Dockerfile) -> bytes:
    def edits() -> Iterator[Edit]:
        for item in tree.instructions:
            end = _behind_keyword(item)
            if end is not None:
                yield Edit(Span(item.code.start, end), item.keyword.lower().encode())

    return _edited(tree, edits())


def _argument_in_from(tree: Dockerfile) -> bytes:
    def edits() -> Iterator[Edit]:
        first = tree.stages[0].from_ if tree.stages else None
        if first is None or first.image is None:
            return
        yield _insert(
            tree.instructions[0].owned.start, b"ARG HOSTILE=%s\n" % first.image.raw.encode()
        )
        yield Edit(first.image.span, b"${HOSTILE}")

    return _edited(tree, edits())


def _flags(tree: Dockerfile) -> bytes:
    return _edited(tree, (_insert(at, b" --network=default") for _, at in _plain_runs(tree)))


def _numeric_from(tree: Dockerfile) -> bytes:
    names = {stage.name.lower(): stage.index for stage in tree.stages if stage.name}

    def edits() -> Iterator[Edit]:
        for item in tree.instructions:
            flag = item.from_ if isinstance(item, Copy) else None
            index = names.get((flag.value or "").lower()) if flag is not None else None
            if flag is not None and flag.value_span is not None and index is not None:
                yield Edit(flag.value_span, b"%d" % index)

    return _edited(tree, edits())


def _mixed_case_names(tree: Dockerfile) -> bytes:
    """Stage names are found whatever their case by `COPY --from`."""

    def edits() -> Iterator[Edit]:
        for item in tree.instructions:
            flag = item.from_ if isinstance(item, Copy) else None
            if flag is not None and flag.value_span is not None and flag.value:
                yield Edit(flag.value_span, flag.value.upper().encode())

    named = {stage.name.lower() for stage in tree.stages if stage.name}
    sources = [item.from_ for item in tree.instructions if isinstance(item, Copy)]
    stages_only = all(f is None or (f.value or "").lower() in named for f in sources)
    return _edited(tree, edits()) if stages_only else tree.source.data


_FORMS: dict[str, Callable[[Dockerfile], bytes]] = {
    "comment between": _comment_between,
    "comment and blank line inside a continuation": _comment_inside,
    "heredoc": _heredoc,
    "escape directive": _escape,
    "CRLF": lambda tree: tree.source.data.replace(b"\n", b"\r\n"),
    "BOM": lambda tree: tree.source.data if tree.bom else BOM + tree.source.data,
    "no final newline": lambda tree: tree.source.data.rstrip(b"\r\n"),
    "lower-case keywords": _lower_case,
    "ONBUILD": lambda tree: _after_from(tree, b"ONBUILD RUN echo hostile\n"),
    "ARG in FROM": _argument_in_from,
    "exec form": lambda tree: _after_from(tree, b'RUN ["echo", "hostile"]\n'),
    "flags": _flags,
    "numeric --from": _numeric_from,
    "--from in another case": _mixed_case_names,
}
