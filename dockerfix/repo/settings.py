"""Settings: `.dockerfix.toml` at the root, and `[tool.dockerfix]` of its `pyproject.toml`.

Knows which keys there are and where each was written; not what a transform does with its
own. Both files may be there: each key is taken from `.dockerfix.toml` when that has it, else
from `pyproject.toml`, so that neither is ignored without a word.

    root = true                       # .dockerfix.toml only: this folder is the root
    exclude = ["third_party/", "*.generated.Dockerfile"]
    inline-accept = false             # comments in files accept nothing

    [merge-rust]                      # the options of one transform
    into = "Dockerfile.workspace"

    [merge-rust.accept]               # its assumptions by name, each with its reason
    packages = "no crate of ours links against libpq"
    "left-behind@deploy/build.sh" = "the deploy team rewrites it"
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from dockerfix.repo.errors import GlobError, SettingsError
from dockerfix.repo.globs import compile_globs
from dockerfix.repo.names import SETTINGS_NAME
from dockerfix.repo.toml_file import TomlFile
from dockerfix.text.values import Keyed

if TYPE_CHECKING:
    from dockerfix.engine.proposal import OptionSpec

_PYPROJECT = "pyproject.toml"
CHECKS = "check"
"""The table for what `dockerfix check` finds by itself; it has accepted names alone."""
_ACCEPT = "accept"
INLINE = "inline-accept"
_TYPES: Mapping[type, str] = {str: "a string", bool: "true or false", int: "a whole number"}


class _Layer(Struct, frozen=True):
    """The settings of one file: the table, and the keys that lead to it."""

    file: TomlFile
    prefix: tuple[str, ...]
    table: Mapping[str, Any]

    def error(self, keys: Sequence[str], what: str, action: str) -> SettingsError:
        """An error about the value at `keys`."""
        return SettingsError(self.file.place((*self.prefix, *keys)), what, action)


class Settings(Keyed, frozen=True, eq=False):
    """What the settings files of one root say.

    `exclude` are patterns relative to the root (see `dockerfix.repo.globs`); `inline_accept` says
    whether a comment in a file may accept an assumption; `accept` maps
    each transform to its accepted assumptions (`NAME` or `NAME@path`) with their reasons: ask
    `accepted`; `tables` holds the options of each transform as written: ask `options` for
    checked ones.
    """

    aside = ("_layers",)

    exclude: tuple[str, ...] = ()
    accept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _layers: tuple[_Layer, ...] = ()
    inline_accept: bool = True

    def accepted(self, transform: str) -> Mapping[str, str]:
        """The assumptions of one transform that the settings accept, with their reasons."""
        return self.accept.get(transform, {})

    def options(self, transform: str, specs: Sequence[OptionSpec]) -> dict[str, Any]:
        """The options that the settings set for a transform, checked against its own.

        An option with several values is a tuple. Raises `SettingsError` with the line for
        an option that the transform does not have, and for a value of another type.
        """
        known = {spec.name: spec for spec in specs}
        found: dict[str, Any] = {}
        for name, value in self.tables.get(transform, {}).items():
            keys = (transform, name)
            if name not in known:
                raise self.error(
                    keys,
                    f"{transform} has no option {name!r}",
                    _one_of(known) or "remove the line",
                )
            found[name] = self._checked(keys, known[name], value)
        return found

    def error(self, keys: Sequence[str], what: str, action: str = "") -> SettingsError:
        """An error about the value at `keys` (such as `("merge-rust", "into")`), with the
        line that set it."""
        for layer in self._layers:
            if _holds(layer.table, keys):
                return layer.error(keys, what, action)
        return SettingsError(".".join(keys), what, action)

    def _checked(self, keys: Sequence[str], spec: OptionSpec, value: Any) -> Any:
        values = value if spec.multiple else [value]
        wanted = _TYPES.get(spec.kind, spec.kind.__name__)
        # bool is an int to Python, and not to a person.
        if not isinstance(values, list) or any(type(item) is not spec.kind for item in values):
            what = f"must be a list, each item {wanted}" if spec.multiple else f"must be {wanted}"
            raise self.error(keys, f"{keys[-1]} {what}", "correct the value")
        wrong = [item for item in values if spec.choices and item not in spec.choices]
        if wrong:
            raise self.error(
                keys, f"{keys[-1]} cannot be {wrong[0]!r}", f"use one of {', '.join(spec.choices)}"
            )
        return tuple(values) if spec.multiple else value


def read_settings(root: Path, transforms: Collection[str] | None = None) -> Settings:
    """The settings of a root. With the names of the `transforms` that there are, a table of
    another name is an error. Raises `SettingsError`: `path:line:column: what`, what to do."""
    layers = tuple(_layers(root))
    for layer in layers:
        _check(layer, transforms)
    tables: dict[str, dict[str, Any]] = {}
    accept: dict[str, dict[str, str]] = {}
    exclude: tuple[str, ...] = ()
    inline = True
    for layer in reversed(layers):  # the strongest last
        for name, value in layer.table.items():
            if name == "exclude":
                exclude = tuple(value)
            elif name == INLINE:
                inline = value
            elif isinstance(value, dict):
                options = {key: item for key, item in value.items() if key != _ACCEPT}
                tables.setdefault(name, {}).update(options)
                accept.setdefault(name, {}).update(value.get(_ACCEPT, {}))
    return Settings(
        exclude,
        MappingProxyType({name: MappingProxyType(taken) for name, taken in accept.items()}),
        MappingProxyType({name: MappingProxyType(table) for name, table in tables.items()}),
        layers,
        inline,
    )


def declares_root(file: Path) -> bool:
    """Whether a `.dockerfix.toml` says `root = true`. Raises `SettingsError`."""
    toml = TomlFile.read(file, str(file))
    if toml is None:
        return False
    _check_root(_Layer(toml, (), toml.values))
    return toml.values.get("root") is True


def settings_files(root: Path) -> Iterator[str]:
    """The settings files that a root has, the stronger one first. Raises `SettingsError` for
    one that cannot be read."""
    return (layer.file.path for layer in _layers(root))


def _layers(root: Path) -> Iterator[_Layer]:
    """The settings files that there are, the stronger one first."""
    own = TomlFile.read(root / SETTINGS_NAME, SETTINGS_NAME)
    if own is not None:
        yield _Layer(own, (), own.values)
    project = TomlFile.read(root / _PYPROJECT, _PYPROJECT)
    tool = project.values.get("tool") if project else None
    table = tool.get("dockerfix") if isinstance(tool, dict) else None
    if project is None or table is None:
        return
    layer = _Layer(project, ("tool", "dockerfix"), table if isinstance(table, dict) else {})
    if not isinstance(table, dict):
        raise layer.error((), "dockerfix must be a table", "write [tool.dockerfix]")
    yield layer


def _check(layer: _Layer, transforms: Collection[str] | None) -> None:
    _check_root(layer)
    for name, value in layer.table.items():
        if name == "root":
            continue
        if name == "exclude":
            _check_exclude(layer, value)
        elif name == INLINE:
            if not isinstance(value, bool):
                raise layer.error((name,), f"{name} must be true or false", "correct the value")
        elif name == _ACCEPT:
            raise layer.error(
                (name,),
                "what is accepted is accepted for one transform",
                "write [merge-rust.accept], say, and the names below it",
            )
        elif not isinstance(value, dict):
            raise layer.error(
                (name,),
                f"unknown key {name!r}",
                f"there are root, exclude, {INLINE}, and a table for each transform",
            )
        elif transforms is not None and name not in (*transforms, CHECKS):
            raise layer.error(
                (name,), f"there is no transform {name!r}", _one_of(transforms) or "remove it"
            )
        else:
            _check_accept(layer, name, value.get(_ACCEPT, {}))


def _check_root(layer: _Layer) -> None:
    if "root" not in layer.table:
        return
    if layer.prefix:
        raise layer.error(
            ("root",), f"root has no meaning in {_PYPROJECT}", f"write it in {SETTINGS_NAME}"
        )
    if not isinstance(layer.table["root"], bool):
        raise layer.error(("root",), "root must be true or false", "correct the value")


def _check_exclude(layer: _Layer, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise layer.error(
            ("exclude",), "exclude must be a list of strings", 'write exclude = ["folder/"]'
        )
    try:
        compile_globs(value)
    except GlobError as error:
        raise layer.error(("exclude",), f"{error.path}: {error.what}", error.action) from None


def _check_accept(layer: _Layer, transform: str, value: Any) -> None:
    if not isinstance(value, dict):
        example = f'write [{transform}.accept] and below it toolchain = "why it is harmless here"'
        raise layer.error((transform, _ACCEPT), "each accepted name needs its reason", example)
    for name, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            key = name if name.replace("-", "").isalnum() else f'"{name}"'
            raise layer.error(
                (transform, _ACCEPT, name),
                f"{name} is accepted without a reason",
                f'write {key} = "why"',
            )


def _holds(table: Mapping[str, Any], keys: Sequence[str]) -> bool:
    value: Any = table
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _one_of(names: Collection[str]) -> str:
    return f"there are {', '.join(sorted(names))}" if names else ""
