"""The report as JSON: everything that is known, for other programs.

`schema` is the version of this format: it grows when a field changes its meaning or goes, not
when one is added.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from msgspec import to_builtins

from dockerfix import __version__
from dockerfix.engine.plan import CheckFailed, Planned
from dockerfix.facts.finding import Finding, Severity
from dockerfix.proof.obligation import Permit
from dockerfix.report.report import Report
from dockerfix.text import Place

SCHEMA = 1


def render_json(report: Report) -> str:
    """The report as one JSON object, indented, with a final newline."""
    return dumped(as_data(report))


def render_all_json(reports: Sequence[Report], checks: Report) -> str:
    """Several reports as one JSON object, under `reports`, and what the checks found."""
    found = [_finding(finding, checks) for finding in checks.proposal.findings]
    return dumped({**header(), "reports": [as_data(report) for report in reports], "checks": found})


def dumped(data: object) -> str:
    """JSON as all commands of dockerfix print it. Bytes of paths that are not UTF-8 come as
    lone surrogates, escaped."""
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def header() -> dict[str, Any]:
    """The fields with which every JSON output begins."""
    return {"schema": SCHEMA, "dockerfix": __version__}


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    outcome = report.outcome
    data: dict[str, Any] = {
        **header(),
        "command": report.command,
        "transform": report.transform,
        "outcome": report.kind,
        "summary": list(report.proposal.summary),
        "reason": report.proposal.reason,
        "files": [{"path": path, "change": change.value} for path, change in report.files],
        "proved": [
            {
                "kind": verdict.kind,
                "statement": verdict.statement,
                "differences": list(verdict.differences),
            }
            for verdict in report.verdicts
        ],
        "permits": [_permit(permit) for permit in report.proposal.permits],
        "not_proved": list(report.unproved),
        "measured": list(report.measured),
        "findings": [_finding(finding, report) for finding in report.proposal.findings],
        "notes": list(report.notes),
        "next_steps": list(report.proposal.next_steps),
        "written": report.written,
    }
    if report.measurements:
        data["measurements"] = dict(report.measurements)
    if isinstance(outcome, Planned):
        data.update(_patch(outcome.patch))
    if isinstance(outcome, CheckFailed):
        data["failed_check"] = {"name": outcome.check, "found": outcome.detail.splitlines()}
    return data


def _patch(patch: bytes) -> dict[str, str]:
    """The patch as text; as base64 where a file in it is not UTF-8."""
    try:
        return {"patch": patch.decode()}
    except UnicodeDecodeError:
        return {"patch_base64": base64.b64encode(patch).decode()}


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    data: dict[str, Any] = {
        "severity": finding.severity.value,
        "name": finding.name,
        "subject": finding.subject,
        "what": finding.what,
        "why": finding.why,
        "action": finding.action,
        "place": place_data(finding.place),
    }
    if finding.severity is Severity.ASSUME:
        data["accepted"] = finding.accepted_by(report.accepted)
        data["accepted_because"] = report.reason(finding)
    return data


def _permit(permit: Permit) -> dict[str, str]:
    """A permit: the rule, what it is about, the file, and what of it; empty parts left out."""
    return {name: value for name, value in to_builtins(permit).items() if value}


def place_data(place: Place | None) -> dict[str, Any] | None:
    """A place: path, line and column from 1 (characters), byte offsets from 0."""
    if place is None:
        return None
    return {
        "path": place.path,
        "line": place.position.line,
        "column": place.position.column,
        "start": place.span.start,
        "end": place.span.end,
    }
