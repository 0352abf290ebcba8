"""One command of a script: a build, a call of bake or Compose, or what tags, pushes, or is said.

Knows which of them a command is and where it stands; how it is read stands in `recognise`,
`docker_command` and `image_command`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.facts.builds.scripts.hidden_tool import possible_tools
from dockerfix.facts.builds.scripts.unread_command import unread_command
from dockerfix.facts.commands.docker_command import arguments_of, make_build
from dockerfix.facts.commands.gathered import BakeCall, Carrier, ComposeCall
from dockerfix.facts.commands.image_command import handles_images, image_call
from dockerfix.facts.commands.recognise import Recognised, bare_builder, recognise, unwrapped
from dockerfix.facts.model import BareBuild, Build, Call, CallSite, SiteKind, Tool, Value
from dockerfix.facts.shell.paths import globbed
from dockerfix.facts.shell.state import State
from dockerfix.syntax.shell import Command
from dockerfix.text import join_path

if TYPE_CHECKING:
    from dockerfix.facts.builds.scripts.following import Following


def read_command(
    follower: Following, words: tuple[Value, ...], item: Command, carrier: Carrier, state: State
) -> None:
    """A command that builds, tags or pushes, if it is one."""
    recognised = recognise(words)
    if recognised is None and _may_vanish(words):
        behind = recognise(words[1:])
        if behind is not None and _names_file(behind, words, item, carrier, state):
            # `$DRY docker build`: it runs where the variable holds nothing, or `sudo`.
            recognised, state = behind, state.branch()
    if recognised is None:
        if not _behind_variable(follower, words, item, carrier, state):
            _other_command(follower, words, item, carrier, state)
        return
    site, calls = _site(words, item, carrier)
    if recognised.tool in (Tool.BAKE, Tool.COMPOSE):
        read_indirect(follower, recognised, site, state)
        return
    build = make_build(recognised, site, state.folder, follower.snapshot.entries)
    if build is not None and not _is_prose(carrier, build):
        _keep(follower, build, calls, state)


def _may_vanish(words: tuple[Value, ...]) -> bool:
    """Whether the first word is a variable that may hold nothing, or a command that runs others."""
    first = words[0]
    lone = first.written[:1] == "$" and first.text == "${" + first.carrier + "}"
    return lone and (not first.choices or "" in first.choices)


def _names_file(
    command: Recognised, words: tuple[Value, ...], item: Command, carrier: Carrier, state: State
) -> bool:
    """Whether a command is one whose words tell what it builds: without a context it may be the
    variable's own words that do."""
    if command.tool in (Tool.BAKE, Tool.COMPOSE):
        return True
    build = make_build(command, _site(words, item, carrier)[0], state.folder)
    return build is not None and build.dockerfile is not None


def _keep(follower: Following, build: Build, calls: tuple[Call, ...], state: State) -> None:
    """Note a build that a command asks for."""
    build = _with_glob(_of_one_context(build), follower, state)
    held = {name: b.text for name, b in state.scope.variables.items() if not b.choices}
    follower.found.builds.append(
        replace(build, calls=calls, variables=held, condition=_condition(state))
    )


def _condition(state: State) -> str:
    return "a condition of its script" if state.conditional else ""


def _behind_variable(
    follower: Following, words: tuple[Value, ...], item: Command, carrier: Carrier, state: State
) -> bool:
    """A build of a tool that is a variable; False where the tools that it may be differ in what
    they build, and for any other command."""
    if carrier.kind is SiteKind.DOCUMENT:
        return False
    inner = unwrapped(words)
    place = inner[0].place if inner else None
    written = carrier.source.text(place.span) if place is not None else ""
    tools = possible_tools(words, written)
    site, calls = _site(words, item, carrier) if tools else (None, ())
    if site is None:
        return False
    made = [make_build(tool, site, state.folder, follower.snapshot.entries) for tool in tools]
    builds = [build for build in made if build is not None]
    meant = {(build.dockerfile, build.context, build.options) for build in builds}
    if len(builds) < len(made) or len(meant) != 1:
        return False
    # A function of the builder's name hands on `push NAME` too: words of a build name a file.
    if builds[0].dockerfile is None or builds[0].dockerfile not in follower.snapshot:
        return False
    doubt = f"the tool is a variable: {written}"
    others = tuple(build.tool for build in builds[1:])
    build = replace(builds[0], unknown=(*builds[0].unknown, doubt), other_tools=others)
    _keep(follower, build, calls, state)
    return True


def _of_one_context(build: Build) -> Build:
    """A build whose context is a pattern is not known: the shell hands over what it matches."""
    written = build.context_written
    if build.context is None or written is None or not _is_pattern(written):
        return build
    found = build.dockerfile if build.dockerfile_written is not None else None
    why = f"the context {written.text} is a pattern"
    return replace(build, context=None, dockerfile=found, unknown=(*build.unknown, why))


def _is_pattern(word: Value) -> bool:
    """Whether the shell puts file names in the place of a word."""
    return word.written[:1] not in ("'", '"') and any(sign in word.text for sign in "*?[")


def _with_glob(build: Build, follower: Following, state: State) -> Build:
    """A build whose Dockerfile is a pattern, with the file that the shell puts in its place; not
    known unless there is one such file."""
    written = build.dockerfile_written
    if build.dockerfile is None or written is None or not _is_pattern(written):
        return build
    found = globbed(follower.snapshot, state.folder, written.text)
    path = join_path(state.folder or "", found[0]) if len(found) == 1 else None
    if path is not None:
        return replace(build, dockerfile=path)
    why = f"{written.text} matches {len(found)} files, and the shell hands them all over"
    return replace(build, dockerfile=None, unknown=(*build.unknown, why))


def _other_command(
    follower: Following,
    words: tuple[Value, ...],
    item: Command,
    carrier: Carrier,
    state: State,
) -> None:
    """A command that tags or pushes, or that seems to build in a way that is not read."""
    # Most commands are neither: what costs is done for those that may be.
    if handles_images(words):
        image = image_call(words, _site(words, item, carrier)[0])
        if image is not None:
            follower.found.images.append(replace(image, condition=_condition(state)))
    tool = bare_builder(words)
    if tool is not None:
        follower.found.bare.append(BareBuild(_site(words, item, carrier)[0], tool))
        return
    if carrier.kind is SiteKind.DOCUMENT:
        return  # it tells people what to run, and promises no build
    said = unread_command(words, item, follower.snapshot, state.folder)
    if said is not None:
        follower.blind(carrier.source.place(item.span), *said)


def read_indirect(
    follower: Following, recognised: Recognised, site: CallSite, state: State
) -> None:
    """A command whose builds stand in other files: bake and Compose."""
    if recognised.tool is Tool.BAKE and arguments_of(recognised).has("print"):
        follower.found.scanned.append(site.place)  # it says what it would build
    elif recognised.tool is Tool.BAKE:
        follower.found.bakes.append(_bake(recognised, site, state))
    else:
        call = ComposeCall(site, recognised.rest, state.scope, state.folder)
        follower.found.composes.append(call)


def _is_prose(carrier: Carrier, build: Build) -> bool:
    """Whether a document or a program only names the command, as in "run `docker build`"."""
    told = carrier.kind is SiteKind.DOCUMENT
    told |= carrier.kind is SiteKind.PYTHON and build.context is None
    return told and build.context_written is None


def _site(
    words: tuple[Value, ...], item: Command, carrier: Carrier
) -> tuple[CallSite, tuple[Call, ...]]:
    """Where the command stands. A function that runs its arguments (`"$@"`) is no more than a
    way to run them: the command stands in its call."""
    place = carrier.source.place(item.span)
    calls = carrier.calls
    while calls and words[0].place in calls[-1].arguments and words[0].place is not None:
        place, calls = calls[-1].place, calls[:-1]
    return CallSite(carrier.kind, carrier.name, place, carrier.through, carrier.machine), calls


def _bake(recognised: Recognised, site: CallSite, state: State) -> BakeCall:
    arguments = arguments_of(recognised)
    return BakeCall(
        site,
        state.folder,
        arguments.values("file"),
        (*arguments.positional, *arguments.loose),
        arguments.has("push"),
        arguments.values("set"),
        state.scope,
        tuple(option for option in arguments.options if option.name in _OF_ALL_TARGETS),
    )


_OF_ALL_TARGETS = frozenset({"no-cache", "provenance", "pull", "sbom"})
"""Flags of bake that override what its targets say, and change the images."""
