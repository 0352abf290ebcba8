"""Claims: statements about before and after that the gate can check.

A claim is data that a transform puts into its proposal; the module of the same name holds its
checker, which is written from the meaning of Dockerfiles and pipelines and never asks the
transform. Knows what can be claimed; knows nothing of any transform.
"""

from __future__ import annotations

from msgspec import Struct


class Image(Struct, frozen=True):
    """What a build makes: a Dockerfile, relative to the root, and a target in it.

    An empty target is the last stage, as BuildKit takes it.
    """

    dockerfile: str
    target: str = ""

    def __str__(self) -> str:
        """`path` or `path:target`."""
        return f"{self.dockerfile}:{self.target}" if self.target else self.dockerfile


RUNTIME_RULES = {
    "united-packages": "a build stage installs packages that only other files asked for",
    "prepare-widened": "cargo chef prepare no longer names one binary",
    "cook-widened": "cargo chef cook takes more binaries, or follows the flags of its build",
    "build-widened": "cargo build takes more binaries, or stands beside other builds",
    "tools-later": "tools run after the cook, and stay out of stages that only compile",
    "sources-later": "the sources come after a tool that does not read them",
    "environment-added": "a build stage sets a variable that only other files set",
    "sibling-image": "a sibling's inline steps are replaced by its published image",
    "prefix-stripped": "sources lost the folder that is the build context now",
}
"""The rules of `SameRuntime.allowed`, each with what it allows.

All but the last two are for build chains alone (those in which cargo runs): the instructions
of a runtime image are compared to the letter. The names of `COMPILER_ASPECTS` are rules too:
an aspect that the person accepted may differ in stages that are only copied from.
"""

COMPILER_ASPECTS = {
    "base-image": "the image that the compiling stage stands on",
    "platform": "its platform",
    "toolchain": "rustup's default, an override, `+name`, RUSTUP_TOOLCHAIN, rust-toolchain, or"
    " the version in the tag of a `rust` image",
    "target-triple": "`--target` or CARGO_BUILD_TARGET",
    "profile": "`--release` or `--profile`",
    "features": "the features of each selected package",
    "selection": "the packages over which cargo unites features",
    "flags": "RUSTFLAGS, CARGO_PROFILE_*, CFLAGS, CC and their kin",
    "linker": "CARGO_TARGET_*_LINKER",
    "environment": "any other variable that a build script or macro could read",
    "packages": "system packages that a locked crate could use",
    "shell": "SHELL",
    "cargo-files": "Cargo.toml, Cargo.lock and .cargo/config.toml at the workspace's root",
}
"""The aspects of `SameCompilerInput.accepted`; a variable's or a package's own name counts as
well."""


class SameRuntime(Struct, frozen=True):
    """The chain of instructions of the final image is the same after renaming stages.

    `allowed` names rules of `RUNTIME_RULES` (and accepted aspects) under which single
    differences are allowed. What differs under no such rule makes the claim fail.
    """

    before: Image
    after: Image
    allowed: frozenset[str] = frozenset()


class SameCompilerInput(Struct, frozen=True):
    """Each cargo binary that the image ships is compiled with the same base image, toolchain,
    triple, profile, features, flags and native packages; `accepted` names the aspects of
    `COMPILER_ASPECTS`, the variables and the packages whose difference the person took."""

    before: Image
    after: Image
    accepted: frozenset[str] = frozenset()


class ArtefactProduced(Struct, frozen=True):
    """Every path that the image copies out of another stage is made there."""

    after: Image


class SameFiles(Struct, frozen=True):
    """COPY and ADD give every stage of the image the same paths from the same sources.

    The contexts are relative to the root, as the two builds pass them. `accepted` are files of
    the repository whose absence the person took.
    """

    before: Image
    after: Image
    before_context: str
    after_context: str
    accepted: frozenset[str] = frozenset()


class SameImagesAskedFor(Struct, frozen=True):
    """Each tag pushed before is pushed after, from the image that stands for the old one,
    with the same build arguments, platforms, secrets, named contexts and labels, and no tag
    more often. What is built without a push (Compose, documents) is built after as well.

    `stands_for` pairs each old image with the new one; builds of other images stay as they
    are. `arguments_added` names build arguments and named contexts that the new builds give
    in addition; `contexts` pairs build contexts that changed, old and new, relative to the
    root.
    """

    stands_for: tuple[tuple[Image, Image], ...]
    arguments_added: frozenset[str] = frozenset()
    contexts: tuple[tuple[str, str], ...] = ()


class NoDanglingReference(Struct, frozen=True):
    """Nothing in the snapshot after names a file or job that the patch removed, or a stage
    that went with a file.

    `files` are paths relative to the root, `jobs` names of the CI file.
    """

    files: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


class PipelineValid(Struct, frozen=True):
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


class Verdict(Struct, frozen=True):
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
