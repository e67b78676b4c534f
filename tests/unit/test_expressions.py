"""The language of conditions: what it can say, what it refuses, and how it says so."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.expressions import EVENT_FUNCTIONS, ExpressionError, compile_expression

SENT = frozenset({"sent"})


def holds(source: str, contact: dict[str, object] | None = None, **scope: object) -> bool:
    expression = compile_expression(source, SENT)
    return expression({"contact": contact or {}, "variables": {}, **scope})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("contact.region == 'TX'", True),
        ("contact['region'] != 'TX'", False),
        ("contact.region in ['TX', 'LA']", True),
        ("contact.city", False),
        ("not contact.city", True),
        ("contact.age|int > 30 and contact.age|int < 50", True),
        ("contact.region|lower == 'tx'", True),
        ("contact.shoe is defined", False),
        ("contact.shoe|default('none') == 'none'", True),
        ("'x' if contact.city else ''", False),
        ("contact.items == 'three'", True),
        ("contact.region ~ contact.age == 'TX42'", True),
    ],
)
def test_says_what_holds(source: str, expected: bool) -> None:
    contact = {"region": "TX", "city": "", "age": "42", "items": "three"}
    assert holds(source, contact) is expected


@pytest.mark.parametrize(("step", "expected"), [("invite", True), ("reminder", False)])
def test_asks_the_functions_it_was_given(step: str, expected: bool) -> None:
    assert holds(f"sent('{step}')", sent=lambda name: name == "invite") is expected


def test_tells_what_it_uses() -> None:
    expression = compile_expression(
        "contact.a == contact['b'] and variables.c and sent('x') and not sent('y')", SENT
    )
    assert expression.names == {"contact", "variables"}
    assert expression.fields == {"a", "b"}
    assert expression.variables == {"c"}
    assert expression.calls == (("sent", ("x",)), ("sent", ("y",)))


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("", "empty"),
        ("contact.a ==", "not a valid expression"),
        ("contact.a = 1", "more after the end"),
        ("{{ contact.a }}", "not a valid expression"),
        ("contact.a }} {{ contact.b", "not a valid expression"),
        ("region == 'TX'", "write contact.region or variables.region"),
        ("contact", "contact.NAME"),
        ("contact|length > 3", "contact.NAME"),
        ("contact[variables.name]", "contact.NAME"),
        ("sent", "sent is a function"),
        ("sent(contact.a)", "in quotes"),
        ("sent(step='invite')", "in quotes"),
        ("sent('a', 'b')", "one name"),
        ("sent(*['a'])", "in quotes"),
        ("snet('a')", "did you mean sent()"),
        ("open('/etc/passwd')", "there is no function open()"),
        ("contact.a.upper() == 'X'", "use a filter"),
        ("contact.a|uper", "did you mean 'upper'"),
        ("contact.a is definde", "did you mean 'defined'"),
        ("contact.__class__", "cannot be read"),
        ("range(10)", "there is no function range()"),
        ("contact.a|safe", "no filter 'safe'"),
        ("x" * 2001, "longer than 2000"),
        ("(" * 300 + "1" + ")" * 300, "nested"),
        ("not " * 100 + "contact.a", "nested"),
    ],
)
def test_refuses_with_a_reason(source: str, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, SENT)
    assert part in caught.value.message


@pytest.mark.parametrize("name", sorted(EVENT_FUNCTIONS))
def test_event_functions_are_promised_not_given(name: str) -> None:
    for source in (f"{name}('invite')", name):
        with pytest.raises(ExpressionError, match="not yet available"):
            compile_expression(source, SENT)


@pytest.mark.parametrize(
    "source",
    ["contact.missing == 'x'", "contact.a + 1", "contact.a < 3", "1 // 0", "'x' * 10 ** 9"],
)
def test_fails_rather_than_guess(source: str) -> None:
    with pytest.raises(ExpressionError):
        holds(source, {"a": "text"})


def test_never_quotes_a_value_of_a_contact() -> None:
    with pytest.raises(ExpressionError) as caught:
        holds("-contact.email == 1", {"email": "ada@example.org"})
    assert "ada" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_one_clear_error(source: str) -> None:
    with suppress(ExpressionError):
        compile_expression(source, SENT)


@given(st.text(), st.text())
def test_compares_whatever_contacts_hold(left: str, right: str) -> None:
    contact = {"left": left, "right": right}
    assert holds("contact.left == contact.right", contact) is (left == right)
