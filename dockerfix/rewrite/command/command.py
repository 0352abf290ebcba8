"""Build commands in scripts: other words for Dockerfile, target, context and build arguments.

A command in a loop, a matrix or a shell function stands for several builds. What is the same
for all of them is written into the command; what differs is written where the difference
comes from: the argument of a call, a variable that the command has anyway, or a parameter
that the function gains, with today's value as its default. Knows words of shells; what a
build means is the gate's business, which reads every call site again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dockerfix.facts.model import Build, Tool, Value
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.command.arguments import at_arguments
from dockerfix.rewrite.command.enclosed import check_enclosed
from dockerfix.rewrite.command.functions import FunctionParameters, local_names
from dockerfix.rewrite.command.insertion import inserted_options
from dockerfix.rewrite.command.subject import (
    Subject,
    common,
    inner,
    old_file,
    old_target,
    prefix_of,
    quoted,
    value_of,
)
from dockerfix.rewrite.command.texts import behind_context, context_text, file_text
from dockerfix.rewrite.command.written import (
    at_origins,
    by_job_variable,
    by_one_variable,
    in_place,
    template,
    written_anew,
)
from dockerfix.rewrite.wanted import Change, Edits, names_both
from dockerfix.text import Edit


def set_command(facts: Facts, changes: Sequence[Change], others: Sequence[Build]) -> Edits:
    """Edits of one command and of the calls that lead to it.

    `changes` are builds of one command; `others` are builds of the same command that must
    stay as they are. Raises `Refused`.
    """
    return _Command(Subject(facts, tuple(changes), tuple(others))).edits()


class _Command:
    """The edits of one command, option by option."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.parameters = FunctionParameters(subject)
        self.inserted: list[str] = []
        self.found: Edits = []

    def edits(self) -> Edits:
        """All edits; raises `Refused`."""
        changes = self.subject.changes
        self.option("file", [file_text(change) for change in changes], old_file)
        if any(change.wanted.context is not None for change in changes):
            self.context()
        if any(change.wanted.target is not None for change in changes):
            self.option("target", [change.wanted.target or "" for change in changes], old_target)
        self.flags()
        inserted = [inserted_options(self.subject, self.inserted)] if self.inserted else []
        edits = [*self.found, *inserted, *self.parameters.edits()]
        check_enclosed(self.subject.facts, edits)
        return edits

    def option(self, name: str, texts: list[str], old: Callable[[Build], str]) -> None:
        """Give every changed build its text for one option."""
        values = [value_of(change.build, name) for change in self.subject.changes]
        first = values[0]
        if first is None:
            if not self.is_default(name):
                self.absent(name, texts, old)
            return
        if all(v is not None and v.text == text for v, text in zip(values, texts, strict=True)):
            return
        if first.place is None:
            raise self.subject.refused(
                f"--{name} comes out of the variable {first.written}",
                f"write --{name} as a word of its own in the command",
            )
        self.replace(name, [value for value in values if value is not None], texts)

    def is_default(self, name: str) -> bool:
        """Whether an absent `--file` means the wanted file already."""
        return name == "file" and all(
            _default_file(change) == change.wanted.dockerfile for change in self.subject.changes
        )

    def absent(self, name: str, texts: list[str], old: Callable[[Build], str]) -> None:
        """An option that the command lacks: insert it, by parameter where it differs."""
        subject = self.subject
        same = common(texts) or template(subject, texts)
        if same is not None and not subject.others:
            self.inserted.append(f"--{name} {quoted(same)}")
            return
        if len({old(build) for build in subject.others}) > 1:
            raise subject.refused(
                f"the command builds other images too, and has no --{name}",
                "build the images of this workspace with a command of their own",
            )
        default = old(subject.others[0] if subject.others else subject.first)
        self.inserted.append(f'--{name} "{self.parameters.new(name, default, texts)}"')

    def context(self) -> None:
        """The context, a word without a flag (with one for kaniko)."""
        behind = [behind_context(change, self.subject.source) for change in self.subject.changes]
        same = common(behind)
        if same is not None and not self.subject.others:
            self.found += written_anew(self.subject, same)
            return
        texts = [context_text(change) for change in self.subject.changes]
        values = [change.build.context_written for change in self.subject.changes]
        present = [value for value in values if value is not None]
        if len(present) != len(values) or present[0].place is None:
            raise self.subject.refused("the context is not a word of the command", "write it out")
        if any(v.text != text for v, text in zip(present, texts, strict=True)):
            self.replace("context", present, texts)

    def replace(self, name: str, values: Sequence[Value], texts: Sequence[str]) -> None:
        """Other texts for words of the command, as near to the command as they can be. One
        assignment that feeds all builds comes before the command: its readers stay alike."""
        subject = self.subject
        edits = None
        if by_job_variable(subject, values) or (
            name != "context" and by_one_variable(subject, values, texts)
        ):
            edits = at_origins(subject, name, values, texts)
        if (
            edits is None
            and name == "context"
            and any(names_both(c.build) for c in subject.changes)
        ):
            # What nobody in this repository hands over is a default, for callers elsewhere too.
            called = all(change.build.site.through for change in subject.changes)
            edits = at_origins(subject, name, values, texts) if called else None
            if edits is None:
                raise subject.refused(
                    "its context and its Dockerfile are handed to it from elsewhere",
                    "change both where they are given",
                )
        if edits is None and not subject.others:
            edits = in_place(subject, values, texts)
        if edits is None:
            edits = at_origins(subject, name, values, texts)
        if edits is None:
            edits = at_arguments(subject, values, texts)
        if edits is None:
            edits = self.through_parameter(name, values, texts)
        self.found += edits

    def through_parameter(self, name: str, values: Sequence[Value], texts: Sequence[str]) -> Edits:
        """Give the function a parameter with the word of today as its default."""
        value, build = values[0], self.subject.first
        heads = [prefix_of(v, text) for v, text in zip(values, texts, strict=True)]
        local = local_names(build, self.subject.facts)
        keeps = bool(value.written_variables) and not local & set(value.written_variables)
        arguments = [
            head + value.inside if keeps and head is not None else text
            for head, text in zip(heads, texts, strict=True)
        ]
        if any(f"${form}" in text for text in arguments for n in local for form in (n, f"{{{n}")):
            raise self.subject.refused(
                f"its --{name} is put together from what the function is given",
                "hand it the whole path",
            )
        new = self.parameters.new(name, value.inside, arguments)
        if value.place is None:
            return []
        is_quoted = value.written[:1] in ("'", '"') or _is_joined(build, name)
        text = new if is_quoted else f'"{new}"'
        return [(value.place.path, Edit(inner(self.subject, value.place, value), text.encode()))]

    def flags(self) -> None:
        """Build arguments and named contexts: words of the command, or words in a parameter
        that splits."""
        subject = self.subject
        wanted = [change.wanted.flags for change in subject.changes]
        if not any(wanted):
            return
        named = any(change.wanted.named_contexts for change in subject.changes)
        if named and subject.first.tool is Tool.KANIKO:
            raise subject.refused("kaniko knows no named contexts", "give it a build argument")
        if not subject.others and all(flags == wanted[0] for flags in wanted):
            for flag in wanted[0]:
                name, _, text = flag.partition(" ")
                self.inserted.append(f"{name} {quoted(text)}")
            return
        for change in subject.changes:
            self.parameters.extend(change)


def _default_file(change: Change) -> str:
    """The Dockerfile that a build takes when it names none."""
    context = change.build.context if change.wanted.context is None else change.wanted.context
    return f"{context}/Dockerfile" if context else "Dockerfile"


def _is_joined(build: Build, name: str) -> bool:
    """Whether the option is written as one word, `--file=x`."""
    return any(option.joined and option.name == name for option in build.options)
