"""A value is what `@dataclass(frozen=True, slots=True)` makes, only made faster."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any, ClassVar

import pytest

from dockerfix.text.frozen import frozen, replace


@frozen
class Point:
    """A point."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 0
    names: dict[str, int] = field(default_factory=dict, compare=False)
    secret: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def far(self) -> int:
        """Both."""
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Standard:
    """The same, as the library makes it."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 0
    names: dict[str, int] = field(default_factory=dict, compare=False)
    secret: list[int] = field(default_factory=list, init=False, repr=False, compare=False)


BOTH = pytest.mark.parametrize("make", [Point, Standard])


@BOTH
def test_fields_defaults_and_factories(make: Callable[..., Any]) -> None:
    point = make(1, names={"a": 1})
    assert (point.x, point.y, point.names, point.secret, point.kind) == (
        1,
        0,
        {"a": 1},
        [],
        "point",
    )
    assert make(1).names is not make(1).names
    assert (make(x=1, y=2).x, make(1, 2).y) == (1, 2)


@BOTH
@pytest.mark.parametrize("arguments", [(), (1, 2, {}, [], 5)])
def test_wrong_arguments(make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        make(*arguments)
    with pytest.raises(TypeError):
        make(1, z=1)


@BOTH
def test_equality_and_hash(make: Callable[..., Any]) -> None:
    assert make(1, names={"a": 1}) == make(1)
    assert make(1) != make(2)
    assert make(1) != (1, 0)
    assert hash(make(1, 2)) == hash(make(1, 2))
    assert len({make(1), make(1), make(2)}) == 2


def test_other_classes_with_the_same_fields_differ() -> None:
    assert Point(1) != Standard(1)


@BOTH
def test_frozen_with_slots(make: Callable[..., Any]) -> None:
    point = make(1)
    for change in (
        lambda: setattr(point, "x", 2),
        lambda: setattr(point, "new", 2),
        lambda: delattr(point, "x"),
    ):
        with pytest.raises((FrozenInstanceError, TypeError)):
            change()
    assert not hasattr(point, "__dict__")


def test_the_text_of_a_value() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0, names={})"
    assert repr(Standard(1)) == "Standard(x=1, y=0, names={})"


@BOTH
def test_matching_by_position(make: Any) -> None:
    match make(1, 2):
        case Point(x, y) | Standard(x, y):
            assert (x, y) == (1, 2)
        case _:
            raise AssertionError


def test_copies() -> None:
    point = Point(1, 2, {"a": 1})
    assert replace(point, y=3) == Point(1, 3)
    assert replace(point, y=3).names == {"a": 1}
    with pytest.raises(TypeError):
        replace(point, z=1)
    for other in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):
        assert (other, other.names) == (point, {"a": 1})


def test_docstring_methods_and_names_stay() -> None:
    assert (Point.__doc__, Point.__name__, Point.__module__) == ("A point.", "Point", __name__)
    assert Point(1, 2).far == 3
    assert Point.__init__.__qualname__ == "Point.__init__"


def test_bases_give_their_fields_first() -> None:
    @frozen
    class Base:
        a: int

    @frozen
    class Child(Base):
        b: int = 2

    assert repr(Child(1)).endswith("Child(a=1, b=2)")
    assert Child(1) == Child(1, 2)
    assert Child(1) != Base(1)
    assert not hasattr(Child(1), "__dict__")


def test_a_method_of_its_own_wins() -> None:
    @frozen
    class Folded:
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Folded) and self.text.lower() == other.text.lower()

        def __repr__(self) -> str:
            return "folded"

        def __post_init__(self) -> None:
            if not self.text:
                raise ValueError("empty")

    assert Folded("A") == Folded("a")
    assert repr(Folded("A")) == "folded"
    assert isinstance(hash(Folded("a")), int)
    with pytest.raises(ValueError, match="empty"):
        Folded("")


def test_a_required_field_behind_an_optional_one() -> None:
    with pytest.raises(TypeError, match=r"Late\.b has no default, but a has one"):

        @frozen
        class Late:
            a: int = 1
            b: int


def test_a_value_without_fields() -> None:
    @frozen
    class Nothing:
        """Nothing."""

    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1
