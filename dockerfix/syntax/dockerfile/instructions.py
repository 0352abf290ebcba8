"""The instructions that BuildKit knows, each with what its own arguments mean."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dockerfix.syntax.dockerfile import scan, words
from dockerfix.syntax.dockerfile.instruction import Instruction
from dockerfix.syntax.dockerfile.nodes import (
    Flag,
    Heredoc,
    Mount,
    Word,
)
from dockerfix.syntax.dockerfile.space import BLANKS, SPACE
from dockerfix.text import MappedText, Piece, Source, Span


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
