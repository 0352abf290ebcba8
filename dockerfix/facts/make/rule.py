"""A rule of a Makefile: what it makes, what that needs, and its automatic variables."""

from __future__ import annotations

from dockerfix.facts.make.functions import stem
from dockerfix.facts.shell.words import UNKNOWN
from dockerfix.text import MappedText, Source
from dockerfix.text.values import Keyed


class Rule(Keyed, frozen=True, eq=False):
    """One rule; `targets`, `prerequisites` and a static rule's `pattern` are words after
    expansion, `lines` its recipe as written."""

    aside = ("lines",)

    source: Source
    targets: tuple[str, ...]
    prerequisites: tuple[str, ...]
    lines: tuple[MappedText, ...]
    pattern: str = ""

    def makes(self, pattern: str, target: str) -> bool:
        """Whether a pattern of this rule's targets fits a target that is none itself."""
        return pattern in self.targets and "%" not in target and stem(pattern, target) is not None

    def stem(self, target: str) -> str:
        """What `%` stands for in `target`; unknown for a pattern itself."""
        for pattern in (self.pattern,) if self.pattern else self.targets:
            found = stem(pattern, target)
            if found is not None and "%" in pattern:
                return found if "%" not in target else UNKNOWN
        return UNKNOWN

    def needs(self, target: str) -> tuple[str, ...]:
        """The prerequisites of one target."""
        middle = self.stem(target)
        return tuple(name.replace("%", middle) for name in self.prerequisites)

    def automatic(self, target: str) -> dict[str, str]:
        """The automatic variables as a recipe for `target` sees them."""
        needed = self.needs(target)
        every = " ".join(dict.fromkeys(needed))
        first = needed[0] if needed else ""
        middle = self.stem(target)
        return {"@": target, "*": middle, "<": first, "^": every, "+": " ".join(needed)}
