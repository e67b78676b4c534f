"""A list of SendGrid Marketing, from the command line to the mails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.bench import Bench
from tests.servers.sendgrid_marketing import Contact, Fault, MarketingServer

AT = ("--now", "2025-10-20T14:00:00Z")
LATER = ("--now", "2025-10-20T20:30:00Z")
TIME = "{send: scheduled, at: '2025-10-20T20:00:00Z', expires_after: 24h}"
LIST = """\
source: {{type: sendgrid, {which}}}
columns: {{email: email, firstName: first_name, team: favourite_team}}
{more}
"""


def people(count: int) -> list[Contact]:
    return [
        {"email": f"p{n}@example.com", "first_name": f"Name{n}", "favourite_team": "Lions"}
        for n in range(count)
    ]


@pytest.fixture
def server() -> Iterator[MarketingServer]:
    with MarketingServer() as running:
        running.polls = 0
        running.custom = ("favourite_team",)
        running.page = 2
        for n in range(5):
            running.add_list(f"Other {n}", people(1))
        running.add_list("Newsletter", people(250))
        running.rows_per_file = 100
        yield running


@pytest.fixture
def bench(tmp_path: Path, server: MarketingServer) -> Bench:
    bench = Bench(tmp_path / "work")
    more = f'providers: {{sendgrid: {{base_url: "{server.url}"}}}}\nguards: {{max_shrink: 30%}}'
    bench.workspace(more=more).campaign(schedule=TIME)
    bench.environ |= {
        "SENDGRID_API_KEY": server.key,
        "SENDOFF_CACHE": str(tmp_path / "cache"),
    }
    listed(bench)
    assert bench.sendoff("init", *AT).code == 0
    return bench


def listed(bench: Bench, which: str = "list: Newsletter", more: str = "") -> None:
    bench.write("campaigns/lists/people.yaml", LIST.format(which=which, more=more))


def hold(bench: Bench, server: MarketingServer) -> dict[str, Any]:
    """The one hold of a run at which nobody was mailed."""
    said = bench.sendoff("run", "--json", *LATER)
    assert (said.code, said.json["sent"]) == (3, 0), said.err
    assert bench.outbox() == []
    for secret in (server.key, "s3cr3t", "@example.com", "trouble"):
        assert secret not in said.out + said.err
    (found,) = said.json["held"]
    return dict(found)


def sent(bench: Bench) -> int:
    said = bench.sendoff("run", "--json", *LATER)
    assert said.code == 0, said.out + said.err
    return int(said.json["sent"])


def test_everyone_of_all_files_is_mailed_once(bench: Bench) -> None:
    assert sent(bench) == 250
    assert sent(bench) == 0
    addresses = {mail["To"].addresses[0].addr_spec for mail in bench.outbox()}
    assert addresses == {f"p{n}@example.com" for n in range(250)}
    assert "Hello Name7" in {mail["Subject"] for mail in bench.outbox()}


def test_a_segment_is_mailed(bench: Bench, server: MarketingServer) -> None:
    server.add_segment("Lions", people(3))
    listed(bench, "segment: Lions")
    assert sent(bench) == 3


@pytest.mark.parametrize("what", ["fails", "is short", "is cut", "is refused"])
def test_an_export_that_is_not_whole_holds(
    bench: Bench, server: MarketingServer, what: str
) -> None:
    """And the next run, when it is whole, mails all of it."""
    if what == "fails":
        server.failure = "trouble"
    elif what == "is short":
        server.counted = 251
    elif what == "is cut":
        server.misbehave("GET /exports/", Fault("cut"))
    else:
        server.misbehave("POST /v3/marketing", Fault("status", 403))
    held = hold(bench, server)
    assert held["code"] == "list_refresh"
    assert "the list people could not be fetched" in held["message"]
    server.failure, server.counted = "", "truly"
    assert sent(bench) == 250


def test_a_stale_copy_is_used_by_the_line_that_is_named(
    bench: Bench, server: MarketingServer
) -> None:
    bench.sendoff("run", *AT)
    server.failure = "trouble"
    held = hold(bench, server)
    assert "the copy at hand is 6h old" in held["message"]
    line = "set refresh.on_error: use_cached in campaigns/lists/people.yaml"
    assert line in held["release"]
    listed(bench, more="refresh: {on_error: use_cached}")
    assert sent(bench) == 250


def test_a_list_that_shrank_is_held(bench: Bench, server: MarketingServer) -> None:
    """Whole, and a third of what was seen when the campaign was approved."""
    bench.sendoff("run", *AT)
    for number, (name, _) in server.groups["list"].items():
        if name == "Newsletter":
            server.groups["list"][number] = (name, people(80))
    held = hold(bench, server)
    assert held["code"] == "max_shrink"
    assert "max_shrink" in held["release"]


def test_a_list_that_is_gone_is_held(bench: Bench, server: MarketingServer) -> None:
    listed(bench, "list: Newsleter")
    held = hold(bench, server)
    assert "SendGrid has no list of that name" in held["message"]
    assert "did you mean 'Newsletter'?" in held["release"]


def test_an_export_that_takes_too_long_ends_within_the_runs_budget(
    bench: Bench, server: MarketingServer
) -> None:
    """Its own ``timeout`` is half an hour."""
    server.polls = 10**6
    said = bench.sendoff("run", "--json", "--budget", "1s", *LATER)
    assert (said.code, said.json["sent"]) == (3, 0), said.err
    (found,) = said.json["held"]
    assert found["code"] == "list_refresh"
    assert "it did not come in time" in found["message"]
    assert "raise run.budget" in found["release"]
