"""The commands that run in the services of a Compose command of a job.

A service that mounts the sources runs what the job's files say. Knows Compose files as far as
their commands and mounts; the builds of services stand in `builds`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockerfix.facts.commands.compose_calls import compose_use
from dockerfix.facts.commands.gathered import ComposeCall
from dockerfix.facts.commands.recognise import plain, unwrapped
from dockerfix.facts.compose import BASE_NAMES
from dockerfix.facts.gitlab.walking import At, Walk
from dockerfix.facts.model import CallSite, ComposeUse, SiteKind, Value
from dockerfix.syntax.shell import (
    SHELLS,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, Sequence, YamlError, parse_yaml
from dockerfix.text import Place, SnapshotError, join_path


def run_services(walk: Walk, rest: tuple[Value, ...], place: Place, at: At) -> None:
    """What runs in the services of a Compose command that mount the sources."""
    site = CallSite(SiteKind.GITLAB, "", place)
    call = ComposeCall(site, rest, at.scope, at.folder)
    use = compose_use(call, walk.snapshot)
    if use is None:
        return
    walk.compose.append(use)
    if use.verb not in ("run", "exec", "up", "start", "create"):
        return
    given = _behind_service(rest, use) if use.verb in ("run", "exec") else ()
    for name, body in _services(walk, use, at):
        command = given if name in use.services[:1] and given else _command(body)
        inner = at.inside(at.source, "")
        inner.place, inner.service, inner.sources = place, name, _mounts(body)
        if not inner.sources:
            _words(walk, given if name in use.services[:1] else (), place, inner)
        elif command is None:
            walk.stop(f"the service {name}", "its command is in its image", place)
        elif "entrypoint" in body.resolved:
            walk.stop(f"the service {name}", "its entrypoint decides what runs", place)
        else:
            _words(walk, command, place, inner)


def _words(walk: Walk, command: tuple[str, ...], place: Place, at: At) -> None:
    """A command that is given as words, in a service."""
    values = unwrapped(tuple(Value(text, text) for text in command))
    if not values:
        return
    name = posixpath.basename(plain(values[0]))
    inline = name in SHELLS and "-c" in command
    if not (at.sources or inline) or not walk.started(name, values, place, at):
        walk.note(values, place, at)


def _services(walk: Walk, use: ComposeUse, at: At) -> Iterator[tuple[str, YamlMapping]]:
    """The services that a Compose command starts, `depends_on` left out: all for none."""
    files = use.files or tuple(
        path for name in BASE_NAMES if (path := join_path(at.folder or "", name))
    )
    for path in files:
        if path not in walk.snapshot:
            continue
        try:
            root = walk.snapshot.derive(path, parse_yaml).root
        except (YamlError, SnapshotError):
            walk.stop(path, "it cannot be read", use.site.place)
            continue
        section = root.get("services") if root is not None else None
        for name, body in section.resolved.items() if isinstance(section, YamlMapping) else ():
            if isinstance(body, YamlMapping) and (not use.services or name in use.services):
                yield name, body


def _behind_service(rest: tuple[Value, ...], use: ComposeUse) -> tuple[str, ...]:
    """The words behind the service's name in `run` and `exec`."""
    texts = [plain(word) for word in rest]
    if not use.services or use.services[0] not in texts[1:]:
        return ()
    return tuple(texts[texts.index(use.services[0], 1) + 1 :])


def _command(body: YamlMapping) -> tuple[str, ...] | None:
    """A service's own command; None when its image decides."""
    node = body.get("command")
    if isinstance(node, Sequence):
        return tuple(item.text for item in node.items if isinstance(item, Scalar))
    return ("sh", "-c", node.text) if isinstance(node, Scalar) else None


def _mounts(body: YamlMapping) -> bool:
    """Whether a service mounts the folder of its Compose file, in which `.git` may stand."""
    volumes = body.get("volumes")
    for item in volumes.items if isinstance(volumes, Sequence) else ():
        node = item.get("source") if isinstance(item, YamlMapping) else item
        source = node.text.split(":")[0] if isinstance(node, Scalar) else ""
        if source in (".", "./", "..", "../", "$PWD", "${PWD}", "./.git", "$CI_PROJECT_DIR",
                      "${CI_PROJECT_DIR}"):  # fmt: skip
            return True
    return False
