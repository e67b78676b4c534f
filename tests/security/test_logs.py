"""What programs read beside people: CI logs, Markdown, HTML, JSON, terminals.  No text of a file,
a contact or a server becomes a command, a link, a script or an escape sequence."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from runner.report.frames import standalone
from tests.acceptance.bench import Bench, Said

NOW = ("--now", "2025-10-20T14:00:00Z")
HOSTILE = {
    "a command": "::error::pwned",
    "a mask": "::add-mask::a",
    "a command on a line of its own": "x\\n::set-output name=a::b",
    "a carriage return": "x\\r::error::pwned",
    "an escaped line break": "x%0A::error::pwned%0D",
    "a command of old": "##[error]pwned",
    "a command within": "x ##[add-path]/tmp",
    "a stop of commands": "::stop-commands::x",
    "an escape sequence": "\\x1b[2J\\x1b]0;pwned\\x07",
    "eight bits": "\\x9b31m",
    "bidi": "a\\u202eb\\u2066c",
    "line separators": "a\\u2028::error::b\\x85::error::c",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "[x](https://evil.example) ![x](https://evil.example/i.png) @everyone #1 `a` | b",
    "a comment": "<!-- --> </details></summary> ]]>",
}
KEYS = {
    "name": 'name: "{}"',
    "subject": 'subject: "{}"',
    "preheader": 'preheader: "{}"',
    "variables": 'variables: {{note: "{}"}}',
    "an unknown key": '"{}": 1',
    "list": 'list: "{}"',
    "template": 'template: "{}"',
    "status": 'status: "{}"',
    "id": 'id: "{}"',
    "from": 'from: {{email: "{}"}}',
    "from name": 'from: {{email: hello@f3.example, name: "{}"}}',
    "timezone": 'schedule: {{send: scheduled, at: 2025-10-21 09:00, timezone: "{}"}}',
    "at": 'schedule: {{send: scheduled, at: "{}", timezone: UTC}}',
    "where": 'list: {{use: people, where: "{}"}}',
}
COMMANDS = (
    ("validate", "--format", "github"),
    ("validate",),
    ("validate", "--json"),
    ("plan", *NOW),
    ("plan", "--format", "markdown", *NOW),
    ("plan", "--json", *NOW),
    ("run", *NOW),
    ("status", *NOW),
    ("lists",),
    ("templates",),
)
OURS = re.compile(r"::(error|warning|notice)( [a-z]+=[^:,\n]*(,[a-z]+=[^:,\n]*)*)?::")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace()
    bench.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    bench.campaign()
    assert bench.sendoff("init", *NOW).code == 0
    return bench


def is_harmless(said: Said) -> None:
    for line in (said.out + "\n" + said.err).split("\n"):
        assert "##[" not in line, line
        assert not CONTROL.search(line), repr(line)
        if line.lstrip().startswith("::"):
            assert OURS.match(line), line
    assert "this is a bug" not in said.err


def campaign_with(bench: Bench, key: str, value: str) -> None:
    line = KEYS[key].format(value)
    keys = {
        "version": "1",
        "name": "hello",
        "status": "active",
        "list": "people",
        "template": "hello",
        "schedule": "{send: immediate}",
    }
    keys.pop(line.partition(":")[0], None)
    text = "".join(f"{name}: {value}\n" for name, value in keys.items())
    bench.write("campaigns/hello.yaml", f"{text}{line}\n")


@pytest.mark.parametrize("key", KEYS)
def test_no_text_of_a_campaign_steers_a_log(bench: Bench, key: str) -> None:
    for value in HOSTILE.values():
        campaign_with(bench, key, value)
        for command in COMMANDS[:6]:
            is_harmless(bench.sendoff(*command))
    is_harmless(bench.sendoff("run", *NOW))
    is_harmless(bench.sendoff("status", *NOW))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_nor_does_a_file_name(bench: Bench, value: str) -> None:
    name = value.encode().decode("unicode_escape").replace("/", "_")
    for path in ("campaigns/{}.yaml", "campaigns/lists/{}.yaml", "campaigns/templates/{}.html"):
        bench.write(path.format(name), "::error::pwned\n")
    bench.write(f"campaigns/suppressions/{name}", "x")
    for command in COMMANDS:
        is_harmless(bench.sendoff(*command))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_nor_do_a_header_and_a_contact(bench: Bench, value: str) -> None:
    text = value.encode().decode("unicode_escape").replace('"', '""')
    bench.write("campaigns/lists/people.csv", f'email,"{text}"\na@example.com,"{text}"\n')
    for command in COMMANDS:
        is_harmless(bench.sendoff(*command))
    bench.write("campaigns/lists/people.csv", f'email,firstName\n"{text}","{text}"\n')
    bench.write("campaigns/suppressions/all.txt", f"{text}\n")
    for command in COMMANDS:
        is_harmless(bench.sendoff(*command))


@pytest.mark.parametrize(
    "argument", ["::error::pwned", "x\n::error::pwned", "##[error]", "\x1b[31m", "--x"]
)
def test_nor_does_an_argument(bench: Bench, argument: str) -> None:
    for command in ("plan", "status", "cancel", "preview", "why", "retry", "resolve"):
        is_harmless(bench.sendoff(command, argument))
    is_harmless(bench.sendoff("plan", "--base", argument))


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


@pytest.mark.parametrize("key", ["name", "subject", "preheader", "from name"])
def test_nothing_becomes_markup_in_the_comment_or_the_summary(bench: Bench, key: str) -> None:
    campaign_with(bench, key, HOSTILE["markup"] + HOSTILE["markdown"])
    plan = bench.sendoff("plan", "--format", "markdown", *NOW).out
    bench.sendoff("run", *NOW)
    for text in (plan, (bench.root / "summary").read_text()):
        unescaped = re.sub(r"\\.", "", text)
        assert _Tags(unescaped).tags <= {"details", "summary", "br", "sub", "kbd", "b"}
        assert "](https://evil" not in unescaped
        assert "@everyone" not in text
    assert json.loads(bench.sendoff("plan", "--json", *NOW).out)


@pytest.mark.parametrize("format", ["html"])
def test_nothing_becomes_markup_in_the_page(bench: Bench, format: str) -> None:
    for value in (HOSTILE["markup"], HOSTILE["a comment"]):
        campaign_with(bench, "name", value)
        page = bench.sendoff("plan", "--format", format, *NOW)
        if page.code == 0:
            assert "<script>alert" not in page.out
            assert "onerror=alert(1)>" not in page.out


HIDING = [
    "<!--<head >--><script>alert(1)</script>",
    "<!doctype html><!-- <head> --><script>alert(1)</script>",
    "<title><head></title><script>alert(1)</script>",
    "<html><style><head></style><script>alert(1)</script>",
    '<meta content="<head>"><script>alert(1)</script>',
    "<plaintext><head>",
]


@pytest.mark.parametrize("html", HIDING)
def test_no_template_hides_the_policy_of_its_page(html: str) -> None:
    """The policy stands before all that a template wrote, a doctype apart."""
    page = re.sub(r"(?i)\A\s*<!doctype[^>]*>", "", standalone(html))
    assert page.startswith(
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\''
    )
