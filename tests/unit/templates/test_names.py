"""Which names must come from outside, found without rendering."""

from __future__ import annotations

import pytest

from runner.sandbox import Sandbox
from runner.templates.names import Reader
from runner.templates.prepared import reachable

SOURCES = {
    "lib": "{% macro m(a, b=outer) %}{{ a }}{{ b }}{{ inner }}{% endmacro %}",
    "part": "{{ x }}{{ shared }}",
    "base": "{{ top }}{% block b %}{{ unused_default }}{% endblock %}",
}


def needed(source: str) -> set[str]:
    sandbox = Sandbox(SOURCES)
    trees = reachable(sandbox, source, "main")
    reader = Reader(trees, {"contact"})
    reader.read("main")
    return {
        f"{use.owner}.{use.name}" if use.owner else use.name
        for use in reader.uses
        if not use.optional
    }


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{{ a }}{{ contact.b }}{{ contact['c'] }}", {"a", "contact.b", "contact.c"}),
        ("{{ a.b.c }}{{ a[i] }}", {"a", "i"}),
        ("{% set a = b %}{{ a }}", {"b"}),
        ("{{ a }}{% set a = 1 %}", {"a"}),
        ("{% set a %}{{ b }}{% endset %}{{ a }}", {"b"}),
        ("{% for a in b if a != c %}{{ a }}{% else %}{{ d }}{% endfor %}", {*"bcd"}),
        ("{% for a in b %}{{ loop.index }}{% endfor %}", {"b"}),
        ("{% for a, b in c %}{{ a }}{{ b }}{% endfor %}", {"c"}),
        ("{% with a = b, c = 1 %}{{ a }}{{ c }}{% endwith %}{{ c }}", {"b", "c"}),
        ("{% macro m(a, b=c) %}{{ a }}{{ b }}{{ d }}{% endmacro %}{{ m(e) }}", {*"cde"}),
        ("{% macro m() %}{{ caller(1) }}{% endmacro %}", set()),
        ("{% macro m() %}{% endmacro %}{% call(a) m() %}{{ a }}{{ b }}{% endcall %}", {"b"}),
        ("{% filter upper %}{{ a }}{% endfilter %}", {"a"}),
        ("{{ a|default(b) }}{{ contact.a|d('x') }}", {"b"}),
        ("{% if a is defined %}{{ a }}{% endif %}", set()),
        ("{% if a is not defined %}x{% else %}{{ a }}{% endif %}", set()),
        ("{% if contact.a is defined and contact.a %}{{ contact.a }}{% endif %}", {"contact.a"}),
        ("{{ a if b else c }}", {*"abc"}),
        ("{{ a if a is defined else 'x' }}", set()),
        ("{% if a %}{% set b = 1 %}{% elif c %}{% set b = 2 %}{% endif %}{{ b }}", {"a", "c"}),
        ("{% import 'lib' as l with context %}{{ l.m(1) }}", {"outer", "inner"}),
        ("{% import 'lib' as l %}{{ l.m(1) }}", {"import.outer", "import.inner"}),
        ("{% from 'lib' import m as n %}{{ n(z) }}", {"import.outer", "import.inner", "z"}),
        ("{% set x = 1 %}{% include 'part' %}", {"shared"}),
        ("{% extends 'base' %}{% set top = 1 %}{% block b %}{{ c }}{% endblock %}",
         {"c", "unused_default"}),
    ],
)  # fmt: skip
def test_finds_the_names_that_are_needed(source: str, names: set[str]) -> None:
    assert needed(source) == names
