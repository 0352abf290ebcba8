"""The JSON Schema of the settings, for editors: made from the transforms' own options.

Knows the form of `dockerfix.repo.settings`, and JSON Schema; reads no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dockerfix.engine.findings import FindingPage, acceptable
from dockerfix.engine.proposal import OptionSpec, Transform
from dockerfix.repo.settings import CHECKS, INLINE

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer"}
_REASON = {"type": "string", "pattern": "\\S"}


def settings_schema(transforms: Iterable[Transform]) -> dict[str, Any]:
    """The schema of `.dockerfix.toml` and of `[tool.dockerfix]`, with a table for each of the
    transforms."""
    tables = {transform.name: _table(transform) for transform in transforms}
    tables[CHECKS] = {
        "type": "object",
        "description": "What `dockerfix check` finds by itself.",
        "properties": {"accept": _accept(CHECKS)},
        "additionalProperties": False,
    }
    return {
        "$schema": _DIALECT,
        "title": "The settings of dockerfix",
        "description": ".dockerfix.toml, or [tool.dockerfix] in pyproject.toml",
        "type": "object",
        "properties": {
            "root": {
                "type": "boolean",
                "description": "This folder is the root; in .dockerfix.toml only.",
            },
            "exclude": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Patterns as in .gitignore of what is neither read nor rewritten.",
            },
            INLINE: {
                "type": "boolean",
                "description": "Whether a comment in a file may accept an assumption.",
                "default": True,
            },
            **dict(sorted(tables.items())),
        },
        "additionalProperties": False,
    }


def _table(transform: Transform) -> dict[str, Any]:
    return {
        "type": "object",
        "description": transform.summary,
        "properties": {
            **{spec.name: _option(spec) for spec in transform.options},
            "accept": _accept(transform.name),
        },
        "additionalProperties": False,
    }


def _option(spec: OptionSpec) -> dict[str, Any]:
    value: dict[str, Any] = {"type": _KINDS[spec.kind]}
    if spec.choices:
        value["enum"] = list(spec.choices)
    if spec.multiple:
        value = {"type": "array", "items": value}
    value["description"] = spec.help
    if spec.default not in (None, (), ""):
        value["default"] = spec.default
    return value


def _accept(table: str) -> dict[str, Any]:
    """Reasons by name, or by `NAME@PATH`; the names that are known come with their meaning."""
    return {
        "type": "object",
        "description": "Accepted assumptions, NAME or NAME@PATH, each with its reason.",
        "properties": {
            page.name: {**_REASON, "description": _meaning(page)} for page in acceptable(table)
        },
        "additionalProperties": _REASON,
    }


def _meaning(page: FindingPage) -> str:
    return f"{page.what} {page.action}".strip()
