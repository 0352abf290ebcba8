"""Makefiles as statements: lines, references, recipes, conditionals, definitions."""

from __future__ import annotations

import pytest

from dockerfix.syntax.make import (
    Assignment,
    Conditional,
    Expression,
    Include,
    Rule,
    Statement,
    outside,
    parse_make,
    references,
)
from dockerfix.text import MappedText


def read(text: str) -> list[str]:
    return [shown(item) for item in parse_make(MappedText.whole(text.encode())).statements]


def shown(item: Statement) -> str:
    match item:
        case Assignment():
            of = f"{item.targets.text}: " if item.targets is not None else ""
            return f"{of}{item.name.text} {item.sign} {item.value.text}"
        case Rule():
            middle = f": {item.pattern.text}" if item.pattern is not None else ""
            recipe = [line.text for line in item.recipe]
            return f"{item.targets.text}{middle}: {item.prerequisites.text} {recipe}"
        case Include():
            return f"include {item.names.text}"
        case Expression():
            return item.text.text
        case Conditional():
            inner = " / ".join(" + ".join(map(shown, branch)) for branch in item.branches)
            return f"if({inner}{'' if item.exhaustive else ' /'})"


STATEMENTS = {
    "signs": ("A=1\nB := 2\nC ?= 3\nD += 4\nE != 5\nF ::= 6\n", [
        "A = 1", "B := 2", "C ?= 3", "D += 4", "E != 5", "F ::= 6",
    ]),
    "modifiers": ("export A = 1\noverride export B = 2\nexport C\n", ["A = 1", "B = 2"]),
    "comments": ("A = 1 # one\n# B = 2\nC = \\# # \n", ["A = 1", "C = \\#"]),
    "continued": ("A = 1 \\\n   2 \\\n\t3\n", ["A = 1 2 3"]),
    "colons in references": ("A = $(B:.c=.o)\n$(C:%=x%): d\n", [
        "A = $(B:.c=.o)", "$(C:%=x%): d []",
    ]),
    "a rule": ("a b: c | d\n\tx\n\n# y\n\tz\n", ["a b: c | d ['x', 'z']"]),
    "on the rule's line": ("a: b ; x # y\n\tz\n", ["a: b [' x # y', 'z']"]),
    "double colon": ("a:: b\n\tx\n", ["a: b ['x']"]),
    "grouped": ("a b&: c\n", ["a b: c []"]),
    "static pattern": ("a b: %: %.c\n\tx\n", ["a b: %: %.c ['x']"]),
    "a target's variable": ("a: B = c\na: private D := e\n", ["a: B = c", "a: D := e"]),
    "includes": ("include a b\n-include c\nsinclude $(D)\n", [
        "include a b", "include c", "include $(D)",
    ]),
    "a recipe continues": ("a:\n\tx \\\n\t y\n", ["a:  ['x \\\\\\n\\t y']"]),
    "conditionals": ("ifeq (a,b)\nA = 1\nelse ifdef X\nA = 2\nelse\nA = 3\nendif\n", [
        "if(A = 1 / A = 2 / A = 3)",
    ]),
    "without else": ("ifdef X\nA = 1\nendif\n", ["if(A = 1 /)"]),
    "inside a recipe": ("a:\nifdef X\n\tx\nelse\n\ty\nendif\n\tz\n", ["a:  ['x', 'y', 'z']"]),
    "one rule in each branch": ("ifdef X\na: b\nelse\na: c\nendif\n\tx\n", [
        "if(a: b ['x'] / a: c ['x'])",
    ]),
    "definitions": ("define A\n\tx\ny\nendef\ndefine B :=\nendef\nC = 1\n", [
        "A = \tx\ny", "B := ", "C = 1",
    ]),
    "definitions inside": ("define A\ndefine B\nx\nendef\nendef\n", ["A = define B\nx\nendef"]),
    "expressions": ("$(eval A = 1)\n$(foreach x,a b,$(eval $(call t,$(x))))\n", [
        "$(eval A = 1)", "$(foreach x,a b,$(eval $(call t,$(x))))",
    ]),
    "CRLF": ("A = 1\r\na: b\r\n\tx \\\r\n\ty\r\n", ["A = 1", "a: b ['x \\\\\\r\\n\\ty']"]),
    "another prefix": (".RECIPEPREFIX = >\na:\n>x\n", [".RECIPEPREFIX = >", "a:  ['x']"]),
    "no final newline": ("a:\n\tx", ["a:  ['x']"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), STATEMENTS.values(), ids=STATEMENTS)
def test_statements(text: str, expected: list[str]) -> None:
    assert read(text) == expected
    assert not parse_make(MappedText.whole(text.encode())).broken


@pytest.mark.parametrize(
    "text", ["endif\n", "ifdef X\nA = 1\n", "define A\nx\n", "no separator\n", "else\n"]
)
def test_what_make_would_not_take(text: str) -> None:
    assert parse_make(MappedText.whole(text.encode())).broken


def test_texts_lead_back_to_their_bytes() -> None:
    data = "é := 1\na:\n\t@echo é $(B)\n".encode()
    rule = parse_make(MappedText.whole(data)).statements[-1]
    assert isinstance(rule, Rule)
    (line,) = rule.recipe
    assert data[slice(*line.span(0, len(line.text)))].decode() == "@echo é $(B)"


def test_references() -> None:
    text = "a $$ $@ $(B) ${C} $(call f,$(x,y),(z,)) $(D:a=b) $(unclosed"
    found = [(text[r.start : r.end], r.function, len(r.arguments)) for r in references(text)]
    assert found == [
        ("$$", "", 0), ("$@", "", 0), ("$(B)", "", 0), ("${C}", "", 0),
        ("$(call f,$(x,y),(z,))", "call", 3), ("$(D:a=b)", "", 0), ("$(unclosed", "", 0),
    ]  # fmt: skip


def test_signs_outside_of_references() -> None:
    assert outside("a$(b:c):d", ":") == 7
    assert outside("abc", ":") == 3
