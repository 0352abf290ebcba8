"""RUN instructions with what decides their result, for steps that an image has seen.

A RUN of one Dockerfile is seen by another one's image when that runs the same, in the same
folder of the package and in the same environment; and only what it changed below that folder
comes along with a copy of it. Knows Dockerfiles; which ones are compared is the caller's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.dockerfile.walk import At
from dockerfix.syntax.dockerfile import Copy, Run
from dockerfix.syntax.shell import Command, parse_shell

_INSIDE = {
    "npm": ("ci", "install", "i", "run", "run-script", "rebuild", "prune", "test", "exec"),
    "pnpm": ("install", "i", "run", "build", "rebuild", "prune", "test", "exec"),
    "yarn": ("install", "run", "build", "test", "exec", "--frozen-lockfile", "--immutable"),
    "bun": ("install", "run", "test"),
    "npx": (), "tsc": (), "bunx": (),
    "go": ("build", "generate", "mod", "test", "vet"),
    "cargo": ("build", "check", "fetch", "test"),
    "uv": ("sync",),
    "composer": ("install", "dump-autoload"),
    "rm": (), "mkdir": (), "cp": (), "mv": (), "touch": (), "set": (), "true": (), "echo": (),
}  # fmt: skip
"""Programs, with the commands of theirs, that change files below their folder alone (but for
caches); no commands means any."""

_OUTSIDE = frozenset({"-g", "--global", "--location=global", "global", "link", "config"})


class SeenStep(Struct, frozen=True):
    """What a RUN runs, its folder relative to the package, and its environment."""

    text: str
    folder: str
    environment: frozenset[tuple[str, str]]


def seen_step(item: Run, place: At, package: str) -> SeenStep:
    """A RUN as something that may be seen, its package standing in the folder `package`."""
    text, folder = _entered(item.arguments, place.folder)
    bodies = [doc.body.decode("utf-8", "surrogateescape") for doc in item.heredocs]
    joined = "\n".join([" ".join(text.split()), *bodies])
    return SeenStep(joined, posixpath.relpath(folder, package), place.environment)


def holder(item: Copy, folder: str, sources: Mapping[str, bool]) -> str | None:
    """The folder that holds a package after a COPY of its parts; None when they agree on none.

    `sources` are paths relative to the package (`.` is all of it), each with whether it is a
    folder, whose contents land in the destination.
    """
    destination = item.destination.value if item.destination is not None else "."
    place = posixpath.normpath(posixpath.join(folder, destination))
    into = len(item.sources) > 1 or destination in (".", "./") or destination.endswith("/")
    found: set[str] = set()
    for source, is_folder in sources.items():
        landed = posixpath.join(place, posixpath.basename(source))
        landed = landed if into and not is_folder else place
        if source == ".":
            found.add(landed)
        elif landed.endswith(f"/{source}"):
            found.add(landed[: -len(source) - 1] or "/")
        else:
            return None
    return found.pop() if len(found) == 1 else None


def stays_inside(item: Run) -> bool:
    """Whether everything that a RUN changes stands below the folder where it works."""
    script = item.script
    if script is None or any(mount.kind == "bind" for mount in item.mounts):
        return False
    parsed = parse_shell(script)
    commands = list(parsed.commands())
    if parsed.broken or parsed.functions or ">" in script.text.replace(">/dev/null", ""):
        return False
    entered = _entered(item.arguments, "/")[0] != item.arguments
    commands = commands[1:] if entered else commands
    return bool(commands) and all(_is_inside(command) for command in commands)


def _is_inside(command: Command) -> bool:
    words = [word.value for word in command.words[1:]]
    known = [word for word in words if word is not None]
    away = any(w.startswith(("/", "~")) or ".." in w for w in known)
    if len(known) < len(words) or away or _OUTSIDE & set(known):
        return False
    commands = _INSIDE.get(command.name)
    if commands is None:
        return False
    return not commands or (known[0] if known else "install") in commands


def _entered(text: str, folder: str) -> tuple[str, str]:
    """What runs behind a leading `cd folder &&`, and in which folder."""
    words = text.split(None, 3)
    if len(words) < 4 or words[0] != "cd" or words[2] != "&&" or "$" in words[1]:
        return text, folder
    return words[3], posixpath.normpath(posixpath.join(folder, words[1].strip("\"'")))
