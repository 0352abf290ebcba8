"""Builds and the places that ask for them.

Knows what a build is, whoever asks for it; knows nothing of GitLab, Compose or shells: those
modules make these values.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping

from msgspec import Struct, field

from dockerfix.text import MappedText, Place
from dockerfix.text.values import Keyed

MAX_BYTES = 1_000_000
"""A larger file is not searched for call sites."""
_INPUT = re.compile(r"\binputs[._][\w-]+")
"""An input of a workflow or action, as it is written, or as the shell's variable for it."""


class Value(Keyed, frozen=True, eq=False):
    """A word of a call site, as far as reading can know it.

    `written` is the word as it stands in the command. `text` is the word after every variable
    that the snapshot assigns is replaced by its value; variables that stay are written
    `${NAME}`. `choices` holds every expansion when a variable takes several values (a matrix,
    a branch); `text` then keeps the variable.

    `place` is where the value stands in the command (behind the `=` of `--flag=value`); None
    when it came out of an unquoted variable that holds several words. `origin` is where the
    text itself was written when the whole value came through a variable or a parameter, and
    `carrier` names that variable (`3` for a function's third parameter).
    """

    aside = ("follows", "mapped")

    written: str
    text: str
    variables: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    place: Place | None = None
    origin: Place | None = None
    carrier: str = ""
    mapped: MappedText | None = None
    """`written` with the way back to its bytes, where it is a word of a shell."""
    follows: frozenset[str] = frozenset()
    """Every variable whose value is a part of the text, through others and parameters too: with
    another value, the text would be another one."""

    @property
    def known(self) -> bool:
        """Whether reading alone gives the value."""
        return not self.variables

    @property
    def possible(self) -> tuple[str, ...]:
        """Every text that the word may be."""
        return self.choices or (self.text,)

    @property
    def inside(self) -> str:
        """The word as written, without the quotes round it."""
        quote, inner = self.written[:1], self.written[1:-1]
        quoted = quote in ("'", '"') and len(self.written) > 1 and self.written[-1] == quote
        # `"$A"/"$B"` begins and ends with a quote and is not one quoted word.
        return inner if quoted and quote not in inner.replace("\\" + quote, "") else self.written

    @property
    def written_variables(self) -> tuple[str, ...]:
        """Names of the variables that stand in the word as written."""
        names, at = [], 0
        while (at := self.written.find("$", at) + 1) > 0:
            start = end = at + (self.written[at : at + 1] == "{")
            while end < len(self.written) and (
                self.written[end].isalnum() or self.written[end] == "_"
            ):
                end += 1
            names += [self.written[start:end]] if end > start else []
        return tuple(dict.fromkeys(names))

    def __str__(self) -> str:
        """The text, for tables and messages."""
        return self.text


def set_outside(value: Value) -> frozenset[str]:
    """The variables of a word that whoever runs the command may set: what reading does not know,
    or knows a default of, the repository's own folder among them, and inputs of a workflow."""
    inputs = (name.replace(".", "_") for name in _INPUT.findall(value.written))
    return frozenset({*value.variables, *inputs})


class BuildArgument(Struct, frozen=True):
    """`--build-arg NAME=VALUE`; no value means: taken from the caller's environment."""

    name: str
    value: Value | None
    place: Place | None = None


class Tool(enum.Enum):
    """What runs the build; `value` is how a person names it."""

    DOCKER_BUILD = "docker build"
    BUILDX_BUILD = "docker buildx build"
    BAKE = "docker buildx bake"
    COMPOSE = "docker compose"
    KANIKO = "kaniko"
    BUILDAH = "buildah"
    PODMAN = "podman build"
    ACTION = "docker/build-push-action"
    SDK = "docker SDK"
    SKAFFOLD = "skaffold"
    TILT = "tilt"
    DEPLOYMENT = "deployment tool"
    PLUGIN = "CI plugin"


class SiteKind(enum.Enum):
    """What kind of file holds a call site."""

    GITLAB = "GitLab job"
    COMPOSE = "Compose service"
    BAKE = "bake target"
    MAKE = "Makefile"
    SHELL = "shell script"
    GITHUB = "GitHub workflow"
    PYTHON = "Python"
    PACKAGE_JSON = "package.json script"
    CI = "CI step"
    CLOUD_BUILD = "Cloud Build step"
    JUST = "just recipe"
    SKAFFOLD = "skaffold artifact"
    TILT = "Tiltfile"
    DEPLOYMENT = "deployment file"
    PLUGIN = "CI plugin"
    POWERSHELL = "PowerShell script"
    BAZEL = "Bazel rule"
    DOCUMENT = "document"


class CallSite(Keyed, frozen=True, eq=False):
    """The place where a build is written.

    `name` is the job, service, bake target, rule or step. `place` spans the command (or the
    Compose service's key). `through` names the shell functions, templates or variables that
    the command came through, outermost first; empty when the command stands there itself.
    """

    aside = ("machine",)

    kind: SiteKind
    name: str
    place: Place
    through: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    """For a GitHub workflow, the jobs that lead here, outermost first, each with the row of its
    matrix: what tells one runner from another."""

    def __str__(self) -> str:
        """`path:line:column (kind name)`."""
        return f"{self.place} ({self.kind.value} {self.name})"

    def in_job(self, name: str) -> bool:
        """Whether it stands in the GitLab job of this name."""
        return self.kind is SiteKind.GITLAB and self.name == name


class Call(Struct, frozen=True):
    """A call of a shell function on the way to a build.

    `place` spans the call's command, `arguments` are the places of its words behind the name
    (None for what came out of an unquoted variable), `body` spans the function's body.
    `parameters` is the largest positional parameter that the body reads; None when it takes
    them all (`$@`, `shift`), so that no further one can be told apart.
    """

    name: str
    place: Place
    arguments: tuple[Place | None, ...]
    body: Place
    parameters: int | None


class StepRun(Struct, frozen=True):
    """A `uses:` of a workflow on the way to a build, and the row of its job's matrix for which
    it runs, counted from 0."""

    uses: Place
    row: int


class Option(Struct, frozen=True):
    """One flag of a build command as written: its name without dashes, its value, and the
    place of the whole flag (name and value, be they one word or two)."""

    name: str
    value: Value | None
    place: Place | None
    joined: bool = False
    """Whether the value stands in the flag's own word (`--file=x`)."""


class Build(Keyed, frozen=True, eq=False):
    """One image build that some file asks for.

    `context` and `dockerfile` are relative to the root of the snapshot (`""` is the root
    itself); None means that the value cannot be known, and `unknown` says why. A context
    that is an address or stdin is None too. `unknown` may hold doubts about values that are
    given as well: a default that the environment can replace, a variable that may add
    options. `dockerfile_written` and `target` are None when the call site leaves the name to
    its default.
    """

    aside = ("variables", "condition", "steps")

    site: CallSite
    tool: Tool
    context: str | None
    dockerfile: str | None
    context_written: Value | None = None
    dockerfile_written: Value | None = None
    target: Value | None = None
    arguments: tuple[BuildArgument, ...] = ()
    tags: tuple[Value, ...] = ()
    cache_from: tuple[Value, ...] = ()
    cache_to: tuple[Value, ...] = ()
    platforms: tuple[Value, ...] = ()
    secrets: tuple[Value, ...] = ()
    named_contexts: tuple[BuildArgument, ...] = ()
    push: bool = False
    load: bool = False
    options: tuple[Option, ...] = ()
    loose: tuple[Value, ...] = ()
    """Words of the command that may hold further options."""
    folder: str = ""
    """The folder, relative to the root, in which the command runs."""
    unknown: tuple[str, ...] = ()
    definition: Place | None = None
    """The bake target's block, for a build that bake makes."""
    calls: tuple[Call, ...] = ()
    """The calls of shell functions that led to the command, outermost first."""
    steps: tuple[StepRun, ...] = ()
    """What a build of an action is used by in GitHub workflows, outermost first; the step that
    builds is the last."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What variables hold where the command runs, as far as reading knows."""
    condition: str = ""
    """What decides whether the build runs, or pushes, within its job; empty when both are sure."""
    other_tools: tuple[Tool, ...] = ()
    """The other tools that the call may be of, where a variable holds the tool's name."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that the call may be of."""
        return (self.tool, *self.other_tools)


class ImageCall(Struct, frozen=True):
    """`docker push NAME` or `docker tag OLD NEW`: the verb and the images' names, and what
    decides within its job whether it runs (empty when it surely does)."""

    site: CallSite
    verb: str
    names: tuple[Value, ...]
    condition: str = ""


class BareBuild(Struct, frozen=True):
    """An image that `tool` makes without a Dockerfile, such as `ko build`. It is listed, and
    nothing rewrites it."""

    site: CallSite
    tool: str


class ComposeUse(Struct, frozen=True):
    """A `docker compose` command: its verb, the services that it names (none: all), the files
    that it reads, relative to the root, and whether it builds images itself.

    `run`, `up` and `pull` use the images of their services, built before or elsewhere; those of
    `depends_on` too, unless the command stands `alone` (`--no-deps`). `profiles` are those that
    it switches on, `given` the values that variables may have where it runs.
    """

    site: CallSite
    verb: str
    services: tuple[str, ...]
    files: tuple[str, ...]
    builds: bool
    alone: bool = False
    profiles: tuple[str, ...] = ()
    given: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Blind(Struct, frozen=True):
    """Something that looks like a build but cannot be followed: where and why.

    It is shown as *not rewritten*; a transform asks whether it could concern its files. It may
    build whatever its file names, unless it is `apart`: then what is not read stands
    elsewhere (an include of another repository), and only what is written at `place` is
    handed to it.
    """

    place: Place
    what: str
    why: str
    apart: bool = False
