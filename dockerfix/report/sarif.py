"""SARIF 2.1.0 (OASIS), for code hosts that read it.

One run, one rule for each name of a finding, one result for each finding and for each file that
the patch would touch. Accepted assumptions are results with a suppression that carries the
reason. A patch that only edits files is a fix of its first result; one that creates or deletes
files is none, since SARIF can say neither, and half a patch is worse than none.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from dockerfix import __version__
from dockerfix.engine.findings import page
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
    names = list(dict.fromkeys(finding.name for finding in findings))
    results = [_result(mark, finding, report) for mark, finding in fingerprinted(findings)]
    for result in results:
        result["ruleIndex"] = names.index(result["ruleId"])
    if fix := _fix(report):
        first = next(result for result in results if result["ruleId"] == report.transform)
        first["fixes"] = [fix]
    return {
        "tool": {
            "driver": {
                "name": "dockerfix",
                "version": __version__,
                "rules": [_rule(name, report.transform) for name in names],
            }
        },
        "automationDetails": {"id": f"dockerfix/{report.transform}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The repository's root"}}},
        "invocations": [_invocation(report)],
        "results": results,
    }


def _rule(name: str, transform: str) -> dict[str, Any]:
    """A rule with its texts, from the page that `dockerfix explain` shows."""
    if name == transform:
        text = f"The transform {transform} would change this file."
        return {"id": name, "shortDescription": {"text": text}}
    found = page(name, transform)
    if found is None:
        return {"id": name}
    rule: dict[str, Any] = {"id": name, "shortDescription": {"text": found.what}}
    help_text = f"{found.what} {found.action}".strip()
    rule["fullDescription"] = {"text": help_text}
    rule["help"] = {"text": f"{help_text} `dockerfix explain {name}` says more."}
    rule["properties"] = {"tags": [*found.transforms, *found.severity.split(", ")]}
    return rule


def _fix(report: Report) -> dict[str, Any] | None:
    """The whole patch as replacements of byte regions; None where it is not edits alone."""
    proposal = report.proposal
    if not report.files or report.written or proposal.created or proposal.deleted:
        return None
    changes = [
        {
            "artifactLocation": _artifact(path),
            "replacements": [
                {
                    "deletedRegion": {"byteOffset": e.span.start, "byteLength": e.span.length},
                    "insertedContent": _content(e.replacement),
                }
                for e in edits
            ],
        }
        for path, edits in sorted(proposal.edits.items())
        if edits
    ]
    return {"description": {"text": report.command}, "artifactChanges": changes}


def _content(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"binary": base64.b64encode(data).decode()}


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
        reason = report.reason(finding) or "accepted on the command line"
        result["suppressions"] = [{"kind": "external", "justification": reason}]
    return result


def _location(path: str, region: dict[str, int]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(path)}
    if region:
        physical["region"] = region
    return {"physicalLocation": physical}


def _artifact(path: str) -> dict[str, str]:
    uri = quote(path.encode("utf-8", "surrogateescape"))
    return {"uri": uri, "uriBaseId": "SRCROOT"}
