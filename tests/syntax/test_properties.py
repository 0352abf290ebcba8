"""What holds for every byte string: the round trip, no exception, spans that nest."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockerfix.syntax.dockerfile import Arg, Comment, Env, Instruction, Onbuild, Run, parse, render
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.text import MappedText, Span

TOKENS = (
    *(b"FROM", b"RUN", b"COPY", b"ADD", b"ENV", b"LABEL", b"ARG", b"ONBUILD", b"HEALTHCHECK"),
    *(b"CMD", b"SHELL", b"USER", b"VOLUME", b"from", b"# escape=`", b"# syntax=x", b"# c", b"#"),
    *(b"\n", b"\r\n", b"\r", b" ", b"\t", b"\x0b", b"\\", b"`", b"\\\n", b"`\n", b"\\ \n", b"\\\\"),
    *(b"<<", b"<<EOF", b"<<-EOF", b"EOF", b"3<<'E F'", b"E F", b"<", b'"', b"'", b"$", b"${", b"}"),
    *(
        b"${X:-",
        b"[",
        b"]",
        b'["a"]',
        b'["\\ud800"]',
        b"[1]",
        b",",
        b"--",
        b"--from=",
        b"=",
        b"A=b",
    ),
    *(
        b"AS",
        b"a",
        b"0",
        b"\xc2\xa0",
        b"\xe2\x80\x83",
        b"\xc3\xa9",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x00",
    ),
    b"9" * 5000,
)
FILES = st.binary(max_size=200) | st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(FILES)
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf\n")
@example(b"\\")
@example(b"RUN <<A")
@example(b"RUN 99999999999999999999999<<A\nA")
@example(b"RUN << \xef\xbb\xbf\n")
@example(b"CMD [" * 3000)
@example(b"CMD [" + b"9" * 5000 + b"]")
@example(b'RUN <<" "\n\n \nCMD')
@example(b" \xe2\x80\x83\x80")
def test_the_items_tile_the_file(data: bytes) -> None:
    tree = parse(data)
    assert render(tree) == data
    at = len(tree.bom)
    for item in tree.items:
        assert item.span.start == at < item.span.end
        at = item.span.end
    assert at == len(data)


@settings(max_examples=400, deadline=None)
@given(FILES)
@example(b"ONBUILD ONBUILD ONBUILD RUN <<A\nA\n")
@example(b"HEALTHCHECK \x1c\n")
@example(b"FROM a\nCOPY --from=" + b"9" * 5000 + b" a b\n")
@example(b"HEALTHCHECK --retries=" + b"9" * 5000 + b" CMD a\n")
@example(b"RUN --mount=" + b'"' * 3 + b" a\n")
@example(b"RUN --mount='\"a' a\n")
def test_nothing_of_the_tree_raises_and_spans_nest(data: bytes) -> None:
    tree = parse(data)
    for problem in (*rejections(tree), *tree.warnings):
        assert Span(0, len(data)).contains(problem.span)
        str(tree.source.place(problem.span))
    for stage in tree.stages:
        assert stage.span.start <= stage.from_.span.start
    for item in tree.instructions:
        check_instruction(item)


def check_instruction(item: Instruction) -> None:
    assert item.owned.contains(item.span)
    assert item.span.contains(item.code)
    parts = [flag.span for flag in item.flags]
    parts += [word.span for word in item.words]
    parts += [comment.span for comment in item.inner_comments]
    parts += [doc.body_span for doc in item.heredocs]
    parts += [doc.marker_span for doc in item.heredocs]
    assert all(item.span.contains(part) for part in parts)
    for flag in item.flags:
        assert flag.value_span is None or flag.span.contains(flag.value_span)
    assert item.form is not None
    assert item.text.startswith(item.keyword)
    assert repr(item)
    check_mapping(item, item.mapped)
    check_mapping(item, item.arguments_mapped)
    if isinstance(item, Run):
        assert item.mounts is not None
        if item.script is not None:
            check_mapping(item, item.script)
    if isinstance(item, Env):
        assert len(item.pairs) <= max(len(item.words), 1)
    if isinstance(item, Arg):
        assert len(item.entries) == len(item.words)
    if isinstance(item, Onbuild) and item.inner is not None:
        assert item.span.contains(item.inner.code)
        if not isinstance(item.inner, Onbuild):
            check_instruction(item.inner)


def check_mapping(item: Instruction, mapped: MappedText) -> None:
    for piece in mapped.pieces:
        assert item.span.contains(piece.span)
        if piece.literal:
            assert item.source.text(piece.span) == piece.text


@settings(max_examples=200, deadline=None)
@given(FILES)
def test_each_comment_has_one_owner(data: bytes) -> None:
    """A comment travels with the instruction below it; a blank line lets it go."""
    tree = parse(data)
    owned = [comment.span for item in tree.instructions for comment in item.comments]
    assert len(owned) == len(set(owned))
    for before, item in pairwise(tree.items):
        if isinstance(item, Instruction):
            assert item.comments[-1:] == ((before,) if isinstance(before, Comment) else ())


def test_a_parsed_tree_parses_the_same_again() -> None:
    data = b"# c\nFROM a\nRUN x \\\n  y\n"
    first, second = parse(data), parse(render(parse(data)))
    assert [item.text for item in first.instructions] == [item.text for item in second.instructions]
