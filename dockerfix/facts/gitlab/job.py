"""A GitLab job with typed keys, after everything that templates, anchors and defaults give it.

Knows what each key means; how the effective keys come about stands in `expand`.
"""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from dockerfix.facts.gitlab.job_settings import JobSettings
from dockerfix.facts.gitlab.needs import ForeignNeed, Need, foreign_needs, needs_of
from dockerfix.facts.gitlab.rules import Rule, rules_of
from dockerfix.facts.gitlab.values import flag, scalars, text, variables
from dockerfix.syntax.yaml.tree import Entry, Scalar, Sequence, YamlFile
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import Place

SECTIONS = ("before_script", "script", "after_script")


class Line(Struct, frozen=True):
    """One item of a script with the section it comes from (`before_script`, `script`, ...);
    the scalar knows the file and the bytes where the item is written."""

    section: str
    scalar: Scalar


class Job(JobSettings, frozen=True, kw_only=True, dict=True):
    """A job or a hidden template.

    `entry` is where it is defined (the last definition counts), `keys` its effective keys.
    """

    name: str
    entry: Entry
    file: YamlFile

    @property
    def hidden(self) -> bool:
        """Whether the name begins with a dot: a template, never run."""
        return self.name.startswith(".")

    @property
    def place(self) -> Place:
        """Where the job's name stands."""
        return self.file.source.place(self.entry.key.span)

    @property
    def body(self) -> YamlMapping | None:
        """The mapping written below the job's name, if it stands there."""
        return self.entry.value if isinstance(self.entry.value, YamlMapping) else None

    @cached_property
    def stage(self) -> str:
        """The stage; `test` when none is given."""
        return text(self.keys.get("stage"), "test")

    @cached_property
    def extends(self) -> tuple[Scalar, ...]:
        """The parents, the last of which wins."""
        return tuple(scalars(self.keys.get("extends")))

    @cached_property
    def needs(self) -> tuple[Need, ...] | None:
        """The needs within this pipeline; None when the key is absent."""
        return tuple(needs_of(self.keys["needs"])) if "needs" in self.keys else None

    @property
    def foreign_needs(self) -> tuple[ForeignNeed, ...]:
        """The needs of other projects' jobs and of other pipelines."""
        return tuple(foreign_needs(self.keys.get("needs")))

    @property
    def dependencies(self) -> tuple[Scalar, ...]:
        """Jobs named by `dependencies:`."""
        node = self.keys.get("dependencies")
        items = node.items if isinstance(node, Sequence) else ()
        return tuple(item for item in items if isinstance(item, Scalar))

    @cached_property
    def rules(self) -> tuple[Rule, ...] | None:
        """The rules; None when the key is absent."""
        node = self.keys.get("rules")
        return tuple(rules_of(node)) if isinstance(node, Sequence) else None

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """before_script and script in the order in which one shell runs them, then
        after_script, which a shell of its own runs."""
        return tuple(
            Line(section, scalar)
            for section in SECTIONS
            for scalar in scalars(self.keys.get(section))
        )

    @property
    def variables(self) -> dict[str, Scalar]:
        """The job's own variables with those of its templates."""
        return variables(self.keys.get("variables"))

    @property
    def rule_variables(self) -> dict[str, list[Scalar]]:
        """Values that `rules: variables:` may give to variables."""
        found: dict[str, list[Scalar]] = {}
        for rule in self.rules or ():
            for name, scalar in rule.variables:
                found.setdefault(name, []).append(scalar)
        return found

    @property
    def child(self) -> tuple[Scalar, ...]:
        """Files of this repository that the job starts as a child pipeline."""
        return self.trigger.local if self.trigger is not None else ()

    @property
    def when(self) -> str:
        """The job's own `when`; its rules may say otherwise."""
        return text(self.keys.get("when"), "on_success")

    @property
    def allow_failure(self) -> bool:
        """Whether the pipeline goes on when the job fails; a manual job without rules does
        not hold the others up. A list of exit codes counts as true."""
        given = self.keys.get("allow_failure")
        if given is None:
            return self.when == "manual" and self.rules is None
        return flag(given) is not False
