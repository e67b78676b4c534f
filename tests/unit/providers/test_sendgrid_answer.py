from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.message import Outcome
from runner.providers.sendgrid_answer import (
    Accepted,
    Answer,
    Culprits,
    Narrow,
    Refused,
    Unclear,
    Unusable,
    Verdict,
    Wait,
    interpret,
)
from runner.providers.sendgrid_delivery import settle

NOW = 1_760_000_000.0


def _bad(*fields: str | None) -> Answer:
    errors = [{"message": "eve@example.org is bad", "field": f, "help": None} for f in fields]
    return Answer(400, {}, json.dumps({"errors": errors}).encode())


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Accepted("id")),
        (202, Accepted("id")),
        (201, Unclear("http 201")),
        (301, Unusable("http 301")),
        (307, Unusable("http 307")),
        (401, Unusable("http 401")),
        (403, Unusable("http 403")),
        (404, Unusable("http 404")),
        (405, Unusable("http 405")),
        (408, Unclear("http 408")),
        (413, Narrow("http 413")),
        (415, Unusable("http 415")),
        (429, Wait("http 429")),
        (500, Unclear("http 500")),
        (502, Unclear("http 502")),
        (503, Wait("http 503")),
        (504, Unclear("http 504")),
        (599, Unclear("http 599")),
    ],
)
def test_each_status_has_one_meaning(status: int, verdict: Verdict) -> None:
    assert interpret(Answer(status, {"x-message-id": "id"}, b"<html>"), 10, NOW) == verdict


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-reset": str(int(NOW) + 30)}, 30.0),
        ({"x-ratelimit-reset": str(int(NOW) - 30)}, 0.0),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "12", "x-ratelimit-reset": str(int(NOW) + 30)}, 30.0),
        ({"retry-after": "Mon, 20 Oct 2025 13:00:00 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
    ],
)
def test_what_the_server_asks_for_is_heard(headers: dict[str, str], seconds: float | None) -> None:
    assert interpret(Answer(429, headers, b""), 1, NOW) == Wait("http 429", seconds)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (_bad("personalizations.3.to"), Culprits({3: "http 400 to"})),
        (_bad("personalizations[3].to"), Culprits({3: "http 400 to"})),
        (_bad("personalizations.3"), Culprits({3: "http 400"})),
        (
            _bad("personalizations.0.to.0.email", "personalizations.9.substitutions", None),
            Culprits({0: "http 400 to", 9: "http 400 substitutions"}),
        ),
        (_bad("personalizations.10.to"), Narrow("http 400")),
        (_bad("personalizations"), Narrow("http 400")),
        (_bad("personalizations.x.to"), Narrow("http 400")),
        (_bad(None), Narrow("http 400")),
        (_bad(""), Narrow("http 400")),
        (_bad("something new"), Narrow("http 400")),
        (_bad(), Narrow("http 400")),
        (_bad("from"), Refused("http 400 from")),
        (_bad("from.email"), Refused("http 400 from")),
        (_bad("subject"), Refused("http 400 subject")),
        (_bad("content.0.value", "personalizations.3.to"), Refused("http 400 content")),
        (Answer(400, {}, b"<html>"), Narrow("http 400")),
        (Answer(400, {}, b""), Narrow("http 400")),
        (Answer(400, {}, b'"x"'), Narrow("http 400")),
        (Answer(400, {}, b'{"errors": "x"}'), Narrow("http 400")),
        (Answer(400, {}, b'{"errors": ["x", {"field": 3}]}'), Narrow("http 400")),
        (Answer(400, {}, b"\xff\xfe"), Narrow("http 400")),
    ],
)
def test_who_is_to_blame_for_a_400(answer: Answer, verdict: Verdict) -> None:
    assert interpret(answer, 10, NOW) == verdict


@settings(deadline=None)
@given(st.integers(200, 599), st.binary(max_size=200))
def test_no_answer_confuses_it_and_nothing_of_the_body_gets_out(status: int, body: bytes) -> None:
    verdict = interpret(Answer(status, {}, body), 5, NOW)
    assert "@" not in str(verdict)


def test_the_field_of_an_error_cannot_smuggle_an_address() -> None:
    answer = _bad("personalizations.0.eve@example.org", "personalizations.1.to.eve@example.org")
    assert "@" not in str(interpret(answer, 5, NOW))


GROUP = (10, 11, 12, 13)


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Accepted("id"), Outcome("accepted", ref="id")),
        (Unclear("x"), Outcome("ambiguous", "x")),
        (Refused("x"), Outcome("refused", "x")),
        (Wait("x"), Outcome("temporary", "x")),
        (Unusable("x"), Outcome("temporary", "x")),
        (Outcome("temporary", "not begun"), Outcome("temporary", "not begun")),
    ],
)
def test_a_verdict_on_all(verdict: Verdict | Outcome, outcome: Outcome) -> None:
    assert settle(GROUP, verdict) == (dict.fromkeys(GROUP, outcome), [])


def test_culprits_are_refused_and_the_others_sent_again_together() -> None:
    settled, again = settle(GROUP, Culprits({1: "x", 3: "y"}))
    assert settled == {11: Outcome("refused", "x"), 13: Outcome("refused", "y")}
    assert again == [(10, 12)]
    assert settle((10,), Culprits({0: "x"})) == ({10: Outcome("refused", "x")}, [])


def test_a_group_is_halved_until_one_is_left() -> None:
    assert settle(GROUP, Narrow("x")) == ({}, [(10, 11), (12, 13)])
    assert settle((10, 11, 12), Narrow("x")) == ({}, [(10,), (11, 12)])
    assert settle((10,), Narrow("x")) == ({10: Outcome("refused", "x")}, [])
