"""What a snapshot asks for: each image that a call site builds, with every tag that it gets.

A build whose target or Dockerfile holds a variable stands for one ask for each value that
the snapshot assigns; a tag is pushed when the build pushes it, or a later command of the same
script does. Knows builds and what they have in common; compares nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from msgspec import Struct

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, CallSite, ImageCall, SiteKind, Tool, Value
from dockerfix.facts.repository import Facts
from dockerfix.proof.steps.environment import expand_text
from dockerfix.text import join_path

MAX_VALUES = 256

_READ_ELSEWHERE = frozenset(
    {
        "file", "target", "tag", "build-arg", "build-context", "platform", "secret", "cache-from",
        "cache-to", "push", "load", "progress", "builder", "output", "metadata-file", "iidfile",
        "quiet", "debug", "context", "dockerfile", "destination", "use-new-run", "verbosity",
    }
)  # fmt: skip
"""Options that have a field of their own, and those that do not change the image."""


class Ask(Struct, frozen=True):
    """One image with one tag.

    `pushed` asks count by their tag alone, wherever they stand; others belong to `owner` (a
    Compose service, a document). `dockerfile` and `context` are None when they are not known;
    `written` then tells two apart. `details` are the rest of what the image depends on.
    """

    pushed: bool
    owner: str
    tag: str
    dockerfile: str | None
    target: str
    context: str | None
    details: tuple[tuple[str, str], ...]
    written: str
    site: CallSite
    words: tuple[tuple[str, Value], ...] = ()
    """Target, Dockerfile, context and tags as the call site gives them, each with what it is."""


class Sent(Struct, frozen=True):
    """A push of an image that the same script did not build: its tag and what it was tagged
    from."""

    tag: str
    source: str
    site: CallSite


def values_for(facts: Facts) -> Mapping[str, tuple[str, ...]]:
    """All values that the snapshot assigns to each variable."""
    return {name: facts.builds.values_of(name) for name in facts.builds.assigned}


def asks_of(builds: BuildList, values: Mapping[str, tuple[str, ...]]) -> tuple[Ask, ...]:
    """Every ask of a snapshot, with `values` for the variables of targets and Dockerfiles."""
    moves = _Moves(builds.images)
    return tuple(
        ask
        for build in builds.builds
        for chosen in _choices(build, values)
        for ask in _asks(build, chosen, moves)
    )


def sent_of(builds: BuildList) -> tuple[Sent, ...]:
    """Pushes of images that come from elsewhere."""
    moves = _Moves(builds.images)
    built = {
        (_script(build.site), name)
        for build in builds.builds
        for tag in build.tags
        for name in (tag.text, *moves.further(_script(build.site), tag.text))
    }
    return tuple(
        Sent(tag, moves.sources.get((script, tag), ""), site)
        for script, tag, site in moves.pushes
        if (script, tag) not in built
    )


def cache_writers(builds: BuildList) -> Iterator[tuple[str, CallSite]]:
    """The cache refs that builds write, each with its call site."""
    for build in builds.builds:
        for written in build.cache_to:
            fields = dict(part.partition("=")[::2] for part in written.text.split(","))
            yield fields.get("ref") or written.text, build.site


Script = tuple[str, ...]


def _script(site: CallSite) -> Script:
    """What runs in one go: a job, a rule, a script."""
    path = () if site.kind is SiteKind.GITLAB else (site.place.path,)
    return (site.kind.value, site.name, *path)


class _Moves:
    """What scripts do with images that are there: `docker tag` and `docker push`."""

    def __init__(self, images: Iterable[ImageCall]) -> None:
        self.pushes: list[tuple[Script, str, CallSite]] = []
        self.pushed: set[tuple[Script, str]] = set()
        self.sources: dict[tuple[Script, str], str] = {}
        self._names: dict[tuple[Script, str], list[str]] = {}
        for call in images:
            script, names = _script(call.site), [name.text for name in call.names]
            if call.verb == "push" and names:
                self.pushes.append((script, names[0], call.site))
                self.pushed.add((script, names[0]))
            elif call.verb == "tag" and len(names) == 2:
                self.sources.setdefault((script, names[1]), names[0])
                self._names.setdefault((script, names[0]), []).append(names[1])

    def further(self, script: Script, tag: str) -> tuple[str, ...]:
        """Further names that the same script gives an image."""
        return tuple(self._names.get((script, tag), ()))


def _choices(build: Build, values: Mapping[str, tuple[str, ...]]) -> Iterator[Mapping[str, str]]:
    """Every assignment of the variables that decide which image gets which tag."""
    deciding: dict[str, tuple[str, ...]] = {}
    for word in (build.target, build.dockerfile_written, build.context_written, *build.tags):
        for name in _names(word):
            known = values.get(name) or _by_choices(word, name)
            if known:
                deciding[name] = known
    total = 1
    for known in deciding.values():
        total *= len(known)
    if total > MAX_VALUES:
        deciding = {}
    for combination in product(*deciding.values()):
        yield dict(zip(deciding, combination, strict=True))


def _names(value: Value | None) -> tuple[str, ...]:
    return value.variables if value is not None else ()


def _by_choices(value: Value | None, name: str) -> tuple[str, ...]:
    """The values of a variable, from the expansions of a word that holds it once."""
    if value is None or value.text.count("${") != 1 or "${" + name + "}" not in value.text:
        return ()
    head, _, tail = value.text.partition("${" + name + "}")
    fits = [c for c in value.choices if c.startswith(head) and c.endswith(tail)]
    return tuple(c[len(head) : len(c) - len(tail) if tail else None] for c in fits)


def _asks(build: Build, chosen: Mapping[str, str], moves: _Moves) -> Iterator[Ask]:
    def fill(value: Value | None) -> str:
        return expand_text(value.text, chosen) if value is not None else ""

    dockerfile = build.dockerfile
    if chosen and build.dockerfile_written is not None and _names(build.dockerfile_written):
        dockerfile = _path(build, fill(build.dockerfile_written))
    written = f"{fill(build.dockerfile_written)} {fill(build.context_written)}"
    script = _script(build.site)
    tags = [fill(tag) for tag in build.tags] or list(_output_names(build)) or [""]
    words = tuple(_words(build))
    for tag in tags:
        for name in (tag, *moves.further(script, tag)):
            pushed = _pushes(build, name) or (script, name) in moves.pushed
            yield Ask(
                pushed,
                "" if pushed else _owner(build.site),
                name,
                dockerfile,
                fill(build.target),
                build.context,
                tuple(sorted(_details(build, chosen))),
                written if dockerfile is None or build.context is None else "",
                build.site,
                words,
            )


def _words(build: Build) -> Iterator[tuple[str, Value]]:
    """The words that decide which image gets which tag."""
    words = (
        ("target", build.target),
        ("Dockerfile", build.dockerfile_written),
        ("context", build.context_written),
    )
    yield from ((what, word) for what, word in words if word is not None)
    yield from (("tag", tag) for tag in build.tags)


def _path(build: Build, text: str) -> str | None:
    if "${" in text or text == "-":
        return None
    from_context = build.tool in (Tool.COMPOSE, Tool.BAKE, Tool.KANIKO, Tool.SKAFFOLD)
    folder = build.context if from_context else build.folder
    return None if folder is None else join_path(folder, text)


def _output_names(build: Build) -> Iterator[str]:
    for option in build.options:
        if option.name == "output" and option.value is not None:
            for part in option.value.text.split(","):
                name, _, value = part.partition("=")
                if name == "name":
                    yield value


def _pushes(build: Build, tag: str) -> bool:
    """Whether the build itself pushes the tag."""
    mine = any(tag == word.text or not word.known for word in build.tags)
    return build.push and (mine or not build.tags)


def _owner(site: CallSite) -> str:
    """What an unpushed build belongs to: it is looked for there again."""
    if site.kind is SiteKind.COMPOSE:
        return f"{site.place.path} {site.name}"
    if site.kind is SiteKind.GITLAB:
        return "the pipeline"
    return site.place.path


def _details(build: Build, chosen: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    def text(value: Value | None) -> str:
        return expand_text(value.text, chosen) if value is not None else ""

    for argument in build.arguments:
        given = text(argument.value) if argument.value is not None else "(from the environment)"
        yield f"build argument {argument.name}", given
    for context in build.named_contexts:
        yield f"named context {context.name}", text(context.value)
    for word in build.platforms:
        for platform in text(word).split(","):
            yield "platform", platform
    for word in build.secrets:
        yield "secret", text(word)
    for option in build.options:
        if option.name not in _READ_ELSEWHERE:
            given = text(option.value)
            yield f"--{option.name}", "" if given == "true" else given
