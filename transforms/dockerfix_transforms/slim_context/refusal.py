"""A refusal to slim one Dockerfile, as an exception with its finding. Knows nothing else."""

from __future__ import annotations

from msgspec.structs import replace

from dockerfix.api import Finding, Severity, Span, StageGraph


class CannotSlimError(Exception):
    """The file cannot be slimmed; the finding says where and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def refusal(graph: StageGraph, name: str, what: str, action: str, span: Span) -> CannotSlimError:
    """A refusal at a span of the Dockerfile."""
    tree = graph.tree
    return CannotSlimError(
        Finding(
            Severity.REFUSE, name, what, "a smaller context would not hold it", action,
            tree.source.place(span), tree.path,
        )
    )  # fmt: skip


def as_note(finding: Finding) -> Finding:
    """A refusal as a remark, where nothing is lost by it: there is nothing to do about it."""
    return replace(finding, severity=Severity.NOTE, action="")
