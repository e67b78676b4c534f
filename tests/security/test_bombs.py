"""Memory and time: whatever a file holds, a command ends soon, with a clear answer.

The bombs of a kind are thrown at the program together, in a process with a limit on its memory
and its time.  Without the limits that they try, each ends in hours, in a crash of native code, or
in no memory at all; which one it was is found by taking out the others.
"""

from __future__ import annotations

import gzip
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.contacts.suppressions import _comment
from runner.report import markup
from runner.report.terminal import clean
from runner.templates import document, merge, plain, shapes
from tests.acceptance.bench import Bench

from .attack import CONTENT, apart

pytestmark = pytest.mark.no_cover  # tracing every line would make the bombs worse than they are
FRONT = '---\nsubject: "Hello"\npreheader: "Soon"\n---\n'
LEAVE = '<a href="{{ unsubscribe_url }}">Leave</a> {{ postal_address }}'
REPEAT = "{%% for i in range(%d) %%}%s{%% endfor %%}"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace()
    bench.campaign()
    return bench


def survives(
    bench: Bench, *args: str, codes: tuple[int, ...] = (0, 1), seconds: float = 120
) -> str:
    said = apart(bench, *args, seconds=seconds)
    assert said.code in codes, (said.code, said.out[-500:], said.err[-500:])
    assert "this is a bug" not in said.err
    return said.out + said.err


HTML_BOMBS = {
    "nested-tags": REPEAT % (9_999, "<div>"),
    "more-nested-tags": REPEAT % (9_000, "<div><span><table><td>"),
    "nested-lists": REPEAT % (9_000, "<ul><li>x"),
    "formatting": REPEAT % (3_000, '<b x="{{ i }}">') + REPEAT % (3_000, "<p>x"),
    "comments-before-the-doctype": "<!---->" * 60 + "<p>x</p>",
    "body-after-body": "<body " * 80_000,
    "rules-times-elements": (
        "<style>"
        + REPEAT % (9_000, "p+p+p+p {color: red; --x{{ i }}: 1}")
        + "</style>"
        + REPEAT % (9_000, "<p>x</p>")
    ),
    "many-selectors": "<style>" + "p," * 100_000 + "p{color:red}</style>" + "<p>x</p>" * 9_000,
    "open-comments": "<noscript>" + "<!--" * 80_000,
    "open-scripts": "<noscript>" + "<script>" * 19_000,
    "open-iframe": "<iframe>" + "<a " * 19_000,
    "open-styles": "<style " * 60_000,
    "open-tags": "<a " * 100_000,
    "attributes": "<p " + 'a="1" ' * 60_000 + ">",
    "open-quotes": '<a b="' * 60_000,
    "invisible": "\u034f" * 150_000 + "x",
    "angle-brackets": "<" * 400_000,
    "entities": "&amp" * 100_000,
}


def plant(bench: Bench, name: str, source: str, ending: str = "html") -> None:
    """A campaign with a template of its own."""
    bench.write(f"campaigns/templates/{name}.{ending}", FRONT + source)
    bench.write(f"campaigns/{name}.yaml", f"{CONTENT}template: {name}\n")


def test_html_that_would_choke_a_parser(bench: Bench) -> None:
    for name, source in HTML_BOMBS.items():
        plant(bench, name, source + LEAVE)
    said = survives(bench, "validate", seconds=300)
    assert "the document has more than 20000 tags" in said
    assert "too much CSS" in said
    assert "without an end" in said


MJML_BOMBS = {
    "nested-wrappers": "<mj-wrapper>" * 9_000 + "</mj-wrapper>" * 9_000,
    "nested-text": (
        "<mj-section><mj-column><mj-text>" + "<b>" * 15_000 + "</b>" * 15_000
    ) + "</mj-text></mj-column></mj-section>",
    "many-marks": "z" + "q" * 300_000,
}  # fmt: skip


def test_mjml_that_would_choke_a_parser(bench: Bench) -> None:
    for name, source in MJML_BOMBS.items():
        plant(bench, name, f"<mjml><mj-body>{source}</mj-body></mjml>", "mjml")
    survives(bench, "validate", seconds=120)


JINJA_BOMBS = {
    "loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "range": "{{ range(10**12)|list }}",
    "power": "{{ 10**10**10 }}",
    "repeat": "{{ 'a' * 10**10 }}",
    "doubling": "{% set a = 'x' * 99999 %}" + "{% set a = a ~ a %}" * 64 + "{{ a }}",
    "blocks": "{% set a %}xxxxxxxx{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 64,
    "macros": "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "padding": "{{ 'a'|center(10**10) }}{{ 'a'|indent(10**10, true) }}",
    "joining": "{{ range(9999)|join('x' * 99999) }}",
    "replacing": "{{ ('a' * 99999)|replace('a', 'b' * 900) }}",
    "wrapping": "{{ ('a ' * 49999)|wordwrap(1) }}" * 200,
    "batches": "{{ range(9999)|batch(10**9, 'x')|list }}{{ range(9)|slice(10**9)|list }}",
    "sorting": REPEAT % (9_999, "{{ range(9999)|sort|join }}"),
    "membership": REPEAT % (9_999, "{{ 'b' in 'a' * 99999 }}"),
    "numbers": "{% set a = 2**4000 %}" + REPEAT % (9_999, "{{ a * 1 }}"),
    "includes-itself": "{% include 'includes-itself.html' %}{% include 'includes-itself.html' %}",
    "extends-itself": "{% extends 'extends-itself.html' %}",
    "parentheses": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "nots": "{{ " + "not " * 5_000 + "1 }}",
    "lists": "{{ " + "[" * 5_000 + "]" * 5_000 + " }}",
    "ifs": "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "operators": "{{ " + "1+" * 50_000 + "1 }}",
    "filters": "{{ 'a'" + "|upper" * 20_000 + " }}",
    "open-comments": "{#" * 200_000,
    "open-expressions": "{{" * 200_000,
}  # fmt: skip


def test_templates_that_would_not_end(bench: Bench) -> None:
    for name, source in JINJA_BOMBS.items():
        plant(bench, name, source + LEAVE)
    said = survives(bench, "validate", codes=(1,), seconds=300)
    assert {name for name in JINJA_BOMBS if f"templates/{name}.html" in said} >= {
        *("loops", "range", "power", "repeat", "doubling", "blocks", "macros", "padding"),
        *("joining", "replacing", "sorting", "membership", "extends-itself"),
    }


CONDITIONS = {
    "parentheses": "(" * 900 + "1" + ")" * 900,
    "power": "9**9**9**9",
    "repeat": "contact.email * 10**10 == 'x'",
    "nots": "not " * 490 + "1",
    "filters": "contact.email" + "|upper" * 300 + " == 'x'",
    "chain": "('x' * 99999 * 99999) == contact.email",
    "long": "1 == 1" + " and 1 == 1" * 100_000,
}


def test_conditions_that_would_not_end(bench: Bench) -> None:
    for name, where in CONDITIONS.items():
        audience = f'list: {{use: people, where: "{where}"}}'
        content = CONTENT.replace("list: people", audience)
        bench.write(f"campaigns/{name}.yaml", f"{content}template: hello\n")
    said = survives(bench, "validate", codes=(1,))
    found = {name for name in CONDITIONS if f"campaigns/{name}.yaml" in said}
    assert found == {"parentheses", "nots", "filters", "long"}
    # the others are small, and go off when they are asked about a contact
    assert "`where` cannot be decided for this contact" in said


YAML_BOMBS = {
    "laughs": "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
    "merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [{f'*a{n - 1}, ' * 9}], y{n}: 1}}\n" for n in range(1, 30)),
    "itself": "a: &a [*a]\n",
    "brackets": "a: " + "[" * 400_000,
    "braces": "a: " + "{a: " * 200_000,
    "dashes": "- " * 400_000,
    "question-marks": "? " * 400_000,
    "keys": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "one-key": "k" * 1_000_000 + ": 1",
    "quote": 'a: "' + "x\\n" * 300_000,
    "tags": "a: !!python/object/apply:os.system [exit]\n" * 20_000,
    "anchors": "".join(f"- &a{n} x\n" for n in range(60_000)),
    "sixty": "at: " + "1:" * 200_000 + "1",
    "number": "budget: " + "9" * 900_000,
    "spaces": " " * 1_000_000,
    "fifty-megabytes": "# " + "x" * 50_000_000,
}  # fmt: skip


def test_yaml_that_would_not_end(bench: Bench) -> None:
    for name, text in YAML_BOMBS.items():
        bench.write(f"campaigns/{name}.yaml", text)
    said = survives(bench, "validate", codes=(1,))
    assert {name for name in YAML_BOMBS if f"campaigns/{name}.yaml" in said} == set(YAML_BOMBS)
    assert len(said) < 1_000_000


@pytest.mark.parametrize("name", ["laughs", "brackets", "fifty-megabytes"])
def test_nor_do_settings(bench: Bench, name: str) -> None:
    bench.write("sendoff.yaml", YAML_BOMBS[name])
    survives(bench, "validate", codes=(1,))


def test_front_matter_is_yaml_too(bench: Bench) -> None:
    bench.write("campaigns/templates/hello.html", f"---\n{YAML_BOMBS['laughs']}---\n<p>x</p>")
    survives(bench, "validate", codes=(1,))


def test_a_list_that_unpacks_to_gigabytes(bench: Bench) -> None:
    bench.write("campaigns/lists/people.yaml", "source: {type: csv, path: people.csv.gz}\n")
    with gzip.open(bench.root / "campaigns/lists/people.csv.gz", "wb", compresslevel=9) as stream:
        stream.write(b"email\n")
        for _ in range(600):
            stream.write(b"\n" * 1_000_000)
    assert "unpacks to more than" in survives(bench, "validate", codes=(1,))


@pytest.mark.parametrize(
    "content",
    [
        b"email\n" + b"x" * 50_000_000,
        b"email\n" + b"x\n" * 1_000_000,
        b"email" + b",x" * 2_000_000 + b"\n",
        b'email\n"' + b"x" * 50_000_000,
        b"email,a\n" + b"," * 5_000_000,
    ],
    ids=["one-field", "no-addresses", "columns", "open-quote", "commas"],
)
def test_a_list_of_fifty_megabytes_of_nonsense(bench: Bench, content: bytes) -> None:
    (bench.root / "campaigns/lists/people.csv").write_bytes(content)
    assert len(survives(bench, "validate")) < 200_000


def test_suppressions_of_fifty_megabytes(bench: Bench) -> None:
    bench.write("campaigns/suppressions/all.txt", "x" * 50_000_000)
    survives(bench, "validate", codes=(1,))


CAMPAIGN_BOMBS = {
    "far": "{send: scheduled, at: 9999-12-31 23:59, timezone: Pacific/Apia}",
    "long-ago": "{send: scheduled, at: 0001-01-01 00:00, timezone: Pacific/Kiritimati}",
    "every-minute": '{send: recurring, cron: "* * * * *", timezone: UTC}',
    "never": '{send: recurring, cron: "0 0 30 2 *", timezone: UTC}',
    "seldom": '{send: recurring, cron: "0 0 29 2 1", timezone: UTC}',
    "cron-list": f'{{send: recurring, cron: "{"*/1," * 50_000}1 * * * *", timezone: UTC}}',
    "expires": "{send: scheduled, at: 2025-01-01 09:00, timezone: UTC, expires_after: 99999999w}",
}


DELAYS = ["99999999w", "99999d", "999999999h", "9" * 5_000, "9" * 18 + "s"]


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_schedules_that_would_not_end(bench: Bench, command: str) -> None:
    assert apart(bench, "init").code == 0
    for name, schedule in CAMPAIGN_BOMBS.items():
        bench.campaign(name, schedule)
    for number, delay in enumerate(DELAYS):
        bench.write(
            f"campaigns/drip{number}.yaml",
            CONTENT.replace("immediate", "drip, start_at: 2025-10-15 09:00, timezone: UTC")
            + f"sequence:\n  - {{id: a, delay: 0, template: hello}}\n"
            f"  - {{id: b, delay: {delay}, template: hello}}\n",
        )
    survives(bench, command, codes=(0, 1, 3))


@pytest.mark.parametrize("name", ["far", "long-ago", "seldom", "every-minute"])
def test_nor_does_any_one_of_them(bench: Bench, name: str) -> None:
    assert apart(bench, "init").code == 0
    bench.campaign("hello", CAMPAIGN_BOMBS[name])
    survives(bench, "plan", codes=(0, 1, 3))


def test_a_look_ahead_of_ages(bench: Bench) -> None:
    bench.campaign(schedule='{send: recurring, cron: "* * * * *", timezone: UTC}')
    assert apart(bench, "init").code == 0
    survives(bench, "plan", "--until", "999999w", codes=(0, 1, 2, 3))


# -- our own patterns, on what would make them try everything ----------------------------------

LONG = 60_000
PATTERNS = {
    "doctype": (document._DOCTYPE.match, "<!---->"),
    "body": (document._BODY.search, "<body "),
    "invisible": (lambda text: plain._INVISIBLE.sub("", text), "\u034f"),
    "hiding": (plain._HIDING.search, "display "),
    "tokens": (merge._TOKENS.findall, "<a "),
    "brackets": (merge._TOKENS.findall, "<"),
    "regions": (lambda text: [*shapes._REGIONS.finditer(text)], "<a>"),
    "quoted": (lambda text: shapes._QUOTED.sub("", text), '"'),
    "comment": (lambda text: _comment.sub("", text), " #"),
    "markdown": (markup.escape, "http:"),
    "code": (markup.code, "`"),
    "terminal": (clean, "\x1b["),
}


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Interrupts what takes longer; a search of ``re`` looks for signals too."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_of_ours_backtracks(name: str) -> None:
    search, bit = PATTERNS[name]
    with within(20):
        search(bit * LONG)
        search(bit * LONG + "\0")
