"""The nodes: words, flags, forms, heredocs, and the way back to the bytes."""

from __future__ import annotations

from typing import TypeVar

import pytest

from dockerfix.syntax.dockerfile import (
    Arg,
    Copy,
    Dockerfile,
    Env,
    ExecForm,
    From,
    Healthcheck,
    HeredocForm,
    Instruction,
    Onbuild,
    OneArgument,
    Run,
    ShellForm,
    parse,
    render,
)
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.text import Newline

Node = TypeVar("Node", bound=Instruction)


def only(kind: type[Node], text: str) -> Node:
    """The one instruction of a text, behind a directive if there is one."""
    (item,) = parse(text.encode()).instructions
    assert isinstance(item, kind)
    return item


def slices(tree: Dockerfile, item: Instruction) -> list[str]:
    return [tree.source.text(word.span) for word in item.words]


# --- words


def test_words_know_their_bytes() -> None:
    tree = parse("COPY --chown=é ü.txt  '$a b' \"c\" /d\n".encode())
    (item,) = tree.instructions
    assert [word.raw for word in item.words] == ["ü.txt", "'$a", "b'", '"c"', "/d"]
    assert slices(tree, item) == [word.raw for word in item.words]
    assert [word.value for word in item.words][3:] == ["c", "/d"]


def test_a_word_split_by_a_continuation_holds_it() -> None:
    tree = parse(b"FROM al\\\n# gone\npine AS base\n")
    (item,) = tree.instructions
    assert isinstance(item, From)
    assert item.image is not None
    assert item.image.value == "alpine"
    assert tree.source.text(item.image.span) == "al\\\n# gone\npine"
    assert not item.mapped.is_literal(5, 11)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("COPY $A ${B} /", ["A", "B"]),
        ("COPY ${A:-$B}${C#*/} /", ["A", "B", "C"]),
        ("ENV X='$A' Y=\"it's $B and '$C'\"", ["B", "C"]),
        ("ENV X=\\$A Y=\\\\$B", ["B"]),
        ("ENV X=$1 Y=$$ Z=$", []),
        ("# escape=`\nENV X=`$A Y=C:\\$B", ["B"]),
        ("FROM ${REGISTRY:-docker.io}/x:$TAG", ["REGISTRY", "TAG"]),
    ],
)
def test_variables_of_words(text: str, names: list[str]) -> None:
    (item,) = parse(text.encode()).instructions
    assert [name for word in item.words for name in word.variables] == names


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a", "a"),
        ("'a b'", "a b"),
        ('"a \\" b"', 'a " b'),
        ('"a \\n b"', "a \\n b"),
        ("a\\ b", "a b"),
        ("'a\\b'", "a\\b"),
        ('"it\'s"', "it's"),
        ("a'b'\"c\"", "abc"),
        ("$a", "$a"),
    ],
)
def test_values_lose_quotes_and_escapes(written: str, value: str) -> None:
    assert only(Env, f"ENV X={written}").pairs == (("X", value),)


# --- flags


def test_flags_with_values_and_places() -> None:
    tree = parse(b"COPY --from=build \\\n  --chown='a b' --link -- --x /y\n")
    (item,) = tree.instructions
    assert [(flag.name, flag.value) for flag in item.flags] == [
        ("from", "build"), ("chown", "a b"), ("link", None),
    ]  # fmt: skip
    spans = [flag.value_span for flag in item.flags]
    assert [tree.source.text(span) for span in spans if span] == ["build", "'a b'"]
    assert item.flag("link") is not None
    assert item.flag("chmod") is None
    assert [word.value for word in item.words] == ["--x", "/y"]


def test_every_escape_of_a_flag_goes() -> None:
    assert only(Copy, 'COPY --chown="a\\b\\"" x /').flags[0].value == 'ab"'
    assert only(Copy, "# escape=`\nCOPY --chown=a`b\\c x /").flags[0].value == "ab\\c"


def test_mounts() -> None:
    item = only(
        Run,
        "RUN --mount=type=Cache,ID=x,target=/c --mount=from=a,source=.,dst=/s,ro"
        " --mount='type=bind,\"source=a,b\"' --network=none make",
    )
    cache, bind, quoted = item.mounts
    assert (cache.kind, cache.option("target", "dst"), cache.option("id")) == ("cache", "/c", "x")
    assert (bind.kind, bind.option("target", "dst"), bind.option("ro")) == ("bind", "/s", "")
    assert quoted.option("source") == "a,b"
    assert cache.option("from") is None
    assert item.arguments == "make"


# --- forms


def test_forms_are_types() -> None:
    assert only(Run, "RUN a  b").form == ShellForm("a  b")
    form = only(Run, 'RUN [ "a", "b\\tc" ]').form
    assert isinstance(form, ExecForm)
    assert [word.value for word in form.arguments] == ["a", "b\tc"]
    assert only(Run, "RUN ['a']").form == ShellForm("['a']")
    assert isinstance(only(Run, "RUN <<A\nA").form, HeredocForm)
    assert only(Instruction, "CMD []").form == ExecForm(())


@pytest.mark.parametrize("keyword", ["FROM", "ARG", "ENV", "EXPOSE", "USER", "WORKDIR", "LABEL"])
def test_only_some_instructions_have_an_exec_form(keyword: str) -> None:
    assert only(Instruction, f'{keyword} ["a=b"]').json is None


def test_json_words_know_their_bytes() -> None:
    tree = parse('COPY ["é", \\\n "b \\"c", "/"]\n'.encode())
    assert slices(tree, tree.instructions[0]) == ['"é"', '"b \\"c"', '"/"']


@pytest.mark.parametrize(
    "text", ["[NaN]", "[1e999]", '["a",]', '["a"] x', "[", '["\t"]', "['a']", '{"a": 1}']
)
def test_what_go_does_not_take_as_json_is_shell_form(text: str) -> None:
    tree = parse(f"FROM a\nCMD {text}\n".encode())
    assert tree.instructions[1].form == ShellForm(text)
    assert rejections(tree) == ()


def test_a_lone_surrogate_of_json_is_no_character() -> None:
    (word,) = only(Instruction, 'CMD ["\\ud800"]').words
    assert word.value.encode() == b"\xef\xbf\xbd"


# --- heredocs


def test_substitutions_nest_as_deeply_as_the_text_has_them() -> None:
    deep = b"${X:-" * 2_000 + b"}" * 2_000
    tree = parse(b"FROM a\nRUN <<E " + deep + b"\nbody\nE\nRUN b\n")
    assert [i.keyword for i in tree.instructions] == ["FROM", "RUN", "RUN"]
    assert [h.name for h in tree.instructions[1].heredocs] == ["E"]


def test_heredocs_with_their_bodies() -> None:
    tree = parse(b"RUN cat 3<<-'A' <<B\n\tx\n\tA\ny\r\nB\nCMD z\n")
    first, second = tree.instructions[0].heredocs
    assert (first.name, first.expand, first.strip_tabs, first.fd) == ("A", False, True, 3)
    assert (first.word, first.body) == ("3<<-'A'", b"\tx\n")
    assert tree.source.text(first.marker_span) == "\tA\n"
    assert (second.expand, second.body) == (True, b"y\r\n")
    assert tree.instructions[1].text == "CMD z"


def test_a_missing_end_marker_takes_the_rest() -> None:
    tree = parse(b"FROM a\nRUN <<A\nFROM b\n")
    assert tree.instructions[1].unterminated
    assert tree.instructions[1].heredocs[0].marker_span.length == 0
    assert [problem.message for problem in rejections(tree)] == ["unterminated heredoc"]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("RUN a \\\n # c\n b", "a  b"),
        ("RUN --mount=type=ssh a", "a"),
        ("RUN <<A\nx\nA\n", "x\n"),
        ("RUN 2<<'A'\nx\nA\n", "x\n"),
        ("RUN <<-A\n\t\tx\n\n\t y\n\tA\n", "x\n\n y\n"),
        ("RUN <<A\n#!/bin/bash -e\nx\nA\n", "#!/bin/bash -e\nx\n"),
        ("RUN <<A\n#!/usr/bin/env -S bash\nA\n", "#!/usr/bin/env -S bash\n"),
        (
            "RUN cat <<A >/x && \\\n cat <<-B\nx\nA\n\ty\n\tB\n",
            "cat <<A >/x &&  cat <<-B\nx\nA\n\ty\nB",
        ),
    ],
)
def test_the_script_is_what_the_shell_reads(text: str, script: str) -> None:
    found = only(Run, text).script
    assert found is not None
    assert found.text == script
    for piece in found.pieces:
        if piece.literal:
            assert only(Run, text).source.text(piece.span) == piece.text


@pytest.mark.parametrize(
    "text",
    [
        'RUN ["a"]',
        "RUN <<A\n#!/usr/bin/python3\nA\n",
        "RUN <<A\n#!/usr/bin/env node\nA\n",
        "RUN <<A\n#!\nA",
    ],
)
def test_there_is_no_script_when_no_shell_reads_it(text: str) -> None:
    assert only(Run, text).script is None


# --- single instructions


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ENV A=1 B='x y' C=", [("A", "1"), ("B", "x y"), ("C", "")]),
        ('ENV A b  c "d"', [("A", "b  c d")]),
        ("ENV A \\\n  b=c", [("A", "b=c")]),
        ("LABEL a.b=c=d", [("a.b", "c=d")]),
        (
            "ENV A='x\\' B=\"\\\" y\" C=\\' D=z",
            [("A", "x\\"), ("B", '" y'), ("C", "'"), ("D", "z")],
        ),
        ("ENV A=1 B", [("A", "1"), ("B", "")]),
        ("ENV", []),
        ("ENV A", [("A", "")]),
    ],
)
def test_pairs_of_env_and_label(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(only(Env, text).pairs) == pairs


def test_entries_of_arg() -> None:
    item = only(Arg, "ARG A=1 B C= D='x y'")
    assert item.entries == (("A", "1"), ("B", None), ("C", ""), ("D", "x y"))


@pytest.mark.parametrize("keyword", ["USER", "WORKDIR", "STOPSIGNAL", "MAINTAINER"])
def test_one_argument_is_the_rest_of_the_line(keyword: str) -> None:
    item = only(OneArgument, f"{keyword}   a  'b' \n")
    assert item.argument is not None
    assert (item.argument.raw, item.argument.value) == ("a  'b'", "a  b")
    assert only(OneArgument, keyword).argument is None


@pytest.mark.parametrize(
    ("text", "kind", "words", "json"),
    [
        ("HEALTHCHECK none", "NONE", [], False),
        ("HEALTHCHECK --retries=3 CMD curl -f x", "CMD", ["curl", "-f", "x"], False),
        ('HEALTHCHECK cmd ["a", "b c"]', "CMD", ["a", "b c"], True),
        ("HEALTHCHECK", "", [], False),
    ],
)
def test_healthcheck(text: str, kind: str, words: list[str], json: bool) -> None:
    item = only(Healthcheck, text)
    assert (item.kind, [word.value for word in item.words]) == (kind, words)
    assert isinstance(item.form, ExecForm if json else ShellForm)


def test_the_instruction_behind_onbuild_stands_on_the_same_bytes() -> None:
    tree = parse(b"ONBUILD \\\n # c\n copy --from=a x \\\n y\n")
    (item,) = tree.instructions
    assert isinstance(item, Onbuild)
    inner = item.inner
    assert isinstance(inner, Copy)
    assert (inner.keyword, [word.value for word in inner.words]) == ("COPY", ["x", "y"])
    assert slices(tree, inner) == ["x", "y"]
    assert tree.source.text(inner.code) == "copy --from=a x \\\n y"
    assert only(Onbuild, "ONBUILD").inner is None


def test_a_keyword_is_what_ascii_makes_of_it() -> None:
    assert only(Instruction, "oNbu\u0131ld RUN x").keyword == "oNbu\u0131ld"


# --- comments, spans, text


def test_comments_belong_to_the_instruction_below() -> None:
    tree = parse(b"# file\n\n# one\n# two\nRUN a \\\n # in\n b\n# last\n")
    (item,) = tree.instructions
    assert [comment.text for comment in item.comments] == ["# one", "# two"]
    assert [comment.text for comment in item.inner_comments] == ["# in"]
    assert tree.source.text(item.owned) == "# one\n# two\nRUN a \\\n # in\n b\n"
    assert tree.source.text(item.code) == "RUN a \\\n # in\n b"


def test_the_code_of_an_indented_instruction_begins_at_its_keyword() -> None:
    tree = parse("\u00a0 RUN a\r\n".encode())
    assert tree.source.text(tree.instructions[0].code) == "RUN a"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("run a   b", "RUN a \\\n # c\n\tb"),
        ("RUN  --mount=type=ssh   a", "RUN --mount=type=ssh a"),
        ("COPY a  b /", "copy a b /"),
        ("ENV A=1  B='x  y'", "ENV A=1 B='x  y'"),
    ],
)
def test_equal_texts(one: str, other: str) -> None:
    assert only(Instruction, one).text == only(Instruction, other).text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RUN echo 'a  b'", "RUN echo 'a b'"),
        ("RUN echo a\\  b", "RUN echo a\\ b"),
        ("RUN echo `echo 'a  b'`", "RUN echo `echo 'a b'`"),
        ("RUN echo $'it\\'s  '", "RUN echo $'it\\'s '"),
        ("ENV A b  c", "ENV A b c"),
        ("WORKDIR /a  b", "WORKDIR /a b"),
        ("RUN a\u00a0b", "RUN a b"),
        ("RUN <<A\nx\nA", "RUN <<A\ny\nA"),
    ],
)
def test_texts_that_differ(one: str, other: str) -> None:
    assert only(Instruction, one).text != only(Instruction, other).text


# --- the file


def test_stages_and_preamble() -> None:
    tree = parse(
        b"ARG V\n# base\nFROM a:$V AS Base\nRUN x\n\nFROM --platform=linux/arm64 base\n# end\n"
    )
    assert [item.text for item in tree.preamble] == ["ARG V"]
    first, second = tree.stages
    assert (first.index, first.name, second.name) == (0, "Base", None)
    assert tree.source.text(first.span) == "# base\nFROM a:$V AS Base\nRUN x\n"
    assert second.from_.platform is not None
    assert second.from_.platform.value == "linux/arm64"


def test_directives_and_escape() -> None:
    tree = parse(b"\xef\xbb\xbf#Syntax = x\r\n# escape=`\r\n\r\n# check=y\r\nFROM a\r\n")
    assert [(item.name, item.value) for item in tree.directives] == [
        ("syntax", "x"), ("escape", "`"),
    ]  # fmt: skip
    assert tree.escape == "`"
    assert tree.newline is Newline.CRLF
    assert tree.bom == b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("size", "newline", "errors"),
    [(65535, b"\n", 0), (65536, b"\n", 1), (65535, b"", 0), (65536, b"", 1)],
)
def test_a_line_of_64_kib_is_too_long(size: int, newline: bytes, errors: int) -> None:
    tree = parse(b"FROM a\nCMD ".ljust(7 + size, b"x") + newline)
    assert len(rejections(tree)) == errors


@pytest.mark.parametrize("data", ["FROM a\n".encode("utf-16"), b"\x7fELF\0\0FROM a\n"])
def test_what_is_no_text_is_called_so(data: bytes) -> None:
    tree = parse(data)
    assert [problem.hint for problem in rejections(tree)] == ["save it as UTF-8 text"]
    assert render(tree) == data
