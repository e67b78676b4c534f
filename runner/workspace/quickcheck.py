"""Whether a document keeps to a schema, asked quickly: nearly all documents do.

A schema becomes functions, once.  What a schema says beyond the keywords known here, and a value
that these might judge otherwise, is left to jsonschema, which also explains every fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Check = Callable[[Any], bool]
Maker = Callable[[Any, Mapping[str, Any]], Check]
Schema = Mapping[str, Any]

_SILENT: Final = frozenset(
    {"description", "title", "examples", "default", "x-name", "then", "else", "$comment"}
)
"""What says nothing about a value, or is read with another keyword."""


class Unsure(Exception):
    """This schema, or this value, is jsonschema's to judge."""


def compile_schema(schema: Any) -> Check:
    """The schema, references resolved, as a function.  Raises Unsure, as the function may."""
    if isinstance(schema, bool):
        return lambda value: schema
    checks = list(_checks(schema))
    if not checks:
        return lambda value: True
    if len(checks) == 1:
        return checks[0]
    return _all_of(checks)


def _checks(schema: Schema) -> Iterator[Check]:
    for keyword, argument in sorted(schema.items(), key=lambda item: item[0] != "type"):
        if keyword in _SILENT:
            continue
        if keyword not in _KEYWORDS:
            raise Unsure(keyword)
        yield _KEYWORDS[keyword](argument, schema)


def _all_of(checks: list[Check]) -> Check:
    return lambda value: all(one(value) for one in checks)


# -- types -------------------------------------------------------------------------------------

_TYPES: Final[Mapping[str, Check]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def _type(names: Any, _: Schema) -> Check:
    checks = [_TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    return checks[0] if len(checks) == 1 else lambda value: any(one(value) for one in checks)


def _const(wanted: Any, _: Schema) -> Check:
    return _enum([wanted], _)


def _enum(choices: Any, _: Schema) -> Check:
    if not all(isinstance(choice, str | int | float | None) for choice in choices):
        raise Unsure("enum")
    # True is 1 to Python, and not to JSON
    known = {(isinstance(choice, bool), choice) for choice in choices}

    def check(value: Any) -> bool:
        if isinstance(value, dict | list):
            return False
        return (isinstance(value, bool), value) in known

    return check


# -- texts and numbers ---------------------------------------------------------------------------


def _of(kind: type, test: Check) -> Check:
    """A check that only concerns values of one kind."""
    return lambda value: not isinstance(value, kind) or test(value)


def _numbers(test: Check) -> Check:
    return lambda value: (
        not isinstance(value, int | float) or isinstance(value, bool) or test(value)
    )


def _pattern(pattern: Any, _: Schema) -> Check:
    search = re.compile(pattern).search
    return _of(str, lambda value: search(value) is not None)


# -- lists and mappings --------------------------------------------------------------------------


def _items(schema: Any, _: Schema) -> Check:
    item = compile_schema(schema)
    return _of(list, lambda value: all(item(one) for one in value))


def _unique(wanted: Any, _: Schema) -> Check:
    def test(value: Any) -> bool:
        if not all(isinstance(one, str) for one in value):
            raise Unsure("uniqueItems")
        return len(set(value)) == len(value)

    return _of(list, test) if wanted else lambda value: True


def _properties(schemas: Any, _: Schema) -> Check:
    checks = [(name, compile_schema(schema)) for name, schema in schemas.items()]

    return _of(
        dict, lambda value: all(check(value[name]) for name, check in checks if name in value)
    )


def _additional(schema: Any, whole: Schema) -> Check:
    if "patternProperties" in whole:
        raise Unsure("patternProperties")
    known = frozenset(whole.get("properties", ()))
    other = compile_schema(schema)
    return _of(dict, lambda value: all(other(value[key]) for key in value if key not in known))


def _names(schema: Any, _: Schema) -> Check:
    name = compile_schema(schema)
    return _of(dict, lambda value: all(name(key) for key in value))


def _required(names: Any, _: Schema) -> Check:
    return _of(dict, lambda value: all(name in value for name in names))


# -- schemas of schemas ----------------------------------------------------------------------------


def _any_of(schemas: Any, _: Schema) -> Check:
    checks = [compile_schema(schema) for schema in schemas]
    return lambda value: any(check(value) for check in checks)


def _every(schemas: Any, _: Schema) -> Check:
    return _all_of([compile_schema(schema) for schema in schemas])


def _not(schema: Any, _: Schema) -> Check:
    check = compile_schema(schema)
    return lambda value: not check(value)


def _if(schema: Any, whole: Schema) -> Check:
    when = compile_schema(schema)
    then, other = (compile_schema(whole.get(name, True)) for name in ("then", "else"))
    return lambda value: then(value) if when(value) else other(value)


_KEYWORDS: Final[Mapping[str, Maker]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minLength": lambda least, _: _of(str, lambda value: len(value) >= least),
    "maxLength": lambda most, _: _of(str, lambda value: len(value) <= most),
    # "not below" rather than "above": what is no number at all (.nan) is neither
    "minimum": lambda least, _: _numbers(lambda value: not value < least),
    "maximum": lambda most, _: _numbers(lambda value: not value > most),
    "exclusiveMinimum": lambda least, _: _numbers(lambda value: not value <= least),
    "items": _items,
    "minItems": lambda least, _: _of(list, lambda value: len(value) >= least),
    "maxItems": lambda most, _: _of(list, lambda value: len(value) <= most),
    "uniqueItems": _unique,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "required": _required,
    "minProperties": lambda least, _: _of(dict, lambda value: len(value) >= least),
    "maxProperties": lambda most, _: _of(dict, lambda value: len(value) <= most),
    "anyOf": _any_of,
    "allOf": _every,
    "not": _not,
    "if": _if,
}
