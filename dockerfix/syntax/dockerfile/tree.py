"""The nodes of the Dockerfile tree.

An instruction knows its bytes at once and reads words, flags and form on first use: most
questions about a file touch few of its instructions. That is why these classes hold cached
properties where the rest of the project has frozen dataclasses; they are never changed.
Knows one Dockerfile; knows nothing of other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from msgspec import Struct

from dockerfix.syntax.dockerfile import scan, words
from dockerfix.syntax.dockerfile.space import BLANKS, SPACE
from dockerfix.text import MappedText, Newline, Piece, Source, Span
from dockerfix.text.source import BOM


class Word(Struct, frozen=True):
    """An argument.

    `raw` is the word as written, `value` the word without quotes and escapes (variables are
    not expanded), `span` its bytes in the file. A word split by a continuation has a span
    that holds the continuation too.
    """

    raw: str
    value: str
    span: Span
    variables: tuple[str, ...] = ()


class Flag(Struct, frozen=True):
    """`--name=value` or `--name` before the arguments; spans in bytes of the file."""

    name: str
    value: str | None
    span: Span
    value_span: Span | None


class Heredoc(Struct, frozen=True):
    """A heredoc: the opening word, the body as it stands, and the line of the end marker
    (empty when the marker is missing)."""

    name: str
    expand: bool
    strip_tabs: bool
    fd: int
    word: str
    body_span: Span
    body: bytes
    marker_span: Span


class Mount(Struct, frozen=True):
    """One `--mount` of RUN with its comma-separated options; an option without a value is
    the empty string."""

    flag: Flag
    options: dict[str, str]

    @property
    def kind(self) -> str:
        """The type in lower case; `bind` is the default, as in BuildKit."""
        return self.options.get("type", "bind").lower()

    def option(self, *names: str) -> str | None:
        """The first of several synonymous options that is there (`target`, `dst`...)."""
        return next((self.options[name] for name in names if name in self.options), None)


class Comment(Struct, frozen=True):
    """One comment line, its newline included."""

    span: Span
    text: str


class Blank(Struct, frozen=True):
    """One or more blank lines."""

    span: Span


class Directive(Struct, frozen=True):
    """A parser directive (`syntax`, `escape`, `check`) on its line."""

    span: Span
    name: str
    value: str


class Problem(Struct, frozen=True):
    """Something BuildKit rejects or warns of: where, what, and what to do."""

    span: Span
    message: str
    hint: str = ""


class ShellForm(Struct, frozen=True):
    """Arguments that a shell reads."""

    text: str


class ExecForm(Struct, frozen=True):
    """Arguments given as a JSON list."""

    arguments: tuple[Word, ...]


class HeredocForm(Struct, frozen=True):
    """A command line that opens heredocs."""

    text: str
    heredocs: tuple[Heredoc, ...]


Form = ShellForm | ExecForm | HeredocForm


class Instruction:
    """One instruction with everything that belongs to it; see the module's docstring."""

    def __init__(
        self,
        source: Source,
        item: scan.Scanned,
        comments: tuple[Comment, ...],
        escape: bytes,
    ) -> None:
        self.source = source
        self.comments = comments
        self.keyword = item.keyword
        self.span = Span(item.start, item.end)
        self._item = item
        self._escape = escape

    def __repr__(self) -> str:
        """The instruction as one normal line, for tests and debuggers."""
        return f"<{self.text!r}>"

    @cached_property
    def _layout(self) -> scan.Layout:
        return self._item.lines or scan.layout(self.source.data, self._item, self._escape)

    @cached_property
    def _command(self) -> words.Command:
        return words.split_command(self.line, 0, self.escape)

    @property
    def owned(self) -> Span:
        """The span with the comments above that travel with the instruction."""
        return Span(self.comments[0].span.start, self.span.end) if self.comments else self.span

    @cached_property
    def code(self) -> Span:
        """From the keyword to the last byte of the instruction, heredocs included and the
        final newline left out."""
        start = self._layout.code[0][0]
        return Span(start, start + len(self.source.data[start : self.span.end].rstrip(b"\r\n")))

    @cached_property
    def inner_comments(self) -> tuple[Comment, ...]:
        """Comment lines inside the continuation, which BuildKit drops."""
        spans = [Span(start, end) for start, end in self._layout.comments]
        return tuple(Comment(span, self.source.text(span).strip()) for span in spans)

    @property
    def blank_continuations(self) -> tuple[Span, ...]:
        """Blank lines inside the continuation, which BuildKit joins with a warning."""
        return tuple(Span(start, end) for start, end in self._layout.blanks)

    @cached_property
    def mapped(self) -> MappedText:
        """The logical line with the way back to the file."""
        spans = [Span(start, end) for start, end in self._layout.code]
        return MappedText(Piece(self.source.text(span), span) for span in spans)

    @cached_property
    def arguments_mapped(self) -> MappedText:
        """The part of the logical line after keyword and flags, with the way back."""
        return self.mapped.slice(self._command.arguments, self._command.end)

    @property
    def line(self) -> str:
        """The logical line as BuildKit sees it, heredoc bodies left out."""
        return self.mapped.text

    @property
    def escape(self) -> str:
        """The escape character in force."""
        return self._escape.decode()

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """The flags before the arguments, in order."""
        return tuple(self._flag(raw) for raw in self._command.flags)

    def _flag(self, raw: words.RawWord) -> Flag:
        name, equals, value = words.flag_text(raw.text, self.escape)[2:].partition("=")
        span = self.mapped.span(raw.start, raw.end)
        if not equals:
            return Flag(name, None, span, None)
        begin = raw.start + raw.text.index("=") + 1
        return Flag(name, value, span, self.mapped.span(begin, raw.end))

    def flag(self, name: str) -> Flag | None:
        """The first flag of that name."""
        return next((flag for flag in self.flags if flag.name == name), None)

    def _word(self, raw: words.RawWord, value: str | None = None) -> Word:
        if value is None:
            value = words.unquote(raw.text, self.escape)
        span = self.mapped.span(raw.start, raw.end)
        return Word(raw.text, value, span, words.variables(raw.text, self.escape))

    @property
    def arguments(self) -> str:
        """The text after keyword and flags."""
        return self.line[self._command.arguments : self._command.end]

    @cached_property
    def json(self) -> tuple[Word, ...] | None:
        """The strings of the exec form; None when the arguments are no JSON list of strings,
        or when the instruction has no exec form."""
        if self.keyword not in JSON_KEYWORDS:
            return None
        return self._json(self._command.arguments)

    def _json(self, at: int) -> tuple[Word, ...] | None:
        found = words.json_words(self.line, at)
        return None if found is None else tuple(self._word(raw, value) for value, raw in found)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The arguments: the JSON strings in exec form, else words between blanks."""
        if self.json is not None:
            return self.json
        command = self._command
        raws = words.plain_words(self.line, command.arguments, command.end)
        return tuple(self._word(raw) for raw in raws)

    @cached_property
    def heredocs(self) -> tuple[Heredoc, ...]:
        """The heredocs that the line opens, with their bodies."""
        return tuple(
            Heredoc(
                raw.name,
                raw.expand,
                raw.strip_tabs,
                raw.fd,
                raw.word,
                Span(raw.body_start, raw.body_end),
                self.source.data[raw.body_start : raw.body_end],
                Span(raw.body_end, raw.end),
            )
            for raw in self._item.heredocs
        )

    @property
    def unterminated(self) -> bool:
        """Whether a heredoc's end marker is missing."""
        return any(not raw.terminated for raw in self._item.heredocs)

    @cached_property
    def form(self) -> Form:
        """Shell, exec or heredoc form, each a type of its own."""
        if self.json is not None:
            return ExecForm(self.json)
        if self.heredocs:
            return HeredocForm(self.arguments, self.heredocs)
        return ShellForm(self.arguments)

    @cached_property
    def text(self) -> str:
        """The instruction as one normal line: two with equal text, in files of one escape
        character, mean the same.

        The keyword is upper-cased, runs of blanks outside of quotes shrink to one where the
        instruction splits at them, heredoc bodies follow on lines of their own.
        """
        flags = "".join(f" {raw.text}" for raw in self._command.flags)
        bodies = "".join(
            f"\n{doc.body.decode('utf-8', 'surrogateescape')}" for doc in self.heredocs
        )
        return f"{self.keyword}{flags} {self._flat_arguments()}{bodies}"

    def _flat_arguments(self) -> str:
        text = self.arguments
        if "`" in text or "$'" in text:
            return text  # what stands in quotes is the shell's secret
        return " ".join(raw.text for raw in words.quoted_words(text, 0, self.escape, " \t"))


class From(Instruction):
    """FROM [--platform=...] image [AS name]."""

    @property
    def image(self) -> Word | None:
        """The base: an image, a stage, or a text with variables."""
        return self.words[0] if self.words else None

    @cached_property
    def name(self) -> Word | None:
        """The stage's name as written; None when it has none."""
        parts = self.words
        return parts[2] if len(parts) == 3 and parts[1].raw.lower() == "as" else None

    @property
    def platform(self) -> Flag | None:
        """`--platform`, if any."""
        return self.flag("platform")


class Copy(Instruction):
    """COPY and ADD: sources and a destination; ADD is a subclass."""

    @property
    def sources(self) -> tuple[Word, ...]:
        """The sources, heredoc words included."""
        return self.words[:-1]

    @property
    def destination(self) -> Word | None:
        """The last word."""
        return self.words[-1] if self.words else None

    @property
    def from_(self) -> Flag | None:
        """`--from`, if any."""
        return self.flag("from")


class Add(Copy):
    """ADD: COPY that also knows addresses and archives."""


class Run(Instruction):
    """RUN in any of its forms."""

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The `--mount` flags with their options."""
        return tuple(
            Mount(flag, dict(_option(field) for field in words.csv_fields(flag.value or "")))
            for flag in self.flags
            if flag.name == "mount"
        )

    @cached_property
    def script(self) -> MappedText | None:
        """What the shell reads, with the way back.

        For a heredoc that is the whole command (`RUN <<EOF`), the body; for any other, the
        command line with the bodies below it. None when no shell reads it: in exec form, and
        for a body whose first line names another interpreter (`#!/usr/bin/env python3`).
        """
        if self.json is not None:
            return None
        if not self.heredocs:
            return self.arguments_mapped
        if self._is_one_heredoc():
            return _shell_body(self.source, self.heredocs[0])
        pieces = list(self.arguments_mapped.pieces)
        for doc in self.heredocs:
            start = doc.body_span.start
            pieces.append(Piece("\n", Span(pieces[-1].span.end, start), literal=False))
            pieces.append(Piece(self.source.text(doc.body_span), doc.body_span))
            pieces.append(Piece(doc.name, doc.marker_span, literal=False))
        return MappedText(pieces)

    def _is_one_heredoc(self) -> bool:
        """Whether BuildKit feeds the body itself to the shell, as its `dispatchRun` does."""
        from dockerfix.syntax.dockerfile.heredoc import opening

        return opening(self.arguments) is not None


class Arg(Instruction):
    """ARG NAME[=default] ..."""

    @cached_property
    def entries(self) -> tuple[tuple[str, str | None], ...]:
        """Names with their unquoted defaults."""
        return tuple(_pair(word, self.escape) for word in self.words)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Words with quotes respected."""
        return _quoted(self)


class Env(Instruction):
    """ENV and LABEL; both know `KEY=value ...` and the old `KEY value`."""

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Words with quotes respected."""
        return _quoted(self)

    @property
    def old_form(self) -> bool:
        """Whether it is `KEY value`, where the value is the rest of the line."""
        return bool(self.words) and "=" not in self.words[0].raw

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Keys and unquoted values, variables not expanded; in order, none left out."""
        if not self.old_form:
            pairs = (_pair(word, self.escape) for word in self.words)
            return tuple((name, value or "") for name, value in pairs)
        text = self.arguments
        key = words.plain_words(text, 0, len(text))[0].text
        value = text[len(key) :].lstrip(BLANKS)
        return ((words.unquote(key, self.escape), words.unquote(value, self.escape)),)

    def _flat_arguments(self) -> str:
        return self.arguments if self.old_form else super()._flat_arguments()


class Label(Env):
    """LABEL."""


class OneArgument(Instruction):
    """USER, WORKDIR, STOPSIGNAL, MAINTAINER: the rest of the line is one argument."""

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The argument, or nothing."""
        command = self._command
        if not self.arguments:
            return ()
        return (self._word(words.RawWord(self.arguments, command.arguments, command.end)),)

    @property
    def argument(self) -> Word | None:
        """The argument; None when it is missing, which BuildKit rejects."""
        return self.words[0] if self.words else None

    def _flat_arguments(self) -> str:
        return self.arguments


class Healthcheck(Instruction):
    """HEALTHCHECK [flags] CMD command, or HEALTHCHECK NONE."""

    @cached_property
    def _type(self) -> words.RawWord | None:
        command = self._command
        return next(iter(words.plain_words(self.line, command.arguments, command.end)), None)

    @property
    def kind(self) -> str:
        """`CMD` or `NONE`, in upper case; empty when it is missing."""
        return self._type.text.upper() if self._type else ""

    @property
    def command_text(self) -> str:
        """The command behind the kind, as written."""
        at = self._type.end if self._type else self._command.end
        return self.line[at : self._command.end].lstrip(SPACE)

    @cached_property
    def json(self) -> tuple[Word, ...] | None:
        """The strings of the command in exec form; None in shell form."""
        return self._json(self._type.end) if self._type else None

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The command's words, the kind left out."""
        if self.json is not None:
            return self.json
        at = self._type.end if self._type else self._command.end
        raws = words.plain_words(self.line, at, self._command.end)
        return tuple(self._word(raw) for raw in raws)


class Onbuild(Instruction):
    """ONBUILD, whose argument is an instruction for the child's build."""

    @cached_property
    def inner(self) -> Instruction | None:
        """The instruction behind ONBUILD, on the same bytes."""
        line = self.arguments_mapped
        if not line.text:
            return None
        item = scan.Scanned(
            scan.Kind.INSTRUCTION,
            self.span.start,
            self.span.end,
            words.split_command(line.text, 0, self.escape).keyword(line.text),
            self._item.heredocs,
            self._layout._replace(code=tuple(piece.span for piece in line.pieces)),
        )
        kind = INSTRUCTIONS.get(item.keyword, Instruction)
        return kind(self.source, item, (), self._escape)


INSTRUCTIONS: dict[str, type[Instruction]] = {
    "ADD": Add,
    "ARG": Arg,
    "CMD": Instruction,
    "COPY": Copy,
    "ENTRYPOINT": Instruction,
    "ENV": Env,
    "EXPOSE": Instruction,
    "FROM": From,
    "HEALTHCHECK": Healthcheck,
    "LABEL": Label,
    "MAINTAINER": OneArgument,
    "ONBUILD": Onbuild,
    "RUN": Run,
    "SHELL": Instruction,
    "STOPSIGNAL": OneArgument,
    "USER": OneArgument,
    "VOLUME": Instruction,
    "WORKDIR": OneArgument,
}

"""The class of each instruction that BuildKit knows; any other is a plain `Instruction`."""

KEYWORDS = frozenset(INSTRUCTIONS)
"""The instructions that BuildKit knows."""

JSON_KEYWORDS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
"""Those whose arguments may be a JSON list; HEALTHCHECK has one behind its CMD."""

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})


def _quoted(instruction: Instruction) -> tuple[Word, ...]:
    command = instruction._command
    line = instruction.line[: command.end]
    raws = words.quoted_words(line, command.arguments, instruction.escape)
    return tuple(instruction._word(raw) for raw in raws)


def _pair(word: Word, escape: str) -> tuple[str, str | None]:
    name, equals, value = word.raw.partition("=")
    return words.unquote(name, escape), words.unquote(value, escape) if equals else None


def _option(field: str) -> tuple[str, str]:
    name, _, value = field.partition("=")
    return name.lower(), value


def _shell_body(source: Source, doc: Heredoc) -> MappedText | None:
    """A heredoc's body as the shell reads it; None when another interpreter does."""
    body = MappedText(_body_pieces(source, doc))
    first = body.text.partition("\n")[0]
    return None if first.startswith("#!") and not _names_shell(first[2:]) else body


def _body_pieces(source: Source, doc: Heredoc) -> Iterator[Piece]:
    """The body, for `<<-` without the tabs that begin its lines."""
    if not doc.strip_tabs:
        yield Piece(source.text(doc.body_span), doc.body_span)
        return
    at = doc.body_span.start
    for line in doc.body.splitlines(keepends=True):
        end = at + len(line)
        span = Span(end - len(line.lstrip(b"\t")), end)
        yield Piece(source.text(span), span)
        at = end


def _names_shell(interpreter: str) -> bool:
    """Whether the words behind `#!` name a shell, directly or through `env`."""
    names = [word.rpartition("/")[2] for word in interpreter.split() if not word.startswith("-")]
    if names and names[0] == "env":
        del names[0]
    return bool(names) and names[0] in _SHELLS


Item = Directive | Comment | Blank | Instruction


@dataclass(frozen=True)
class Stage:
    """A build stage: its FROM and the instructions below it.

    `index` counts from 0, as `COPY --from=0` does. `span` runs from the comments above FROM
    to the end of the last instruction.
    """

    index: int
    from_: From
    instructions: tuple[Instruction, ...]

    @cached_property
    def name(self) -> str | None:
        """The name as written; None when the stage has none."""
        return self.from_.name.value if self.from_.name else None

    @property
    def span(self) -> Span:
        """From the comments above FROM to the end of the stage's last instruction."""
        last = self.instructions[-1] if self.instructions else self.from_
        return Span(self.from_.owned.start, last.span.end)


class Dockerfile:
    """The lossless tree of one Dockerfile. Make it with `dockerfix.syntax.parse`."""

    def __init__(self, source: Source, items: tuple[Item, ...], escape: str) -> None:
        self.source = source
        self.items = items
        self.escape = escape

    @property
    def path(self) -> str:
        """The path relative to the root."""
        return self.source.path

    @property
    def bom(self) -> bytes:
        """The byte order mark, if the file has one; the tree owns it."""
        return BOM if self.source.bom else b""

    @property
    def newline(self) -> Newline:
        """The file's newline style."""
        return self.source.newline

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """The parser directives at the top."""
        return tuple(item for item in self.items if isinstance(item, Directive))

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions in order."""
        return tuple(item for item in self.items if isinstance(item, Instruction))

    @cached_property
    def preamble(self) -> tuple[Instruction, ...]:
        """The instructions before the first FROM: global ARGs in a valid file."""
        first = next(
            (n for n, item in enumerate(self.instructions) if isinstance(item, From)),
            len(self.instructions),
        )
        return self.instructions[:first]

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in order."""
        stages: list[Stage] = []
        current: From | None = None
        body: list[Instruction] = []
        for item in self.instructions:
            if isinstance(item, From):
                if current is not None:
                    stages.append(Stage(len(stages), current, tuple(body)))
                current, body = item, []
            else:
                body.append(item)
        if current is not None:
            stages.append(Stage(len(stages), current, tuple(body)))
        return tuple(stages)

    @cached_property
    def warnings(self) -> tuple[Problem, ...]:
        """What BuildKit's parser warns of."""
        return tuple(
            Problem(
                span,
                "a blank line inside a continuation",
                "remove the line: BuildKit joins it with a warning today",
            )
            for item in self.instructions
            for span in item.blank_continuations
        )
