"""Where a repository comes from: the address of its server and the path of its project.

Knows Git's configuration and the forms of its addresses; asks no server.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_SHORT = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_WEB = re.compile(r"https://(?:[^@/]*@)?([^:/]+(?::\d+)?)/(.+)")
_LONG = re.compile(r"(?:http|ssh|git)://(?:[^@/]*@)?([^:/]+)(?::\d+)?/(.+)")


def origin(root: Path) -> tuple[str, str] | None:
    """The address of the web server and the project's path, from the remote `origin`; None
    where there is none, or it is no address of a server."""
    address = _said(root, "config", "--get", "remote.origin.url")
    forms = (_WEB, _LONG, _SHORT)
    match = next((found for form in forms if (found := form.fullmatch(address))), None)
    if match is None:
        return None
    return f"https://{match[1]}", match[2].strip("/").removesuffix(".git")


def prefix(root: Path) -> str:
    """The folder of the root below the Git work tree's top, with a slash at its end; empty for
    the top itself."""
    return _said(root, "rev-parse", "--show-prefix")


def _said(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, check=False, encoding="utf-8"
        )
    except (OSError, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
