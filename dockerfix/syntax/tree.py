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

from dockerfix.syntax import scan, words
from dockerfix.text import MappedText, Newline, Piece, Source, Span
from dockerfix.text.source import BOM


@dataclass(frozen=True, slots=True)
class Word:
    """An argument.

    `raw` is the word as written, `value` the word without quotes and escapes (variables are
    not expanded), `span` its bytes in the file. A word split by a continuation has a span
    that holds the continuation too.
    """

    raw: str
    value: str
    span: Span
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` or `--name` before the arguments; spans in bytes of the file."""

    name: str
    value: str | None
    span: Span
    value_span: Span | None


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A heredoc: the opening word, and the body without the end marker's line."""

    name: str
    expand: bool
    strip_tabs: bool
    fd: int
    word: str
    body_span: Span
    body: bytes


@dataclass(frozen=True, slots=True)
class Mount:
    """One `--mount` of RUN with its comma-separated options; an option without a value is
    the empty string."""

    flag: Flag
    options: dict[str, str]

    @property
    def kind(self) -> str:
        """`bind` is the default, as in BuildKit."""
        return self.options.get("type", "bind")

    def option(self, *names: str) -> str | None:
        """The first of several synonymous options that is there (`target`, `dst`...)."""
        return next((self.options[name] for name in names if name in self.options), None)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment line, its newline included."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """One or more blank lines."""

    span: Span


@dataclass(frozen=True, slots=True)
class Directive:
    """A parser directive (`syntax`, `escape`, `check`) on its line."""

    span: Span
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something BuildKit rejects or warns of: where, what, and what to do."""

    span: Span
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ShellForm:
    """Arguments that a shell reads."""

    text: str


@dataclass(frozen=True, slots=True)
class ExecForm:
    """Arguments given as a JSON list."""

    arguments: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class HeredocForm:
    """A command line that opens heredocs."""

    text: str
    heredocs: tuple[Heredoc, ...]


Form = ShellForm | ExecForm | HeredocForm


class Instruction:
    """One instruction with everything that belongs to it; see the module's docstring."""

    def __init__(self, source: Source, run: scan.Run, comments: tuple[Comment, ...]) -> None:
        self.source = source
        self.comments = comments
        self.keyword = run.keyword.decode("utf-8", "surrogateescape")
        self.span = Span(run.start, run.end)
        self._run = run

    def __repr__(self) -> str:
        """The logical line, for tests and debuggers."""
        return f"<{self.text!r}>"

    @property
    def owned(self) -> Span:
        """The span with the comments above that travel with the instruction."""
        return Span(self.comments[0].span.start, self.span.end) if self.comments else self.span

    @cached_property
    def code(self) -> Span:
        """From the keyword to the last byte of the command, the final newline left out."""
        data = self.source.data[self.span.start : self.span.end]
        end = self.span.end - (len(data) - len(data.rstrip(b"\r\n")))
        return Span(self._run.lines[0][0], end)

    @cached_property
    def inner_comments(self) -> tuple[Comment, ...]:
        """Comment lines inside the continuation, which BuildKit drops."""
        return tuple(
            Comment(Span(start, end), self.source.text(Span(start, end)).strip())
            for start, end in self._run.comments
        )

    @property
    def blank_continuations(self) -> tuple[Span, ...]:
        """Blank lines inside the continuation, which BuildKit joins with a warning."""
        return tuple(Span(start, end) for start, end in self._run.blanks)

    @cached_property
    def mapped(self) -> MappedText:
        """The logical line with the way back to the file."""
        return MappedText(
            Piece(self.source.text(Span(start, end)), Span(start, end))
            for start, end in self._run.lines
        )

    @cached_property
    def arguments_mapped(self) -> MappedText:
        """The part of the logical line after keyword and flags, with the way back."""
        return self._mapped_from(self._arguments_at)

    def _mapped_from(self, at: int) -> MappedText:
        pieces, seen = [], 0
        for piece in self.mapped.pieces:
            size = len(piece.text)
            if seen + size > at:
                cut = max(at - seen, 0)
                skipped = len(piece.text[:cut].encode("utf-8", "surrogateescape"))
                pieces.append(
                    Piece(piece.text[cut:], Span(piece.span.start + skipped, piece.span.end))
                )
            seen += size
        return MappedText(pieces)

    @property
    def line(self) -> str:
        """The logical line as BuildKit sees it, heredoc bodies left out."""
        return self.mapped.text

    @property
    def escape(self) -> str:
        """The escape character in force."""
        return self._run.escape.decode()

    @cached_property
    def _keyword_end(self) -> int:
        at = words.skip_space(self.line, 0)
        while at < len(self.line) and not self.line[at].isspace():
            at += 1
        return at

    @cached_property
    def _raw_flags(self) -> tuple[list[words.RawWord], int]:
        return words.flag_words(self.line, self._keyword_end, self.escape)

    @property
    def _arguments_at(self) -> int:
        return self._raw_flags[1]

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """The flags before the arguments, in order."""
        return tuple(self._flag(raw) for raw in self._raw_flags[0])

    def _flag(self, raw: words.RawWord) -> Flag:
        name, equals, value = raw.text[2:].partition("=")
        span = self.mapped.span(raw.start, raw.end)
        if not equals:
            return Flag(name, None, span, None)
        value_span = self.mapped.span(raw.start + 3 + len(name), raw.end)
        return Flag(name, words.unquote(value, self.escape), span, value_span)

    def flag(self, name: str) -> Flag | None:
        """The first flag of that name."""
        return next((flag for flag in self.flags if flag.name == name), None)

    def _word(self, raw: words.RawWord, value: str | None = None) -> Word:
        if value is None:
            value = words.unquote(raw.text, self.escape)
        return Word(
            raw.text, value, self.mapped.span(raw.start, raw.end), words.variables(raw.text)
        )

    @cached_property
    def arguments(self) -> str:
        """The text after keyword and flags."""
        return self.line[self._arguments_at :].strip()

    @cached_property
    def json(self) -> tuple[Word, ...] | None:
        """The strings of the exec form; None when the arguments are no JSON list."""
        found = words.json_words(self.line, self._arguments_at)
        return None if found is None else tuple(self._word(raw, value) for value, raw in found)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The arguments: the JSON strings in exec form, else words between white space."""
        if self.json is not None:
            return self.json
        return tuple(self._word(raw) for raw in words.plain_words(self.line, self._arguments_at))

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
            )
            for raw in self._run.heredocs
        )

    @property
    def unterminated(self) -> bool:
        """Whether a heredoc's end marker is missing."""
        return any(not raw.terminated for raw in self._run.heredocs)

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
        """The instruction as one normal line: two with equal text mean the same.

        The keyword is upper-cased, runs of blanks outside of quotes shrink to one, heredoc
        bodies follow on lines of their own.
        """
        rest = self.line[self._keyword_end :]
        flat = " ".join(raw.text for raw in words.quoted_words(rest, 0, self.escape))
        bodies = "".join(
            f"\n{doc.body.decode('utf-8', 'surrogateescape')}" for doc in self.heredocs
        )
        return f"{self.keyword} {flat}{bodies}"


class From(Instruction):
    """FROM [--platform=...] image [AS name]."""

    @property
    def image(self) -> Word | None:
        """The base: an image, a stage, or a text with variables."""
        return self.words[0] if self.words else None

    @property
    def name(self) -> Word | None:
        """The stage's name as written; None when it has none."""
        parts = self.words
        return parts[2] if len(parts) == 3 and parts[1].value.lower() == "as" else None

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
            Mount(flag, dict(_option(part) for part in (flag.value or "").split(",")))
            for flag in self.flags
            if flag.name == "mount"
        )

    @cached_property
    def script(self) -> MappedText | None:
        """What the shell reads, with the way back; None in exec form.

        For a heredoc that is the whole command (`RUN <<EOF`), the body.
        """
        if self.json is not None:
            return None
        if len(self.heredocs) == 1 and self.arguments == self.heredocs[0].word:
            return MappedText.whole(self.source.data, self.heredocs[0].body_span)
        return self.arguments_mapped


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

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Keys and unquoted values, variables not expanded."""
        if self.words and "=" not in self.words[0].raw:
            key = self.words[0]
            rest = self.arguments[len(key.raw) :].strip()
            return ((key.value, words.unquote(rest, self.escape)),)
        return tuple((name, value or "") for name, value in self._assigned())

    def _assigned(self) -> Iterator[tuple[str, str | None]]:
        return (_pair(word, self.escape) for word in self.words)


class Label(Env):
    """LABEL."""


class Onbuild(Instruction):
    """ONBUILD, whose argument is an instruction for the child's build."""

    @cached_property
    def inner(self) -> Instruction | None:
        """The instruction behind ONBUILD, on the same bytes."""
        mapped = self._mapped_from(words.skip_space(self.line, self._keyword_end))
        if not mapped.text.strip():
            return None
        first = mapped.text.split(None, 1)[0].upper()
        inner = scan.Run(
            "I",
            self.span.start,
            self.span.end,
            first.encode("utf-8", "surrogateescape"),
            tuple((piece.span.start, piece.span.end) for piece in mapped.pieces),
            self._run.comments,
            self._run.blanks,
            self._run.heredocs,
            self._run.escape,
        )
        return make_instruction(self.source, inner, ())


_CLASSES: dict[str, type[Instruction]] = {
    "FROM": From,
    "COPY": Copy,
    "ADD": Add,
    "RUN": Run,
    "ARG": Arg,
    "ENV": Env,
    "LABEL": Label,
    "ONBUILD": Onbuild,
}

KEYWORDS = frozenset(_CLASSES) | {
    "CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "MAINTAINER", "SHELL", "STOPSIGNAL", "USER",
    "VOLUME", "WORKDIR",
}  # fmt: skip


def make_instruction(source: Source, run: scan.Run, comments: tuple[Comment, ...]) -> Instruction:
    """The instruction of the right class for a scanned run."""
    keyword = run.keyword.decode("utf-8", "surrogateescape")
    return _CLASSES.get(keyword, Instruction)(source, run, comments)


def _quoted(instruction: Instruction) -> tuple[Word, ...]:
    raws = words.quoted_words(instruction.line, instruction._arguments_at, instruction.escape)
    return tuple(instruction._word(raw) for raw in raws)


def _pair(word: Word, escape: str) -> tuple[str, str | None]:
    name, equals, value = word.raw.partition("=")
    return words.unquote(name, escape), words.unquote(value, escape) if equals else None


def _option(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name.lower(), value


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

    @property
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
    def errors(self) -> tuple[Problem, ...]:
        """What BuildKit rejects in this file, in order."""
        from dockerfix.syntax.problems import errors

        return errors(self)

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
