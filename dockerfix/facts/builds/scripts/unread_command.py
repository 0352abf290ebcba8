"""Commands that seem to build in a way that dockerfix does not read, with the words to say so.

Unknown is not safe: a tool that is a variable, a builder that takes no words of `docker build`,
and a program that is handed a build are said at their place. Knows how such commands look; reads
none of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from dockerfix.facts.builds.files.unread import BUILD_TEXT
from dockerfix.facts.commands.docker_command import are_docker_words
from dockerfix.facts.commands.recognise import other_builder, plain, reads_own_file, unwrapped
from dockerfix.facts.model import Value
from dockerfix.syntax.shell import SHELLS, Command
from dockerfix.text import Snapshot

_RUNNERS = frozenset({*SHELLS, "eval", "ssh", "su", "xargs", "watch", "parallel", "script"})
"""Commands that run a text that they are given."""
_MESSAGES = frozenset({"echo", "printf", "grep", "egrep", "sed", "awk", "test", "[", "cat", "tee"})
"""Commands that only print or search what they are given."""
_GROUPS = ("buildx", "image", "builder")
_VERBS = ("build", "bud", "bake")
_KANIKO = re.compile(r"\bkaniko(?:-project)?/executor\b")
_STARTERS = frozenset({"run", "create", "apply", "exec"})
"""Verbs of docker and kubectl that start an image."""


def unread_command(
    words: tuple[Value, ...], item: Command, snapshot: Snapshot, folder: str | None
) -> tuple[str, str] | None:
    """What a command that is not recognised may build with, and why it is not read; None for
    one that does not seem to build."""
    other = other_builder(words)
    if other is not None:
        known = reads_own_file(words, snapshot, folder)
        return None if known else (f"`{other}`", "dockerfix does not read what it builds")
    inner = unwrapped(words)
    first = plain(inner[0]) if inner else ""
    if is_hidden(inner):
        return "a command", f"the tool is a variable: {first}"
    name = posixpath.basename(first)
    texts = [word.text for word in words[1:]]
    if _runs(name, texts, (heredoc.text for heredoc in item.heredocs)):
        return "a command", f"it builds through `{name}`"
    return None


def is_hidden(words: tuple[Value, ...]) -> bool:
    """Whether words call a tool that is a variable and that could build an image."""
    # `$(BIN)/kustomize` is a tool that is known, wherever it stands.
    unknown = bool(words) and "${" in plain(words[0]).rpartition("}/")[2]
    return unknown and (_hides_tool(words[1:]) or _names_dockerfile(words[1:]))


def _hides_tool(rest: tuple[Value, ...]) -> bool:
    """Whether words behind a variable could be those of `docker build` and its kin."""
    texts = [plain(word) for word in rest]
    at = 0
    while at < len(texts) and texts[at].startswith("--"):
        # A flag before the verb may take a word of its own.
        valued = "=" not in texts[at] and texts[at + 1 : at + 2] not in ([v] for v in _VERBS)
        at += 2 if valued and texts[at + 1 : at + 2] and texts[at + 1][:1] != "-" else 1
    at += texts[at : at + 1] in ([group] for group in _GROUPS)
    if at >= len(texts) or texts[at] not in _VERBS:
        return False
    return texts[at] == "bake" or are_docker_words(rest[at + 1 :])


def _names_dockerfile(rest: tuple[Value, ...]) -> bool:
    """Whether words behind a variable hand it a Dockerfile with `-f` or its long forms."""
    texts = [plain(word) for word in rest]
    for at, text in enumerate(texts):
        flag, _, value = text.partition("=")
        if flag in ("-f", "--file", "--dockerfile"):
            value = value or "".join(texts[at + 1 : at + 2])
            if "ockerfile" in value or "ontainerfile" in value:
                return True
    return False


def _runs(name: str, texts: list[str], heredocs: Iterable[str]) -> bool:
    """Whether a command is handed a build, as a text or in the words behind its own."""
    if _STARTERS & set(texts[:2]) and any(map(_KANIKO.search, texts)):
        return True
    given = any(map(BUILD_TEXT.search, texts)) or any(map(BUILD_TEXT.search, heredocs))
    if given:
        return name in _RUNNERS
    return name not in _MESSAGES and BUILD_TEXT.search(" ".join(texts)) is not None
