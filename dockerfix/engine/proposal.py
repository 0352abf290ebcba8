"""Proposals and transforms: what a transform is given and what it gives back. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.text import EditSet


class Proposal(Struct, frozen=True):
    """What a transform wants: edits, permits, findings. Nothing has happened yet.

    `edits` maps paths to edits of the snapshot's bytes, `created` maps new paths to their
    bytes, `deleted` lists paths; the three never share a path. `permits` are the differences
    that the transform asks for; what the patch owes up to them is derived by the engine.
    `summary` is a few lines for the person: what the patch does. `next_steps` says what is
    left to do by hand. `reason` says why there is nothing to do, when there is nothing.
    """

    edits: Mapping[str, EditSet] = field(default_factory=dict)
    created: Mapping[str, bytes] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    permits: tuple[Permit, ...] = ()
    findings: tuple[Finding, ...] = ()
    summary: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    reason: str = ""
    refused: bool = False
    """The whole transform is refused: no patch, exit 2; a finding says why."""

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to patch."""
        return bool(self.created or self.deleted or any(self.edits.values()))

    def of_severity(self, severity: Severity) -> Sequence[Finding]:
        """The findings of one severity, in their order."""
        return [finding for finding in self.findings if finding.severity is severity]


class OptionSpec(Struct, frozen=True):
    """One option of a transform, from which the command line and the settings are made.

    `kind` is the type of one value (`str`, `bool`, `int`); `multiple` options give a tuple.
    """

    name: str
    help: str
    kind: type = str
    default: Any = None
    multiple: bool = False
    choices: tuple[str, ...] = ()
    metavar: str = ""


class Transform(Protocol):
    """A codemod: a pure function of facts and options to a proposal.

    It does no I/O and never sees the clock, the environment or the network. The class's
    docstring has the sections What it does, Why, Before, After, Safety, Call sites, from
    which `dockerfix explain` and the manual are made.

    When a check fails for a file, the transform is asked again: `without` then maps the paths
    of such files to a `StepDown`, and the transform changes them less, `rungs` below what it
    would do (a builder of its own, say), and leaves them as they are at the last rung that it
    has. It adds no finding for that: the engine does, with the check's name.
    """

    @property
    def name(self) -> str:
        """The command's name."""

    @property
    def summary(self) -> str:
        """One sentence for `--help`."""

    @property
    def options(self) -> tuple[OptionSpec, ...]:
        """The transform's own options; `--accept` comes to every transform as `accept`."""

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal for `paths` (relative to the root; `""` is the root itself).

        `options` holds a value for every option of `options`, `accept`, a frozenset of names,
        and `without`, a mapping of paths to `StepDown`.
        """
