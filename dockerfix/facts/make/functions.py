"""Make's functions of texts, as far as reading alone can compute them.

Follows "Functions for transforming text" of the GNU make manual. Each takes the words of its
arguments, all of them known, and gives its result; None where it cannot be known. Knows
nothing of variables and files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

Function = Callable[[list[str]], str | None]


def stem(pattern: str, text: str) -> str | None:
    """What `%` of a pattern stands for in a text; None where it does not fit."""
    head, sign, tail = pattern.partition("%")
    if not sign:
        return "" if pattern == text else None
    fits = text.startswith(head) and text.endswith(tail) and len(text) >= len(head + tail)
    return text[len(head) : len(text) - len(tail)] if fits else None


def patsubst(pattern: str, new: str, text: str) -> str:
    """`$(patsubst pattern,new,text)`."""
    found = []
    for word in text.split():
        middle = stem(pattern, word)
        found.append(word if middle is None else new.replace("%", middle, 1))
    return " ".join(found)


def substitution(rule: str, text: str) -> str:
    """`$(NAME:a=b)`: the ending `a`, or the pattern, becomes `b` in every word."""
    old, _, new = rule.partition("=")
    if "%" not in old:
        old, new = "%" + old, "%" + new
    return patsubst(old, new, text)


def _filtered(arguments: list[str], kept: bool) -> str:
    patterns = arguments[0].split()
    return " ".join(
        word
        for word in arguments[1].split()
        if any(stem(pattern, word) is not None for pattern in patterns) is kept
    )


def _joined(arguments: list[str]) -> str:
    heads, tails = arguments[0].split(), arguments[1].split()
    size = max(len(heads), len(tails))
    heads += [""] * (size - len(heads))
    tails += [""] * (size - len(tails))
    return " ".join(head + tail for head, tail in zip(heads, tails, strict=True))


def _nth(arguments: list[str]) -> str | None:
    words = arguments[1].split()
    if not arguments[0].strip().isdecimal():
        return None
    at = int(arguments[0])
    return words[at - 1] if 0 < at <= len(words) else ""


def _each(change: Callable[[str], str]) -> Function:
    return lambda arguments: " ".join(change(word) for word in arguments[0].split())


def _folder(word: str) -> str:
    return word[: word.rfind("/") + 1] or "./"


def _ending(word: str) -> str:
    name = word.rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""


FUNCTIONS: dict[str, tuple[int, Function]] = {
    "addprefix": (2, lambda a: " ".join(a[0].strip() + word for word in a[1].split())),
    "addsuffix": (2, lambda a: " ".join(word + a[0].strip() for word in a[1].split())),
    "basename": (1, _each(lambda word: word[: len(word) - len(_ending(word))])),
    "dir": (1, _each(_folder)),
    "filter": (2, lambda a: _filtered(a, kept=True)),
    "filter-out": (2, lambda a: _filtered(a, kept=False)),
    "findstring": (2, lambda a: a[0] if a[0] in a[1] else ""),
    "firstword": (1, lambda a: (a[0].split() or [""])[0]),
    "join": (2, _joined),
    "lastword": (1, lambda a: (a[0].split() or [""])[-1]),
    "notdir": (1, _each(posixpath.basename)),
    "patsubst": (3, lambda a: patsubst(a[0].strip(), a[1].strip(), a[2])),
    "sort": (1, lambda a: " ".join(sorted(set(a[0].split())))),
    "strip": (1, lambda a: " ".join(a[0].split())),
    "subst": (3, lambda a: a[2].replace(a[0], a[1]) if a[0] else a[2] + a[1]),
    "suffix": (1, lambda a: " ".join(filter(None, map(_ending, a[0].split())))),
    "word": (2, _nth),
    "words": (1, lambda a: str(len(a[0].split()))),
}
"""How many arguments a function takes (commas behind the last belong to it), and what it does."""


def absolute(text: str, folder: str) -> str:
    """`$(abspath ...)` of words that count from `folder` (a path behind a root's variable)."""
    found = []
    for word in text.split():
        whole = word if word.startswith(("/", "${")) else f"{folder}/{word}"
        head, rest = re.match(r"(\$\{\w+\})?(.*)", whole, re.DOTALL).groups()  # type: ignore[union-attr]
        found.append((head or "") + posixpath.normpath(rest or "/").rstrip("/"))
    return " ".join(found)
