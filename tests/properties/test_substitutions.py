"""What SendGrid puts together is what each contact's mail is, whatever the values hold."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.message import MessageBatch, Parts
from runner.providers.sendgrid_message import tags
from runner.providers.sendgrid_payload import Payloads
from tests.servers import sendgrid_rules
from tests.servers.batches import NOW, batch

HOLES = 4
PARTS = Parts(
    subject=("News for ", 0, "", 1),
    html=("<p>", 1, "</p>", 2, 2, "<b>", 3, "</b> -s"),
    text=(0, "\n", 2, 3),
    headers=(("List-Unsubscribe", ("<https://example.org/", 3, ">")), ("X-%s", (0, "%d"))),
)
STOLEN = list(tags(batch(["Ada"], parts=PARTS, values=[["x"]] * HOLES)).values())
"""The tags that the batch would get if no value held them."""

HOSTILE = st.sampled_from(
    [
        *(*STOLEN, STOLEN[0][:-1], STOLEN[0][1:], "-s", "-", "%s", "%", '"', "\\", "{{ name }}"),
        *("<script>", "&amp;", "\U0001f37b", "\u202e\u05d0", "é", "x" * 40, "", " ", "\x00\x1f"),
    ]
)
BREAKS = st.sampled_from(["\r\n", "\n", "\r", "\u2028"])
LINE = st.lists(HOSTILE.filter(lambda piece: "\x00" not in piece), max_size=4).map("".join)
TEXT = st.lists(HOSTILE | BREAKS, max_size=6).map("".join)
LONG = st.integers(0, 3).map(lambda n: "Łódź " * (700 * n))


def _assembled(sent: MessageBatch) -> dict[str, tuple[str, str, str, dict[str, str]]]:
    """Every mail as the server makes it, replacing one tag after the other."""
    payloads = Payloads(sent, NOW)
    mails = {}
    for group in payloads.groups():
        request = json.loads(payloads.body(group))
        assert sendgrid_rules.errors(request, NOW) == []
        bodies = {part["type"]: part["value"] for part in request["content"]}
        for entry in request["personalizations"]:
            texts = [request["subject"], bodies.get("text/html", ""), bodies.get("text/plain", "")]
            for tag, value in entry.get("substitutions", {}).items():
                texts = [text.replace(tag, value) for text in texts]
            subject, html, text = texts
            mails[entry["to"][0]["email"]] = (subject, html, text, entry.get("headers", {}))
    return mails


@settings(deadline=None)
@given(st.lists(st.tuples(LINE, LINE, TEXT | LONG, st.just("t") | st.just("%u%")), max_size=5))
def test_every_mail_is_put_together_as_it_would_be_rendered(
    rows: list[tuple[str, str, str, str]],
) -> None:
    """Tags inside values, markup, four-byte emoji, right to left, CR and LF, beyond the limit."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * HOLES
    sent = batch(["x"] * len(rows), parts=PARTS, values=columns)
    fill = sent.content.fill
    assert _assembled(sent) == {
        sent.emails[i]: (
            fill(PARTS.subject, i),
            fill(PARTS.html, i),
            fill(PARTS.text, i),
            {name: fill(segments, i) for name, segments in PARTS.headers},
        )
        for i in range(len(rows))
    }


@settings(deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=6), st.integers(0, 5))
def test_one_who_cannot_be_sent_changes_nothing_for_the_others(names: list[str], at: int) -> None:
    """Whole columns are looked at first; with one odd value among them each is looked at alone."""
    parts = Parts(("Hello ", 0), ("<p>", 0, "</p>"), ())
    plain = [name for name in names if name.isprintable()]
    odd = [*plain[:at], "a\r\nBcc: b", *plain[at:]]
    emails = [f"c{n}@example.org" for n in range(len(odd))]
    lone = Payloads(batch(odd, parts=parts, values=[odd], emails=emails), NOW)
    where = min(at, len(plain))
    assert set(lone.refused) == {where}
    mails = _assembled(batch(odd, parts=parts, values=[odd], emails=emails))
    expected = {e: f"<p>{name}</p>" for e, name in zip(emails, odd, strict=True)}
    del expected[emails[where]]
    assert {to: html for to, (_, html, _, _) in mails.items()} == expected
