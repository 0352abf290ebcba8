"""Which files may hold call sites, by their path alone: asked of every path, so it is cheap."""

from __future__ import annotations

import posixpath

from dockerfix.facts.model import SiteKind


def kind_of(path: str) -> SiteKind | None:
    """What kind of call sites a file may hold; None for a file that need not be read."""
    name = posixpath.basename(path)
    if name in ("Makefile", "makefile", "GNUmakefile") or name.endswith(".mk"):
        return SiteKind.MAKE
    if name == "package.json":
        return SiteKind.PACKAGE_JSON
    if path.startswith(".github/workflows/") and name.endswith((".yml", ".yaml")):
        return SiteKind.GITHUB
    if name.endswith((".md", ".markdown", ".rst")):
        return SiteKind.DOCUMENT
    if name.endswith((".sh", ".bash")):
        return SiteKind.SHELL
    return None
