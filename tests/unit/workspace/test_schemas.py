"""The schemas: sound, complete, explained, and shipped."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from runner.model import campaign, settings
from runner.workspace.document import parse
from runner.workspace.lists import SPECIAL
from runner.workspace.problems import Problems
from runner.workspace.schemas import KINDS, check, python_pattern, schema_text

SCHEMAS = {kind: json.loads(schema_text(kind)) for kind in KINDS}
PLAIN = {"if", "then", "else", "not", "anyOf", "allOf"}


def walk(schema: object, at: str = "#") -> Iterator[tuple[str, dict]]:
    """Every schema within a schema, with its place."""
    if not isinstance(schema, dict):
        return
    yield at, schema
    for key in ("properties", "$defs"):
        for name, value in schema.get(key, {}).items():
            yield from walk(value, f"{at}/{key}/{name}")
    for key in ("items", "additionalProperties", "if", "then", "else", "propertyNames"):
        yield from walk(schema.get(key), f"{at}/{key}")
    for key in ("anyOf", "allOf"):
        for number, value in enumerate(schema.get(key, [])):
            yield from walk(value, f"{at}/{key}/{number}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["$id"] == f"https://sendoff.example/schemas/{kind}.schema.json"


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    lacking = [
        f"{at}: {name}"
        for at, schema in walk(SCHEMAS[kind])
        if not PLAIN & set(at.split("/"))
        for name, value in schema.get("properties", {}).items()
        if isinstance(value, dict) and len(value.get("description", "")) < 3
    ]
    assert lacking == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_mapping_takes_unknown_keys(kind: str) -> None:
    for at, schema in walk(SCHEMAS[kind]):
        whole = "properties" in schema and not PLAIN & set(at.split("/"))
        if whole and not at.endswith(("properties/source", "properties/schedule")):
            assert "additionalProperties" in schema, at


@pytest.mark.parametrize("kind", KINDS)
def test_examples_and_defaults_are_valid(kind: str) -> None:
    root = SCHEMAS[kind]
    shown = 0
    for at, schema in walk(root):
        own = {**schema, "$defs": root["$defs"]}
        for value in [
            *schema.get("examples", []),
            *([schema["default"]] if "default" in schema else []),
        ]:
            errors = [error.message for error in Draft202012Validator(own).iter_errors(value)]
            assert errors == [], at
            shown += 1
    assert shown >= 5


def test_what_two_schemas_define_is_the_same() -> None:
    seen: dict[str, object] = {}
    for schema in SCHEMAS.values():
        for name, definition in schema["$defs"].items():
            assert seen.setdefault(name, definition) == definition
    assert {"duration", "percent", "mailbox", "pacing"} <= set(seen)


def test_defaults_are_those_of_the_model() -> None:
    properties = SCHEMAS["settings"]["properties"]
    state = properties["state"]["properties"]
    smtp = properties["providers"]["properties"]["smtp"]["properties"]
    sendgrid = properties["providers"]["properties"]["sendgrid"]["properties"]
    assert state["branch"]["default"] == settings.StateSettings().branch
    assert state["key"]["default"] == f"env:{settings.StateSettings().key.env}"
    assert smtp["port"]["default"] == settings.SmtpSettings().port
    assert smtp["connections"]["default"] == settings.SmtpSettings().connections
    assert sendgrid["concurrency"]["default"] == settings.SendgridSettings().concurrency
    pacing = SCHEMAS["campaign"]["$defs"]["pacing"]["properties"]
    assert pacing["batch_size"]["default"] == settings.Pacing().batch_size
    assert settings.Lateness().on_missed == "hold"
    assert campaign.Campaign.__dataclass_fields__["revision"].default == 1


def test_columns_with_a_meaning_are_in_the_schema() -> None:
    assert tuple(SCHEMAS["list"]["properties"]["columns"]["properties"]) == SPECIAL


def test_schemas_are_in_the_checkout_for_editors() -> None:
    directory = Path(__file__).resolve().parents[3] / "schemas"
    assert sorted(path.name for path in directory.iterdir()) == [
        f"{kind}.schema.json" for kind in sorted(KINDS)
    ]


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (
            "duration",
            ["90s", "15m", "4h", "3d", "2w", "1d12h", "1w2d3h4m5s", "0s"],
            ["", "s", "3", "3 d", "h3", "12h1d", "-3d", "1.5h", "3D", "٣d", "3d\n"],
        ),
        (
            "percent",
            ["10%", "0%", "2.5%", "150%"],
            ["10", "0.1", "%", "10 %", "-1%", "1,5%", ".5%"],
        ),
        (
            "moment",
            [
                "2025-10-20 09:00",
                "2025-10-20T09:00:30",
                "2025-10-20 09:00Z",
                "2025-10-20 09:00 +05:45",
                "2025-10-20T09:00-0500",
            ],
            [
                "2025-10-20",
                "09:00",
                "2025-10-20 9:00",
                "2025-13-01 09:00",
                "2025-10-20 24:00",
                "2025-10-20 09:00 CET",
                "2025-10-20  09:00",
                "20 Oct 2025 09:00",
            ],
        ),
        ("secret", ["env:A", "env:_X9"], ["env:", "env:9A", "A", "SG.x", "env:A-B", "env:A\n"]),
        (
            "email",
            ["a@example.org", "a.b+c@xn--bcher-kva.example", "ä@bücher.example"],
            [
                "a",
                "a@b",
                "@example.org",
                "a@",
                "a b@example.org",
                "A <a@example.org>",
                "a@example.org, b@example.org",
                "a@example.org\n",
                "a@@example.org",
            ],
        ),
    ],
)
def test_formats(shape: str, good: list[str], bad: list[str]) -> None:
    schema = next(s["$defs"][shape] for s in SCHEMAS.values() if shape in s["$defs"])
    validator = Draft202012Validator({**schema, "pattern": python_pattern(schema["pattern"])})
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_mapping_is_one_problem(kind: str) -> None:
    for text in ("", "word", "[a]", "3"):
        problems = Problems()
        assert not check(parse(text, "f.yaml"), kind, problems)
        assert problems.errors == 1


@pytest.mark.parametrize(
    ("pattern", "python"),
    [("^a$", r"^a\Z"), (r"a\$", r"a\$"), ("[a$]$", r"[a$]\Z"), (r"[\]$]|b$", r"[\]$]|b\Z")],
)
def test_the_end_of_a_pattern_is_the_end_of_the_text(pattern: str, python: str) -> None:
    assert python_pattern(pattern) == python
