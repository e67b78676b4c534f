"""The values that live in the sandbox, and what may be done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MethodType
from typing import Any

from jinja2 import Undefined
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, LoopContext, Macro

from .budget import spend, within

MAX_RANGE = 10_000
MAX_BITS = 4096
"""Size of the largest integer that a calculation may give."""

METHOD_HINT = "use a filter, as in {{ name|upper }}"

_LOOP = frozenset(
    """
    index index0 revindex revindex0 first last length previtem nextitem cycle changed
    """.split()  # noqa: SIM905 - as words, it can be read
)
_DATE = frozenset({"year", "month", "day", "hour", "minute", "second"})
_SCALARS = (str, int, float, bool, date)
_KINDS = {str: "text", int: "number", float: "number", bool: "true/false", dict: "mapping"}


class Function:
    """A function handed in to templates or expressions: the only Python that they can call."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> object:
        return self._function(*args)


def is_scalar(value: object) -> bool:
    """True for what can stand in a text: text, numbers, dates, markup."""
    return isinstance(value, _SCALARS)


def plain(value: object) -> Any:
    """``value`` as plain data, copied.  Raises TypeError for anything else."""
    if value is None or is_scalar(value):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not plain data")


def kind(value: object) -> str:
    """What people call the type of a value."""
    return "list" if isinstance(value, list | tuple) else _KINDS.get(type(value), "value")


def may_read(obj: object, attribute: str) -> bool:
    """Whether a Python attribute may be read: those of loops, dates, imports and ``super``."""
    if attribute.startswith("_"):
        return False
    if isinstance(obj, LoopContext):
        return attribute in _LOOP
    if isinstance(obj, date):
        return attribute in _DATE and hasattr(obj, attribute)
    if isinstance(obj, BlockReference):
        return attribute == "super"
    return isinstance(obj, TemplateModule) and attribute in vars(obj)


def may_call(obj: object) -> bool:
    """Whether something may be called: macros, blocks, loop helpers, functions handed in."""
    if isinstance(obj, MethodType):
        return isinstance(obj.__self__, LoopContext) and obj.__name__ in {"cycle", "changed"}
    return isinstance(obj, Macro | BlockReference | Function)


def as_text(value: object) -> object:
    """A value that may stand in a text; anything else is refused, not shown as Python."""
    if is_scalar(value):
        return value
    if value is None:
        raise SecurityError("null cannot be put into text: use |default('…', true)")
    fail_if_undefined(value)
    if callable(value):
        raise SecurityError("a function or macro is not a text: call it with ()")
    raise SecurityError(f"a {kind(value)} cannot be put into text: use |join(', ') or a loop")


def fail_if_undefined(*values: object) -> None:
    """Raise UndefinedError for the first value that is undefined."""
    for value in values:
        if isinstance(value, Undefined):
            str(value)


def bounded_range(*args: int) -> range:
    """``range``, at most MAX_RANGE long."""
    numbers = range(*args)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"range() is limited to {MAX_RANGE} items")
    return numbers


def check_operands(operator: str, left: object, right: object) -> None:
    """Refuse arithmetic that could explode, and pay for the text it makes."""
    if not (is_scalar(left) and is_scalar(right)):
        fail_if_undefined(left, right)
        raise SecurityError(f"{operator} works on numbers and texts only")
    texts = [value for value in (left, right) if isinstance(value, str)]
    if operator in {"%", "**"} and texts:
        raise SecurityError(f"{operator} works on numbers only")
    if operator == "+":
        spend(1 + within(sum(map(len, texts))))
    elif operator == "*" and texts:
        count = right if isinstance(left, str) else left
        spend(1 + within(len(texts[0]) * count if isinstance(count, int) else 0))
    elif isinstance(left, int) and isinstance(right, int):
        _check_bits(operator, left, right)


def _check_bits(operator: str, left: int, right: int) -> None:
    bits = 0
    if operator == "**":
        bits = left.bit_length() * max(right, 1)
    elif operator == "*":
        bits = left.bit_length() + right.bit_length()
    if bits > MAX_BITS:
        raise SecurityError("makes too large a number")
