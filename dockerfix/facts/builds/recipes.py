"""Shell texts that other files hold: Makefile recipes, package.json scripts, workflow steps,
commands in documents. Yields each text with the way back to its bytes; follows nothing.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfix.facts.builds.follow import Carrier, State
from dockerfix.facts.builds.words import Bound, Scope, remaining
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.yaml_tree import Mapping as YamlMapping
from dockerfix.facts.yaml_tree import Scalar, Sequence, YamlError, parse_yaml
from dockerfix.text import MappedText, Piece, Source, Span, join_path

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Text = tuple[MappedText, Carrier, State]


def texts(kind: SiteKind, source: Source) -> Iterator[Text]:
    """The shell texts of one file of that kind."""
    if kind is SiteKind.MAKE:
        return _makefile(source)
    if kind is SiteKind.PACKAGE_JSON:
        return _package(source)
    if kind is SiteKind.GITHUB:
        return _workflow(source)
    return _document(source)


def _folder(source: Source) -> str:
    return posixpath.dirname(source.path)


@lru_cache(maxsize=1)
def _make_parser() -> Parser:
    import tree_sitter
    import tree_sitter_make

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_make.language()))


def _makefile(source: Source) -> Iterator[Text]:
    root = _make_parser().parse(source.data).root_node
    scope = Scope()
    for node in root.named_children:
        if node.type == "variable_assignment":
            parts = list(node.named_children)
            if len(parts) >= 2:
                name = source.text(Span(parts[0].start_byte, parts[0].end_byte))
                span = Span(parts[-1].start_byte, parts[-1].end_byte)
                text = _make_text(source, span).text.strip()
                scope = scope.bind(name, Bound(text, (), source.place(span)))
        elif node.type == "rule":
            yield from _rule(source, node, scope)


def _rule(source: Source, node: Node, scope: Scope) -> Iterator[Text]:
    targets = next((c for c in node.named_children if c.type == "targets"), None)
    name = source.text(Span(targets.start_byte, targets.end_byte)) if targets else ""
    for recipe in node.named_children:
        if recipe.type != "recipe":
            continue
        for line in recipe.named_children:
            for text in line.named_children if line.type == "recipe_line" else ():
                if text.type == "shell_text":
                    mapped = _make_text(source, Span(text.start_byte, text.end_byte))
                    yield (
                        mapped,
                        Carrier(SiteKind.MAKE, name.strip(), source),
                        # Each recipe line has a shell of its own.
                        State(_folder(source), scope),
                    )


_MAKE = re.compile(rb"\$\(([A-Za-z0-9_]+)\)|\$\$|\\\n\t?")


def _make_text(source: Source, span: Span) -> MappedText:
    """Recipe text as the shell gets it: `$(X)` as `${X}`, `$$` as `$`, the leading tab of a
    continued line gone."""
    pieces: list[Piece] = []
    at = span.start
    for match in _MAKE.finditer(source.slice(span)):
        start, end = span.start + match.start(), span.start + match.end()
        pieces.append(Piece(source.text(Span(at, start)), Span(at, start)))
        if match[1]:
            pieces.append(Piece("${" + match[1].decode() + "}", Span(start, end), literal=False))
        elif match[0] == b"$$":
            pieces.append(Piece("$", Span(start, end), literal=False))
        else:
            pieces.append(Piece("\\\n", Span(start, start + 2)))
        at = end
    pieces.append(Piece(source.text(Span(at, span.end)), Span(at, span.end)))
    return MappedText(pieces)


def _package(source: Source) -> Iterator[Text]:
    """`scripts` of a package.json; YAML reads JSON and knows places."""
    try:
        json.loads(source.data)
        root = parse_yaml(source).root
    except (ValueError, YamlError):
        return
    scripts = root.get("scripts") if root is not None else None
    for entry in scripts.entries if isinstance(scripts, YamlMapping) else ():
        if isinstance(entry.value, Scalar) and "docker" in entry.value.text:
            carrier = Carrier(SiteKind.PACKAGE_JSON, entry.key.text, source)
            yield entry.value.mapped, carrier, State(_folder(source), Scope())


_EXPRESSION = re.compile(r"\$\{\{\s*([A-Za-z0-9_.-]+)[^}]*\}\}")


def _workflow(source: Source) -> Iterator[Text]:
    for job, step, matrix in _steps(source):
        run = step.get("run")
        if not isinstance(run, Scalar):
            continue
        scope = Scope()
        for name, values in matrix.items():
            key = _identifier("matrix." + name)
            scope = scope.bind(key, Bound("${" + key + "}", values))
        where = step.get("working-directory")
        folder = where.text if isinstance(where, Scalar) else ""
        carrier = Carrier(SiteKind.GITHUB, job, source)
        state = State(join_path("", folder) if "$" not in folder else None, scope)
        yield _without_expressions(run.mapped), carrier, state


def _without_expressions(mapped: MappedText) -> MappedText:
    """`${{ matrix.x }}` as the shell variable `${matrix_x}`, which maps as a whole."""
    pieces: list[Piece] = []
    at = 0
    for match in _EXPRESSION.finditer(mapped.text):
        pieces += _between(mapped, at, match.start())
        name = "${" + _identifier(match[1]) + "}"
        pieces.append(Piece(name, mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*pieces, *_between(mapped, at, len(mapped.text))])


def _between(mapped: MappedText, start: int, end: int) -> list[Piece]:
    found, at = [], 0
    for piece in mapped.pieces:
        low, high = max(start, at), min(end, at + len(piece.text))
        if low < high:
            text = mapped.text[low:high]
            found.append(Piece(text, mapped.span(low, high), piece.literal))
        at += len(piece.text)
    return found


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def _steps(source: Source) -> Iterator[tuple[str, YamlMapping, dict[str, tuple[str, ...]]]]:
    try:
        root = parse_yaml(source).root
    except YamlError:
        return
    jobs = root.get("jobs") if root is not None else None
    for entry in jobs.entries if isinstance(jobs, YamlMapping) else ():
        body = entry.value
        if not isinstance(body, YamlMapping):
            continue
        steps = body.get("steps")
        for step in steps.items if isinstance(steps, Sequence) else ():
            if isinstance(step, YamlMapping):
                yield entry.key.text, step, _matrix(body)


def _matrix(job: YamlMapping) -> dict[str, tuple[str, ...]]:
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, YamlMapping) else None
    found: dict[str, list[str]] = {}
    for name, value in matrix.resolved.items() if isinstance(matrix, YamlMapping) else ():
        if not isinstance(value, Sequence):
            continue
        for item in value.items:
            if isinstance(item, Scalar):
                found.setdefault(name, []).append(item.text)
            elif isinstance(item, YamlMapping) and name == "include":
                for key, inner in item.resolved.items():
                    if isinstance(inner, Scalar):
                        found.setdefault(key, []).append(inner.text)
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items()}


def actions(source: Source) -> list[Build]:
    """Steps that use docker/build-push-action."""
    found = []
    for job, step, matrix in _steps(source):
        uses = step.get("uses")
        with_ = step.get("with")
        if isinstance(uses, Scalar) and uses.text.startswith("docker/build-push-action"):
            inputs = with_ if isinstance(with_, YamlMapping) else None
            found.append(_action(source, job, uses, inputs, matrix))
    return found


def _action(
    source: Source,
    job: str,
    uses: Scalar,
    inputs: YamlMapping | None,
    matrix: dict[str, tuple[str, ...]],
) -> Build:
    def value(key: str) -> Value | None:
        node = inputs.get(key) if inputs is not None else None
        if not isinstance(node, Scalar):
            return None
        text = _EXPRESSION.sub(lambda m: "${" + _identifier(m[1]) + "}", node.text)
        return Value(
            node.text, text, remaining(text), _choices(text, matrix), source.place(node.span)
        )

    def lines(key: str) -> tuple[Value, ...]:
        whole = value(key)
        parts = [p.strip() for p in whole.text.splitlines()] if whole is not None else []
        return tuple(
            Value(p, p, remaining(p), (), whole.place if whole else None) for p in parts if p
        )

    context, file = value("context"), value("file")
    unknown = [] if context is not None else ["no context: the action takes a Git context"]
    where = join_path("", context.text) if context is not None and context.known else None
    path = file.text if file is not None else None
    if path is None and where is not None:
        path = posixpath.join(where, "Dockerfile")
    pushed = value("push")
    return Build(
        site=CallSite(SiteKind.GITHUB, job, source.place(uses.span)),
        tool=Tool.ACTION,
        context=where,
        dockerfile=join_path("", path) if path is not None and "${" not in path else None,
        context_written=context,
        dockerfile_written=file,
        target=value("target"),
        arguments=tuple(
            BuildArgument(v.text.partition("=")[0], v, v.place) for v in lines("build-args")
        ),
        tags=lines("tags"),
        cache_from=lines("cache-from"),
        cache_to=lines("cache-to"),
        platforms=lines("platforms"),
        push=pushed is not None and pushed.text != "false",
        unknown=tuple(unknown),
    )


def _choices(text: str, matrix: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    options = [text]
    for name, values in matrix.items():
        key = "${" + _identifier("matrix." + name) + "}"
        if key in text:
            options = [option.replace(key, v) for option in options for v in values]
    return tuple(options) if options != [text] else ()


_FENCE = re.compile(r"^( {0,3}|\t| *[-*+] +| *\d+\. +)?(```+|~~~+)")
_INLINE = re.compile(r"`([^`\n]*\b(?:docker|podman|buildah)\b[^`\n]*)`")


def _document(source: Source) -> Iterator[Text]:
    """Fenced blocks, and commands between single backquotes."""
    text = source.data.decode("utf-8", "surrogateescape")
    if text.encode("utf-8", "surrogateescape") != source.data:
        return
    offset, fence, block = 0, "", 0
    blocks: list[tuple[int, int]] = []
    for line in text.splitlines(keepends=True):
        match = _FENCE.match(line)
        marker = match[2] if match else ""
        if not fence and marker:
            fence, block = marker, offset + len(line.encode("utf-8", "surrogateescape"))
        elif fence and marker.startswith(fence) and line.strip() == marker:
            blocks.append((block, offset))
            fence = ""
        elif not fence:
            for found in _INLINE.finditer(line):
                start = offset + len(line[: found.start(1)].encode("utf-8", "surrogateescape"))
                size = len(found[1].encode("utf-8", "surrogateescape"))
                blocks.append((start, start + size))
        offset += len(line.encode("utf-8", "surrogateescape"))
    for start, end in blocks:
        span = Span(start, end)
        if b"docker" in source.slice(span):
            carrier = Carrier(SiteKind.DOCUMENT, posixpath.basename(source.path), source)
            yield _without_prompts(source, span), carrier, State("", Scope())


def _without_prompts(source: Source, span: Span) -> MappedText:
    """The block without `$ ` before commands."""
    pieces, at = [], span.start
    for line in source.slice(span).splitlines(keepends=True):
        stripped = line.lstrip()
        skip = len(line) - len(stripped) + 2 if stripped.startswith((b"$ ", b"# docker")) else 0
        piece = Span(at + skip, at + len(line))
        pieces.append(Piece(source.text(piece), piece))
        at += len(line)
    return MappedText(pieces)
