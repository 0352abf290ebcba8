"""Commands that name or send images that are there already: `docker tag`, `docker push`.

Follows the reference pages of docker tag and docker push; podman, buildah and nerdctl take
the same words. Knows command lines; knows nothing of what holds them.
"""

from __future__ import annotations

import posixpath

from dockerfix.facts.commands.docker_command import read_arguments
from dockerfix.facts.commands.recognise import plain, unwrapped
from dockerfix.facts.model import CallSite, ImageCall, Value

_TOOLS = frozenset({"docker", "podman", "buildah", "nerdctl"})
_VALUED = frozenset({"authfile", "cert-dir", "creds", "format", "platform", "digestfile"})


def handles_images(words: tuple[Value, ...]) -> bool:
    """Whether the words call a tool that tags and pushes."""
    inner = unwrapped(words)
    return bool(inner) and posixpath.basename(plain(inner[0])) in _TOOLS


def image_call(words: tuple[Value, ...], site: CallSite) -> ImageCall | None:
    """The `tag` or `push` that the words are; None when they are neither."""
    if not handles_images(words):
        return None
    words = unwrapped(words)
    at = 2 if len(words) > 1 and words[1].text == "image" else 1
    verb = words[at].text if at < len(words) else ""
    if verb not in ("tag", "push"):
        return None
    arguments = read_arguments(words[at + 1 :], _VALUED)
    names = (*arguments.positional, *arguments.loose)
    return ImageCall(site, verb, names[:2] if verb == "tag" else names[:1])
