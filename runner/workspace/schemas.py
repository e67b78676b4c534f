"""The JSON Schemas, loaded and compiled once, and a document checked against one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Literal

from .document import Document
from .explain import FORBIDDEN, Finding, explain
from .problems import Problems

Kind = Literal["campaign", "list", "template", "settings"]
KINDS: tuple[Kind, ...] = ("campaign", "list", "template", "settings")


def check(document: Document, kind: Kind, problems: Problems) -> bool:
    """Check a document, noting problems and marking the nodes they concern as bad.

    True when nothing was wrong.
    """
    validator = _validator(kind)
    if validator.is_valid(document.root.data):
        return True
    for error in validator.iter_errors(document.root.data):
        for finding in explain(error, document, kind):
            problems.add(finding.place, finding.message, finding.hint, finding.code)
            _mark(document, finding)
    return False


def schema_text(kind: Kind) -> str:
    """The schema as it is shipped."""
    name = f"{kind}.schema.json"
    shipped = resources("runner") / "schemas" / name
    if shipped.is_file():
        return shipped.read_text("utf-8")
    checkout = Path(__file__).resolve().parents[2] / "schemas" / name
    return checkout.read_text("utf-8")


def _mark(document: Document, finding: Finding) -> None:
    if finding.bad is not None:
        document.node(finding.bad).bad = True


@cache
def _validator(kind: Kind) -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 60 ms, only when there is YAML

    schema = json.loads(schema_text(kind))
    return Draft202012Validator(_inline(schema, schema["$defs"]))


def _inline(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema without references: they cost a third of the time of every check.

    ``x-name`` keeps the name of the definition for the explanation of errors.
    """
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if schema is False:
        # jsonschema forgets the path of a property whose schema is false
        return dict(FORBIDDEN)
    if not isinstance(schema, dict):
        return schema
    own: dict[str, Any] = {
        key: value
        if key == "additionalProperties" and value is False
        else _inline(value, definitions)
        for key, value in schema.items()
        if key not in ("$defs", "$ref", "$id", "$schema")
    }
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
