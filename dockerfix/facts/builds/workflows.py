"""GitHub workflows and composite actions: steps that run commands or use a build action.

Follows "Workflow syntax for GitHub Actions" and the inputs of docker/build-push-action and
docker/bake-action. A step runs once for each row of its job's matrix. Knows workflows; knows
no shell.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.builds.docker_command import is_remote, located, pushes
from dockerfix.facts.builds.gathered import BakeCall
from dockerfix.facts.builds.words import MAX_CHOICES, OPAQUE, Bound, Scope, remaining, resolved
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlFile
from dockerfix.text import MappedText, Piece, Place, join_path

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*")


class Step(Struct, frozen=True):
    """One step of a job, for one row of its matrix, with the variables that it sees."""

    job: str
    keys: YamlMapping
    scope: Scope
    folder: str | None

    @property
    def uses(self) -> Scalar | None:
        """The action that the step uses."""
        found = self.keys.get("uses")
        return found if isinstance(found, Scalar) else None

    @property
    def script(self) -> MappedText | None:
        """The commands that the step runs, expressions as shell variables; None for none and
        for another language than a shell's."""
        run, shell = self.keys.get("run"), self.keys.get("shell")
        other = isinstance(shell, Scalar) and not re.match(r"(ba|z|da)?sh\b", shell.text)
        return None if other or not isinstance(run, Scalar) else without_expressions(run.mapped)


def steps(file: YamlFile) -> Iterator[Step]:
    """Every step of a workflow or composite action, once for each row of its matrix."""
    root = file.root
    if root is None:
        return
    scope = _with_environment(Scope(), root)
    runs = root.get("runs")
    if isinstance(runs, YamlMapping):
        yield from _steps(posixpath.dirname(file.source.path), runs, scope, None)
    jobs = root.get("jobs")
    for entry in jobs.entries if isinstance(jobs, YamlMapping) else ():
        body = entry.value
        if not isinstance(body, YamlMapping):
            continue
        folder = _working_folder(body) or _working_folder(root)
        for row in rows(body):
            inner = scope
            for name, scalar in row.items():
                place = scalar.file.source.place(scalar.span)
                bound = Bound(_plain(scalar.text), (), place)
                inner = inner.bind(_identifier("matrix." + name), bound)
            yield from _steps(entry.key.text, body, _with_environment(inner, body), folder)


def _steps(job: str, body: YamlMapping, scope: Scope, folder: str | None) -> Iterator[Step]:
    found = body.get("steps")
    for keys in found.items if isinstance(found, Sequence) else ():
        if isinstance(keys, YamlMapping):
            own = keys.get("working-directory")
            text = _plain(own.text) if isinstance(own, Scalar) else folder or ""
            where = located(text or ".", "", "the folder", [])
            yield Step(job, keys, resolved(_with_environment(scope, keys)), where)


def _working_folder(body: YamlMapping) -> str | None:
    defaults = body.get("defaults")
    run = defaults.get("run") if isinstance(defaults, YamlMapping) else None
    folder = run.get("working-directory") if isinstance(run, YamlMapping) else None
    return _plain(folder.text) if isinstance(folder, Scalar) else None


def _with_environment(scope: Scope, body: YamlMapping) -> Scope:
    env = body.get("env")
    for name, value in env.resolved.items() if isinstance(env, YamlMapping) else ():
        if isinstance(value, Scalar):
            place = value.file.source.place(value.span)
            scope = scope.bind(name, Bound(_plain(value.text), (), place))
    return scope


def rows(job: YamlMapping) -> list[dict[str, Scalar]]:
    """The rows of a job's matrix, `include` and `exclude` applied; one empty row for none."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, YamlMapping) else None
    if not isinstance(matrix, YamlMapping):
        return [{}]
    axes = [
        [(name, item) for item in value.items if isinstance(item, Scalar)]
        for name, value in matrix.resolved.items()
        if name not in ("include", "exclude") and isinstance(value, Sequence)
    ]
    product = itertools.islice(itertools.product(*axes), MAX_CHOICES) if axes else ()
    excluded = _listed(matrix.get("exclude"))
    found = [
        dict(row) for row in product if not any(_agree(out, dict(row), True) for out in excluded)
    ]
    extra: list[dict[str, Scalar]] = []
    names = {name for axis in axes for name, _ in axis}
    for more in _listed(matrix.get("include")):
        matching = [row for row in found if _agree(more, row, False, names)]
        for row in matching:
            row.update(more)
        extra += [] if matching else [more]
    return [*found, *extra] or [{}]


def _listed(node: Node | None) -> list[dict[str, Scalar]]:
    items = node.items if isinstance(node, Sequence) else ()
    maps = [item.resolved for item in items if isinstance(item, YamlMapping)]
    return [{k: v for k, v in found.items() if isinstance(v, Scalar)} for found in maps]


def _agree(
    part: dict[str, Scalar], row: dict[str, Scalar], whole: bool, names: set[str] | None = None
) -> bool:
    """Whether the values of `part` are those of the row; with `names`, of these axes only."""
    asked = [name for name in part if names is None or name in names]
    if whole or asked:
        return bool(asked) and all(n in row and row[n].text == part[n].text for n in asked)
    return True


def _identifier(name: str) -> str:
    """The shell variable that stands for a context's value."""
    if name.startswith("env."):
        return name[4:]
    return "GITHUB_WORKSPACE" if name == "github.workspace" else re.sub(r"\W", "_", name)


def _variable(expression: str) -> str:
    """`${NAME}` for what stands in `${{ ... }}`; anything computed stays unknown."""
    match = _NAME.fullmatch(expression)
    return "${" + (_identifier(match[1]) if match else OPAQUE) + "}"


def _plain(text: str) -> str:
    return _EXPRESSION.sub(lambda m: _variable(m[1]), text)


def without_expressions(mapped: MappedText) -> MappedText:
    """`${{ matrix.x }}` as the shell variable `${matrix_x}`, which maps as a whole."""
    pieces: list[Piece] = []
    at = 0
    for match in _EXPRESSION.finditer(mapped.text):
        pieces += mapped.slice(at, match.start()).pieces
        pieces.append(Piece(_variable(match[1]), mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*pieces, *mapped.slice(at, len(mapped.text)).pieces])


def action_build(step: Step) -> Build | None:
    """The build of a step that uses docker/build-push-action."""
    uses = step.uses
    if uses is None or not uses.text.startswith("docker/build-push-action"):
        return None
    inputs = _Inputs(step, uses)
    unknown: list[str] = []
    context, file = inputs.value("context"), inputs.value("file")
    where = _context(context, unknown)
    if file is not None:
        dockerfile = located(file.text, "", "the Dockerfile", unknown)
    elif context is None:
        dockerfile = "Dockerfile"
    else:
        dockerfile = posixpath.join(where, "Dockerfile") if where is not None else None
    outputs = inputs.lines("outputs")
    return Build(
        site=CallSite(SiteKind.GITHUB, step.job, inputs.place),
        tool=Tool.ACTION,
        context=where,
        dockerfile=dockerfile,
        context_written=context,
        dockerfile_written=file,
        target=inputs.value("target"),
        arguments=inputs.pairs("build-args"),
        tags=inputs.lines("tags", commas=True),
        cache_from=inputs.lines("cache-from"),
        cache_to=inputs.lines("cache-to"),
        platforms=inputs.lines("platforms", commas=True),
        secrets=inputs.lines("secrets"),
        named_contexts=inputs.pairs("build-contexts"),
        push=inputs.switched("push") or any(pushes(v.text) for v in outputs),
        load=inputs.switched("load"),
        unknown=tuple(unknown),
    )


def action_bake(step: Step) -> BakeCall | None:
    """The bake call of a step that uses docker/bake-action."""
    uses = step.uses
    if uses is None or not uses.text.startswith("docker/bake-action"):
        return None
    inputs = _Inputs(step, uses)
    folder = inputs.value("workdir")
    where = located(folder.text, "", "the folder", []) if folder is not None else ""
    site = CallSite(SiteKind.GITHUB, step.job, inputs.place)
    return BakeCall(
        site,
        where,
        inputs.lines("files", commas=True),
        inputs.lines("targets", commas=True),
        inputs.switched("push"),
        inputs.lines("set"),
        step.scope,
    )


def _context(context: Value | None, unknown: list[str]) -> str | None:
    """The context; without one the action clones the repository again (a Git context)."""
    if context is None:
        unknown.append("no context: the action takes a Git context")
        return None
    if is_remote(context.text):
        unknown.append("the context is an address or standard input")
        return None
    return located(context.text, "", "the context", unknown)


class _Inputs(Struct, frozen=True):
    """`with:` of a step. Private to the readers of actions."""

    step: Step
    uses: Scalar

    @property
    def place(self) -> Place:
        """Where the action is named."""
        return self.uses.file.source.place(self.uses.span)

    def scalar(self, key: str) -> Scalar | None:
        """An input as written."""
        inputs = self.step.keys.get("with")
        node = inputs.get(key) if isinstance(inputs, YamlMapping) else None
        return node if isinstance(node, Scalar) and node.text else None

    def value(self, key: str) -> Value | None:
        """An input with what is known of the matrix and the environment filled in."""
        node = self.scalar(key)
        if node is None:
            return None
        return self.filled(node.text, node.file.source.place(node.span))

    def filled(self, written: str, place: Place) -> Value:
        """A text with its variables filled in; one variable and nothing else says whence."""
        plain = _plain(written)
        text = plain
        for name in remaining(plain):
            bound = self.step.scope.look(name)
            if bound is not None:
                text = text.replace("${" + name + "}", bound.text)
        whole = re.fullmatch(r"\$\{(\w+)\}", plain)
        bound = self.step.scope.look(whole[1]) if whole else None
        origin = bound.place if bound is not None else None
        carrier = whole[1] if whole else ""
        return Value(written, text, remaining(text), (), place, origin, carrier)

    def lines(self, key: str, commas: bool = False) -> tuple[Value, ...]:
        """An input that holds a list, one item a line (or between commas)."""
        node = self.scalar(key)
        if node is None:
            return ()
        mapped = node.mapped
        pattern = r"[^\n,]+" if commas else r"[^\n]+"
        found = []
        for match in re.finditer(pattern, mapped.text):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            end = start + len(match[0].strip())
            if start < end:
                place = node.file.source.place(mapped.span(start, end))
                found.append(self.filled(match[0].strip(), place))
        return tuple(found)

    def pairs(self, key: str) -> tuple[BuildArgument, ...]:
        """An input of `NAME=value` lines."""
        found = []
        for value in self.lines(key):
            name, equals, text = value.text.partition("=")
            written = value.written.partition("=")[2]
            inner = Value(written, text, remaining(text), (), value.place)
            found.append(BuildArgument(name, inner if equals else None, value.place))
        return tuple(found)

    def switched(self, key: str) -> bool:
        """A yes or no; a condition may say yes."""
        value = self.value(key)
        return value is not None and value.text != "false"


def foreign_workflows(file: YamlFile) -> Iterator[tuple[Place, str]]:
    """Jobs that call a workflow of another repository and hand it something of docker's."""
    jobs = file.root.get("jobs") if file.root is not None else None
    for entry in jobs.entries if isinstance(jobs, YamlMapping) else ():
        uses = entry.value.get("uses") if isinstance(entry.value, YamlMapping) else None
        if isinstance(uses, Scalar) and join_path("", uses.text) is not None:
            text = file.source.text(entry.span).lower()
            if not uses.text.startswith("./") and ("docker" in text or "image" in text):
                yield file.source.place(entry.span), f"{uses.text} is in another repository"
