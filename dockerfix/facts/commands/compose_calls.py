"""`docker compose` commands: which files and services they use, and whether they build.

Follows the reference pages of docker compose. Knows its words; knows no services.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.commands.gathered import ComposeCall
from dockerfix.facts.compose import BASE_NAMES
from dockerfix.facts.model import ComposeUse, Value
from dockerfix.text import Snapshot

_GLOBAL = frozenset(
    {"-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory",
     "--ansi", "--progress", "--parallel", "-c", "--context", "-H", "--host"}
)  # fmt: skip
_VALUED = frozenset(
    {"-e", "--env", "--env-from-file", "-v", "--volume", "-p", "--publish", "--name", "-u",
     "--user", "-w", "--workdir", "--entrypoint", "-l", "--label", "--scale", "-t", "--timeout",
     "--exit-code-from", "--attach", "--no-attach", "--wait-timeout", "--pull", "--build-arg",
     "--progress", "-m", "--memory", "--ssh", "--builder", "--cap-add", "--cap-drop", "--index",
     "--tail", "-n", "--since", "--until", "--policy"}
)  # fmt: skip
_ONE_SERVICE = frozenset({"run", "exec"})


def named_files(calls: Iterable[ComposeCall], snapshot: Snapshot) -> tuple[str, ...]:
    """Files that commands name with `-f` and that exist."""
    found: dict[str, None] = {}
    for call in calls:
        named, _ = _split(call)
        found |= dict.fromkeys(path for path in named if path is not None and path in snapshot)
    return tuple(found)


def layers(calls: Iterable[ComposeCall], snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """The files that each file lies over in the commands that name it, nearest last.

    A file lies over those that stand before it ("Merge Compose files"); one that always stands
    first is used alone. What commands disagree about, or lay over a file that cannot be known,
    is left out.
    """
    ways: dict[str, set[tuple[str | None, ...]]] = {}
    for call in calls:
        named, _ = _split(call)
        for index, path in enumerate(named):
            if path is not None:
                ways.setdefault(path, set()).add(named[:index])
    single = {path: next(iter(seen)) for path, seen in ways.items() if len(seen) == 1}
    return {
        path: tuple(under for under in way if under is not None)
        for path, way in single.items()
        if all(under is not None and under in snapshot for under in way)
    }


def compose_use(call: ComposeCall, snapshot: Snapshot) -> ComposeUse | None:
    """What one command does; None when it has no verb."""
    named, words = _split(call)
    if not words:
        return None
    files = tuple(path for path in named if path is not None)
    verb = words[0].text
    services: list[str] = []
    rest = iter(words[1:])
    flags: set[str] = set()
    for word in rest:
        if word.text.startswith("-"):
            flags.add(word.text.partition("=")[0])
            if word.text in _VALUED and not (verb == "build" and word.text == "--pull"):
                next(rest, None)
            continue
        services.append(word.text)
        if verb in _ONE_SERVICE:
            break
    if not files and call.folder is not None:
        paths = (posixpath.join(call.folder, name) for name in BASE_NAMES)
        files = tuple(path for path in paths if path in snapshot)[:1]
    builds = verb == "build" or ("--build" in flags and verb in ("up", "run", "create"))
    return ComposeUse(
        call.site,
        verb,
        tuple(services),
        files,
        builds,
        "--no-deps" in flags,
        tuple(_profiles(call)),
        tuple((n, b.choices or (b.text,)) for n, b in sorted(call.variables.variables.items())),
    )


def _profiles(call: ComposeCall) -> Iterator[str]:
    """Profiles that `--profile` and `COMPOSE_PROFILES` switch on."""
    for word, following in zip(call.words, (*call.words[1:], None), strict=True):
        name, equals, value = word.text.partition("=")
        if name == "--profile" and (equals or following is not None):
            yield value if equals or following is None else following.text
    bound = call.variables.look("COMPOSE_PROFILES")
    yield from bound.text.split(",") if bound is not None and bound.text else ()


def _split(call: ComposeCall) -> tuple[tuple[str | None, ...], tuple[Value, ...]]:
    """The files of `-f` and `COMPOSE_FILE`, relative to the root, None for one that cannot be
    known, and the words from the verb on."""
    folder = call.folder
    named: list[str] = []
    at = 0
    words = call.words
    while at < len(words) and words[at].text.startswith("-"):
        name, equals, value = words[at].text.partition("=")
        if name in _GLOBAL and not equals and at + 1 < len(words):
            at += 1
            value = words[at].text
        if name in ("-f", "--file"):
            named.append(value)
        at += 1
    if not named:
        bound = call.variables.look("COMPOSE_FILE")
        named = bound.text.split(":") if bound is not None and bound.text else []
    paths = (located(name, folder, "the Compose file", []) for name in named)
    return tuple(paths), words[at:]
