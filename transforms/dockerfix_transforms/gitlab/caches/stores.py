"""Where build caches are kept, and how a store names them. Knows names; knows no builds."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from dockerfix.api import CacheSpec

SLUG, DEFAULT = "CI_COMMIT_REF_SLUG", "CI_DEFAULT_BRANCH"


class Store(Protocol):
    """Where caches are kept."""

    @property
    def ask(self) -> bool:
        """Whether a line above a build finds out which of two caches exists."""

    @property
    def per_branch(self) -> bool:
        """Whether refs that differ between branches already are left alone."""

    @property
    def renames(self) -> bool:
        """Whether a cache's name is made of the parts of the old ref."""

    @property
    def others(self) -> bool:
        """Whether other images' caches stay among the sources where a step could be found."""

    @property
    def steps(self) -> tuple[str, ...]:
        """What is left to do by hand."""

    def at(self, spec: CacheSpec, part: str, branch: str) -> CacheSpec:
        """The cache of a branch in the place of one that all branches share."""

    def question(self, spec: CacheSpec, part: str, name: str) -> str:
        """The lines that set a variable to the branch whose cache is there."""


_ASKS = 'if docker buildx imagetools inspect "'
QUESTION_HEIGHT = 5
"""The lines of a question."""


def _sets(name: str) -> str:
    return (
        f'" > /dev/null 2>&1; then\n  export {name}=${SLUG}\nelse\n  export {name}=${DEFAULT}\nfi'
    )


def is_question(text: str, name: str) -> bool:
    """Whether lines without their indentation are the question that sets this variable, as
    `RegistryRefs` writes it."""
    head, tail = _ASKS, _sets(name).replace("\n  ", "\n")
    whole = text.startswith(head) and text.endswith(tail)
    return whole and '"' not in text[len(head) : -len(tail)]


class RegistryRefs(Struct, frozen=True):
    """Refs in the registry of the images: `NAME:buildcache-BRANCH`."""

    ask: bool = True
    per_branch: bool = True
    renames: bool = False

    @property
    def others(self) -> bool:
        """They stay where several sources were asked for."""
        return not self.ask

    @property
    def steps(self) -> tuple[str, ...]:
        """A ref is left by every branch, and by every tag whose pipeline writes one."""
        return (
            "add the cache tags of old branches to the registry's clean-up rule",
            "expect the first pipeline of the default branch to find no cache",
        )

    def at(self, spec: CacheSpec, part: str, branch: str) -> CacheSpec:
        """The ref with the branch behind its tag."""
        return spec.with_(ref=f"{spec.ref}{part}-{branch}")

    def question(self, spec: CacheSpec, part: str, name: str) -> str:
        """A request for the manifest; nothing is fetched."""
        ref = f"{spec.ref}{part}-${SLUG}"
        return f"{_ASKS}{ref}{_sets(name)}"
