"""What the templates room gives to the rest of the house."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from runner.errors import InputError
from runner.model.campaign import Attachment, Content, Invitation
from runner.model.settings import Mailbox, Unsubscribe
from runner.templates import ComposeError
from runner.templates.files import MAX_TOTAL

from .workshop import LEAVING, audience, campaign, composer, room, template

FIELDS = frozenset({"email", "timezone", "firstName", "city"})
GOOD = (
    '<p>Hi {{ firstName }}</p><a href="{{ unsubscribe_url }}">Leave</a><p>{{ postal_address }}</p>'
)


def problems(body: str, fields: frozenset[str] = FIELDS, **changes: object) -> list[str]:
    variables = changes.pop("variables", {})
    partials = changes.pop("partials", None)
    built = campaign(Content(template="invite"), variables=variables)
    made = room(template(body, **changes), partials=partials)
    return [str(problem) for problem in made.check(built, built.steps[0], fields)]


def test_sound_content_has_no_problems() -> None:
    assert problems(GOOD) == []


def test_inherited_content_has_no_problems() -> None:
    base = (
        "---\ndescription: base\n---\n<html><head><title>{{ subject }}</title></head><body>"
        "{% block main %}{% endblock %}{% include 'layouts/foot.html' %}</body></html>"
    )
    foot = "<a href='{{ unsubscribe_url }}'>Leave</a>{{ postal_address }} {{ campaign.name }}"
    body = (
        "{% extends 'layouts/base.html' %}{% from 'layouts/lib.html' import button %}"
        "{% block main %}{% set greeting = 'Hi' %}{{ greeting }} {{ contact.firstName }}"
        "{% for day in variables.days %}{{ loop.index }}{{ day }}{% endfor %}"
        "{% if city is defined %}{{ city }}{% endif %}{{ shoe|default('none') }}"
        "{{ button('Go', 'https://example.org') }}{% endblock %}"
    )
    partials = {
        "layouts/base.html": base,
        "layouts/foot.html": foot,
        "layouts/lib.html": "{% macro button(t, u) %}<a href='{{ u }}'>{{ t }}</a>{% endmacro %}",
    }
    assert problems(body, variables={"days": ["Mon"]}, partials=partials) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "\n<p>{{ firstNme }}</p>",
            (
                "campaigns/templates/invite.html:6:7: 'firstNme' is not defined "
                "(did you mean 'firstName'?)"
            ),
        ),
        (
            "{{ contact.cty }}",
            (
                "campaigns/templates/invite.html:5:12: 'contact.cty' is not defined "
                "(did you mean 'city'?)"
            ),
        ),
        (
            "{% for x in [1] %}{% endfor %}{{ x }}",
            (
                "campaigns/templates/invite.html:5:8: 'x' is not defined "
                "(neither the contact nor a variable has it)"
            ),
        ),
        (
            "{{ campaign.title }}",
            (
                "campaigns/templates/invite.html:5:13: 'campaign.title' is not defined "
                "(neither the contact nor a variable has it)"
            ),
        ),
        (
            "a\n{{ firstName|uper }}",
            (
                "campaigns/templates/invite.html:6:14: there is no filter 'uper' "
                "(did you mean 'upper'?)"
            ),
        ),
        (
            "{{ firstName|safe }}",
            (
                "campaigns/templates/invite.html:5:14: there is no filter 'safe' "
                "(values are always escaped; put markup into the template itself)"
            ),
        ),
        (
            "a\nb\n{{ firstName",
            (
                "campaigns/templates/invite.html:7:1: unexpected end of template, "
                "expected 'end of print statement'."
            ),
        ),
        (
            "{% include 'layouts/fot.html' %}",
            (
                "campaigns/templates/invite.html:5:13: there is no template 'layouts/fot.html' "
                "(did you mean 'layouts/foot.html'?)"
            ),
        ),
        (
            "{% include 'layouts/foot.html' %}",
            (
                "campaigns/templates/layouts/foot.html:4:4: 'nobody' is not defined "
                "(neither the contact nor a variable has it)"
            ),
        ),
    ],
)
def test_mistakes_are_named_with_their_place(body: str, expected: str) -> None:
    foot = "---\nx: y\n---\n{{ nobody }}"
    found = problems(body, body_line=5, partials={"layouts/foot.html": foot})
    assert expected in found


def test_attributes_need_quotes() -> None:
    assert any(
        "campaigns/templates/invite.html:2:4: the value of href needs quotes" in problem
        for problem in problems("<p>x</p>\n<a href={{ city }}>x</a>")
    )
    sound = "<a class='x' href='{{ city }}' title=\"a={{ city }}\">{{ city }} a={{ city }}</a>"
    assert not any("needs quotes" in problem for problem in problems(sound))


def test_all_problems_are_reported_at_once() -> None:
    found = problems("{{ a }}{{ b }}\n{{ c|d2 }}", subject="{{ e }}")
    assert sum("is not defined" in problem for problem in found) == 4
    assert sum("no filter" in problem for problem in found) == 1


def test_templates_that_include_each_other_are_refused() -> None:
    partials = {"a.html": "{% include 'b.html' %}", "b.html": "{% include 'a.html' %}"}
    assert any(
        "includes itself" in p for p in problems("{% include 'a.html' %}", partials=partials)
    )


def test_warnings_are_no_errors() -> None:
    built = campaign(Content(template="invite"), variables={"unused": 1})
    found = room(template("<p>x</p>")).check(built, built.steps[0], FIELDS)
    assert {problem.severity for problem in found} == {"warning"}
    assert {problem.code for problem in found} == {"unused-variable"}


@pytest.mark.parametrize(
    ("body", "line", "construct"),
    [
        ("a\n{% filter upper %}{{ city }}{% endfilter %}", 6, "printed text that is looked at"),
        ("{% for x in city %}{{ loop.previtem }}{% endfor %}", 5, "loop.previtem over a contact"),
        ("{% include 'layouts/odd.html' %}", 2, "printed text that is looked at"),
    ],
)
def test_what_is_made_anew_for_each_contact_is_said(body: str, line: int, construct: str) -> None:
    """A warning names the construct and its place, in a layout too."""
    partials = {"layouts/odd.html": "\n{% set x %}{{ city }}{% endset %}{{ x|length }}"}
    found = problems(GOOD + body, body_line=5, partials=partials)
    path = "layouts/odd.html" if "include" in body else "invite.html"
    assert len(found) == 1
    assert found[0].startswith(f"campaigns/templates/{path}:{line}:1: {construct}")


def test_the_same_template_is_compiled_once() -> None:
    """Campaigns that differ in what their template does not read share what was compiled."""
    made = []
    for name, variables in (("a", {"x": 1}), ("b", {"x": 1}), ("c", {"x": 2})):
        built = campaign(Content(template="invite"), name=name, variables=variables)
        made.append(room(template(GOOD + "{{ x }}")).composer(built, built.steps[0]))
    one, same, other = (composer.compiled(FIELDS) for composer in made)
    assert one is same
    assert one is not other


def test_required_names_must_be_given() -> None:
    found = problems(GOOD, requires=("eventName", "city"))
    assert len(found) == 1
    assert "requires 'eventName'" in found[0]


def test_bad_mjml_is_found() -> None:
    assert any("not valid MJML" in p for p in problems("<p>x</p>", kind="mjml"))


def test_a_field_that_some_lack_is_pointed_at() -> None:
    built = campaign(Content(template="invite"))
    body = "Hi {{ firstName }}, {{ city|default('there', true) }}{% if city %}{{ city }}{% endif %}"
    made = room(template(body))
    listed = audience([{"firstName": "", "city": ""}, {"firstName": "Ann", "city": "Rome"}])
    found = made.check_empty(built, built.steps[0], listed)
    assert [problem.message for problem in found] == ["firstName is empty for 1 of 2 contacts"]
    assert found[0].severity == "warning"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (Content(template="nobody"), "there is no template 'nobody'"),
        (Content(html="<p>x</p>"), "there is no subject"),
        (Content(subject="x"), "there is no html and no text"),
        (Content(subject="x", html="{{ 'a'"), "html, line 1: unexpected"),
        (Content(subject="{{ a b }}", html="x"), "subject, line 1: expected"),
    ],
)
def test_content_that_cannot_be_sent_is_refused(content: Content, part: str) -> None:
    built = campaign(content)
    with pytest.raises(InputError) as caught:
        room(template("x")).composer(built, built.steps[0])
    assert part in str(caught.value)
    assert str(caught.value).startswith("campaigns/spring.yaml:3:1:")


def test_reserved_names_cannot_be_variables() -> None:
    with pytest.raises(InputError, match="'token' cannot be"):
        composer("x", variables={"token": "x"})


def test_a_contacts_field_wins_over_variables_and_defaults() -> None:
    built = campaign(
        Content(
            template="invite", subject="{{ a }}{{ b }}{{ c }}{{ d }}", text="{{ variables.a }}"
        ),
        variables={"a": "campaign", "b": "campaign", "c": "campaign"},
        step_variables={"a": "step", "b": "step"},
    )
    saved = template("x", variables=dict.fromkeys("abcd", "default"))
    made = room(saved).composer(built, built.steps[0])
    shown = made.render({"email": "a@example.org", "a": "contact"}, bytes(8))
    assert shown.subject == "contactstepcampaigndefault"
    assert shown.text == "step"


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\x00b", "a\x85b", "\t"]
)
@pytest.mark.parametrize(
    "subject", ["Hi {{ firstName }}", "{% if firstName %}{{ firstName }}{% endif %}"]
)
def test_a_value_cannot_break_the_subject(value: str, subject: str) -> None:
    made = composer("<p>x</p>", subject=subject)
    listed = audience([{"firstName": name, "city": ""} for name in ("Ann", value, "Bo")])
    with pytest.raises(ComposeError) as caught:
        made.compose(listed, [0, 1, 2])
    assert caught.value.index == 1
    assert "line 3 of list 'members'" in str(caught.value)
    assert value not in str(caught.value)


def test_an_undefined_name_fails_and_says_for_whom() -> None:
    made = composer("<p>{{ city }}</p>")
    with pytest.raises(ComposeError, match=r"line 2 of list 'members'.*'city' is undefined"):
        made.compose(audience([{"firstName": "Ann"}]), [0])


def test_a_value_that_fails_says_for_whom() -> None:
    made = composer("<p>{{ 10 // (n|int) }}</p>")
    with pytest.raises(ComposeError, match=r"line 3 of list 'members'.*divides by zero") as caught:
        made.compose(audience([{"n": "1"}, {"n": "0"}, {"n": "2"}]), [0, 1, 2])
    assert caught.value.index == 1


def test_an_empty_value_is_no_error() -> None:
    composed = composer("<p>Hi {{ firstName }},</p>").compose(audience([{"firstName": ""}]), [0])
    assert "<p>Hi ,</p>" in composed.fill(composed.parts.html, 0)


def test_a_message_shows_its_preheader_once() -> None:
    own = "<body><div>{{ preheader }}</div><p>x</p></body>"
    for body in ("<p>x</p>", own):
        made = composer(body, preheader="For {{ firstName }}")
        shown = made.render({"firstName": "<Ann>"}, bytes(8))
        assert shown.preheader == "For <Ann>"
        assert shown.html.count("For &lt;Ann&gt;") == 1


def test_a_text_beside_the_template_is_used() -> None:
    made = composer("<p>x</p>", text="Hi {{ firstName }} <&>\n{{ unsubscribe_url }}")
    shown = made.render({"firstName": "O'Neil & Co"}, bytes(8))
    assert shown.text == f"Hi O'Neil & Co <&>\nhttps://example.org/u?t={'0' * 16}"


def test_nobody_to_compose_for_is_no_error() -> None:
    assert composer("x {{ y }}").compose(audience([]), []).values == ()


def headers(unsubscribe: Unsubscribe) -> dict[str, str]:
    shown = composer("<a href='{{ unsubscribe_url }}'>x</a>", unsubscribe=unsubscribe).render(
        {"email": "a@example.org"}, b"\x01" * 8
    )
    return {**shown.headers, "link": shown.html.partition('href="')[2].partition('"')[0]}


@pytest.mark.parametrize(
    ("unsubscribe", "expected"),
    [
        (
            LEAVING,
            {
                "List-Unsubscribe": f"<https://example.org/u?t={'01' * 8}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "link": f"https://example.org/u?t={'01' * 8}",
            },
        ),
        (
            Unsubscribe(url="https://example.org/{{ campaign }}/{{ list }}/{{ token }}/x"),
            {
                "List-Unsubscribe": f"<https://example.org/spring/members/{'01' * 8}/x>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "link": f"https://example.org/spring/members/{'01' * 8}/x",
            },
        ),
        (
            Unsubscribe(mailto="leave@example.org"),
            {
                "List-Unsubscribe": "<mailto:leave@example.org>",
                "link": "mailto:leave@example.org",
            },
        ),
        (
            Unsubscribe(url="https://example.org/leave", mailto="leave@example.org"),
            {
                "List-Unsubscribe": "<https://example.org/leave>, <mailto:leave@example.org>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "link": "https://example.org/leave",
            },
        ),
        (Unsubscribe(sendgrid_group=7), {"link": "<%asm_group_unsubscribe_raw_url%>"}),
    ],
)
def test_every_message_says_how_to_leave(
    unsubscribe: Unsubscribe, expected: dict[str, str]
) -> None:
    assert headers(unsubscribe) == expected


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("http://example.org/{{ token }}", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://example.org/{{ token|upper }}", "not change it"),
        ("https://example.org/{{ email }}", "'email' is undefined"),
        ("https://example.org/a b", "characters"),
        ("https://example.org/\r\nBcc: x", "characters"),
        ("https://[example", "not a link"),
        ("https://example.org/{{ token", "unexpected"),
    ],
)
def test_a_link_that_would_not_work_is_refused(url: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        composer("x", unsubscribe=Unsubscribe(url=url))
    assert part in str(caught.value)


def test_files_go_along(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"png")
    attachments = (
        Attachment("logo.png", "logo.png", "image/png", cid="logo"),
        Attachment("missing.pdf", "missing.pdf", "application/pdf"),
        Attachment("gone.pdf", "gone.pdf", "application/pdf"),
    )
    built = campaign(Content(subject="x", html="x", attachments=attachments))
    with pytest.raises(InputError) as caught:
        room(root=tmp_path).composer(built, built.steps[0])
    assert [p.message for p in caught.value.problems] == [
        "there is no file 'gone.pdf'",
        "there is no file 'missing.pdf'",
    ]
    built = campaign(Content(subject="x", html="x", attachments=attachments[:1]))
    made = room(root=tmp_path).composer(built, built.steps[0])
    assert made.compose(audience([{}]), [0]).files[0].data == b"png"


def test_too_large_files_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(MAX_TOTAL + 1)
    large = Attachment("large.bin", "large.bin", "application/octet-stream")
    built = campaign(Content(subject="x", html="x", attachments=(large,)))
    with pytest.raises(InputError, match="20 MiB"):
        room(root=tmp_path).composer(built, built.steps[0])


def invitation(**changes: object) -> Invitation:
    start = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("America/Chicago"))
    values: dict[str, object] = {
        "summary": "Bros, Brews; more",
        "start": start,
        "end": start + timedelta(hours=2),
        "location": "Köln\nDom " + "x" * 80,
        "organizer": Mailbox("events@example.org", "Events, Inc"),
        "method": "REQUEST",
    }
    return Invitation(**{**values, **changes})  # type: ignore[arg-type]


def test_an_invitation_is_a_calendar_everyone_reads() -> None:
    built = campaign(Content(subject="x", html="x", invitation=invitation()))
    file = room().composer(built, built.steps[0]).compose(audience([{}]), [0]).files[0]
    assert file.content_type == "text/calendar; charset=utf-8; method=REQUEST"
    assert b"\n" not in file.data.replace(b"\r\n", b"")
    assert max(map(len, file.data.split(b"\r\n"))) <= 75
    calendar = Calendar.from_ical(file.data)
    assert calendar["method"] == "REQUEST"
    event = calendar.walk("VEVENT")[0]
    assert event["summary"] == "Bros, Brews; more"
    assert event["location"].startswith("Köln\nDom")
    assert event.decoded("dtstart") == datetime(2026, 3, 29, 6, 30, tzinfo=UTC)
    assert event["organizer"] == "mailto:events@example.org"
    assert event["uid"].endswith("@example.org")


def test_an_invitation_is_the_same_whenever_it_is_made() -> None:
    built = campaign(Content(subject="x", html="x", invitation=invitation()))
    one, two = (room().composer(built, built.steps[0]) for _ in range(2))
    assert one.compose(audience([{}]), [0]).files == two.compose(audience([{}]), [0]).files
    later = replace(built, revision=2)
    file = room().composer(later, later.steps[0]).compose(audience([{}]), [0]).files[0]
    assert Calendar.from_ical(file.data).walk("VEVENT")[0]["sequence"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"end": datetime(2026, 3, 1, tzinfo=UTC)},
        {"start": datetime(2026, 3, 1)},
        {"summary": " "},
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    built = campaign(Content(subject="x", html="x", invitation=invitation(**changes)))
    with pytest.raises(InputError, match="invitation"):
        room().composer(built, built.steps[0])


def test_the_digest_changes_with_what_is_sent() -> None:
    partials = {"used.html": "a", "other.html": "b"}
    body = "{% include 'used.html' %}"
    same = composer(body, partials=partials).digest
    assert composer(body, partials={**partials, "other.html": "c"}).digest == same
    different = [
        composer(body + " ", partials=partials),
        composer(body, partials={**partials, "used.html": "c"}),
        composer(body, partials=partials, subject="Other"),
        composer(body, partials=partials, variables={"a": 1}),
        composer(body, partials=partials, unsubscribe=Unsubscribe(url="https://example.org/")),
    ]
    assert len({same, *(made.digest for made in different)}) == 6
