"""What comments say: whether one says all that another says, and one comment for several files.

Comments of files that do the same for different programs differ in names: `Build the api binary`
and `Build the worker binary` become `Build the api and worker binaries`. Knows words; knows no
instruction.
"""

from __future__ import annotations

from collections.abc import Sequence

_PLURALS = {"binary": "binaries", "image": "images", "program": "programs", "service": "services"}
_LONGEST = 4
"""The most words of a name; what differs in more is another thought."""


def said(text: str, other: str) -> bool:
    """Whether a line of another text says all that this comment says."""
    wanted = text.casefold().rstrip(".:")
    if wanted in other.casefold():
        return True
    words = _words(wanted)
    return any(_in_order(words, _words(line.casefold())) for line in other.split("\n"))


def _words(text: str) -> list[str]:
    return [word.strip(",.:") for word in text.strip("# \t").split()]


def _in_order(words: Sequence[str], line: Sequence[str]) -> bool:
    """Whether the words stand in the line in their order, the first one first."""
    if words[:1] != line[:1] or len(words) < 3:
        return False
    rest = iter(line)
    return all(any(_alike(word, other) for other in rest) for word in words)


def _alike(word: str, other: str) -> bool:
    """Whether two words are one, but for its plural; stages are counted again."""
    if word.isdigit() and other.isdigit():
        return True
    return _PLURALS.get(word, word) == _PLURALS.get(other, other)


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def united_lines(mine: Sequence[str], others: Sequence[Sequence[str]]) -> list[str]:
    """The comment lines of one file, each with the names that the same line has in others; as
    they stand where the others say something else."""
    alike = [lines for lines in others if len(lines) == len(mine)]
    if not alike:
        return list(mine)
    columns = zip(mine, *alike, strict=True)
    united = [united_comment(column) for column in columns]
    return [line if new is None else new for line, new in zip(mine, united, strict=True)]


def united_comment(lines: Sequence[str]) -> str | None:
    """One line for several that are the same but for a name in them; None for others."""
    different = list(dict.fromkeys(line.strip() for line in lines))
    if len(different) < 2:
        return None
    end = different[0][-1:] if different[0][-1:] in ".:" else ""
    if not all(line.endswith(end) for line in different):
        return None
    words = [line.removesuffix(end).split() for line in different]
    shortest = min(map(len, words))
    head = next((n for n in range(shortest) if len({w[n] for w in words}) > 1), shortest)
    limit = shortest - head
    tail = next((n for n in range(limit) if len({w[-1 - n] for w in words}) > 1), limit)
    names = [w[head : len(w) - tail] for w in words]
    if head + tail < 3 or head < 2 or not all(0 < len(name) <= _LONGEST for name in names):
        return None
    if any(word.strip(",.:()#").isdigit() for name in names for word in name):
        return None  # a stage is counted once
    texts = sorted({" ".join(name) for name in names}, key=len)
    if any(one in other for n, one in enumerate(texts) for other in texts[n + 1 :]):
        return None  # the longer one says what the shorter one does
    rest = words[0][len(words[0]) - tail :] if tail else []
    rest[:1] = [_PLURALS.get(word, word) for word in rest[:1]]
    return " ".join([*words[0][:head], listed([" ".join(n) for n in names]), *rest]) + end
