"""Steps of GitHub workflows that use docker/build-push-action: other inputs.

Knows the action's inputs; knows nothing of jobs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Change, Edits, Refused, below_value, names_both
from dockerfix.rewrite.yaml_edits import column, inserted_line, line_end, quoted, set_scalar
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, YamlFile, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Place, Span

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def set_action(facts: Facts, changes: Sequence[Change]) -> Edits:
    """Edits of the step's `with:`; `changes` are its builds, one for each row of a matrix.

    Raises `Refused` without a `with:`, and for values that no expression of the step tells
    apart.
    """
    build, wanted = changes[0].build, changes[0].wanted
    path = build.site.place.path
    inputs = _inputs(facts.snapshot.derive(path, parse_yaml), build.site.place.span)
    if inputs is None:
        raise Refused(build.site.place, "the step has no `with:`", "give it `file:` and `target:`")
    if any(change.wanted.flags != wanted.flags for change in changes):
        raise Refused(build.site.place, "the step builds several images", "write one step each")
    edits: Edits = []
    added: list[str] = []
    indent = " " * column(inputs.file.source, inputs.entries[0].key.span.start)
    for key, texts in (
        ("context", _contexts(changes)),
        ("file", _files(changes)),
        ("target", _targets(changes)),
    ):
        node = inputs.get(key)
        if key == "context" and texts and any(names_both(change.build) for change in changes):
            edits += _at_callers(facts, changes, texts)
            continue
        text = _for_all(inputs, changes, key, texts) if texts else None
        if text is None or (isinstance(node, Scalar) and node.text == text):
            continue
        if isinstance(node, Scalar):
            braces = inputs.flow and not node.style
            new = Edit(node.span, _in_braces(text).encode()) if braces else set_scalar(node, text)
            edits.append((path, new))
        elif key != "file" or not _is_default(changes):
            added.append(f"{indent}{key}: {_in_braces(text) if inputs.flow else quoted(text)}")
    for key, lines in _lists(changes):
        more = _listed(inputs, key, lines, indent)
        if isinstance(more, Edit):
            edits.append((path, more))
        else:
            added.append(more)
    if added:
        edits.append((path, _inserted(inputs, added)))
    return edits


def _inserted(inputs: Mapping, added: Sequence[str]) -> Edit:
    """New inputs behind `file:` or `context:`: lines of their own, or inside the braces."""
    after = inputs.entry("file") or inputs.entry("context") or inputs.entries[-1]
    if not inputs.flow:
        end = line_end(inputs.file.source, after.value.span.end)
        return inserted_line(inputs.file.source, end, "\n".join(added))
    at = after.value.span.end
    return Edit(Span(at, at), "".join(f", {text.strip()}" for text in added).encode())


_LINE = "\n"


def _in_braces(text: str) -> str:
    """A text as a value between braces, where a plain one ends at `,` and `}`."""
    plain = quoted(text)
    if plain == text and not any(sign in text for sign in "{}[],"):
        return text
    return quoted(text, '"').replace(_LINE, r"\n")


def _contexts(changes: Sequence[Change]) -> list[str]:
    """The new context for each build, with the `./` that stood before the old one."""
    found = []
    for change in changes:
        context, old = change.wanted.context, change.build.context_written
        if context is None or context == change.build.context:
            return []
        dotted = old is not None and old.text.startswith("./") and context
        behind = below_value(change, old.written) if old is not None else None
        found.append(behind or (f"./{context}" if dotted else context or "."))
    return found


def _at_callers(facts: Facts, changes: Sequence[Change], texts: Sequence[str]) -> Edits:
    """The context where it is handed to a workflow that takes the Dockerfile too: in the call.
    Raises `Refused` where nobody in this repository calls it, and where a build that stays is
    handed the same."""
    origins: dict[Place, str] = {}
    changing = {id(change.build) for change in changes}
    kept = {
        build.context_written.origin
        for build in facts.builds.builds
        if id(build) not in changing and build.context_written is not None
        if build.dockerfile != changes[0].build.dockerfile
    }
    for change, text in zip(changes, texts, strict=True):
        old = change.build.context_written
        called = bool(change.build.site.through)  # else it is a default, for callers elsewhere too
        origin = old.origin if called and old is not None and not old.variables else None
        if origin is None or origin in kept or origins.setdefault(origin, text) != text:
            what = "its context and its file are handed to it from elsewhere"
            raise Refused(change.build.site.place, what, "change both where they are given")
    return [(place.path, _scalar_edit(facts, place, text)) for place, text in origins.items()]


def _scalar_edit(facts: Facts, place: Place, text: str) -> Edit:
    """Another text for a scalar, in the quotes in which it stands."""
    source, span = facts.snapshot.source(place.path), place.span
    if source.data[span.start : span.start + 1] in (b'"', b"'"):
        span = Span(span.start + 1, span.end - 1)
    return Edit(span, text.encode())


def _is_default(changes: Sequence[Change]) -> bool:
    """Whether an absent `file:` means the wanted Dockerfile: the one in the context."""
    for change in changes:
        context = change.build.context if change.wanted.context is None else change.wanted.context
        if change.wanted.dockerfile != posixpath.join(context or "", "Dockerfile"):
            return False
    return True


def _lists(changes: Sequence[Change]) -> list[tuple[str, list[str]]]:
    """What is added, by the inputs that take one item a line; raises `Refused` for a value
    from the environment, which the action does not hand on."""
    wanted = changes[0].wanted
    for name, text in wanted.arguments:
        if text is None:
            place = changes[0].build.site.place
            raise Refused(place, f"no image is known for {name}", f"give {name} in `build-args:`")
    arguments = [f"{name}={text}" for name, text in wanted.arguments]
    contexts = [f"{name}={text}" for name, text in wanted.named_contexts]
    found = [("build-args", arguments), ("build-contexts", contexts)]
    return [(key, lines) for key, lines in found if lines]


def _listed(inputs: Mapping, key: str, lines: Sequence[str], indent: str) -> Edit | str:
    """More lines in an input that stands there, or the text of a new one."""
    entry = inputs.entry(key)
    if entry is None:
        if inputs.flow:
            return f"{indent}{key}: {_in_braces(_LINE.join(lines))}"
        if len(lines) == 1:
            return f"{indent}{key}: {lines[0]}"
        return "\n".join([f"{indent}{key}: |", *(f"{indent}  {line}" for line in lines)])
    node, source = entry.value, inputs.file.source
    if not isinstance(node, Scalar):
        place = source.place(entry.key.span)
        raise Refused(place, f"`{key}:` is not a string", f"add {', '.join(lines)} by hand")
    if inputs.flow:
        return Edit(node.span, _in_braces(_LINE.join([node.text, *lines])).encode())
    if node.style == "|":
        last = source.text(node.span).rstrip()
        at = node.span.start + len(last.encode())
        line = last.rsplit("\n", 1)[-1]
        head = line[: len(line) - len(line.lstrip())] if "\n" in last else f"{indent}  "
        newline = source.newline.bytes.decode()
        return Edit(Span(at, at), "".join(f"{newline}{head}{text}" for text in lines).encode())
    texts = [node.text, *lines]
    newline = source.newline.bytes.decode()
    body = "".join(f"{newline}{indent}  {text}" for text in texts)
    return Edit(node.span, f"|{body}".encode())


def _files(changes: Sequence[Change]) -> list[str]:
    """The merged file for each build, with the `./` that stood before the old one."""
    found = []
    written = [change.build.dockerfile_written for change in changes]
    if all(change.wanted.dockerfile == change.build.dockerfile for change in changes):
        return [value.written for value in written if value is not None] or [
            changes[0].build.dockerfile or ""
        ]
    for change in changes:
        old = change.build.dockerfile_written
        dotted = old is not None and old.text.startswith("./")
        found.append(f"./{change.wanted.dockerfile}" if dotted else change.wanted.dockerfile)
    return found


def _targets(changes: Sequence[Change]) -> list[str]:
    return [c.wanted.target for c in changes if c.wanted.target is not None]


def _for_all(inputs: Mapping, changes: Sequence[Change], key: str, texts: list[str]) -> str:
    """The one text of an input for all rows of the matrix, by an expression that the step has
    where they differ; raises `Refused`."""
    if len(set(texts)) == 1:
        return texts[0]
    for expression, values in _lone_expressions(inputs, changes):
        made = {
            text.replace(value, expression, 1) if value and value in text else ""
            for text, value in zip(texts, values, strict=True)
        }
        if len(made) == 1 and "" not in made:
            return made.pop()
    place = changes[0].build.site.place
    raise Refused(place, f"no value of the matrix is its {key}", "write one step for each image")


def _lone_expressions(inputs: Mapping, changes: Sequence[Change]) -> list[tuple[str, list[str]]]:
    """Expressions that stand alone in an input, with what they are for each build."""
    found = []
    for key in ("file", "target", "tags"):
        node = inputs.get(key)
        line = node.text.strip().split("\n")[0].strip() if isinstance(node, Scalar) else ""
        written = _EXPRESSION.findall(line)
        if len(written) == 1:
            head, _, tail = line.partition(written[0])
            texts = [_text(change.build, key) for change in changes]
            if all(t.startswith(head) and t.endswith(tail) for t in texts):
                found.append((written[0], [t[len(head) : len(t) - len(tail)] for t in texts]))
    return found


def _text(build: Build, key: str) -> str:
    values = {"file": build.dockerfile_written, "target": build.target}
    value = values[key] if key in values else next(iter(build.tags), None)
    return value.text if value is not None else ""


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
    elif isinstance(node, YamlSequence):
        children = [i for i, a in zip(node.items, node.aliased, strict=True) if not a]
    for child in children:
        found += _walk(child)
    return found
