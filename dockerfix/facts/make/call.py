"""A `make` command: where it runs, what it makes, and the variables that it is given.

Knows make's options as far as they say what runs; knows no Makefile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.model import Value
from dockerfix.facts.shell.words import ROOTS, Bound, defaults
from dockerfix.text import join_path


class MakeCall(Struct, frozen=True):
    """A `make` command: its folder, the file if one is named, targets, and variables."""

    folder: str
    file: str | None
    targets: tuple[str, ...]
    variables: Mapping[str, Bound]


def make_words(words: tuple[Value, ...], folder: str | None) -> MakeCall | None:
    """The words behind `make` in a command that runs in `folder`; None where the folder or
    file is not known."""
    file: str | None = None
    targets: list[str] = []
    variables: dict[str, Bound] = {}
    rest = iter(words)
    for word in rest:
        text = word.text
        flag = re.match(r"(-C|-f|--directory=?|--file=?|--makefile=?)(.*)", text, re.DOTALL)
        name, equals, value = text.partition("=")
        name = name.rstrip(":")
        if flag:
            following = next(rest, None) if not flag[2] else None
            given = defaults(flag[2] or (following.text if following else ""))[0]
            if flag[1].startswith(("-C", "--directory")):
                folder = _located(given, folder)
            else:
                file = given
        elif text in ("-j", "-l", "-I", "-o", "-W"):
            next(rest, None)
        elif equals and name.isidentifier():
            place = word.origin or word.place
            choices = tuple(choice.partition("=")[2] for choice in word.choices)
            variables[name] = Bound(value, choices, place)
        elif not text.startswith("-"):
            targets.append(text)
    if file is not None and "${" in file:
        path = _located(file, folder)
        file = posixpath.relpath(path, folder or ".") if path is not None else None
        folder = folder if file is not None else None
    if folder is None:
        return None
    return MakeCall(folder, file, tuple(targets), variables)


def _located(text: str, folder: str | None) -> str | None:
    """A path of the command, relative to the root of the repository, which it may name."""
    for name in ROOTS:
        head = "${" + name + "}"
        if text == head or text.startswith(head + "/"):
            folder, text = "", text[len(head) :].lstrip("/") or "."
    return join_path(folder, text) if folder is not None and "${" not in text else None
