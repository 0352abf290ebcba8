"""The report as JSON: everything that is known, for other programs.

The fields and their meaning stand in `dockerfix.report.json_model`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType, to_builtins

from dockerfix import __version__
from dockerfix.engine.plan import CheckFailed, Planned
from dockerfix.facts.finding import Finding, Severity
from dockerfix.report.json_model import (
    SCHEMA,
    FailedCheckData,
    FileData,
    FindingData,
    PermitData,
    PlaceData,
    ReportData,
    VerdictData,
)
from dockerfix.report.report import Report
from dockerfix.text import Place


def render_json(report: Report) -> str:
    """The report as one JSON object, indented, with a final newline."""
    return dumped(as_data(report))


def render_all_json(reports: Sequence[Report], checks: Report) -> str:
    """Several reports as one JSON object, under `reports`, and what the checks found."""
    found = [_plain(_finding(finding, checks)) for finding in checks.proposal.findings]
    return dumped({**header(), "reports": [as_data(report) for report in reports], "checks": found})


def dumped(data: object) -> str:
    """JSON as all commands of dockerfix print it. Bytes of paths that are not UTF-8 come as
    lone surrogates, escaped."""
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def header() -> dict[str, Any]:
    """The fields with which every JSON output begins."""
    return {"schema": SCHEMA, "dockerfix": __version__}


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain data (`ReportData`)."""
    outcome, proposal = report.outcome, report.proposal
    patch, encoded = _patch(outcome.patch) if isinstance(outcome, Planned) else (UNSET, UNSET)
    data = ReportData(
        **header(),
        command=report.command,
        transform=report.transform,
        outcome=report.kind,
        summary=proposal.summary,
        reason=proposal.reason,
        files=tuple(FileData(path, change.value) for path, change in report.files),
        proved=tuple(VerdictData(v.kind, v.statement, v.differences) for v in report.verdicts),
        permits=tuple(PermitData(**to_builtins(permit)) for permit in proposal.permits),
        not_proved=report.unproved,
        measured=report.measured,
        findings=tuple(_finding(finding, report) for finding in proposal.findings),
        notes=report.notes,
        next_steps=proposal.next_steps,
        written=report.written,
        measurements=dict(report.measurements) or UNSET,
        patch=patch,
        patch_base64=encoded,
        failed_check=_failed(outcome) if isinstance(outcome, CheckFailed) else UNSET,
    )
    return _plain(data)


def _plain(data: Struct) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(data)
    return plain


def _patch(patch: bytes) -> tuple[str | UnsetType, str | UnsetType]:
    """The patch as text; as base64 where a file in it is not UTF-8."""
    try:
        return patch.decode(), UNSET
    except UnicodeDecodeError:
        return UNSET, base64.b64encode(patch).decode()


def _failed(outcome: CheckFailed) -> FailedCheckData:
    return FailedCheckData(outcome.check, tuple(outcome.detail.splitlines()))


def _finding(finding: Finding, report: Report) -> FindingData:
    assumed = finding.severity is Severity.ASSUME
    return FindingData(
        severity=finding.severity.value,
        name=finding.name,
        subject=finding.subject,
        what=finding.what,
        why=finding.why,
        action=finding.action,
        place=None if finding.place is None else _place(finding.place),
        accepted=report.accepts(finding) if assumed else UNSET,
        accepted_because=report.reason(finding) if assumed else UNSET,
    )


def _place(place: Place) -> PlaceData:
    line, column = place.position.line, place.position.column
    return PlaceData(place.path, line, column, place.span.start, place.span.end)


def place_data(place: Place | None) -> dict[str, Any] | None:
    """A place: path, line and column from 1 (characters), byte offsets from 0."""
    return None if place is None else _plain(_place(place))
