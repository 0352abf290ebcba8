"""A GitLab pipeline: its jobs, stages and variables, from the root file and what it includes.

Follows the reference "CI/CD YAML syntax": local includes first, then the file's own keys
merged over them. Knows the pipeline's files; knows nothing of docker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.gitlab.expand import Expander
from dockerfix.facts.gitlab.job import Job, Line
from dockerfix.facts.gitlab.load import Loader
from dockerfix.facts.gitlab.needs import Need
from dockerfix.facts.gitlab.rules import Rule, rules_of
from dockerfix.facts.gitlab.values import Effective, as_dict, merged, texts, variables
from dockerfix.syntax.yaml.tree import Entry, Node, Scalar, YamlFile
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import Place, Snapshot, Span

__all__ = [
    "GLOBAL_KEYS", "ROOT", "Effective", "Job", "Line", "Need", "Pipeline", "Rule",
    "find_pipeline", "place_of",
]  # fmt: skip

ROOT = ".gitlab-ci.yml"

GLOBAL_KEYS = frozenset(
    {
        "default", "include", "stages", "variables", "workflow", "spec", "image", "services",
        "cache", "before_script", "after_script", "types",
    }
)  # fmt: skip
_DEFAULT_STAGES = ("build", "test", "deploy")


class Pipeline(Struct, frozen=True):
    """All jobs of a pipeline's root file and its local includes.

    `unread` lists includes that are not in the repository (remote, template, component) or
    hold a variable, each with its place. `workflow` are the rules that decide which pipelines
    exist, None when there are none, and `workflow_rules` the list as it is written.
    """

    path: str
    jobs: Mapping[str, Job]
    stages: tuple[str, ...]
    variables: Mapping[str, Scalar]
    files: Mapping[str, YamlFile]
    unread: tuple[tuple[Place, str], ...]
    workflow: tuple[Rule, ...] | None = None
    workflow_rules: Node | Effective | None = None

    @property
    def visible(self) -> tuple[Job, ...]:
        """The jobs that can run."""
        return tuple(job for job in self.jobs.values() if not job.hidden)

    def variables_of(self, job: Job) -> dict[str, Scalar]:
        """The variables that a job sees: its own, and the pipeline's unless `inherit:` keeps
        them away."""
        allowed = job.inherit.variables
        shared = self.variables.items()
        inherited = {name: s for name, s in shared if allowed is None or name in allowed}
        return {**inherited, **job.variables}

    def values_of(self, job: Job, name: str) -> tuple[Scalar, ...]:
        """Every value that the files may give a variable in a job, the usual one first: a rule
        wins over the job, `workflow: rules: variables` over the pipeline's."""
        found = [scalar for scalar in (self.variables_of(job).get(name),) if scalar is not None]
        found += job.rule_variables.get(name, [])
        if name not in job.variables and job.inherit.variables is None:
            found += [s for rule in self.workflow or () for n, s in rule.variables if n == name]
        return tuple(found)

    def unknown_parents(self, job: Job) -> tuple[str, ...]:
        """What a job extends, directly or through others, and no file that was read defines."""
        found: dict[str, None] = {}
        waiting, seen = [job], {job.name}
        while waiting:
            for parent in waiting.pop().extends:
                known = self.jobs.get(parent.text)
                if known is None:
                    found[parent.text] = None
                elif known.name not in seen:
                    seen.add(known.name)
                    waiting.append(known)
        return tuple(found)

    def assigned(self) -> Iterator[tuple[str, Scalar]]:
        """Every value that the pipeline gives to a variable, rules included."""
        yield from self.variables.items()
        for rule in self.workflow or ():
            yield from rule.variables
        for job in self.jobs.values():
            yield from job.variables.items()
            for name, scalars in job.rule_variables.items():
                yield from ((name, scalar) for scalar in scalars)


def find_pipeline(snapshot: Snapshot, path: str = ROOT) -> Pipeline | None:
    """The pipeline of a repository; None without a CI file. Raises `YamlError`."""
    if path not in snapshot:
        return None
    loader = Loader(snapshot)
    loader.load(path, {})
    entries: dict[str, tuple[Entry, YamlFile]] = {}
    top: Effective = {}
    raw: Effective = {}
    for part in loader.parts:
        for entry in part.root.entries:
            name = entry.key.text
            if name in GLOBAL_KEYS:
                top = merged(top, {name: entry.value})
                continue
            raw = merged(raw, {name: entry.value})
            if isinstance(entry.value, YamlMapping):
                entries[name] = (entry, part.file)
    expander = Expander(raw, top)
    jobs = {
        name: Job(name=name, entry=entry, keys=expander.effective(name), file=file)
        for name, (entry, file) in entries.items()
    }
    workflow = (as_dict(top.get("workflow")) or {}).get("rules")
    if workflow is not None:
        workflow = expander.follow(workflow, 0)
    return Pipeline(
        path,
        jobs,
        _stages(top),
        variables(expander.follow(top.get("variables", {}), 0)),
        loader.files,
        tuple(loader.unread),
        tuple(rules_of(workflow)) if workflow is not None else None,
        workflow,
    )


def _stages(top: Effective) -> tuple[str, ...]:
    node = top.get("stages")
    named = texts(node) if node is not None else _DEFAULT_STAGES
    return (".pre", *(s for s in named if s not in (".pre", ".post")), ".post")


def place_of(scalar: Scalar, span: Span | None = None) -> Place:
    """The place of a scalar, or of a span inside it."""
    return scalar.file.source.place(span if span is not None else scalar.span)
