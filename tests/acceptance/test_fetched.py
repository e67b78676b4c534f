"""Lists that are fetched, and lists that are combined, from the command line to the mails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, GitBench
from tests.servers.web import Asked, WebServer, plain

DAY = "2025-10-{0:02}T{0}:00:00Z"  # a later hour on a later day: copies are over 48 hours old
DRIP = """\
version: 1
list: people
schedule: {send: drip, start_at: 2025-10-20 09:00, timezone: America/Chicago}
sequence:
  - {id: one, delay: 0, template: hello}
  - {id: two, delay: 2d, template: hello}
"""
LIST = """\
source: {{type: http, url: "{url}", allow_private: true{more}}}
refresh: {refresh}
"""
DOWN = plain(b"", status="503 Down")


def people(*names: str) -> bytes:
    return b"email,firstName\n" + b"".join(f"{n}@example.com,{n}\n".encode() for n in names)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/m.csv": plain(people("ann", "bob", "cid"))}) as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path, server: WebServer) -> Bench:
    bench = Bench(tmp_path / "work").workspace()
    bench.environ["SENDOFF_CACHE"] = str(tmp_path / "cache")
    fetch_from(bench, server)
    bench.write("campaigns/drip.yaml", DRIP)
    assert bench.sendoff("init").code == 0
    return bench


def fetch_from(
    bench: Bench, server: WebServer, refresh: str = "{max_age: 24h}", more: str = ""
) -> None:
    text = LIST.format(url=server.url("/m.csv"), refresh=refresh, more=more)
    bench.write("campaigns/lists/people.yaml", text)


def run(bench: Bench, day: int) -> tuple[int, int, list[dict[str, object]]]:
    said = bench.sendoff("run", "--json", "--now", DAY.format(day))
    return said.code, said.json["sent"], said.json["held"]


def test_a_list_is_mailed_from_where_it_is(bench: Bench, server: WebServer) -> None:
    """And fetched once a day, not once a run."""
    assert run(bench, 20) == (0, 3, [])
    assert run(bench, 20) == (0, 0, [])
    assert {mail["To"].addresses[0].username for mail in bench.outbox()} == {"ann", "bob", "cid"}
    asked = len(server.asked)
    assert asked == 1
    assert run(bench, 22) == (0, 3, [])
    assert len(server.asked) == asked + 1


@pytest.mark.parametrize(
    "answer", [DOWN, plain(people()), plain(b""), plain(people("ann"), length=999)]
)
def test_a_list_that_cannot_be_had_holds_and_says_the_line(
    bench: Bench, server: WebServer, answer: object
) -> None:
    """Down, empty, or cut off in the middle: nobody is mailed, and nobody is taken for gone."""
    run(bench, 20)
    server.answers["/m.csv"] = answer  # type: ignore[assignment]  # an Answer
    code, sent, (hold,) = run(bench, 22)
    assert (code, sent, hold["code"]) == (3, 0, "list_refresh")
    assert "the copy at hand is 2d old" in str(hold["message"])
    line = "set refresh.on_error: use_cached in campaigns/lists/people.yaml:2"
    assert line in str(hold["release"])

    fetch_from(bench, server, "{max_age: 24h, on_error: use_cached}")
    plan = bench.sendoff("plan", "--now", DAY.format(22))
    assert "the list people is a copy 2d old: a run fetches it anew" in " ".join(plan.out.split())
    said = bench.sendoff("run", "--json", "--now", DAY.format(22), SENDOFF_LOG="text")
    assert (said.code, said.json["sent"]) == (0, 3)
    assert "event=old_list job=drip/two" in said.err
    assert "@" not in said.err


def test_a_list_that_shrank_is_held(bench: Bench, server: WebServer) -> None:
    bench.write("campaigns/drip.yaml", DRIP + "guards: {max_shrink: 30%}\n")
    run(bench, 20)
    server.answers["/m.csv"] = plain(people("ann", "bob"))
    code, sent, (hold,) = run(bench, 22)
    assert (code, sent, hold["code"]) == (3, 0, "max_shrink")
    assert hold["release"] == 'set guards.max_shrink: "34%" in campaigns/drip.yaml'


def test_a_pull_request_has_no_secrets(bench: Bench, server: WebServer) -> None:
    """And its files could name any server: none is asked, and what is not known is said.

    validate is not red for it.  With the key it is the same: a branch is a branch.
    """
    for key in ("", bench.environ["SENDOFF_STATE_KEY"]):
        bench.environ["SENDOFF_STATE_KEY"] = key
        plan = bench.sendoff("plan", "--json", "--now", DAY.format(20))
        assert plan.code == 3
        (hold,) = plan.json["holds"]
        assert hold["code"] == "list_unread"
        assert "is only fetched by a run" in hold["message"]
        assert "sendoff lists --refresh" in hold["release"]
        validate = bench.sendoff("validate")
        assert validate.code == 0, validate.out
        assert "is only fetched by a run" in validate.out
        assert bench.sendoff("preview").code == 0
        for command in (("preview", "drip"), ("lists",), ("why", "ann@example.com"), ("status",)):
            bench.sendoff(*command)
        assert server.asked == []
    assert bench.sendoff("lists", "--refresh", SENDOFF_STATE_KEY="").code == 0
    assert len(server.asked) == 1


def test_who_only_looks_sees_the_copy_at_hand(bench: Bench, server: WebServer) -> None:
    run(bench, 20)
    later = ("--now", DAY.format(22))
    plan = bench.sendoff("plan", *later)
    assert "the list people is a copy 2d old: a run fetches it anew" in " ".join(plan.out.split())
    assert bench.sendoff("plan", "--json", *later).json["jobs"][1]["due_count"] == 3
    assert len(server.asked) == 1


def test_a_secret_that_is_not_set_is_named(bench: Bench, server: WebServer) -> None:
    fetch_from(bench, server, more=', headers: {Authorization: "env:CRM_TOKEN"}')
    code, sent, (hold,) = run(bench, 20)
    assert (code, sent, hold["code"]) == (3, 0, "list_unread")
    assert "CRM_TOKEN is not set here" in str(hold["message"])
    assert "set the environment variable CRM_TOKEN" in str(hold["release"])


def test_no_secret_of_a_list_is_ever_shown(bench: Bench, server: WebServer) -> None:
    """Neither the address that is one, nor a header, nor what a server answers to them."""
    hidden = "tok-3f9a"
    url = server.url(f"/x.csv?sig={hidden}")
    bench.write(
        "campaigns/lists/people.yaml",
        'source: {type: http, url: "env:LIST_URL", allow_private: true, '
        'headers: {Authorization: "env:CRM_TOKEN"}}\n',
    )
    secrets = {"LIST_URL": url, "CRM_TOKEN": f"Bearer {hidden}"}
    echo = plain(b"", status=f"418 {hidden} {url}")
    page = plain(f"email\n{hidden},{hidden}\n".encode())
    for answer in (echo, page, plain(b"", f"Location: {url}x{hidden}", status="302 Found")):
        server.answers[f"/x.csv?sig={hidden}"] = answer
        for command in ("run", "plan", "lists", "doctor", "validate", "status"):
            said = bench.sendoff(command, **secrets)
            assert said.code in (0, 1, 3), said.err
            assert hidden not in said.out + said.err, command
    assert all("authorization" in headers for path, headers in server.asked)


def test_lists_shows_how_old_a_copy_is_and_fetches_it(bench: Bench, server: WebServer) -> None:
    assert "is only fetched by a run" in " ".join(bench.sendoff("lists").out.split())
    bench.sendoff("lists", "--refresh")
    server.answers["/m.csv"] = plain(people("ann"))
    (young,) = bench.sendoff("lists", "--json").json["lists"]
    assert (young["rows"], young["fetched_at"] is None) == (3, False)
    assert 0 <= young["age_seconds"] < 600
    assert young["source"] == server.url("/m.csv")
    assert "just now" in bench.sendoff("lists").out
    (fresh,) = bench.sendoff("lists", "--refresh", "--json").json["lists"]
    assert fresh["rows"] == 1
    server.answers["/m.csv"] = DOWN
    failed = bench.sendoff("lists", "--refresh")
    assert failed.code == 1
    assert "503" in failed.out
    assert bench.sendoff("lists").code == 0


def test_a_run_that_is_killed_while_it_fetches_leaves_nothing(
    bench: Bench, server: WebServer
) -> None:
    """``kill -9`` when half of the list has come: no copy, no claim, no mail; then all of it."""
    half_way, release = threading.Event(), threading.Event()

    def stalls(asked: Asked) -> None:
        body = people("ann", "bob", "cid")
        asked.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:30])
        half_way.set()
        release.wait(60)

    whole, server.answers["/m.csv"] = server.answers["/m.csv"], stalls
    command = [sys.executable, "-m", "runner", "--root", str(bench.root), "run"]
    environ = {**os.environ, **bench.environ}
    with subprocess.Popen(
        [*command, "--now", DAY.format(20)], env=environ, stderr=subprocess.DEVNULL
    ) as killed:
        assert half_way.wait(60)
        killed.send_signal(signal.SIGKILL)
    release.set()
    assert killed.returncode == -signal.SIGKILL
    assert bench.outbox() == []
    server.answers["/m.csv"] = whole
    assert run(bench, 20) == (0, 3, [])
    left = {path.suffix for path in Path(bench.environ["SENDOFF_CACHE"]).rglob("*.*")}
    assert left <= {".lock", ".entry", ".data", ".json"}


def test_lists_are_combined(bench: Bench) -> None:
    """Everyone of two lists once, less those of a third, whichever list says who left."""
    bench.write(
        "campaigns/lists/guests.yaml",
        "source: {type: inline, contacts: [{email: ANN@example.com}, {email: dee@example.com}, "
        "{email: eve@example.com, opted_out: true}]}\n",
    )
    bench.write(
        "campaigns/lists/invited.yaml",
        "source: {type: inline, contacts: [{email: bob@example.com, opted_out: true}]}\n",
    )
    both = DRIP.replace("list: people", "list: {use: [people, guests], minus: invited}")
    bench.write("campaigns/drip.yaml", both)
    assert bench.sendoff("lists", "--refresh").code == 0
    plan = bench.sendoff("plan", "--now", DAY.format(20))
    assert "lists people and guests, less invited" in " ".join(plan.out.split())
    assert run(bench, 20) == (0, 3, [])
    got = sorted(mail["To"].addresses[0].username for mail in bench.outbox())
    assert got == ["ann", "cid", "dee"]
    why = bench.sendoff("why", "bob@example.com", "drip", "--now", DAY.format(20)).out
    assert "is in a list that is left out" in " ".join(why.split())
    used = {one["name"]: one["used_by"] for one in bench.sendoff("lists", "--json").json["lists"]}
    assert used == {"people": ["drip"], "guests": ["drip"], "invited": ["drip"]}
    bench.write("campaigns/drip.yaml", both.replace("minus: invited", 'where: "contact.firstName"'))
    assert "the list guests has no field firstName" in bench.sendoff("validate").out


def test_doctor_tells_whether_a_list_can_be_had(bench: Bench, server: WebServer) -> None:
    assert "list people" in bench.sendoff("doctor").out
    assert "3 rows" in bench.sendoff("doctor").out
    fetch_from(bench, server, more=', headers: {Authorization: "env:CRM_TOKEN"}')
    found = bench.sendoff("doctor")
    assert found.code == 1
    assert "CRM_TOKEN is not set here" in " ".join(found.out.split())


def test_why_answers_though_a_list_cannot_be_had(bench: Bench, server: WebServer) -> None:
    bench.write("campaigns/lists/local.yaml", "source: {type: csv, path: people.csv}\n")
    server.answers["/m.csv"] = DOWN
    said = bench.sendoff("why", "p1@example.com", "--now", DAY.format(20))
    assert said.code == 0
    out = " ".join(said.out.split())
    assert "No campaign that was planned concerns this contact" in out
    assert "On list local" in out
    assert "Perhaps on people · cannot be read" in out


def test_a_merge_whose_list_is_not_read_does_not_say_none(
    tmp_path: Path, server: WebServer
) -> None:
    """How many mails are to go is not known: "0 mails to go" would be a lie."""
    bench = GitBench.make(tmp_path).workspace(backend="git")
    bench.campaign()
    bench.merge()
    fetch_from(bench, server)
    bench.environ = {}
    plan = bench.sendoff("plan", "--base", "HEAD")
    assert "How many mails are to go is not known here" in " ".join(plan.out.split())
    assert bench.sendoff("plan", "--base", "HEAD", "--json").json["changes"][0]["unread"] is True
    assert server.asked == []
