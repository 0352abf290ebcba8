"""A command without the launcher in front of it: `npx`, `poetry run`, `python -m` and their kin.

Knows launchers; judges no program.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

_LAUNCHERS = frozenset(
    {"npx", "bunx", "uvx", "pipx", "uv", "poetry", "pnpm", "yarn", "python", "python3", "bundle",
     "hatch", "pdm", "rye", "mise", "pipenv", "xargs", "xvfb-run", "cross-env", "dotenv", "gosu",
     "su-exec", "tini", "dumb-init", "entrypoint.sh", "docker-entrypoint.sh"}
)  # fmt: skip
_LAUNCHER_WORDS = frozenset({"dlx", "exec", "run", "tool", "--", "-m", "-y", "--yes"})


def launched(words: Sequence[str]) -> tuple[str, ...]:
    """The words of the program that is started in the end; none for a launcher alone."""
    found = tuple(words)
    while len(found) > 1 and posixpath.basename(found[0]) in _LAUNCHERS:
        found = found[1:]
        while found and _is_argument(found[0]):
            found = found[1:]
    return found


def _is_argument(word: str) -> bool:
    """Whether a word belongs to the launcher: a flag, a verb, an assignment such as `A=b`."""
    name, equals, _ = word.partition("=")
    return word in _LAUNCHER_WORDS or word.startswith("-") or (bool(equals) and name.isidentifier())


def is_unread_build(words: Sequence[str]) -> bool:
    """Whether a command builds by BuildKit's own client, whose options are not read."""
    name = words[0].rpartition("/")[2]
    return name in ("buildctl", "buildctl-daemonless.sh") and "build" in words[1:]
