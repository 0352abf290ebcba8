"""The part of SARIF 2.1.0 that dockerfix writes, as types: unknown properties are refused, and
required ones must be there (OASIS, sarif-schema-2.1.0.json)."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field


class Object(Struct, forbid_unknown_fields=True, rename="camel"):
    pass


class Message(Object):
    text: str


class Artifact(Object):
    uri: str
    uri_base_id: str


class Region(Object):
    start_line: int | None = None
    start_column: int | None = None
    byte_offset: int | None = None
    byte_length: int | None = None


class Physical(Object):
    artifact_location: Artifact
    region: Region | None = None


class Location(Object):
    physical_location: Physical


class Content(Object):
    text: str = ""
    binary: str = ""


class Replacement(Object):
    deleted_region: Region
    inserted_content: Content | None = None


class Changed(Object):
    artifact_location: Artifact
    replacements: list[Replacement]


class Fix(Object):
    artifact_changes: list[Changed]
    description: Message | None = None


class Suppression(Object):
    kind: Literal["inSource", "external"]
    justification: str = ""


class Result(Object):
    message: Message
    rule_id: str
    rule_index: int
    level: Literal["none", "note", "warning", "error"]
    partial_fingerprints: dict[str, str]
    locations: list[Location] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)


class Rule(Object):
    id: str
    short_description: Message | None = None
    full_description: Message | None = None
    help: Message | None = None
    properties: dict[str, list[str]] = field(default_factory=dict)


class Driver(Object):
    name: str
    version: str
    rules: list[Rule]


class Tool(Object):
    driver: Driver


class Notification(Object):
    message: Message
    level: Literal["none", "note", "warning", "error"] = "warning"


class Invocation(Object):
    execution_successful: bool
    command_line: str
    tool_execution_notifications: list[Notification] = field(default_factory=list)


class Run(Object):
    tool: Tool
    results: list[Result]
    invocations: list[Invocation]
    automation_details: dict[str, str]
    column_kind: Literal["utf16CodeUnits", "unicodeCodePoints"]
    original_uri_base_ids: dict[str, Any]


class Log(Struct, forbid_unknown_fields=True):
    version: Literal["2.1.0"]
    runs: list[Run]
    schema: str = field(name="$schema")
