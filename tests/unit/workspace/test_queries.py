"""What is told of an SQL query without a database: whether it is one, and only one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.workspace.queries import faults, place_of


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        "  -- first a word\nSELECT 1;",
        "select 1 ; -- and no more",
        "(select 1)",
        "table members",
        "/* a /* b */ c */ with x as (select 1) select * from x",
        "select ';', \"a;b\", 'it''s; so', e'it\\'s; so'",
        "select $$ ; $$, $a$ ; $$ ; $a$, $1",
        "select a #> '{b}' from t",
        "select 'a\\'",
    ],
)
def test_one_query_has_no_fault(query: str) -> None:
    assert faults(query) == []


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("", "there is no query here", (1, 1)),
        ("-- nothing", "there is no query here", (1, 1)),
        ("\n  insert into t values (1)", "and this one with 'insert'", (2, 3)),
        ("explain select 1", "and this one with 'explain'", (1, 1)),
        ("select 1; select 2", "more than one statement", (1, 11)),
        ("select 1;;\n;delete from t", "more than one statement", (1, 10)),
        ("select a -- ;\n; delete from t", "more than one statement", (2, 3)),
        ("select '\\'; delete from t where a = '1'", "more than one statement", (1, 13)),
        ("select a # 1; delete from t", "more than one statement", (1, 15)),
        ("select /* b", "a comment that is never closed", (1, 8)),
        ("select 'b", "a quote that is never closed", (1, 8)),
        ("select $x$ b $y$", "a quote that is never closed", (1, 8)),
    ],
)
def test_a_fault_is_told_with_its_place(query: str, message: str, place: tuple[int, int]) -> None:
    found = faults(query)
    assert [message in fault.message for fault in found] == [True]
    assert place_of(query, found[0].at) == place


@given(st.text(alphabet="select;'\"$/*- \n\\eE(ü`#1", max_size=80))
def test_any_text_is_read_to_its_end(query: str) -> None:
    """No text is refused by accident: whatever is told stands inside it, or it is empty."""
    for fault in faults(query):
        assert 0 <= fault.at <= len(query)
