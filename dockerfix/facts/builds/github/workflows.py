"""GitHub workflows and composite actions: the steps that run, with what they see.

Follows "Workflow syntax for GitHub Actions", "Reusing workflows" and "Metadata syntax". A step
runs once for each row of its job's matrix; a reusable workflow and a composite action of the
repository run with the inputs of each caller. Knows workflows; knows no shell and no action.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.builds.github.expressions import (
    filled,
    identifier,
    without_braces,
    without_expressions,
)
from dockerfix.facts.builds.github.matrix import rows
from dockerfix.facts.builds.github.metadata import with_metadata
from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.model import Build, StepRun
from dockerfix.facts.shell.words import Bound, Scope, resolved
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlFile, parse_yaml
from dockerfix.text import MappedText, Place, Snapshot, join_path

_DEPTH = 6
"""Workflows and actions that call one another; GitHub allows ten."""


class Chain(Struct, frozen=True):
    """What uses a workflow or action, outermost first: as a person reads it, and by places."""

    through: tuple[str, ...] = ()
    runs: tuple[StepRun, ...] = ()
    machine: tuple[str, ...] = ()
    """The jobs among it, each with the row of its matrix, as in `CallSite`."""

    def into(self, name: str, uses: Scalar, row: int) -> Chain:
        """The chain for what `uses` names, in the row of that number."""
        return Chain((*self.through, name), (*self.runs, run_of(uses, row)), self.machine)

    def on(self, path: str, job: str, row: int) -> Chain:
        """The chain for what a job of a file runs in the row of that number."""
        return replace(self, machine=(*self.machine, f"{path}: {job} {row}"))


def run_of(uses: Scalar, row: int) -> StepRun:
    """A `uses:` that runs in the row of that number."""
    return StepRun(uses.file.source.place(uses.span), row)


class Step(Struct, frozen=True):
    """One step of a job, for one row of its matrix, with the variables that it sees.

    `through` names the callers of its workflow or action, outermost first.
    """

    job: str
    keys: YamlMapping
    scope: Scope
    folder: str | None
    through: tuple[str, ...] = ()
    runs: tuple[StepRun, ...] = ()
    """The `uses:` that lead to it, its own last, where it has one."""
    machine: tuple[str, ...] = ()
    """The runner, as in `CallSite`."""
    outer: str = ""
    """What decides whether the step that uses its action runs; empty for none."""

    @property
    def uses(self) -> Scalar | None:
        """The action that the step uses."""
        found = self.keys.get("uses")
        return found if isinstance(found, Scalar) else None

    @property
    def condition(self) -> str:
        """What decides whether the step runs within its job (`if:`), or the one that uses its
        action; empty for none."""
        found = self.keys.get("if")
        return self.outer or (found.text if isinstance(found, Scalar) else "")

    @property
    def script(self) -> MappedText | None:
        """The commands that the step runs, expressions as shell variables; None for none and
        for another language than a shell's."""
        run, shell = self.keys.get("run"), self.keys.get("shell")
        other = isinstance(shell, Scalar) and not re.match(r"(ba|z|da)?sh\b", shell.text)
        if other or not isinstance(run, Scalar):
            return None
        return without_expressions(run.mapped, self.scope)


@dataclass(slots=True)
class Workflows:
    """The workflows and actions of a repository; `read` gives a file by its path."""

    read: Callable[[str], YamlFile | None]
    called: set[str] = field(default_factory=set)
    """Files that a job or step of the repository calls."""

    def steps(self, files: Mapping[str, YamlFile]) -> Iterator[Step]:
        """Every step: of the files that start by themselves, with what they call, then of
        those that nothing calls."""
        later = []
        for path, file in files.items():
            if _only_called(file):
                later.append(path)
            elif file.root is not None:
                yield from self.started(file, _left_out(file), Chain())
        for path in later:
            file = files[path]
            if path not in self.called and file.root is not None:
                scope = self.given(file, None, Scope())
                yield from self.started(file, scope, Chain())

    def started(self, file: YamlFile, inputs: Scope, chain: Chain) -> Iterator[Step]:
        """The steps of one workflow or action, for one set of inputs."""
        root = file.root
        if root is None:
            return
        scope = _with_environment(inputs, root)
        runs = root.get("runs")
        if isinstance(runs, YamlMapping):
            name = posixpath.dirname(file.source.path)
            yield from self.run(name, runs, scope, None, chain, 0)
        jobs = root.get("jobs")
        for entry in jobs.entries if isinstance(jobs, YamlMapping) else ():
            if isinstance(entry.value, YamlMapping):
                yield from self.job(entry.key.text, entry.value, root, scope, chain)

    def job(
        self, name: str, body: YamlMapping, root: YamlMapping, scope: Scope, chain: Chain
    ) -> Iterator[Step]:
        """The steps of a job, and those of the reusable workflow that it calls."""
        folder = _working_folder(body) or _working_folder(root)
        every = rows(body)
        # What one row has and another lacks is the empty text there.
        keys = dict.fromkeys(key for row in every for key in row)
        for number, row in enumerate(every):
            inner = scope
            for key in keys:
                bound = _bound(row[key]) if key in row else Bound("")
                inner = inner.bind(identifier("matrix." + key), bound)
            inner = _with_environment(inner, body)
            here = chain.on(body.file.source.path, name, number)
            yield from self.run(name, body, inner, folder, here, number)
            uses = body.get("uses")
            if isinstance(uses, Scalar):
                caller = f"{posixpath.basename(uses.file.source.path)} {name}"
                below = here.into(caller, uses, number)
                yield from self.enter(uses, body, resolved(inner), below)

    def run(
        self,
        job: str,
        body: YamlMapping,
        scope: Scope,
        folder: str | None,
        chain: Chain,
        row: int,
    ) -> Iterator[Step]:
        """Steps in their order, each followed by those of the action that it uses."""
        found = body.get("steps")
        for keys in found.items if isinstance(found, Sequence) else ():
            if not isinstance(keys, YamlMapping):
                continue
            inner = resolved(_with_environment(scope, keys))
            own = keys.get("working-directory")
            text = without_braces(own.text, inner) if isinstance(own, Scalar) else folder or ""
            where = located(filled(text, inner) or ".", "", "the folder", [])
            step = Step(job, keys, inner, where, chain.through, machine=chain.machine)
            if step.uses is None:
                yield step
            else:
                yield replace(step, runs=(*chain.runs, run_of(step.uses, row)))
            scope = with_metadata(scope, keys, inner)
            if step.uses is not None:
                entered = chain.into(job, step.uses, row)
                for below in self.enter(step.uses, keys, inner, entered):
                    yield replace(below, outer=step.condition or below.outer)

    def enter(self, uses: Scalar, body: YamlMapping, scope: Scope, chain: Chain) -> Iterator[Step]:
        """The steps of a workflow or action of this repository, with the caller's `with:`."""
        file = self.local(uses.text) if len(chain.runs) <= _DEPTH else None
        if file is not None:
            self.called.add(file.source.path)
            yield from self.started(file, self.given(file, body, scope), chain)

    def local(self, uses: str) -> YamlFile | None:
        """The file that `uses: ./path` names."""
        path = join_path("", uses) if uses.startswith("./") else None
        if path is None:
            return None
        names = (path,) if path.endswith((".yml", ".yaml")) else (
            posixpath.join(path, "action.yml"), posixpath.join(path, "action.yaml"),
        )  # fmt: skip
        return next((file for file in map(self.read, names) if file is not None), None)

    def given(self, file: YamlFile, body: YamlMapping | None, scope: Scope) -> Scope:
        """The inputs that a workflow or action sees: the caller's, else their defaults. Without
        either, a text that need not be given is empty."""
        inputs = Scope()
        for name, node in _declared(file).items():
            default = node.get("default") if isinstance(node, YamlMapping) else None
            if isinstance(default, Scalar):
                inputs = inputs.bind(identifier("inputs." + name), _bound(default))
            elif body is not None and isinstance(node, YamlMapping) and _is_optional_text(node):
                inputs = inputs.bind(identifier("inputs." + name), Bound(""))
        passed = body.get("with") if body is not None else None
        for name, node in passed.resolved.items() if isinstance(passed, YamlMapping) else ():
            if isinstance(node, Scalar):
                bound = _bound(node, scope)
                bound = replace(bound, text=filled(bound.text, scope))
                inputs = inputs.bind(identifier("inputs." + name), bound)
        return inputs


def user_of(file: YamlFile, place: Place) -> YamlMapping | None:
    """The job or step whose `uses:` stands at a place."""
    waiting: list[Node] = [file.root] if file.root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, YamlMapping):
            uses = node.entry("uses")
            if uses is not None and uses.value.span == place.span:
                return node
            waiting += [e.value for e in node.entries if not e.aliased]
        elif isinstance(node, Sequence):
            waiting += [i for i, a in zip(node.items, node.aliased, strict=True) if not a]
    return None


def _declared(file: YamlFile) -> Mapping[str, Node]:
    """The inputs that a workflow or action declares."""
    root = file.root
    own = root.get("inputs") if root is not None else None
    on = root.get("on") if root is not None else None
    call = on.get("workflow_call") if isinstance(on, YamlMapping) else None
    found = call.get("inputs") if isinstance(call, YamlMapping) else own
    return found.resolved if isinstance(found, YamlMapping) else {}


def _left_out(file: YamlFile) -> Scope:
    """The inputs of a workflow that are empty unless somebody types them."""
    scope = Scope()
    for name, node in declared_inputs(file, "workflow_dispatch").items():
        default = node.get("default") if isinstance(node, YamlMapping) else None
        if isinstance(default, Scalar) and not default.text:
            scope = scope.bind(identifier("inputs." + name), Bound(""))
    return scope


def declared_inputs(file: YamlFile, start: str) -> Mapping[str, Node]:
    """The inputs that a workflow takes when it is started in that way."""
    on = file.root.get("on") if file.root is not None else None
    started = on.get(start) if isinstance(on, YamlMapping) else None
    found = started.get("inputs") if isinstance(started, YamlMapping) else None
    return found.resolved if isinstance(found, YamlMapping) else {}


def is_typed(snapshot: Snapshot, build: Build) -> bool:
    """Whether a person who starts a workflow types the Dockerfile of a build: a text, and none
    of a list of choices."""
    written = build.dockerfile_written
    match = _TYPED.fullmatch(written.written.strip()) if written is not None else None
    path = build.site.place.path
    if match is None or build.site.through or path not in snapshot:
        return False
    declared = declared_inputs(snapshot.derive(path, parse_yaml), "workflow_dispatch")
    typed = declared.get(match[1])
    kind = typed.get("type") if isinstance(typed, YamlMapping) else None
    return match[1] in declared and (not isinstance(kind, Scalar) or kind.text == "string")


_TYPED = re.compile(r"\$\{\{\s*(?:github\.event\.)?inputs\.([\w-]+)\s*\}\}")
"""A value that is an input and nothing else."""


def _is_optional_text(declared: YamlMapping) -> bool:
    kind, required = declared.get("type"), declared.get("required")
    text = kind is None or (isinstance(kind, Scalar) and kind.text == "string")
    return text and not (isinstance(required, Scalar) and required.text == "true")


def _only_called(file: YamlFile) -> bool:
    """Whether a file runs only when another one calls it."""
    root = file.root
    if root is None or root.get("runs") is not None:
        return True
    on = root.get("on")
    if isinstance(on, YamlMapping):
        return set(on.resolved) == {"workflow_call"}
    items = on.items if isinstance(on, Sequence) else (on,)
    return [i.text for i in items if isinstance(i, Scalar)] == ["workflow_call"]


def _bound(scalar: Scalar, scope: Scope | None = None) -> Bound:
    text = without_braces(scalar.text, scope)
    return Bound(text, (), scalar.file.source.place(scalar.span))


def _working_folder(body: YamlMapping) -> str | None:
    defaults = body.get("defaults")
    run = defaults.get("run") if isinstance(defaults, YamlMapping) else None
    folder = run.get("working-directory") if isinstance(run, YamlMapping) else None
    return without_braces(folder.text) if isinstance(folder, Scalar) else None


def _with_environment(scope: Scope, body: YamlMapping) -> Scope:
    env = body.get("env")
    for name, value in env.resolved.items() if isinstance(env, YamlMapping) else ():
        if isinstance(value, Scalar):
            scope = scope.bind(name, _bound(value, scope))
    return scope


def foreign_workflows(file: YamlFile) -> Iterator[tuple[Place, str]]:
    """Jobs that call a workflow of another repository and hand it something of docker's."""
    jobs = file.root.get("jobs") if file.root is not None else None
    for entry in jobs.entries if isinstance(jobs, YamlMapping) else ():
        uses = entry.value.get("uses") if isinstance(entry.value, YamlMapping) else None
        if isinstance(uses, Scalar) and join_path("", uses.text) is not None:
            text = file.source.text(entry.span).lower()
            if not uses.text.startswith("./") and any(word in text for word in _IMAGES):
                yield file.source.place(entry.span), f"{uses.text} is in another repository"


_IMAGES = ("docker", "image", "container", "buildkit")
