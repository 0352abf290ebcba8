"""The settings of package managers and of turbo at the root of a workspace.

Knows which settings name files; knows no package.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from dockerfix.text import Snapshot, SnapshotError

_NAMING = (
    "yarnpath", "path:", "pnpmfile", "globalpnpmfile", "preload", "userconfig", "globalconfig",
    "cafile", "modulesdir",
)  # fmt: skip
"""Settings of package managers whose value is a file, in lower case and without hyphens."""


class WorkspaceError(Exception):
    """What is read cannot be known: where, and why."""


def check_managers(snapshot: Snapshot, root: str) -> None:
    """Raises `WorkspaceError` where a package manager's settings name files of their own:
    patches, programs, plugins and hooks may lie anywhere."""
    for name in (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", "bunfig.toml"):
        path = posixpath.join(root, name)
        try:
            text = snapshot.text(path) if path in snapshot else ""
        except SnapshotError as error:
            raise WorkspaceError(str(error)) from None
        for line in text.splitlines():
            said = line.lower().replace("-", "").strip()
            if said.startswith(_NAMING) and ".yarn/" not in line:
                raise WorkspaceError(f"{path} names a file: {line.strip()}")


def turbo_settings(snapshot: Snapshot, root: str) -> Mapping[str, Any]:
    """The settings of turbo, JSON with comments."""
    for name in ("turbo.json", "turbo.jsonc"):
        path = posixpath.join(root, name)
        if path in snapshot:
            try:
                data = json.loads(_without_comments(snapshot.text(path)))
            except (SnapshotError, ValueError) as error:
                raise WorkspaceError(f"{path}: {error}") from None
            return data if isinstance(data, dict) else {}
    return {}


def _without_comments(text: str) -> str:
    """JSON with comments, and with commas behind the last items, as JSON."""
    kept: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == '"':
            end = at + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            kept.append(text[at : end + 1])
            at = end + 1
        elif text.startswith("//", at):
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
        elif text.startswith("/*", at):
            at = text.find("*/", at + 2) + 2 if "*/" in text[at + 2 :] else len(text)
        else:
            if text[at] in "]}" and kept and kept[-1] == ",":
                kept.pop()
            if not text[at].isspace():
                kept.append(text[at])
            at += 1
    return "".join(kept)
