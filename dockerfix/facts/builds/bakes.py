"""Bake calls as builds: files merged, targets picked, `--set` applied, variables filled in.

Follows the Bake reference: paths count from the folder of the call, a later file of `-f`
overrides an earlier one attribute by attribute, Compose files are bake files too. Knows calls
of bake; how a bake file is read stands in `bake`.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.bake import BakeFile, BakeTarget, Plain, merge_bake, parse_bake
from dockerfix.facts.builds.services import service_build
from dockerfix.facts.commands.docker_command import is_remote, located, pushes
from dockerfix.facts.commands.gathered import BakeCall
from dockerfix.facts.compose import BASE_NAMES, ComposeFiles, Service, is_compose
from dockerfix.facts.model import (
    Build,
    BuildArgument,
    CallSite,
    Option,
    SiteKind,
    Tool,
    Value,
)
from dockerfix.facts.shell.words import Scope, remaining, replaced
from dockerfix.text import Place, Snapshot, SnapshotError, Source, Span

BAKE_NAMES = (
    "docker-bake.json", "docker-bake.override.json", "docker-bake.hcl", "docker-bake.override.hcl",
)  # fmt: skip
"""The bake files that a call without `-f` merges, after Compose's."""


@dataclass(slots=True)
class Bakes:
    """Bake calls of one snapshot; `note` is told what cannot be followed, `used` gathers the
    bake files that a call reads."""

    snapshot: Snapshot
    compose: ComposeFiles
    note: Callable[[Place, str, str], None]
    used: set[str]
    merged: dict[tuple[str, ...], tuple[BakeFile, str]] = field(default_factory=dict)
    """The files that calls read together, merged, with the folder of the first such call."""
    picked: set[Place] = field(default_factory=set)
    """The targets that some call asks for, by their places."""

    def builds(self, call: BakeCall) -> Iterator[Build]:
        """One build for each target of a bake call."""
        files = self.files(call)
        if files is None:
            self.note(call.site.place, "a bake call", "its folder or file is not known")
            return
        paths = tuple(path for path in files if not is_compose(path))
        merged = self.read(paths)
        self.merged.setdefault(paths, (merged, call.folder or ""))
        services = [s for s in self.compose.services if s.file.source.path in files]
        if any(not value.known for value in call.targets):
            self.note(call.site.place, "a bake call", "its targets hold a variable")
        names = tuple(value.text for value in call.targets)
        picked = merged.selected(names)
        self.picked |= {target.place for target in picked}
        for target in picked:
            yield baked(call, target, merged.variables)
        chosen = {target.name for target in picked}
        for service in services:
            if service.name not in chosen and (service.name in names or not names):
                yield served(call, service, self.snapshot)
                chosen.add(service.name)
        if not chosen and not names:
            self.note(call.site.place, "a bake call", "it names no target, and none is the default")
        for name in names:
            if name not in chosen and name not in merged.groups and "${" not in name:
                self.note(call.site.place, "a bake call", f"no target {name} is found")

    def files(self, call: BakeCall) -> list[str] | None:
        """The paths that a call reads; None where they cannot be known."""
        if call.folder is None:
            return None
        if not call.files:
            paths = [posixpath.join(call.folder, name) for name in (*BASE_NAMES, *BAKE_NAMES)]
            return [path for path in paths if path in self.snapshot]
        found = []
        for value in call.files:
            path = located(value.text, call.folder, "the bake file", [])
            if path is None or path not in self.snapshot:
                return None
            found.append(path)
        return found

    def read(self, paths: Iterable[str]) -> BakeFile:
        """Bake files merged, with what cannot be read noted once."""
        merged = BakeFile("", {}, {}, {}, ())
        for path in paths:
            try:
                file = self.snapshot.derive(path, parse_bake)
            except SnapshotError as error:
                self.note(Source(path, b"").place(Span(0, 0)), "a bake file", error.why)
                continue
            for place in file.broken if path not in self.used else ():
                self.note(place, "a bake file", "this part of it cannot be read")
            for place, why in file.unread if path not in self.used else ():
                self.note(place, "a bake target", why)
            self.used.add(path)
            merged = merge_bake(merged, file)
        return merged

    def uncalled(self, path: str) -> Iterator[Build]:
        """All targets of a bake file that no call names, as a person would run it there."""
        file = self.read([path])
        folders = dict.fromkeys((posixpath.dirname(path), ""))
        for target in file.targets.values():
            tries = [self.alone(target, file, folder) for folder in folders]
            # Paths count from where bake is called: there the Dockerfile must be.
            yield next((build for build in tries if build.dockerfile in self.snapshot), tries[0])

    def unpicked(self) -> Iterator[Build]:
        """The targets that no call asks for, of files that calls read, but for those that only
        others inherit or build on: these stand for no image of their own."""
        given: set[tuple[Place, str]] = set()
        for merged, folder in self.merged.values():
            below = set(_built_on(merged))
            for target in merged.targets.values():
                key = (target.place, target.name)
                base = target.name in below and not _stands_alone(target)
                if target.place in self.picked or base or key in given:
                    continue
                given.add(key)
                yield self.alone(target, merged, folder)

    def alone(self, target: BakeTarget, file: BakeFile, folder: str) -> Build:
        """A target that no call names, as if bake were called in a folder."""
        site = CallSite(SiteKind.BAKE, target.name, target.place)
        call = BakeCall(site, folder, (), (), False, (), Scope())
        return replace(baked(call, target, file.variables), site=site)


def _built_on(file: BakeFile) -> Iterator[str]:
    """The targets that others inherit, or that they name as a context."""
    for target in file.targets.values():
        parents, contexts = target.attributes.get("inherits"), target.attributes.get("contexts")
        yield from parents if isinstance(parents, list) else ()
        for text in contexts.values() if isinstance(contexts, dict) else ():
            yield text.removeprefix("target:")


def _stands_alone(target: BakeTarget) -> bool:
    """Whether a target that others inherit is one of its own too: it has a tag, and its name is
    none of a template (Bake's guide writes `_common`)."""
    return bool(target.attributes.get("tags")) and not target.name.startswith("_")


def baked(call: BakeCall, target: BakeTarget, variables: Mapping[str, Plain]) -> Build:
    """A bake target as a build; a variable has the environment's value, else its default."""
    reader = _Target(call, _set(call, target), variables)
    return reader.build()


def _set(call: BakeCall, target: BakeTarget) -> BakeTarget:
    """The target after `--set target.attribute=value`."""
    attributes = dict(target.attributes)
    places = dict(target.places)
    for value in call.sets:
        left, equals, text = value.text.partition("=")
        pattern, dot, attribute = left.partition(".")
        if not (equals and dot and fnmatch.fnmatchcase(target.name, pattern)):
            continue
        name, _, key = attribute.partition(".")
        old = attributes.get(name)
        if name in ("args", "contexts", "labels"):
            attributes[name] = {**(old if isinstance(old, dict) else {}), key: text}
        elif name in _LISTS:
            attributes[name] = [text]
        else:
            attributes[name.rstrip("+")] = text
        if value.place is not None:
            places[name] = value.place
    return replace(target, attributes=attributes, places=places)


_LISTS = frozenset({"tags", "cache-from", "cache-to", "platform", "platforms", "output", "secret"})


class _Target(Struct, frozen=True):
    """One target of one call. Private to `baked`."""

    call: BakeCall
    target: BakeTarget
    variables: Mapping[str, Plain]

    def build(self) -> Build:
        """The target as a build."""
        unknown: list[str] = []
        call, target = self.call, self.target
        folder = call.folder or ""
        context = self.value("context") or Value(".", ".")
        file = self.value("dockerfile")
        where, dockerfile = self.places(context, file, unknown)
        outputs = self.values("output")
        return Build(
            site=replace(call.site, through=(*call.site.through, f"bake target {target.name}")),
            tool=Tool.BAKE,
            context=where,
            dockerfile=dockerfile,
            context_written=context,
            dockerfile_written=file,
            target=self.value("target"),
            arguments=self.arguments(),
            tags=self.values("tags"),
            cache_from=self.values("cache-from"),
            cache_to=self.values("cache-to"),
            platforms=self.values("platforms") or self.values("platform"),
            secrets=self.values("secret"),
            named_contexts=self.pairs("contexts"),
            push=call.push or any(pushes(v.text) for v in outputs),
            options=self.options(),
            definition=target.place,
            folder=folder,
            unknown=tuple(unknown),
        )  # fmt: skip

    def places(
        self, context: Value, file: Value | None, unknown: list[str]
    ) -> tuple[str | None, str | None]:
        """The context and the Dockerfile as paths; adds to `unknown` why one is not known."""
        where = None
        if is_remote(context.text):
            unknown.append("the context is an address or standard input")
        else:
            where = located(context.text, self.call.folder or "", "the context", unknown)
        if "dockerfile-inline" in self.target.attributes:
            unknown.append("the Dockerfile is written in the bake file")
        elif where is not None:
            named = file.text if file is not None else "Dockerfile"
            return where, located(named, where, "the Dockerfile", unknown)
        return where, None

    def options(self) -> tuple[Option, ...]:
        """Attributes that `docker buildx build` takes as options and that change the image."""
        place = self.target.place
        found = [
            Option("label", self.filled(f"{label.name}={label.value}", "labels"), place, True)
            for label in self.pairs("labels")
        ]
        found += [
            Option("add-host", self.filled(f"{host.name}:{host.value}", "extra-hosts"), place, True)
            for host in self.pairs("extra-hosts")
        ]
        for attribute in (
            "annotations", "attest", "network", "no-cache", "pull", "shm-size", "ssh",
        ):  # fmt: skip
            name = attribute.removesuffix("s") if attribute == "annotations" else attribute
            found += [Option(name, value, place, True) for value in self.values(attribute)]
        given = {flag.name for flag in self.call.flags}
        return (*(option for option in found if option.name not in given), *self.call.flags)

    def value(self, name: str) -> Value | None:
        """A text attribute with its variables filled in."""
        plain = self.target.attributes.get(name)
        return self.filled(plain, name) if isinstance(plain, str) else None

    def values(self, name: str) -> tuple[Value, ...]:
        """A list attribute."""
        plain = self.target.attributes.get(name)
        listed = plain if isinstance(plain, list) else [plain] if isinstance(plain, str) else []
        found = (self.filled(item, name) for item in listed)
        return tuple(value for value in found if value.text)

    def arguments(self) -> tuple[BuildArgument, ...]:
        """The build arguments. A variable whose default is null is null where the environment
        does not set it, and bake passes no argument that is null ("target.args"): so
        `NAME = NAME` says what `--build-arg NAME` says."""
        return tuple(
            BuildArgument(argument.name, None) if self.from_environment(argument) else argument
            for argument in self.pairs("args")
        )

    def from_environment(self, argument: BuildArgument) -> bool:
        """Whether an argument is the environment's variable of its name, if that is set."""
        name, value = argument.name, argument.value
        null = name in self.variables and self.variables[name] is None
        return null and value is not None and value.text == "${" + name + "}"

    def pairs(self, name: str) -> tuple[BuildArgument, ...]:
        """A map attribute."""
        plain = self.target.attributes.get(name)
        items = plain.items() if isinstance(plain, dict) else ()
        return tuple(BuildArgument(key, self.filled(text, name)) for key, text in items)

    def filled(self, plain: str, name: str) -> Value:
        """A text with what its variables hold; one without a value stays by name."""
        text = filled(plain, self.lookup)
        place = self.target.places.get(name, self.target.place)
        return Value(plain, text, remaining(text), self.choices(text), place)

    def choices(self, text: str) -> tuple[str, ...]:
        """Every expansion, where the calling shell gives one of its variables several values."""
        for name in remaining(text):
            bound = self.call.variables.environment.look(name)
            if name in self.variables and bound is not None and bound.choices:
                return tuple(text.replace("${" + name + "}", choice) for choice in bound.choices)
        return ()

    def lookup(self, name: str) -> str | None:
        """The environment's value where the call runs, else the bake file's default. What the
        shell gave a value and did not export is in no environment."""
        bound = self.call.variables.environment.look(name)
        if name in self.variables and bound is not None and not bound.choices:
            return bound.text
        default = self.variables.get(name)
        if not isinstance(default, str):
            return None
        if name in self.call.variables.own:
            return filled(default, self.lookup)
        # The caller's environment may set it: only a variable says so.
        inner = filled(default, self.lookup) if "${" in default else default
        return "${" + name + ":-" + inner + "}" if inner else None


def filled(text: str, lookup: Callable[[str], str | None]) -> str:
    """`${NAME}` replaced by what `lookup` gives; None leaves it."""
    for name in remaining(text):
        value = lookup(name)
        if value is not None and value != "${" + name + "}":
            text = replaced(text, "${" + name + "}", value)
    return text


def served(call: BakeCall, service: Service, snapshot: Snapshot) -> Build:
    """A Compose service that bake builds."""
    build = service_build(service, snapshot)
    through = (*call.site.through, f"Compose service {service.name}")
    return replace(
        build,
        site=replace(call.site, through=through),
        tool=Tool.BAKE,
        push=call.push,
        definition=service.place,
    )
