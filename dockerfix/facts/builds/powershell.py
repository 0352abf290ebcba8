"""Build commands of PowerShell scripts, as far as their words are plain.

Follows "about_Parsing" of PowerShell's manual: a backquote joins lines, `$name` is a variable,
quotes are those of a shell. Knows words; follows neither functions nor branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.builds.files.unread import build_spans
from dockerfix.facts.model import Value
from dockerfix.facts.shell.words import UNKNOWN, remaining
from dockerfix.text import Source, Span

_WORD = re.compile(
    r"(?:`\r?\n|[ \t])+|((?:'[^']*'|\"(?:`.|[^\"`])*\"|`[^\r\n]|[^\s'\"`;|&#(){}])+)|(.)", re.S
)
"""Blanks, a word (group 1), or what ends a command (group 2)."""
_PART = re.compile(r"'([^']*)'|\"((?:`.|[^\"`])*)\"|`(.)|([^'\"`]+)", re.S)
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|((?:\w+:)?\w+))")
_MOVES = re.compile(rb"\b(?:Set-Location|Push-Location|cd|chdir|sl|pushd)\b", re.I)


def moves(source: Source) -> bool:
    """Whether a script changes its folder, so that where it builds is not known."""
    return _MOVES.search(source.data) is not None


def commands(source: Source) -> Iterator[tuple[Span, tuple[Value, ...]]]:
    """The words of each command that seems to build, with the place of the command."""
    for span in build_spans(source):
        # A character of more bytes would move the places of words: such a line stays unread.
        text = source.data[span.start :].decode("ascii", "replace")
        words, end = [], 0
        for match in _WORD.finditer(text):
            if match[2] is not None:
                break
            if match[1] is not None:
                place = source.place(Span(span.start + match.start(1), span.start + match.end(1)))
                value = _text(match[1])
                words.append(Value(match[1], value, remaining(value), (), place))
                end = match.end(1)
        if words:
            yield Span(span.start, span.start + end), tuple(words)


def _text(written: str) -> str:
    """What a word stands for; a backslash is a separator of folders."""
    found = ""
    for single, double, escaped, bare in _PART.findall(written):
        text = single or escaped or _VARIABLE.sub(_variable, double or bare)
        found += text
    return UNKNOWN if "\ufffd" in found else found.replace("\\", "/")


def _variable(match: re.Match[str]) -> str:
    return "${" + re.sub(r"\W", "_", match[1] or match[2]) + "}"
