"""What a job says of its surroundings: image, services, artifacts, cache, environment, limits.

Follows "CI/CD YAML syntax". Each value is read from the effective key; texts stay as written,
variables in them are not replaced. Knows the forms of the keys; knows no job.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from msgspec import Struct

from dockerfix.facts.gitlab.values import Effective, as_dict, flag, scalars, text, texts, variables
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence


class Image(Struct, frozen=True):
    """An image that a job or a service runs in. `entrypoint` is None when it is the image's."""

    name: str
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] = ()
    alias: str = ""
    pull_policy: tuple[str, ...] = ()
    variables: tuple[tuple[str, Scalar], ...] = ()


class Artifacts(Struct, frozen=True):
    """Files that a job leaves to later ones. `reports` pairs each kind with its paths; the
    kind `dotenv` brings variables."""

    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    reports: tuple[tuple[str, tuple[str, ...]], ...] = ()
    when: str = "on_success"
    expire_in: str = ""
    untracked: bool = False

    @property
    def dotenv(self) -> tuple[str, ...]:
        """Files whose variables later jobs get."""
        return next((paths for kind, paths in self.reports if kind == "dotenv"), ())


class Cache(Struct, frozen=True):
    """One cache of a job; `key` is the text of a plain key, `key_files` its `files:`, and
    `fallback_keys` are read where that key has no cache."""

    key: str = ""
    key_files: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    policy: str = "pull-push"
    when: str = "on_success"
    untracked: bool = False
    fallback_keys: tuple[str, ...] = ()


class Environment(Struct, frozen=True):
    """What a job deploys to, or (`action`) stops, prepares, checks or accesses."""

    name: str
    url: str = ""
    action: str = "start"
    on_stop: str = ""


class Retry(Struct, frozen=True):
    """How often a failed job runs again, and after which failures."""

    max: str = "0"
    when: tuple[str, ...] = ("always",)


class Trigger(Struct, frozen=True):
    """A pipeline that a job starts: of a project, or a child from files. `forwards` says
    whether the variables of this file's YAML go along; they do by default."""

    project: str = ""
    branch: str = ""
    strategy: str = ""
    local: tuple[Scalar, ...] = ()
    forwards: bool = True


class Inherit(Struct, frozen=True):
    """What a job takes from `default:` and from the global variables: all (None) or these."""

    default: frozenset[str] | None = None
    variables: frozenset[str] | None = None


def image_of(value: Node | Effective | None) -> Image | None:
    """An `image:`, or an entry of `services:`; None when there is none."""
    keys = as_dict(value)
    if keys is None:
        return Image(text(value)) if text(value) else None
    entrypoint = keys.get("entrypoint")
    return Image(
        text(keys.get("name")),
        texts(entrypoint) if entrypoint is not None else None,
        texts(keys.get("command")),
        text(keys.get("alias")),
        texts(keys.get("pull_policy")),
        tuple(variables(keys.get("variables")).items()),
    )


def services_of(value: Node | Effective | None) -> Iterator[Image]:
    """The services of a job."""
    for item in value.items if isinstance(value, Sequence) else ():
        found = image_of(item)
        if found is not None:
            yield found


def artifacts_of(value: Node | Effective | None) -> Artifacts | None:
    """An `artifacts:`; None when there is none."""
    keys = as_dict(value)
    if keys is None:
        return None
    reports = as_dict(keys.get("reports")) or {}
    return Artifacts(
        texts(keys.get("paths")),
        texts(keys.get("exclude")),
        tuple((kind, texts(node)) for kind, node in reports.items()),
        text(keys.get("when"), "on_success"),
        text(keys.get("expire_in")),
        flag(keys.get("untracked")) is True,
    )


def caches_of(value: Node | Effective | None) -> Iterator[Cache]:
    """The caches of a job: one mapping or a list of them."""
    for item in value.items if isinstance(value, Sequence) else (value,):
        keys = as_dict(item)
        if keys is None:
            continue
        key = keys.get("key")
        yield Cache(
            text(key),
            texts((as_dict(key) or {}).get("files")),
            texts(keys.get("paths")),
            text(keys.get("policy"), "pull-push"),
            text(keys.get("when"), "on_success"),
            flag(keys.get("untracked")) is True,
            texts(keys.get("fallback_keys")),
        )


def environment_of(value: Node | Effective | None) -> Environment | None:
    """An `environment:`; None when there is none."""
    keys = as_dict(value)
    if keys is None:
        return Environment(text(value)) if text(value) else None
    name, url, on_stop = (text(keys.get(key)) for key in ("name", "url", "on_stop"))
    return Environment(name, url, text(keys.get("action"), "start"), on_stop)


def retry_of(value: Node | Effective | None) -> Retry:
    """A `retry:`, a number or a mapping."""
    keys = as_dict(value)
    if keys is None:
        return Retry(text(value, "0"))
    return Retry(text(keys.get("max"), "0"), texts(keys.get("when")) or ("always",))


def trigger_of(value: Node | Effective | None) -> Trigger | None:
    """A `trigger:`; None when there is none."""
    keys = as_dict(value)
    if keys is None:
        return Trigger(project=text(value)) if text(value) else None
    include = keys.get("include")
    items = include.items if isinstance(include, Sequence) else (include,)
    named = (item.get("local") if isinstance(item, YamlMapping) else item for item in items)
    forward = as_dict(keys.get("forward")) or {}
    project, branch, strategy = (text(keys.get(k)) for k in ("project", "branch", "strategy"))
    local = tuple(item for item in named if isinstance(item, Scalar))
    forwards = flag(forward.get("yaml_variables")) is not False
    return Trigger(project, branch, strategy, local, forwards)


def inherit_of(value: Node | Effective | None) -> Inherit:
    """An `inherit:`."""
    keys = as_dict(value) or {}
    return Inherit(_chosen(keys.get("default")), _chosen(keys.get("variables")))


def _chosen(value: Node | Effective | None) -> frozenset[str] | None:
    if isinstance(value, Sequence):
        return frozenset(texts(value))
    return frozenset() if flag(value) is False else None


def matrix_rows(value: Node | Effective | None) -> Iterator[dict[str, Scalar]]:
    """The variables of each run that `parallel: matrix:` makes; a list multiplies its row."""
    matrix = (as_dict(value) or {}).get("matrix")
    for row in matrix.items if isinstance(matrix, Sequence) else ():
        keys = row.resolved if isinstance(row, YamlMapping) else {}
        lists = [[(name, s) for s in scalars(inner)] for name, inner in keys.items()]
        yield from (dict(combination) for combination in product(*lists))
