"""What `read -r A B <<< "text"` gives to its names, where the text is known.

Follows "read" under "Bash Builtin Commands" and "Word Splitting" of the bash manual for one sign
that is no blank, for blanks and for no sign at all. Knows texts alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.shell.words import ROOTS, UNKNOWN, closing

BLANKS = " \t\n"
"""What splits where a script does not say otherwise."""


def read_fields(text: str, signs: str, most: int | None) -> list[str] | None:
    """The fields of a text's first line, the last of `most` with all that is left; None where
    they cannot be told. A variable that is not known may hold a sign itself: from there on no
    field is known.
    """
    items = _items(text)
    if "\n" in items:
        items = items[: items.index("\n")]
    if signs == "":
        return _known(["".join(items)])
    blanks = not signs.strip(BLANKS)
    if not blanks and len(signs) > 1:
        return None
    split = _by_blanks(items, signs, most) if blanks else _by_sign(items, signs, most)
    return _known(["".join(field) for field in split])


def _items(text: str) -> list[str]:
    """The characters of a text, each `${...}` as one."""
    found, at = [], 0
    while at < len(text):
        end = closing(text, at) if text.startswith("${", at) else -1
        end = max(end, at) + 1
        found.append(text[at:end])
        at = end
    return found


def _by_blanks(items: Sequence[str], signs: str, most: int | None) -> list[list[str]]:
    found: list[list[str]] = []
    open_ = False
    for item in items:
        blank = item in signs
        if blank and len(found) == most and open_:
            found[-1].append(item)
        elif blank:
            open_ = False
        elif open_:
            found[-1].append(item)
        else:
            found.append([item])
            open_ = True
    while found and found[-1][-1] in signs:
        found[-1].pop()
    return found


def _by_sign(items: Sequence[str], sign: str, most: int | None) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for item in items:
        if item == sign and len(found) != most:
            found.append([])
        else:
            found[-1].append(item)
    if found[-1].count(sign) == 1 and found[-1][-1] == sign:
        found[-1].pop()  # one field and the sign that ends it
    return found if found[-1] or most is not None else found[:-1]


def _known(fields: list[str]) -> list[str]:
    """The fields, unknown from the first variable on that may hold a sign."""
    for at, field in enumerate(fields):
        for name in ROOTS:
            field = field.replace("${" + name + "}", "")
        if "${" in field:
            return [*fields[:at], *(UNKNOWN for _ in fields[at:])]
    return fields
