"""A GitLab pipeline: jobs with everything that `extends`, anchors and `default` give them.

Follows the reference "CI/CD YAML syntax": local includes first, then the file's own keys
merged over them; `extends` merges mappings deeply and replaces lists; `!reference` is
followed; a key of the job wins over `default:`. Knows the pipeline's files; knows nothing of
docker.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.syntax.yaml.tree import (
    Entry,
    Node,
    Scalar,
    Sequence,
    YamlError,
    YamlFile,
    parse_gitlab_yaml,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import Place, Snapshot, SnapshotError, Span

ROOT = ".gitlab-ci.yml"

GLOBAL_KEYS = frozenset(
    {
        "default", "include", "stages", "variables", "workflow", "spec", "image", "services",
        "cache", "before_script", "after_script", "types",
    }
)  # fmt: skip
_DEFAULTABLE = frozenset(
    {
        "image", "services", "before_script", "after_script", "cache", "artifacts", "tags",
        "retry", "timeout", "interruptible", "id_tokens", "hooks", "identity",
    }
)  # fmt: skip
_DEFAULT_STAGES = ("build", "test", "deploy")
_DEPTH = 11
"""GitLab follows `extends` to this depth."""

Effective = dict[str, "Node | Effective"]


class Need(Struct, frozen=True):
    """One entry of `needs:`; `node` is the item as written."""

    job: str
    optional: bool
    node: Node


class Rule(Struct, frozen=True):
    """One entry of `rules:`. `changes` is None when the rule has none."""

    condition: str
    changes: tuple[str, ...] | None
    when: str
    exists: tuple[str, ...] | None
    node: Node


class Line(Struct, frozen=True):
    """One item of a script with the section it comes from (`before_script`, `script`, ...)."""

    section: str
    scalar: Scalar


class Job(Struct, frozen=True):
    """A job or a hidden template.

    `entry` is where it is defined (the last definition counts), `keys` its effective keys.
    """

    name: str
    entry: Entry
    keys: Effective
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

    @property
    def stage(self) -> str:
        """The stage; `test` when none is given."""
        node = self.keys.get("stage")
        return node.text if isinstance(node, Scalar) else "test"

    @property
    def needs(self) -> tuple[Need, ...] | None:
        """The needs within this pipeline; None when the key is absent."""
        if "needs" not in self.keys:
            return None
        return tuple(_needs(self.keys["needs"]))

    @property
    def dependencies(self) -> tuple[Scalar, ...]:
        """Jobs named by `dependencies:`."""
        node = self.keys.get("dependencies")
        return (
            tuple(i for i in node.items if isinstance(i, Scalar))
            if isinstance(node, Sequence)
            else ()
        )

    @property
    def rules(self) -> tuple[Rule, ...] | None:
        """The rules; None when the key is absent."""
        node = self.keys.get("rules")
        return tuple(_rules(node)) if isinstance(node, Sequence) else None

    @property
    def lines(self) -> tuple[Line, ...]:
        """before_script and script in the order in which one shell runs them, then
        after_script, which a shell of its own runs."""
        return tuple(
            Line(section, scalar)
            for section in ("before_script", "script", "after_script")
            for scalar in _scalars(self.keys.get(section))
        )

    @property
    def variables(self) -> dict[str, Scalar]:
        """The job's own variables with those of its templates."""
        return _variables(self.keys.get("variables"))

    @property
    def rule_variables(self) -> dict[str, list[Scalar]]:
        """Values that `rules: variables:` may give to variables."""
        node = self.keys.get("rules")
        found: dict[str, list[Scalar]] = {}
        for rule in node.items if isinstance(node, Sequence) else ():
            section = rule.get("variables") if isinstance(rule, YamlMapping) else None
            for name, scalar in _variables(section).items():
                found.setdefault(name, []).append(scalar)
        return found

    @property
    def child(self) -> tuple[Scalar, ...]:
        """Files of this repository that the job starts as a child pipeline."""
        trigger = _as_dict(self.keys.get("trigger"))
        include = trigger.get("include") if trigger else None
        items = include.items if isinstance(include, Sequence) else (include,)
        found = (i.get("local") if isinstance(i, YamlMapping) else i for i in items)
        return tuple(i for i in found if isinstance(i, Scalar))

    @property
    def rows(self) -> tuple[dict[str, Scalar], ...]:
        """The variables of each job that `parallel: matrix:` makes of this one; empty without
        a matrix. A value that is a list multiplies its row."""
        parallel = _as_dict(self.keys.get("parallel"))
        matrix = parallel.get("matrix") if parallel else None
        found: list[dict[str, Scalar]] = []
        for row in matrix.items if isinstance(matrix, Sequence) else ():
            keys = row.resolved if isinstance(row, YamlMapping) else {}
            lists = [[(name, s) for s in _scalars(value)] for name, value in keys.items()]
            found += [dict(combination) for combination in product(*lists)]
        return tuple(found)


class Pipeline(Struct, frozen=True):
    """All jobs of a pipeline's root file and its local includes.

    `unread` lists includes that are not in the repository (remote, template, component) or
    hold a variable, each with its place.
    """

    path: str
    jobs: Mapping[str, Job]
    stages: tuple[str, ...]
    variables: Mapping[str, Scalar]
    files: Mapping[str, YamlFile]
    unread: tuple[tuple[Place, str], ...]

    @property
    def visible(self) -> tuple[Job, ...]:
        """The jobs that can run."""
        return tuple(job for job in self.jobs.values() if not job.hidden)

    def variables_of(self, job: Job) -> dict[str, Scalar]:
        """The variables that a job sees: its own, and the pipeline's unless `inherit:` keeps
        them away."""
        inherit = _as_dict(job.keys.get("inherit"))
        allowed = inherit.get("variables") if inherit else None
        inherited = dict(self.variables)
        if isinstance(allowed, Sequence):
            names = {scalar.text for scalar in _scalars(allowed)}
            inherited = {name: s for name, s in inherited.items() if name in names}
        elif isinstance(allowed, Scalar) and allowed.text.lower() == "false":
            inherited = {}
        return {**inherited, **job.variables}

    def assigned(self) -> Iterator[tuple[str, Scalar]]:
        """Every value that the pipeline gives to a variable, rules included."""
        yield from self.variables.items()
        for job in self.jobs.values():
            yield from job.variables.items()
            for name, scalars in job.rule_variables.items():
                yield from ((name, scalar) for scalar in scalars)


def find_pipeline(snapshot: Snapshot, path: str = ROOT) -> Pipeline | None:
    """The pipeline of a repository; None without a CI file. Raises `YamlError`."""
    if path not in snapshot:
        return None
    loader = _Loader(snapshot)
    loader.load(path)
    entries: dict[str, tuple[Entry, YamlFile]] = {}
    top: Effective = {}
    raw: Effective = {}
    for file in loader.files.values():
        for entry in file.root.entries if file.root else ():
            name = entry.key.text
            if name in GLOBAL_KEYS:
                top = _merge(top, {name: entry.value})
                continue
            raw = _merge(raw, {name: entry.value})
            if isinstance(entry.value, YamlMapping):
                entries[name] = (entry, file)
    defaults = _defaults(top)
    jobs = {
        name: Job(name, entry, _effective(name, raw, top, defaults), file)
        for name, (entry, file) in entries.items()
    }
    variables = _variables(top.get("variables"))
    return Pipeline(path, jobs, _stages(top), variables, loader.files, tuple(loader.unread))


class _Loader:
    """The files of a pipeline, included ones before those that include them, so that a later
    key wins. Private to `find_pipeline`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.files: dict[str, YamlFile] = {}
        self.unread: list[tuple[Place, str]] = []
        self.seen: set[str] = set()

    def load(self, path: str) -> None:
        """A file with what it includes; raises `YamlError` and `SnapshotError` for itself."""
        self.seen.add(path)
        file = self.snapshot.derive(path, parse_gitlab_yaml)
        included = file.root.get("include") if file.root else None
        for node in included.items if isinstance(included, Sequence) else (included,):
            for target, place in _included(self.snapshot, file, node, self.unread):
                if target in self.seen:
                    continue
                try:
                    self.load(target)
                except YamlError as error:
                    self.unread.append((place, str(error)))
                except SnapshotError as error:
                    self.unread.append((place, f"{target} cannot be read: {error.why}"))
        self.files[path] = file


def _included(
    snapshot: Snapshot, file: YamlFile, node: Node | None, unread: list[tuple[Place, str]]
) -> Iterator[tuple[str, Place]]:
    if node is None:
        return
    place = file.source.place(node.span)
    local: Node | None = node
    if isinstance(node, YamlMapping):
        local = node.get("local")
        if local is None:
            unread.append((place, f"include of {next(iter(node.resolved), 'nothing')}"))
            return
    if not isinstance(local, Scalar) or "$" in local.text or "://" in local.text:
        unread.append((place, "include that is not a path in this repository"))
        return
    pattern = local.text.lstrip("/")
    path = posixpath.normpath(pattern)
    if "*" in pattern:
        wanted = _include_pattern(pattern)
        head = posixpath.dirname(pattern[: pattern.index("*")])
        yield from ((path, place) for path in snapshot.below(head) if wanted.fullmatch(path))
    elif path in snapshot:
        yield path, place
    else:
        unread.append((place, f"include of {pattern}, which does not exist"))


def _include_pattern(pattern: str) -> re.Pattern[str]:
    """GitLab's wildcards of `include: local:`: `**` crosses folders, `*` does not."""
    parts = re.split(r"(\*\*|\*)", pattern)
    signs = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(signs.get(part, re.escape(part)) for part in parts))


def _stages(top: Effective) -> tuple[str, ...]:
    node = top.get("stages")
    named = tuple(s.text for s in _scalars(node)) if node is not None else _DEFAULT_STAGES
    return (".pre", *(s for s in named if s not in (".pre", ".post")), ".post")


def _defaults(top: Effective) -> Effective:
    found: Effective = {key: top[key] for key in _DEFAULTABLE if key in top}
    section = top.get("default")
    given = _as_dict(section) or {}
    return found | {key: value for key, value in given.items() if key in _DEFAULTABLE}


def _effective(name: str, raw: Effective, top: Effective, defaults: Effective) -> Effective:
    keys = _extended(name, raw, 0)
    keys = {key: _follow(value, raw, top, 0) for key, value in keys.items()}
    inherit = _as_dict(keys.get("inherit"))
    allowed = inherit.get("default") if inherit else None
    if isinstance(allowed, Scalar) and allowed.text.lower() == "false":
        return keys
    names = (
        {s.text for s in allowed.items if isinstance(s, Scalar)}
        if isinstance(allowed, Sequence)
        else None
    )
    for key, value in defaults.items():
        if names is None or key in names:
            keys.setdefault(key, _follow(value, raw, top, 0))
    return keys


def _extended(name: str, raw: Effective, depth: int) -> Effective:
    own = _as_dict(raw.get(name))
    if own is None or depth > _DEPTH:
        return {}
    merged: Effective = {}
    for parent in _scalars(own.get("extends")):
        merged = _merge(merged, _extended(parent.text, raw, depth + 1))
    return _merge(merged, own)


def _merge(below: Effective, above: Effective) -> Effective:
    merged = dict(below)
    for key, value in above.items():
        old = _as_dict(merged.get(key))
        new = _as_dict(value)
        if old is not None and new is not None:
            merged[key] = _merge(old, new)
        else:
            merged[key] = value
    return merged


def _as_dict(value: Node | Effective | None) -> Effective | None:
    if isinstance(value, dict):
        return value
    return dict(value.resolved) if isinstance(value, YamlMapping) else None


def _follow(
    value: Node | Effective, raw: Effective, top: Effective, depth: int
) -> Node | Effective:
    """Replace `!reference [job, key, ...]`, also among the items of a list and below keys."""
    if isinstance(value, dict | Scalar) or depth > _DEPTH or not _refers(value):
        return value
    if isinstance(value, YamlMapping):
        entries = []
        for entry in value.entries:
            inner = _follow(entry.value, raw, top, depth + 1)
            if inner is not entry.value and not isinstance(inner, dict):
                entry = replace(entry, value=inner, aliased=True)
            entries.append(entry)
        return value.with_entries(tuple(entries))
    if value.tag == "!reference":
        found = _referenced(value, raw, top)
        return _follow(found, raw, top, depth + 1) if found is not None else value
    items: list[Node] = []
    aliased: list[bool] = []
    for item, elsewhere in zip(value.items, value.aliased, strict=True):
        followed = _follow(item, raw, top, depth + 1)
        if isinstance(followed, Sequence):
            items += followed.items
            aliased += [True] * len(followed.items)
        elif not isinstance(followed, dict):
            items.append(followed)
            aliased.append(elsewhere or followed is not item)
    return replace(value, items=tuple(items), aliased=tuple(aliased))


def _refers(node: Node) -> bool:
    """Whether a `!reference` stands anywhere in the node."""
    if isinstance(node, Sequence):
        return node.tag == "!reference" or any(_refers(item) for item in node.items)
    return isinstance(node, YamlMapping) and any(_refers(entry.value) for entry in node.entries)


def _referenced(node: Sequence, raw: Effective, top: Effective) -> Node | Effective | None:
    route = [item.text for item in node.items if isinstance(item, Scalar)]
    current: Node | Effective | None = raw.get(route[0]) if route else None
    if current is None and route:
        current = top.get(route[0])
    for key in route[1:]:
        mapping = _as_dict(current)
        current = mapping.get(key) if mapping else None
    return current


def _scalars(node: Node | Effective | None) -> Iterator[Scalar]:
    """All scalars of a value, nested lists flattened, as GitLab does."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _scalars(item)


def _variables(value: Node | Effective | None) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for name, node in (_as_dict(value) or {}).items():
        if isinstance(node, Scalar):
            found[name] = node
        else:
            inner = (_as_dict(node) or {}).get("value")
            if isinstance(inner, Scalar):
                found[name] = inner
    return found


def _needs(node: Node | Effective) -> Iterator[Need]:
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Scalar):
            yield Need(item.text, False, item)
        elif isinstance(item, YamlMapping):
            keys = item.resolved
            job, optional = keys.get("job"), keys.get("optional")
            if isinstance(job, Scalar) and "pipeline" not in keys and "project" not in keys:
                yes = isinstance(optional, Scalar) and optional.text.lower() == "true"
                yield Need(job.text, yes, item)


def _rules(node: Sequence) -> Iterator[Rule]:
    for item in node.items:
        if not isinstance(item, YamlMapping):
            continue
        keys = item.resolved
        condition, when = keys.get("if"), keys.get("when")
        yield Rule(
            condition.text if isinstance(condition, Scalar) else "",
            _paths(keys.get("changes")),
            when.text if isinstance(when, Scalar) else "on_success",
            _paths(keys.get("exists")),
            item,
        )


def _paths(node: Node | None) -> tuple[str, ...] | None:
    if isinstance(node, YamlMapping):
        node = node.get("paths")
    return None if node is None else tuple(s.text for s in _scalars(node))


def place_of(scalar: Scalar, span: Span | None = None) -> Place:
    """The place of a scalar, or of a span inside it."""
    return scalar.file.source.place(span if span is not None else scalar.span)
