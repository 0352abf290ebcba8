"""Whether a permit counts: a rule that is known, and leave for what no checker can judge.

An assumption permits nothing until the person accepts it by name, for all places or for one;
the few that a report may show as they are need their finding, which shows them. Knows the
rules of all kinds of obligations; weighs no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from dockerfix.facts.finding import Finding, Severity, is_accepted
from dockerfix.proof.obligation import Obligation, Permit

if TYPE_CHECKING:
    from collections.abc import Collection


def kinds() -> tuple[type[Obligation], ...]:
    """All kinds of obligations, in the order in which reports list them."""
    from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor
    from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
    from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
    from dockerfix.proof.context.same_files import SameFiles
    from dockerfix.proof.go.same_go_input import SameGoInput
    from dockerfix.proof.image.same_runtime import SameRuntime
    from dockerfix.proof.pipeline.cache_change import CacheChange
    from dockerfix.proof.pipeline.pipeline_change import PipelineChange
    from dockerfix.proof.pipeline.workflow_change import WorkflowChange
    from dockerfix.proof.references.no_dangling_reference import NoDanglingReference

    return (
        SameRuntime,
        SameCompilerInput,
        ArtefactProduced,
        SameGoInput,
        SameFiles,
        SameImagesAskedFor,
        NoDanglingReference,
        PipelineChange,
        CacheChange,
        WorkflowChange,
    )


def rules() -> Mapping[str, str]:
    """Every rule that a permit can name, with what it allows."""
    found: dict[str, str] = {}
    for kind in kinds():
        found |= {**kind.rules, **kind.accepted_rules}
    return found


def refused_permits(
    permits: Sequence[Permit], findings: Sequence[Finding], accept: Collection[str]
) -> Iterator[tuple[Permit, str]]:
    """The permits that do not count, each with the line that says why."""
    if not permits:
        return
    free = {rule for kind in kinds() for rule in kind.rules}
    shown = {rule for kind in kinds() for rule in kind.assumed_rules}
    asked = {rule for kind in kinds() for rule in kind.accepted_rules}
    for permit in permits:
        if permit.rule in free:
            continue
        if permit.rule not in asked:
            yield permit, f"no obligation knows the rule of the permit {permit}"
        elif permit.rule in shown and _is_shown(permit, findings):
            continue
        elif not any(is_accepted(*item, accept) for item in product(names(permit), paths(permit))):
            yield permit, f"nobody accepted what the permit asks for: {permit}"


def _is_shown(permit: Permit, findings: Iterable[Finding]) -> bool:
    """Whether an assumption of the permit's name speaks of its file, subject or detail."""
    for finding in findings:
        if finding.name == permit.rule and finding.severity is Severity.ASSUME:
            here = finding.place is not None and finding.place.path in paths(permit)
            if here or {permit.subject, permit.detail} & set(finding.subject.split(", ")):
                return True
    return False


def names(permit: Permit) -> tuple[str, ...]:
    """What the person may have accepted it as: the rule, the very variable or package, or
    another spelling of the rule."""
    spellings = (kind.spellings.get(permit.rule, ()) for kind in kinds())
    return (permit.rule, permit.detail, *(name for found in spellings for name in found))


def paths(permit: Permit) -> tuple[str, ...]:
    """The files that a permit is about: that of its image, and where it stands."""
    return permit.place, permit.subject, permit.subject.rpartition(":")[0]
