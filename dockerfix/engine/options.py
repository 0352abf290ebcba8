"""Values for a transform's options: defaults filled in, types and choices checked.

The one place where options are completed, whoever gives them: the command line, the settings
or a test. Knows `OptionSpec`; knows nothing of click or TOML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockerfix.engine.proposal import OptionSpec, Transform


class OptionError(ValueError):
    """A value that an option cannot take: which option, why, and what it takes."""


def complete(transform: Transform, given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every option of `transform`, and `accept`, a frozenset of names.

    `given` maps option names to values; names may be written with `-` or `_`. Raises
    `OptionError` for an unknown option and for a value of the wrong type.
    """
    values = {_dashed(name): value for name, value in given.items()}
    accept = values.pop("accept", ())
    unknown = sorted(values.keys() - {_dashed(spec.name) for spec in transform.options})
    if unknown:
        known = ", ".join(spec.name for spec in transform.options) or "none"
        raise OptionError(f"{transform.name} has no option {unknown[0]}; it has: {known}")
    completed = {spec.name: _given_or_default(spec, values) for spec in transform.options}
    return {**completed, "accept": frozenset(accept)}


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _given_or_default(spec: OptionSpec, values: Mapping[str, Any]) -> Any:
    name = _dashed(spec.name)
    return _value(spec, values[name]) if name in values else _default(spec)


def _default(spec: OptionSpec) -> Any:
    if spec.default is not None:
        return spec.default
    if spec.multiple:
        return ()
    return False if spec.kind is bool else None


def _value(spec: OptionSpec, value: Any) -> Any:
    if spec.multiple:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise OptionError(f"{spec.name} takes a list")
        return tuple(_single(spec, item) for item in value)
    return _single(spec, value)


def _single(spec: OptionSpec, value: Any) -> Any:
    # A bool is an int for Python, and never what a person means by a number.
    if not isinstance(value, spec.kind) or (spec.kind is int and isinstance(value, bool)):
        raise OptionError(f"{spec.name} takes a {spec.kind.__name__}, not {value!r}")
    if spec.choices and value not in spec.choices:
        raise OptionError(f"{spec.name} takes one of {', '.join(spec.choices)}, not {value!r}")
    return value
