"""Another text for a value where it is written: in the command, or where a variable gets it.

A text that is the same for all builds goes into the command; one that differs goes to the
argument of a call, or to the value of a loop or a matrix, where nothing else reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerfix.facts.model import Build, SiteKind, Value
from dockerfix.rewrite.command.functions import local_names
from dockerfix.rewrite.command.subject import (
    Subject,
    common,
    inner,
    prefix_of,
    quoted,
    value_of,
)
from dockerfix.rewrite.expansions import as_written, expansions, leading
from dockerfix.rewrite.wanted import Change, Edits
from dockerfix.text import Edit, Place, Span, relative_path


def in_place(subject: Subject, values: Sequence[Value], texts: Sequence[str]) -> Edits | None:
    """One text for all builds of the command, variables kept where they can be; None where
    there is no such text."""
    value = values[0]
    new = _one_text(subject, values, texts)
    if new is None or value.place is None:
        return None
    bare = value.inside == value.written and value.written[:1] not in ("'", '"')
    blank = " " in value.written and "\\ " not in value.written  # `{{ name }}` of a justfile
    splits = not blank and "$" not in value.written
    text = quoted(new) if bare and splits else new
    return [(value.place.path, Edit(inner(subject, value.place, value), text.encode()))]


def written_anew(subject: Subject, text: str) -> Edits:
    """A context that keeps the words of the old one, in the quotes in which these stand."""
    value = subject.first.context_written
    if value is None or value.place is None:
        raise subject.refused("the context is not a word of the command", "write it out")
    return [(value.place.path, Edit(inner(subject, value.place, value), text.encode()))]


def _one_text(subject: Subject, values: Sequence[Value], texts: Sequence[str]) -> str | None:
    value = values[0]
    heads = [prefix_of(v, text) for v, text in zip(values, texts, strict=True)]
    head = common(heads)
    if head is not None and value.written_variables:
        return head + as_written(value, subject.source)
    same = common(texts)
    if same is not None:
        return _by_parameter(subject, same) or same
    made = template(subject, [head for head in heads if head is not None])
    if made is not None and value.written_variables:
        return made + as_written(value, subject.source)
    return template(subject, texts)


def _by_parameter(subject: Subject, text: str) -> str | None:
    """A path for calls of a function that agree, with the parameter that the command takes it from
    today: another call would pass another one."""
    local = local_names(subject.first, subject.facts)
    held = [expansions(change.build, subject.source) for change in subject.changes]
    for written, value in held[0].items():
        parts = text.split("/")
        alike = value and all(found.get(written) == value for found in held)
        if alike and value in parts and written.strip("${}") in local:
            parts[parts.index(value)] = written
            return "/".join(parts)
    return None


def template(subject: Subject, texts: Sequence[str]) -> str | None:
    """One text with one expansion of the command that gives each build its own; or None."""
    builds = [change.build for change in subject.changes]
    if len(texts) != len(builds) or len(texts) < 2:
        return None
    expanded = [expansions(build, subject.source) for build in builds]
    for written in expanded[0]:
        values = [found.get(written, "") for found in expanded]
        if len(set(values)) < 2 or not all(values):
            continue
        made = {
            text.replace(value, written, 1) if value in text else ""
            for text, value in zip(texts, values, strict=True)
        }
        if len(made) == 1 and "" not in made:
            return made.pop()
    return None


def at_origins(
    subject: Subject, name: str, values: Sequence[Value], texts: Sequence[str]
) -> Edits | None:
    """Each text where it was written: an argument of a call, a value of a loop or matrix.

    Only for values that are one variable and nothing else, and whose origin is not shared
    with a build that must stay or change otherwise; None for others.
    """
    origins: dict[Place, str] = {}
    for change, value, plain in zip(subject.changes, values, texts, strict=True):
        if value.origin is None or not value.carrier or value.variables:
            return None
        text = _at_origin(subject, change, value.origin, plain) if name == "file" else plain
        if text is None or origins.setdefault(value.origin, text) != text:
            return None
    if _kept_origins(subject) & origins.keys() or _used_elsewhere(subject, values):
        return None
    edits: Edits = []
    for place, text in origins.items():
        source, span = subject.facts.snapshot.source(place.path), place.span
        if source.data[span.start : span.start + 1] in (b'"', b"'"):
            span = Span(span.start + 1, span.end - 1)
        edits.append((place.path, Edit(span, text.encode())))
    return edits


def _kept_origins(subject: Subject) -> set[Place]:
    """Where the builds that must stay have their values from."""
    values = (value_of(build, name) for build in subject.others for name in ("file", "target"))
    return {v.origin for v in values if v is not None and v.origin is not None}


def _at_origin(subject: Subject, change: Change, place: Place, text: str) -> str | None:
    """The Dockerfile as it must be written at its origin: behind the variable that the old
    path stands behind there. None where reading cannot tell the variable's folder."""
    raw = subject.facts.snapshot.source(place.path).text(place.span).strip("\"'")
    if not raw.startswith("$") or "/" not in raw:
        return text
    found = leading(raw, change.build.dockerfile or "", change.build.variables)
    if found is None:
        return None
    prefix, folder = found
    return f"{prefix}/{relative_path(change.wanted.dockerfile, folder)}"


def _used_elsewhere(subject: Subject, values: Sequence[Value]) -> bool:
    """Whether the carrying variable feeds another word of the command, or is a variable
    of the pipeline that other builds read."""
    carriers = {value.carrier for value in values}
    if any(_feeds_another_word(change, carriers) for change in subject.changes):
        return True
    inside = {p for c in subject.changes for call in c.build.calls for p in call.arguments}
    origins = {value.origin for value in values}
    if origins <= inside:
        return False
    changing = {id(c.build) for c in subject.changes}
    return any(
        value.origin in origins
        for build in subject.facts.builds.builds
        if id(build) not in changing
        for value in (
            *_contexts(subject, build),
            build.target,
            build.dockerfile_written,
            *build.tags,
        )
        if value is not None and value.origin is not None
    )


def _contexts(subject: Subject, build: Build) -> tuple[Value | None, ...]:
    """The context of a build of another file: all builds of one file change together."""
    own = {change.build.dockerfile for change in subject.changes}
    return () if build.dockerfile in own else (build.context_written,)


def _feeds_another_word(change: Change, carriers: set[str]) -> bool:
    """Whether an option other than the one that is rewritten takes one of the variables."""
    slots = [option.value for option in change.build.options if option.value is not None]
    mixed = any(v.carrier not in carriers and carriers & set(v.written_variables) for v in slots)
    return mixed or len({v.place for v in slots if v.carrier in carriers}) > 1


def by_one_variable(subject: Subject, values: Sequence[Value], texts: Sequence[str]) -> bool:
    """Whether all values come out of one assignment of the same file, and become one."""
    first = values[0].origin
    if first is None or common(texts) is None or first.path != subject.place.path:
        return False
    source = subject.source
    line = source.line_of(first.span.start)
    before = source.text(Span(line.start, first.span.start)).rstrip("\"'")
    return before.endswith("=") and all(value.origin == first for value in values)


def by_job_variable(subject: Subject, values: Sequence[Value]) -> bool:
    """Whether each value is a variable that a GitLab job gives its template for this one word, and
    nothing else."""
    job = subject.first.site.kind is SiteKind.GITLAB and not subject.first.calls
    return job and all(_is_key(subject, value) for value in values)


def _is_key(subject: Subject, value: Value) -> bool:
    if value.origin is None or value.origin.path not in subject.facts.snapshot:
        return False
    source = subject.facts.snapshot.source(value.origin.path)
    line = source.line_of(value.origin.span.start)
    before = source.text(Span(line.start, value.origin.span.start)).rstrip("\"'").strip()
    uses = re.findall(rf"\$\{{?{value.carrier}\b".encode(), source.data + subject.source.data)
    once = len(uses) == 1 + (source.path == subject.source.path)
    return once and before.strip("\"'") == f"{value.carrier}:"
