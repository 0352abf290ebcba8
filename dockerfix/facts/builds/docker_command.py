"""Build commands: the words of `docker build` and its kin read into a build.

The flags are those of the reference pages of docker buildx build, docker build, kaniko,
buildah and podman. Knows command lines; knows nothing of what holds them.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from dockerfix.facts.model import (
    Build,
    BuildArgument,
    CallSite,
    Option,
    Tool,
    Value,
)
from dockerfix.text import Place, join_path

_VALUED = frozenset(
    {
        "add-host", "allow", "annotation", "attest", "build-arg", "build-context", "builder",
        "cache-from", "cache-to", "call", "cgroup-parent", "file", "iidfile", "label",
        "metadata-file", "network", "no-cache-filter", "output", "platform", "progress",
        "provenance", "sbom", "secret", "shm-size", "ssh", "tag", "target", "ulimit", "isolation",
        "memory", "memory-swap", "cpu-shares", "cpuset-cpus", "cpuset-mems", "cpu-quota",
        "cpu-period", "security-opt", "format", "authfile", "arch", "os", "layers-from",
        "registries-conf", "ignorefile", "volume", "env", "jobs", "manifest",
    }
)  # fmt: skip
_SHORT = {"f": "file", "t": "tag", "o": "output", "m": "memory", "c": "cpu-shares", "v": "volume"}
_KANIKO = {"dockerfile": "file", "context": "context", "destination": "tag"}
_WRAPPERS = frozenset(
    {"sudo", "time", "env", "exec", "command", "nice", "retry", "nohup", "travis_retry"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the command after expansion; `value` carries text, choices and places."""

    value: Value

    @property
    def text(self) -> str:
        """The expanded text."""
        return self.value.text


@dataclass(frozen=True, slots=True)
class Recognised:
    """A command that builds: the tool, and the tokens behind its verb."""

    tool: Tool
    rest: tuple[Token, ...]


def recognise(tokens: tuple[Token, ...]) -> Recognised | None:
    """Which build tool the words call; None when it is none."""
    at = 0
    while at < len(tokens) and (
        tokens[at].text in _WRAPPERS
        or (at and tokens[at].text.isdecimal())
        or tokens[at].text == "!"
    ):
        at += 1
    words = [posixpath.basename(tokens[at].text)] if at < len(tokens) else []
    words += [token.text for token in tokens[at + 1 : at + 8]]
    if not words:
        return None
    if words[0] in ("docker", "nerdctl"):
        return _docker(words, tokens, at)
    if words[0] in ("podman", "buildah") and len(words) > 1:
        tool = Tool.PODMAN if words[0] == "podman" else Tool.BUILDAH
        if words[1] in ("build", "bud"):
            return Recognised(tool, tokens[at + 2 :])
        return None
    if words[0] == "executor" and "kaniko" in tokens[at].text:
        return Recognised(Tool.KANIKO, tokens[at + 1 :])
    if words[0] == "docker-compose":
        return Recognised(Tool.COMPOSE, tokens[at + 1 :])
    return None


def _docker(words: list[str], tokens: tuple[Token, ...], at: int) -> Recognised | None:
    offset = 1
    while offset < len(words) and words[offset].startswith("-"):
        takes = words[offset] in (
            "--context",
            "-c",
            "--host",
            "-H",
            "--config",
            "-l",
            "--log-level",
        )
        offset += 2 if takes else 1
    verbs = words[offset : offset + 2]
    rest = at + offset
    if verbs[:1] == ["build"]:
        return Recognised(Tool.DOCKER_BUILD, tokens[rest + 1 :])
    if verbs in (["image", "build"], ["builder", "build"]):
        return Recognised(Tool.DOCKER_BUILD, tokens[rest + 2 :])
    if verbs[:1] == ["buildx"]:
        skip = 1
        while words[offset + skip : offset + skip + 1] and words[offset + skip].startswith("--"):
            skip += 1 if "=" in words[offset + skip] else 2
        verb = words[offset + skip] if offset + skip < len(words) else ""
        tool = {"build": Tool.BUILDX_BUILD, "b": Tool.BUILDX_BUILD, "bake": Tool.BAKE}.get(verb)
        return Recognised(tool, tokens[rest + skip + 1 :]) if tool else None
    if verbs[:1] == ["bake"]:
        return Recognised(Tool.BAKE, tokens[rest + 1 :])
    if verbs[:1] == ["compose"]:
        return Recognised(Tool.COMPOSE, tokens[rest + 1 :])
    return None


@dataclass(frozen=True, slots=True)
class Arguments:
    """The words behind the verb, sorted: options in order, and what is no option."""

    options: tuple[Option, ...]
    positional: tuple[Value, ...]

    def values(self, name: str) -> tuple[Value, ...]:
        """All values of one option."""
        return tuple(o.value for o in self.options if o.name == name and o.value is not None)

    def last(self, name: str) -> Value | None:
        """The value that wins."""
        values = self.values(name)
        return values[-1] if values else None

    def has(self, name: str) -> bool:
        """Whether the option is there and is not switched off."""
        return any(
            o.name == name and (o.value is None or o.value.text != "false") for o in self.options
        )


def read_arguments(
    tokens: tuple[Token, ...], valued: frozenset[str] = _VALUED, kaniko: bool = False
) -> Arguments:
    """Sort the words into options and positional ones."""
    options: list[Option] = []
    positional: list[Value] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        text = token.text
        if not text.startswith("-") or text == "-":
            positional.append(token.value)
            at += 1
            continue
        name, equals, _ = text.lstrip("-").partition("=")
        cut = len(text) - len(text.lstrip("-")) + len(name) + 1
        if not text.startswith("--") and not kaniko:
            name = _SHORT.get(name[:1], name) if len(name) == 1 or name[:1] in _SHORT else name
            if not equals and len(text) > 2 and text[1] in _SHORT:
                equals, cut = "=", 2
        name = _KANIKO.get(name, name) if kaniko else name
        takes = kaniko or name in valued
        if equals:
            options.append(_option(name, _cut(token.value, cut), token.value, None, True))
            at += 1
        elif takes and at + 1 < len(tokens):
            value = tokens[at + 1].value
            options.append(_option(name, value, token.value, value, False))
            at += 2
        else:
            options.append(_option(name, None, token.value, None, False))
            at += 1
    return Arguments(tuple(options), tuple(positional))


def _option(
    name: str, value: Value | None, first: Value, last: Value | None, joined: bool
) -> Option:
    place = first.place
    if place is not None and last is not None and last.place is not None:
        place = Place(place.path, place.span.cover(last.place.span), place.position)
    return Option(name, value, place, joined)


def _cut(value: Value, size: int) -> Value:
    place = value.place
    if place is not None:
        span = place.span
        quote = 1 if value.written[:1] in "'\"" else 0
        start = min(span.start + size + quote, span.end)
        end = span.end - quote if quote else span.end
        place = Place(
            place.path, type(span)(start, max(start, end)),
            type(place.position)(place.position.line, place.position.column + size + quote),
        )  # fmt: skip
    quote = 1 if value.written[:1] in "'\"" else 0
    written = value.written[size + quote : len(value.written) - quote]
    return Value(
        written,
        value.text[size:],
        value.variables,
        tuple(choice[size:] for choice in value.choices),
        place,
        None,
        "",
    )


def make_build(recognised: Recognised, site: CallSite, folder: str | None) -> Build | None:
    """The build that a recognised `build` command asks for, run in `folder`.

    None for what builds nothing by itself (`docker build --help`, bake, Compose).
    """
    if recognised.tool in (Tool.BAKE, Tool.COMPOSE):
        return None
    kaniko = recognised.tool is Tool.KANIKO
    arguments = read_arguments(recognised.rest, kaniko=kaniko)
    written = (
        arguments.last("context")
        if kaniko
        else (arguments.positional[-1] if arguments.positional else None)
    )
    unknown: list[str] = []
    context = _context(written, folder, kaniko, unknown)
    file = arguments.last("file")
    if recognised.tool is Tool.KANIKO:
        dockerfile = _kaniko_file(file, context, unknown)
    else:
        dockerfile = _dockerfile(file, context, folder, unknown)
    return Build(
        site=site,
        tool=recognised.tool,
        context=context,
        dockerfile=dockerfile,
        context_written=written,
        dockerfile_written=file,
        target=arguments.last("target"),
        arguments=_pairs(arguments, "build-arg"),
        tags=arguments.values("tag"),
        cache_from=arguments.values("cache-from"),
        cache_to=arguments.values("cache-to"),
        platforms=arguments.values("platform"),
        secrets=arguments.values("secret"),
        named_contexts=_pairs(arguments, "build-context"),
        push=arguments.has("push")
        or kaniko
        or any(
            "push=true" in v.text or "type=registry" in v.text for v in arguments.values("output")
        ),
        load=arguments.has("load"),
        options=arguments.options,
        folder=folder or "",
        unknown=tuple(unknown),
    )


def _context(
    written: Value | None, folder: str | None, kaniko: bool, unknown: list[str]
) -> str | None:
    if written is None:
        unknown.append("no context is given")
        return None
    text = written.text.removeprefix("dir://") if kaniko else written.text
    for name in ("${CI_PROJECT_DIR}", "${GITHUB_WORKSPACE}", "${PWD}"):
        if text == name or text.startswith(name + "/"):
            base = folder or "" if name == "${PWD}" else ""
            return join_path(base, text[len(name) :].lstrip("/") or ".")
    if text in ("-",) or "://" in text or text.startswith("git@"):
        unknown.append("the context is an address or standard input")
        return None
    if "${" in text:
        unknown.append(f"the context holds a variable: {text}")
        return None
    if folder is None:
        unknown.append("the folder in which the command runs is not known")
        return None
    joined = join_path(folder, text)
    if joined is None:
        unknown.append(f"the context leaves the repository: {text}")
    return joined


def _dockerfile(
    file: Value | None, context: str | None, folder: str | None, unknown: list[str]
) -> str | None:
    if file is None:
        return posixpath.join(context, "Dockerfile") if context is not None else None
    text = file.text
    for name in ("${CI_PROJECT_DIR}/", "${GITHUB_WORKSPACE}/", "${PWD}/"):
        if text.startswith(name):
            return join_path(folder or "" if name == "${PWD}/" else "", text[len(name) :])
    if text == "-" or "${" in text:
        unknown.append(f"the Dockerfile is not known: {text}")
        return None
    if folder is None:
        unknown.append("the folder in which the command runs is not known")
        return None
    joined = join_path(folder, text)
    if joined is None:
        unknown.append(f"the Dockerfile lies outside of the repository: {text}")
    return joined


def _kaniko_file(file: Value | None, context: str | None, unknown: list[str]) -> str | None:
    """kaniko looks for a relative path below the working folder, then below the context."""
    if file is not None and file.text.startswith("${CI_PROJECT_DIR}/"):
        return join_path("", file.text.removeprefix("${CI_PROJECT_DIR}/"))
    if file is not None and "${" in file.text:
        unknown.append(f"the Dockerfile is not known: {file.text}")
        return None
    if context is None:
        return None
    return join_path(context, file.text if file is not None else "Dockerfile")


def _pairs(arguments: Arguments, option: str) -> tuple[BuildArgument, ...]:
    found = []
    for value in arguments.values(option):
        name, equals, _ = value.text.partition("=")
        found.append(
            BuildArgument(name, _cut(value, len(name) + 1) if equals else None, value.place)
        )
    return tuple(found)
