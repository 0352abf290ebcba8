"""Every regular expression of the code costs in proportion to the text, however it is made.

Two looks at each: its parsed form must not repeat a repetition that can be read in two ways,
and texts made of its own characters must not cost more than linearly. CPU time is compared
with CPU time of the same pattern, never with a clock.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import re._constants as sre
import re._parser as parser
import time
from collections.abc import Iterator
from typing import Any

import pytest

import dockerfix
import dockerfix_transforms

Parsed = list[tuple[Any, Any]]
ASCII = [chr(code) for code in range(128)]
SIZES = (1_250, 10_000)
SEARCHED = 2_000
"""The length of a text that is searched: a pattern that is only ever matched may be slower."""
SLACK = 4.0
"""How much more than linear a measurement may look."""
NOTHING = 0.2
"""Seconds of CPU below which a measurement says nothing: a linear pattern takes a thousandth of
it, a quadratic one more."""


def modules() -> Iterator[str]:
    for package in (dockerfix, dockerfix_transforms):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every compiled pattern that a module has, by where it stands."""
    found: dict[str, re.Pattern[Any]] = {}
    for name in modules():
        for key, value in vars(importlib.import_module(name)).items():
            if isinstance(value, re.Pattern):
                found.setdefault(f"{name}.{key}", value)
    return found


PATTERNS = patterns()


def test_there_are_patterns_to_look_at() -> None:
    assert len(PATTERNS) > 40


# The parsed form.


def parts(node: tuple[Any, Any]) -> list[Parsed]:
    """The alternatives that stand inside of a node."""
    kind, value = node
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return [list(value[2])]
    if kind is sre.SUBPATTERN:
        return [list(value[3])]
    if kind is sre.BRANCH:
        return [list(item) for item in value[1]]
    if kind is sre.GROUPREF_EXISTS:
        return [list(item) for item in value[1:] if item is not None]
    return []  # what is atomic or possessive gives nothing back


def characters(node: tuple[Any, Any]) -> frozenset[str]:
    """The ASCII characters that one node of a single character matches."""
    kind, value = node
    if kind is sre.LITERAL:
        return frozenset({chr(value)})
    if kind is sre.NOT_LITERAL:
        return frozenset(ASCII) - {chr(value)}
    if kind is sre.ANY:
        return frozenset(ASCII)
    if kind is sre.IN:
        text = re.compile(_class(value))
        return frozenset(char for char in ASCII if text.match(char))
    return frozenset()


def _class(items: list[tuple[Any, Any]]) -> str:
    names = {
        sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
        sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
    }  # fmt: skip
    inside = ""
    for kind, value in items:
        if kind is sre.NEGATE:
            inside = "^" + inside
        elif kind is sre.LITERAL:
            inside += f"\\x{value:02x}" if value < 128 else ""
        elif kind is sre.RANGE:
            inside += f"\\x{min(value[0], 127):02x}-\\x{min(value[1], 127):02x}"
        elif kind is sre.CATEGORY:
            inside += names[value]
    return f"[{inside}]"


def nullable(sequence: Parsed) -> bool:
    return all(
        (kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT) and value[0] == 0)
        or kind in (sre.AT, sre.ASSERT, sre.ASSERT_NOT)
        or (bool(inner := parts((kind, value))) and any(nullable(item) for item in inner))
        for kind, value in sequence
    )


def edge(sequence: Parsed) -> frozenset[str]:
    """The characters that a sequence can begin with (or end with, when it is reversed)."""
    found: frozenset[str] = frozenset()
    for node in sequence:
        for inner in parts(node):
            found |= edge(inner)
        found |= characters(node)
        if not nullable([node]):
            break
    return found


def repeated_at_the_end(sequence: Parsed) -> frozenset[str]:
    """The characters that a repetition at the end of a sequence takes, however often."""
    found: frozenset[str] = frozenset()
    for node in reversed(sequence):
        kind, value = node
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[1] > 1:
            found |= edge(list(value[2]))
        for inner in parts(node):
            found |= repeated_at_the_end(inner)
        if not nullable([node]):
            break
    return found


def ambiguous(sequence: Parsed) -> Iterator[frozenset[str]]:
    """For each unbounded repetition, the characters that its body can end with repeatedly and
    begin with again: a run of them can be parted in exponentially many ways."""
    for node in sequence:
        kind, value = node
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[1] is sre.MAXREPEAT:
            body = list(value[2])
            inside = len(body) == 1 and body[0][0] in (sre.BRANCH, sre.SUBPATTERN)
            alternatives = parts(body[0]) if inside else [body]
            begins = frozenset().union(*(edge(item) for item in alternatives))
            yield begins.intersection(*[
                frozenset().union(*(repeated_at_the_end(item) for item in alternatives))
            ])  # fmt: skip
        for inner in parts(node):
            yield from ambiguous(inner)


@pytest.mark.parametrize("name", PATTERNS)
def test_no_repetition_is_repeated_in_two_ways(name: str) -> None:
    pattern = PATTERNS[name]
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin1")
    flags = pattern.flags & (re.VERBOSE | re.IGNORECASE | re.DOTALL | re.MULTILINE)
    found = [set(chars) for chars in ambiguous(list(parser.parse(text, flags))) if chars]
    assert found == [], f"{name}: {text}"


def test_the_look_at_the_parsed_form_sees_what_it_is_for() -> None:
    bad = (r"(?:a+)+", r"(?: {0,3}|\t| *[-*+] +)*x", r"(?:\w+\s?)*", r"(?:x|y*)*")
    good = (r"(?:a+b)+", r"(?:\s+-\w+)*", r"(?:[ \t>]|\d{1,9}[.)])*+x", r"\w+(?:\.\w+)*")
    assert [any(ambiguous(list(parser.parse(text)))) for text in bad] == [True] * 4
    assert [any(ambiguous(list(parser.parse(text)))) for text in good] == [False] * 4


# What it costs.


def samples(pattern: re.Pattern[Any]) -> list[str]:
    """Short texts of the pattern's own characters, to be repeated."""
    raw = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin1")
    classes = sorted(
        {min(chars) for node in _nodes(list(parser.parse(raw))) if (chars := characters(node))}
    )
    return [*classes[:12], "".join(classes), " ", "a ", "\\", "$", "${", "a/"]


def _nodes(sequence: Parsed) -> Iterator[tuple[Any, Any]]:
    for node in sequence:
        yield node
        for inner in parts(node):
            yield from _nodes(inner)


def cost(pattern: re.Pattern[Any], unit: str, size: int) -> float:
    text: Any = unit * (size // len(unit) + 1) + "\0"
    if isinstance(pattern.pattern, bytes):
        text = text.encode("latin1", "replace")
    began = time.process_time()
    pattern.match(text)
    pattern.fullmatch(text)
    pattern.search(text[: SEARCHED * size // SIZES[1]])
    return time.process_time() - began


@pytest.mark.parametrize("name", PATTERNS)
def test_the_cost_grows_with_the_text(name: str) -> None:
    pattern = PATTERNS[name]
    small, large = SIZES
    for unit in samples(pattern):
        much = cost(pattern, unit, large)
        if much < NOTHING:
            continue
        little = min(cost(pattern, unit, small) for _ in range(3))
        much = min(much, cost(pattern, unit, large))
        assert much <= SLACK * large / small * max(little, NOTHING / 10), f"{name} on {unit!r}"
