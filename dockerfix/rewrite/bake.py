"""Bake files: a new one for several builds, and other values in one that stands.

Follows the Bake file reference: `context` counts from the folder in which bake is called,
`dockerfile` from the context. Knows HCL's writing; knows no pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.bake import BakeTarget
from dockerfix.facts.model import Build, Option, Tool
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.bake_matrix import wanted_by_rows
from dockerfix.rewrite.wanted import Change, Edits, Refused, Wanted
from dockerfix.text import Edit, Source, Span, relative_path

_SKIPPED = frozenset(
    {"file", "target", "tag", "cache-from", "cache-to", "build-arg", "push", "load", "output"}
)
_LISTS = {"platform": "platforms", "secret": "secret", "ssh": "ssh"}
_MAPS = {"label": "labels", "build-context": "contexts", "add-host": "extra-hosts"}
_TEXTS = {"network": "network", "shm-size": "shm-size"}
_SWITCHES = {"no-cache": "no-cache", "pull": "pull"}
SHARED = frozenset({"builder", "progress", "provenance", "sbom", "allow", "quiet"})
"""Flags that a bake call takes itself, for all of its targets."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}")


class Baked(Struct, frozen=True):
    """One target of a new bake file: its name, the build it stands for, and what it asks for.

    `cache_to` are the refs that this target writes: one writer a ref in the whole file.
    """

    name: str
    build: Build
    wanted: Wanted
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]


def bake_file(comment: Sequence[str], groups: Mapping[str, Sequence[Baked]], newline: str) -> bytes:
    """The bake file's bytes: variables, groups, a target for each build.

    Raises `Refused` for a value that HCL cannot say.
    """
    variables: dict[str, str | None] = {}
    blocks = [_target(target, variables) for targets in groups.values() for target in targets]
    lines = [f"# {line}" if line else "#" for line in comment]
    for name, default in variables.items():
        value = "null" if default is None else f'"{default}"'
        lines += ["", f'variable "{name}" {{ default = {value} }}']
    for group, targets in groups.items():
        names = ", ".join(f'"{target.name}"' for target in targets)
        lines += ["", f'group "{group}" {{ targets = [{names}] }}']
    for block in blocks:
        lines += ["", *block]
    return newline.join([*lines, ""]).encode()


def bake_variables(targets: Sequence[Baked]) -> dict[str, str | None]:
    """The variables that the bake file of these targets declares, each with its default; None
    for one that counts only where the environment sets it. Raises `Refused` for a value that HCL
    cannot say."""
    variables: dict[str, str | None] = {}
    for target in targets:
        _target(target, variables)
    return variables


def _target(baked: Baked, variables: dict[str, str | None]) -> list[str]:
    build = baked.build
    context = build.context if baked.wanted.context is None else baked.wanted.context
    writer = _Writer(build, variables)
    attributes: list[tuple[str, str]] = [
        ("context", _text(relative_path(context or "", build.folder))),
        ("dockerfile", _text(relative_path(baked.wanted.dockerfile, context or ""))),
    ]
    if baked.wanted.target is not None:
        attributes.append(("target", _text(baked.wanted.target)))
    attributes += writer.attributes()
    attributes.append(("tags", writer.list_([v.text for v in build.tags])))
    if baked.cache_from:
        attributes.append(("cache-from", writer.list_(baked.cache_from)))
    if baked.cache_to:
        attributes.append(("cache-to", writer.list_(baked.cache_to)))
    width = max(len(name) for name, _ in attributes)
    body = [f"  {name:<{width}} = {value}" for name, value in attributes]
    return [f'target "{baked.name}" {{', *body, "}"]


class _Writer:
    """Values of one build in HCL; gathers the variables that they hold."""

    def __init__(self, build: Build, variables: dict[str, str | None]) -> None:
        self.build = build
        self.variables = variables

    def string(self, text: str) -> str:
        """A template string; raises `Refused` for expansions that HCL does not know."""
        for match in _VARIABLE.finditer(text):
            default = match[2] or ""
            if self.variables.setdefault(match[1], default) != default:
                raise self.refused(f"the variable {match[1]} has several defaults")
        plain = _VARIABLE.sub("", text)
        if "${" in plain or "OPAQUE" in self.names(text):
            raise self.refused(f"{text} is computed by the shell")
        parts, at = [], 0
        for match in _VARIABLE.finditer(text):
            parts += [_escaped(text[at : match.start()]), "${" + match[1] + "}"]
            at = match.end()
        return '"' + "".join([*parts, _escaped(text[at:])]) + '"'

    def names(self, text: str) -> set[str]:
        """Names of the variables in a text."""
        return {match[1] for match in _VARIABLE.finditer(text)}

    def refused(self, what: str) -> Refused:
        """A refusal at the build's command."""
        return Refused(
            self.build.site.place, f"{what}, which a bake file cannot say", "write the value out"
        )

    def list_(self, texts: Sequence[str]) -> str:
        """A list, on one line when it is short."""
        items = [self.string(text) for text in texts]
        if len(items) == 1:
            return f"[{items[0]}]"
        return "[\n" + "".join(f"    {item},\n" for item in items) + "  ]"

    def attributes(self) -> list[tuple[str, str]]:
        """What the command's other options say; raises `Refused` for one not known."""
        lists: dict[str, list[str]] = {}
        maps: dict[str, list[tuple[str, str | None]]] = {}
        single: dict[str, str] = {}
        for option in self.build.options:
            if option.name in _SKIPPED or option.name in SHARED:
                continue
            text = option.value.text if option.value is not None else ""
            if option.name in _LISTS:
                lists.setdefault(_LISTS[option.name], []).append(text)
            elif option.name in _MAPS:
                joint = ":" if option.name == "add-host" and "=" not in text else "="
                name, _, value = text.partition(joint)
                maps.setdefault(_MAPS[option.name], []).append((name, value))
            elif option.name in _TEXTS:
                single[_TEXTS[option.name]] = self.string(text)
            elif option.name in _SWITCHES:
                single[_SWITCHES[option.name]] = "false" if text == "false" else "true"
            else:
                raise self.refused(f"the flag --{option.name}")
        if self.build.arguments:
            given = self.build.arguments
            maps["args"] = [(a.name, a.value.text if a.value is not None else None) for a in given]
        found = [(name, self.list_(texts)) for name, texts in lists.items()]
        found += [(name, self.map_(pairs)) for name, pairs in maps.items()]
        return found + list(single.items())

    def map_(self, pairs: Sequence[tuple[str, str | None]]) -> str:
        """A map, one entry a line; None is the environment's value."""
        lines = (
            f"    {_text(name)} = {self.environment(name) if text is None else self.string(text)}\n"
            for name, text in pairs
        )
        return "{\n" + "".join(lines) + "  }"

    def environment(self, name: str) -> str:
        """`--build-arg NAME` passes nothing where the environment does not set the variable; so
        does one of bake whose default is null."""
        if self.variables.setdefault(name, None) is not None:
            raise self.refused(f"the variable {name} has several defaults")
        return name


def _text(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("${", "$${").replace("%{", "%%{")


def shared_flags(builds: Sequence[Build]) -> list[str]:
    """Flags that the one call takes for all its targets; raises `Refused` where they differ."""
    first = _shared(builds[0])
    for build in builds[1:]:
        if _shared(build) != first:
            raise Refused(
                build.site.place, "its flags differ from the other builds'", "make them equal"
            )
    flags = [f"--{name}={text}" if text else f"--{name}" for name, text in first]
    for name in ("push", "load"):
        given = {getattr(build, name) for build in builds}
        if len(given) > 1:
            raise Refused(
                builds[0].site.place, f"some of the builds have --{name} and some not",
                "make them equal",
            )  # fmt: skip
        flags += [f"--{name}"] if given == {True} else []
    return flags


def _shared(build: Build) -> list[tuple[str, str]]:
    return [(o.name, _flag_text(o)) for o in build.options if o.name in SHARED]


def _flag_text(option: Option) -> str:
    return option.value.written if option.value is not None else ""


def set_bake_target(
    facts: Facts, build: Build, wanted: Wanted, every: Sequence[Change], above: Sequence[str] = ()
) -> Edits:
    """Other values in a target of a standing bake file; raises `Refused` for inherited ones,
    and for new keys in JSON. What the target inherits from one of those that `every` changes
    too is not written again; `above` are the targets that inherit from this one."""
    target = facts.bake_target(build)
    if target is None:
        raise Refused(build.site.place, "its bake target is not found", "change it by hand")
    if target.matrix:
        target, build, wanted = wanted_by_rows(facts, build, every)
    given = _inherited(facts, target, every, (*above, target.name))
    target = replace(target, attributes={**target.attributes, **given})
    source = facts.snapshot.source(target.place.path)
    edits: Edits = []
    added: list[tuple[str, str]] = []
    for key, text in _wishes(target, build, wanted):
        place = target.places.get(key)
        if place is not None and key == "dockerfile" and text == "Dockerfile":
            edits.append((place.path, _without(source, place.span)))
        elif place is not None:
            edits.append((place.path, Edit(place.span, f'"{_expanding(text)}"'.encode())))
        elif key in target.attributes and key != "context":
            raise Refused(target.place, f"{key} is inherited", f"write {key} in the target")
        else:
            added.append((key, f'"{_expanding(text)}"'))
    for key, pairs in _maps(wanted):
        place = target.places.get(key)
        if place is not None:
            edits.append((place.path, _more(source, place.span, pairs)))
        else:
            added.append((key, _map_text(source, pairs)))
    if added:
        json = target.place.path.endswith(".json")
        insert = _inserted_json if json else _inserted
        edits.append((target.place.path, insert(source, target, added)))
    return edits


def _inherited(
    facts: Facts, target: BakeTarget, every: Sequence[Change], above: Sequence[str]
) -> dict[str, str]:
    """What a target that does not say so itself gets from those that it inherits from, as far
    as these change."""
    found: dict[str, str] = {}
    parents = target.attributes.get("inherits")
    for name in parents if isinstance(parents, list) else ():
        change = next((c for c in every if _is_of(facts, c.build, target, name)), None)
        if change is None or name in above:
            continue
        try:
            set_bake_target(facts, change.build, change.wanted, every, above)
        except Refused:
            continue
        parent, wanted = change.build, change.wanted
        context = parent.context if wanted.context is None else wanted.context
        found["dockerfile"] = relative_path(wanted.dockerfile, context or "")
        if wanted.target is not None:
            found["target"] = wanted.target
    return {key: text for key, text in found.items() if key not in target.places}


def _is_of(facts: Facts, build: Build, child: BakeTarget, name: str) -> bool:
    """Whether a build is that of the target of this name in the child's file."""
    target = facts.bake_target(build) if build.tool is Tool.BAKE else None
    return target is not None and (target.place.path, target.name) == (child.place.path, name)


def _wishes(target: BakeTarget, build: Build, wanted: Wanted) -> list[tuple[str, str]]:
    """The attributes that must say something else."""
    wishes: list[tuple[str, str]] = []
    context = build.context or ""
    if wanted.context is not None and wanted.context != build.context:
        context = wanted.context
        text = relative_path(context, build.folder)
        dotted = _attribute(target, "context").startswith("./") and not text.startswith(".")
        wishes.append(("context", f"./{text}" if dotted else text))
    file = relative_path(wanted.dockerfile, context)
    default = "dockerfile" not in target.attributes and file == "Dockerfile"
    if file != _attribute(target, "dockerfile") and not default:
        wishes.append(("dockerfile", file))
    if wanted.target is not None and wanted.target != _attribute(target, "target"):
        wishes.append(("target", wanted.target))
    return wishes


def _maps(wanted: Wanted) -> list[tuple[str, list[tuple[str, str]]]]:
    """What is added, by the maps of a target; a value from the environment is a variable of
    bake, which must be declared: it is left to `*.args` of the call."""
    arguments = [(name, text) for name, text in wanted.arguments if text is not None]
    found = [("contexts", list(wanted.named_contexts)), ("args", arguments)]
    return [(key, pairs) for key, pairs in found if pairs]


def _map_text(source: Source, pairs: Sequence[tuple[str, str]]) -> str:
    """A new map, one entry a line when it has several."""
    if source.path.endswith(".json"):
        members = ", ".join(f'"{name}": "{_expanding(text)}"' for name, text in pairs)
        return f"{{{members}}}"
    if len(pairs) == 1:
        return f'{{ {pairs[0][0]} = "{_expanding(pairs[0][1])}" }}'
    newline = source.newline.bytes.decode()
    lines = "".join(f'    {name} = "{_expanding(text)}"{newline}' for name, text in pairs)
    return "{" + newline + lines + "  }"


def _more(source: Source, span: Span, pairs: Sequence[tuple[str, str]]) -> Edit:
    """Entries behind the last one of a map, in its form."""
    text = source.text(span)
    json = source.path.endswith(".json")
    signs = [f'"{n}": "{_expanding(t)}"' if json else f'{n} = "{_expanding(t)}"' for n, t in pairs]
    inner = text[1:-1].rstrip()
    at = span.start + 1 + len(inner.encode())
    if "\n" not in text:
        joint = ", " if inner.strip() else " "
        return Edit(Span(at, at), (joint + ", ".join(signs)).encode())
    last = inner.rsplit("\n", 1)[-1]
    indent = source.newline.bytes.decode() + last[: len(last) - len(last.lstrip())]
    comma = "," if json or inner.endswith(",") else ""
    head = comma if comma and not inner.endswith(",") else ""
    tail = comma if inner.endswith(",") else ""
    joined = (comma + indent).join(signs)
    return Edit(Span(at, at), f"{head}{indent}{joined}{tail}".encode())


def _without(source: Source, span: Span) -> Edit:
    """An attribute that says what is the default, with its line."""
    line = source.line_of(span.start)
    rest = source.text(Span(span.end, line.end)).strip()
    head = source.text(Span(line.start, span.start)).strip()
    if rest in ("", ",") and head.rstrip("=: ").strip('"') == "dockerfile" and not rest:
        return Edit(line, b"")
    return Edit(span, b'"Dockerfile"')


def _inserted(source: Source, target: BakeTarget, added: Sequence[tuple[str, str]]) -> Edit:
    """New attributes below one that stands there, with their signs in its column."""
    newline = source.newline.bytes.decode()
    names = ("dockerfile", "context", *target.places)
    place = next((target.places[name] for name in names if name in target.places), None)
    if place is None:
        at = source.data.find(b"{", target.place.span.start) + 1
        return Edit(Span(at, at), "".join(f"{newline}  {k} = {v}" for k, v in added).encode())
    line = source.line_of(place.span.start)
    head = source.text(Span(line.start, place.span.start))
    indent = head[: len(head) - len(head.lstrip())]
    width = len(head.partition("=")[0]) - len(indent) - 1
    text = "".join(f"{indent}{key:<{width}} = {value}{newline}" for key, value in added)
    end = source.line_of(max(place.span.end - 1, place.span.start)).end
    return Edit(Span(end, end), text.encode())


def _inserted_json(source: Source, target: BakeTarget, added: Sequence[tuple[str, str]]) -> Edit:
    """New members behind one that stands in the object, in lines of their own where that does."""
    names = ("dockerfile", "context", *target.places)
    place = next((target.places[name] for name in names if name in target.places), None)
    members = [f'"{key}": {text}' for key, text in added]
    if place is None:
        at = source.data.find(b"{", target.place.span.start) + 1
        return Edit(Span(at, at), ", ".join(members).encode())
    line = source.line_of(place.span.start)
    head = source.text(Span(line.start, place.span.start))
    indent = head[: len(head) - len(head.lstrip())]
    alone = head.lstrip().startswith('"') and head.count('"') == 2
    joint = f",{source.newline.bytes.decode()}{indent}" if alone else ", "
    at = place.span.end
    return Edit(Span(at, at), "".join(f"{joint}{member}" for member in members).encode())


def _attribute(target: BakeTarget, key: str) -> str:
    value = target.attributes.get(key)
    return value if isinstance(value, str) else ""


def _expanding(text: str) -> str:
    """A text whose `${NAME}` stay expansions."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
