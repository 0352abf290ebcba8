"""The public helper for people who write transforms.

Assertions on trees in memory, case files, the hostile list, and the checks of a transform's
documentation. The pytest plugin stands in `dockerfix.testing.plugin`.
"""

from __future__ import annotations

from dockerfix.testing.assertions import assert_codemod, assert_nothing_to_do, assert_refused
from dockerfix.testing.case import Case, CaseError, parse_case, read_case, run_case
from dockerfix.testing.documented import check_example, check_transform
from dockerfix.testing.hostile import Variant, hostile_variants, run_hostile
from dockerfix.testing.pipeline import check_git_apply, run_transform
from dockerfix.testing.tree import FileTree, TreeError, parse_tree

__all__ = [
    "Case",
    "CaseError",
    "FileTree",
    "TreeError",
    "Variant",
    "assert_codemod",
    "assert_nothing_to_do",
    "assert_refused",
    "check_example",
    "check_git_apply",
    "check_transform",
    "hostile_variants",
    "parse_case",
    "parse_tree",
    "read_case",
    "run_case",
    "run_hostile",
    "run_transform",
]
