"""Claims: statements about before and after that the gate can check.

A claim is data that a transform puts into its proposal; the module of the same name holds its
checker, which is written from the meaning of Dockerfiles and pipelines and never asks the
transform. Knows what can be claimed; knows nothing of any transform.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """What a build makes: a Dockerfile, relative to the root, and a target in it.

    An empty target is the last stage, as BuildKit takes it.
    """

    dockerfile: str
    target: str = ""

    def __str__(self) -> str:
        """`path` or `path:target`."""
        return f"{self.dockerfile}:{self.target}" if self.target else self.dockerfile


@dataclass(frozen=True, slots=True)
class SameRuntime:
    """The chain of instructions of the final image is the same after renaming stages.

    `allowed` names the rules under which single differences are allowed:
    `united-packages`, `cook-widened`, `build-widened`, `prepare-widened`, `sources-later`,
    `tools-later`, `sibling-image`, `prefix-stripped`. What differs under no such rule makes
    the claim fail.
    """

    before: Image
    after: Image
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SameCompilerInput:
    """Each cargo binary that the image ships is compiled with the same toolchain, base image,
    triple, profile, features, flags and native packages; `accepted` names differences that
    the person took."""

    before: Image
    after: Image
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ArtefactProduced:
    """Every path that the image copies out of another stage is made there."""

    after: Image


@dataclass(frozen=True, slots=True)
class SameFiles:
    """COPY and ADD give every stage of the image the same paths from the same sources.

    The contexts are relative to the root, as the two builds pass them.
    """

    before: Image
    after: Image
    before_context: str
    after_context: str


@dataclass(frozen=True, slots=True)
class SameImagesAskedFor:
    """Each tag pushed before is pushed after, from the image that stands for the old one,
    with the same build arguments, platforms and secrets, and no tag more often.

    `stands_for` pairs each old image with the new one.
    """

    stands_for: tuple[tuple[Image, Image], ...]


@dataclass(frozen=True, slots=True)
class NoDanglingReference:
    """Nothing in the snapshot after names a file, image target or job that the patch removed.

    `stands_for` pairs removed images with their successors; `jobs` are CI jobs removed.
    """

    files: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineValid:
    """The CI file parses to the same jobs but for the named ones; `needs:` holds everywhere.

    `path` is the pipeline's root file. `removed`, `added`, `changed` name jobs.
    """

    path: str
    removed: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()


Claim = (
    SameRuntime
    | SameCompilerInput
    | ArtefactProduced
    | SameFiles
    | SameImagesAskedFor
    | NoDanglingReference
    | PipelineValid
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check.

    `statement` is the claim as one sentence for the report. `differences` are allowed ones,
    each with the rule that allows it; `failures` are the others: the claim holds when there
    are none. Failures begin with `path:line:column:` where a place is known.
    """

    statement: str
    differences: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.failures
