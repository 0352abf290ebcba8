"""Checks *same compiler input*: each program that an image ships is compiled as before.

A difference is harmless when nothing that is compiled can notice it, and is then listed; it
is accepted when a permit names it (by aspect, variable or package); every other one fails. Knows
which differences matter; what is compared stands in `compiler_input`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dockerfix.facts.cargo.native import crates_that_notice
from dockerfix.facts.given import Given, given_facts, with_given
from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.artefact_produced import made_in, programs
from dockerfix.proof.cargo.compiler_input import Aspect, Input, compiler_input
from dockerfix.proof.cargo.crates import Compilation, context_of
from dockerfix.proof.cargo.left_beside import more_beside
from dockerfix.proof.cargo.origins import Built, Origins
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.steps.chain import NoSuchImageError, find_stage
from dockerfix.proof.steps.installs import name_of
from dockerfix.proof.steps.tools import only_toolchain
from dockerfix.text import SnapshotError

_READ_BY_CRATES = (
    "SQLX_", "DATABASE_URL", "PROTOC", "OPENSSL_", "VERGEN_", "OUT_DIR", "DOCS_RS", "NUM_JOBS",
    "AWS_LC_", "ROCKSDB_", "ZSTD_", "ZLIB_", "BINDGEN_",
)  # fmt: skip
"""Variables that well-known crates read while they are compiled."""


_ACCEPTED = "accepted"
_UNASKED = "no crate of Cargo.lock asks for it"


class SameCompilerInput(Obligation, frozen=True):
    """Each cargo binary that the image ships is compiled with the same base image, toolchain,
    triple, profile, features, flags and native packages.

    `accepted` names the aspects, the variables and the packages whose difference is permitted
    for this image.
    """

    before: Image
    after: Image
    accepted: frozenset[str] = frozenset()
    given: Given = ()
    """Build arguments with which both are built, where an image is judged value by value."""

    kind: ClassVar[str] = "same compiler input"
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "base-image": "the base image of the compiling stage",
        "platform": "its platform",
        "toolchain": "rustup's default, an override, `+name`, RUSTUP_TOOLCHAIN, rust-toolchain, or"
        " the version in the tag of a `rust` image",
        "target-triple": "`--target` or CARGO_BUILD_TARGET",
        "profile": "`--release` or `--profile`",
        "features": "the features of each selected package",
        "selection": "the packages over which cargo unites features",
        "flags": "RUSTFLAGS, CARGO_PROFILE_*, CFLAGS, CC and the like",
        "linker": "CARGO_TARGET_*_LINKER",
        "environment": "any other variable that a build script or macro could read",
        "packages": "system packages that a locked crate could use",
        "shell": "SHELL",
        "programs": "further programs that are compiled in a stage which is an image itself",
        "cargo-files": "Cargo.toml, Cargo.lock and .cargo/config.toml at the workspace's root",
    }
    assumed_rules: ClassVar[frozenset[str]] = frozenset({"packages", "environment", "programs"})
    spellings: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "features": ("all-features", "no-default-features"),
    }

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether each shipped program's compiler input is the same."""
        return _judge(
            self,
            given_facts(before, self.before.dockerfile, self.given),
            given_facts(after, self.after.dockerfile, self.given),
        )

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile


def _judge(owed: SameCompilerInput, before: Facts, after: Facts) -> Verdict:
    if not any(_may_compile(*side) for side in ((before, owed.before), (after, owed.after))):
        return Verdict(f"{owed.after} ships no cargo program")
    try:
        old = programs(before, owed.before)
        new = programs(after, owed.after, context_of(before, owed.before.dockerfile))
    except NoSuchImageError as error:
        return Verdict(f"{owed.after} has its programs' old compiler input", (), (str(error),))
    comparison = _Comparison(owed, before)
    found = {built.product.name: built for built in new[1]}
    for built in old[1]:
        comparison.program(old[0], built, new[0], found.get(built.product.name), new[2])
    more = found.keys() - {b.product.name for b in old[1]}
    sides = (old[0], find_stage(before, owed.before)[1]), (new[0], find_stage(after, owed.after)[1])
    comparison.failures |= dict.fromkeys(more_beside(*sides))
    held = _held(owed, (before, old[0]), (after, new[0]))
    for name in () if old[2] else sorted(more):
        place = found[name].compilation.compiled.place
        what = f"{owed.after} ships `{name}` too, which {owed.before} did not"
        if name in held:
            comparison.differences[f"programs: {what}; it is compiled beside ({place})"] = None
        else:
            comparison.failures[f"{place}: {what}"] = None
    names = ", ".join(sorted(built.product.name for built in old[1]))
    statement = (
        f"{names} in {owed.after} is compiled from the same input as in {owed.before}"
        + with_given(owed.given)
        if names
        else f"No program of {owed.after} could be followed to cargo"
        if old[2] or new[2]
        else f"{owed.after} ships no cargo program"
    )
    return Verdict(
        statement,
        tuple(comparison.differences),
        tuple(comparison.failures),
        tuple(dict.fromkeys((*old[2], *new[2]))),
    )


def _held(
    owed: SameCompilerInput, before: tuple[Facts, Origins], after: tuple[Facts, Origins]
) -> frozenset[str]:
    """The programs that an image may hold in addition: those that its own stages compile, where
    the stages of the image before compiled what that held."""
    if "programs" not in owed.accepted:
        return frozenset()
    old = made_in(before[1], find_stage(before[0], owed.before)[1])
    return made_in(after[1], find_stage(after[0], owed.after)[1]) if old else frozenset()


def _may_compile(facts: Facts, image: Image) -> bool:
    """Whether a Dockerfile names cargo or the folder that it leaves programs in; one that is
    not there may have."""
    if image.dockerfile not in facts.snapshot:
        return True
    data = facts.snapshot.read(image.dockerfile)
    return b"cargo" in data or b"target" in data


class _Comparison:
    """Gathers over the programs; dicts keep the first of equal lines."""

    def __init__(self, owed: SameCompilerInput, before: Facts) -> None:
        self.owed = owed
        self.before = before
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}

    def program(
        self,
        old_origins: Origins,
        old: Built,
        new_origins: Origins,
        new: Built | None,
        undecided: tuple[str, ...],
    ) -> None:
        """One program before and after."""
        name = old.product.name
        if new is None:
            if not undecided:
                place = old.compilation.compiled.place
                self.failures[f"{place}: {self.owed.after} does not ship `{name}`"] = None
            return
        first = compiler_input(old_origins.graph, old_origins.sources, old.compilation)
        second = compiler_input(new_origins.graph, new_origins.sources, new.compilation)
        for key in dict.fromkeys((*first.aspects, *second.aspects)):
            before, after = first.aspects.get(key), second.aspects.get(key)
            if before != after:
                self.aspect(name, before, after, old.compilation, (first, second))
        self.packages(name, first, second)

    def aspect(
        self,
        program: str,
        old: Aspect | None,
        new: Aspect | None,
        compilation: Compilation,
        inputs: tuple[Input, Input],
    ) -> None:
        """One aspect that is not the same."""
        aspect = new or old
        assert aspect is not None  # one side has it
        subject = f" {aspect.subject}" if aspect.subject else ""
        was, now = (a.value or "the default" if a else "not set" for a in (old, new))
        what = f"{program}: {aspect.name}{subject} is `{now}`, it was `{was}`"
        if self.read_in_sources(aspect, compilation):
            self.fail(aspect.name, f"{what}, and a source of the workspace reads it", inputs)
        elif self.accepted(aspect, old, new):
            self.difference(aspect.name, f"{what}; accepted", inputs)
        elif aspect.name == "environment" and old is None and self.unread(aspect, compilation):
            note = f"{what}; no crate of the workspace reads it"
            self.difference(aspect.name, note, inputs)
        else:
            self.fail(aspect.name, what, inputs)

    def packages(self, program: str, old: Input, new: Input) -> None:
        """System packages that one side alone has, each weighed by who could notice it."""
        for verb, packages in (
            ("added", new.packages - old.packages),
            ("gone", old.packages - new.packages),
        ):
            notes: dict[str, list[str]] = {}
            for package in sorted(packages):
                notes.setdefault(self.weight(package, old.locked), []).append(package)
            for note, names in notes.items():
                what = f"{program}: {verb}: {', '.join(names)}; {note}"
                if note in (_ACCEPTED, _UNASKED):
                    self.difference("packages", what, (old, new))
                else:
                    self.fail("packages", what, (old, new))

    def weight(self, package: str, locked: frozenset[str] | None) -> str:
        """Why a package matters, or why it does not."""
        name = name_of(package)
        if self.owed.accepted & {"packages", package, name}:
            return _ACCEPTED
        if locked is None:
            return "without a Cargo.lock, the crates that use it are unknown"
        notice = crates_that_notice(name, locked)
        return f"{', '.join(notice)} may use it" if notice else _UNASKED

    def accepted(self, aspect: Aspect, old: Aspect | None, new: Aspect | None) -> bool:
        """Whether the person took this difference, by aspect or by variable."""
        names = self.owed.accepted
        if aspect.name in names or (bool(aspect.subject) and aspect.subject in names):
            return True
        base = aspect.name == "base-image" and "toolchain" in names
        return base and only_toolchain(old.value if old else "", new.value if new else "")

    def read_in_sources(self, aspect: Aspect, compilation: Compilation) -> bool:
        """Whether the aspect is an argument of the build that is judged value by value, and
        `env!("NAME")` or its like stands in a source."""
        needle = f'"{aspect.subject}"'.encode()
        given = aspect.name == "environment" and aspect.subject in dict(self.owed.given)
        return given and any(needle in data for data in self.sources(compilation))

    def unread(self, aspect: Aspect, compilation: Compilation) -> bool:
        """Whether no source of the workspace names the variable, and no crate that is known
        to read it is there."""
        if aspect.subject.startswith(_READ_BY_CRATES) or _means_a_library(aspect.subject):
            return False
        needle = aspect.subject.encode()
        return not any(needle in data for data in self.sources(compilation))

    def sources(self, compilation: Compilation) -> Iterator[bytes]:
        """The Rust sources of the workspace's members."""
        snapshot = self.before.snapshot
        for package in compilation.workspace.packages:
            for path in snapshot.below(package.folder):
                if path.endswith(".rs"):
                    try:
                        yield snapshot.read(path)
                    except SnapshotError:
                        yield b""

    def difference(self, name: str, what: str, inputs: tuple[Input, Input]) -> None:
        """List a difference with both places."""
        self.differences[f"{name}: {what} ({inputs[0].place} -> {inputs[1].place})"] = None

    def fail(self, name: str, what: str, inputs: tuple[Input, Input]) -> None:
        """List a difference that nobody accepted."""
        hint = f"build it apart, or accept `{name}`"
        self.failures[f"{inputs[1].place}: {what} at {inputs[0].place}: {hint}"] = None


def _means_a_library(variable: str) -> bool:
    """Whether the name alone could mean a library or a tool to a build script."""
    return variable.endswith(("_SYS", "_LIB", "_DIR", "_PATH", "_ROOT", "_PREFIX")) or (
        variable == "PATH"
    )
