"""The words of a stage's instructions, with its variables and seen from its working directory.

Follows BuildKit's `dockerfile2llb`. Knows one stage while it is read; knows no tree of files.
"""

from __future__ import annotations

from dockerfix.facts.context.steps import (
    absolute,
)
from dockerfix.facts.dockerfile.variables import (
    Variables,
)
from dockerfix.facts.trees.tree import Inline
from dockerfix.syntax.dockerfile import (
    Heredoc,
    Instruction,
    Word,
)


class StageWords:
    """Expands words as a stage has them where it is read now."""

    def __init__(self) -> None:
        self.folder = "/"
        self.variables = Variables()

    def expand(self, item: Instruction, text: str) -> str:
        """A word with the stage's variables."""
        return self.variables.expand(text, item.escape)

    def word(self, item: Instruction, word: Word) -> str:
        """A word as BuildKit takes it: JSON strings are expanded too."""
        return self.expand(item, word.value if item.json is not None else word.raw)

    def heredoc(self, doc: Heredoc) -> Inline:
        """A heredoc's text."""
        text = doc.body.decode("utf-8", "surrogateescape")
        if doc.strip_tabs:
            text = "".join(line.lstrip("\t") for line in text.splitlines(keepends=True))
        if doc.expand:
            text = self.variables.expand(text, quotes=False)
        return Inline(doc.name, text)

    def destination(self, path: str) -> str:
        """A destination seen from the working directory; a final `/` or `/.` stays."""
        path = "./" if path in (".", "") else path
        clean = absolute(self.folder, path)
        if path.endswith("/") and not clean.endswith("/"):
            return clean + "/"
        return clean.rstrip("/") + "/." if path.endswith("/.") else clean
