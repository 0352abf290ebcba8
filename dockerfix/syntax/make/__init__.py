"""Makefiles: their statements, and the references in their texts. Expands nothing."""

from dockerfix.syntax.make.reader import parse_make
from dockerfix.syntax.make.references import Reference, outside, references
from dockerfix.syntax.make.tree import (
    Assignment,
    Conditional,
    Expression,
    Include,
    MakeText,
    Rule,
    Statement,
)

__all__ = [
    "Assignment",
    "Conditional",
    "Expression",
    "Include",
    "MakeText",
    "Reference",
    "Rule",
    "Statement",
    "outside",
    "parse_make",
    "references",
]
