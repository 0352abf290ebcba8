"""Which images a job uses, and which jobs push them: by name, as far as reading can know it.

Names are compared without registry and tag, by their last part: a name that stands in a
variable matches whatever holds it. So more is found than is used, never less; what cannot be
read is said. Knows jobs, Compose services and pushes; judges no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from dockerfix.facts.context.makers import without_tag
from dockerfix.facts.gitlab.commands import Commands
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.model import ComposeUse, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, Sequence, YamlError, parse_yaml
from dockerfix.text import SnapshotError

_QUIET = frozenset({"down", "logs", "ps", "config", "stop", "kill", "rm", "ls", "version", "images",
                    "port", "top", "events", "pause", "unpause", "wait", "exec", "cp"})  # fmt: skip
"""Compose verbs that use no image which is not running already."""


ANY = "*"
"""Stands for an image that may have any name."""


class UnreadImageError(Exception):
    """An image whose name reading cannot know; says which."""


class Used(Struct, frozen=True):
    """The names of the images that a job uses."""

    names: frozenset[str]


def used_images(facts: Facts, job: Job, commands: Commands) -> Used:
    """The images of a job; raises `UnreadImageError`."""
    found = {_name(image.name) for image in (job.image, *job.services) if image is not None}
    for use in commands.compose:
        if use.verb not in _QUIET:
            found |= set(_compose(facts, use))
    for ran in commands.ran:
        if ran.name in ("docker", "podman", "nerdctl") and ran.words[1:2] in (("run",), ("pull",)):
            found |= {_name(word) for word in ran.words[2:] if not word.startswith("-")}
    return Used(frozenset(found))


def pushers(facts: Facts) -> dict[str, frozenset[str]]:
    """The names of the images that each job builds or pushes; `ANY` for one whose name reading
    cannot know."""
    found: dict[str, set[str]] = {}
    for build in facts.builds.builds:
        if build.site.kind is SiteKind.GITLAB:
            names = [text for tag in build.tags for text in (tag.choices or (tag.text,))]
            found.setdefault(build.site.name, set()).update(_pushed(names))
    for call in facts.builds.images:
        if call.site.kind is SiteKind.GITLAB:
            names = [text for name in call.names for text in (name.choices or (name.text,))]
            found.setdefault(call.site.name, set()).update(_pushed(names))
    return {job: frozenset(names) for job, names in found.items()}


def _pushed(names: Iterable[str]) -> Iterator[str]:
    """The names of images that are pushed, those in variables as `ANY`."""
    for name in names:
        try:
            yield _name(name)
        except UnreadImageError:
            yield ANY


def _compose(facts: Facts, use: ComposeUse) -> Iterator[str]:
    """The images of the services that a Compose command starts, `depends_on` followed."""
    services: dict[str, YamlMapping] = {}
    for path in use.files:
        try:
            root = facts.snapshot.derive(path, parse_yaml).root
        except (YamlError, SnapshotError) as error:
            raise UnreadImageError(f"{path} cannot be read: {error}") from None
        section = root.get("services") if root is not None else None
        listed = section.resolved if isinstance(section, YamlMapping) else {}
        services |= {n: body for n, body in listed.items() if isinstance(body, YamlMapping)}
    if not use.files:
        raise UnreadImageError("the Compose file of a command is not known")
    waiting, seen = list(use.services or services), set[str]()
    while waiting:
        name = waiting.pop()
        body = services.get(name)
        if body is None or "extends" in body.resolved:
            raise UnreadImageError(f"the Compose service {name} cannot be read")
        seen.add(name)
        waiting += [other for other in _depends(body) if other not in seen]
        image = body.get("image")
        if isinstance(image, Scalar):
            yield _name(image.text)


def _depends(body: YamlMapping) -> Iterator[str]:
    node = body.get("depends_on")
    if isinstance(node, Sequence):
        yield from (item.text for item in node.items if isinstance(item, Scalar))
    elif isinstance(node, YamlMapping):
        yield from node.resolved


def _name(text: str) -> str:
    """The last part of an image's name, without tag and digest; raises `UnreadImageError`
    when it stands in a variable."""
    last = without_tag(text.rpartition("/")[2].partition("@")[0])
    if "$" in last or not last:
        raise UnreadImageError(f"the image `{text}` is named by a variable")
    return last
