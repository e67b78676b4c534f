"""A hostile template or condition, given to the program: it reaches its data and nothing else."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from runner.expressions import ExpressionError, compile_expression
from tests.acceptance.bench import Bench

from .attack import CONTENT, everything

FRONT = '---\nsubject: "Hello"\npreheader: "Soon"\n---\n'
LEAVE = ' <a href="{{ unsubscribe_url }}">Leave</a> {{ postal_address }}'
CANARY = "canary-5d1f"

# From the advisories GHSA-hj2j-77xm-mc5v (str.format), GHSA-462w-v97r-4m45 (format_map),
# GHSA-h75v-3vvj-5mfj and GHSA-h5c8-rqwp-cp95 (xmlattr), GHSA-q2x7-8rv6-6q7h (a stored format
# method), GHSA-gmj6-6f8f-6699 (names of templates), GHSA-cpwx-vrp4-4pq7 (attr), and what
# write-ups on server-side template injection collect.
ESCAPES = [
    "''.__class__.__mro__[1].__subclasses__()",
    "''['__cla' ~ 'ss__']",
    "''['\\x5f\\x5fclass\\x5f\\x5f']",
    "''|attr('__class__')",
    "''|attr('\\x5f\\x5fclass\\x5f\\x5f')",
    "()|attr('__class__')|attr('__base__')|attr('__subclasses__')()",
    "'{0.__class__.__init__.__globals__}'.format(contact)",
    "'{x.__class__}'.format_map(variables)",
    "['{0.__class__}'.format]|map('call', 1)|list",
    "(['{0.__class__}']|map(attribute='format')|first)(contact)",
    "['{0.__class__}']|map('attr', 'format')|list",
    "('{0.__class__}'|attr('format'))(contact)",
    "lipsum.__globals__.os.popen('id').read()",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__.__globals__.os",
    "namespace.__init__.__globals__.os",
    "dict.__base__.__subclasses__()",
    "range.__class__.mro()",
    "self.__init__.__globals__.__builtins__.__import__('os')",
    "self._TemplateReference__context.cycler.__init__.__globals__",
    "self.__dict__",
    "url_for.__globals__",
    "get_flashed_messages.__globals__",
    "config.items()",
    "request.application.__globals__",
    "contact.__class__.__init__.__globals__",
    "contact['__class__']",
    "contact.update({'email': 'x@example.org'})",
    "contact.pop('email')",
    "variables.__setitem__('a', 1)",
    "campaign.__dict__",
    "sender.__class__",
    "(x for x in ())",
    "open('/etc/passwd').read()",
    "__import__('os').environ",
    "exec('1')",
    "none.__class__",
    "true.__class__",
    "(1).__class__",
    "1.0.__class__",
    "contact.email.encode().__class__",
    "contact.email.translate.__globals__",
    "[1, 2].append(3)",
    "{}|xmlattr",
    "{'a b=1 onclick': 1}|xmlattr",
    "contact|tojson",
    "contact|pprint",
    "contact.email|safe",
    "contact.email|forceescape",
    "contact.email|_spend",
    "''|string|attr('__class__')",
    "environment",
    "context",
    "caller.__globals__",
    "loop.__class__",
]
STATEMENTS = [
    "{% import 'os' as os %}",
    "{% from 'os' import environ %}",
    "{% include '/etc/passwd' %}",
    "{% include '../../sendoff.yaml' %}",
    "{% include '../lists/people.csv' %}",
    "{% include 'hello.html/../../lists/people.csv' %}",
    "{% include './hello.html' %}",
    "{% include 'layouts\\\\..\\\\hello.html' %}",
    "{% include 'hello.html\\0.txt' %}",
    "{% include contact.email %}",
    "{% include ['/etc/passwd', 'hello.html'] %}",
    "{% extends '/proc/self/environ' %}",
    "{% set contact.email = 'x' %}",
    "{% set ns = namespace(a=1) %}",
    "{% do contact.clear() %}",
    "{% autoescape false %}{{ contact.email }}{% endautoescape %}",
    "{% debug %}",
    "{% trans %}{{ contact }}{% endtrans %}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% call(x) m() %}{% endcall %}",
    "{% block b %}{{ self.b.__func__ }}{% endblock %}",
    "{% with a = lipsum %}{{ a.__globals__ }}{% endwith %}",
    "{% filter attr('__class__') %}x{% endfilter %}",
    "{% if ''.__class__ %}x{% endif %}",
]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace()
    bench.campaign()
    assert bench.sendoff("init").code == 0
    return bench


@pytest.mark.parametrize("source", [*(f"{{{{ {one} }}}}" for one in ESCAPES), *STATEMENTS])
def test_a_template_that_reaches_out_is_refused(bench: Bench, source: str) -> None:
    bench.write("campaigns/templates/hello.html", FRONT + f"<p>{source}</p>{LEAVE}")
    checked = bench.sendoff("validate", SECRET=CANARY)
    assert checked.code == 1, checked.out
    assert "campaigns/templates/hello.html" in checked.out
    ran = bench.sendoff("run", SECRET=CANARY)
    assert ran.code != 0
    assert "this is a bug" not in ran.err
    assert bench.outbox() == []
    said = checked.out + checked.err + ran.out + ran.err
    assert CANARY not in said
    assert "root:" not in said
    assert CANARY.encode() not in everything(bench.root)


@pytest.mark.parametrize("part", ["subject", "preheader"])
@pytest.mark.parametrize("source", ESCAPES[:12])
def test_nor_does_a_subject_or_a_preheader(bench: Bench, part: str, source: str) -> None:
    shown = f"{{{{ {source} }}}}".replace("'", "''")
    bench.write("campaigns/hello.yaml", f"{CONTENT}template: hello\n{part}: '{shown}'\n")
    assert bench.sendoff("validate").code == 1
    assert bench.sendoff("run").code != 0
    assert bench.outbox() == []


@pytest.mark.parametrize("source", ESCAPES)
def test_a_condition_that_reaches_out_is_refused(source: str) -> None:
    scope = {"contact": {"email": "a@example.com"}, "variables": {}, "sent": lambda step: True}
    with pytest.raises(ExpressionError):
        compile_expression(f"({source}) == 'x'", frozenset({"sent"}))(scope)


@pytest.mark.parametrize(
    "url", ["https://e.example/{{ ''.__class__ }}", "https://e.example/{{ lipsum.__globals__ }}"]
)
def test_nor_does_the_link_to_leave_by(bench: Bench, url: str) -> None:
    settings = (bench.root / "sendoff.yaml").read_text()
    bench.write("sendoff.yaml", settings.replace("https://f3.example/u?t={{ token }}", url))
    assert bench.sendoff("validate").code == 1
    assert bench.sendoff("run").code != 0


def test_a_contact_is_no_template(bench: Bench) -> None:
    """What a list holds is data, however much it looks like Jinja2, MJML or HTML."""
    name = "{{ 7*7 }}<b>{% include '/etc/passwd' %}<!--"
    bench.write("campaigns/lists/people.csv", f'email,firstName\na@example.com,"{name}"\n')
    assert bench.sendoff("run").code == 0
    (mail,) = bench.outbox()
    assert "{{ 7*7 }}" in mail["Subject"]
    html = mail.get_body(("html",)).get_content()
    assert "{{ 7*7 }}&lt;b&gt;{% include '/etc/passwd' %}&lt;!--" in html


@pytest.mark.parametrize(
    "place",
    ['<p title="{{ x }}">', "<p title='{{ x }}'>", '<a href="https://e.example/?q={{ x }}">y</a>'],
)
def test_a_contact_cannot_leave_its_attribute(bench: Bench, place: str) -> None:
    bench.write(
        "campaigns/lists/people.csv",
        'email,x\na@example.com,"""\'><script>alert(1)</script>"\n',
    )
    bench.write("campaigns/templates/hello.html", FRONT + place + LEAVE)
    assert bench.sendoff("run").code == 0
    (mail,) = bench.outbox()
    tags: list[str] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]  # a listener
    reader.feed(mail.get_body(("html",)).get_content())
    assert "p" in tags or "a" in tags
    assert "script" not in tags


def test_an_attribute_without_quotes_is_refused(bench: Bench) -> None:
    bench.write("campaigns/templates/hello.html", FRONT + "<p title={{ email }}>x</p>" + LEAVE)
    assert "needs quotes" in bench.sendoff("validate").out


@pytest.mark.parametrize(
    "name",
    ["contact", "variables", "campaign", "token", "unsubscribe_url", "list", "__class__", "a-b"],
)
def test_a_column_cannot_take_a_reserved_name(bench: Bench, name: str) -> None:
    """A list that renames its columns does not change what the template's own names mean."""
    bench.write("campaigns/lists/people.csv", f"email,firstName,{name}\na@example.com,Ann,evil\n")
    assert bench.sendoff("run").code == 0
    (mail,) = bench.outbox()
    assert "evil" not in mail.as_string()
    assert "https://f3.example/u?t=" in mail["List-Unsubscribe"]


@pytest.mark.parametrize(
    "source",
    [
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css">',
        '<link rel="stylesheet" href="file:///etc/passwd">',
        '<link rel="stylesheet" href="/etc/passwd">',
        '<link rel="stylesheet" href="../../sendoff.yaml">',
        "<style>@import url('file:///etc/passwd');</style>",
    ],
)
def test_a_style_sheet_is_never_fetched(bench: Bench, source: str) -> None:
    """No file and no address is opened for CSS: what is linked stays a link."""
    bench.write(
        "campaigns/templates/hello.html",
        f"{FRONT}<html><head>{source}</head><body><p>x</p>{LEAVE}</body></html>",
    )
    bench.sendoff("validate")
    bench.sendoff("run")
    for mail in bench.outbox():
        assert "root:" not in mail.as_string()
        assert "postal_address" not in mail.as_string()


@pytest.mark.parametrize("path", ["/etc/passwd", "../lists/people.csv", "./layouts/x.mjml"])
def test_mjml_includes_nothing(bench: Bench, path: str) -> None:
    (bench.root / "campaigns/templates/hello.html").unlink()
    body = f'<mjml><mj-body><mj-include path="{path}" /></mj-body></mjml>'
    bench.write("campaigns/templates/hello.mjml", FRONT + body)
    checked = bench.sendoff("validate")
    assert checked.code == 1
    assert "unable to load included template" in checked.out
    assert "root:" not in checked.out
