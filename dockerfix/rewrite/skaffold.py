"""Artifacts of skaffold: another Dockerfile, target or context for their build.

Follows the skaffold.yaml reference: `dockerfile` counts from the artifact's context. Knows
skaffold's keys; knows no profile.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.builds.systems.skaffold import artifacts
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Change, Edits, Refused
from dockerfix.rewrite.yaml_edits import add_key, column, quoted, set_scalar
from dockerfix.syntax.yaml.tree import Entry, Mapping, Scalar, parse_yaml
from dockerfix.text import Edit, relative_path


def set_artifact(facts: Facts, change: Change) -> Edits:
    """Edits of one artifact; raises `Refused` for what stands in another place, or in words
    that skaffold fills in."""
    build, wanted = change.build, change.wanted
    place = build.site.place
    file = facts.snapshot.derive(place.path, parse_yaml)
    artifact = next((a for a in artifacts(file) if a.span == place.span), None)
    context = build.context if wanted.context is None else wanted.context
    written = (build.context_written, build.dockerfile_written, build.target)
    if artifact is None or context is None or any(v and v.variables for v in written):
        raise Refused(place, "its words are filled in by skaffold", "write them out")
    if wanted.arguments or wanted.named_contexts:
        raise Refused(place, "it needs more than a Dockerfile and a target", "add it by hand")
    if wanted.context is not None and wanted.context != build.context:
        raise Refused(place, "its context changes", "change the context by hand")
    values = {"dockerfile": relative_path(wanted.dockerfile, context)}
    values |= {"target": wanted.target} if wanted.target is not None else {}
    return [(place.path, edit) for edit in _edits(artifact, values)]


def _edits(artifact: Mapping, values: dict[str, str]) -> Iterator[Edit]:
    entry = artifact.entry("docker") or artifact.entry("kaniko")
    if entry is None:
        yield _section(artifact, values)
        return
    section, source = entry.value, artifact.file.source
    if not isinstance(section, Mapping) or entry.aliased:
        what = f"`{entry.key.text}:` stands elsewhere"
        raise Refused(source.place(artifact.span), what, "write it out")
    missing = {}
    for key, text in values.items():
        known = section.entry(key)
        if known is None:
            missing[key] = text
        elif _entry_text(known) != text:
            yield _set(known, text)
    if missing:
        yield _added(section, missing)


def _entry_text(entry: Entry) -> str | None:
    return entry.value.text if isinstance(entry.value, Scalar) else None


def _set(entry: Entry, text: str) -> Edit:
    if entry.aliased or not isinstance(entry.value, Scalar):
        place = entry.key.file.source.place(entry.key.span)
        raise Refused(place, f"`{entry.key.text}:` stands elsewhere", "write it out")
    return set_scalar(entry.value, text)


def _added(section: Mapping, values: dict[str, str]) -> Edit:
    """New keys behind `dockerfile:`, in braces or one per line."""
    source = section.file.source
    indent = " " * column(source, section.entries[0].key.span.start) if section.entries else ""
    between = ", " if section.flow else f"\n{indent}"
    (first, text), *others = values.items()
    rest = "".join(f"{between}{key}: {quoted(value)}" for key, value in others)
    return add_key(section, first, quoted(text) + rest, after="dockerfile")


def _section(artifact: Mapping, values: dict[str, str]) -> Edit:
    """A `docker:` section for an artifact without one."""
    pairs = [f"{key}: {quoted(value)}" for key, value in values.items()]
    if artifact.flow:
        return add_key(artifact, "docker", "{" + ", ".join(pairs) + "}")
    indent = " " * (column(artifact.file.source, artifact.entries[0].key.span.start) + 2)
    return add_key(artifact, "docker", "".join(f"\n{indent}{pair}" for pair in pairs).rstrip())
