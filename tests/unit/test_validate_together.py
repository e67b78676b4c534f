"""A campaign's problems are its own, whatever other campaigns of the workspace share with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """\
version: 1
provider: outbox
from: {email: hello@f3.example, name: F3 Nation}
timezone: America/Chicago
postal_address: F3 Nation, 1 Main Street, Charlotte NC, USA
unsubscribe: {url: "https://f3.example/u?t={{ token }}"}
state: {backend: files}
"""
LISTS = {
    "people": "email,first,city,timezone\na@f3.example,Ann,Rome,Asia/Kolkata\n"
    "b@f3.example,Bo <3,,\nc@f3.example,Zoë Longest-Name,New York,Europe/Berlin\n",
    "sparse": "email,first,city\nd@f3.example,,\n",
    "nobody": "email,first,city\n",
}
PAGE = """\
---
subject: "{subject}"
preheader: {preheader}
---
<!doctype html>
<html lang="en"><head><title>x</title><style>p {{ color: red }}</style></head><body>
{body}
<p>{{{{ postal_address }}}} <a href="{{{{ unsubscribe_url }}}}">Leave this list</a></p>
</body></html>
"""
BODIES = {
    "plain": "<h1>{{ event }}</h1><p>Dear {{ first|default('friend', true) }} of {{ where }}</p>",
    "bare": "<p>{{ first }}: {{ event }}</p><p>{{ where }}</p>",
    "link": "<a href='{{ where }}'>{{ event }}</a> <img src='{{ where }}'> {{ first|upper }}",
    "unquoted": "<div title={{ where }}>{{ event }} {{ first|e }}</div>",
    "safe": "<div>{{ event|safe }}</div><p>{{ first|title }} {{ where }}</p>",
    "choice": "{% if event|length > 8 %}<b>{{ first }}</b>{% else %}-{% endif %}{{ where }}</i>",
    "slow": "{% filter upper %}{{ first }}{% endfilter %}{{ event }}{{ where }}",
    "late": "{% for x in event %}{% if x == first %}{{ x }}{% endif %}{% endfor %}{{ where }}",
    "style": "<p style='{{ where }}'>{{ first }}</p><{{ event }}>{{ city }}",
    "wrong": "{{ nobody }}{{ event }}{{ where }}</i>{{ 1 // (first|length) }}",
}
VALUES = [
    ("Bros and Brews", "Charlotte"),
    ("Beatdown", "https://f3.example/a?b=1&c=2"),
    ("<b>Brews</i>", "/relative"),
    ("", "color: red; display: flex"),
    ("Bros  &  Brews", "http://f3.example/TODO"),
    ("BEATDOWN ON SATURDAY!!", "x"),
]
ONCE = "{send: scheduled, at: 2026-03-02 09:00, timezone: America/Chicago}"
OTHERS = [
    "",
    "from: {email: no-reply@f3.example, name: Nobody}",
    "reply_to: us@f3.example\nlint: {ignore: [night-send, missing-lang]}",
    "unsubscribe: {mailto: leave@f3.example}",
    "preheader: '{{ first }}'",
    "subject: 'Dear {{ city }}'",
]
CHOSEN = ["people", "sparse", "nobody", "[people, sparse]"]


def campaigns() -> Mapping[str, str]:
    """Every template with several variables, lists and settings, in an order that mixes them."""
    found = {}
    for number in range(30):
        name = [*BODIES][number % len(BODIES)]
        event, where = VALUES[(number // 3 + number) % len(VALUES)]
        variables = {"event": event, "where": where}
        found[f"c{number:02}"] = "\n".join(
            [
                "version: 1",
                f"list: {CHOSEN[number // 2 % len(CHOSEN)]}",
                f"template: {name}",
                f"schedule: {ONCE}",
                f"variables: {json.dumps(variables)}",
                OTHERS[number // 5 % len(OTHERS)],
                "",
            ]
        )
    return found


def write(root: Path) -> None:
    """All but campaigns."""
    for directory in ("lists", "templates"):
        (root / "campaigns" / directory).mkdir(parents=True)
    (root / "sendoff.yaml").write_text(SETTINGS)
    for name, rows in LISTS.items():
        (root / f"campaigns/lists/{name}.csv").write_text(rows)
        source = f"source: {{type: csv, path: {name}.csv}}\nallow_empty: true\n"
        (root / f"campaigns/lists/{name}.yaml").write_text(source)
    for name, body in BODIES.items():
        page = PAGE.format(subject="{{ event }} is on", preheader="In {{ where }}", body=body)
        (root / f"campaigns/templates/{name}.html").write_text(page)


def problems(root: Path) -> list[dict[str, Any]]:
    """What ``validate`` says in a process of its own, with no cache."""
    done = subprocess.run(
        (sys.executable, "-m", "runner", "--root", str(root), "validate", "--format", "json"),
        env={**os.environ, "SENDOFF_CACHE": str(root.with_name(f"{root.name}-cache"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["problems"]
    return found


def order(problem: Mapping[str, Any]) -> tuple[Any, ...]:
    """Errors first, then by place."""
    keys = ("path", "line", "column", "message", "hint", "code")
    return (problem["severity"] != "error", *(problem[key] for key in keys))


@pytest.mark.no_cover
def test_problems_are_those_of_each_campaign_alone(tmp_path: Path) -> None:
    """Same problems, same places, same order: by a process for each campaign."""
    written = campaigns()
    for name, text in written.items():
        write(tmp_path / name)
        (tmp_path / name / f"campaigns/{name}.yaml").write_text(text)
    together = tmp_path / "together"
    write(together)
    for name, text in written.items():
        (together / f"campaigns/{name}.yaml").write_text(text)
    with ThreadPoolExecutor(2) as pool:
        alone = [*pool.map(problems, [tmp_path / name for name in written])]
    expected = {order(one): one for found in alone for one in found}
    assert problems(together) == [expected[key] for key in sorted(expected)]
    # the table is worth something only if it holds many faults, and campaigns without any
    codes = {one["code"] for one in expected.values()}
    assert {"unknown-name", "slow-template", "unbalanced-tags", "relative-link"} <= codes
