"""GitLab Code Quality: the JSON that a job hands over as `artifacts:reports:codequality`.

Follows GitLab's documentation, "Code Quality report format": description, check_name,
fingerprint, severity, location. Accepted assumptions are left out, since the format has no
word for them. A finding that is about no single file is shown at `.`, the repository: any file
named instead would be blamed for what it does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dockerfix.engine.plan import CheckFailed
from dockerfix.facts.finding import Finding, Severity
from dockerfix.report.fingerprint import fingerprinted
from dockerfix.report.report import Report

_SEVERITIES = {Severity.NOTE: "info", Severity.ASSUME: "minor", Severity.REFUSE: "major"}
_REPOSITORY = "."


def render_code_quality(*reports: Report) -> str:
    """The findings, and one entry for each file that a patch would touch."""
    entries = [entry for report in reports for entry in _entries(report)]
    return json.dumps(entries, indent=2) + "\n"


def _entries(report: Report) -> Iterator[dict[str, Any]]:
    taken = report.taken
    for fingerprint, finding in fingerprinted(report.proposal.findings):
        if finding not in taken:
            text = ": ".join(part for part in (finding.what, finding.action) if part)
            severity = _SEVERITIES[finding.severity]
            path, line = _location(finding)
            yield _entry(text, finding.name, fingerprint, severity, path, line)
    for fingerprint, finding in fingerprinted(changed_files(report)):
        yield _entry(finding.what, finding.name, fingerprint, "info", finding.subject, 1)
    if isinstance(report.outcome, CheckFailed):
        what = f"an internal check failed: {report.outcome.check}"
        yield _entry(what, report.transform, report.outcome.check, "blocker", _REPOSITORY, 1)


def changed_files(report: Report) -> list[Finding]:
    """One note for each file that the patch would touch; its subject is the path."""
    return [
        Finding(
            Severity.NOTE,
            report.transform,
            f"{report.command} would change this file ({change.value})",
            subject=path,
        )
        for path, change in report.files
        if not report.written
    ]


def _location(finding: Finding) -> tuple[str, int]:
    if finding.place is None:
        return _REPOSITORY, 1
    return finding.place.path, finding.place.position.line


def _entry(
    description: str, check: str, fingerprint: str, severity: str, path: str, line: int
) -> dict[str, Any]:
    return {
        "description": description,
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
