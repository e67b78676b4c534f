"""Suppressions from the command line: told by hand, pulled, and what a run makes of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.ledger.meta import key_id
from tests.acceptance.bench import KEY, Bench, GitBench, git
from tests.servers.sendgrid_suppressions import SuppressionServer

AT = ("--now", "2025-10-20T13:30:00Z")
LATER = ("--now", "2025-10-20T18:30:00Z")
NEXT_DAY = ("--now", "2025-10-22T13:30:00Z")
EPOCH = 1760967000
PULL = """\
providers: {{sendgrid: {{base_url: {url}, timeout_seconds: 5}}}}
suppressions:
  pull: [sendgrid]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace()
    bench.campaign()
    assert bench.sendoff("init", *AT).code == 0
    return bench


@pytest.fixture
def server() -> Iterator[SuppressionServer]:
    with SuppressionServer() as found:
        yield found


def asking(bench: Bench, server: SuppressionServer, more: str = "") -> Bench:
    """The bench's settings name the server as a source."""
    backend = "git" if isinstance(bench, GitBench) else "files"
    bench.workspace(backend=backend, more=PULL.format(url=server.url) + more)
    bench.environ["SENDGRID_API_KEY"] = server.key
    return bench


def to(bench: Bench) -> list[str]:
    return sorted(str(mail["To"]) for mail in bench.outbox())


def state(bench: Bench) -> bytes:
    return b"".join(p.read_bytes() for p in (bench.root / "state").rglob("*") if p.is_file())


def test_who_is_suppressed_is_not_mailed_and_the_state_holds_no_address(bench: Bench) -> None:
    said = bench.sendoff("suppress", "P1@Example.com", "stranger@example.org", *AT)
    assert (said.code, said.out) == (0, "2 contacts will not be mailed any more.\n")
    assert bench.sendoff("run", *AT).code == 0
    assert to(bench) == [f"p{n}@example.com" for n in (0, 2, 3, 4)]
    assert b"example.com" not in state(bench)
    said = bench.sendoff("suppress", "p1@example.com", *LATER)
    assert said.out == "1 contact was suppressed for this reason already.\n"


def test_addresses_from_standard_input_are_told_by_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("p0@example.com\n\nnobody\np2@example.com\n"))
    said = bench.sendoff("suppress", "-", *AT)
    assert (said.code, said.out) == (2, "")
    assert "not a valid address: line 3 of standard input. Nothing was changed" in said.err
    assert "nobody" not in said.err
    assert bench.sendoff("suppressions", "--json", *AT).json["contacts"] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("p0@example.com\n\np2@example.com\n"))
    assert bench.sendoff("suppress", "-", "--reason", "spam", *AT).code == 0
    found = bench.sendoff("suppressions", "--json", *AT).json
    assert found["reasons"] == [{"reason": "spam", "group": None, "contacts": 2}]


def test_an_undone_suppression_is_over_even_in_the_same_second(bench: Bench) -> None:
    bench.sendoff("suppress", "p1@example.com", *AT)
    said = bench.sendoff("suppress", "--undo", "p1@example.com", "p2@example.com", *AT)
    assert said.out == "1 contact may be mailed again.\n1 contact was not suppressed.\n"
    assert bench.sendoff("run", *AT).code == 0
    assert len(to(bench)) == 5
    bench.sendoff("suppress", "p1@example.com", *LATER)
    assert bench.sendoff("suppressions", "--json", *LATER).json["contacts"] == 1


def test_the_last_word_counts_even_in_the_same_second(bench: Bench) -> None:
    """Who is suppressed after a release is suppressed, also where the release is later by a clock
    that was ahead."""
    ahead = ("--now", "2026-01-01T00:00:00Z")
    for address in ("p1@example.com", "p2@example.com"):
        bench.sendoff("suppress", address, *AT)
        bench.sendoff("suppress", "--undo", address, *ahead)
    said = bench.sendoff("suppress", "p1@example.com", *AT)
    assert said.out == "1 contact will not be mailed any more.\n"
    assert bench.sendoff("forget", "p2@example.com", "--yes", *AT).code == 0
    found = bench.sendoff("suppressions", "--json", *AT).json
    assert [row["reason"] for row in found["reasons"]] == ["erased", "manual"]
    assert bench.sendoff("run", *AT).code == 0
    assert not {"p1@example.com", "p2@example.com"} & set(to(bench))


def test_plan_status_lists_and_why_say_the_finer_reason(bench: Bench) -> None:
    bench.sendoff("suppress", "p1@example.com", "--reason", "spam", *AT)
    bench.write("campaigns/suppressions/own.txt", "p2@example.com\n")
    plan = bench.sendoff("plan", *AT)
    assert "2 are on a suppression list (1 in a file, 1 complained of spam)" in " ".join(
        plan.out.split()
    )
    (job,) = bench.sendoff("plan", "--json", *AT).json["jobs"]
    assert job["excluded"] == {"suppressed": 2}
    assert job["suppressed"] == {"file": 1, "spam": 1}
    (one,) = bench.sendoff("lists", "--json").json["lists"]
    assert (one["audience"], one["excluded"]) == (3, {"suppressed": 2})
    assert one["suppressed"] == {"file": 1, "spam": 1}
    why = bench.sendoff("why", "p1@example.com", *AT)
    assert "complained of spam" in why.out
    assert "Suppressed" in why.out
    assert "Suppressed" not in bench.sendoff("why", "p3@example.com", *AT).out


# -- pulled --------------------------------------------------------------------------------------


def test_a_run_asks_before_it_plans(bench: Bench, server: SuppressionServer) -> None:
    asking(bench, server)
    server.lists["bounces"] = [
        {"email": "p1@example.com", "created": EPOCH - 9, "status": "5.1.1", "reason": "550"},
        {"email": "p2@example.com", "created": EPOCH - 9, "status": "4.2.2", "reason": "full"},
    ]
    server.lists["groups"] = [{"email": "p3@example.com", "group_id": 9, "created_at": EPOCH - 9}]
    said = bench.sendoff("run", *AT)
    assert said.code == 0
    assert "suppressions" not in said.err
    assert to(bench) == [f"p{n}@example.com" for n in (0, 2, 3, 4)]
    found = bench.sendoff("suppressions", *AT)
    assert "2 contacts must not be mailed" in found.out
    assert "1 left this kind of mail (group 9)" in found.out
    assert "1 soft bounces" in found.out
    assert "as of 2025-10-20 13:30 UTC" in found.out


def test_a_source_that_is_away_holds_what_is_due_until_it_is_back(
    bench: Bench, server: SuppressionServer
) -> None:
    asking(bench, server, "  max_age: 20h\n")
    server.faults["spam_reports"].extend([404, 404])
    said = bench.sendoff("run", *AT)
    assert (said.code, to(bench)) == (3, [])
    line = (bench.root / "sendoff.yaml").read_text().splitlines().index("  max_age: 20h") + 1
    assert "suppressions_stale" in bench.sendoff("run", "--json", *AT).out
    plan = bench.sendoff("plan", *AT)
    assert plan.code == 3
    assert "the suppressions of sendgrid were never pulled whole" in " ".join(plan.out.split())
    assert f"suppressions.max_age in sendoff.yaml:{line}" in " ".join(plan.out.split())
    assert bench.sendoff("suppressions", "pull", *AT).code == 0
    assert bench.sendoff("plan", *AT).code == 0
    assert bench.sendoff("run", *AT).code == 0
    assert len(to(bench)) == 5


def test_what_is_known_is_enough_until_it_is_too_old(
    bench: Bench, server: SuppressionServer
) -> None:
    asking(bench, server)
    assert bench.sendoff("suppressions", "pull", *AT).code == 0
    server.key = "SG.another"
    said = bench.sendoff("run", *LATER)
    assert (said.code, len(to(bench))) == (0, 5)
    assert "suppressions: sendgrid: suppression/bounces: http 401" in said.err
    bench.campaign("again")
    assert bench.sendoff("run", *NEXT_DAY).code == 3
    assert len(to(bench)) == 5


def test_a_pull_by_hand_says_what_failed(bench: Bench, server: SuppressionServer) -> None:
    asking(bench, server)
    server.lists["unsubscribes"] = [{"email": "p1@example.com", "created": EPOCH}]
    server.faults["blocks"].append(404)
    said = bench.sendoff("suppressions", "pull", *AT)
    assert said.code == 4
    assert "sendgrid/unsubscribes: 1 contact new" in said.out
    assert "sendgrid/blocks: sendgrid: suppression/blocks: http 404" in said.out
    assert "example.com" not in said.out
    found = bench.sendoff("suppressions", "pull", "--json", *AT).json
    assert (found["added"], len(found["parts"])) == (0, 6)


def test_the_doctor_says_how_fresh_each_source_is(bench: Bench, server: SuppressionServer) -> None:
    asking(bench, server)
    said = bench.sendoff("doctor", *AT)
    assert said.code == 1
    assert "suppressions of sendgrid: the suppressions of sendgrid were never pulled" in said.out
    bench.sendoff("suppressions", "pull", *AT)
    assert bench.sendoff("doctor", *AT).code == 0
    assert bench.sendoff("doctor", *NEXT_DAY).code == 1


def test_without_a_source_there_is_nobody_to_ask(bench: Bench) -> None:
    said = bench.sendoff("suppressions", "pull", *AT)
    assert said.code == 2
    assert "pull: [sendgrid]" in said.err


def test_on_a_branch_a_suppression_is_pushed_at_once(
    tmp_path: Path, server: SuppressionServer
) -> None:
    """And a second machine knows it."""
    bench = GitBench.make(tmp_path)
    asking(bench, server)
    bench.campaign()
    bench.merge()
    assert bench.sendoff("init", "--state-branch", *AT).code == 0
    assert bench.sendoff("suppress", "p1@example.com", "--by", "Ann", *AT).code == 0
    assert "suppress: 1 contact" in git(bench.remote, "log", "-1", "--format=%s", "sendoff-state")
    other = bench.clone("other")
    server.lists["spam_reports"] = [{"email": "p2@example.com", "created": EPOCH}]
    assert other.sendoff("run", *AT).code == 0
    assert to(other) == [f"p{n}@example.com" for n in (0, 3, 4)]
    assert bench.sendoff("suppressions", "--json", *AT).json["contacts"] == 2
    assert bench.sendoff("verify", *AT).code == 0


# -- imported ------------------------------------------------------------------------------------

BOUNCE = """\
From: MAILER-DAEMON@mx.example
To: bounces@f3.example
Date: Mon, 20 Oct 2025 13:40:00 +0000
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; somebody@else.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

{headers}
--b--
"""


@pytest.mark.parametrize("bounced", ["p1@example.com", "p3@example.com"])
def test_a_bounce_of_a_mail_of_ours_suppresses_whom_it_went_to(bench: Bench, bounced: str) -> None:
    """The ledger says who that was, whatever the report says; its like of no mail of ours is
    counted."""
    bench.workspace(more="suppressions:\n  mailbox: bounces\n")
    (bench.root / "bounces").mkdir()
    assert bench.sendoff("run", *AT).code == 0
    (mail,) = (mail for mail in bench.outbox() if mail["To"] == bounced)
    headers = "".join(f"{name}: {value}\n" for name, value in mail.items())
    bench.write("bounces/1.eml", BOUNCE.format(headers=headers))
    bench.write("bounces/2.eml", BOUNCE.format(headers=headers.replace("Message-ID: <", "&4")))
    said = bench.sendoff("suppressions", "pull", *LATER)
    assert (said.code, bounced in said.out) == (0, False)
    assert "mailbox: 1 contact new" in said.out
    assert "1 bounces of no mail of ours" in said.out
    bench.campaign("again")
    assert bench.sendoff("run", *LATER).code == 0
    assert to(bench).count(bounced) == 1
    assert len(to(bench)) == 9
    (told,) = bench.sendoff("why", bounced, "--json", *LATER).json["suppressions"]
    assert (told["reason"], told["source"], told["holds"]) == ("bounce", "mailbox", True)


def test_another_mailbox_is_read_from_the_beginning(bench: Bench) -> None:
    """However long its mails have been there: the last pull was about another place."""
    bench.workspace(more="suppressions: {mailbox: bounces}\n")
    (bench.root / "bounces").mkdir()
    assert bench.sendoff("run", *AT).code == 0
    (mail,) = (mail for mail in bench.outbox() if mail["To"] == "p1@example.com")
    headers = "".join(f"{name}: {value}\n" for name, value in mail.items())
    first, then, last = (("--now", f"2099-10-20T1{hour}:30:00Z") for hour in (3, 5, 7))
    assert "mailbox: nothing new" in bench.sendoff("suppressions", "pull", *first).out
    bench.workspace(more="suppressions: {mailbox: elsewhere}\n")
    bench.campaign("again")
    assert bench.sendoff("run", *then).code == 3
    assert "again" not in "".join(str(mail["Message-ID"]) for mail in bench.outbox())
    bench.write("elsewhere/1.eml", BOUNCE.format(headers=headers))
    assert "mailbox: 1 contact new" in bench.sendoff("suppressions", "pull", *last).out
    # and then only what came since
    assert "mailbox: nothing new" in bench.sendoff("suppressions", "pull", *last).out
    assert bench.sendoff("run", *last).code == 0
    assert len(to(bench)) == 9


def test_a_mailbox_that_is_gone_holds(bench: Bench) -> None:
    bench.workspace(more="suppressions: {mailbox: bounces}\n")
    said = bench.sendoff("run", *AT)
    assert (said.code, to(bench)) == (3, [])
    assert "mailbox: bounces: No such file or directory" in said.err


def test_a_mailbox_outside_of_the_workspace_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.workspace(more="suppressions: {mailbox: bounces}\n")
    (bench.root / "bounces").symlink_to("/")
    said = bench.sendoff("suppressions", "pull", *AT)
    assert (said.code, "a link leads out" in said.err) == (1, True)


def test_files_are_imported_whole_or_not_at_all(bench: Bench, tmp_path: Path) -> None:
    good = bench.write("good.csv", "email,created\np0@example.com,1760000000\n")
    bad = bench.write("bad.txt", "p1@example.com\nnobody\n")
    said = bench.sendoff("suppressions", "import", str(good), str(bad), *AT)
    assert said.code == 1
    assert "bad.txt:2:1: there is no valid address" in said.err
    assert bench.sendoff("suppressions", "--json", *AT).json["contacts"] == 0
    bad.write_text("p1@example.com\n")
    args = ("suppressions", "import", str(good), str(bad), "--reason", "unsubscribed", *AT)
    assert "2 files: 2 contacts new" in bench.sendoff(*args).out
    assert "2 files: nothing new" in bench.sendoff(*args).out
    assert bench.sendoff("suppressions", "import", *AT).code == 2
    assert bench.sendoff("suppressions", "pull", str(good), *AT).code == 2


# -- forgotten -----------------------------------------------------------------------------------


def test_to_forget_somebody_is_shown_first(bench: Bench) -> None:
    """Every place with file and line; nothing is touched without --yes."""
    bench.sendoff("run", *AT)
    bench.write(
        "campaigns/lists/crew.yaml",
        "source:\n  type: inline\n  contacts:\n    - {email: P1@example.com}\n",
    )
    bench.write("campaigns/suppressions/own.txt", "# old\nxp1@example.com\np1@example.com\n")
    before = state(bench)
    said = bench.sendoff("forget", "p1@example.com", *LATER)
    assert said.code == 0
    words = " ".join(said.out.split())
    for line in (
        "campaigns/lists/people.csv:3: the list people",
        "campaigns/lists/crew.yaml:4: the list crew",
        "campaigns/suppressions/own.txt:3: the address is written here",
        "Nothing was changed. To do it: the same command with --yes",
        "in 1 mail and one suppression",
        "in git's history",
    ):
        assert line in words
    assert "own.txt:2" not in words
    assert "p1@example.com" not in said.out
    assert (state(bench), len(to(bench))) == (before, 5)


def test_who_is_forgotten_is_never_mailed_again_and_ours_is_deleted(
    bench: Bench, tmp_path: Path
) -> None:
    bench.sendoff("run", *AT)
    copies = tmp_path / "cache"
    bench.environ["SENDOFF_CACHE"] = str(copies)
    made = copies / "lists" / key_id(KEY)
    made.mkdir(parents=True)
    (made / "x.data").write_bytes(b"sealed")
    found = bench.sendoff("forget", "p1@example.com", "--yes", "--json", *LATER).json
    assert found["done"] is True
    assert [place["what"] for place in found["deleted"]] == [
        "a mail in the outbox",
        "sealed copies of lists, which may hold the address",
    ]
    assert "p1@example.com" not in to(bench)
    assert not made.exists()
    bench.campaign("again")
    assert bench.sendoff("run", *LATER).code == 0
    assert to(bench).count("p1@example.com") == 0
    assert bench.sendoff("suppressions", "--json", *LATER).json["reasons"] == [
        {"reason": "erased", "group": None, "contacts": 1}
    ]
    again = bench.sendoff("forget", "p1@example.com", "--yes", *LATER)
    assert (again.code, "Forgotten" in again.out) == (0, True)


def test_the_address_to_forget_may_come_from_standard_input(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("p1@example.com\n"))
    assert "people.csv:3" in bench.sendoff("forget", "-", *AT).out
    monkeypatch.setattr("sys.stdin", io.StringIO("p1@example.com\np2@example.com\n"))
    said = bench.sendoff("forget", "-", *AT)
    assert (said.code, "one person at a time" in said.err) == (2, True)


def test_a_list_that_cannot_be_read_is_not_taken_for_one_without_the_person(bench: Bench) -> None:
    bench.write("campaigns/lists/people.csv", "name\nAnn\n")
    said = bench.sendoff("forget", "p1@example.com", *AT)
    assert "the list people cannot be read: look there" in said.out


def test_to_forget_deletes_nothing_elsewhere(bench: Bench, tmp_path_factory: Any) -> None:
    """An outbox that is a link leads to somebody else's files."""
    bench.sendoff("run", *AT)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (bench.root / "outbox").rename(elsewhere / "mails")
    (bench.root / "outbox").symlink_to(elsewhere / "mails")
    before = sorted(elsewhere.rglob("*.eml"))
    assert bench.sendoff("forget", "p1@example.com", "--yes", *AT).code == 0
    assert sorted(elsewhere.rglob("*.eml")) == before
    assert len(before) == 5


def test_the_token_of_an_unsubscribe_link_is_enough(bench: Bench) -> None:
    """The page behind the link knows nobody's address, and need not."""
    assert bench.sendoff("run", *AT).code == 0
    links = {str(m["To"]): str(m["List-Unsubscribe"]) for m in bench.outbox()}
    tokens = {address: link.partition("?t=")[2][:16] for address, link in links.items()}
    said = bench.sendoff("suppress", f"key:{tokens['p1@example.com']}", *LATER)
    assert said.out == "1 contact will not be mailed any more.\n"
    left = bench.write("left.csv", f"when,token\n1,{tokens['p2@example.com'].upper()}\n")
    args = ("suppressions", "import", str(left), "--reason", "unsubscribed", *LATER)
    assert "1 file: 1 contact new" in bench.sendoff(*args).out
    bench.campaign("again")
    assert bench.sendoff("run", *LATER).code == 0
    assert [to(bench).count(f"p{n}@example.com") for n in range(5)] == [2, 1, 1, 2, 2]
    assert bench.sendoff("forget", f"key:{tokens['p1@example.com']}", *LATER).code == 2
    bad = bench.write("bad.csv", "token\n0123\n")
    assert bench.sendoff("suppressions", "import", str(bad), *LATER).code == 1
