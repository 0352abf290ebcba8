"""Checks *same runtime*: an image is made by the same chain of instructions as before.

The two chains are laid side by side from the base image up, the stages that they copy from
as well; what is not the same must be allowed by a rule that a permit names. Knows how to
compare; what a rule allows stands in `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from dockerfix.facts.given import Given, given_facts, with_given
from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.crates import context_of
from dockerfix.proof.context.siblings import SIBLING_RULES, Siblings
from dockerfix.proof.go.tree import GoTree
from dockerfix.proof.image.bottom import compare_directives
from dockerfix.proof.image.comparison import Comparison, Owed
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.rules.stand_ins import StandIns
from dockerfix.proof.steps.chain import NoSuchImageError, find_stage
from dockerfix.text import join_path


class SameRuntime(Obligation, frozen=True):
    """The chain of instructions of the final image is the same after renaming stages.

    `allowed` names the rules (and aspects of the compiler's input) under which single
    differences are permitted for this image. What differs under no such rule fails.
    """

    before: Image
    after: Image
    allowed: frozenset[str] = frozenset()
    changed: frozenset[tuple[str, str, str]] = frozenset()
    """Single instructions that may differ: the rule, and the text before and after, one of
    them empty for an instruction that only one side has."""
    given: Given = ()
    """Build arguments with which both are built, where an image is judged value by value."""

    kind: ClassVar[str] = "same runtime"
    rules: ClassVar[Mapping[str, str]] = {
        "united-packages": "a build stage installs packages that only other files asked for",
        "prepare-widened": "cargo chef prepare no longer names one binary",
        "cook-widened": "cargo chef cook takes more binaries, or follows the flags of its build",
        "build-widened": "cargo build takes more binaries, or runs beside other builds",
        "tools-later": "tools run after the cook, and stay out of stages that only compile",
        "sources-later": "the sources come after a tool that does not read them",
        "environment-added": "a build stage sets a variable that only other files set",
        "go-beside": "a build stage compiles other Go programs too, to paths that nothing reads",
        "stand-ins": "a build stage has other stand-ins for sources, of which none is compiled",
        "sibling-image": "a sibling's inline steps are replaced by its published image",
        "sibling-stage": "a sibling's inline steps run in a stage of their own, as in its"
        " Dockerfile",
        "prefix-stripped": "source paths lose the folder that is now the build context",
    }
    """All but the last three are for build chains alone (those in which cargo or go runs): the
    instructions of a runtime image are compared to the letter."""
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "instruction": "one instruction differs, from exactly `before` to exactly `after`",
        "provider-builds": "a sibling's image runs a step that its consumers ran for it",
        "sources": "a build stage holds more files of the context, which only others copied",
        "tools": "a build stage holds a tool that only other files put there",
        "every-value": "a build stage compiles for every value that call sites give to the build"
        " argument `detail`, and reads the argument later or no longer",
    }
    assumed_rules: ClassVar[frozenset[str]] = frozenset({"sources", "tools", "every-value"})

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether the chains agree; differences name their rule and both places."""
        return _judge(
            self,
            given_facts(before, self.before.dockerfile, self.given),
            given_facts(after, self.after.dockerfile, self.given),
        )

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile


_TOOLCHAIN_FILES = ("rust-toolchain", "rust-toolchain.toml")


def _judge(obligation: SameRuntime, before: Facts, after: Facts) -> Verdict:
    statement = f"{obligation.after} runs the same instructions as {obligation.before} did"
    statement += with_given(obligation.given)
    try:
        old_graph, old = find_stage(before, obligation.before)
        new_graph, new = find_stage(after, obligation.after)
    except NoSuchImageError as error:
        return Verdict(statement, (), (str(error),))
    path = obligation.after.dockerfile
    kept = bool(SIBLING_RULES & obligation.allowed) and obligation.before.dockerfile == path
    context = context_of(before, obligation.before.dockerfile)
    is_folder = before.folder_test(context)
    comparison = Comparison(
        Owed(obligation.before, obligation.after, obligation.allowed, obligation.changed),
        (old_graph, new_graph),
        is_folder,
        any(join_path(context, name) in before.snapshot for name in _TOOLCHAIN_FILES),
        Siblings(path, before, after, obligation.allowed) if kept else None,
        GoTree(before, context, obligation.before.dockerfile),
        StandIns(before, context, obligation.before.dockerfile, is_folder),
    )
    notes = comparison.notes
    compare_directives(notes, old_graph.tree, new_graph.tree)
    comparison.stages(old, new, shipped=True)
    return Verdict(statement, tuple(notes.differences), tuple(notes.failures))
