"""The sandbox: no way out of it, no way to stall it, and plain mistakes named plainly."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.sandbox import MAX_OUTPUT, MAX_SOURCE, Function, Sandbox, SandboxError, budget, plain

DATA = {
    "name": "Ada",
    "number": 7,
    "items": ["a", "b"],
    "variables": {"items": "the key", "keys": "also", "nested": {"x": 1}},
    "day": date(2026, 3, 1),
    "nothing": None,
}


def render(source: str, sources: dict[str, str] | None = None, **scope: object) -> str:
    sandbox = Sandbox(sources, autoescape=True)
    return sandbox.render(sandbox.load(source, "main"), {**DATA, **scope})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ variables.items }}", "the key"),
        ("{{ variables['keys'] }}", "also"),
        ("{{ variables.nested.x + 1 }}", "2"),
        ("{{ items[0] }}{{ items|last }}", "ab"),
        ("{{ items|map('upper')|join('-') }}", "A-B"),
        ("{% for i in items %}{{ loop.index }}{{ i }}{% endfor %}", "1a2b"),
        ("{% for i in range(3) %}{{ loop.cycle('x', 'y') }}{% endfor %}", "xyx"),
        ("{{ day.year }}", "2026"),
        ("{{ nothing|default('none', true) }}", "none"),
        ("{{ missing|default('none') }}", "none"),
        ("{{ 'a' * 3 }}{{ 2 ** 8 }}{{ 7 % 4 }}", "aaa2563"),
        ("{{ name|replace('A', '<') }}", "&lt;da"),
        ("{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m('<') }}", "<b>&lt;</b>"),
        ("{% set x %}<i>{{ name }}</i>{% endset %}{{ x }}", "<i>Ada</i>"),
        ("{% import 'lib' as lib %}{{ lib.b('&') }}", "<u>&amp;</u>"),
        ("{% from 'lib' import b %}{{ b(1) }}", "<u>1</u>"),
        ("{% extends 'base' %}{% block x %}[{{ super() }}]{% endblock %}", "<[base]>"),
        ("{{ 'one two three'|wordwrap(7) }}", "one two\nthree"),
    ],
)
def test_ordinary_templates_work(source: str, expected: str) -> None:
    sources = {
        "lib": "{% macro b(x) %}<u>{{ x }}</u>{% endmacro %}",
        "base": "<{% block x %}base{% endblock %}>",
    }
    assert render(source, sources) == expected


ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ ''['__class__'] }}",
    "{{ name|attr('__class__') }}",
    "{{ (1).__class__ }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ dict(a=1) }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}",
    "{{ range.__class__ }}",
    "{{ range(1).__class__ }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{x.__class__}'.format_map({'x': 1}) }}",
    "{{ ('{0.__class__}'|e).format(1) }}",
    "{% set f = ''.format %}{{ f }}",
    "{{ '%s' % name }}",
    "{{ '%s'|format(name) }}",
    "{% set x = variables.update({'a': 1}) %}",
    "{{ items.append('c') }}",
    "{{ items|map('attr', '__class__')|list }}",
    "{{ items|map(attribute='__class__')|join }}",
    "{{ items|sort(attribute='__class__') }}",
    "{{ items|select('callable')|list }}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{% endmacro %}{{ m.name }}",
    "{% for i in items %}{{ loop._iterator }}{% endfor %}",
    "{% for i in items %}{{ loop.__init__ }}{% endfor %}",
    "{% import 'lib' as lib %}{{ lib._body_stream }}",
    "{% import 'lib' as lib %}{{ lib.__name__ }}",
    "{{ lib }}{% import 'lib' as lib %}{{ lib }}",
    "{% from 'lib' import __class__ %}",
    "{{ missing.__class__ }}",
    "{{ function.__globals__ }}",
    "{{ function }}",
    "{{ name|_hole(0) }}",
    "{{ name|_spend }}",
    "{{ name|safe }}",
    "{{ name|tojson }}",
    "{{ name|xmlattr }}",
    "{{ name|pprint }}",
    "{% autoescape false %}{{ name }}{% endautoescape %}",
    "{% include name %}",
    "{% include ['lib'] %}",
    "{% extends layout %}",
    "{% include '../../etc/passwd' %}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_there_is_no_way_out(source: str) -> None:
    with pytest.raises(SandboxError):
        render(source, {"lib": "lib"}, function=Function(len), layout="lib")


BOMBS = [
    "{{ 'x' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'x' }}",
    "{{ ('x' * 1000) * 1000 }}",
    "{{ 2 ** 99999999999 }}",
    "{{ (2 ** 4000) * (2 ** 4000) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|indent(1000000000) }}",
    "{{ ('x\n' * 900)|indent(1000) }}",
    "{{ ('x' * 90000)|replace('', 'y' * 90000) }}",
    "{{ ['x' * 90000, 'x' * 90000]|join }}",
    "{{ range(10000)|join('x' * 1000) }}",
    "{{ 'x'|wordwrap(10 ** 9) }}",
    "{{ range(10 ** 9)|list }}",
    "{{ [name] * 10 ** 9 }}",
    "{{ [name] + items }}",
    "{% set a = [name, name] %}{% set b = [a, a] %}{{ b }}",
    "{{ [1, 2]|map('default', items, true)|list }}",
    "{{ items|batch(10 ** 9, 'x')|list }}",
    "{{ items|batch(2, items)|list }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'self' %}",
    "{% for i in range(10000) %}{% include 'long' %}{% endfor %}",
    "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "{% for i in items recursive %}{{ loop(items) }}{% endfor %}",
    "{% set x %}{% for i in range(9999) %}" + "x" * 9999 + "{% endfor %}{% endset %}",
    "{% set a = 'x' * 90000 %}" + "{{ a }}" * 100,
    "".join(f"{{% set a{n + 1} %}}{{{{ a{n} }}}}{{{{ a{n} }}}}{{% endset %}}" for n in range(64)),
    "{% set a0 = 'x' %}" + "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(64)),
    "{% set a0 = 'x' %}" + "".join(f"{{% set a{n + 1} = a{n} + a{n} %}}" for n in range(64)),
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "x" * (MAX_SOURCE + 1),
]


@pytest.mark.parametrize("number", range(len(BOMBS)))
def test_nothing_explodes(number: int) -> None:
    sources = {"self": "{% include 'self' %}", "long": "x" * 10_000}
    with pytest.raises(SandboxError):
        render(BOMBS[number], sources)


def test_output_ends_at_its_limit() -> None:
    long = "x" * 50_000
    count = MAX_OUTPUT // len(long)
    source = "{% for i in range(" + str(count) + ") %}" + long + "{% endfor %}"
    assert len(render(source)) == count * len(long)
    with pytest.raises(SandboxError, match=r"characters|too much"):
        render(source + long)


def test_a_deadline_ends_a_rendering() -> None:
    sandbox = Sandbox()
    template = sandbox.load("{% for i in range(10) %}{{ i }}{% endfor %}")
    with budget(seconds=-1), pytest.raises(SandboxError, match="too long"):
        sandbox.render(template, {})


@pytest.mark.parametrize(
    ("source", "line", "part"),
    [
        ("a\nb {{ nme }}", 2, "'nme' is undefined"),
        ("a\n{{ name", 2, "unexpected"),
        ("\n\n{{ name|uper }}", 3, "did you mean 'upper'"),
        ("\n{{ name.upper() }}", 2, "use a filter"),
        ("\n{{ items }}", 2, "|join"),
        ("\n{{ nothing }}", 2, "null"),
        ("\n{{ number + name }}", 2, "do not go together"),
        ("\n{{ 1 // 0 }}", 2, "divides by zero"),
        ("\n{{ variables.nme }}", 2, "there is no 'nme'"),
        ("\n\n{% include 'lbi' %}", 3, "did you mean 'lib'"),
    ],
)
def test_mistakes_are_placed_and_explained(source: str, line: int, part: str) -> None:
    with pytest.raises(SandboxError) as caught:
        render(source, {"lib": ""})
    assert part in caught.value.message
    assert (caught.value.name, caught.value.line) == ("main", line)


def test_mistakes_in_an_included_template_are_placed_there() -> None:
    with pytest.raises(SandboxError) as caught:
        render("\n{% include 'part' %}", {"part": "\n\n\n{{ nme }}"})
    assert (caught.value.name, caught.value.line) == ("part", 4)


def test_errors_never_quote_values() -> None:
    for source in ("{{ name + 1 }}", "{{ -name }}", "{{ name|int + items }}", "{{ name.x }}"):
        with pytest.raises(SandboxError) as caught:
            render(source, name="ada@example.org")
        assert "ada@" not in str(caught.value)


@given(st.text())
@settings(max_examples=60)
def test_values_are_always_escaped(value: str) -> None:
    for source in ("{{ name }}", "{{ name|e }}", "{{ name|default('') }}", "{{ name ~ '' }}"):
        shown = render(source, name=value)
        assert not set(shown) & set("<>\"'")


@given(st.text(alphabet="{}%#ab|. '()[]_\n", max_size=40))
@settings(max_examples=80)
def test_any_text_renders_or_is_a_sandbox_error(source: str) -> None:
    with suppress(SandboxError):
        render(source)


def test_only_plain_data_is_plain() -> None:
    assert plain({"a": (1, "x", None)}) == {"a": [1, "x", None]}
    with pytest.raises(TypeError):
        plain({"a": object()})
    with pytest.raises(TypeError):
        plain([b"bytes"])


def test_a_template_cannot_change_the_data_of_the_next() -> None:
    data = {"items": ["a"]}
    sandbox = Sandbox()
    template = sandbox.load("{% set items = ['b'] %}{{ items|join }}")
    assert sandbox.render(template, data) == "b"
    assert data == {"items": ["a"]}
