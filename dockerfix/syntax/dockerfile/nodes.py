"""The values of the Dockerfile tree: words, flags, heredocs, comments, forms, problems."""

from __future__ import annotations

from msgspec import Struct

from dockerfix.text import Span


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
