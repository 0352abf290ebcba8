"""What a document tells of the past: lists of changes, records of decisions, dated sections.

What was is not rewritten, and nobody runs it again. A file is of the past by its name or folder
(Keep a Changelog, towncrier, Architecture Decision Records), a section by its heading: a date, or
a version alone. Knows headings and names; knows nothing of what is said.
"""

from __future__ import annotations

import posixpath
import re

from dockerfix.syntax.markdown import Heading, headings
from dockerfix.text import Source

_NAMES = frozenset(
    {"changelog", "changes", "history", "news", "releases", "release-notes", "releasenotes"}
)
_FOLDERS = frozenset(
    {
        "adr", "adrs", "decisions", "changelog", "changelogs", "changelog.d", "changes",
        "newsfragments", "release-notes", "releasenotes",
    }
)  # fmt: skip
_DOCUMENTS = (".md", ".markdown", ".rst", ".txt", ".adoc")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DATE = re.compile(
    r"\b(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])\b"
    rf"|\b{_MONTH}[a-z]{{0,6}}\.? [0-9, ]{{0,5}}(?:19|20)\d\d\b"
)
_VERSION = re.compile(r"(?:(?:version|release) )?v?\d{1,4}(?:\.\d{1,4}){1,3}(?:[-+.\w]{0,20})?")
_TITLES = frozenset({"changelog", "change log", "changes", "history", "release notes", "releases"})


def is_past(path: str) -> bool:
    """Whether a whole file tells of the past, by its name or folder."""
    folder, name = posixpath.split(path)
    stem, ending = posixpath.splitext(name)
    if ending not in ("", *_DOCUMENTS):
        return False
    folders = (part.replace("_", "-") for part in folder.lower().split("/"))
    named = stem.lower().replace("_", "-") in _NAMES or _DATE.match(name) is not None
    return named or (bool(ending) and not _FOLDERS.isdisjoint(folders))


def tells_of_the_past(source: Source, at: int) -> bool:
    """Whether what stands at an offset of a file tells of the past: the file does, or one of the
    headings above it that it stands under."""
    if is_past(source.path):
        return True
    if not source.path.endswith(_DOCUMENTS):
        return False
    level = 7
    for heading in reversed(headings(source)):
        if heading.at <= at and heading.level < level:
            level = heading.level
            if _is_past_heading(heading):
                return True
    return False


def _is_past_heading(heading: Heading) -> bool:
    text = re.sub(r"[\[\]*_`#]|\([^()\n]*\)", "", heading.text).strip()
    if text.lower().rstrip(":") in _TITLES or _DATE.search(heading.text):
        return True
    return _VERSION.fullmatch(text.lower()) is not None
