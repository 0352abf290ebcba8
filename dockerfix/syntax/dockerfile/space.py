r"""White space as BuildKit counts it, which differs from place to place.

Go's `unicode.IsSpace` strips lines and splits quoted words; the keyword and plain words are
split by the ASCII blanks alone. Python's own `str.isspace` also takes "\x1c" to "\x1f" and is
used for neither. Knows characters and nothing else.
"""

from __future__ import annotations

import re

BLANKS = "\t\v\f\r "
"""What ends a keyword or a plain word: the parser's `[\\t\\v\\f\\r ]+`."""

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""Go's `unicode.IsSpace`."""

SPACE_BYTES = rb"(?:%s)*" % b"|".join(re.escape(char.encode()) for char in SPACE if char != "\n")
"""The same in UTF-8 and without the newline, as a pattern for bytes."""

_NOT_SPACE = re.compile(f"[^{SPACE}]")


def skip_space(line: str, at: int) -> int:
    """The offset of the first character at or after `at` that is no white space."""
    found = _NOT_SPACE.search(line, at)
    return found.start() if found else len(line)


def strip_space(data: bytes) -> bytes:
    """The bytes without white space at both ends, as Go's `bytes.TrimSpace`."""
    data = data.strip()
    if data and (data[0] >= 0x80 or data[-1] >= 0x80):
        text = data.decode("utf-8", "surrogateescape")
        return text.strip(SPACE).encode("utf-8", "surrogateescape")
    return data


def lstrip_space(data: bytes) -> bytes:
    """The bytes without white space at the beginning."""
    data = data.lstrip()
    if data and data[0] >= 0x80:
        text = data.decode("utf-8", "surrogateescape")
        return text.lstrip(SPACE).encode("utf-8", "surrogateescape")
    return data
