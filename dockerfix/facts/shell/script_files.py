"""Shell scripts of a repository that other scripts run. Knows paths; follows nothing."""

from __future__ import annotations

import re

from dockerfix.facts.model import MAX_BYTES
from dockerfix.facts.shell.words import ROOTS
from dockerfix.syntax.shell import Script, parse_shell
from dockerfix.text import MappedText, Snapshot, SnapshotError, Source, join_path


def script_path(text: str, folder: str) -> str | None:
    """The path of a script as it is written in a command that runs in `folder`."""
    for name in ROOTS:
        if text.startswith("${" + name + "}/"):
            text, folder = text[len(name) + 4 :], ""
    return join_path(folder, text) if "${" not in text else None


def read_script(snapshot: Snapshot, path: str) -> Script | None:
    """A shell script of the repository; None when it is none, or cannot be read."""
    if path not in snapshot or snapshot.entries[path].size > MAX_BYTES:
        return None
    try:
        return snapshot.derive(path, _shell_script)
    except SnapshotError:
        return None


def _shell_script(source: Source) -> Script | None:
    first = source.data[:80].split(b"\n")[0]
    by_name = source.path.endswith((".sh", ".bash"))
    by_shebang = first.startswith(b"#!") and re.search(rb"\b(?:ba|da|z|k|a)?sh\b", first)
    if not (by_name or by_shebang) or b"\0" in source.data[:1024]:
        return None
    return parse_shell(MappedText.whole(source.data))
