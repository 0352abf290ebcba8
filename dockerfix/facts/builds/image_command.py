"""Commands that name or send images that are there already: `docker tag`, `docker push`.

Follows the reference pages of docker tag and docker push; podman, buildah and nerdctl take
the same words. Knows command lines; knows nothing of what holds them.
"""

from __future__ import annotations

import posixpath

from dockerfix.facts.builds.docker_command import Token, read_arguments
from dockerfix.facts.model import CallSite, ImageCall

_TOOLS = frozenset({"docker", "podman", "buildah", "nerdctl"})
_WRAPPERS = frozenset({"sudo", "time", "retry", "exec", "command", "travis_retry"})
_VALUED = frozenset({"authfile", "cert-dir", "creds", "format", "platform", "digestfile"})


def image_call(tokens: tuple[Token, ...], site: CallSite) -> ImageCall | None:
    """The `tag` or `push` that the words are; None when they are neither."""
    words = [token.text for token in tokens]
    at = 0
    while at < len(words) and words[at] in _WRAPPERS:
        at += 1
    if at >= len(words) or posixpath.basename(words[at]) not in _TOOLS:
        return None
    at += 2 if words[at + 1 : at + 2] == ["image"] else 1
    verb = words[at] if at < len(words) else ""
    if verb not in ("tag", "push"):
        return None
    names = read_arguments(tokens[at + 1 :], _VALUED).positional
    return ImageCall(site, verb, names[:2] if verb == "tag" else names[:1])
