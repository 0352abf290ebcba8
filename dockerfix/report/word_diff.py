"""The words in which a removed line and the added one in its place differ, for a terminal.

Knows lines and words; nothing of patches or colours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
_LONG = 400
"""Lines of more words (minified files, locks) take too long to compare, and nobody reads them."""
_ALIKE = 0.5
"""Lines that share less are two lines, not one that was changed."""

Part = tuple[bool, str]
"""Whether it differs, and the text."""


def changed_words(old: str, new: str) -> tuple[list[Part], list[Part]] | None:
    """The parts of two lines, in order; None where marking words would say nothing (the lines
    have little in common) or take long."""
    left, right = _WORD.findall(old), _WORD.findall(new)
    if max(len(left), len(right)) > _LONG:
        return None
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return None
    removed: list[Part] = []
    added: list[Part] = []
    for kind, i, k, j, m in matcher.get_opcodes():
        _add(removed, kind != "equal", left[i:k])
        _add(added, kind != "equal", right[j:m])
    return removed, added


def _add(parts: list[Part], differs: bool, words: Sequence[str]) -> None:
    if words:
        parts.append((differs, "".join(words)))
