"""Arguments that a call of a shell function gains. Knows one call."""

from __future__ import annotations

from dockerfix.facts.model import Call
from dockerfix.rewrite.command.subject import Subject
from dockerfix.rewrite.wanted import Edits
from dockerfix.text import Edit, Span


class CallEdit:
    """What one call passes beyond what it passed."""

    def __init__(self, subject: Subject, call: Call) -> None:
        self.subject = subject
        self.call = call
        self.added: dict[int, str] = {}
        """For the number of a parameter, the text that is passed."""
        self.extended: Edits = []

    def add(self, number: int, text: str) -> None:
        """Pass `text` as the parameter of that number."""
        if self.added.setdefault(number, text) != text:
            raise self.subject.refused(
                f"one call of {self.call.name} builds several images",
                "write one call for each image",
            )

    def extend(self, number: int, words: str) -> None:
        """Append words to the argument of that number, or pass them."""
        if number > len(self.call.arguments):
            self.add(number, words)
            return
        place = self.call.arguments[number - 1]
        if place is None:
            raise self.subject.refused("an argument of the call is hidden", "write it out")
        data = self.subject.facts.snapshot.read(place.path)
        text = data[place.span.start : place.span.end]
        if text[:1] in (b'"', b"'"):
            end = place.span.end - 1
            gap = b" " if len(text) > 2 else b""
            self.extended.append((place.path, Edit(Span(end, end), gap + words.encode())))
            return
        new = b'"' + text + b" " + words.encode() + b'"'
        self.extended.append((place.path, Edit(place.span, new)))

    def edits(self) -> Edits:
        """The edits of this call; missing arguments before the new ones are passed empty."""
        if not self.added:
            return self.extended
        have = len(self.call.arguments)
        numbers = range(have + 1, max(self.added) + 1)
        words = (f'"{self.added[n]}"' if n in self.added else '""' for n in numbers)
        place = self.call.place
        end = Span(place.span.end, place.span.end)
        return [*self.extended, (place.path, Edit(end, f" {' '.join(words)}".encode()))]
