"""The patterns of `exclude`: a plain subset of gitignore's. Knows strings, not the disk.

- A pattern without a slash (a trailing one aside) matches a name at any depth; with a slash
  it is relative to the root. A leading slash only says that.
- `*` and `?` stop at a slash, and `**` as a whole part of the path does not; `[abc]`, `[!abc]`
  and `[a-z]` match one character; a backslash takes the next character as it is.
- A trailing slash matches folders only. Whatever lies in a matched folder is matched too.
- There is no negation: `!pattern` is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from dockerfix.repo.errors import GlobError

Matcher = Callable[[str, bool], bool]
"""`matches(path, is_folder)`, the path relative to the root."""


def compile_globs(patterns: Sequence[str]) -> Matcher | None:
    """One matcher for all patterns; None when there are none. Raises `GlobError`.

    The matcher judges one path and not its parents: the walk never enters a matched folder.
    """
    if not patterns:
        return None
    files = "|".join(_regex(p) for p in patterns if not p.endswith("/"))
    folders = "|".join(_regex(p) for p in patterns)
    # An empty alternation would match the root; `(?!)` matches nothing.
    match_file = re.compile(files or "(?!)", re.DOTALL).fullmatch
    match_folder = re.compile(folders, re.DOTALL).fullmatch
    return lambda path, is_folder: bool(match_folder(path) if is_folder else match_file(path))


def _regex(pattern: str) -> str:
    """The regular expression of one pattern, for `fullmatch` on a path."""
    if pattern.startswith("!"):
        raise GlobError(pattern, "a pattern cannot be negated", "list what to leave out instead")
    body = pattern.removesuffix("/")
    anchored = "/" in body
    body = body.removeprefix("/")
    if not body or "" in body.split("/") or {".", ".."} & set(body.split("/")):
        raise GlobError(
            repr(pattern), "not a path below the root", "write it relative to the root, as a/b"
        )
    prefix = "" if anchored else "(?:.*/)?"
    return prefix + _translate(body, pattern)


def _translate(body: str, pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(body):
        char = body[at]
        if body.startswith("**/", at) and (at == 0 or body[at - 1] == "/"):
            out.append("(?:.*/)?")
            at += 3
        elif body[at:] == "**" and (at == 0 or body[at - 1] == "/"):
            out.append(".*")
            at += 2
        elif char == "[":
            end = body.find("]", at + 2 + (body[at + 1 : at + 2] in ("!", "^")))
            if end < 0:
                raise GlobError(pattern, "a [ without its ]", r"write \[ for the character itself")
            out.append(_one_of(body[at + 1 : end], pattern))
            at = end + 1
        elif char == "\\":
            if at + 1 == len(body):
                raise GlobError(
                    pattern, "ends in a backslash", r"write \\ for the character itself"
                )
            out.append(re.escape(body[at + 1]))
            at += 2
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char))
            at += 1
    return "".join(out)


def _one_of(inside: str, pattern: str) -> str:
    negated = inside[:1] in ("!", "^")
    members = inside[1:] if negated else inside
    safe = re.sub(r"([\\\[\]^&~|])", r"\\\1", members)
    try:
        re.compile(f"[{safe}]")
    except re.error:
        raise GlobError(
            pattern, f"[{inside}] is not a valid set of characters", "check its ranges"
        ) from None
    return f"(?!/)[{'^' if negated else ''}{safe}]"
