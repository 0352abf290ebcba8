"""Values that a step takes from the rows of a matrix, or from who calls its workflow or action.

What comes from there is changed there. What is new becomes a key of the rows, an `include:` that
adds one to them, or one more input that need not be given: rows and callers that pass nothing go
on as they did. Follows "Running variations of jobs in a workflow" and "Reusing workflows". Knows
where expressions take values from; knows nothing of what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from dockerfix.facts.builds.github.actions import scans
from dockerfix.facts.builds.github.matrix import rows
from dockerfix.facts.builds.github.workflows import user_of
from dockerfix.facts.model import Build, StepRun
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.added_keys import AddedKeys, text_in
from dockerfix.rewrite.step_inputs import declare
from dockerfix.rewrite.step_rows import give_rows, holder
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import set_scalar
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, YamlFile, parse_yaml
from dockerfix.text import Place

_WHOLE = re.compile(r"\$\{\{\s*(matrix|inputs)\.([A-Za-z_][\w.-]*)\s*\}\}")
"""A value that is one of the matrix, or an input, and nothing else."""
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
Runs = tuple[StepRun, ...]
_Key = TypeVar("_Key")


class StepValues:
    """The values of one step for all builds that it makes, and the edits that give it others."""

    def __init__(self, facts: Facts, changing: Sequence[Build], others: Sequence[Build]) -> None:
        self.facts = facts
        self.changing = changing
        self.others = others
        self.place = changing[0].site.place
        self._added = AddedKeys()
        self._named: dict[tuple[str, str], str] = {}

    def changed(self, key: str, node: Node | None, texts: Sequence[str]) -> Edits | None:
        """Other texts for an input where each of them is written; None where one is not written
        for this input alone, or is a build's that must stay."""
        if not isinstance(node, Scalar) or not _WHOLE.fullmatch(node.text.strip()):
            return None
        found: dict[Place, tuple[Scalar, str]] = {}
        for build, text in zip(self.changing, texts, strict=True):
            scalar = self._written(node, build.steps)
            if scalar is None or not self._is_read_here_alone(node, build.steps, key):
                return None
            place = scalar.file.source.place(scalar.span)
            if found.setdefault(place, (scalar, text))[1] != text:
                return None
        kept = (self._written(node, build.steps) for build in self.others)
        if any(s is not None and s.file.source.place(s.span) in found for s in kept):
            return None
        return [(place.path, set_scalar(scalar, text)) for place, (scalar, text) in found.items()]

    def new(self, key: str, texts: Sequence[str]) -> str:
        """The expression for a value that is new; the builds that stay have none. Raises `Refused`
        where nothing tells them apart."""
        pairs = [(b.steps, text) for b, text in zip(self.changing, texts, strict=True)]
        return self._slot(key, pairs + [(build.steps, "") for build in self.others])

    def edits(self) -> Edits:
        """The edits that give each build its new values; raises `Refused`."""
        return self._added.edits()

    def _slot(self, key: str, pairs: Sequence[tuple[Runs, str]]) -> str:
        if any(not runs for runs, _ in pairs):
            raise self._refused()
        file, body = self._holder(pairs[0][0][-1].uses)
        by_row = _alike((runs[-1].row, text) for runs, text in pairs)
        if by_row is not None and len(set(by_row.values())) > 1:
            return give_rows(body, self.place, by_row, key, self._added)
        by_caller = _alike((runs[:-1], text) for runs, text in pairs)
        # Who starts the workflow by itself gives it nothing new.
        if by_caller is None or by_caller.pop((), "") or not by_caller:
            raise self._refused()
        name = self._declared(file, key)
        calls: dict[Place, list[tuple[Runs, str]]] = {}
        for runs, text in by_caller.items():
            calls.setdefault(runs[-1].uses, []).append((runs, text))
        for call, given in calls.items():
            self._pass(call, given, key, name)
        return f"inputs.{name}"

    def _declared(self, file: YamlFile, key: str) -> str:
        """One more input of a workflow or action, which need not be given; its name."""
        known = (file.source.path, key)
        if known not in self._named:
            name = declare(file, key, self._added)
            if not name:
                what = f"its workflow has no place for one more input, {key}"
                raise Refused(self.place, what, "add it by hand")
            self._named[known] = name
        return self._named[known]

    def _pass(self, call: Place, given: Sequence[tuple[Runs, str]], key: str, name: str) -> None:
        """One more value that a call of a workflow or action hands over."""
        texts = {text for _, text in given}
        if texts == {""}:
            return
        keys = user_of(self._file(call), call)
        passed = keys.get("with") if keys is not None else None
        if not isinstance(passed, Mapping) or not passed.entries:
            raise self._refused()
        text = texts.pop()
        if texts:
            text = "${{ " + self._slot(key, given) + " }}"
        self._added.add(passed, name, text_in(passed, text))

    def _written(self, node: Scalar, runs: Runs) -> Scalar | None:
        """The scalar that an input comes from in the end; None where it is made of several."""
        match = _WHOLE.fullmatch(node.text.strip())
        if match is None or not runs:
            return None if "${{" in node.text else node
        found: Node | None
        if match[1] == "matrix":
            every = rows(self._holder(runs[-1].uses)[1])
            row = every[runs[-1].row] if runs[-1].row < len(every) else {}
            found = row.get(match[2])
            return found if found is not None and "${{" not in found.text else None
        if len(runs) < 2:
            return None
        keys = user_of(self._file(runs[-2].uses), runs[-2].uses)
        passed = keys.get("with") if keys is not None else None
        found = passed.get(match[2]) if isinstance(passed, Mapping) else None
        return self._written(found, runs[:-1]) if isinstance(found, Scalar) else None

    def _is_read_here_alone(
        self, node: Scalar, runs: Runs, key: str, handed: tuple[str, str] = ("", "")
    ) -> bool:
        """Whether nothing but this input reads what it comes from, on the whole way to it. For a
        Dockerfile, an action that only looks at it may too; and so may another step that hands it
        on as `handed` says: to what is used, under which name."""
        match = _WHOLE.fullmatch(node.text.strip())
        if match is None or not runs:
            return True
        file, body = self._holder(runs[-1].uses)
        whole: Node | None = body if match[1] == "matrix" else file.root
        name = f"{match[1]}.{match[2]}"
        # Rows and inputs are declared by plain words, which read nothing.
        for step, scalar in _scalars_of_steps(whole):
            reads = scalar.span != node.span and _reads(scalar, name)
            if reads and not (_takes(step, scalar, key) or _hands_on(step, scalar, *handed)):
                return False
        if match[1] == "matrix" or len(runs) < 2:
            return True
        keys = user_of(self._file(runs[-2].uses), runs[-2].uses)
        passed = keys.get("with") if keys is not None else None
        found = passed.get(match[2]) if isinstance(passed, Mapping) else None
        used = keys.get("uses") if keys is not None else None
        way = (used.text if isinstance(used, Scalar) else "", match[2])
        return isinstance(found, Scalar) and self._is_read_here_alone(found, runs[:-1], key, way)

    def _file(self, place: Place) -> YamlFile:
        return self.facts.snapshot.derive(place.path, parse_yaml)

    def _holder(self, uses: Place) -> tuple[YamlFile, Mapping]:
        file = self._file(uses)
        body = holder(file, uses.span)
        if body is None:
            raise self._refused()
        return file, body

    def _refused(self) -> Refused:
        what = "the step builds other images too, and nothing that it is given tells them apart"
        return Refused(self.place, what, "give this image a step of its own")


def _alike(pairs: Iterable[tuple[_Key, str]]) -> dict[_Key, str] | None:
    """The text of each key; None where a key has several."""
    found: dict[_Key, str] = {}
    for key, text in pairs:
        if found.setdefault(key, text) != text:
            return None
    return found


def _takes(step: Mapping, scalar: Scalar, key: str) -> bool:
    """Whether a scalar is the same input of a step that builds, or, for a Dockerfile, one of an
    action that only looks at it."""
    uses, used = step.get("uses"), step.get("with")
    if not isinstance(uses, Scalar):
        return False
    value = used.get(key) if isinstance(used, Mapping) else None
    alike = isinstance(value, Scalar) and value.span == scalar.span
    return (key == "file" and scans(uses.text)) or (alike and "build-push" in uses.text)


def _hands_on(step: Mapping, scalar: Scalar, used: str, name: str) -> bool:
    """Whether a scalar is the input of this name, of a step that uses the same thing."""
    uses, inputs = step.get("uses"), step.get("with")
    value = inputs.get(name) if isinstance(inputs, Mapping) else None
    alike = isinstance(uses, Scalar) and uses.text == used
    return alike and isinstance(value, Scalar) and value.span == scalar.span


def _reads(scalar: Scalar, name: str) -> bool:
    """Whether an expression reads a value, or all that it is a part of."""
    heads = [re.escape(name)]
    while "." in name:
        name = name.rpartition(".")[0]
        heads.append(re.escape(name) + r"(?!\.[\w*])")
    words = "|".join(heads)
    pattern = rf"(?<![\w.-])(?:{words})(?![\w-])"
    return any(re.search(pattern, part) for part in _EXPRESSION.findall(scalar.text))


def _scalars_of_steps(node: Node | None) -> Iterator[tuple[Mapping, Scalar]]:
    """Every scalar below a node with the step or job that it stands in, or the node itself."""
    if not isinstance(node, Mapping):
        return
    waiting: list[tuple[Mapping, Node]] = [(node, node)]
    while waiting:
        keys, found = waiting.pop()
        if isinstance(found, Scalar):
            yield keys, found
        elif isinstance(found, Mapping):
            keys = found if found.entry("uses") is not None else keys
            waiting += [(keys, entry.value) for entry in found.entries]
        else:
            waiting += [(keys, item) for item in found.items]
