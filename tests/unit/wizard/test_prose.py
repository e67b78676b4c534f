"""Typed text becomes HTML that says the same."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.wizard.prose import FOOTER, html_of


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        ("Hello", "<p>Hello</p>"),
        ("One\ntwo", "<p>One<br>\ntwo</p>"),
        ("One\n\ntwo\n \n\nthree", "<p>One</p>\n<p>two</p>\n<p>three</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("Hi {{ a|default('x', true) }} & b", "<p>Hi {{ a|default('x', true) }} &amp; b</p>"),
        ("{% if a < b %}x{% endif %}", "<p>{% if a < b %}x{% endif %}</p>"),
        (
            "See https://f3.example/a?b=1&c=2.",
            '<p>See <a href="https://f3.example/a?b=1&amp;c=2">https://f3.example/a?b=1&amp;c=2</a>.</p>',
        ),
        (
            "(https://f3.example/a)",
            '<p>(<a href="https://f3.example/a">https://f3.example/a</a>)</p>',
        ),
        ('https://f3.example/"x', '<p><a href="https://f3.example/">https://f3.example/</a>"x</p>'),
        ("http://", "<p>http://</p>"),
    ],
)
def test_examples(typed: str, made: str) -> None:
    assert html_of(typed) == f"{made}\n{FOOTER}\n"


def test_html_stays_as_it_is() -> None:
    assert html_of("  <h1>Hi</h1>\n") == "<h1>Hi</h1>\n"


@given(
    st.text(st.sampled_from("ab<>&\"' \n.:/hts"), min_size=1).filter(
        lambda t: t.strip()[:1] not in ("<", "")
    )
)
def test_nothing_is_lost_and_nothing_is_markup(typed: str) -> None:
    made = html_of(typed).removesuffix(f"{FOOTER}\n")
    bare = html.unescape(re.sub(r"</?(?:p|a|br)(?: href=\"[^\"<>]*\")?>", "", made))
    assert bare.split() == typed.split()
    assert "<" not in re.sub(r"</?(?:p|a|br)(?: href=\"[^\"<>]*\")?>", "", made)
