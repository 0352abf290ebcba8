"""One build command in a script, which may stand for several builds.

Values and small questions; the edits are others' business.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dockerfix.facts.model import Build, Value
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.expansions import of_the_shell
from dockerfix.rewrite.wanted import Change, Refused
from dockerfix.text import Place, Source, Span


class Subject(Struct, frozen=True):
    """One command. `changes` are builds of it that change, `others` are those that must stay
    as they are."""

    facts: Facts
    changes: tuple[Change, ...]
    others: tuple[Build, ...]

    @property
    def first(self) -> Build:
        """The first build that changes."""
        return self.changes[0].build

    @property
    def place(self) -> Place:
        """Where the command stands."""
        return self.first.site.place

    @property
    def source(self) -> Source:
        """The file in which it stands."""
        return self.facts.snapshot.source(self.place.path)

    def refused(self, what: str, action: str) -> Refused:
        """A refusal at the command."""
        return Refused(self.place, what, action)


def old_file(build: Build) -> str:
    """What an absent `--file` means, as it would be written."""
    if build.dockerfile_written is not None:
        return build.dockerfile_written.text
    context = build.context_written.text if build.context_written is not None else ""
    return "Dockerfile" if context in ("", ".") else f"{context.rstrip('/')}/Dockerfile"


def old_target(build: Build) -> str:
    """What an absent or present `--target` means."""
    return build.target.text if build.target is not None else ""


def value_of(build: Build, name: str) -> Value | None:
    """The value of `--file` or `--target`."""
    return build.dockerfile_written if name == "file" else build.target


def inner(subject: Subject, place: Place, value: Value) -> Span:
    """The span of a word without the quotes that it brings along; in a quoted YAML scalar a
    quote may take two bytes. Raises `Refused` where the word is not written as it reads."""
    span = place.span
    if value.inside == value.written:
        return span
    text = subject.facts.snapshot.source(place.path).text(span)
    before, found, behind = text.partition(value.inside)
    if not found or before != behind:
        raise subject.refused(f"{value.written} is written with escapes", "write it plainly")
    width = len(before.encode())
    return Span(span.start + width, span.end - width)


def quoted(text: str) -> str:
    """A word, in quotes where a shell would split it."""
    shells = "$" in text and of_the_shell(text[text.index("$") :])
    return f'"{text}"' if shells or " " in text else text


def prefix_of(value: Value, text: str) -> str | None:
    """What stands before the old text in the new one; None when it does not end in it."""
    return text[: len(text) - len(value.text)] if value.text and text.endswith(value.text) else None


def common(texts: Sequence[str | None]) -> str | None:
    """The one text that all of them are; None where they differ."""
    return texts[0] if texts and all(text == texts[0] for text in texts) else None
