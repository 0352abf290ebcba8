"""What a merge asks of the language whose programs its files build.

Knows the questions; the answers are `rust`'s, or those of another transform's module. What is done
with call sites, jobs and files is the same for every language, and `merge` does it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from dockerfix.api import Facts, Finding, Permit, Proposal, StepDown
from dockerfix_transforms.merge_rust.callers.rewrite import Callers
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.reasons import UNBUILT, Reason
from dockerfix_transforms.merge_rust.leaving import Leaving
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.wishes import Wishes
from dockerfix_transforms.merge_rust.write.layout import Merged


class Language(ABC):
    """The language of the files of one scope.

    A file that cannot go along leaves `scope`, which keeps a finding with the reason.
    """

    counted: ClassVar[str]
    """What a merge saves, as the report counts it."""

    def __init__(self, facts: Facts, scope: Scope, wishes: Wishes) -> None:
        self.facts = facts
        self.scope = scope
        self.wishes = wishes
        self.leaving = Leaving(facts, scope, wishes)

    @property
    def files_without(self) -> Mapping[str, StepDown]:
        """The files that a check had changed less."""
        snapshot = self.facts.snapshot
        return {path: step for path, step in self.wishes.without.items() if path in snapshot}

    def apart(self) -> dict[str, Reason]:
        """The files that get a builder of their own before any are compared, and why."""
        apart = {file.path: UNBUILT for file in self.leaving.unbuilt()}
        for path, step in self.files_without.items():
            apart[path] = Reason(step.found[0], "Change what the check found, then run again.")
        return apart

    @abstractmethod
    def merged(self, findings: list[Finding]) -> tuple[list[Group], Merged] | None:
        """Groups and merged file, None where no two files are left to merge; what a person is
        told about the groups is added to `findings`."""

    @abstractmethod
    def too_few(self) -> Proposal:
        """What is said where no two files are left to merge."""

    @abstractmethod
    def notes(self, groups: Sequence[Group], merged: Merged) -> list[Finding]:
        """What a person is told about the merged file."""

    @abstractmethod
    def permits(
        self, groups: Sequence[Group], merged: Merged, assumed: Sequence[Finding]
    ) -> Iterator[Permit]:
        """What the images of the merged file may differ in, by the findings that say so."""

    @abstractmethod
    def gains(self, callers: Callers, all_stay: bool) -> Iterator[str]:
        """What call sites build less often; `all_stay` if no old file goes."""


def pays(groups: Sequence[Group], merged: Merged) -> bool:
    """Whether dependencies of several files are compiled once: in one build, or in one cook."""
    return bool(merged.plan.cooked) or any(len(group.members) > 1 for group in groups)
