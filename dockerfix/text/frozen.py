"""Values: frozen classes with slots, made in a fifth of the time that `dataclasses` takes.

A run of dockerfix makes some hundred and fifty of these classes while a person waits, and
start-up time is promised (`make bench`). The standard decorator compiles seven methods for
each class; this one compiles `__init__` alone and shares the others. A value is otherwise what
`@dataclass(frozen=True, slots=True)` makes: equal to values of its own class with equal fields,
hashable, printable, matched by position, copied with `replace`.

Knows classes; knows nothing of what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, field
from inspect import get_annotations
from typing import Any, NamedTuple, TypeVar, dataclass_transform

T = TypeVar("T")


class _Part(NamedTuple):
    """What is kept of a field; `default` is MISSING where there is none."""

    default: Any
    factory: Any
    init: bool
    compare: bool
    repr: bool


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class a value; its annotations are its fields, those of value bases come first.

    Of `dataclasses.field(...)`, default, default_factory, init, compare and repr count. As with
    `dataclass(slots=True)` the class is made anew, so that `super()` without arguments does
    not work in its methods. Raises `TypeError` for a field without a default behind one that
    has one.
    """
    parts: dict[str, _Part] = {}
    for base in reversed(cls.__mro__[1:]):
        parts |= base.__dict__.get("__value_parts__", {})
    namespace: dict[str, Any] = dict(cls.__dict__)
    own: list[str] = []
    for name, annotation in get_annotations(cls).items():
        if not str(annotation).startswith("ClassVar"):
            parts[name] = _part(namespace.pop(name, MISSING))
            own.append(name)
    for name in ("__dict__", "__weakref__"):
        namespace.pop(name, None)
    for name, method in _SHARED.items():
        namespace.setdefault(name, method)
    if namespace["__hash__"] is None:
        namespace["__hash__"] = _hash  # Python takes the hash away from who writes __eq__
    namespace["__init__"] = _init(cls, parts)
    namespace["__slots__"] = tuple(own)
    namespace["__match_args__"] = tuple(name for name, part in parts.items() if part.init)
    namespace["__value_parts__"] = parts
    namespace["__value_compared__"] = tuple(n for n, part in parts.items() if part.compare)
    metaclass: Any = type(cls)
    made: type[T] = metaclass(cls.__name__, cls.__bases__, namespace)
    made.__qualname__ = cls.__qualname__
    return made


def replace(old: T, /, **changes: Any) -> T:
    """A copy of a value, or of a dataclass, with some fields changed; raises `TypeError` for
    a field that there is not."""
    names = getattr(type(old), "__match_args__", ())
    return type(old)(**{**{name: getattr(old, name) for name in names}, **changes})


def _part(default: Any) -> _Part:
    if isinstance(default, Field):
        return _Part(
            default.default, default.default_factory, default.init, default.compare, default.repr
        )
    return _Part(default, MISSING, True, True, True)


def _init(cls: type, parts: Mapping[str, _Part]) -> Callable[..., None]:
    """`__init__`, compiled: its parameters are the fields, as `dataclass` has them."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    parameters, body, optional = ["self"], [], ""
    for name, part in parts.items():
        given = name
        if part.factory is not MISSING:
            known[f"_make_{name}"] = part.factory
            given = f"_make_{name}()"
            if part.init:
                given += f" if {name} is _missing else {name}"
                parameters.append(f"{name}=_missing")
        elif part.default is not MISSING:
            known[f"_default_{name}"] = part.default
            given = name if part.init else f"_default_{name}"
            parameters += [f"{name}=_default_{name}"] if part.init else []
        elif part.init:
            if optional:
                raise TypeError(f"{cls.__name__}.{name} has no default, but {optional} has one")
            parameters.append(name)
        else:
            continue
        if part.init and parameters[-1] != name:
            optional = name
        body.append(f"    _set(self, {name!r}, {given})\n")
    if "__post_init__" in cls.__dict__:
        body.append("    self.__post_init__()\n")
    made: dict[str, Any] = {}
    exec(f"def __init__({', '.join(parameters)}):\n{''.join(body) or '    pass'}", known, made)
    init: Callable[..., None] = made["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name) for name in self.__value_compared__)


def _hash(self: Any) -> int:
    return hash(tuple([getattr(self, name) for name in self.__value_compared__]))


def _repr(self: Any) -> str:
    shown = (name for name, part in self.__value_parts__.items() if part.repr)
    inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{type(self).__qualname__}({inside})"


def _set(self: Any, name: str, _: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__value_parts__]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, item in zip(self.__value_parts__, state, strict=True):
        object.__setattr__(self, name, item)


_SHARED: Mapping[str, Any] = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _set,
    "__delattr__": _delete,
    "__getstate__": _get_state,
    "__setstate__": _set_state,
}
