"""The JSON of a report, as types: what `--format json` prints, and what its schema is made from.

A field may be added at any time; `schema` grows when one goes or changes its meaning. Knows the
form; knows no report.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from dockerfix.report.report import Kind

SCHEMA = 1
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class PlaceData(Struct, frozen=True):
    """Where something is written."""

    path: Annotated[str, Meta(description="Relative to the repository's root.")]
    line: Annotated[int, Meta(description="From 1.", ge=1)]
    column: Annotated[int, Meta(description="In characters, from 1.", ge=1)]
    start: Annotated[int, Meta(description="Byte offset, from 0.", ge=0)]
    end: Annotated[int, Meta(description="Byte offset behind the last byte.", ge=0)]


class FindingData(Struct, frozen=True):
    """What was noticed; `dockerfix explain NAME` says more."""

    severity: Literal["note", "assume", "refuse"]
    name: Annotated[str, Meta(description="What --accept and the settings know it by.")]
    subject: Annotated[str, Meta(description="What it is about: an image, a job, a file.")]
    what: str
    why: str
    action: Annotated[str, Meta(description="What to do about it; may be empty.")]
    place: PlaceData | None
    accepted: Annotated[bool, Meta(description="Of an assumption only.")] | UnsetType = UNSET
    accepted_because: (
        Annotated[str, Meta(description="The reason in the settings; may be empty.")] | UnsetType
    ) = UNSET


class FileData(Struct, frozen=True):
    """A file that the patch touches."""

    path: str
    change: Literal["new", "changed", "deleted"]


class VerdictData(Struct, frozen=True):
    """An obligation of the patch that holds."""

    kind: str
    statement: str
    differences: Annotated[tuple[str, ...], Meta(description="What differs all the same.")]


class PermitData(Struct, frozen=True, omit_defaults=True):
    """A difference that the transform asked for."""

    rule: str
    subject: str = ""
    place: str = ""
    detail: str = ""
    before: str = ""
    after: str = ""


class FailedCheckData(Struct, frozen=True):
    """The internal check that failed: a bug of dockerfix or of a plug-in."""

    name: str
    found: tuple[str, ...]


class ReportData(Struct, frozen=True):
    """One run of one transform."""

    schema: Annotated[int, Meta(description="The version of this format.", ge=1)]
    dockerfix: Annotated[str, Meta(description="The version of dockerfix.")]
    command: Annotated[str, Meta(description="What prints this patch again.")]
    transform: str
    outcome: Kind
    summary: tuple[str, ...]
    reason: Annotated[str, Meta(description="Why there is nothing to do.")]
    files: tuple[FileData, ...]
    proved: tuple[VerdictData, ...]
    permits: tuple[PermitData, ...]
    not_proved: tuple[str, ...]
    measured: tuple[str, ...]
    findings: tuple[FindingData, ...]
    notes: tuple[str, ...]
    next_steps: tuple[str, ...]
    written: Annotated[bool, Meta(description="Whether the files are changed already.")]
    measurements: dict[str, Any] | UnsetType = UNSET
    patch: Annotated[str, Meta(description="What `git apply` takes.")] | UnsetType = UNSET
    patch_base64: (
        Annotated[str, Meta(description="The patch, where a file in it is not UTF-8.")] | UnsetType
    ) = UNSET
    failed_check: FailedCheckData | UnsetType = UNSET


class SeriesData(Struct, frozen=True):
    """What `dockerfix check` prints: one report a run, and what is worth a look."""

    schema: Annotated[int, Meta(description="The version of this format.", ge=1)]
    dockerfix: Annotated[str, Meta(description="The version of dockerfix.")]
    reports: tuple[ReportData, ...]
    checks: tuple[FindingData, ...]


def report_schema() -> dict[str, Any]:
    """The JSON Schema of `--format json`, of a transform and of `check`."""
    shapes, definitions = msgspec.json.schema_components(
        (ReportData, SeriesData), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": _DIALECT,
        "title": "The report of dockerfix",
        "description": f"What `--format json` prints, version {SCHEMA}.",
        "anyOf": list(shapes),
        "$defs": dict(sorted(definitions.items())),
    }
