"""The files of a merge, which loses those that cannot go along. A value that later steps narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dockerfix.api import Finding, Span, StepDown, Workspace
from dockerfix_transforms.merge_rust.group.reasons import Reason, accepting
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.scope.names import Home, merged_path


@dataclass(slots=True)
class Scope:
    """The files to merge, in order, and findings about those that are left out."""

    home: Home
    into: str
    wish: str = ""
    """The name or path that the person gave for the merged file."""
    given: frozenset[str] = frozenset()
    """The Dockerfiles that the person named."""
    files: list[InputFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ignore: bytes | None = None
    """The text of the merged file's ignore file; None where all inputs have the same one."""
    assumed: list[Finding] = field(default_factory=list)
    """What that ignore file assumes of inputs that had another one, if they are merged."""
    gained: frozenset[str] = frozenset()
    """The inputs whose builders get more files than their own ignore files let through."""
    workspace: Workspace | None = None
    """The cargo workspace that the files compile; None for files of another language."""

    @property
    def context(self) -> str:
        """The build context of all files."""
        return self.files[0].context

    def leave_checked(self, without: Mapping[str, StepDown]) -> None:
        """Leave out the files that a check had go down the ladder by more than one rung."""
        self.files = [f for f in self.files if f.path not in without or without[f.path].rungs == 1]

    def settle(self) -> None:
        """The merged file's place, by the files that are left."""
        if self.files:
            listed = [file.path for file in self.files]
            self.into = merged_path(self.home, listed, self.wish)

    def leave_apart(self, file: InputFile, reasons: Sequence[Reason]) -> None:
        """Take a file out of the merge that would share no stage with the others: each
        difference at its place, and at the last one how to accept them all."""
        self.files.remove(file)
        for reason in reasons:
            span = reason.span or file.graph.tree.instructions[0].code
            last = accepting(reasons) if reason is reasons[-1] else ""
            self.findings.append(
                Finding.at(
                    file.graph.tree.source.place(span),
                    name="separate-builder",
                    what=f"{file.path} stays as it is: {reason.what}",
                    why="It would share no stage with the other files.",
                    do=f"{reason.do} {last}".strip(),
                    subject=file.path,
                )
            )

    def leave_out(self, file: InputFile, name: str, what: str, action: str, span: Span) -> None:
        """Take a file out of the merge, and say so."""
        self.files.remove(file)
        self.findings.append(
            Finding.at(
                file.graph.tree.source.place(span),
                name=name,
                what=f"{what}; this file stays as it is",
                why="its images would be built from something else",
                do=action,
                subject=file.path,
            )
        )
