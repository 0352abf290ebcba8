"""Values of `--cache-from` and `--cache-to`, and the refs that they name.

Follows "Cache storage backends" of Docker's documentation: `type=registry,ref=NAME,mode=max`,
where a word without `=` is a registry's ref. Knows the fields of such a value; knows nothing of
who reads or writes it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

REGISTRY = "registry"

_PER_REF = frozenset(
    {
        "CI_COMMIT_REF_SLUG", "CI_COMMIT_REF_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_TAG",
        "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_BEFORE_SHA", "CI_PIPELINE_ID",
        "CI_PIPELINE_IID", "CI_JOB_ID", "CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_ID",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_ENVIRONMENT_SLUG", "CI_ENVIRONMENT_NAME",
    }
)  # fmt: skip
"""Predefined variables that differ between branches, or between pipelines of one branch."""


class CacheSpec(Struct, frozen=True):
    """One cache source or export: its fields in their order, as they are written."""

    fields: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> str:
        """`registry`, `s3`, `inline`, `local`, `gha`."""
        return self.get("type")

    @property
    def ref(self) -> str:
        """The ref in a registry; empty for another kind."""
        return self.get("ref") if self.kind == REGISTRY else ""

    def get(self, name: str) -> str:
        """The text of a field; empty when there is none."""
        return dict(self.fields).get(name, "")

    def with_(self, **given: str) -> CacheSpec:
        """The same with some fields set; new ones come last."""
        names = {name.replace("_", "-"): text for name, text in given.items()}
        kept = [(name, names.pop(name, text)) for name, text in self.fields]
        return CacheSpec((*kept, *names.items()))

    def __str__(self) -> str:
        """The value of the option."""
        return ",".join(f"{name}={text}" for name, text in self.fields)


def read_cache(text: str) -> CacheSpec:
    """The fields of a value; a plain word is a ref in a registry."""
    parts = [part.partition("=") for part in text.split(",")]
    if len(parts) == 1 and not parts[0][1]:
        return CacheSpec((("type", REGISTRY), ("ref", text)))
    return CacheSpec(tuple((name.strip(), value) for name, _, value in parts))


def is_per_ref(names: Iterable[str]) -> bool:
    """Whether one of a ref's variables differs from branch to branch."""
    return not _PER_REF.isdisjoint(names)


def tag_of(ref: str) -> str:
    """The tag of a ref; empty when there is none."""
    return ref.rpartition("/")[2].partition(":")[2]
