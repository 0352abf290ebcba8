"""Independent checkers, one module a kind of obligation, written from the meaning of Dockerfiles.

A module holds the obligation's class, its checker and its words; `obligation` holds what all
share. Which obligations a patch has is derived above, in the engine. Knows how to judge two
snapshots; never asks a transform.
"""

from __future__ import annotations

from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Obligation, Verdict

__all__ = ["check"]


def check(obligation: Obligation, before: Facts, after: Facts) -> Verdict:
    """The verdict on one obligation, with its kind.

    A file that cannot be read is a failure of the obligation, with its place, and never an
    error.
    """
    from msgspec.structs import replace

    from dockerfix.facts.cargo import ManifestError
    from dockerfix.syntax.yaml.tree import YamlError
    from dockerfix.text import SnapshotError

    try:
        verdict = obligation.check(before, after)
    except (SnapshotError, YamlError, ManifestError) as error:
        verdict = Verdict(f"{obligation.kind} holds", (), (str(error),))
    return replace(verdict, kind=obligation.kind)
