"""SARIF 2.1.0 (OASIS), for code hosts that read it.

One run, one rule for each name of a finding, one result for each finding and for each file that
the patch would touch. Accepted assumptions are results with a suppression that carries the
reason.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from dockerfix import __version__
from dockerfix.engine.plan import CheckFailed
from dockerfix.facts.finding import Finding, Severity
from dockerfix.report.code_quality import changed_files
from dockerfix.report.fingerprint import fingerprinted
from dockerfix.report.report import Report

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.NOTE: "note", Severity.ASSUME: "warning", Severity.REFUSE: "error"}


def render_sarif(*reports: Report) -> str:
    """The reports as one SARIF log with a run each, indented, with a final newline."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report) for report in reports]}
    return json.dumps(log, indent=2) + "\n"


def _run(report: Report) -> dict[str, Any]:
    findings = [*report.proposal.findings, *changed_files(report)]
    rules = [{"id": name} for name in dict.fromkeys(finding.name for finding in findings)]
    return {
        "tool": {"driver": {"name": "dockerfix", "version": __version__, "rules": rules}},
        "automationDetails": {"id": f"dockerfix/{report.transform}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The repository's root"}}},
        "invocations": [_invocation(report)],
        "results": [_result(mark, finding, report) for mark, finding in fingerprinted(findings)],
    }


def _invocation(report: Report) -> dict[str, Any]:
    failed = isinstance(report.outcome, CheckFailed)
    invocation: dict[str, Any] = {
        "commandLine": report.command,
        "executionSuccessful": not failed,
    }
    if isinstance(report.outcome, CheckFailed):
        text = f"internal check failed: {report.outcome.check}\n{report.outcome.detail}"
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": text}}]
    return invocation


def _result(fingerprint: str, finding: Finding, report: Report) -> dict[str, Any]:
    parts = (finding.what, finding.why, finding.action)
    result: dict[str, Any] = {
        "ruleId": finding.name,
        "level": _LEVELS[finding.severity],
        "message": {"text": ". ".join(part for part in parts if part)},
        "partialFingerprints": {"dockerfix/v1": fingerprint},
    }
    if finding.place is not None:
        position = finding.place.position
        region = {"startLine": position.line, "startColumn": position.column}
        result["locations"] = [_location(finding.place.path, region)]
    elif finding.name == report.transform:
        result["locations"] = [_location(finding.subject, {})]
    if finding in report.taken:
        reason = report.accepted[finding.name] or "accepted on the command line"
        result["suppressions"] = [{"kind": "external", "justification": reason}]
    return result


def _location(path: str, region: dict[str, int]) -> dict[str, Any]:
    uri = quote(path.encode("utf-8", "surrogateescape"))
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri, "uriBaseId": "SRCROOT"}}
    if region:
        physical["region"] = region
    return {"physicalLocation": physical}
