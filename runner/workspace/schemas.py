"""The JSON Schemas, loaded and compiled once, and a document checked against one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Literal

from .case import Finding
from .document import Document
from .explain import FORBIDDEN, explain
from .problems import Problems
from .quickcheck import Check, Unsure, compile_schema

Kind = Literal["campaign", "list", "template", "settings"]
_OUTER = ("$defs", "$ref", "$id", "$schema")
KINDS: tuple[Kind, ...] = ("campaign", "list", "template", "settings")


def check(document: Document, kind: Kind, problems: Problems) -> bool:
    """Check a document, noting problems and marking the nodes they concern as bad.

    True when nothing was wrong.  A document that is no YAML is left alone: that was told.
    """
    if document.root.bad:
        return False
    if _keeps_to(kind, document.root.data):
        return True
    errors = list(_validator(kind).iter_errors(document.root.data))
    for error in errors:
        for finding in explain(error, document, kind):
            _note(finding, document, problems)
    return not errors


def _keeps_to(kind: Kind, data: object) -> bool:
    """Whether nothing is wrong.  What quick checks do not dare to judge, jsonschema does."""
    quick = _quick(kind)
    try:
        return quick is not None and quick(data)
    except Unsure:
        return False


@cache
def _quick(kind: Kind) -> Check | None:
    try:
        return compile_schema(_whole(kind))
    except Unsure:
        return None


def _note(finding: Finding, document: Document, problems: Problems) -> None:
    """Note a finding, unless something was already said about the very value."""
    if finding.bad is not None:
        node = document.node(finding.bad)
        if node.bad:
            return
        node.bad = True
    problems.add(finding.place, finding.message, finding.hint, finding.code)


def schema_text(kind: Kind) -> str:
    """The schema as it is shipped."""
    name = f"{kind}.schema.json"
    shipped = resources("runner") / "schemas" / name
    if shipped.is_file():
        return shipped.read_text("utf-8")
    checkout = Path(__file__).resolve().parents[2] / "schemas" / name
    return checkout.read_text("utf-8")


@cache
def _validator(kind: Kind) -> Any:
    # 60 ms, only when something is wrong
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415

    # 100.0 is an integer to JSON Schema, but a float to everything after us
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
    extend: Any = validators.extend
    return extend(Draft202012Validator, type_checker=types)(_whole(kind))


@cache
def _whole(kind: Kind) -> Any:
    """The schema without references."""
    schema = json.loads(schema_text(kind))
    return _inline(schema, schema["$defs"])


def _is_whole(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _inline(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema without references: they cost a third of the time of every check.

    ``x-name`` keeps the name of the definition for the explanation of errors.
    """
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inline(value, definitions) for key, value in schema.items() if key not in _OUTER}
    for name, value in schema.get("properties", {}).items():
        if value is False:
            # jsonschema forgets the path of a property whose schema is false
            own["properties"][name] = FORBIDDEN
    pattern = own.get("pattern")
    if isinstance(pattern, str):
        own["pattern"] = python_pattern(pattern)
    if "$ref" not in schema:
        return own
    name = schema["$ref"].rpartition("/")[2]
    return {"x-name": name, **_inline(definitions[name], definitions), **own}


def python_pattern(pattern: str) -> str:
    """A JSON Schema pattern for Python, whose ``$`` would let a line break through at the end."""
    return re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", _anchored, pattern)


def _anchored(found: re.Match[str]) -> str:
    return r"\Z" if found.group() == "$" else found.group()
