"""YAML with places: spans, the way back from a scalar's value to bytes, and what is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfix.syntax.yaml.tree import (
    MAX_BYTES,
    Mapping,
    Node,
    Scalar,
    Sequence,
    YamlError,
    YamlFile,
    parse_gitlab_yaml,
    parse_yaml,
    to_data,
)
from dockerfix.text import Source, Span


def read(text: str | bytes) -> YamlFile:
    return parse_yaml(Source("f.yml", text.encode() if isinstance(text, str) else text))


def root(text: str | bytes) -> Mapping:
    found = read(text).root
    assert found is not None
    return found


def scalar(node: Node | None) -> Scalar:
    assert isinstance(node, Scalar)
    return node


def written(node: Node) -> str:
    return node.file.source.text(node.span)


SCALARS = {
    "plain": ("a: docker build .\n", "docker build ."),
    "plain over lines": ("a: docker build\n  --file x\n\n  .\n", "docker build --file x\n."),
    "single": ("a: 'it''s'\n", "it's"),
    "single over lines": ("a: 'x\n  y'\n", "x y"),
    "double": ('a: "x\\ty\\u00e9\\x41\\U0001f600"\n', "x\tyéA\U0001f600"),
    "double over lines": ('a: "x\n\n  y"\n', "x\ny"),
    "double with joint": ('a: "x \\\n  y"\n', "x y"),
    "literal": ("a: |\n  x\n   y\n\n  z\nb: 1\n", "x\n y\n\nz\n"),
    "literal strip": ("a: |-\n  x\n\nb: 1\n", "x"),
    "literal keep": ("a: |+\n  x\n\n\nb: 1\n", "x\n\n\n"),
    "literal indented": ("a: |2\n    x\n  y\nb: 1\n", "  x\ny\n"),
    "literal comment": ("a: | # why\n  x # y\n# no\nb: 1\n", "x # y\n"),
    "literal without end": ("a: |\n  x", "x"),
    "literal CRLF": ("a: |\r\n  x\r\n  y\r\nb: 1\r\n", "x\ny\n"),
    "plain CRLF": ("a: x\r\n  y\r\n", "x y"),
    "folded": ("a: >\n  x\n  y\n\n  z\nb: 1\n", "x y\nz\n"),
    "folded more indented": ("a: >\n  x\n    y\n  z\n", "x\n  y\nz\n"),
    "folded strip": ("a: >-\n  x\n  y\n", "x y"),
    "anchor": ("a: &n docker\n", "docker"),
    "anchor and tag on a line of their own": ("a: &n !!str\n  docker\n", "docker"),
    "anchored block": ("a: &n |\n  x\nb: *n\n", "x\n"),
    "non-ASCII before": ("é: 1\na: größe\n", "größe"),
    "beyond the basic plane": ("\U0001f600: 1\na: x\n", "x"),
    "BOM": ("﻿a: x\n", "x"),
}


@pytest.mark.parametrize(("text", "value"), SCALARS.values(), ids=SCALARS)
def test_every_run_of_a_scalar_maps_to_its_own_bytes(text: str, value: str) -> None:
    node = scalar(root(text).get("a"))
    mapped = node.mapped
    assert node.text == value
    assert mapped.text == value
    for at, char in enumerate(value):
        if char.isalnum() and mapped.is_literal(at, at + 1):
            span = mapped.span(at, at + 1)
            assert node.file.source.text(span) == char


@pytest.mark.parametrize("name", ["plain over lines", "literal", "folded", "literal CRLF", "BOM"])
def test_words_of_scripts_are_literal(name: str) -> None:
    text, value = SCALARS[name]
    mapped = scalar(root(text).get("a")).mapped
    last = value.rstrip()[-1]
    at = value.rindex(last)
    assert mapped.is_literal(at, at + 1)


SPANS = {
    "plain": ("a: x # why\n", "x"),
    "anchor left out": ("a: &n x\n", "x"),
    "quotes belong to it": ("a: 'x'\n", "'x'"),
    "block without the blank lines behind": ("a: |\n  x\n\n\n# next\nb: 1\n", "|\n  x"),
    "mapping ends with its last value": ("a:\n  b: 1 # c\n  # tail\n\nz: 1\n", "b: 1"),
    "mapping with anchor": ("a: &n\n  b: 1\nz: 1\n", "&n\n  b: 1"),
    "mapping that ends in a block": ("a:\n  b: |\n    x\n\nz: 1\n", "b: |\n    x"),
    "mapping that ends in nothing": ("a:\n  b:\nz: 1\n", "b:"),
    "mapping that ends in an alias": ("n: &n 1\na:\n  b: *n # c\n  # d\nz: 1\n", "b: *n"),
    "sequence": ("a:\n  - 1\n  - 2\n\nz: 1\n", "- 1\n  - 2"),
    "sequence that ends in an alias": ("n: &n 1\na:\n  - 2\n  - *n\nz: 1\n", "- 2\n  - *n"),
    "sequence without indentation": ("a:\n- 1\n- b: 2\nz: 1\n", "- 1\n- b: 2"),
    "flow": ("a: {b: 1, c: [1]} # x\n", "{b: 1, c: [1]}"),
}


@pytest.mark.parametrize(("text", "expected"), SPANS.values(), ids=SPANS)
def test_a_span_ends_with_its_own_last_byte(text: str, expected: str) -> None:
    node = root(text).get("a")
    assert node is not None
    assert written(node) == expected
    crlf = root(text.replace("\n", "\r\n")).get("a")
    assert crlf is not None
    assert written(crlf).replace("\r\n", "\n") == expected


def test_entry_spans_its_key_and_value() -> None:
    entry = root("a:\n  b: 1\n\nc: 2\n").entry("a")
    assert entry is not None
    assert entry.key.file.source.text(entry.span) == "a:\n  b: 1"


def test_values_behind_an_alias_are_marked() -> None:
    text = "n: &n {k: 1}\nl:\n  - a: &x {b: c}\n  - *x\n  - d\nm: *n\n"
    mapping = root(text)
    items = mapping.get("l")
    assert isinstance(items, Sequence)
    assert items.aliased == (False, True, False)
    assert [entry.aliased for entry in mapping.entries] == [False, False, True]


def test_an_alias_inside_its_own_collection_is_marked() -> None:
    mapping = root("a: &x 1\nb: [*x, *x]\n")
    items = mapping.get("b")
    assert isinstance(items, Sequence)
    assert items.aliased == (True, True)


MERGE = "d: &d {x: 1, y: 1}\ne: &e {x: 2, z: 2}\na:\n  x: 3\n  <<: [*d, *e]\n  w: 4\n"


def test_own_keys_win_over_merged_ones() -> None:
    assert to_data(root(MERGE).get("a")) == {"x": "3", "y": "1", "z": "2", "w": "4"}


def test_gitlab_lets_a_merge_override_the_keys_above_it() -> None:
    file = parse_gitlab_yaml(Source("f.yml", MERGE.encode()))
    assert file.root is not None
    assert to_data(file.root.get("a")) == {"x": "1", "y": "1", "z": "2", "w": "4"}


def test_a_second_merge_counts_for_gitlab() -> None:
    text = "d: &d {x: 1}\ne: &e {x: 2, z: 2}\na:\n  <<: *d\n  <<: *e\n"
    file = parse_gitlab_yaml(Source("f.yml", text.encode()))
    assert file.root is not None
    assert to_data(file.root.get("a")) == {"x": "2", "z": "2"}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert to_data(root('a: {"<<": {b: 1}}\n')) == {"a": {"<<": {"b": "1"}}}


def test_custom_tags_are_kept() -> None:
    data = to_data(root("a: !reference [x, script]\nb: !vault v\n"))
    assert data == {"a": ("!reference", ["x", "script"]), "b": ("!vault", "v")}


def test_the_document_behind_a_spec_header_is_the_root() -> None:
    mapping = root("spec:\n  inputs:\n    x:\n---\njob:\n  script: [x]\n")
    assert [entry.key.text for entry in mapping.entries] == ["job"]


def test_an_empty_file_has_no_root() -> None:
    assert read("").root is None
    assert read("# nothing\n").root is None
    assert read("- a\n").root is None


def test_json_is_read() -> None:
    text = '{"scripts": {"build": "docker build \\"x\\" ."}}'
    scripts = root(text).get("scripts")
    assert isinstance(scripts, Mapping)
    mapped = scalar(scripts.get("build")).mapped
    assert mapped.text == 'docker build "x" .'
    at = mapped.text.index('"')
    assert mapped.span(at, at + 1) == Span(text.index('\\"'), text.index('\\"') + 2)


BROKEN = {
    "tab": ("a: 1\nb:\n\tc: 2\n", 3, 1, "cannot start any token"),
    "unknown alias": ("a: *b\n", 1, 4, "undefined alias"),
    "open quote": ("a: 'x\n", 2, 1, "unexpected end of stream"),
    "control character": ("é: 1\nb: \x01\n", 2, 4, "control characters"),
    "not UTF-8": (b"a: 1\nb: \xff\n", 2, 4, "not UTF-8"),
    "cycle": ("b: 1\na: &a [x, *a]\n", 2, 4, "holds itself"),
    "cycle through a merge": ("a: &a\n  <<: *a\n", 1, 4, "holds itself"),
    "depth": ("a: " + "[" * 2000, 1, 1003, "depth"),
    "depth of a mapping": ("\n".join(" " * n + "a:" for n in range(900)), 1, 1, "deeply"),
}


@pytest.mark.parametrize(("text", "line", "column", "what"), BROKEN.values(), ids=BROKEN)
def test_broken_yaml_says_where(text: str | bytes, line: int, column: int, what: str) -> None:
    with pytest.raises(YamlError) as caught:
        read(text)
    error = caught.value
    assert (error.path, error.line, error.column) == ("f.yml", line, column)
    assert what in str(error)
    assert str(error).startswith(f"f.yml:{line}:{column}: ")


def bomb(head: str, join: str) -> str:
    lines = ["a0: &a0 x"] if join == "[" else ["a0: &a0 {k: v}"]
    for level in range(1, 12):
        refs = ", ".join(f"*a{level - 1}" for _ in range(10))
        item = f"[{refs}]" if join == "[" else "{<<: [" + refs + f"], k{level}: v}}"
        lines.append(f"a{level}: &a{level} {item}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("join", ["[", "<<"])
def test_a_bomb_is_refused_where_it_grows(join: str) -> None:
    with pytest.raises(YamlError, match="more than 200000 nodes") as caught:
        read(bomb("", join))
    assert caught.value.line > 4


def test_many_uses_of_one_anchor_are_no_bomb() -> None:
    jobs = "".join(f"job{n}:\n  <<: *t\n  script: [x]\n" for n in range(2000))
    mapping = root("t: &t\n  stage: build\n  image: x\n" + jobs)
    job = mapping.get("job1999")
    assert isinstance(job, Mapping)
    assert to_data(job) == {"stage": "build", "image": "x", "script": ["x"]}


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(YamlError, match="larger than"):
        read(b"a: " + b"x" * MAX_BYTES)


_TEXT = st.text(alphabet="ab \n'\"\\#:-é\U0001f600\t", max_size=40)


@settings(max_examples=300)
@given(_TEXT, st.sampled_from(["", "'", '"', "|", ">"]), st.booleans())
def test_values_survive_any_style(text: str, style: str, crlf: bool) -> None:
    """Whatever PyYAML prints is read back, and literal runs are the bytes they stand for."""
    printed = yaml.dump({"k": {"a": text, "z": "1"}}, default_style=style, allow_unicode=True)
    data = printed.encode()
    data = data.replace(b"\n", b"\r\n") if crlf else data
    mapping = root(data).get("k")
    assert isinstance(mapping, Mapping)
    node = scalar(mapping.get("a"))
    assert node.text == text
    mapped = node.mapped
    assert mapped.text == text
    for piece in mapped.pieces:
        if piece.literal:
            assert data[piece.span.start : piece.span.end].decode() == piece.text
    assert scalar(mapping.get("z")).text == "1"


@settings(max_examples=300)
@given(st.text(alphabet="a-:[]{}&*!|>'\"#\n \t%@`,?é", max_size=60))
def test_no_text_raises_anything_but_a_yaml_error(text: str) -> None:
    try:
        file = read(text)
    except YamlError:
        return
    for document in file.documents:
        check(document)


def check(node: Node) -> None:
    assert 0 <= node.span.start <= node.span.end <= len(node.file.source.data)
    if isinstance(node, Scalar):
        assert node.mapped.text == node.text
    elif isinstance(node, Sequence):
        for item, aliased in zip(node.items, node.aliased, strict=True):
            assert aliased or node.span.contains(item.span)
            check(item)
    else:
        for entry in node.entries:
            assert entry.aliased or node.span.contains(entry.value.span)
            check(entry.value)
