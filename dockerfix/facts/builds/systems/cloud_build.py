"""Steps of Google Cloud Build: a container for each, with arguments or a script.

Follows "Build configuration file schema" and "Substituting variable values": a step runs the
entry point of its image with `args`, in `dir`, a folder of the repository. Knows that schema; how
the words are read stands in `docker_command`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.builds.github.expressions import filled
from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.model import Value
from dockerfix.facts.shell.words import Bound, Scope, remaining
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlFile
from dockerfix.text import MappedText, Place

_VARIABLE = re.compile(r"\$([A-Z_]\w*)")
_KANIKO = "/kaniko/executor"
_TOOLS = (
    (re.compile(r"(?:^|/)(?:docker|nerdctl)(?:[:@]|$)"), "docker"),
    (re.compile(r"kaniko(?:-project)?/executor\b"), _KANIKO),
    (re.compile(r"(?:^|/)buildah(?:/stable)?(?:[:@]|$)"), "buildah"),
    (re.compile(r"(?:^|/)podman(?:/stable)?(?:[:@]|$)"), "podman"),
)
"""Images of builders, with the command that they run."""
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|z)?sh")


class CloudStep(Struct, frozen=True):
    """One step: its name, its words or its script, and where it runs."""

    name: str
    place: Place
    words: tuple[Value, ...]
    script: MappedText | None
    folder: str | None
    scope: Scope


def steps(file: YamlFile) -> Iterator[CloudStep]:
    """The steps of one file that run a builder or a script."""
    listed = file.root.get("steps") if file.root is not None else None
    given = file.root.get("substitutions") if file.root is not None else None
    scope = Scope()
    for name, value in given.resolved.items() if isinstance(given, YamlMapping) else ():
        if isinstance(value, Scalar):
            scope = scope.bind(name, Bound(_braced(value.text)))
    for item in listed.items if isinstance(listed, Sequence) else ():
        if isinstance(item, YamlMapping):
            yield _step(item, scope)


def _step(item: YamlMapping, scope: Scope) -> CloudStep:
    image, folder = _text(item, "name"), _text(item, "dir")
    where = located(filled(_braced(folder), scope) or ".", "", "the folder", [])
    entry, args = item.get("entrypoint"), item.get("args")
    given = [a for a in args.items if isinstance(a, Scalar)] if isinstance(args, Sequence) else []
    script = item.get("script")
    text = script.mapped if isinstance(script, Scalar) else None
    words = tuple(_value(node, scope) for node in given)
    tool = next((name for pattern, name in _TOOLS if pattern.search(image)), None)
    called = [entry, *given] if isinstance(entry, Scalar) else given if tool is None else []
    if _runs_text(called):
        text, words = called[2].mapped, ()
    elif isinstance(entry, Scalar):
        words = (_value(entry, scope), *words)
    else:
        words = (Value(tool, tool), *words) if tool is not None else ()
        if tool == _KANIKO and where == "" and not any(map(_gives_context, words)):
            words = (*words, Value("--context=.", "--context=."))
    name = _text(item, "id") or posixpath.basename(image)
    return CloudStep(name, item.file.source.place(item.span), words, text, where, scope)


def _runs_text(called: list[Scalar]) -> bool:
    """Whether a step calls a shell with a text (`bash -c`)."""
    if len(called) != 3 or _SHELL.fullmatch(called[0].text) is None:
        return False
    return called[1].text.startswith("-") and "c" in called[1].text


def _gives_context(word: Value) -> bool:
    """Whether a word of kaniko says the context; it is `/workspace` else, where the source is."""
    return word.text.startswith(("--context", "-c"))


def _text(item: YamlMapping, key: str) -> str:
    node: Node | None = item.get(key)
    return node.text if isinstance(node, Scalar) else ""


def _braced(text: str) -> str:
    return _VARIABLE.sub(r"${\1}", text)


def _value(node: Scalar, scope: Scope) -> Value:
    text = filled(_braced(node.text), scope)
    return Value(node.text, text, remaining(text), (), node.file.source.place(node.span))
