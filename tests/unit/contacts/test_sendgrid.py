"""Lists and segments of SendGrid Marketing, from a server that speaks its protocol."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from runner.contacts.sources.fetchers import fetcher_of
from runner.contacts.sources.fetching import FetchError, Reach, SecretMissing
from runner.model.settings import Secret, SendgridSettings
from runner.model.sources import SendgridSource
from runner.testing import FakeClock
from runner.workspace import WorkspaceFiles
from tests.servers.sendgrid_marketing import Contact, Fault, MarketingServer

NOW = datetime(2025, 10, 20, 14, tzinfo=UTC)
EXPORTS = "/v3/marketing/contacts/exports"
LISTS = "GET /v3/marketing/lists"


@pytest.fixture
def server() -> Iterator[MarketingServer]:
    with MarketingServer() as server:
        server.custom = ("favourite_team", "Plan")
        yield server


class Fetch:
    """One fetch, with a clock that waits for nobody."""

    def __init__(self, server: MarketingServer, *, timeout: timedelta = timedelta(minutes=30)):
        self.server, self.timeout = server, timeout
        self.clock = FakeClock(NOW)
        self.environ = {"SG_KEY": server.key}

    def __call__(self, name: str, kind: Literal["list", "segment"] = "list") -> list[Contact]:
        settings = SendgridSettings(Secret("SG_KEY"), self.server.url)
        reach = Reach(self.environ, self.clock, WorkspaceFiles(Path("/nowhere")), settings)
        sink = io.BytesIO()
        fetched = fetcher_of(SendgridSource(kind, name, self.timeout), reach).fetch(sink, {})
        rows = list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline="")))
        assert fetched is not None
        assert (fetched.form.format, fetched.rows) == ("csv", len(rows))
        return rows

    def refusal(self, name: str = "Newsletter") -> FetchError:
        """What is said when it fails: no secret, nothing of what the server says."""
        with pytest.raises(FetchError) as caught:
            self(name)
        error = caught.value
        said = f"{error.message} {error.hint} {error!r}"
        for secret in (self.server.key, "s3cr3t", "@x.example", "trouble", self.server.files_url):
            assert secret not in said
        return error


@pytest.fixture
def fetch(server: MarketingServer) -> Fetch:
    return Fetch(server)


def people(count: int) -> list[Contact]:
    return [
        {
            "email": f"p{n}@x.example",
            "first_name": f"Náme, {n}",
            "favourite_team": 'the "Lions"\nof Łódź',
            "contact_id": f"id-{n}",
        }
        for n in range(count)
    ]


class TestFetching:
    def test_a_list_by_its_name(self, server: MarketingServer, fetch: Fetch) -> None:
        """Reserved and custom fields by their names, in lower case whatever SendGrid writes."""
        server.add_list("Other", [])
        server.add_list("Newsletter", people(3))
        rows = fetch("Newsletter")
        assert [row["email"] for row in rows] == [f"p{n}@x.example" for n in range(3)]
        assert rows[1]["first_name"] == "Náme, 1"
        assert rows[1]["favourite_team"] == 'the "Lions"\nof Łódź'
        assert (rows[1]["plan"], rows[1]["contact_id"]) == ("", "id-1")

    def test_a_list_by_its_id(self, server: MarketingServer, fetch: Fetch) -> None:
        number = server.add_list("Newsletter", people(2))
        assert len(fetch(number)) == 2
        assert server.seen(LISTS) == []

    def test_a_segment_by_its_name(self, server: MarketingServer, fetch: Fetch) -> None:
        server.add_list("Active", people(9))
        server.add_segment("Active", people(2))
        assert len(fetch("Active", "segment")) == 2
        (asked,) = server.seen(f"POST {EXPORTS}")
        assert list(json.loads(asked.body)) == ["segment_ids", "file_type", "max_file_size"]

    def test_a_name_on_a_later_page(self, server: MarketingServer, fetch: Fetch) -> None:
        for n in range(7):
            server.add_list(f"List {n}", people(n))
        server.page = 3
        assert len(fetch("List 6")) == 6
        assert len(server.seen(LISTS)) == 3

    def test_all_files_of_an_export(self, server: MarketingServer, fetch: Fetch) -> None:
        server.add_list("Newsletter", people(10))
        server.rows_per_file = 3
        assert [row["contact_id"] for row in fetch("Newsletter")] == [f"id-{n}" for n in range(10)]
        assert len(server.seen("GET /exports/")) == 4

    def test_files_may_come_unpacked(self, server: MarketingServer, fetch: Fetch) -> None:
        server.add_list("Newsletter", people(3))
        server.misbehave("GET /exports/", Fault("not gzip"))
        assert len(fetch("Newsletter")) == 3

    def test_it_waits_until_the_export_is_ready(
        self, server: MarketingServer, fetch: Fetch
    ) -> None:
        """Ever longer between two looks, so that a long export costs few requests."""
        server.add_list("Newsletter", people(1))
        server.polls = 8
        fetch("Newsletter")
        assert len(server.seen(f"GET {EXPORTS}/")) == 9
        assert fetch.clock.now() - NOW == timedelta(seconds=1 + 2 + 4 + 8 + 15 * 4)

    def test_the_key_goes_nowhere_else(self, server: MarketingServer, fetch: Fetch) -> None:
        """The files lie at another host, which would refuse it and must not know it."""
        server.add_list("Newsletter", people(1))
        fetch("Newsletter")
        for asked in server.asked:
            if asked.host == "files":
                assert server.key not in str(asked.headers)
            else:
                assert asked.headers["authorization"] == f"Bearer {server.key}"

    def test_a_list_without_contacts_has_its_header(
        self, server: MarketingServer, fetch: Fetch
    ) -> None:
        server.add_list("Newsletter", [])
        assert fetch("Newsletter") == []


class TestNames:
    def test_a_name_that_is_none_is_told_with_the_nearest(
        self, server: MarketingServer, fetch: Fetch
    ) -> None:
        server.add_list("Newsletter", people(1))
        error = fetch.refusal("Newsleter")
        assert error.message == "SendGrid has no list of that name"
        assert error.hint == "did you mean 'Newsletter'?"
        assert server.seen("POST") == []

    def test_a_name_that_two_have_is_not_guessed(
        self, server: MarketingServer, fetch: Fetch
    ) -> None:
        server.add_list("Newsletter", people(1))
        server.add_list("Newsletter", people(2))
        assert fetch.refusal().message == "SendGrid has 2 lists of that name"

    def test_an_id_that_is_none(self, server: MarketingServer, fetch: Fetch) -> None:
        error = fetch.refusal("11111111-2222-3333-4444-555555555555")
        assert error.message == "SendGrid has no such list"

    def test_pages_that_do_not_end_are_left(self, server: MarketingServer, fetch: Fetch) -> None:
        server.add_list("Other", [])
        link = "https://api.sendgrid.com/v3/marketing/lists?page_token=7"
        page = json.dumps({"result": [], "_metadata": {"next": link}}).encode()
        server.misbehave(LISTS, *[Fault("status", 200, body=page)] * 9)
        assert fetch.refusal().message == "SendGrid's pages of lists do not end"


class TestFailures:
    """A failure is a failure: never a shorter list."""

    @pytest.fixture(autouse=True)
    def _newsletter(self, server: MarketingServer) -> None:
        server.add_list("Newsletter", people(6))

    def test_fewer_rows_than_were_counted(self, server: MarketingServer, fetch: Fetch) -> None:
        server.counted = 7
        error = fetch.refusal()
        assert error.message == "SendGrid exports 7 contacts, and 6 arrived"
        assert error.transient

    def test_an_export_that_counts_nothing_is_taken_as_it_is(
        self, server: MarketingServer, fetch: Fetch
    ) -> None:
        """The count is optional in the contract; every file must be whole all the same."""
        server.counted = None
        assert len(fetch("Newsletter")) == 6

    @pytest.mark.parametrize("fault", ["cut", "truncated gzip", "garbage"])
    def test_a_file_that_is_not_whole(
        self,
        server: MarketingServer,
        fetch: Fetch,
        fault: Literal["cut", "truncated gzip", "garbage"],
    ) -> None:
        server.rows_per_file = 3
        server.counted = None
        server.misbehave("GET /exports/", Fault(fault))
        error = fetch.refusal()
        assert error.message.startswith("a file of SendGrid's export: ")
        assert error.transient

    def test_a_link_that_is_too_old(self, server: MarketingServer, fetch: Fetch) -> None:
        server.misbehave("GET /exports/", Fault("status", 403, body=b"<Error>Expired</Error>"))
        assert fetch.refusal().message == "a file of SendGrid's export: the server answered 403"

    def test_an_export_that_fails(self, server: MarketingServer, fetch: Fetch) -> None:
        server.failure = "trouble with p1@x.example"
        error = fetch.refusal()
        assert error.message == "SendGrid's export failed"
        assert error.transient

    def test_an_export_that_is_not_ready_in_time(self, server: MarketingServer) -> None:
        server.polls = 1_000_000
        fetch = Fetch(server, timeout=timedelta(minutes=5))
        error = fetch.refusal()
        assert error.message == "it did not come in time"
        assert fetch.clock.now() - NOW == timedelta(minutes=5)

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (401, "SendGrid does not accept the API key in SG_KEY"),
            (403, "the API key in SG_KEY may not read Marketing lists"),
            (400, "SendGrid answered 400"),
        ],
    )
    @pytest.mark.parametrize("at", [LISTS, f"POST {EXPORTS}", f"GET {EXPORTS}/"])
    def test_a_refusal_is_not_asked_again(
        self, server: MarketingServer, fetch: Fetch, at: str, status: int, message: str
    ) -> None:
        server.misbehave(at, Fault("status", status))
        error = fetch.refusal()
        assert error.message == message
        assert not error.transient
        assert len(server.seen(at)) == 1

    @pytest.mark.parametrize("at", [LISTS, f"POST {EXPORTS}", f"GET {EXPORTS}/"])
    @pytest.mark.parametrize("fault", [Fault("status", 503), Fault("cut"), Fault("garbage")])
    def test_a_passing_trouble_is_asked_again(
        self, server: MarketingServer, fetch: Fetch, at: str, fault: Fault
    ) -> None:
        server.misbehave(at, fault, fault)
        assert len(fetch("Newsletter")) == 6

    def test_a_lasting_trouble_is_given_up(self, server: MarketingServer, fetch: Fetch) -> None:
        server.misbehave(LISTS, *[Fault("status", 503)] * 99)
        error = fetch.refusal()
        assert (error.message, error.transient) == ("SendGrid answered 503", True)
        assert len(server.seen(LISTS)) == 6

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-RateLimit-Reset": str(int(NOW.timestamp()) + 40), "X-RateLimit-Remaining": "0"},
            {"Retry-After": "40"},
        ],
    )
    def test_a_rate_limit_is_waited_for(
        self, server: MarketingServer, fetch: Fetch, headers: dict[str, str]
    ) -> None:
        server.polls = 0
        server.misbehave(LISTS, Fault("status", 429, headers))
        assert len(fetch("Newsletter")) == 6
        assert fetch.clock.now() - NOW == timedelta(seconds=40)

    def test_a_rate_limit_beyond_the_time_is_not(self, server: MarketingServer) -> None:
        server.misbehave(LISTS, Fault("status", 429, {"Retry-After": "4000"}))
        fetch = Fetch(server, timeout=timedelta(minutes=5))
        assert fetch.refusal().message == "SendGrid answered 429"
        assert fetch.clock.now() == NOW

    def test_a_key_that_is_not_set(self, fetch: Fetch) -> None:
        fetch.environ.clear()
        assert isinstance(fetch.refusal(), SecretMissing)

    def test_a_key_that_would_be_two_headers(self, fetch: Fetch) -> None:
        fetch.environ["SG_KEY"] = "SG.x\r\nX-Other: 1"
        assert "line break" in fetch.refusal().message

    @pytest.mark.parametrize(
        "answer",
        [
            {"status": "ready"},
            {"status": "ready", "urls": "https://files.example/x", "contact_count": 1},
            {"status": "ready", "urls": [7], "contact_count": 1},
            {"status": "ready", "urls": ["file:///etc/passwd"], "contact_count": 1},
            {"status": "ready", "urls": ["http://files.example/x"], "contact_count": 1},
            [],
        ],
    )
    def test_an_answer_of_another_kind_is_none(
        self, server: MarketingServer, fetch: Fetch, answer: object
    ) -> None:
        """Also addresses that lead elsewhere than to a file over HTTPS."""
        fault = Fault("status", 200, body=json.dumps(answer).encode())
        server.misbehave(f"GET {EXPORTS}/", *[fault] * 9)
        fetch.refusal()
        assert server.seen("GET /exports/") == []
