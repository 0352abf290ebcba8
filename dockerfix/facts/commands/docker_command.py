"""Build commands: the words of `docker build` and its kin read into a build.

The flags are those of the reference pages of docker buildx build, docker build, kaniko,
buildah and podman. Knows command lines; knows nothing of what holds them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container

from msgspec import Struct

from dockerfix.facts.commands.recognise import Recognised
from dockerfix.facts.model import Build, BuildArgument, CallSite, Option, Tool, Value
from dockerfix.facts.shell.words import OPAQUE, ROOTS, closing, cut, defaults
from dockerfix.text import Place, join_path

_VALUED = frozenset(
    {
        "add-host", "allow", "annotation", "attest", "build-arg", "build-context", "builder",
        "cache-from", "cache-to", "call", "cgroup-parent", "file", "iidfile", "label",
        "metadata-file", "network", "no-cache-filter", "output", "platform", "progress",
        "provenance", "sbom", "secret", "shm-size", "ssh", "tag", "target", "ulimit", "isolation",
        "memory", "memory-swap", "cpu-shares", "cpuset-cpus", "cpuset-mems", "cpu-quota",
        "cpu-period", "security-opt", "format", "authfile", "arch", "os", "layers-from",
        "registries-conf", "ignorefile", "volume", "env", "jobs", "manifest", "runtime",
        "userns", "creds", "cert-dir", "device", "dns", "from", "variant", "timestamp",
    }
)  # fmt: skip
_SWITCHES = frozenset(
    {
        "check", "compress", "debug", "disable-compression", "disable-content-trust", "force-rm",
        "http-proxy", "identity-label", "layers", "load", "no-cache", "no-hostname", "no-hosts",
        "omit-history", "pull", "pull-always", "pull-never", "push", "q", "quiet", "rm", "D",
        "skip-unused-stages", "squash", "squash-all", "stdin", "tls-verify",
    }
)  # fmt: skip
"""Flags of docker, podman and buildah that take no word."""
_GO_FLAG = re.compile(r"-[a-z]{3,}(?:=|$)")
"""A long flag behind one dash, as Go's tools have them."""
_BAKE_VALUED = frozenset(
    {
        "file", "set", "builder", "metadata-file", "progress", "allow", "provenance", "sbom",
        "call", "list", "var",
    }
)  # fmt: skip
_CLOUD_VALUED = frozenset(
    {
        "agent-pool", "async-log", "auth-mode", "build-arg", "file", "format", "g", "gcs-log-dir",
        "gcs-source-staging-dir", "ignore-file", "image", "log-template", "machine-type",
        "output", "platform", "project", "query", "r", "region", "registry", "resource-group",
        "secret-build-arg", "service-account", "source-acr-auth-id", "subscription",
        "substitutions", "tag", "target", "timeout", "worker-pool",
    }
)  # fmt: skip
"""Flags of `az acr build` and `gcloud builds submit` that take a word."""
_SHORT = {"f": "file", "t": "tag", "o": "output", "m": "memory", "c": "cpu-shares", "v": "volume"}
_KANIKO_SHORT = {"f": "file", "c": "context", "d": "tag", "v": "verbosity"}
_KANIKO = {"dockerfile": "file", "destination": "tag"}


class Arguments(Struct, frozen=True):
    """The words behind the verb, sorted.

    `loose` are words that a variable may turn into several, or into none: they can be the
    context, or hold further options.
    """

    options: tuple[Option, ...]
    positional: tuple[Value, ...]
    loose: tuple[Value, ...] = ()

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


def arguments_of(recognised: Recognised) -> Arguments:
    """The words behind a build's verb, sorted by the flags that its tool has."""
    kaniko = recognised.tool is Tool.KANIKO
    other = {Tool.BAKE: _BAKE_VALUED, Tool.DEPLOYMENT: _CLOUD_VALUED}
    valued = other.get(recognised.tool, _VALUED)
    return read_arguments(recognised.rest, valued, kaniko)


def are_docker_words(words: tuple[Value, ...]) -> bool:
    """Whether words could stand behind the verb of `docker build` or of its kin: each flag is
    one of theirs, and something is left for the context."""
    if any(_GO_FLAG.match(word.text) for word in words):
        return False
    arguments = read_arguments(words, _VALUED)
    flags = {option.name for option in arguments.options}
    left = (*arguments.positional, *arguments.loose)
    return flags <= _VALUED | _SWITCHES and any("..." not in word.text for word in left)


def read_arguments(
    words: tuple[Value, ...], valued: frozenset[str], kaniko: bool = False
) -> Arguments:
    """Sort words into options and positional ones; `valued` are the flags that take a word."""
    options: list[Option] = []
    positional: list[Value] = []
    loose: list[Value] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.text == "--":
            positional += words[at:]
            break
        if not word.text.startswith("-") or word.text == "-":
            (loose if _is_loose(word) else positional).append(word)
            continue
        name, size = _flag(word.text, kaniko)
        following = words[at] if at < len(words) else None
        if size:
            options.append(Option(name, cut(word, size), word.place, joined=True))
        elif following is not None and _takes(name, following, valued, kaniko):
            options.append(Option(name, following, _covered(word, following)))
            at += 1
        else:
            options.append(Option(name, None, word.place))
    return Arguments(tuple(options), tuple(positional), tuple(loose))


def _flag(text: str, kaniko: bool) -> tuple[str, int]:
    """A flag's long name, and how many characters stand before a value in the same word."""
    name, equals, _ = text.lstrip("-").partition("=")
    dashes = len(text) - len(text.lstrip("-"))
    size = dashes + len(name) + 1 if equals else 0
    short = _KANIKO_SHORT if kaniko else _SHORT
    if dashes == 1:
        if len(name) == 1:
            return short.get(name, name), size
        if text[1] in short and not kaniko:
            return short[text[1]], 2 + text[2:].startswith("=")
    return (_KANIKO.get(name, name) if kaniko else name), size


def _takes(name: str, following: Value, valued: frozenset[str], kaniko: bool) -> bool:
    return not following.text.startswith("-") if kaniko else name in valued


def _is_loose(word: Value) -> bool:
    """Whether a word is one unresolved variable without quotes, or an array that is not known."""
    array = "[@]" in word.written or "[*]" in word.written
    if (array and not word.known) or word.text in ("${@}", "${*}"):
        return True
    quoted = word.written[:1] in ("'", '"')
    whole = word.text.startswith("${") and closing(word.text, 0) == len(word.text) - 1
    default = defaults(word.text)[0] if ":-" in word.text else ""
    several = any(choice[:1] in ("", "-") or " " in choice for choice in word.choices)
    return whole and not quoted and (several or not word.choices) and default[:1] in ("", "-", "$")


def _covered(first: Value, last: Value) -> Place | None:
    place = first.place
    if place is None or last.place is None or place.path != last.place.path:
        return place
    return Place(place.path, place.span.cover(last.place.span), place.position)


def make_build(
    recognised: Recognised, site: CallSite, folder: str | None, files: Container[str] = ()
) -> Build | None:
    """The build that a recognised `build` command asks for, run in `folder` (None: unknown).

    None for what builds nothing by itself (`docker build --help`, bake, Compose). `files`
    are the paths that exist: podman and buildah take a Containerfile before a Dockerfile.
    """
    arguments = arguments_of(recognised)
    helps = any(option.name in ("help", "h") for option in arguments.options)
    if helps or recognised.tool in (Tool.BAKE, Tool.COMPOSE):
        return None
    unknown: list[str] = []
    written, context = _context(recognised.tool, arguments, folder, unknown)
    file = arguments.last("file")
    dockerfile = _dockerfile(recognised.tool, file, context, folder, files, unknown)
    loose = _loose(arguments, written, unknown)
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
        push=_is_pushed(recognised.tool, arguments),
        load=arguments.has("load"),
        options=arguments.options,
        loose=loose,
        folder=folder or "",
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _loose(arguments: Arguments, context: Value | None, unknown: list[str]) -> tuple[Value, ...]:
    """Words beside the context that may be options; `unknown` gets the doubt."""
    loose = arguments.loose if context not in arguments.loose else ()
    if loose:
        names = ", ".join(word.written for word in loose)
        unknown.append(f"{names} may hold further options")
    return loose


def _is_pushed(tool: Tool, arguments: Arguments) -> bool:
    """Whether the build pushes its image; kaniko and services do unless they are told otherwise."""
    always = tool in (Tool.KANIKO, Tool.DEPLOYMENT) and not arguments.has("no-push")
    outputs = (value.text for value in arguments.values("output"))
    return always or arguments.has("push") or any(map(pushes, outputs))


def _context(
    tool: Tool, arguments: Arguments, folder: str | None, unknown: list[str]
) -> tuple[Value | None, str | None]:
    """The context as written, and where it is."""
    if tool is Tool.KANIKO:
        written = arguments.last("context")
    else:
        words = arguments.positional or arguments.loose[-1:]
        if len(words) > 1:
            given = ", ".join(word.written for word in words)
            unknown.append(f"more words than one could be the context: {given}")
            return None, None
        written = words[0] if words else None
    if written is None:
        if tool not in (Tool.PODMAN, Tool.BUILDAH, Tool.DEPLOYMENT):
            unknown.append("no context is given")
            return None, None
        return None, located(".", folder, "the context", unknown)
    text = written.text.removeprefix("dir://") if tool is Tool.KANIKO else written.text
    if is_remote(text):
        unknown.append("the context is an address or standard input")
        return written, None
    where = located(text, folder, "the context", unknown)
    below = arguments.last("context-sub-path") if tool is Tool.KANIKO else None
    if where is not None and below is not None:
        where = located(below.text, where, "the context", unknown)
    return written, where


def pushes(output: str) -> bool:
    """Whether a value of `--output` sends the image to a registry."""
    return "type=registry" in output or "push=true" in output


def is_remote(text: str) -> bool:
    """Whether a context is an address or standard input: no file of the repository."""
    return text == "-" or "://" in text or text.startswith("git@")


def located(text: str, folder: str | None, what: str, unknown: list[str]) -> str | None:
    """A path of a command that runs in `folder`, relative to the root.

    None, with the reason added to `unknown`, where reading cannot know it. A default
    (`${DIR:-.}`) is taken, and said.
    """
    filled, names = defaults(text)
    if names:
        unknown.append(f"{what} is {filled} unless {', '.join(names)} is set elsewhere")
    text = filled
    for name in (*ROOTS, "PWD"):
        head = "${" + name + "}"
        if text == head or text.startswith(head + "/"):
            folder = folder if name == "PWD" else ""
            text = text[len(head) :].lstrip("/") or "."
    if "${" in text:
        named = "what a command prints" if "${" + OPAQUE in text else "a variable"
        unknown.append(f"{what} holds {named}: {text}")
        return None
    if folder is None:
        unknown.append("the folder in which the command runs is not known")
        return None
    joined = join_path(folder, text)
    if joined is None:
        unknown.append(f"{what} lies outside of the repository: {text}")
    return joined


def _dockerfile(
    tool: Tool,
    file: Value | None,
    context: str | None,
    folder: str | None,
    files: Container[str],
    unknown: list[str],
) -> str | None:
    if file is None:
        names = ("Containerfile",) if tool in (Tool.PODMAN, Tool.BUILDAH) else ()
        paths = [posixpath.join(context, name) for name in names] if context is not None else []
        found = [path for path in paths if path in files]
        default = posixpath.join(context, "Dockerfile") if context is not None else None
        return found[0] if found else default
    if file.text in ("-", "/dev/stdin"):
        unknown.append("the Dockerfile is standard input")
        return None
    below = folder
    if tool in (Tool.KANIKO, Tool.PODMAN, Tool.BUILDAH) and context is not None:
        # These look in the folder where they run, then below the context.
        for base in (folder, context):
            path = located(file.text, base, "the Dockerfile", [])
            if path is not None and path in files:
                return path
        below = context if tool is Tool.KANIKO else folder
    return located(file.text, below, "the Dockerfile", unknown)


def _pairs(arguments: Arguments, option: str) -> tuple[BuildArgument, ...]:
    found = []
    for value in arguments.values(option):
        name, equals, _ = value.text.partition("=")
        found.append(
            BuildArgument(name, cut(value, len(name) + 1) if equals else None, value.place)
        )
    return tuple(found)
