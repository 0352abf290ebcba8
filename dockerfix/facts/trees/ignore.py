"""Ignore files: how Docker reads them, and which paths their patterns match.

Lines are read as moby's `ignorefile.ReadAll` does; matching is e2b-dockerfile-utils'
`PatternMatcher`, a port of moby's `patternmatcher`. Knows patterns and paths relative to a
context; knows no tree of files and no build.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import NamedTuple

from e2b_dockerfile_utils import PatternMatcher
from msgspec import Struct

from dockerfix.text import Place, Source, Span
from dockerfix.text.source import BOM

# What Go's strings.TrimSpace removes; str.strip() would remove more.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)


class BadIgnoreError(Exception):
    """A pattern that Docker rejects; the build fails. `index` counts patterns from 0."""

    def __init__(self, index: int, pattern: str, why: str) -> None:
        super().__init__(f"invalid pattern {pattern!r}: {why}")
        self.index = index
        self.pattern = pattern
        self.why = why


class IgnoreLine(Struct, frozen=True):
    """One line with a pattern.

    `number` counts lines of the file from 1; `pattern` is the cleaned pattern without `!`;
    `comments` are the comment lines directly above, as written.
    """

    number: int
    written: str
    pattern: str
    negated: bool
    span: Span
    comments: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The cleaned pattern with its `!`, as the matcher takes it."""
        return ("!" if self.negated else "") + self.pattern


class IgnoreFile(Struct, frozen=True):
    """An ignore file's lines in order; those of an absent file are none."""

    source: Source
    lines: tuple[IgnoreLine, ...]

    @property
    def path(self) -> str:
        """The path relative to the root."""
        return self.source.path

    @property
    def rules(self) -> tuple[str, ...]:
        """The patterns in order, as a `Judge` takes them."""
        return tuple(line.rule for line in self.lines)

    def place(self, line: IgnoreLine) -> Place:
        """Where the line stands."""
        return self.source.place(line.span)


def read_ignore(source: Source) -> IgnoreFile:
    """The lines of an ignore file; never raises on content, see `Judge` for bad patterns.

    A `#` begins a comment in the first column only; a leading `/` and blanks round the
    pattern are dropped.
    """
    lines: list[IgnoreLine] = []
    comments: list[str] = []
    data = source.data
    for number, start in enumerate(source.line_starts, 1):
        if start >= len(data):
            break
        span = source.line_of(start)
        text = _line_text(source, span, first=number == 1)
        if text.startswith("#"):
            comments.append(text)
            continue
        line = _read_line(text, number, span, tuple(comments))
        comments.clear()
        if line is not None:
            lines.append(line)
    return IgnoreFile(source, tuple(lines))


def _line_text(source: Source, span: Span, first: bool) -> str:
    data = source.slice(span).rstrip(b"\n").removesuffix(b"\r")
    return (data.removeprefix(BOM) if first else data).decode("utf-8", "surrogateescape")


def _read_line(text: str, number: int, span: Span, comments: tuple[str, ...]) -> IgnoreLine | None:
    pattern = text.strip(_SPACE)
    if not pattern:
        return None
    negated = pattern.startswith("!")
    if negated:
        pattern = pattern[1:].strip(_SPACE)
    if pattern:
        pattern = clean(pattern)
        pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
    return IgnoreLine(number, text, pattern, negated, span, comments)


def clean(path: str) -> str:
    """Go's `filepath.Clean`: `a//b/../c/` is `a/c`, the empty path is `.`."""
    return posixpath.normpath("/" + path.lstrip("/") if path.startswith("/") else path)


class Verdict(NamedTuple):
    """How one path was judged: whether it is matched after all patterns, and which pattern
    matched it or a folder above it."""

    matched: bool
    each: tuple[bool, ...]


class Judge:
    """A list of patterns, of which the last that matches a path decides.

    A path is judged with the verdict on the folder above it, so that a walk asks each folder
    once (moby's `MatchesUsingParentResults`); the answer is that of `PatternMatcher.matches`,
    which begins at the root each time. Raises `BadIgnoreError`.
    """

    __slots__ = (
        "_clean",
        "_late",
        "_matcher",
        "_names",
        "_paths",
        "_rules",
        "_wide",
        "exceptions",
        "patterns",
    )

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        accepted = [_acceptable(index, pattern) for index, pattern in enumerate(patterns)]
        self._rules = [_rule(n, text, patterns[n]) for n, text in enumerate(accepted)]
        self._matcher = PatternMatcher(accepted)
        self._clean = Verdict(False, (False,) * len(accepted))
        self.exceptions = any(negated for _, negated in self._rules)
        first = next((n for n, (_, negated) in enumerate(self._rules) if negated), len(accepted))
        self._late = [match for match, negated in self._rules[first:] if not negated]
        # Most paths of a large tree are not what a plain pattern names, and need not ask it.
        plain = [_plain(text.removeprefix("!")) for text in accepted]
        self._paths = {text for text in plain if text is not None and not text.startswith("**/")}
        self._names = {text[3:] for text in plain if text is not None and text.startswith("**/")}
        pairs = zip(self._rules, plain, strict=True)
        self._wide = [rule for rule, text in pairs if text is None]

    def judge(self, path: str, above: Verdict | None = None) -> Verdict:
        """The verdict on a path, relative to the context, given that on its folder (None for
        what stands at the top)."""
        above = above or self._clean
        if above is self._clean and not self._may_match(path):
            return self._clean
        matched = False
        each: list[bool] = []
        for (match, negated), hit in zip(self._rules, above.each, strict=True):
            hit = hit or (negated is matched and match(path))
            each.append(hit)
            if hit:
                matched = not negated
        return Verdict(matched, tuple(each)) if any(each) else self._clean

    def matches(self, path: str, above: Verdict | None = None) -> bool:
        """The same without the single patterns, for what has nothing below it."""
        above = above or self._clean
        if above is self._clean and not self._may_match(path):
            return False
        matched = False
        for (match, negated), hit in zip(self._rules, above.each, strict=True):
            if hit or (negated is matched and match(path)):
                matched = not negated
        return matched

    def judge_path(self, path: str) -> Verdict:
        """The verdict on a path, its folders judged on the way."""
        verdict: Verdict | None = None
        at = path.find("/")
        while at > 0:
            verdict = self.judge(path[:at], verdict)
            at = path.find("/", at + 1)
        return self.judge(path, verdict)

    def may_differ_below(self, folder: str) -> bool:
        """Whether a `!` pattern may take back something below a matched folder."""
        return self.exceptions and self._matcher.may_match_under(folder)

    def empties(self, path: str) -> bool:
        """Whether BuildKit sends a file that is left with no content in it.

        fsutil lists files as `judge` does and refuses to open them by another rule (moby's
        `MatchesOrParentMatches`); the two disagree where an exception is followed by a pattern
        for a folder above, as in `*`, `!src/a`, `src`.
        """
        steps = [path[:at] for at in range(1, len(path)) if path[at] == "/"]
        matched = False
        for match, negated in self._rules:
            if negated is matched and (match(path) or any(map(match, steps))):
                matched = not negated
        return matched and not self.judge_path(path).matched

    def may_empty_below(self, folder: str) -> bool:
        """Whether a pattern that follows an exception matches the folder: only in such a folder
        may a file be emptied."""
        return any(match(folder) for match in self._late)

    def _may_match(self, path: str) -> bool:
        """Whether any pattern matches the path itself: exact where it says no."""
        if path in self._paths or path.rpartition("/")[2] in self._names:
            return True
        return any(match(path) for match, _ in self._wide)


def _rule(index: int, accepted: str, written: str) -> tuple[Callable[[str], bool], bool]:
    """Whether one pattern matches a path, folders above left aside; and whether it is an
    exception.

    `PatternMatcher` keeps these predicates to itself; one matcher for each pattern gives them
    one by one, and an error then names its pattern.
    """
    try:
        found = PatternMatcher([accepted])._patterns[0]
    except ValueError as error:
        raise BadIgnoreError(index, written, str(error).rpartition(": ")[2]) from None
    return found.match, found.exclusion


def _plain(pattern: str) -> str | None:
    """The cleaned pattern when it names one path, or one name at any depth (`**/name`)."""
    text = clean(pattern)
    name = text.removeprefix("**/")
    if any(char in name for char in "*?[\\") or ("/" in name and name != text):
        return None
    return text


def _acceptable(index: int, pattern: str) -> str:
    """The pattern so that `PatternMatcher` reads it as moby's `patternmatcher.New` would."""
    text = pattern.strip(_SPACE)
    negated = text.startswith("!")
    body = text[1:] if negated else text
    if not body:
        raise BadIgnoreError(index, pattern, "illegal exclusion pattern")
    if clean(body).startswith("/"):
        body = "."  # moby compares it with relative paths, so that it never matches
    elif body.startswith(("#", "!")):
        body = "\\" + body  # a comment or an exception to PatternMatcher, a name to moby
    return ("!" if negated else "") + body
