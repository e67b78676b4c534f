"""The linter: what silences, what counts once, whose severity, and where inline content stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.lint.codes import CODES
from runner.workspace.schemas import schema_text

from .workshop import base, lay, problems, told

CAMPAIGN = """\
version: 1
list: readers
{what}
schedule: {{send: scheduled, at: 2026-03-02 09:00, timezone: Europe/Berlin}}
"""
FOOT = '<a href="{{ unsubscribe_url }}">Leave</a> {{ postal_address }}'
INLINE = """\
content:
  subject: Friday at seven
  preheader: On the terrace
  html: |
    <html lang="en"><body><p>We meet on Friday at seven on the terrace.</p>
    <img src="https://club.example/a.png"><div>
    <a href="{{ unsubscribe_url }}">Leave</a> {{ postal_address }}</body></html>"""


@pytest.mark.parametrize("kind", ["campaign", "template"])
def test_the_schemas_know_every_code(kind: str) -> None:
    lint = json.loads(schema_text(kind))["$defs"]["lint"]
    assert lint["properties"]["ignore"]["items"]["enum"] == sorted(CODES)


def test_two_campaigns_of_one_template_are_told_once(tmp_path: Path) -> None:
    base(tmp_path)
    _append(tmp_path, "templates/mail.html", "<a href=''>Join</a>")
    other = (tmp_path / "campaigns/club.yaml").read_text("utf-8")
    (tmp_path / "campaigns/other.yaml").write_text(other, "utf-8")
    assert [problem.code for problem in problems(tmp_path)] == ["empty-link"]


def test_what_one_campaign_ignores_another_is_told(tmp_path: Path) -> None:
    base(tmp_path)
    _append(tmp_path, "templates/mail.html", "<a href=''>Join</a>")
    other = (tmp_path / "campaigns/club.yaml").read_text("utf-8")
    ignoring = other + "lint: {ignore: [empty-link]}\n"
    (tmp_path / "campaigns/other.yaml").write_text(ignoring, "utf-8")
    assert [problem.code for problem in problems(tmp_path)] == ["empty-link"]


def test_an_ignore_that_one_of_two_steps_needs_is_used(tmp_path: Path) -> None:
    base(tmp_path)
    steps = "".join(
        f'  - {{id: s{n}, delay: {n}d, template: mail, subject: "{subject}"}}\n'
        for n, subject in enumerate(["Friday at seven", "FREE BREAD FOR EVERYONE"])
    )
    drip = "{send: drip, start_at: 2026-03-02 09:00, timezone: Europe/Berlin}"
    ignoring = "lint: {ignore: [subject-shouting]}\n"
    lay(
        tmp_path,
        yaml=f"version: 1\nlist: readers\nschedule: {drip}\n{ignoring}sequence:\n{steps}",
    )
    assert told(problems(tmp_path)) == ""


def test_an_unknown_code_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    base(tmp_path)
    _append(tmp_path, "club.yaml", "lint: {ignore: [night-sent]}\n")
    (found,) = problems(tmp_path)
    assert found.severity == "error"
    assert (found.line, found.column) == (5, 17)
    assert "did you mean night-send?" in found.hint


@pytest.mark.parametrize("status", ["cancelled", "paused"])
def test_what_is_cancelled_is_not_linted(status: str, tmp_path: Path) -> None:
    base(tmp_path)
    _append(tmp_path, "templates/mail.html", "<a href=''>Join</a>")
    _append(tmp_path, "club.yaml", f"status: {status}\n")
    assert bool(problems(tmp_path)) == (status == "paused")


def test_the_outbox_is_lenient(tmp_path: Path) -> None:
    base(tmp_path)
    lay(tmp_path, html='---\nsubject: Hi\npreheader: Ho\n---\n<html lang="en">Words</html>')
    settings = (tmp_path / "sendoff.yaml").read_text("utf-8")
    strict = problems(tmp_path)
    lay(tmp_path, settings=settings.replace("provider: smtp", "provider: outbox"))
    mild = problems(tmp_path)
    codes = ["no-postal-address", "no-unsubscribe-link"]
    assert [(p.code, p.severity) for p in strict] == [(code, "error") for code in codes]
    assert [(p.code, p.severity) for p in mild] == [(code, "warning") for code in codes]


def test_without_a_postal_address_the_settings_are_to_be_mended(tmp_path: Path) -> None:
    base(tmp_path)
    settings = (tmp_path / "sendoff.yaml").read_text("utf-8")
    kept = [line for line in settings.splitlines() if not line.startswith("postal_address")]
    lay(tmp_path, settings="\n".join(kept))
    (found,) = problems(tmp_path)
    assert (found.path, found.code, found.severity) == (
        "sendoff.yaml",
        "no-postal-address",
        "error",
    )


def test_sendgrids_own_link_is_a_way_out(tmp_path: Path) -> None:
    base(tmp_path)
    settings = (tmp_path / "sendoff.yaml").read_text("utf-8").partition("unsubscribe:")[0]
    group = settings.replace("provider: smtp", "provider: sendgrid")
    lay(tmp_path, settings=f"{group}unsubscribe: {{sendgrid_group: 7}}\n")
    assert told(problems(tmp_path)) == ""


def test_a_mail_to_leave_is_a_way_out(tmp_path: Path) -> None:
    base(tmp_path)
    settings = (tmp_path / "sendoff.yaml").read_text("utf-8").partition("unsubscribe:")[0]
    lay(tmp_path, settings=f"{settings}unsubscribe: {{mailto: leave@example.org}}\n")
    lay(tmp_path, txt="We meet on Friday.\n{{ unsubscribe_url }}\n{{ postal_address }}\n")
    assert told(problems(tmp_path)) == ""


def test_inline_content_is_found_in_the_campaign(tmp_path: Path) -> None:
    base(tmp_path)
    lay(tmp_path, yaml=CAMPAIGN.format(what=INLINE))
    found = [(p.code, p.path, p.line, p.column) for p in problems(tmp_path)]
    assert found == [
        ("unbalanced-tags", "campaigns/club.yaml", 6, 3),
        ("image-without-alt", "campaigns/club.yaml", 8, 5),
    ]


def test_a_fault_of_a_layout_is_found_in_the_layout(tmp_path: Path) -> None:
    base(tmp_path)
    layout = tmp_path / "campaigns/templates/layouts/frame.html"
    layout.parent.mkdir()
    layout.write_text(
        '{# <img src="/no"> #}\n<html lang="en"><body>{% block main %}{% endblock %}\n'
        "<img src='https://club.example/{{ firstName|default('x') }}.png'>"
        f"{FOOT}</body></html>\n"
    )
    lay(
        tmp_path,
        html="---\nsubject: Friday\npreheader: At seven\n---\n{% extends 'layouts/frame.html' %}\n"
        "{% block main %}<p>We meet on Friday at seven, on the terrace, with bread.</p>\n"
        "<img src='https://club.example/x.png' alt='Bread'>{% endblock %}\n",
    )
    (found,) = problems(tmp_path)
    assert (found.path, found.line, found.column) == (
        "campaigns/templates/layouts/frame.html",
        3,
        1,
    )


def test_mjml_is_found_by_its_own_tags(tmp_path: Path) -> None:
    base(tmp_path)
    (tmp_path / "campaigns/templates/mail.html").unlink()
    body = (
        "<mjml lang='en'>{head}<mj-body><mj-section><mj-column>\n"
        "<mj-text>We meet on Friday at seven on the terrace, with bread and cheese.</mj-text>\n"
        '<mj-button href="http://club.example/join">Join</mj-button>\n'
        f"<mj-text>{FOOT}</mj-text></mj-column></mj-section></mj-body></mjml>\n"
    )
    front = "---\nsubject: Friday\npreheader: At seven\n---\n"
    lay(tmp_path, mjml=front + body.replace("{head}", ""))
    fonts, _ = problems(tmp_path)
    assert (fonts.code, "web fonts" in fonts.hint) == ("unsupported-css", True)
    plain = '<mj-head><mj-attributes><mj-all font-family="Arial" /></mj-attributes></mj-head>'
    lay(tmp_path, mjml=front + body.replace("{head}", plain))
    (found,) = problems(tmp_path)
    assert (found.code, found.line, found.column) == ("http-link", 7, 18)


def test_a_message_that_cannot_be_made_for_anybody_is_left_to_others(tmp_path: Path) -> None:
    base(tmp_path)
    lay(tmp_path, csv="email,firstName,timezone\n")
    _append(tmp_path, "templates/mail.html", "<a href=''>Join</a>")
    assert "empty-link" in {problem.code for problem in problems(tmp_path)}


def _append(root: Path, name: str, text: str) -> None:
    with (root / "campaigns" / name).open("a", encoding="utf-8") as file:
        file.write(text)
