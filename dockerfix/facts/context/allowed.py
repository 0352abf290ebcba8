"""An ignore file that lets through what a Dockerfile copies, and nothing else.

`*` leaves everything out, an exception takes each source back, and the lines of the old ignore
file follow, so that what was left out of a source stays out. Exact in moby's sense: there a
pattern that matches a folder decides everything below it, but only when it was asked at that
folder, where `*` has decided already. Knows patterns; knows no build.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.facts.trees.globs import BadPatternError, has_wildcard, match
from dockerfix.facts.trees.ignore import BadIgnoreError, IgnoreFile, IgnoreLine, Judge
from dockerfix.facts.trees.projection import ProjectionError, as_line, stops_at_slash

EVERYTHING = ("*", "**")
"""Patterns that leave out everything at the top of a context."""
_EVERYTHING_INSIDE = (*EVERYTHING, "*/**", "**/**")


def is_allow_list(file: IgnoreFile) -> bool:
    """Whether an ignore file begins by leaving everything out."""
    return bool(file.lines) and not file.lines[0].negated and file.lines[0].pattern in EVERYTHING


def outermost(sources: Sequence[str]) -> tuple[str, ...]:
    """The sources, cleaned and sorted, without those that lie in another one."""
    kept: list[str] = []
    for path in sorted(set(sources), key=lambda path: path.split("/")):
        if not any(path.startswith(f"{outer}/") for outer in kept):
            kept.append(path)
    return tuple(kept)


def exceptions(sources: Sequence[str]) -> tuple[str, ...]:
    """The lines that take sources back, paths or patterns relative to the context."""
    return tuple("!" + as_line(source) for source in outermost(sources))


def kept_rules(file: IgnoreFile, sources: Sequence[str]) -> tuple[str, ...]:
    """The lines that say of the sources, behind `*` and their exceptions, what the file says.

    Lines that cannot concern a source are left out. Raises `ProjectionError`, also for a
    pattern that Docker rejects.
    """
    return _Kept(file, outermost(sources)).rules()


def split_allow_list(rules: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The exceptions of a file that leaves everything out first, as `kept_rules` gives them, and
    what follows these; None for one that does not begin so.

    Behind a `*` of its own such a file needs no exceptions but its own.
    """
    first = next((n for n, rule in enumerate(rules) if rule not in _EVERYTHING_INSIDE), len(rules))
    if not first:
        return None
    end = next((n for n in range(first, len(rules)) if rules[n][:1] != "!"), len(rules))
    return tuple(rules[first:end]), tuple(rules[end:])


def line_in_the_way(file: IgnoreFile, sources: Sequence[str]) -> IgnoreLine | None:
    """The first line that would say something else of a source if the whole file stood behind
    `*` and the exceptions. Raises `ProjectionError`, as `kept_rules` does."""
    return _Kept(file, outermost(sources)).in_the_way()


class _Kept:
    """The lines of one file. Private to `kept_rules`."""

    def __init__(self, file: IgnoreFile, sources: Sequence[str]) -> None:
        self.file = file
        self.sources = sources
        self.above = [posixpath.dirname(_literal(source)) for source in sources]
        self.globs = any(has_wildcard(posixpath.dirname(source)) for source in sources)
        try:
            judge = Judge(file.rules)
        except BadIgnoreError as error:
            line = file.lines[error.index]
            raise ProjectionError(file.place(line), line.pattern, "the sources") from None
        self.hits = [judge.judge_path(path).each if path else () for path in self.above]

    def rules(self) -> tuple[str, ...]:
        """The lines in their order, without what was said already since the last line of the
        other kind."""
        found: list[str] = []
        said: set[str] = set()
        for number, line in enumerate(self.file.lines):
            new = self.excluding(number, line) if not line.negated else self.taking(number, line)
            for rule in new:
                if found and rule.startswith("!") != found[-1].startswith("!"):
                    said.clear()
                if rule not in said:
                    found.append(rule)
                said.add(rule)
        return tuple(found)

    def in_the_way(self) -> IgnoreLine | None:
        """The first line that cannot stay as it is."""
        for number, line in enumerate(self.file.lines):
            new = self.excluding(number, line) if not line.negated else self.taking(number, line)
            above = line.negated and any(_matches_above(line.pattern, s) for s in self.sources)
            if above or not set(new) <= {("!" if line.negated else "") + as_line(line.pattern)}:
                return line
        return None

    def excluding(self, number: int, line: IgnoreLine) -> Iterator[str]:
        """A pattern that leaves something out.

        Where it matches a folder above a source it is asked in vain, since `*` matched there,
        so that the pattern for everything below that folder must stand beside it.
        """
        above = any(hit[number] for hit in self.hits if hit)
        if above and any(before.negated for before in self.file.lines[:number]):
            # moby asks such a line only where no line before it has matched already.
            raise ProjectionError(self.file.place(line), line.pattern, "the sources")
        if not above and not any(_may_concern(line.pattern, s) for s in self.sources):
            return
        yield as_line(line.pattern)
        if (above or self.globs) and not line.pattern.endswith("**"):
            yield as_line(f"{line.pattern}/**")

    def taking(self, number: int, line: IgnoreLine) -> Iterator[str]:
        """An exception: for each source below a folder that it takes back, and as it stands
        where it can only speak of what lies in a source."""
        for source, hit in zip(self.sources, self.hits, strict=True):
            if hit and hit[number]:
                yield "!" + as_line(source)
        if not any(_may_concern(line.pattern, source) for source in self.sources):
            return
        if any(_matches_above(line.pattern, source) for source in self.sources) or self.globs:
            raise ProjectionError(self.file.place(line), f"!{line.pattern}", "the sources")
        yield "!" + as_line(line.pattern)


def _literal(source: str) -> str:
    """A source up to the last part before its first wildcard, with a part behind it."""
    parts = source.split("/")
    for number, part in enumerate(parts):
        if has_wildcard(part):
            return "/".join(parts[: number + 1])
    return source


def _matches_above(pattern: str, source: str) -> bool:
    """Whether a pattern matches a folder that holds the source."""
    folder = posixpath.dirname(_literal(source))
    return bool(folder) and Judge((pattern,)).judge_path(folder).matched


def _may_concern(pattern: str, source: str) -> bool:
    """Whether a pattern may match a source, or something in it, by itself."""
    for part, name in zip(pattern.split("/"), source.split("/"), strict=False):
        if "**" in part:
            return True
        if not _may_match(part, name):
            return False
    deep = pattern.count("/") >= source.count("/")
    return deep or "[" in pattern or has_wildcard(source)


def _may_match(part: str, name: str) -> bool:
    """Whether one part of a pattern may match what one part of a source stands for."""
    if "\\" in part or (has_wildcard(part) and has_wildcard(name)) or not stops_at_slash(part):
        return True
    try:
        return match(part, name) if has_wildcard(part) else part == name or match(name, part)
    except BadPatternError:
        return True
