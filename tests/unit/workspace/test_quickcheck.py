"""The quick check of a schema never says anything but what jsonschema says."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.workspace.quickcheck import Unsure, compile_schema
from runner.workspace.schemas import KINDS, _quick, _validator
from tests.unit.workspace.test_mutations import SOURCES, STRANGE, kind_of_file, mutated

LEAVES: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": ["integer", "null"]},
    {"type": "number"},
    {"type": "boolean"},
    {"const": True},
    {"const": 1},
    {"enum": [0, "x", None, False]},
    {"pattern": "^a+$"},
    {"minLength": 2},
    {"maxLength": 2},
    {"minimum": 1},
    {"maximum": 1},
    {"exclusiveMinimum": 1},
    {"minItems": 1, "maxItems": 2},
    {"uniqueItems": True},
    {"minProperties": 1, "maxProperties": 1},
    {"required": ["a"]},
    {"not": {}},
]
VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 2, -1, 0.5, math.nan, "", "a", "aa\n", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
SCHEMAS = st.recursive(
    st.sampled_from(LEAVES) | st.booleans(),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("ab"), inner)},
            optional={"additionalProperties": inner, "propertyNames": inner},
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
    ),
    max_leaves=5,
)


@settings(max_examples=500)
@given(SCHEMAS, VALUES)
def test_both_say_the_same_of_any_value(schema: Any, value: Any) -> None:
    """Every keyword, alone and within others; or the quick check says that it is not sure."""
    try:
        found = compile_schema(schema)(value)
    except Unsure:
        return
    assert found == _validator("campaign").evolve(schema=schema).is_valid(value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_are_all_known(kind: str) -> None:
    """None of them needs jsonschema for a document without faults."""
    assert _quick(kind) is not None  # type: ignore[arg-type]


@settings(max_examples=300)
@given(mutated() | st.tuples(st.sampled_from(sorted(SOURCES)), STRANGE))
def test_both_say_the_same_of_a_changed_file(case: tuple[str, object]) -> None:
    """Files of the examples with values changed, added and taken away."""
    path, data = case
    kind: Any = kind_of_file(path)
    quick = _quick(kind)
    assert quick is not None
    try:
        found = quick(data)
    except Unsure:
        return
    assert found == _validator(kind).is_valid(data)


@pytest.mark.parametrize("schema", [{"format": "date"}, {"patternProperties": {}}, {"$ref": "#"}])
def test_what_is_not_known_is_left_to_jsonschema(schema: dict[str, Any]) -> None:
    """A keyword that nobody here knows is never taken for one that says nothing."""
    with pytest.raises(Unsure):
        compile_schema(schema)
