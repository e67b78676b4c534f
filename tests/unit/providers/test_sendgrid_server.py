"""The strict server is only worth something if it does refuse."""

from __future__ import annotations

import copy
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers.sendgrid import SendgridServer
from tests.servers.sendgrid_rules import errors

NOW = 1_760_000_000.0

GOOD: dict[str, Any] = {
    "personalizations": [
        {"to": [{"email": "a@example.org"}], "substitutions": {"-n-": "Ada"}},
        {"to": [{"email": "b@example.org", "name": "Bob"}], "send_at": int(NOW) + 72 * 3600},
    ],
    "from": {"email": "hello@f3.example"},
    "subject": "Hello -n-",
    "content": [{"type": "text/plain", "value": "hi -n-"}, {"type": "text/html", "value": "<p>"}],
    "categories": ["spring"],
    "custom_args": {"job": "spring/main"},
    "attachments": [{"content": "aGk=", "filename": "a.txt", "type": "text/plain"}],
}


def _first(request: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = request["personalizations"][0]
    return entry


BAD: list[tuple[str | None, Callable[[dict[str, Any]], object]]] = [
    (None, lambda r: r.update(unknown=1)),
    (None, lambda r: _first(r).update(asm={"group_id": 1})),
    (None, lambda r: r["attachments"][0].update(size=3)),
    ("personalizations", lambda r: r.update(personalizations=[])),
    ("personalizations", lambda r: r.pop("personalizations")),
    ("personalizations", lambda r: r.update(personalizations=[_first(r)] * 1001)),
    ("personalizations.0.to", lambda r: _first(r).update(to=[])),
    ("personalizations.0.to", lambda r: _first(r).update(to=[{"email": "nobody"}])),
    ("personalizations.0.to", lambda r: _first(r).update(to=[{"email": "a..b@example.org"}])),
    (
        "personalizations.0.to",
        lambda r: _first(r).update(to=[{"email": "x" * 320 + "@example.org"}]),
    ),
    ("personalizations.0.to", lambda r: _first(r)["to"][0].update(name="Ada, Countess")),
    ("personalizations.0.to", lambda r: _first(r)["to"][0].update(size="L")),
    (
        "personalizations.1.to",
        lambda r: r["personalizations"][1]["to"][0].update(email="A@EXAMPLE.org"),
    ),
    ("personalizations.0.subject", lambda r: _first(r).update(subject="")),
    ("personalizations.0.send_at", lambda r: _first(r).update(send_at=int(NOW) + 72 * 3600 + 1)),
    ("personalizations.0.send_at", lambda r: _first(r).update(send_at="soon")),
    ("personalizations.0.headers", lambda r: _first(r).update(headers={"Reply-To": "x"})),
    ("personalizations.0.headers", lambda r: _first(r).update(headers={"X-A": 3})),
    ("personalizations.0.headers", lambda r: _first(r).update(headers={"X-A": "b\r\nc"})),
    ("personalizations.0.substitutions", lambda r: _first(r).update(substitutions={"-n-": 3})),
    (
        "personalizations.0.substitutions",
        lambda r: _first(r).update(substitutions={"-n-": "ü" * 5000}),
    ),
    ("personalizations.0.custom_args", lambda r: _first(r).update(custom_args={"a": ""})),
    ("personalizations.0.custom_args", lambda r: _first(r).update(custom_args={"a": "x" * 10_000})),
    ("from", lambda r: r.pop("from")),
    ("from", lambda r: r.update({"from": {"email": "jürgen@f3.example"}})),
    ("subject", lambda r: r.pop("subject")),
    ("subject", lambda r: r.update(subject="")),
    ("content", lambda r: r.pop("content")),
    ("content", lambda r: r["content"].reverse()),
    ("content.0.value", lambda r: r["content"][0].update(value="")),
    ("content.0.type", lambda r: r["content"][0].update(type="text/plain; charset=utf-8")),
    ("reply_to", lambda r: r.update(reply_to={"email": "a@example.org"}, reply_to_list=[])),
    ("reply_to", lambda r: r.update(reply_to={"email": "x"})),
    ("headers", lambda r: r.update(headers={"x-sg-id": "1"})),
    ("categories", lambda r: r.update(categories=["a", "a"])),
    ("categories", lambda r: r.update(categories=[str(n) for n in range(11)])),
    ("categories", lambda r: r.update(categories=["ü"])),
    ("categories", lambda r: r.update(categories=["x" * 256])),
    ("send_at", lambda r: r.update(send_at=int(NOW) + 999_999)),
    ("asm.group_id", lambda r: r.update(asm={"group_id": "1"})),
    ("attachments.0.content", lambda r: r["attachments"][0].update(content="")),
    ("attachments.0.content", lambda r: r["attachments"][0].update(content="no base64!")),
    ("attachments.0.filename", lambda r: r["attachments"][0].pop("filename")),
    ("attachments.0.type", lambda r: r["attachments"][0].update(type="text/calendar; method=X")),
    ("attachments.0.disposition", lambda r: r["attachments"][0].update(disposition="beside")),
]


def test_a_good_request_passes() -> None:
    assert errors(GOOD, NOW) == []


@pytest.mark.parametrize(("field", "spoil"), BAD, ids=[f"{n}-{f}" for n, (f, _) in enumerate(BAD)])
def test_a_bad_one_does_not(field: str | None, spoil: Callable[[dict[str, Any]], object]) -> None:
    request = copy.deepcopy(GOOD)
    spoil(request)
    assert field in [name for name, _ in errors(request, NOW)]


@pytest.fixture
def server() -> Iterator[SendgridServer]:
    with SendgridServer(now=lambda: NOW) as running:
        yield running


def _ask(
    server: SendgridServer, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
    sent = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, json.loads(answer) if answer else None, dict(response.getheaders())


def test_what_is_accepted_is_delivered_with_values_in_place(server: SendgridServer) -> None:
    status, _, headers = _ask(server, "POST", "/v3/mail/send", GOOD)
    assert status == 202
    ada, bob = server.delivered
    assert (ada.to, ada.subject, ada.text) == ("a@example.org", "Hello Ada", "hi Ada")
    assert bob.subject == "Hello -n-"
    assert {ada.message_id, bob.message_id} == {headers["X-Message-Id"]}


def test_a_refused_request_delivers_to_nobody(server: SendgridServer) -> None:
    server.barred.add("b@example.org")
    status, answer, _ = _ask(server, "POST", "/v3/mail/send", GOOD)
    assert status == 400
    assert [error["field"] for error in answer["errors"]] == ["personalizations.1.to"]
    assert server.delivered == []


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/v3/mail/send", {"Authorization": "Bearer None"}, 401),
        ("POST", "/v3/mail/send", {"Authorization": ""}, 401),
        ("GET", "/v3/mail/send", {}, 405),
        ("POST", "/v3/mail/send", {"Content_Type": "text/plain"}, 415),
        ("POST", "/v3/nowhere", {}, 404),
        ("GET", "/v3/scopes", {}, 200),
    ],
)
def test_the_door(
    server: SendgridServer, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert _ask(server, method, path, GOOD, **headers)[0] == status
    assert server.delivered == []


def test_scheduled_sends_are_paused_cancelled_and_resumed(server: SendgridServer) -> None:
    status, answer, _ = _ask(server, "POST", "/v3/mail/batch")
    assert status == 201
    batch = answer["batch_id"]
    path = "/v3/user/scheduled_sends"
    assert _ask(server, "POST", path, {"batch_id": "other", "status": "pause"})[0] == 400
    assert _ask(server, "POST", path, {"batch_id": batch, "status": "pause"})[0] == 201
    assert _ask(server, "POST", path, {"batch_id": batch, "status": "cancel"})[0] == 400
    assert _ask(server, "PATCH", f"{path}/{batch}", {"status": "cancel"})[0] == 204
    assert _ask(server, "PATCH", f"{path}/{batch}", {"status": "other"})[0] == 400
    assert _ask(server, "DELETE", f"{path}/{batch}")[0] == 204
    assert _ask(server, "DELETE", f"{path}/{batch}")[0] == 404
    assert _ask(server, "DELETE", f"{path}/{batch}", Authorization="Bearer x")[0] == 401


def test_ten_batches_at_most_are_cancelled_at_a_time(server: SendgridServer) -> None:
    path = "/v3/user/scheduled_sends"
    batches = [_ask(server, "POST", "/v3/mail/batch")[1]["batch_id"] for _ in range(11)]
    answers = [_ask(server, "POST", path, {"batch_id": b, "status": "cancel"})[0] for b in batches]
    assert answers == [201] * 10 + [400]


FAR = int(NOW) + 3600


def _handed_over(server: SendgridServer, send_at: int) -> str:
    batch: str = _ask(server, "POST", "/v3/mail/batch")[1]["batch_id"]
    mail = GOOD | {"batch_id": batch, "send_at": send_at}
    mail["personalizations"] = [{"to": [{"email": "a@example.org"}]}]
    assert _ask(server, "POST", "/v3/mail/send", mail)[0] == 202
    return batch


def _set(server: SendgridServer, batch: str, status: str = "cancel") -> int:
    asked = {"batch_id": batch, "status": status}
    return _ask(server, "POST", "/v3/user/scheduled_sends", asked)[0]


@pytest.mark.parametrize(("ahead", "stopped"), [(3600, 1), (600, 1), (599, 0), (0, 0)])
def test_mail_is_called_back_up_to_ten_minutes_before(
    server: SendgridServer, ahead: int, stopped: int
) -> None:
    batch = _handed_over(server, int(NOW) + ahead)
    assert _set(server, batch) == 201
    assert (len(server.called_back), len(server.delivered)) == (stopped, 1 - stopped)


def test_lifting_a_cancellation_sends_what_was_called_back(server: SendgridServer) -> None:
    batch = _handed_over(server, FAR)
    assert _set(server, batch) == 201
    path = f"/v3/user/scheduled_sends/{batch}"
    assert _ask(server, "GET", path)[1] == [{"batch_id": batch, "status": "cancel"}]
    assert _ask(server, "DELETE", path)[0] == 204
    assert _ask(server, "GET", path)[:2] == (200, [])
    assert len(server.delivered) == 1


def test_lifting_it_too_late_sends_nothing(server: SendgridServer) -> None:
    batch = _handed_over(server, FAR)
    assert _set(server, batch) == 201
    server.now = lambda: FAR + 1.0
    assert _ask(server, "DELETE", f"/v3/user/scheduled_sends/{batch}")[0] == 204
    assert server.delivered == []


def test_a_batch_has_to_be_one_of_the_servers(server: SendgridServer) -> None:
    status, answer, _ = _ask(server, "POST", "/v3/mail/send", GOOD | {"batch_id": "mine"})
    assert (status, answer["errors"][0]["field"]) == (400, "batch_id")


QUERY = 'to_email = "a@example.org"'
TIMES = 'sg_message_id_created_at >= TIMESTAMP "2025-10-09T08:53:20Z"'


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (QUERY, 1),
        (f"{QUERY} AND {TIMES}", 1),
        (f"{QUERY} AND {TIMES.replace('>=', '>')}", 0),
        (f"{TIMES} AND {TIMES.replace('>=', '<=')}", 2),
        (QUERY.replace("a@", "A@"), 0),
        ("status IN ('processed')", 2),
    ],
)
def test_the_log_answers(server: SendgridServer, query: str, found: int) -> None:
    _ask(server, "POST", "/v3/mail/send", GOOD | {"personalizations": [
        {"to": [{"email": name}]} for name in ("a@example.org", "b@example.org")
    ]})  # fmt: skip
    server.now = lambda: NOW + 61
    status, answer, _ = _ask(server, "POST", "/v3/logs", {"query": query, "limit": 1000})
    assert (status, len(answer["messages"])) == (200, found)
    for row in answer["messages"]:
        details = _ask(server, "GET", f"/v3/logs/{row['sg_message_id']}")[1]
        assert details["custom_args"] == {"job": "spring/main"}


@pytest.mark.parametrize(
    "asked",
    [
        {"query": "to_email LIKE 'a%'"},
        {"query": 'to_email > "a"'},
        {"query": 'nobody = "a"'},
        {"query": 'sg_message_id_created_at >= "2025-10-09T08:53:20Z"'},
        {"query": QUERY, "limit": 1001},
        {"query": QUERY, "limit": 0},
        {"query": QUERY, "offset": 1},
        {"query": ""},
    ],
)
def test_the_log_refuses_what_it_does_not_know(
    server: SendgridServer, asked: dict[str, object]
) -> None:
    assert _ask(server, "POST", "/v3/logs", asked)[0] == 400


@pytest.mark.parametrize(
    ("waited", "found"), [(59, 0), (60, 1), (30 * 86_400, 1), (30 * 86_400 + 1, 0)]
)
def test_the_log_is_late_and_forgets(server: SendgridServer, waited: int, found: int) -> None:
    _ask(server, "POST", "/v3/mail/send", GOOD)
    server.now = lambda: NOW + waited
    answer = _ask(server, "POST", "/v3/logs", {"query": QUERY})[1]
    assert len(answer["messages"]) == found
    message_id = server.delivered[0].sg_message_id
    assert _ask(server, "GET", f"/v3/logs/{message_id}")[0] == (200 if found else 404)
