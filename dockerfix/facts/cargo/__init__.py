"""Cargo workspaces and cargo commands, read from manifests and shell words; no cargo needed.

Knows what cargo would select and make; knows nothing of Dockerfiles.
"""

from dockerfix.facts.cargo.commands import CargoCall, cargo_calls, read_cargo
from dockerfix.facts.cargo.workspace import (
    Binary,
    ManifestError,
    Package,
    Workspace,
    find_workspace,
)

__all__ = [
    "Binary",
    "CargoCall",
    "ManifestError",
    "Package",
    "Workspace",
    "cargo_calls",
    "find_workspace",
    "read_cargo",
]
