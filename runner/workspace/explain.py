"""jsonschema's errors, told so that a marketer can mend them.

Every handler takes one error and gives findings; unions are followed into the branch that was
meant.  Never quotes an address or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .case import Case, Finding
from .document import Document
from .wording import NOUNS, did_you_mean, example, kind_of, quoted, suggestion

FORBIDDEN: dict[str, Any] = {"not": {}}
"""What a property schema of ``false`` becomes: the key may not be written here."""

MANY = 12
"""More values than this are not all named."""

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping (name: value)",
    "array": "a list",
    "null": "nothing",
}
_BEGINNINGS = {
    "campaign": "begin with list:, template: and schedule:",
    "list": "begin with source:",
}
_SCHEDULES = ("immediate", "scheduled", "drip", "recurring", "optimized")
_ELSEWHERE = {"at", "start_at", "until", "cron", "enrol", "optimize_for", "not_before", "within"}
_IN_STEPS = ("template", "content", "subject", "preheader")


def explain(error: Any, document: Document, kind: str) -> Iterator[Finding]:
    """The findings that one error of jsonschema amounts to."""
    case = Case(error, document, kind)
    if error.schema == FORBIDDEN:
        yield _forbidden(case)
    elif _about_a_name(error):
        yield _bad_name(case)
    else:
        handler = _HANDLERS.get(error.validator, _anything)
        yield from handler(case)


def _about_a_name(error: Any) -> bool:
    return "propertyNames" in tuple(error.relative_schema_path)[-3:]


def _bad_name(case: Case) -> Finding:
    name = case.value
    if case.error.validator == "not":
        return case.at_key(name, f"`{name}` is a reserved name", "choose another name")
    marks = ", dots, dashes and _" if "." in str(case.limit) else " and _"
    hint = f"only letters, digits{marks}; a letter first"
    return case.at_key(name, f"{quoted(name) or 'this'} cannot be a name here", hint)


def _type(case: Case) -> Iterator[Finding]:
    value, wanted = case.value, case.limit
    if value is None:
        subject = "this file is empty" if not case.keys else f"{case.name} has no value"
        yield case.here(subject, case.example() or _BEGINNINGS.get(case.kind, ""))
    elif case.shape == "secret":
        yield from _pattern(case)
    elif case.shape == "percent" and _is_number(value):
        percent = f"{value * 100:g}% or {value:g}%" if 0 < value <= 1 else f"{value:g}%"
        yield case.here(f"{case.name}: {value:g} could mean two things", f"write {percent}")
    elif case.shape == "duration" and _is_number(value):
        hint = f"write the unit: {value:g}h, {value:g}d"
        yield case.here(f"{case.name} is {value:g}, but of what?", hint)
    else:
        hint = case.example()
        if wanted == "string" and not isinstance(value, (dict, list)) and case.shape not in NOUNS:
            hint = f'for text, write it in quotes: "{quoted(value)}"'
        yield case.here(
            f"{case.name} must be {_TYPES.get(wanted, wanted)}, not {kind_of(value)}", hint
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _enum(case: Case) -> Iterator[Finding]:
    allowed = [str(item) for item in case.limit]
    near = did_you_mean(str(case.value), allowed)
    hint = f"did you mean {near}? " if near else ""
    hint += f"allowed: {', '.join(allowed)}"
    if len(allowed) > MANY:
        # a few dozen codes would drown the one that was meant
        hint = suggestion(str(case.value), allowed, "allowed are")
    found = "empty" if case.value is None else kind_of(case.value).removeprefix("the text ")
    yield case.here(f"{case.name} cannot be {found}", hint)


def _const(case: Case) -> Iterator[Finding]:
    message = f"{case.name} must be {case.limit}, not {kind_of(case.value)}"
    hint = "newer versions need a newer sendoff" if case.keys[-1:] == ("version",) else ""
    yield case.here(message, hint)


def _pattern(case: Case) -> Iterator[Finding]:
    if case.shape == "secret":
        hint = f"{case.example() or 'write env:NAME'}; a secret never stands in a file"
        yield case.here(f"{case.name} must name an environment variable, as env:NAME", hint)
        return
    shown = quoted(case.value) if case.shape != "email" else ""
    noun = NOUNS.get(case.shape, "")
    what = f"{case.name} is not {noun}" if noun else f"{case.name} cannot be written like this"
    yield case.here(f"{what}: {shown}" if shown else what, _format_hint(case))


def _format_hint(case: Case) -> str:
    value = str(case.value).strip()
    if case.shape in ("moment", "wall_moment"):
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return f"add the time of day: {value} 09:00"
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", value):
            return f"add the date: 2025-10-20 {value.zfill(5)}"
    if case.shape in ("wall_moment", "last_moment") and re.search(r"(Z|[+-]\d\d:?\d\d)$", value):
        return "leave the offset out: the time is wall-clock time in `timezone`"
    if case.shape == "percent" and re.fullmatch(r"[0-9.]+", value):
        return f"write {value}%"
    return case.example()


def _shortest(case: Case) -> Iterator[Finding]:
    if case.shape == "duration" and case.value:
        yield from _pattern(case)
    else:
        yield case.here(f"{case.name} is empty", case.example())


def _longest(case: Case) -> Iterator[Finding]:
    size = len(case.value)
    yield case.here(f"{case.name} is too long: {size}, at most {case.limit} are allowed")


def _least(case: Case) -> Iterator[Finding]:
    more = "more than" if case.error.validator == "exclusiveMinimum" else "at least"
    yield case.here(f"{case.name} must be {more} {case.limit}, not {quoted(case.value)}")


def _most(case: Case) -> Iterator[Finding]:
    yield case.here(f"{case.name} must be at most {case.limit}, not {quoted(case.value)}")


def _few(case: Case) -> Iterator[Finding]:
    least = "is empty" if not case.value else f"needs at least {case.limit} entries"
    yield case.here(f"{case.name} {least}", case.example())


def _twice(case: Case) -> Iterator[Finding]:
    yield case.here(f"{case.name} names something twice")


def _required(case: Case) -> Iterator[Finding]:
    for name in case.limit:
        if name in case.value:
            continue
        meant = _meant(case, name)
        if not meant:
            message, hint = _lack(case, name)
            yield Finding(case.owner(), message, hint)
        elif case.schema.get("additionalProperties") is not False:
            # where keys are not told apart yet, nobody else reports this one
            yield case.at_key(meant, f"unknown key `{meant}`", f"did you mean {name}?")


def _meant(case: Case, name: str) -> str:
    """A key that is there and was meant to be ``name``."""
    names = [name, "template"] if name == "content" else [name]
    for key in case.value:
        known = key in names or key in case.schema.get("properties", ())
        if not known and did_you_mean(key, names):
            return str(key)
    return ""


def _lack(case: Case, name: str) -> tuple[str, str]:
    if case.kind == "campaign":
        if name == "content":
            return "nothing to send: neither `template` nor `content`", "add template: NAME"
        if name == "sequence":
            return "a drip needs a `sequence`", "add sequence: with one entry a mail"
        if name == "duration":
            return "`end` is missing", "add end, or duration: 2h"
    schema = case.schema.get("properties", {}).get(name)
    shown = schema.get("examples", ()) if isinstance(schema, dict) else ()
    hint = f"write {name}: {example(shown[0])}" if shown else f"add {name}:"
    if isinstance(schema, dict) and "enum" in schema:
        hint = f"write {name}: and one of {', '.join(map(str, schema['enum']))}"
    inside = f" in {case.name}" if case.keys else ""
    return f"`{name}` is missing{inside}", hint


def _unknown(case: Case) -> Iterator[Finding]:
    known = set(case.schema.get("properties", ()))
    for name in case.value:
        if name in known:
            continue
        if case.shape in _SCHEDULES and name in _ELSEWHERE:
            message = f"`{name}` does not belong to a schedule with send: {case.shape}"
        else:
            shown = f" `{name}`" if quoted(name) else ""
            message = f"unknown key{shown}"
        yield case.at_key(name, message, suggestion(name, known, "known are"))


def _union(case: Case) -> Iterator[Finding]:
    branches: dict[int, list[Any]] = {}
    for error in case.error.context:
        branches.setdefault(error.relative_schema_path[0], []).append(error)
    for errors in branches.values():
        if not any(e.validator == "type" and not e.relative_path for e in errors):
            for error in errors:
                yield from explain(error, case.document, case.kind)
            return
    types = [_TYPES.get(str(branch.get("type")), "") for branch in case.limit]
    message = f"{case.name} must be {' or '.join(filter(None, types))}, not {kind_of(case.value)}"
    yield case.here(message, case.example())


def _forbidden(case: Case) -> Finding:
    name = str(case.keys[-1])
    place = case.document.key_place(case.keys[:-1], name)
    siblings = case.document.node(case.keys[:-1]).data
    message, hint = _why_forbidden(name, siblings, at_top=len(case.keys) == 1)
    return Finding(place, message, hint, case.keys)


def _why_forbidden(name: str, siblings: dict[str, Any], at_top: bool) -> tuple[str, str]:
    if name == "sequence":
        return "`sequence` belongs to a drip", "write send: drip, or leave the sequence out"
    if name == "duration":
        return "both `end` and `duration`", "keep one of them"
    if at_top and siblings["schedule"]["send"] == "drip" and name in _IN_STEPS:
        return f"`{name}` stands beside a drip's sequence", "write it in the steps of the sequence"
    if name == "content":
        return "both `template` and `content`", "keep one of them"
    return f"`{name}` stands beside `content`", "write it inside content"


def _anything(case: Case) -> Iterator[Finding]:
    yield case.here(f"{case.name} is not as it should be", case.example())


_HANDLERS: dict[str, Callable[[Case], Iterator[Finding]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minLength": _shortest,
    "maxLength": _longest,
    "maxItems": _longest,
    "minimum": _least,
    "exclusiveMinimum": _least,
    "maximum": _most,
    "minItems": _few,
    "minProperties": _few,
    "uniqueItems": _twice,
    "required": _required,
    "additionalProperties": _unknown,
    "anyOf": _union,
}
