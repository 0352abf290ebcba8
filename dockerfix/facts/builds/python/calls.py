"""Builds in Python: `subprocess` with words or a text, `os.system`, and docker's SDK.

Read with libcst, whose positions lead back to the bytes of the literals. A part that is no
literal (and no constant of the module) stays unknown; what looks like a build and cannot be
read is said. Knows Python's calls; how a command is read stands in `docker_command`.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from dockerfix.facts.builds.files.unread import BUILD_TEXT
from dockerfix.facts.builds.python.constants import dotted
from dockerfix.facts.builds.python.screen import may_build
from dockerfix.facts.builds.python.texts import Texts
from dockerfix.facts.builds.scripts.unread_command import is_hidden
from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.commands.recognise import unwrapped
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.text import MappedText, Place, Source

if TYPE_CHECKING:
    import libcst as cst

_COMMAND = re.compile(BUILD_TEXT.pattern + r"|\b(?:docker|podman)[ -]compose\b(?![.\w/-])")
"""A command that builds, or that uses what Compose builds."""
_MESSAGES = re.compile(
    r"(?:^|\.)(?:print|echo|secho|debug|info|warn|warning|error|exception|critical|log|write|"
    r"append|join|add_argument|match|search|sub|compile|startswith|\w*(?:Error|Exception|Warning))$"
)
"""Calls that say or search a text and do not run it."""
_SDK = {
    "path": "context", "dockerfile": "file", "target": "target", "tag": "tag",
    "buildargs": "args", "cache_from": "cache-from", "platform": "platform",
}  # fmt: skip
_WHALES = {
    "context_path": "context", "file": "file", "target": "target", "tags": "tag",
    "build_args": "args", "cache_from": "cache-from", "cache_to": "cache-to",
    "platforms": "platform", "push": "push", "load": "load",
}  # fmt: skip

_TILT = {
    "ref": "tag", "context": "context", "dockerfile": "file", "target": "target",
    "build_args": "args", "cache_from": "cache-from", "platform": "platform",
    "dockerfile_contents": "fileobj",
}  # fmt: skip
"""Arguments of Tilt's `docker_build` and its like."""


class Words(Struct, frozen=True):
    """A command given as a list of words."""

    name: str
    place: Place
    words: tuple[Value, ...]
    folder: str | None


class Text(Struct, frozen=True):
    """A command given as one text for a shell."""

    name: str
    mapped: MappedText
    folder: str | None


@dataclass(slots=True)
class Calls:
    """What one Python file asks for. A folder is relative to where the program runs."""

    words: list[Words] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    sdk: list[Callable[[str], Build]] = field(default_factory=list)
    """Builds through an SDK, to be made for the folder in which the program runs."""
    unread: list[tuple[Place, str]] = field(default_factory=list)


def python_calls(source: Source) -> Calls:
    """The builds of one Python file. Never raises: a file that Python cannot read is said."""
    import libcst as cst
    from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

    calls = Calls()
    try:
        # CPython's parser has limits where libcst's runs out of stack and takes us along.
        if not may_build(ast.parse(source.data)):
            return calls
        wrapper = MetadataWrapper(cst.parse_module(source.data), unsafe_skip_copy=True)
        spans = wrapper.resolve(ByteSpanPositionProvider)
        reader = _ModuleWalk(source, Texts(source, wrapper.module, spans), calls)
        reader.block(wrapper.module, posixpath.basename(source.path))
    except (
        cst.ParserSyntaxError, SyntaxError, ValueError, LookupError, RecursionError, MemoryError,
    ) as error:  # fmt: skip
        line = max(getattr(error, "lineno", None) or 1, 1)
        at = source.line_starts[min(line, len(source.line_starts)) - 1]
        place = source.place(source.line_of(at))
        calls.unread.append((place, "Python cannot read this file"))
    return calls


class _ModuleWalk:
    """One walk over a module. Private to `python_calls`."""

    def __init__(self, source: Source, texts: Texts, calls: Calls) -> None:
        self.source = source
        self.texts = texts
        self.calls = calls
        self.whales = b"python_on_whales" in source.data
        self.tilt = is_tilt(source.path)

    def block(self, node: cst.CSTNode, name: str) -> None:
        """Everything below a node; `name` is the function that holds it."""
        import libcst as cst

        if isinstance(node, cst.FunctionDef):
            name = node.name.value
        if isinstance(node, cst.Call) and self.call(node, name):
            return
        if isinstance(node, cst.List | cst.Tuple):
            self.stray_list(node)
        elif isinstance(node, cst.SimpleString | cst.FormattedString | cst.ConcatenatedString):
            self.stray_text(node)
            return
        docstring = isinstance(node, cst.Expr) and isinstance(
            node.value, cst.SimpleString | cst.ConcatenatedString
        )
        for child in node.children if not docstring else ():
            self.block(child, name)

    def call(self, node: cst.Call, name: str) -> bool:
        """One call; True when nothing below it need be looked at."""
        func = dotted(node.func)
        if _MESSAGES.search(func):
            return True
        if func.endswith((".images.build", ".api.build")) or self.is_sdk(node, func):
            self.sdk(node, func, name)
            return True
        if self.tilt and func in ("docker_build", "docker_build_with_restart"):
            self.sdk(node, func, name, _TILT, ("tag", "context"))
            return True
        if self.tilt and func == "custom_build" and len(node.args) > 1:
            return self.command(node.with_changes(args=node.args[1:]), name, node)
        if self.whales and func in ("docker.build", "docker.buildx.build"):
            self.sdk(node, func, name, _WHALES)
            return True
        return self.command(node, name)

    def is_sdk(self, node: cst.Call, func: str) -> bool:
        """A `build` of something else that takes what docker's SDK takes."""
        names = {arg.keyword.value for arg in node.args if arg.keyword is not None}
        return func.endswith(".build") and bool(names & {"dockerfile", "buildargs", "fileobj"})

    def command(self, node: cst.Call, name: str, whole: cst.Call | None = None) -> bool:
        """A call whose first argument is a command, or whose arguments are its words."""
        given = [arg for arg in node.args if arg.keyword is None]
        if not given or given[0].star:
            return False
        first = self.texts.constant(given[0].value)
        folder = self.folder(node)
        listed = self.texts.listed(first)
        whole = node if whole is None else whole
        words = tuple(self.texts.word(arg.value, star=arg.star) for arg in given)
        # Words of a call are a command's when a flag is among them.
        flagged = words if any(word.text.startswith("-") for word in words) else words[:1]
        if self.hidden(listed or flagged, first):
            self.unread(whole, "the tool is a variable")
            return True
        if listed is not None and _is_build(listed):
            self.calls.words.append(Words(name, self.texts.place(whole), listed, folder))
            return True
        text = self.texts.text(self.split_text(first))
        if text is not None and _starts_build(text.text):
            self.calls.texts.append(Text(name, text, folder))
            return True
        if len(words) > 1 and _is_build(words):
            self.calls.words.append(Words(name, self.texts.place(whole), words, folder))
            return True
        return False

    def hidden(self, words: tuple[Value, ...], node: cst.BaseExpression) -> bool:
        """Whether words, or the text that `node` is, call a tool that the program chooses."""
        text = self.texts.text(node) if len(words) == 1 else None
        if text is not None:
            words = tuple(Value(word, word) for word in text.text.split())
        return len(words) > 1 and is_hidden(words)

    def split_text(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """The text inside `"...".split()` and `shlex.split("...")`."""
        import libcst as cst

        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            if dotted(node.func) == "shlex.split" and node.args:
                return self.texts.constant(node.args[0].value)
            if node.func.attr.value == "split" and not node.args:
                return self.texts.constant(node.func.value)
        return node

    def folder(self, node: cst.Call) -> str | None:
        """`cwd=`: where the command runs; "" without it, None when it is not known."""
        for arg in node.args:
            if arg.keyword is not None and arg.keyword.value == "cwd":
                return located(self.texts.word(arg.value).text, "", "the folder", [])
        return ""

    def stray_list(self, node: cst.List | cst.Tuple) -> None:
        """A list that looks like a build and is not handed to a call directly."""
        words = self.texts.listed(node)
        if words is None or self.texts.is_constant(node):
            return
        if is_hidden(words):
            self.unread(node, "the tool is a variable")
        elif _is_build(words):
            self.unread(node, "a list of words that is changed before it is run")

    def stray_text(self, node: cst.BaseExpression) -> None:
        """A text that begins with a build and is not handed to a call directly."""
        text = self.texts.text(node)
        if text is None or not _starts_build(text.text) or self.texts.is_constant(node):
            return
        self.unread(node, "a text that is put together before it is run")

    def unread(self, node: cst.CSTNode, why: str) -> None:
        """Something that looks like a build and cannot be read."""
        self.calls.unread.append((self.texts.place(node), why))

    def sdk(
        self,
        node: cst.Call,
        func: str,
        name: str,
        keys: dict[str, str] | None = None,
        positional: tuple[str, ...] = ("context",),
    ) -> None:
        """A call of docker's SDK, of python-on-whales or of Tilt."""
        keys = _SDK if keys is None else keys
        place = self.texts.place(node)
        found: dict[str, cst.BaseExpression] = {}
        for number, arg in enumerate(node.args):
            if arg.star:
                self.unread(node, f"{func} gets arguments that are made elsewhere")
                return
            keyword = arg.keyword.value if arg.keyword is not None else ""
            ordered = positional[number] if number < len(positional) and not keyword else ""
            key = keys.get(keyword) or ordered
            found[key or keyword] = arg.value
        kind, tool = (SiteKind.TILT, Tool.TILT) if self.tilt else (SiteKind.PYTHON, Tool.SDK)
        site = CallSite(kind, name, place)
        reader = _Sdk(self.texts, found, "file" in keys or self.tilt, tool)
        self.calls.sdk.append(lambda folder: reader.build(site, folder))


class _Sdk(Struct, frozen=True):
    """Arguments of an SDK's call. Private to `_ModuleWalk`; `beside` says that the Dockerfile
    counts from where the program runs and not from the context."""

    texts: Texts
    given: dict[str, Any]
    beside: bool
    tool: Tool

    def value(self, key: str) -> Value | None:
        """One argument."""
        return self.texts.word(self.given[key]) if key in self.given else None

    def values(self, key: str) -> tuple[Value, ...]:
        """One argument that may be a list."""
        node = self.given.get(key)
        listed = self.texts.listed(self.texts.constant(node)) if node is not None else None
        one = self.value(key)
        return listed if listed is not None else (one,) if one is not None else ()

    def pairs(self) -> tuple[BuildArgument, ...]:
        """Build arguments given as a dictionary."""
        import libcst as cst

        node = self.given.get("args")
        found = []
        for item in node.elements if isinstance(node, cst.Dict) else ():
            if isinstance(item, cst.DictElement):
                key = self.texts.word(item.key)
                found.append(BuildArgument(key.text, self.texts.word(item.value), key.place))
        return tuple(found)

    def build(self, site: CallSite, folder: str) -> Build:
        """The build, for a program that runs in `folder`."""
        unknown: list[str] = []
        context, file = self.value("context"), self.value("file")
        where = None
        if "fileobj" in self.given or context is None:
            unknown.append("the context is made by the program")
        else:
            where = located(context.text, folder, "the context", unknown)
        text = file.text if file is not None else "Dockerfile"
        base = folder if self.beside and file is not None else where
        dockerfile = None
        if base is not None and "fileobj" not in self.given:
            dockerfile = located(text, base, "the Dockerfile", unknown)
        flags = {key: _is_true(self.given.get(key)) for key in ("push", "load")}
        return Build(
            site=site,
            tool=self.tool,
            context=where,
            dockerfile=dockerfile,
            context_written=context,
            dockerfile_written=file,
            target=self.value("target"),
            arguments=self.pairs(),
            tags=self.values("tag"),
            cache_from=self.values("cache-from"),
            cache_to=self.values("cache-to"),
            platforms=self.values("platform"),
            push=flags["push"],
            load=flags["load"],
            folder=folder,
            unknown=tuple(unknown),
        )


def is_tilt(path: str) -> bool:
    """Whether a file is a Tiltfile, whose Starlark is read as the Python that it is."""
    name = posixpath.basename(path)
    return (
        name == "Tiltfile" or name.startswith("Tiltfile.") or name.endswith((".tilt", ".tiltfile"))
    )


def _is_true(node: cst.BaseExpression | None) -> bool:
    import libcst as cst

    return isinstance(node, cst.Name) and node.value == "True"


def _is_build(words: tuple[Value, ...]) -> bool:
    """Whether words look like a build, whatever variables stand among them."""
    words = unwrapped(words)
    text = " ".join(word.text for word in words)
    return _COMMAND.match(text) is not None


def _starts_build(text: str) -> bool:
    """Whether a text holds a build at the beginning of one of its commands."""
    return any(_command_starts(line) for line in re.split(r"[\n;|]|&&", text))


def _command_starts(text: str) -> bool:
    words = re.sub(r"^(?:\s*(?:sudo|env|time|\w+=\S*)\s+)*", "", text).lstrip()
    return _COMMAND.match(words) is not None


def folder_of(item: Words | Text, folder: str) -> str | None:
    """Where a command runs, for a program that runs in `folder`."""
    return item.folder if item.folder is None or item.folder else folder


def each(calls: Calls) -> Iterator[Words | Text]:
    """The commands of a file in the order of their kinds."""
    yield from calls.words
    yield from calls.texts
