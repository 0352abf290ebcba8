"""Steps of GitHub workflows that use docker/build-push-action: other inputs.

Knows the action's inputs; knows nothing of jobs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.step_values import StepValues
from dockerfix.rewrite.wanted import Change, Edits, Refused, below_value, names_both
from dockerfix.rewrite.yaml_edits import column, inserted_line, line_end, quoted, set_scalar
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, YamlFile, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Place, Span

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def set_action(facts: Facts, changes: Sequence[Change], others: Sequence[Build]) -> Edits:
    """Edits of the step's `with:`, and of what it takes values from; `changes` are its builds,
    one for each row of a matrix and each caller, `others` those that must stay as they are.

    Raises `Refused` without a `with:`, and for values that nothing tells apart.
    """
    build = changes[0].build
    path = build.site.place.path
    inputs = _inputs(facts.snapshot.derive(path, parse_yaml), build.site.place.span)
    if inputs is None:
        raise Refused(build.site.place, "the step has no `with:`", "give it `file:` and `target:`")
    if any(_is_in_clone(change) for change in changes):
        what = "its Dockerfile is looked for in a folder of a Git context"
        raise Refused(build.site.place, what, "write its context and its Dockerfile by hand")
    values = StepValues(facts, [change.build for change in changes], others)
    edits: Edits = []
    added: list[str] = []
    indent = " " * column(inputs.file.source, inputs.entries[0].key.span.start)
    for key, texts in (
        ("context", _contexts(changes)),
        ("file", _files(changes)),
        ("target", _targets(changes)),
    ):
        if key == "context" and texts and any(names_both(change.build) for change in changes):
            edits += _at_callers(facts, changes, texts)
            continue
        text = _text_of(inputs, changes, values, key, texts, edits) if texts else None
        if text is None:
            continue
        node = inputs.get(key)
        if isinstance(node, Scalar):
            braces = inputs.flow and not node.style
            new = Edit(node.span, _in_braces(text).encode()) if braces else set_scalar(node, text)
            edits.append((path, new))
        elif key != "file" or not _is_default(changes):
            added.append(f"{indent}{key}: {_in_braces(text) if inputs.flow else quoted(text)}")
    for key, lines in _lists(changes, values):
        more = _listed(inputs, key, lines, indent)
        if isinstance(more, Edit):
            edits.append((path, more))
        else:
            added.append(more)
    if added:
        edits.append((path, _inserted(inputs, added)))
    return edits + values.edits()


def _is_in_clone(change: Change) -> bool:
    """Whether a step takes a folder of a fresh clone, in which it looks for another Dockerfile
    than it is to have."""
    written = change.build.context_written
    cloned = written is not None and written.text.startswith("{{defaultContext}}:")
    return cloned and change.wanted.dockerfile != change.build.dockerfile


def _text_of(
    inputs: Mapping,
    changes: Sequence[Change],
    values: StepValues,
    key: str,
    texts: list[str],
    edits: Edits,
) -> str | None:
    """What an input must say; None where it stays, what it takes its value from being edited."""
    node = inputs.get(key)
    if _stand(changes, key, texts):
        return None
    text = _for_all(inputs, changes, key, texts) if not values.others else None
    if text is not None and not (key == "file" and _is_handed_over(node, changes)):
        return text
    elsewhere = values.changed(key, node, texts)
    if elsewhere is not None:
        edits += elsewhere
        return None
    return text if text is not None else _or_today(values.new(key, texts), node)


def _is_handed_over(node: Node | None, changes: Sequence[Change]) -> bool:
    """Whether callers in this repository hand a value over, and nothing else stands there: it is
    changed where they say it, so that none goes on naming a file that is gone."""
    called = all(change.build.site.through for change in changes)
    return called and isinstance(node, Scalar) and _INPUT.fullmatch(node.text.strip()) is not None


_INPUT = re.compile(r"\$\{\{\s*inputs\.[\w-]+\s*\}\}")


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


def _lists(changes: Sequence[Change], values: StepValues) -> list[tuple[str, list[str]]]:
    """What is added, by the inputs that take one item a line; raises `Refused` for a value
    from the environment, which the action does not hand on. What is not for all builds is a
    line that is empty for the others."""
    for name, text in (pair for change in changes for pair in change.wanted.arguments):
        if text is None:
            place = changes[0].build.site.place
            raise Refused(place, f"no image is known for {name}", f"give {name} in `build-args:`")
    found = []
    for key, each in (
        ("build-args", [_assignments(change.wanted.arguments) for change in changes]),
        ("build-contexts", [_assignments(change.wanted.named_contexts) for change in changes]),
    ):
        if any(lines != each[0] for lines in each) or (values.others and any(each)):
            expression = values.new(key, [_LINE.join(lines) for lines in each])
            found.append((key, [f"${{{{ {expression} }}}}"]))
        elif each[0]:
            found.append((key, each[0]))
    return found


def _assignments(pairs: Iterable[tuple[str, str | None]]) -> list[str]:
    return [f"{name}={text}" for name, text in pairs]


def _stand(changes: Sequence[Change], key: str, texts: Sequence[str]) -> bool:
    """Whether every build has the text already."""
    words = {"file": "dockerfile_written", "context": "context_written", "target": "target"}
    values = [getattr(change.build, words[key]) for change in changes]
    return all(v is not None and v.text == text for v, text in zip(values, texts, strict=True))


def _or_today(expression: str, node: Node | None) -> str:
    """The new value of an input, or what it is today where there is none. Raises `Refused` for
    what no expression says."""
    if not isinstance(node, Scalar) or not node.text:
        return f"${{{{ {expression} }}}}"
    text = node.text.strip()
    found = _EXPRESSION.findall(text)
    inner = [part[3:-2].strip() for part in found]
    if found == [text]:
        return f"${{{{ {expression} || {inner[0]} }}}}"
    if not found:
        return f"${{{{ {expression} || '{text.replace(_QUOTE, _QUOTE * 2)}' }}}}"
    if any(sign in _EXPRESSION.sub("", text) for sign in "{}") or not all(
        re.fullmatch(r"[A-Za-z_][\w.-]*", name) for name in inner
    ):
        place = node.file.source.place(node.span)
        raise Refused(place, f"{text} cannot be a default", "give this image a step of its own")
    for number, part in enumerate(found):
        text = text.replace(part, f"{{{number}}}", 1)
    literal = text.replace(_QUOTE, _QUOTE * 2)
    return f"${{{{ {expression} || format('{literal}', {', '.join(inner)}) }}}}"


_QUOTE = "'"


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
        named = any(value is not None for value in written)
        return [] if named else [change.wanted.dockerfile for change in changes]
    for change in changes:
        old = change.build.dockerfile_written
        dotted = old is not None and old.text.startswith("./")
        found.append(f"./{change.wanted.dockerfile}" if dotted else change.wanted.dockerfile)
    return found


def _targets(changes: Sequence[Change]) -> list[str]:
    return [c.wanted.target for c in changes if c.wanted.target is not None]


def _for_all(inputs: Mapping, changes: Sequence[Change], key: str, texts: list[str]) -> str | None:
    """The one text of an input for all rows of the matrix, by an expression that the step has
    where they differ; None where it has none."""
    if len(set(texts)) == 1:
        return texts[0]
    for expression, values in _lone_expressions(inputs, changes):
        made = {
            text.replace(value, expression, 1) if value and value in text else ""
            for text, value in zip(texts, values, strict=True)
        }
        if len(made) == 1 and "" not in made:
            return made.pop()
    return None


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
