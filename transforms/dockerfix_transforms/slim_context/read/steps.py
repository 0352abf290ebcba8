"""RUN instructions: what they run, where, in which environment, and what they may change.

A step that an image has seen may be left out only when everything that it changed stands in
the folder that is copied from that image. Knows one Dockerfile and the usual programs.
"""

from __future__ import annotations

import posixpath

from msgspec import Struct

from dockerfix.api import (
    At,
    Command,
    Run,
    parse_shell,
)

_PACKAGE_MANAGERS = frozenset({"npm", "pnpm", "yarn", "bun", "npx", "bunx"})
_GLOBAL = frozenset({"-g", "--global", "global", "--location=global", "config", "link", "set"})
_BUILDERS = {
    "go": frozenset({"build", "generate", "mod", "test", "vet"}),
    "cargo": frozenset({"build", "check", "fetch", "test"}),
    "uv": frozenset({"sync"}),
    "composer": frozenset({"install", "dump-autoload"}),
}
_FILE_TOOLS = frozenset({"rm", "mkdir", "cp", "mv", "touch", "set", "tsc", "true", "echo"})


class Step(Struct, frozen=True):
    """A RUN. `text` is what it runs, heredocs included and a leading `cd` left out; `folder`
    is where it runs; `stays` says that everything it changes stands in that folder."""

    item: Run
    text: str
    folder: str
    environment: frozenset[tuple[str, str]]
    stays: bool

    @property
    def short(self) -> str:
        """What it runs in one line, a heredoc by its first."""
        lines = self.text.splitlines()
        more = " ..." if len(lines) > 2 else ""
        return " ".join(lines[:2]) + more

    def like(self, other: Step, own: str, theirs: str) -> bool:
        """Whether both do the same, one in the folder `own` as the other in `theirs`."""
        same = self.text == other.text and self.environment == other.environment
        return same and posixpath.relpath(self.folder, own) == posixpath.relpath(
            other.folder, theirs
        )


def step_of(at: At) -> Step | None:
    """The step of a RUN; None for another instruction."""
    item = at.item
    if not isinstance(item, Run):
        return None
    text, folder = _entered(item.arguments, at.folder)
    body = "\n".join([" ".join(text.split()), *(_text(doc.body) for doc in item.heredocs)])
    stays = _stays(item, entered=text != item.arguments)
    return Step(item, body, folder, at.environment, stays)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def installs(item: Run) -> bool:
    """Whether a RUN installs a package's dependencies with npm or its kin."""
    script = item.script
    commands = parse_shell(script).commands() if script is not None else ()
    return any(
        command.name in _PACKAGE_MANAGERS
        and any(word.value in ("ci", "install", "i") for word in command.words[1:])
        for command in commands
    )


def _entered(text: str, folder: str) -> tuple[str, str]:
    """What runs behind a leading `cd folder &&`, and where."""
    words = text.split(None, 3)
    if len(words) == 4 and words[0] == "cd" and words[2] == "&&" and "$" not in words[1]:
        target = words[1].strip("\"'")
        return words[3], posixpath.normpath(posixpath.join(folder, target))
    return text, folder


def _stays(item: Run, entered: bool) -> bool:
    """Whether all that the commands change stands in the folder where they run."""
    script = item.script
    if script is None or any(mount.kind == "bind" for mount in item.mounts):
        return False
    parsed = parse_shell(script)
    commands = list(parsed.commands())
    if parsed.broken or parsed.functions or ">" in script.text.replace(">/dev/null", ""):
        return False
    commands = commands[1:] if entered else commands
    return bool(commands) and all(_is_local(command) for command in commands)


def _is_local(command: Command) -> bool:
    """Whether a command works in its folder alone; what is not known does not."""
    words = [word.value for word in command.words[1:]]
    if any(word is None or word.startswith(("/", "~")) or ".." in word for word in words):
        return False
    plain = [word for word in words if word is not None]
    if command.name in _PACKAGE_MANAGERS:
        return not _GLOBAL & set(plain)
    if command.name in _BUILDERS:
        return bool(plain) and plain[0] in _BUILDERS[command.name]
    return command.name in _FILE_TOOLS
