"""Shell text: statements, words, quotes, and the way back to the bytes of the file."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Literal,
    Loop,
    Opaque,
    Operation,
    Script,
    Statement,
    Variable,
    parameters,
    parse_shell,
    walk,
)
from dockerfix.syntax.yaml.tree import Mapping, Scalar, Sequence, parse_yaml
from dockerfix.text import MappedText, Source


def read(text: str) -> Script:
    return parse_shell(MappedText.whole(text.encode()))


def only(text: str) -> Statement:
    script = read(text)
    assert script.broken == ()
    (statement,) = script.statements
    return statement


def command(text: str) -> Command:
    found = only(text)
    assert isinstance(found, Command)
    return found


def shape(statement: Statement) -> object:
    """A statement as nested tuples, for comparing at a glance."""
    match statement:
        case Command():
            return " ".join(word.written for word in statement.words)
        case Assignment():
            sign = "+=" if statement.appends else "="
            written = statement.value.written if statement.value is not None else ""
            return ("local " if statement.local else "") + statement.name + sign + written
        case Function():
            return (f"{statement.name}()", *map(shape, statement.body))
        case Loop():
            values = " ".join(word.written for word in statement.values)
            return (f"for {statement.variable} in {values}", *map(shape, statement.body))
        case Block():
            marks = [
                statement.operator,
                "?" * statement.conditional,
                "()" * statement.isolated,
                "or" * statement.alternatives,
                "all" * statement.exhaustive,
            ]
            return (" ".join(mark for mark in marks if mark), *map(shape, statement.body))


SHAPES: dict[str, tuple[str, object]] = {
    "command": ("docker build .", "docker build ."),
    "list": ("a && b && c", ("&&", "a", "b", "c")),
    "list of both": ("a && b || c", ("||", ("&&", "a", "b"), ("?", "c"))),
    "or": ("cd x || exit 1", ("||", "cd x", ("?", "exit 1"))),
    "or after or": ("a || b || c", ("||", "a", ("?", "b"), ("?", "c"))),
    "behind a test": ("[ -f x ] && F=y", ("&&", ("?", "F=y"))),
    "behind a test command": ("test -f x && a", ("&&", "test -f x", ("?", "a"))),
    "behind a negation": ("! a && b", ("&&", "a", ("?", "b"))),
    "behind [[": ("[[ $A == b ]] && a && b", ("&&", ("?", "a", "b"))),
    "negated": ("! docker build .", "docker build ."),
    "background": ("docker build . &", "docker build ."),
    "subshell": ("(cd x; a)", ("()", "cd x", "a")),
    "group": ("{ cd x; a; }", ("", "cd x", "a")),
    "pipeline": ("a | b", ("| ()", "a", "b")),
    "redirection": ("a > log 2>&1", "a"),
    "words behind a redirection": ("docker build > log -t x .", "docker build -t x ."),
    "if": ("if a; then b; fi", ("", "a", ("? or", ("", "b")))),
    "if, elif, else": (
        "if a; then b\nelif c; then d; else e; fi",
        ("", "a", ("? or all", ("", "b"), ("", "c", "d"), ("", "e"))),
    ),
    "case": (
        "case $x in a|b) c ;; *) d ;; esac",
        ("? or all", ("", "c"), ("", "d")),
    ),
    "case in a list": (
        "a && case $x in a) c ;; *) d ;; esac && b && e",
        ("&&", "a", ("? or all", ("", "c"), ("", "d")), "b", "e"),
    ),
    "loop in a list": (
        "a && while b; do c; done && d",
        ("&&", "a", ("?", "b", ("", "c")), "d"),
    ),
    "case without a default": ("case $x in a) c ;; esac", ("? or", ("", "c"))),
    "while": ("while read x; do a; done", ("?", "read x", ("", "a"))),
    "until": ("until a; do b; done < f", ("?", "a", ("", "b"))),
    "counting": ("for ((i=0;i<3;i++)); do a; done", ("?", "i=0", ("", "a"))),
    "for": ("for x in a $B; do c; done", ("for x in a $B", "c")),
    "for over arguments": ("for x; do c; done", ('for x in "$@"', "c")),
    "assignment": ("A=b", "A=b"),
    "assignment of nothing": ("A=", "A="),
    "appending": ("A+=' b'", "A+=' b'"),
    "array": ("A=(a b)", "A=(a b)"),
    "local without value": ("local a", "local a="),
    "unset": ("unset A", "unset A"),
    "function": ("f() { a; }", ("f()", "a")),
    "function with keyword": ("function f { a; }", ("f()", "a")),
    "function in a subshell": ("f() ( a )", ("f()", ("()", "a"))),
    "heredoc": ("docker build -f - . <<EOF\nFROM x\nEOF", "docker build -f - ."),
    "comment": ("a # docker build .", "a"),
}


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES)
def test_statements(text: str, expected: object) -> None:
    assert shape(only(text)) == expected


def test_several_assignments_of_one_declaration() -> None:
    found = [shape(item) for item in read('local a="$1" b\nexport C=d E').statements]
    assert found == ['local a="$1"', "local b=", "C=d", "export E"]


def test_the_rest_of_a_line_that_opens_a_heredoc_runs() -> None:
    script = read("cat <<EOF > f && docker build .\nFROM x\nEOF\nafter\n")
    assert [shape(item) for item in script.statements] == ["cat", "docker build .", "after"]
    piped = read("cat <<EOF | docker build -f - .\nFROM x\nEOF\n")
    assert "docker build -f - ." in [shape(item) for item in piped.commands()]


def test_a_heredoc_is_text_with_places() -> None:
    text = "bash <<'EOF'\ndocker build é\nEOF\n"
    (body,) = command(text).heredocs
    assert body.text == "docker build é\n"
    at = body.text.index("é")
    assert body.span(at, at + 1).start == text.encode().index("é".encode())


def test_a_heredoc_body_is_no_command() -> None:
    assert [shape(c) for c in read("cat <<EOF\ndocker build .\nEOF\n").commands()] == ["cat"]


def test_assignments_before_a_command() -> None:
    found = command("A=b DOCKER_BUILDKIT=1 docker build .")
    assert [a.name for a in found.assignments] == ["A", "DOCKER_BUILDKIT"]
    assert found.name == "docker"


def test_the_span_of_a_command_leaves_redirections_out() -> None:
    text = "  A=1 docker build . > log && b"
    first = next(read(text).commands())
    assert text[slice(*first.span)] == "A=1 docker build ."


PARTS: dict[str, tuple[str, tuple[object, ...]]] = {
    "plain": ("a.b/c", (Literal("a.b/c"),)),
    "quoted": ('"a b"', (Literal("a b"),)),
    "single": ("'$a'", (Literal("$a"),)),
    "mixed": ("a\"b\"'c'd", (Literal("abcd"),)),
    "variable": ("$A", (Variable("A"),)),
    "braces": ("${A}", (Variable("A"),)),
    "in text": ('"x/${A}:$B"', (Literal("x/"), Variable("A"), Literal(":"), Variable("B"))),
    "default": ("${A:-b}", (Variable("A", ":-", (Literal("b"),)),)),
    "default with variable": (
        "${A:-x-$B}",
        (Variable("A", ":-", (Literal("x-"), Variable("B"))),),
    ),
    "alternative": ("${A:+$A/}", (Variable("A", ":+", (Variable("A"), Literal("/"))),)),
    "positional": ("$1", (Variable("1"),)),
    "all": ('"$@"', (Variable("@"),)),
    "escaped space": (r"a\ b", (Literal("a b"),)),
    "escaped dollar": (r'"\$A"', (Literal("$A"),)),
    "escaped backslash": (r'"\\\$A"', (Literal("\\$A"),)),
    "backslash that stays": (r'"a\nb"', (Literal(r"a\nb"),)),
    "cut": ("${A##*/}", (Opaque("${A##*/}", operation=Operation("A", "##", "*/")),)),
    "cut at a variable": ('${A#"$B"}', (Opaque('${A#"$B"}'),)),
    "length": ("${#A}", (Opaque("${#A}"),)),
    "indirect": ("${!A}", (Opaque("${!A}"),)),
    "array": ("${A[@]}", (Opaque("${A[@]}", (), "A"),)),
    "an element": ("${A[1]}", (Opaque("${A[1]}"),)),
    "two digits": ("$10", (Variable("1"), Literal("0"))),
    "two digits in braces": ("${10}", (Variable("10"),)),
    "escapes": (r"$'a\tb'", (Literal("a\tb"),)),
    "other escapes": (r"$'\x41'", (Opaque(r"$'\x41'"),)),
    "arithmetic": ("$((1 + 1))", (Opaque("$((1 + 1))"),)),
    "glob": ("*.txt", (Literal("*.txt"),)),
    "empty": ("''", (Literal(""),)),
    "blank kept": ('" $A "', (Literal(" "), Variable("A"), Literal(" "))),
}


@pytest.mark.parametrize(("text", "parts"), PARTS.values(), ids=PARTS)
def test_parts_of_a_word(text: str, parts: tuple[object, ...]) -> None:
    found = command(f"x {text} y")
    assert found.words[1].parts == parts
    assert found.words[1].written == text
    assert found.words[2].value == "y"


def test_a_substitution_holds_its_commands() -> None:
    for text in ("ID=$(docker build -q .)", "x `docker build -q .`", "x <(docker build -q .)"):
        statement = only(text)
        word = statement.value if isinstance(statement, Assignment) else None
        word = statement.words[1] if isinstance(statement, Command) else word
        assert word is not None
        (part,) = word.parts
        assert isinstance(part, Opaque)
        assert [shape(item) for item in walk(part.body)] == ["docker build -q ."]
        assert word.value is None


def test_the_content_of_a_quoted_word_is_text_with_places() -> None:
    text = 'sh -c "docker build \\"x y\\" \\$A"'
    word = command(text).words[2]
    assert word.content is not None
    assert word.content.text == 'docker build "x y" $A'
    inner = parse_shell(word.content)
    (found,) = inner.commands()
    assert text[slice(*found.words[1].span)] == "build"
    assert found.words[2].written == '"x y"'
    assert not found.words[2].literal


def test_parameters_of_a_function() -> None:
    def count(body: str) -> int | None:
        (function,) = read(f"f() {{ {body}; }}").statements
        assert isinstance(function, Function)
        return parameters(function.body)

    assert count("echo hi") == 0
    assert count('local a="$1" b="${3:-}"; x "$a"') == 3
    assert count('x "$@"') is None
    assert count("shift; x $1") is None
    assert count('local n="$(basename "$2")"') == 2
    assert count("echo ${A[$1]}") is None


def test_functions_are_found_wherever_they_are_defined() -> None:
    script = read("f() { a; }\nif x; then g() { b; }; fi\n")
    assert set(script.functions) == {"f", "g"}


def test_what_the_grammar_cannot_read_has_a_place() -> None:
    text = "docker build $[[ inputs.x ]] .\necho ok\n"
    script = read(text)
    assert [text[slice(*span)] for span in script.broken] == ["$["]
    assert [c.name for c in script.commands()] == ["docker", "echo"]


YAML = {
    "literal": "s:\n  - |\n    docker build \\\n      --file é/Dockerfile \\\n      .\n",
    "literal CRLF": "s:\r\n- |\r\n  docker build \\\r\n    --file é/Dockerfile \\\r\n    .\r\n",
    "plain": "s:\n  - docker build\n    --file é/Dockerfile\n    .\n",
    "folded": "s:\n  - >\n    docker build\n    --file é/Dockerfile\n    .\n",
    "double": 's:\n  - "docker build\n    --file é/Dockerfile .\\\n    "\n',
    "single": "s:\n  - 'docker build\n    --file é/Dockerfile .'\n",
    "behind an anchor": "x: &a docker build --file é/Dockerfile .\ns:\n  - *a\n",
    "BOM": "﻿s:\n  - docker build --file é/Dockerfile .\n",
}


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_words_inside_yaml_know_their_bytes(text: str) -> None:
    data = text.encode()
    root = parse_yaml(Source("f.yml", data)).root
    items = root.get("s") if isinstance(root, Mapping) else None
    assert isinstance(items, Sequence)
    scalar = items.items[0]
    assert isinstance(scalar, Scalar)
    (found,) = parse_shell(scalar.mapped).commands()
    assert [word.value for word in found.words] == [
        "docker", "build", "--file", "é/Dockerfile", ".",
    ]  # fmt: skip
    for word in found.words:
        assert word.literal
        assert data[slice(*word.span)].decode() == word.written


def test_commands_that_are_missing() -> None:
    for text in ("a && && && b", "|| x", "a ||", "&& a", "if; then; fi"):
        assert read(text).broken


@settings(max_examples=200)
@example(")|<$EO\\é\\{)b (a")
@given(st.text(alphabet="ab \n\"'`$(){}[]<>|&;#=\\é1@-EOF", max_size=60))
def test_no_text_raises(text: str) -> None:
    script = read(text)
    size = len(text.encode())
    for found in script.commands():
        for word in found.words:
            assert 0 <= word.span.start <= word.span.end <= size
            if word.literal:
                assert text.encode()[slice(*word.span)].decode() == word.written
