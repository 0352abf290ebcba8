"""GitLab's path globs: which paths they match, and which combinations of them one path can.

Follows `File.fnmatch?` of Ruby with FNM_PATHNAME, FNM_DOTMATCH and FNM_EXTGLOB, which GitLab
uses for `changes:` and `exists:`: `*` stays within a folder, `**/` is any number of folders,
`**` elsewhere is `*`, `{a,b}` are alternatives. Globs become automata, so that "does this
list hold everything that the other does" is decided and not guessed. Knows globs; knows
nothing of jobs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

MAX_WORK = 1_000_000
"""Steps of single globs that one question about several may take."""

_FRESH = "xyzabcdefghijklmnopqrstuvwXYZ0123456789_~"


class GlobError(Exception):
    """A glob, or a set of globs, about which no exact answer can be given; the text says why."""


class _Token(Struct, frozen=True):
    """One element: a literal, `?`, `*`, `**/`, or a class of characters."""

    kind: str
    characters: frozenset[str] = frozenset()
    negated: bool = False

    def accepts(self, char: str) -> bool:
        """Whether the element takes this character as one of its own."""
        if self.kind == "literal":
            return char in self.characters
        return char != "/" and (self.kind != "class" or (char in self.characters) != self.negated)


class _Automaton:
    """One glob without alternatives. States are `2 * position`, plus 1 inside a folder's name
    that `**/` is eating."""

    def __init__(self, glob: str) -> None:
        self.tokens = tuple(_tokens(glob))
        self.start = self._closure({0})
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def accepts(self, states: frozenset[int]) -> bool:
        """Whether one of the states is the end."""
        return 2 * len(self.tokens) in states

    def step(self, states: frozenset[int], char: str) -> frozenset[int]:
        """The states after one more character."""
        key = (states, char)
        if key not in self._steps:
            self._steps[key] = self._closure({n for s in states for n in self._next(s, char)})
        return self._steps[key]

    def _next(self, state: int, char: str) -> tuple[int, ...]:
        position, inside = divmod(state, 2)
        if position == len(self.tokens):
            return ()
        token = self.tokens[position]
        if token.kind == "deep":
            if char == "/":
                return (2 * position,) if inside else ()
            return (2 * position + 1,)
        if not token.accepts(char):
            return ()
        return (state,) if token.kind == "star" else (state + 2,)

    def _closure(self, states: set[int]) -> frozenset[int]:
        queue, found = list(states), set(states)
        while queue:
            position, inside = divmod(queue.pop(), 2)
            skips = position < len(self.tokens) and self.tokens[position].kind in ("star", "deep")
            if skips and not inside and 2 * position + 2 not in found:
                found.add(2 * position + 2)
                queue.append(2 * position + 2)
        return frozenset(found)


class _Glob:
    """A glob with its alternatives."""

    def __init__(self, glob: str) -> None:
        self.parts = tuple(_Automaton(text) for text in _alternatives(glob))
        self.start = tuple(part.start for part in self.parts)

    def step(self, states: tuple[frozenset[int], ...], char: str) -> tuple[frozenset[int], ...]:
        """The states of all alternatives after one more character."""
        return tuple(part.step(s, char) for part, s in zip(self.parts, states, strict=True))

    def accepts(self, states: tuple[frozenset[int], ...]) -> bool:
        """Whether one alternative matches."""
        return any(part.accepts(s) for part, s in zip(self.parts, states, strict=True))


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> _Glob:
    return _Glob(glob)


def matches(glob: str, path: str) -> bool:
    """Whether GitLab takes the path (relative to the root) as matched by the glob."""
    compiled = _compiled(glob)
    states = compiled.start
    for char in path:
        states = compiled.step(states, char)
    return compiled.accepts(states)


def classes(globs: Iterable[str]) -> dict[frozenset[str], str]:
    """Every set of globs that some path matches while it matches none of the others, each
    with the shortest such path.

    The empty set is among them unless the globs match every path. Raises `GlobError` for a
    glob with a variable, and when the globs are too many or too long for an exact answer.
    """
    return dict(_classes(tuple(sorted(set(globs)))))


@lru_cache(maxsize=256)
def _classes(globs: tuple[str, ...]) -> tuple[tuple[frozenset[str], str], ...]:
    for glob in globs:
        if "$" in glob:
            raise GlobError(f"`{glob}` holds a variable")
    compiled = [_compiled(glob) for glob in globs]
    alphabet = _alphabet(compiled)
    start = (tuple(glob.start for glob in compiled), "/")
    queue = deque([(start, "")])
    seen = {start}
    found: dict[frozenset[str], str] = {}
    while queue:
        (states, last), path = queue.popleft()
        if last != "/":
            pairs = zip(globs, compiled, states, strict=True)
            found.setdefault(frozenset(g for g, c, s in pairs if c.accepts(s)), path)
        for char in alphabet:
            if char == "/" == last:
                continue
            after = tuple(c.step(s, char) for c, s in zip(compiled, states, strict=True))
            # Only whether a segment has begun matters of what came before.
            state = (after, "/" if char == "/" else "")
            if state not in seen:
                seen.add(state)
                queue.append((state, path + char))
        if len(seen) * len(alphabet) * len(globs) > MAX_WORK:
            raise GlobError("the globs are too many to be compared exactly")
    return tuple(found.items())


def uncovered(narrow: Iterable[str], wide: Iterable[str]) -> str | None:
    """A path that a glob of `narrow` matches and none of `wide`; None when there is none.

    Raises `GlobError` as `classes` does.
    """
    first, second = tuple(narrow), frozenset(wide)
    if second.issuperset(first):
        return None
    for matched, path in classes((*first, *second)).items():
        if matched.intersection(first) and not matched & second:
            return path
    return None


def _alphabet(compiled: list[_Glob]) -> tuple[str, ...]:
    """The characters that the globs name, `/`, and one that none of them names."""
    named = {
        char
        for glob in compiled
        for part in glob.parts
        for token in part.tokens
        for char in token.characters
    }
    fresh = next(
        (char for char in _FRESH if char not in named), "\N{LATIN SMALL LETTER E WITH ACUTE}"
    )
    return (fresh, "/", *sorted(named - {"/"}))


def _tokens(glob: str) -> Iterable[_Token]:
    at = 0
    while at < len(glob):
        char = glob[at]
        if char == "*":
            end = at
            while glob[end : end + 1] == "*":
                end += 1
            deep = end - at == 2 and glob[end : end + 1] == "/" and (at == 0 or glob[at - 1] == "/")
            yield _Token("deep" if deep else "star")
            at = end + 1 if deep else end
        elif char == "[" and glob.find("]", at + 2) > 0:
            end = glob.index("]", at + 2)
            yield _class(glob[at + 1 : end])
            at = end + 1
        elif char == "?":
            yield _Token("any")
            at += 1
        else:
            at += char == "\\" and at + 1 < len(glob)
            yield _Token("literal", frozenset(glob[at]))
            at += 1


def _class(body: str) -> _Token:
    negated = body[:1] in ("!", "^")
    body = body[1:] if negated else body
    characters: set[str] = set()
    at = 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            first, last = ord(body[at]), ord(body[at + 2])
            characters.update(chr(code) for code in range(first, min(last, first + 255) + 1))
            at += 3
        else:
            characters.add(body[at])
            at += 1
    return _Token("class", frozenset(characters), negated)


def _alternatives(glob: str) -> list[str]:
    """The globs that `{a,b}` stands for, nested ones too; an unclosed brace is a character."""
    start = _brace(glob, 0)
    if start is None:
        return [glob]
    depth, cuts, end = 0, [start], None
    for at in range(start, len(glob)):
        if glob[at] == "{":
            depth += 1
        elif glob[at] == "}":
            depth -= 1
            if not depth:
                end = at
                break
        elif glob[at] == "," and depth == 1:
            cuts.append(at)
    if end is None:
        return [glob]
    parts = [glob[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], end], strict=True)]
    found = [
        text for part in parts for text in _alternatives(glob[:start] + part + glob[end + 1 :])
    ]
    if len(found) > 256:
        raise GlobError(f"`{glob}` has too many alternatives")
    return found


def _brace(glob: str, at: int) -> int | None:
    while at < len(glob):
        if glob[at] == "\\":
            at += 1
        elif glob[at] == "{":
            return at
        at += 1
    return None
