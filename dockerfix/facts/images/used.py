"""Which images a GitLab job uses, and which jobs make them.

An image reaches a job by its `image:` and `services:`, by `docker run` and `docker pull`, by a
scanner's words, and by Compose services, through `depends_on`. It is made where a job builds,
tags or pushes it, be it with Compose. Knows jobs and the images that they name; whether two
names can be one image stands in `image_names`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from dockerfix.facts.gitlab.commands import CommandReader, Commands, Ran
from dockerfix.facts.gitlab.image_names import ImageName, image_name, may_be_same, valued
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.gitlab.shell_texts import braced
from dockerfix.facts.model import ComposeUse, SiteKind, Value
from dockerfix.facts.repository import Facts
from dockerfix.syntax.shell import Literal, parse_shell
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, YamlError, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import MappedText, SnapshotError

_QUIET = frozenset({"down", "logs", "ps", "config", "stop", "kill", "rm", "ls", "version", "images",
                    "port", "top", "events", "pause", "unpause", "wait", "exec", "cp", "build",
                    "push"})  # fmt: skip
"""Compose verbs that use no image which is not running already, or make it."""
_SCANNERS = {"trivy": ("image", "i"), "grype": (), "syft": ("scan", "packages"), "dockle": (),
             "clair-scanner": (), "dive": (), "snyk": ("container",)}  # fmt: skip
"""Programs that are given an image, with the verbs under which they are; none: always."""


ANY = "*"
"""Stands for an image that may have any name."""


class UnreadImageError(Exception):
    """An image whose name reading cannot know; says which."""


class Used(Struct, frozen=True):
    """An image that a job uses, and what asks for it. `built` says that Compose builds it where
    it is not there to be pulled."""

    name: ImageName
    by: str
    built: bool = False


class Made(Struct, frozen=True):
    """The images that a job makes; `others` says that it may make more than these."""

    names: tuple[ImageName, ...] = ()
    others: bool = False

    def may_hold(self, used: Used) -> bool:
        """Whether an image may be one of these. An image of no registry and no folder, such as
        `rust:1.90`, is none that an unread command pushes."""
        unread = self.others and ("/" in used.name.repository or "$" in used.name.repository)
        return unread or any(may_be_same(name, used.name) for name in self.names)


def used_images(facts: Facts, pipeline: Pipeline, job: Job, commands: Commands) -> tuple[Used, ...]:
    """The images of a job; raises `UnreadImageError`."""
    env = environment(pipeline, job)
    found = [
        Used(image_name(text), key)
        for key, images in (("image", [job.image]), ("services", job.services))
        for image in images
        if image is not None
        for text in valued(image.name, env)
    ]
    for use in commands.compose:
        found += _composed(facts, use, env)
    for ran in commands.ran:
        found += _named(facts, ran)
    return tuple(dict.fromkeys(found))


def environment(pipeline: Pipeline, job: Job) -> dict[str, tuple[str, ...]]:
    """What the files may give each variable of a job, rules and matrix included."""
    names = {
        *pipeline.variables_of(job),
        *job.rule_variables,
        *(n for row in job.rows for n in row),
    }
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        texts = [scalar.text for scalar in pipeline.values_of(job, name)]
        texts += [row[name].text for row in job.rows if name in row]
        found[name] = tuple(dict.fromkeys(braced(text) for text in texts))
    return {name: texts for name, texts in found.items() if texts}


def makers(facts: Facts, reader: CommandReader) -> dict[str, Made]:
    """The images that each job that can run builds, tags or pushes."""
    found = _tagged(facts)
    return {
        job.name: _made(facts, reader, job, found.get(job.name)) for job in reader.pipeline.visible
    }


def pushers(facts: Facts) -> dict[str, frozenset[str]]:
    """The last parts of the names of the images that each job builds, tags or pushes; `ANY` for
    one that is named by a variable."""
    found = {
        job: {name.repository.rpartition("/")[2] for name in names}
        for job, names in _tagged(facts).items()
    }
    return {
        job: frozenset(ANY if "$" in name or not name else name for name in names)
        for job, names in found.items()
    }


def _tagged(facts: Facts) -> dict[str, list[ImageName]]:
    """The images that the builds, tags and pushes of each job name."""
    found: dict[str, list[ImageName]] = {}
    for build in facts.builds.builds:
        if build.site.kind is SiteKind.GITLAB:
            found.setdefault(build.site.name, []).extend(_texts(build.tags))
    for call in facts.builds.images:
        if call.site.kind is SiteKind.GITLAB:
            found.setdefault(call.site.name, []).extend(_texts(call.names))
    return found


def _made(facts: Facts, reader: CommandReader, job: Job, names: Sequence[ImageName] | None) -> Made:
    """What one job makes. What it runs unread, or builds without a name that was read, may be
    any image."""
    commands = reader.of(job)
    env = environment(reader.pipeline, job)
    composed: list[ImageName] = []
    others = bool(commands.unfollowed)
    for use in commands.compose:
        if use.builds or use.verb in ("build", "push"):
            try:
                composed += [used.name for used in _composed(facts, use, env, makes=True)]
            except UnreadImageError:
                others = True
    if names is None and any(makes_image(ran) for ran in commands.ran):
        others = True
    return Made(tuple(dict.fromkeys((*(names or ()), *composed))), others)


def makes_image(ran: Ran) -> bool:
    """Whether a command builds, tags or pushes images, by its program and verb."""
    verbs = set(ran.words[1:3])
    if "compose" in verbs or "inspect" in ran.words[1:4]:
        return False
    if ran.name in ("docker", "podman", "nerdctl"):
        return bool(verbs & {"build", "push", "tag", "bake", "imagetools", "manifest", "load"})
    if ran.name in ("buildah", "skopeo", "crane", "regctl", "oras", "img", "ko", "buildctl"):
        return True
    return ran.name in ("executor", "docker-buildx", "earthly", "pack", "jib")


def _texts(values: Sequence[Value]) -> Iterator[ImageName]:
    for value in values:
        yield from (image_name(text) for text in value.possible)


def _named(facts: Facts, ran: Ran) -> Iterator[Used]:
    """Images among the words of a command. Defaults stand for variables there, so that any tag
    may be meant, unless the tag is written out."""
    words = [word for word in ran.words[1:] if not word.startswith("-")]
    verbs = _SCANNERS.get(ran.name)
    if ran.name in ("docker", "podman", "nerdctl") and words[:1] in (["run"], ["pull"]):
        named = words[1:]
    elif verbs is not None and (not verbs or (words[:1] and words[0] in verbs)):
        named = words
    else:
        return
    ends = _written_tags(facts, ran)
    for word in named:
        name = image_name(word)
        tag = name.tag if name.tag in ends else None
        yield Used(ImageName(name.repository, tag), " ".join(ran.words[:2]))


def _written_tags(facts: Facts, ran: Ran) -> frozenset[str]:
    """The tags that stand in a command as they are: a word ends with them, and no variable or
    default gave them."""
    try:
        data = facts.snapshot.source(ran.place.path).slice(ran.place.span)
    except SnapshotError:
        return frozenset()
    found: set[str] = set()
    for command in parse_shell(MappedText.whole(data)).every_command():
        for word in command.words:
            last = word.parts[-1] if word.parts else None
            if isinstance(last, Literal) and ":" in last.text:
                found.add(last.text.rpartition(":")[2])
    return frozenset(found)


def _composed(
    facts: Facts, use: ComposeUse, env: Mapping[str, tuple[str, ...]], makes: bool = False
) -> Iterator[Used]:
    """The images of the services that a Compose command starts (or `makes`)."""
    if use.verb in _QUIET and not makes:
        return
    services = _services(facts, use)
    given = {name: texts for name, texts in use.given if name in env} or env
    alone = use.alone or use.verb in ("pull", "build", "push")
    waiting = list(use.services) or [n for n, keys in services.items() if _is_on(keys, use)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        keys = services.get(name)
        if keys is None or "extends" in keys:
            raise UnreadImageError(f"the Compose service {name} cannot be read")
        seen.add(name)
        waiting += [] if alone else [o for o in _depends(keys) if o not in seen]
        image = keys.get("image")
        built = "build" in keys and use.verb != "pull"
        for text in valued(image.text, given) if isinstance(image, Scalar) else ():
            yield Used(image_name(text), f"docker compose {use.verb}", built)


def _services(facts: Facts, use: ComposeUse) -> dict[str, dict[str, Node]]:
    """The services of the files of a command, later files over earlier ones."""
    services: dict[str, dict[str, Node]] = {}
    for path in use.files:
        try:
            root = facts.snapshot.derive(path, parse_yaml).root
        except (YamlError, SnapshotError) as error:
            raise UnreadImageError(f"{path} cannot be read: {error}") from None
        if root is not None and "include" in root.resolved:
            raise UnreadImageError(f"{path} includes other files")
        section = root.get("services") if root is not None else None
        for name, body in section.resolved.items() if isinstance(section, YamlMapping) else ():
            if isinstance(body, YamlMapping):
                services[name] = {**services.get(name, {}), **body.resolved}
    if not use.files:
        raise UnreadImageError("the Compose file of a command is not known")
    return services


def _is_on(keys: Mapping[str, Node], use: ComposeUse) -> bool:
    """Whether a command that names no service starts this one."""
    profiles = keys.get("profiles")
    listed = profiles.items if isinstance(profiles, YamlSequence) else ()
    named = {item.text for item in listed if isinstance(item, Scalar)}
    return not named or "*" in use.profiles or bool(named & set(use.profiles))


def _depends(keys: Mapping[str, Node]) -> Iterator[str]:
    node = keys.get("depends_on")
    if isinstance(node, YamlSequence):
        yield from (item.text for item in node.items if isinstance(item, Scalar))
    elif isinstance(node, YamlMapping):
        yield from node.resolved
