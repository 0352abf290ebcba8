"""GitLab jobs as shell texts: the variables that a job sees, and its lines in order.

Follows "CI/CD variables" of GitLab's documentation: a matrix, then the job's variables, then
the pipeline's; `rules:variables` may replace them. Knows jobs; follows no script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.shell.state import State
from dockerfix.facts.shell.words import MAX_CHOICES, OPAQUE, Bound, Scope, resolved
from dockerfix.syntax.yaml.tree import Scalar
from dockerfix.text import MappedText, Piece, Place, Source

Run = list[tuple[MappedText, Source, State]]
"""The texts of one run of a job, each with the state that it runs in: one shell for
before_script and script, one for after_script."""

_INPUT = re.compile(r"\$\[\[\s*([\w.-]+)?[^\]]*\]\]")
_SIGN = re.compile(r"\$\$|\$([A-Za-z_][A-Za-z0-9_]*)")


def runs_of(pipeline: Pipeline, job: Job, assigned: dict[str, dict[str, Place]]) -> Iterator[Run]:
    """One run for each row of the job's matrix; values of rows and rules are noted in
    `assigned`."""
    scope = Scope()
    for name, scalar in pipeline.variables_of(job).items():
        scope = scope.bind(name, _bound(scalar))
    for name, scalars in job.rule_variables.items():
        scope = scope.bind(name, _either(name, scope.look(name), scalars))
    for row in job.rows[:MAX_CHOICES] or ({},):
        inner = scope
        for name, scalar in row.items():
            bound = _bound(scalar)
            inner = inner.bind(name, bound)
            if bound.place is not None:
                assigned.setdefault(name, {}).setdefault(bound.text, bound.place)
        yield _run(job, resolved(inner))


def _run(job: Job, scope: Scope) -> Run:
    state, after = State("", scope), State("", scope)
    return [
        (
            without_inputs(line.scalar.mapped),
            line.scalar.file.source,
            after if line.section == "after_script" else state,
        )
        for line in job.lines
    ]


def _bound(scalar: Scalar) -> Bound:
    return Bound(braced(scalar.text), (), scalar.file.source.place(scalar.span))


def _either(name: str, old: Bound | None, scalars: list[Scalar]) -> Bound:
    """A variable that a rule may set: its own value, or one of the rules'."""
    olds = [old.text] if old is not None else ["${" + name + "}"]
    texts = tuple(dict.fromkeys((*olds, *(braced(scalar.text) for scalar in scalars))))
    place = old.place if old is not None else None
    if len(texts) == 1:
        return Bound(texts[0], (), place)
    return Bound("${" + name + "}", texts, place)


def braced(text: str) -> str:
    """`$NAME` as `${NAME}`, so that one spelling stands for unresolved variables; `$$` is a
    dollar, and an input of the pipeline a variable."""
    text = _INPUT.sub(lambda m: _input(m[1]), text)
    return _SIGN.sub(lambda m: "${" + m[1] + "}" if m[1] else "$", text)


def without_inputs(mapped: MappedText) -> MappedText:
    """`$[[ inputs.x ]]`, which GitLab fills in before YAML is read, as a variable."""
    pieces: list[Piece] = []
    at = 0
    for match in _INPUT.finditer(mapped.text):
        pieces += mapped.slice(at, match.start()).pieces
        pieces.append(Piece(_input(match[1]), mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*pieces, *mapped.slice(at, len(mapped.text)).pieces]) if at else mapped


def _input(name: str | None) -> str:
    return "${" + (re.sub(r"\W", "_", name) if name else OPAQUE) + "}"
