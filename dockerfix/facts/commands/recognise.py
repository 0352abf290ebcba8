"""Which build tool the words of a command call. Knows tools and their verbs, no options."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.commands.cloud_names import is_cloud_build
from dockerfix.facts.model import Tool, Value
from dockerfix.facts.shell.words import closing, defaults, fields, remaining
from dockerfix.text import join_path

_WRAPPERS = frozenset(
    {
        "sudo", "time", "env", "exec", "command", "nice", "ionice", "retry", "nohup", "timeout",
        "travis_retry", "stdbuf", "winpty", "caffeinate", "builtin", "!", "doas", "chronic",
        "unbuffer", "cross-env", "dotenv", "lima",
    }
)  # fmt: skip
_WRAPPER_VALUED = {
    "env": ("-u", "--unset"), "sudo": ("-u", "-g", "-h", "-p", "-r", "-t", "-T", "-U", "--user"),
    "timeout": ("-s", "-k", "--signal", "--kill-after"), "nice": ("-n", "--adjustment"),
    "ionice": ("-c", "-n"), "doas": ("-u",), "exec": ("-a",), "time": ("-f", "-o"),
    "stdbuf": ("-i", "-o", "-e"), "dotenv": ("-f", "-e"),
}  # fmt: skip
"""Flags of such commands that take a word."""
_MOVES = {"env": ("-C", "--chdir"), "sudo": ("-D", "--chdir"), "command": ("-v", "-V")}
"""Flags with which a command runs in another folder, or runs nothing."""
_DOCKER = frozenset({"docker", "nerdctl", "finch", "depot"})
_DOCKER_VALUED = frozenset(
    {"--context", "-c", "--host", "-H", "--config", "-l", "--log-level", "--namespace", "-n",
     "--address", "-a", "--tlscacert", "--tlscert", "--tlskey"}
)  # fmt: skip
_PODMAN_VALUED = frozenset(
    {"--cdi-spec-dir", "--cgroup-manager", "--conmon", "--connection", "-c", "--events-backend",
     "--hooks-dir", "--identity", "--imagestore", "--log-level", "--module",
     "--network-config-dir", "--registries-conf", "--registries-conf-dir", "--root", "--runroot",
     "--runtime", "--runtime-flag", "--short-name-alias-conf", "--ssh", "--storage-driver",
     "--storage-opt", "--tmpdir", "--url", "--userns-gid-map", "--userns-uid-map", "--volumepath"}
)  # fmt: skip
"""Flags of podman and buildah before their verb that take a word."""
_KANIKO_FLAGS = ("--destination", "--dockerfile", "--context", "--no-push", "--tar-path")
_OTHERS = (
    ("buildctl", "build"), ("buildctl-daemonless.sh", "build"), ("gcloud", "builds", "submit"),
    ("fly", "deploy"), ("flyctl", "deploy"), ("skaffold",), ("tilt",), ("werf",), ("devspace",),
    ("img", "build"), ("heroku", "container:push"), ("earthly",), ("oc", "start-build"),
    ("devcontainer", "build"), ("devcontainer", "up"), ("kraft", "build"),
    ("okteto", "build"), ("okteto", "deploy"), ("okteto", "up"), ("garden", "build"),
    ("garden", "deploy"), ("garden", "dev"), ("minikube", "image", "build"), ("kamal", "build"),
    ("kamal", "deploy"), ("kamal", "setup"), ("balena", "build"), ("balena", "deploy"),
    ("balena", "push"), ("nsc", "build"), ("railway", "up"), ("copilot", "deploy"),
    ("copilot", "svc", "deploy"), ("copilot", "job", "deploy"), ("oc", "new-build"),
    ("sam", "build"), ("dagger", "call"), ("dagger", "run"),
)  # fmt: skip
"""Commands that build from a Dockerfile in ways that are not read here."""
_READ = {"tilt": "Tiltfile", "skaffold": "skaffold.yaml", "fly": "fly.toml", "flyctl": "fly.toml"}
"""Those of them whose own file is read."""
_FLY = re.compile(r"(?:.*/)?fly\.(?:[\w-]+\.)?toml")
_FILE_FLAGS = ("-f", "--file", "--filename", "-c", "--config")


class Recognised(Struct, frozen=True):
    """A command that builds: the tool, and the words behind its verb."""

    tool: Tool
    rest: tuple[Value, ...]


def plain(value: Value) -> str:
    """The text with defaults filled in: `${DOCKER:-docker}` runs docker unless told else."""
    return defaults(value.text)[0] if "${" in value.text else value.text


def _name(word: Value) -> str:
    """What a command calls, wherever that stands."""
    return plain(word).rpartition("/")[2]


def unwrapped(words: tuple[Value, ...]) -> tuple[Value, ...]:
    """The words without `sudo`, `time`, `env A=b`, `timeout 60` and the like before them."""
    first = words[0].text if words else ""
    if "${" not in first and first.rpartition("/")[2] not in _WRAPPERS:
        return words  # most commands, asked several times of each
    words = _spread(words)
    rest = words[words_before([plain(word) for word in words]) :]
    return rest if _spread(rest) is rest else unwrapped(rest)


def _spread(words: tuple[Value, ...]) -> tuple[Value, ...]:
    """The words with a command that is a default of several words (`${DC:-docker compose}`, or
    `DC ?= docker compose` in a Makefile) as those."""
    first = words[0] if words else None
    if first is None or ":-" not in first.text or first.written[:1] in ("'", '"'):
        return words
    parts = fields(plain(first))
    if len(parts) < 2 or closing(first.text, 0) != len(first.text) - 1:
        return words
    called = (replace(first, text=part, variables=remaining(part)) for part in parts)
    return (*called, *words[1:])


def words_before(texts: Sequence[str]) -> int:
    """How many words stand before the command itself: `sudo`, `timeout 60` and the like with
    their arguments; none where the last of them runs the command elsewhere, or not at all."""
    at = 0
    while at < len(texts) and (name := texts[at].rpartition("/")[2]) in _WRAPPERS:
        wrapper, at = at, at + 1
        while at < len(texts) and _is_wrapper_argument(texts[at]):
            if texts[at] in _MOVES.get(name, ()):
                return wrapper
            at += 2 if texts[at] in _WRAPPER_VALUED.get(name, ()) else 1
    return at


def _is_wrapper_argument(text: str) -> bool:
    return text.startswith("-") or re.fullmatch(r"\d+[smhd]?|\w+=.*", text, re.DOTALL) is not None


def recognise(words: tuple[Value, ...]) -> Recognised | None:
    """Which build tool the words call; None when it is none."""
    words = unwrapped(words)
    if not words:
        return None
    name = _name(words[0])
    if name in _DOCKER:
        return _docker(words)
    if name in ("podman", "buildah"):
        return _podman(words, Tool.PODMAN if name == "podman" else Tool.BUILDAH)
    if _is_kaniko(name, words):
        return Recognised(Tool.KANIKO, words[1:])
    if name == "docker-buildx":
        return _buildx(words[1:])
    if name in ("docker-compose", "podman-compose"):
        return Recognised(Tool.COMPOSE, words[1:])
    return _in_the_cloud(name, words)


def _in_the_cloud(name: str, words: tuple[Value, ...]) -> Recognised | None:
    """A build that a service runs of the files that it is sent: `az acr build`, and
    `gcloud builds submit` without a configuration of its own, which builds the Dockerfile of
    what is submitted."""
    texts = [plain(word) for word in words[1:]]
    if name == "az" and texts[:2] == ["acr", "build"]:
        return Recognised(Tool.DEPLOYMENT, words[3:])
    if name != "gcloud" or texts[:2] != ["builds", "submit"]:
        return None
    flags = [text.partition("=")[0] for text in texts[2:]]
    configured = any(
        flag in ("--config", "--pack", "--no-source", "--git-source-dir") for flag in flags
    )
    if configured or not {"--tag", "-t"} & {*flags}:
        return None
    return Recognised(Tool.DEPLOYMENT, words[3:])


_KO = frozenset({"build", "publish", "resolve", "apply", "create", "run"})
_GOALS = re.compile(
    r"(?:.*:)?(?:jib\w*|bootBuildImage)|jib:(?:build|dockerBuild|buildTar)|.*:build-image"
    r"|[dD]ocker[:/]publish(?:Local)?"
)
"""Tasks of Gradle, goals of Maven and keys of sbt that make an image."""
_BUILD_SYSTEMS = frozenset({"gradle", "gradlew", "mvn", "mvnw", "mvnd", "sbt"})
_NIX_IMAGE = re.compile(r"image|docker|container|oci", re.IGNORECASE)


def bare_builder(words: tuple[Value, ...]) -> str | None:
    """The name of a tool that makes an image without a Dockerfile."""
    texts = [plain(word) for word in unwrapped(words)]
    name = posixpath.basename(texts[0]) if texts else ""
    verb = texts[1] if len(texts) > 1 else ""
    if (name == "ko" and verb in _KO) or (name in ("pack", "s2i") and verb == "build"):
        return f"{name} {verb}"
    if name in ("nix", "nix-build") and any(map(_NIX_IMAGE.search, texts[1:])):
        return name if name == "nix-build" or verb == "build" else None
    goals = (text for text in texts[1:] if not text.startswith("-"))
    goal = next(filter(_GOALS.fullmatch, goals), None) if name in _BUILD_SYSTEMS else None
    return f"{name} {goal}" if goal is not None else None


def other_builder(words: tuple[Value, ...]) -> str | None:
    """The name of a tool that builds images in a way that is not read here."""
    texts = tuple(plain(word) for word in unwrapped(words)[:3])
    if not texts:
        return None
    texts = (posixpath.basename(texts[0]), *texts[1:])
    return next((" ".join(o) for o in _OTHERS if texts[: len(o)] == o), None)


def reads_own_file(words: tuple[Value, ...], paths: Container[str], folder: str | None) -> bool:
    """Whether a tool that runs in `folder` takes its builds from a file among `paths` that is
    read, its own or the one that it is given; or builds nothing, as it is given an image."""
    texts = [part for word in unwrapped(words) for part in _flag_and_value(plain(word))]
    name = posixpath.basename(texts[0]) if texts else ""
    if name in ("fly", "flyctl") and {"--image", "-i", "--dockerfile"} & {*texts}:
        return "--dockerfile" not in texts
    given = [at for at, text in enumerate(texts) if text in _FILE_FLAGS]
    read = texts[given[0] + 1] if given and given[0] + 1 < len(texts) else _READ.get(name, "")
    named = posixpath.basename(read) == _READ.get(name)  # those of other names are not read
    named = named or (name == "gcloud" and is_cloud_build(read))
    named = named or (name in ("fly", "flyctl") and _FLY.fullmatch(read) is not None)
    where = join_path(folder, read) if folder is not None else None
    return named and where is not None and where in paths


def _flag_and_value(text: str) -> tuple[str, ...]:
    name, equals, value = text.partition("=")
    return (name, value) if equals and name.startswith("--") else (text,)


def _docker(words: tuple[Value, ...]) -> Recognised | None:
    at = _after_flags(words, 1)
    verbs = [plain(word) for word in words[at : at + 2]]
    if verbs[:1] == ["build"]:
        return Recognised(Tool.DOCKER_BUILD, words[at + 1 :])
    if verbs in (["image", "build"], ["builder", "build"]):
        return Recognised(Tool.DOCKER_BUILD, words[at + 2 :])
    if verbs[:1] == ["buildx"]:
        return _buildx(words[at + 1 :])
    if verbs[:1] == ["bake"]:
        return Recognised(Tool.BAKE, words[at + 1 :])
    if verbs[:1] == ["compose"]:
        return Recognised(Tool.COMPOSE, words[at + 1 :])
    return None


def _podman(words: tuple[Value, ...], tool: Tool) -> Recognised | None:
    """A build of podman or buildah, which have one set of words for it."""
    at = _after_flags(words, 1, _PODMAN_VALUED)
    if at < len(words) and plain(words[at]) in ("image", "buildx"):
        at += 1
    verb = plain(words[at]) if at < len(words) else ""
    if verb == "compose":
        return Recognised(Tool.COMPOSE, words[at + 1 :])
    return Recognised(tool, words[at + 1 :]) if verb in ("build", "bud") else None


def _is_kaniko(name: str, words: tuple[Value, ...]) -> bool:
    """Whether a command is kaniko's executor, wherever an image has put it."""
    if name == "executor" and "kaniko" in plain(words[0]):
        return True
    flags = (plain(word).partition("=")[0] for word in words[1:])
    return name in ("executor", "kaniko") and any(flag in _KANIKO_FLAGS for flag in flags)


def _after_flags(words: tuple[Value, ...], at: int, valued: frozenset[str] = _DOCKER_VALUED) -> int:
    while at < len(words) and plain(words[at]).startswith("-"):
        at += 2 if plain(words[at]) in valued else 1
    return at


def _buildx(words: tuple[Value, ...]) -> Recognised | None:
    at = 0
    while at < len(words) and plain(words[at]).startswith("-"):
        at += 2 if plain(words[at]) == "--builder" else 1
    verb = plain(words[at]) if at < len(words) else ""
    tool = {"build": Tool.BUILDX_BUILD, "b": Tool.BUILDX_BUILD, "bake": Tool.BAKE,
            "f": Tool.BAKE}.get(verb)  # fmt: skip
    return Recognised(tool, words[at + 1 :]) if tool else None
