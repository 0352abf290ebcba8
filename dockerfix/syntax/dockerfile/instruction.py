"""One instruction of the Dockerfile tree, whatever its keyword.

An instruction knows its bytes at once and reads words, flags and form on first use: most
questions about a file touch few of its instructions. That is why these classes hold cached
properties where the rest of the project has frozen values; they are never changed.
"""

from __future__ import annotations

from functools import cached_property

from dockerfix.syntax.dockerfile import words
from dockerfix.syntax.dockerfile.logical_line import LogicalLine
from dockerfix.syntax.dockerfile.nodes import (
    ExecForm,
    Flag,
    Form,
    Heredoc,
    HeredocForm,
    ShellForm,
    Word,
)
from dockerfix.text import Span

JSON_KEYWORDS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
"""Those whose arguments may be a JSON list; HEALTHCHECK has one behind its CMD."""


class Instruction(LogicalLine):
    """One instruction with everything that belongs to it; see the module's docstring."""

    def __repr__(self) -> str:
        """The instruction as one normal line, for tests and debuggers."""
        return f"<{self.text!r}>"

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
