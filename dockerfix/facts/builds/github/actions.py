"""Steps of GitHub workflows that use an action which builds images.

Follows the inputs of docker/build-push-action and docker/bake-action. An action of another
owner whose name says that it is a fork takes the same inputs when it is given no others; one
that is given others is said. Knows actions; knows nothing of jobs.
"""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.builds.github.expressions import filled, without_braces
from dockerfix.facts.builds.github.workflows import Step
from dockerfix.facts.commands.docker_command import is_remote, located, pushes
from dockerfix.facts.commands.gathered import BakeCall
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.model import Build, BuildArgument, CallSite, Option, SiteKind, Tool, Value
from dockerfix.facts.shell.words import remaining
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar
from dockerfix.text import Place

_BUILDS = "build-push"
_BAKES = "bake"
_BUILD_INPUTS = frozenset(
    {"add-hosts", "allow", "annotations", "attests", "build-args", "build-contexts", "builder",
     "buildx-fallback", "cache-from", "cache-to", "call", "cgroup-parent", "context", "file",
     "github-token", "labels", "lint", "load", "network", "no-cache", "no-cache-filters",
     "outputs", "platforms", "project", "provenance", "pull", "push", "save", "save-tag",
     "save-tags", "sbom", "secret-envs", "secret-files", "secrets", "setup-only", "shm-size",
     "ssh", "tags", "target", "token", "ulimit"}
)  # fmt: skip
"""Inputs of docker/build-push-action, and those that forks add for their own service."""
_TOLD = frozenset({"context", "file"})
_BAKE_INPUTS = frozenset(
    {"allow", "builder", "call", "files", "github-token", "lint", "load", "metadata-file",
     "no-cache", "project", "provenance", "pull", "push", "save", "save-tags", "sbom", "set",
     "source", "targets", "token", "workdir"}
)  # fmt: skip
_CLONED = "{{defaultContext}}"
"""The Git context that the action takes by itself; a folder in it follows behind a colon."""
_BUILDERS = re.compile(
    r"build-?(?:and-?)?push|bake|kaniko|buildah|(?:docker|image|container)[\w-]*(?:build|publish)"
    r"|build[\w-]*(?:docker|image|container)|devcontainers/ci|skaffold|earthly"
)
"""Names of actions that build images."""
_SCANS = re.compile(r"lint|trivy|checkov")
"""Names of actions that read a Dockerfile and build nothing."""
_OTHERS = re.compile(r"setup|login|metadata|hadolint|cache-dance|digest|imagetools|cleanup|delete")


def unread_action(step: Step) -> tuple[Place, str] | None:
    """What a step's action may build in a way that is not read: its name speaks of builds, or
    it is handed a Dockerfile."""
    uses = step.uses
    if uses is None or uses.text.startswith("./"):
        return None
    if scans(uses.text):
        return None
    name = uses.text.partition("@")[0].lower()
    given = step.keys.get("with")
    inputs = given.resolved.items() if isinstance(given, YamlMapping) else ()
    handed = any(_hands_dockerfile(key.lower(), node) for key, node in inputs)
    if not handed and (_OTHERS.search(name) or not _BUILDERS.search(name)):
        return None
    return uses.file.source.place(step.keys.span), f"{uses.text} has inputs of its own"


def _hands_dockerfile(key: str, node: Node) -> bool:
    """Whether an input is one for a Dockerfile, by its name, or by that of a plain `file`."""
    text = node.text if isinstance(node, Scalar) and "file" in key.split("_") else ""
    named = is_dockerfile(posixpath.basename(text))
    return "dockerfile" in key or "containerfile" in key or named


def scans(uses: str) -> bool:
    """Whether an action, as `uses:` names it, reads Dockerfiles and builds nothing: a linter or
    a scanner, but none that builds what it scans."""
    name = uses.partition("@")[0].lower()
    return _SCANS.search(name) is not None and _BUILDERS.search(name) is None


def _inputs_of(step: Step, kind: str, known: frozenset[str]) -> _Inputs | None:
    """The inputs of a step that uses docker's action of that kind, or a fork of it."""
    uses = step.uses
    if uses is None:
        return None
    name = uses.text.partition("@")[0].lower()
    given = step.keys.get("with")
    inputs = set(given.resolved) if isinstance(given, YamlMapping) else set()
    ours = name == f"docker/{kind}-action"
    fork = kind in posixpath.basename(name) and not name.startswith("./") and inputs
    # A fork that has inputs for its own service keeps the meaning of the others.
    same = inputs <= known or (_TOLD & inputs and not any(map(_tells, inputs - known)))
    return _Inputs(step, uses) if ours or (fork and same) else None


def _tells(name: str) -> bool:
    """Whether an input of a fork could say what is built otherwise than docker's own do."""
    return any(word.rstrip("s") in _TELLING for word in re.split(r"[^a-z]", name.lower()))


_TELLING = frozenset(
    {"file", "files", "dockerfile", "context", "path", "dir", "directory", "target", "stage",
     "bake", "image", "arg", "workdir", "folder", "matrix", "secret"}
)  # fmt: skip
"""Words in the names of such inputs, without the ending of the plural."""


def action_build(step: Step) -> Build | None:
    """The build of a step that uses docker/build-push-action, or a fork of it."""
    inputs = _inputs_of(step, _BUILDS, _BUILD_INPUTS)
    if inputs is None:
        return None
    unknown: list[str] = []
    context, file = inputs.value("context"), inputs.value("file")
    where = _context(context, unknown)
    if context is not None and context.text.startswith(_CLONED):
        # What is cloned holds the Dockerfile too: its path begins at the folder in it.
        name = file.text if file is not None else "Dockerfile"
        folder = context.text.removeprefix(_CLONED).removeprefix(":")
        dockerfile = located(posixpath.join(folder, name), "", "the Dockerfile", unknown)
    elif file is not None:
        dockerfile = located(file.text, "", "the Dockerfile", unknown)
    elif context is None:
        dockerfile = "Dockerfile"
    else:
        dockerfile = posixpath.join(where, "Dockerfile") if where is not None else None
    outputs = inputs.lines("outputs")
    return Build(
        site=CallSite(SiteKind.GITHUB, step.job, inputs.place, step.through, step.machine),
        tool=Tool.ACTION,
        context=where,
        dockerfile=dockerfile,
        context_written=context,
        dockerfile_written=file,
        target=inputs.value("target"),
        arguments=inputs.pairs("build-args"),
        tags=inputs.lines("tags", commas=True),
        cache_from=inputs.lines("cache-from"),
        cache_to=inputs.lines("cache-to"),
        platforms=inputs.lines("platforms", commas=True),
        secrets=inputs.lines("secrets"),
        named_contexts=inputs.pairs("build-contexts"),
        push=inputs.switched("push") or any(pushes(v.text) for v in outputs),
        condition=step.condition or inputs.condition("push"),
        load=inputs.switched("load"),
        unknown=tuple(unknown),
        options=tuple(Option("output", output, output.place) for output in outputs),
        steps=step.runs,
    )


def action_bake(step: Step) -> BakeCall | None:
    """The bake call of a step that uses docker/bake-action, or a fork of it."""
    inputs = _inputs_of(step, _BAKES, _BAKE_INPUTS)
    if inputs is None:
        return None
    folder = inputs.value("workdir")
    where = located(folder.text, "", "the folder", []) if folder is not None else ""
    site = CallSite(SiteKind.GITHUB, step.job, inputs.place, step.through, step.machine)
    return BakeCall(
        site,
        where,
        inputs.lines("files", commas=True),
        inputs.lines("targets", commas=True),
        inputs.switched("push"),
        inputs.lines("set"),
        step.scope,
    )


def _context(context: Value | None, unknown: list[str]) -> str | None:
    """The context; without one the action clones the repository again (a Git context)."""
    if context is None:
        unknown.append("no context: the action takes a Git context")
        return None
    if context.text.startswith(_CLONED):
        unknown.append(f"{context.text} is a Git context")
        return None
    if is_remote(context.text):
        unknown.append("the context is an address or standard input")
        return None
    return located(context.text, "", "the context", unknown)


def _line(value: Value, text: str) -> Value:
    """One line of a value that another step's output may give several."""
    return value if value.text == text else replace(value, text=text, variables=remaining(text))


class _Inputs(Struct, frozen=True):
    """`with:` of a step. Private to the readers of actions."""

    step: Step
    uses: Scalar

    @property
    def place(self) -> Place:
        """Where the action is named."""
        return self.uses.file.source.place(self.uses.span)

    def scalar(self, key: str) -> Scalar | None:
        """An input as written."""
        inputs = self.step.keys.get("with")
        node = inputs.get(key) if isinstance(inputs, YamlMapping) else None
        return node if isinstance(node, Scalar) and node.text else None

    def value(self, key: str) -> Value | None:
        """An input with what is known of the matrix and the environment filled in; None for one
        that comes to nothing, which the action takes for none."""
        node = self.scalar(key)
        if node is None:
            return None
        value = self.filled(node.text, node.file.source.place(node.span))
        return value if value.text else None

    def filled(self, written: str, place: Place) -> Value:
        """A text with its variables filled in; a lone variable keeps where it comes from."""
        plain = without_braces(written, self.step.scope)
        text = filled(plain, self.step.scope)
        whole = re.fullmatch(r"\$\{(\w+)\}", plain)
        bound = self.step.scope.look(whole[1]) if whole else None
        origin = bound.place if bound is not None else None
        carrier = whole[1] if whole else ""
        return Value(written, text, remaining(text), (), place, origin, carrier)

    def lines(self, key: str, commas: bool = False) -> tuple[Value, ...]:
        """An input that holds a list, one item a line (or between commas)."""
        node = self.scalar(key)
        if node is None:
            return ()
        mapped = node.mapped
        pattern = r"[^\n,]+" if commas else r"[^\n]+"
        found = []
        for match in re.finditer(pattern, mapped.text):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            end = start + len(match[0].strip())
            if start < end:
                place = node.file.source.place(mapped.span(start, end))
                value = self.filled(match[0].strip(), place)
                found += [_line(value, text) for text in value.text.split("\n") if text]
        return tuple(found)

    def pairs(self, key: str) -> tuple[BuildArgument, ...]:
        """An input of `NAME=value` lines."""
        found = []
        for value in self.lines(key):
            name, equals, text = value.text.partition("=")
            written = value.written.partition("=")[2]
            inner = Value(written, text, remaining(text), (), value.place)
            found.append(BuildArgument(name, inner if equals else None, value.place))
        return tuple(found)

    def condition(self, key: str) -> str:
        """The expression that decides a yes or no, as written; empty for a plain one."""
        node, value = self.scalar(key), self.value(key)
        plain = node is None or value is None or value.text in ("true", "false")
        return "" if plain or node is None else node.text

    def switched(self, key: str) -> bool:
        """A yes or no; a condition may say yes."""
        value = self.value(key)
        return value is not None and value.text != "false"
