"""``dataclasses.dataclass``, made in a quarter of the time.

A command loads some two hundred of these classes, and the standard library writes and compiles
up to ten functions for each.  Here ``__init__`` alone is compiled; all classes share the rest.  See
docs/decisions/dataclass.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter, eq, ge, gt, le, lt
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - given on
else:

    def dataclass(cls: type | None = None, /, **how: bool) -> Any:
        """The same class as the standard library makes, of whose options it knows ``frozen``,
        ``slots``, ``eq``, ``order`` and ``repr``; it knows no ``InitVar``.
        """
        asked = _Asked(**how)
        return _made(cls, asked) if cls is not None else lambda one: _made(one, asked)


_MISSING = dataclasses.MISSING
Values: TypeAlias = Callable[[Any], "tuple[Any, ...]"]
"""The values of some fields of an object."""


class _Asked(NamedTuple):
    """The options."""

    frozen: bool = False
    slots: bool = False
    eq: bool = True
    order: bool = False
    repr: bool = True


def _made(cls: type, asked: _Asked) -> type:
    cls.__doc__ = cls.__doc__ or cls.__name__  # else a signature is worked out for it
    own = dict(vars(cls))
    if own.get("__hash__") is None and "__eq__" in own:
        own.pop("__hash__", None)  # Python's mark: it has an __eq__, and nobody said how to hash
    bare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=asked.slots)
    made: type = bare(cls)
    for name, value in _methods(made, asked):
        if name not in own:
            setattr(made, name, value)
    return made


def _methods(cls: type, asked: _Asked) -> Iterator[tuple[str, Any]]:
    """What the class gets of what it does not have itself."""
    fields = dataclasses.fields(cls)
    yield "__init__", _initialiser(cls, fields, frozen=asked.frozen)
    if asked.repr:
        yield "__repr__", _repr
    compared = _values([each.name for each in fields if each.compare])
    if asked.eq:
        hashed = _values([each.name for each in fields if _counts(each)])
        yield "__eq__", _comparison(eq, compared)
        yield "__hash__", _hashing(hashed) if asked.frozen else None
    if asked.order:
        yield from ((f"__{by.__name__}__", _comparison(by, compared)) for by in (lt, le, gt, ge))
    if asked.frozen:
        yield "__setattr__", _refuse_to_set
        yield "__delattr__", _refuse_to_delete
    if asked.frozen and asked.slots:
        yield "__getstate__", _state
        yield "__setstate__", _restore


def _initialiser(cls: type, fields: Sequence[dataclasses.Field[Any]], *, frozen: bool) -> Any:
    """The one function that is compiled: it has to be quick, and to say what is missing."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": _MISSING}
    parameters, body = [], []
    for one in sorted(fields, key=lambda each: each.kw_only is True):
        name, value = one.name, one.name
        if one.default is not _MISSING:
            known[f"_of_{name}"], default = one.default, f"=_of_{name}"
        elif one.default_factory is not _MISSING:
            known[f"_of_{name}"], default = one.default_factory, "=_missing"
            value = f"_of_{name}() if {name} is _missing else {name}"
        else:
            default = ""
        if one.kw_only and "*" not in parameters:
            parameters.append("*")
        parameters.append(name + default)
        body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    head = f"def __init__({', '.join(('self', *parameters))}):"
    # the names of fields, which stand in the source of this package, and nothing else
    exec("\n ".join((head, *body, "pass")), known)  # noqa: S102
    made = known["__init__"]
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    made.__annotations__ = {one.name: one.type for one in fields} | {"return": None}
    return made


def _counts(field: dataclasses.Field[Any]) -> bool:
    return field.compare if field.hash is None else field.hash


def _values(names: Sequence[str]) -> Values:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


def _comparison(by: Callable[[Any, Any], Any], values: Values) -> Callable[[Any, object], Any]:
    def compare(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return by(values(self), values(other))

    return compare


def _hashing(values: Values) -> Callable[[Any], int]:
    return lambda self: hash(values(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (one.name for one in dataclasses.fields(self) if one.repr)
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{self.__class__.__qualname__}({values})"


def _refuse_to_set(self: object, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _restore(self: Any, state: Sequence[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
