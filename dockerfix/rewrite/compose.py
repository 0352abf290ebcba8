"""Compose services: another Dockerfile, target, context or build argument for their build.

Knows the Compose Specification's `build` section; knows nothing of commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.compose import Service
from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Change, Edits, Refused, Wanted, below_value
from dockerfix.rewrite.yaml_edits import (
    add_key,
    column,
    entry_lines,
    inserted_line,
    quoted,
    set_scalar,
)
from dockerfix.syntax.yaml.tree import Entry, Mapping, Scalar
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Span, relative_path


def set_service(
    facts: Facts, service: Service, build: Build, wanted: Wanted, changes: Sequence[Change]
) -> Edits:
    """Edits of one service; `changes` are all that is asked for.

    A `build` that serves several services is edited where it stands when all of them want
    the same; raises `Refused` otherwise.
    """
    context = build.context if wanted.context is None else wanted.context
    if context is None:
        raise Refused(service.place, "the context of this service is not known", "write it out")
    file = relative_path(wanted.dockerfile, context)
    target = wanted.target
    if service.build.file is not service.file:
        return _extending(facts, service, wanted, changes)
    if isinstance(service.build, Scalar):
        return _short(service, service.build, build, wanted, file, target)
    own = service.build
    if service.aliased and not _all_want(facts, own, wanted, changes):
        raise Refused(
            service.place,
            "its build section serves other services too",
            "write the build section in the service",
        )
    edits = _Long(service, own)
    below = _parent(facts, service, own, changes)
    if below == wanted and all(edits.inherits(key, True) for key in ("dockerfile", "target")):
        return []
    if wanted.context is not None and wanted.context != build.context:
        edits.set("context", _context_text(build, wanted), "")
    _set_file(edits, file, wanted, below)
    if target is not None and not edits.inherits(
        "target", below is not None and below.target == target
    ):
        edits.set("target", target, "dockerfile")
    return edits.finished(_maps(wanted))


def _set_file(edits: _Long, file: str, wanted: Wanted, below: Wanted | None) -> None:
    """The Dockerfile of a build section, written where it is not the usual one."""
    there = edits.service.scalar("dockerfile") is not None
    if there and file == "Dockerfile" and wanted.context is not None:
        edits.remove("dockerfile")
    elif (there or file != "Dockerfile") and not edits.inherits(
        "dockerfile", below is not None and below.dockerfile == wanted.dockerfile
    ):
        edits.set("dockerfile", file, "context")


def _extending(facts: Facts, service: Service, wanted: Wanted, changes: Sequence[Change]) -> Edits:
    """A service whose whole build stands in another file: it follows the service there, which
    must come to want the same."""
    asked = {c.build.site.place: c.wanted for c in changes}
    givers = (s for s in facts.compose.services if s.build is service.build and s is not service)
    if any(asked.get(s.place) == wanted for s in givers if s.file is service.build.file):
        return []
    what = "it extends a service of another file, which goes on as it is"
    raise Refused(service.place, what, "write the build section in the service")


def _parent(
    facts: Facts, service: Service, own: Mapping, changes: Sequence[Change]
) -> Wanted | None:
    """What is wanted of the service whose build this one lies over (an override file's base,
    an `extends`): it is the one that the context comes from."""
    entry = own.entry("context")
    if entry is None or not entry.aliased:
        return None
    asked = {c.build.site.place: c.wanted for c in changes}
    givers = [
        other
        for other in facts.compose.services
        if other.place != service.place and other.scalar("context") is entry.value
    ]
    same = [other for other in givers if other.name == service.name]
    first = next(iter([*same, *givers]), None)
    return asked.get(first.place) if first is not None else None


def _maps(wanted: Wanted) -> list[tuple[str, list[tuple[str, str]]]]:
    """What is added, by the keys of `build`; a value from the environment is written so."""
    arguments = [(n, v if v is not None else f"${{{n}:-scratch}}") for n, v in wanted.arguments]
    found = [("additional_contexts", list(wanted.named_contexts)), ("args", arguments)]
    return [(key, pairs) for key, pairs in found if pairs]


def _all_want(facts: Facts, node: Mapping, wanted: Wanted, changes: Sequence[Change]) -> bool:
    """Whether every service that reads a mapping, merges included, wants the same of it."""
    asked = {c.build.site.place: c.wanted for c in changes}
    for service in facts.compose.services:
        if not isinstance(service.build, Mapping) or service.file is not node.file:
            continue
        merged = [e.value for e in service.build.entries if e.key.text == "<<"]
        if service.build is node and asked.get(service.place) != wanted:
            return False
        if any(part is node for part in merged):
            own = asked.get(service.place)
            overridden = {e.key.text for e in service.build.entries}
            if own is None and not {"dockerfile", "target"} <= overridden:
                return False
    return True


def _short(
    service: Service,
    scalar: Scalar,
    build: Build,
    wanted: Wanted,
    file: str,
    target: str | None,
) -> Edits:
    """`build: ./folder` becomes the long form."""
    if service.aliased:
        raise Refused(service.place, "its build is written elsewhere", "write it in the service")
    source = service.file.source
    path = source.path
    lines = [("context", _context(scalar, build, wanted))]
    if file != "Dockerfile":
        lines.append(("dockerfile", quoted(file)))
    if target is not None:
        lines.append(("target", quoted(target)))
    if len(lines) == 1 and not _maps(wanted):
        return [(path, set_scalar(scalar, _context_text(build, wanted)))]
    start = service.build_entry.key.span.end + 1
    body = service.entry.value
    if isinstance(body, Mapping) and body.flow:
        if _maps(wanted):
            raise Refused(service.place, "the service is a flow mapping", "write a block")
        inside = ", ".join(f"{key}: {_in_flow(value)}" for key, value in lines)
        return [(path, Edit(Span(start, scalar.span.end), f" {{{inside}}}".encode()))]
    indent = column(source, service.build_entry.key.span.start)
    step = max(indent - column(source, service.entry.key.span.start), 2)
    newline = source.newline.bytes.decode()
    pad = newline + " " * (indent + step)
    text = "".join(f"{pad}{key}: {value}" for key, value in lines)
    for key, pairs in _maps(wanted):
        text += f"{pad}{key}:" + "".join(
            f"{pad}{' ' * step}{name}: {quoted(value)}" for name, value in pairs
        )
    return [(path, Edit(Span(start, scalar.span.end), text.encode()))]


def _in_flow(value: str) -> str:
    """A scalar as a flow mapping can hold it: there, brackets and commas end a plain one."""
    plain = value[:1] not in ("'", '"') and not set(value).isdisjoint("{}[],")
    return quoted(value, '"') if plain else value


def _context(scalar: Scalar, build: Build, wanted: Wanted) -> str:
    if wanted.context is None:
        return scalar.file.source.text(scalar.span)
    return quoted(_context_text(build, wanted), scalar.style)


def _context_text(build: Build, wanted: Wanted) -> str:
    """The context seen from the Compose file's folder, `./` kept where it was written so."""
    old = build.context_written.text if build.context_written is not None else ""
    if wanted.context is None:
        return old
    written = build.context_written.written if build.context_written is not None else ""
    behind = below_value(Change(build, wanted), written)
    if behind is not None:
        return behind
    text = relative_path(wanted.context, build.folder)
    return f"./{text}" if old.startswith("./") and not text.startswith(".") else text


class _Long:
    """Edits of a long `build`; keys that come in one place are put in together."""

    def __init__(self, service: Service, own: Mapping) -> None:
        self.service = service
        self.own = own
        self.path = service.file.source.path
        self.found: Edits = []
        self.added: list[tuple[str, str]] = []
        self.after = ""

    def set(self, key: str, text: str, after: str) -> None:
        """Give a key its text; a key that is not written here is added."""
        node = self.own.get(key)
        if isinstance(node, Scalar) and node.text == text:
            return
        entry = self.own.entry(key)
        if entry is not None and not entry.aliased:
            if not isinstance(entry.value, Scalar):
                raise Refused(self.service.place, f"{key} is not a string", "write it out")
            self.found.append((self.path, set_scalar(entry.value, text)))
            return
        if not self.added:
            self.after = after if self.own.entry(after) is not None else "context"
        self.added.append((key, quoted(text)))

    def inherits(self, key: str, same_below: bool) -> bool:
        """Whether the key need not stand here, since what lies below gives it."""
        entry = self.own.entry(key)
        return same_below and (entry is None or entry.aliased)

    def remove(self, key: str) -> None:
        """Take out a key whose value is the default now."""
        entry = self.own.entry(key)
        if entry is None or entry.aliased or self.own.flow:
            self.set(key, "Dockerfile", "context")
            return
        self.found.append((self.path, Edit(entry_lines(entry), b"")))

    def finished(self, maps: Sequence[tuple[str, list[tuple[str, str]]]]) -> Edits:
        """All edits, with entries of maps added."""
        new: list[str] = []
        for key, pairs in maps:
            entry = self.own.entry(key)
            if entry is None or entry.aliased:
                new.append(self.block(key, pairs))
            else:
                self.found += self.more(entry, pairs)
        if new or self.added:
            self.found += [(self.path, edit) for edit in self.insertions(self.own, new)]
        return self.found

    def block(self, key: str, pairs: list[tuple[str, str]]) -> str:
        """A new map below a key, as whole lines."""
        if self.own.flow:
            raise Refused(
                self.service.place, "its build section is a flow mapping", "write a block"
            )
        source = self.own.file.source
        indent = column(source, self.own.entries[0].key.span.start)
        step = max(indent - column(source, self.service.build_entry.key.span.start), 2)
        lines = [" " * indent + f"{key}:"]
        lines += [f"{' ' * (indent + step)}{name}: {quoted(text)}" for name, text in pairs]
        return "\n".join(lines)

    def insertions(self, own: Mapping, blocks: Sequence[str]) -> list[Edit]:
        """The new keys as one edit, since two insertions at one offset have no order."""
        if own.flow:
            first = add_key(own, *self.added[0], after=self.after)
            text = b"".join(f", {key}: {_in_flow(value)}".encode() for key, value in self.added)
            return [Edit(first.span, text)]
        here = next(e for e in own.entries if own.span.contains(e.key.span))
        indent = " " * column(own.file.source, here.key.span.start)
        lines = [f"{indent}{key}: {value}" for key, value in self.added]
        last = own.entries[-1].key.text
        edits: list[Edit] = []
        if lines and (self.after != last or not blocks):
            at = add_key(own, *self.added[0], after=self.after).span.start
            edits.append(inserted_line(own.file.source, at, "\n".join(lines)))
            lines = []
        if blocks:
            at = add_key(own, "key", "", after=last).span.start
            edits.append(inserted_line(own.file.source, at, "\n".join([*lines, *blocks])))
        return edits

    def more(self, entry: Entry, pairs: list[tuple[str, str]]) -> Edits:
        """More entries in a map or list that stands here, in its own form."""
        source = self.own.file.source
        value = entry.value
        if isinstance(value, Mapping) and value.flow:
            text = "".join(f", {name}: {quoted(v)}" for name, v in pairs)
            at = value.entries[-1].span.end if value.entries else value.span.start + 1
            return [(self.path, Edit(Span(at, at), text.encode()))]
        if isinstance(value, Mapping) and value.entries:
            indent = " " * column(source, value.entries[0].key.span.start)
            lines = "\n".join(f"{indent}{name}: {quoted(v)}" for name, v in pairs)
            at = add_key(value, "key", "").span.start
            return [(self.path, inserted_line(source, at, lines))]
        if isinstance(value, YamlSequence) and value.items and not value.flow:
            last = value.items[-1]
            dash = column(source, last.span.start) - 2
            lines = "\n".join(f"{' ' * dash}- {quoted(f'{n}={v}')}" for n, v in pairs)
            at = source.line_of(last.span.end - 1).end
            return [(self.path, inserted_line(source, at, lines))]
        raise Refused(self.service.place, "args is in a form that is not known", "write a map")
