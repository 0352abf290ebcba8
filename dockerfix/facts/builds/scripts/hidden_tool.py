"""A builder that is a variable: whichever it is, it may build the same.

`$(CONTAINER_ENGINE) build -f app/Dockerfile .` is a build of docker or of podman, which take the
same words. Knows which variables are named after builders; how the words are read stands in
`recognise`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from dockerfix.facts.builds.scripts.unread_command import is_hidden
from dockerfix.facts.commands.recognise import Recognised, recognise, unwrapped
from dockerfix.facts.model import Tool, Value
from dockerfix.facts.shell.words import defaults

_NAMED = re.compile(r"docker|podman|buildah|nerdctl|container|engine|\boci", re.IGNORECASE)
_BUILDS = frozenset({Tool.DOCKER_BUILD, Tool.BUILDX_BUILD, Tool.PODMAN, Tool.BUILDAH})


def possible_tools(words: tuple[Value, ...], written: str) -> tuple[Recognised, ...]:
    """What a command may be whose tool is a variable, `written` so in its file: each builder that
    the variable may hold, or docker and podman where its name alone says that it is one. Empty
    for another command, and where one of its values builds nothing that is read.
    """
    inner = unwrapped(words)
    if not is_hidden(inner):
        return ()
    found = tuple(map(recognise, _as_called(inner, written)))
    read = tuple(item for item in found if item is not None and item.tool in _BUILDS)
    return read if len(read) == len(found) else ()


def _as_called(words: tuple[Value, ...], written: str) -> Iterator[tuple[Value, ...]]:
    names: tuple[str, ...] = ()
    named = words[0].written[:1] == "$" and _NAMED.search(written) is not None
    known = tuple(name for name in words[0].choices if "${" not in defaults(name)[0])
    if known and (named or known == words[0].choices):
        names = known
    elif named:
        names = ("docker", "podman")
    for name in names:
        parts = name.split()  # `sudo docker`, where nothing quotes the variable
        first = tuple(replace(words[0], text=text, variables=(), choices=()) for text in parts)
        yield (*first, *words[1:])
