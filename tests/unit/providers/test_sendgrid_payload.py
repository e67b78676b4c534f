from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.message import Composed, File, MessageBatch, Outcome, Parts
from runner.model.settings import Mailbox
from runner.providers import sendgrid_message
from runner.providers import sendgrid_payload as payload
from runner.providers.refusal import Refusal
from runner.providers.sendgrid_personal import MAX_SUBSTITUTION_BYTES
from tests.servers import sendgrid_rules
from tests.servers.batches import NOW, PARTS, batch, key

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


def _requests(sent: MessageBatch) -> list[dict[str, Any]]:
    payloads = payload.Payloads(sent, NOW)
    requests = [json.loads(payloads.body(group)) for group in payloads.groups()]
    assert [sendgrid_rules.errors(request, NOW) for request in requests] == [[]] * len(requests)
    return requests


def _filled(text: str, values: dict[str, str]) -> str:
    for tag, value in values.items():
        text = text.replace(tag, value)
    return text


def test_the_whole_request() -> None:
    files = (
        File("logo.png", "image/png", b"png", cid="logo"),
        File("i.ics", "text/calendar; method=REQUEST", b"ics"),
    )
    sent = batch(["Ada"], files=files, asm_group=7, send_at=NOW + 60)
    (request,) = _requests(sent)
    (entry,) = request.pop("personalizations")
    tags = list(entry.pop("substitutions"))
    assert entry == {
        "to": [{"email": "c0@example.org"}],
        "custom_args": {"sendoff_key": key(0).hex()},
        "headers": {
            "List-Unsubscribe": "<https://example.org/u?t=tok0>, <mailto:leave@example.org>"
        },
        "send_at": NOW + 60,
    }
    text, html = request.pop("content")
    assert text == {"type": "text/plain", "value": f"Dear {tags[0]},\ncome to us.\n"}
    assert html["type"] == "text/html"
    assert request == {
        "from": {"email": "hello@f3.example", "name": "F3 Nation"},
        "reply_to": {"email": "team@f3.example"},
        "subject": f"Hello {tags[0]}!",
        "headers": {
            "X-Sendoff-Job": "spring/main",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "categories": ["spring"],
        "custom_args": {"sendoff_job": "spring/main", "sendoff_claim": "run1-1"},
        "attachments": [
            {
                "content": base64.b64encode(b"png").decode(),
                "type": "image/png",
                "filename": "logo.png",
                "disposition": "inline",
                "content_id": "logo",
            },
            {
                "content": base64.b64encode(b"ics").decode(),
                "type": "text/calendar",
                "filename": "i.ics",
                "disposition": "attachment",
            },
        ],
        "asm": {"group_id": 7},
    }


@settings(deadline=None)
@given(st.lists(TEXT, min_size=2, max_size=4), st.lists(TEXT, min_size=4, max_size=4))
def test_any_text_with_any_values_is_put_together_right(
    texts: list[str], values: list[str]
) -> None:
    segments = tuple(p for n, text in enumerate(texts) for p in (text, n % 4))
    sent = batch(["x"], parts=Parts(("s",), segments, ()), values=[[v] for v in values])
    (request,) = (json.loads(p.body(g)) for p in [payload.Payloads(sent, NOW)] for g in p.groups())
    html = request["content"][0]["value"]
    values_by_tag = request["personalizations"][0]["substitutions"]
    assert _filled(html, values_by_tag) == sent.content.fill(segments, 0)
    backwards = dict(reversed(values_by_tag.items()))
    assert _filled(html, backwards) == sent.content.fill(segments, 0)


def test_a_value_that_holds_the_tags_gets_other_tags() -> None:
    first = payload.Payloads(batch(["Ada"]), NOW)
    stolen = next(iter(json.loads(first.body((0,)))["personalizations"][0]["substitutions"]))
    (request,) = _requests(batch([stolen]))
    assert stolen not in request["personalizations"][0]["substitutions"]
    assert stolen not in request["subject"]
    assert stolen in request["personalizations"][0]["substitutions"].values()


def test_tags_depend_on_the_claim() -> None:
    one, two = (_requests(batch(["Ada"], claim_id=claim))[0]["subject"] for claim in ("a", "b"))
    assert one != two


def test_eleven_holes_do_not_mix_up_one_and_ten() -> None:
    holes = range(12)
    parts = Parts(("s",), tuple(holes), ())
    sent = batch(["x"], parts=parts, values=[["abcdefghijkl"[n]] for n in holes])
    (request,) = _requests(sent)
    values = request["personalizations"][0]["substitutions"]
    assert _filled(request["content"][0]["value"], values) == "abcdefghijkl"


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])]
)
def test_a_thousand_share_a_request(count: int, sizes: list[int]) -> None:
    groups = payload.Payloads(batch(["A"] * count), NOW).groups()
    assert [len(group) for group in groups] == sizes
    assert [index for group in groups for index in group] == list(range(count))


@pytest.mark.parametrize("unit", ["x", "é", "\U0001f37b"])
def test_values_at_the_limit_are_substituted_and_beyond_it_inlined(unit: str) -> None:
    probe = payload.Payloads(batch(["A"]), NOW)
    tags = json.loads(probe.body((0,)))["personalizations"][0]["substitutions"]
    room = MAX_SUBSTITUTION_BYTES - sum(len(tag) for tag in tags) - len("A")
    fits = unit * (room // len(unit.encode())) + "x" * (room % len(unit.encode()))
    for value, inlined in ((fits, False), (fits + "x", True)):
        parts = replace(PARTS, html=("<p>", 1, "</p>"))
        (request,) = _requests(batch(["A"], parts=parts, values=[["A"], [value], ["t"]]))
        assert ("substitutions" not in request["personalizations"][0]) is inlined
        assert (value in request["content"][1]["value"]) is inlined


def test_a_contact_beyond_the_limit_is_alone_and_delays_nobody() -> None:
    story = "x" * 10_000
    names = ["A", "B", "C"]
    sent = batch(names, values=[names, ["A", story, "C"], ["1", "2", "3"]])
    assert payload.Payloads(sent, NOW).groups() == [(0, 2), (1,)]


def test_the_same_address_twice_never_shares_a_request() -> None:
    emails = ["a@example.org", "b@example.org", "A@example.org", "c@example.org"]
    requests = _requests(batch(["A", "B", "C", "D"], emails=emails))
    assert [len(request["personalizations"]) for request in requests] == [2, 2]


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(-3600, None), (0, None), (1, 1), (72 * 3600, 72 * 3600)],
)
def test_only_a_future_send_time_is_told(ahead: int, expected: int | None) -> None:
    (request,) = _requests(batch(["Ada"], send_at=NOW + ahead))
    told = request["personalizations"][0].get("send_at")
    assert told == (None if expected is None else NOW + expected)


def test_a_send_time_too_far_ahead_waits_for_a_later_run() -> None:
    sent = batch(["Ada", "Bob"], send_at=NOW + 72 * 3600 + 1)
    payloads = payload.Payloads(sent, NOW)
    assert payloads.groups() == []
    assert set(payloads.refused.values()) == {Outcome("temporary", "send time too far ahead")}


def test_one_contact_that_cannot_be_sent_is_left_out() -> None:
    payloads = payload.Payloads(batch(["Ada", "Eve\r\nX: y", "Bob"]), NOW)
    assert payloads.groups() == [(0, 2)]
    assert payloads.refused[1].kind == "refused"


@pytest.mark.parametrize(
    "sent",
    [
        batch(sender=Mailbox("jürgen@f3.example")),
        batch(sender=Mailbox("hello@f3.example", "a\r\nb")),
        batch(reply_to="nobody"),
        batch(parts=replace(PARTS, headers=(("Subject", ("x",)),))),
        batch(parts=replace(PARTS, headers=(("X-SG-EID", ("x",)),))),
        batch(files=(File("a\nb", "text/plain", b"x"),)),
    ],
)
def test_a_batch_that_cannot_be_sent(sent: MessageBatch) -> None:
    with pytest.raises(Refusal):
        payload.Payloads(sent, NOW)


@pytest.mark.parametrize(
    ("campaign", "category"),
    [("spring/2025", "spring/2025"), ("grüße\n", "gr__e_"), ("x" * 300, "x" * 255), ("", "_")],
)
def test_a_campaign_as_category(campaign: str, category: str) -> None:
    assert sendgrid_message.category(campaign) == category


def test_no_address_but_in_to() -> None:
    (request,) = _requests(batch(["Ada"]))
    request["personalizations"][0].pop("to")
    assert "c0@example.org" not in json.dumps(request)


def test_a_content_without_holes() -> None:
    sent = replace(batch(["Ada"]), content=Composed(Parts(("Hi",), ("<p>x</p>",), ("x",)), []))
    (request,) = _requests(sent)
    assert "substitutions" not in request["personalizations"][0]
    assert "headers" not in request["personalizations"][0]


def test_a_part_that_is_empty_is_left_out() -> None:
    sent = replace(batch(["Ada"]), content=Composed(Parts(("Hi",), ("<p>",), ("", "")), []))
    (request,) = _requests(sent)
    assert [part["type"] for part in request["content"]] == ["text/html"]


def test_a_batch_that_can_be_called_back_says_so_in_every_request() -> None:
    sent = replace(batch([f"N{n}" for n in range(1001)], send_at=NOW + 60), handle="b1")
    assert [request["batch_id"] for request in _requests(sent)] == ["b1", "b1"]
    assert "batch_id" not in _requests(batch(["Ada"], send_at=NOW + 60))[0]


@pytest.mark.parametrize(
    ("times", "common"),
    [
        ([NOW + 60, NOW + 60], NOW + 60),
        ([NOW + 60, NOW + 61], None),
        ([NOW - 60, NOW - 60], None),
        ([NOW, NOW], None),
    ],
)
def test_a_send_time_that_all_share_stands_beside_the_batch_id(
    times: list[int], common: int | None
) -> None:
    (request,) = _requests(replace(batch(["Ada", "Bob"]), send_at=times, handle="b1"))
    assert request.get("send_at") == common
    own = [entry.get("send_at") for entry in request["personalizations"]]
    assert own == [time if time > NOW else None for time in times]
