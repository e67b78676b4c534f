"""``runner.dataclass`` makes what the standard library makes."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.dataclass import dataclass

Pair = tuple[type[Any], type[Any]]

OPTIONS = st.fixed_dictionaries(
    {}, optional={name: st.booleans() for name in ("frozen", "slots", "eq", "repr")}
)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, bool]]:
    """What stands in the body of a class, and what it asks for."""
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=5))
    must = draw(st.integers(0, len(names)))
    body: dict[str, Any] = {"__annotations__": dict.fromkeys(names, "int"), "__doc__": "Drawn."}
    for at, name in enumerate(names):
        options: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "repr": st.booleans(),
                    "compare": st.booleans(),
                    "hash": st.sampled_from([None, True, False]),
                    "kw_only": st.booleans(),
                },
            )
        )
        if at >= must:
            kind = draw(st.sampled_from(["default", "default_factory"]))
            options[kind] = at if kind == "default" else list
        body[name] = field(**options)
    return body, draw(OPTIONS)


def both(body: dict[str, Any], options: dict[str, bool]) -> Pair:
    """The class as we make it, and as the standard library does."""
    ours, theirs = (
        how(**options)(type("Drawn", (), copy.copy(body) | {"__module__": __name__}))
        for how in (dataclass, dataclasses.dataclass)
    )
    return ours, theirs


def outcome(call: Callable[[], Any]) -> Any:
    """What comes of a call, an exception by its kind."""
    try:
        return call()
    except (TypeError, AttributeError) as error:
        return type(error)


@given(shapes(), st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 2)))
def test_takes_and_shows_the_same(shape, values) -> None:
    ours, theirs = both(*shape)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert ours.__match_args__ == theirs.__match_args__
    mine, other = outcome(lambda: ours(**values)), outcome(lambda: theirs(**values))
    if isinstance(other, type):
        assert mine is other
        return
    for name in ours.__annotations__:
        assert getattr(mine, name) == getattr(other, name)
    if shape[1].get("repr", True):
        assert repr(mine) == repr(other)
    assert hasattr(mine, "__dict__") == hasattr(other, "__dict__")
    assert dataclasses.asdict(mine) == dataclasses.asdict(other)


@given(shapes(), st.lists(st.integers(0, 1), min_size=5, max_size=5), st.integers(0, 4))
def test_compares_and_hashes_the_same(shape, values, changed) -> None:
    ours, theirs = both(*shape)
    first = dict(zip(ours.__annotations__, values, strict=False))
    second = dict(first)
    if changed < len(second):
        second[list(second)[changed]] = 7
    equal = [cls(**first) == cls(**second) for cls in (ours, theirs)]
    assert equal[0] == equal[1]
    assert [cls(**first) == cls(**first) for cls in (ours, theirs)] == [
        shape[1].get("eq", True)
    ] * 2
    hashable = [
        outcome(lambda cls=cls: isinstance(hash(cls(**first)), int)) for cls in (ours, theirs)
    ]
    assert hashable[0] == hashable[1]
    if hashable[0] is True and equal[0]:
        assert hash(ours(**first)) == hash(ours(**second))


@given(shapes(), st.lists(st.integers(0, 1), min_size=5, max_size=5))
def test_is_changed_and_copied_the_same(shape, values) -> None:
    def handled(cls: type[Any], name: str) -> tuple[Any, ...]:
        one = cls(**arguments)
        calls = (
            lambda: setattr(one, name, 9),
            lambda: getattr(one, name),
            lambda: delattr(one, name),
        )
        return tuple(map(outcome, calls))

    ours, theirs = both(*shape)
    names = list(ours.__annotations__)
    arguments = dict(zip(names, values, strict=False))
    for name in names:
        assert handled(ours, name) == handled(theirs, name)
        assert getattr(dataclasses.replace(ours(**arguments), **{name: 5}), name) == 5
    # where the standard library trips over itself (slots and frozen), it is refused as well
    assert isinstance(handled(ours, "other")[0], type) == isinstance(
        handled(theirs, "other")[0], type
    )
    one = ours(**arguments)
    assert dataclasses.asdict(copy.deepcopy(one)) == dataclasses.asdict(one)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Kept."""

    first: int
    second: tuple["Frozen", ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Ordered:
    """By the first, then the second."""

    first: int
    second: str = field(default="", compare=False)


@dataclass
class Grown:  # noqa: PLW1641
    """With methods of its own."""

    limit: ClassVar[int] = 3
    value: int
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen.append(self.value)

    def __repr__(self) -> str:
        return "mine"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grown)


def test_a_frozen_one_goes_through_pickle() -> None:
    one = Frozen(1, (Frozen(2),))
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301


def test_what_a_class_has_itself_stays() -> None:
    assert repr(Grown(1)) == "mine"
    assert Grown(1) == Grown(2)
    assert Grown(4).seen == [4]
    assert Grown.__hash__ is None
    assert [one.name for one in dataclasses.fields(Grown)] == ["value", "seen"]


def test_order() -> None:
    assert sorted([Ordered(2), Ordered(1, "b"), Ordered(1, "a")]) == [
        Ordered(1, "b"),
        Ordered(1, "a"),
        Ordered(2),
    ]
    assert Ordered(1) <= Ordered(1, "x") < Ordered(2) > Ordered(1) >= Ordered(1)
    with pytest.raises(TypeError):
        assert Ordered(1) < Frozen(2)


def test_one_that_holds_itself_is_shown() -> None:
    nested = dataclass(type("Nested", (), {"__annotations__": {"own": "object"}}))(None)
    nested.own = nested
    assert repr(nested) == "Nested(own=...)"


def test_a_wrong_call_says_what_is_missing() -> None:
    with pytest.raises(TypeError, match=r"Frozen\.__init__\(\) missing 1 required .*'first'"):
        Frozen()  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'first'"):
        Frozen(1).first = 2  # type: ignore[misc]


def test_what_it_does_not_know_it_refuses() -> None:
    with pytest.raises(TypeError, match="unsafe_hash"):
        dataclass(unsafe_hash=True)(type("Odd", (), {}))
