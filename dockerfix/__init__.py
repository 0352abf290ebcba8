"""Refactors Dockerfiles together with everything that builds them, as patches to review."""

__version__ = "0.1.0"
