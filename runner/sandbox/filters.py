"""The filters and tests that templates and expressions may use.

Left out on purpose: ``safe``, ``tojson``, ``xmlattr``, ``urlize`` (they mark text as markup, so a
contact's value could become markup), ``attr``, ``format``, ``pprint``, ``string`` of structures
(they reach into Python), ``groupby`` (nests data), ``random`` (a message must not change when it
is rendered again).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from jinja2 import filters as jinja
from jinja2 import tests as jinja_tests
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.utils import pass_context, pass_eval_context

from .budget import spend, within
from .values import as_text, is_scalar

MAX_ARGUMENT = 1_000

Filter = Callable[..., Any]

_TEXT = """
    capitalize center e escape float int lower replace string striptags title trim truncate upper
    urlencode wordcount
""".split()  # noqa: SIM905 - as words, it can be read
_NUMBER = ["abs", "round"]
_SEQUENCE = """
    batch count dictsort first items last length list max min reject rejectattr reverse select
    selectattr slice sort unique
""".split()  # noqa: SIM905
_TESTS = """
    boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable
    le lessthan lower lt mapping ne none number odd sequence string true undefined upper
    == != > >= < <=
""".split()  # noqa: SIM905


def _on_text(function: Filter) -> Filter:
    """The filter on texts and numbers alone, with what it makes bounded and paid for."""
    place = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        as_text(args[place])
        _check_arguments(*args[place + 1 :], *kwargs.values())
        result = function(*args, **kwargs)
        if isinstance(result, str):
            spend(1 + within(len(result)))
        return result

    return bounded


def _on_sequence(function: Filter) -> Filter:
    """The filter with bounded arguments; ``fill_with`` could nest data, so it must be a scalar."""
    place = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        spend(len(args[place]) if isinstance(args[place], str | list | tuple | dict) else 1)
        _check_arguments(*args[place + 1 :], *kwargs.values())
        return function(*args, **kwargs)

    return bounded


def _check_arguments(*arguments: object) -> None:
    for argument in arguments:
        if argument is not None and not is_scalar(argument):
            raise SecurityError("the arguments of a filter must be texts or numbers")
        if isinstance(argument, int) and abs(argument) > MAX_ARGUMENT:
            raise SecurityError(f"numbers given to filters are limited to {MAX_ARGUMENT}")


@pass_eval_context
def _replace(eval_ctx: Any, text: str, old: str, new: str, count: int | None = None) -> str:
    within(len(str(text)) + (len(str(text)) + 1) * len(str(new)) // max(len(str(old)), 1))
    return jinja.do_replace(eval_ctx, text, old, new, count)


def _split(text: str, separator: str = ",") -> list[str]:
    """The parts of a text without the white space around them; none for a text without any."""
    text = str(text)
    spend(len(text))
    if not separator:
        raise SecurityError("split needs a separator")
    return [part.strip() for part in text.split(separator)] if text.strip() else []


def _indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> str:
    within(len(text) + (text.count("\n") + 1) * int(width))
    return jinja.do_indent(text, int(width), first, blank)


@pass_eval_context
def _join(
    eval_ctx: Any, value: Iterable[Any], separator: str = "", attribute: str | None = None
) -> str:
    items = [*value] if attribute is None else _attributes(eval_ctx, value, attribute)
    within(sum(len(str(as_text(item))) for item in items) + len(separator) * len(items))
    return jinja.sync_do_join(eval_ctx, items, separator)


def _attributes(eval_ctx: Any, value: Iterable[Any], attribute: str) -> list[Any]:
    return [*map(jinja.make_attrgetter(eval_ctx.environment, attribute), value)]


@pass_context
def _map(context: Context, value: Iterable[Any], *args: str, **kwargs: Any) -> list[Any]:
    """``map('upper')`` with a filter for texts, or ``map(attribute='name', default='')``."""
    if (args and (len(args) > 1 or args[0] not in TEXT_FILTERS)) or (args and kwargs):
        raise SecurityError("map takes the name of one filter for texts, or attribute=")
    _check_arguments(*kwargs.values())
    return [*jinja.sync_do_map(context, value, *args, **kwargs)]


@pass_context
def _sum(context: Context, value: Iterable[Any], attribute: str | None = None) -> Any:
    numbers = value
    if attribute is not None:
        numbers = map(jinja.make_attrgetter(context.environment, attribute), value)
    total: Any = 0
    for number in numbers:
        if not isinstance(number, int | float):
            raise SecurityError("sum adds numbers only")
        total += number
    return total


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    _check_arguments(default_value)
    return jinja.do_default(value, default_value, boolean)


def _wordwrap(text: str, width: int = 79) -> str:
    return "\n".join(
        "\n".join(_wrapped(line, max(int(width), 1))) or line for line in str(text).splitlines()
    )


def _wrapped(line: str, width: int) -> list[str]:
    import textwrap  # noqa: PLC0415 - seldom used

    return textwrap.wrap(line, width, expand_tabs=False, replace_whitespace=False)


def _table() -> Mapping[str, Filter]:
    known: Mapping[str, Any] = jinja.FILTERS
    table: dict[str, Filter] = {name: _on_text(known[name]) for name in _TEXT + _NUMBER}
    table |= {name: _on_sequence(known[name]) for name in _SEQUENCE}
    table |= {"replace": _on_text(_replace), "indent": _on_text(_indent)}
    table |= {"split": _on_text(_split)}
    table |= {"wordwrap": _on_text(_wordwrap), "join": _on_sequence(_join)}
    return table | {"map": _map, "sum": _sum, "default": _default, "d": _default}


TEXT_FILTERS = frozenset(_TEXT)

FILTERS: Mapping[str, Filter] = _table()

_KNOWN_TESTS: Mapping[str, Any] = jinja_tests.TESTS
TESTS: Mapping[str, Filter] = {name: _KNOWN_TESTS[name] for name in _TESTS}
