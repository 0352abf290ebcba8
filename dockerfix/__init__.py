"""Refactorings of Dockerfiles and of everything that builds them, as reviewed patches."""

__version__ = "0.1.0"
