"""Steps of GitHub workflows that use docker/build-push-action: other inputs.

Knows the action's inputs; knows nothing of jobs.
"""

from __future__ import annotations

from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.facts.yaml_tree import Mapping, Node, Scalar, Sequence, YamlFile, parse_yaml
from dockerfix.rewrite.wanted import Edits, Refused, Wanted
from dockerfix.rewrite.yaml_edits import column, inserted_line, line_end, quoted, set_scalar
from dockerfix.text import Span


def set_action(facts: Facts, build: Build, wanted: Wanted) -> Edits:
    """Edits of the step's `with:`; raises `Refused` without one, or for a value by matrix."""
    path = build.site.place.path
    inputs = _inputs(facts.snapshot.derive(path, parse_yaml), build.site.place.span)
    if inputs is None:
        raise Refused(build.site.place, "the step has no `with:`", "give it `file:` and `target:`")
    if wanted.flags or (wanted.context is not None and wanted.context != build.context):
        raise Refused(
            build.site.place,
            "the context of a build action",
            "change context and build-args by hand",
        )
    edits: Edits = []
    added: list[str] = []
    source = inputs.file.source
    for key, text in (("file", wanted.dockerfile), ("target", wanted.target)):
        node = inputs.get(key)
        if text is None or (isinstance(node, Scalar) and node.text == text):
            continue
        if isinstance(node, Scalar):
            if "${{" in node.text:
                raise Refused(build.site.place, f"{key} comes from a matrix", "write it out")
            edits.append((path, set_scalar(node, text)))
        else:
            indent = " " * column(source, inputs.entries[0].key.span.start)
            added.append(f"{indent}{key}: {quoted(text)}")
    if added:
        after = inputs.entry("file") or inputs.entry("context") or inputs.entries[-1]
        end = line_end(source, after.value.span.end)
        edits.append((path, inserted_line(source, end, "\n".join(added))))
    return edits


def _inputs(file: YamlFile, span: Span) -> Mapping | None:
    """The `with:` of the step whose `uses:` stands at `span`."""
    for node in _walk(file.root):
        if isinstance(node, Mapping):
            uses = node.entry("uses")
            if uses is not None and uses.value.span == span:
                found = node.get("with")
                return found if isinstance(found, Mapping) and found.entries else None
    return None


def _walk(node: Node | None) -> list[Node]:
    if node is None:
        return []
    found: list[Node] = [node]
    children: list[Node] = []
    if isinstance(node, Mapping):
        children = [entry.value for entry in node.entries if not entry.aliased]
    elif isinstance(node, Sequence):
        children = [i for i, a in zip(node.items, node.aliased, strict=True) if not a]
    for child in children:
        found += _walk(child)
    return found
