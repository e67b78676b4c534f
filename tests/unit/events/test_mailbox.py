"""Bounce mails: what they say counts only for mails that the ledger knows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ProviderError
from runner.events.mailbox import MailboxFeedback
from runner.events.notices import LONGEST, Unreadable, read_notice
from runner.model.feedback import Feedback
from runner.testing import FakeClock, fake_key

MAILS = Path(__file__).with_name("mails")
NAME = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ANN = fake_key("ann@example.com")
SENT = int(datetime(2025, 10, 20, 14, 0, 3, tzinfo=UTC).timestamp())
NOW = datetime(2025, 10, 20, 15, tzinfo=UTC)
SAMPLES = sorted(MAILS.glob("*.eml"))
KINDS = {"hard": ("bounce", 0), "complaint": ("spam", 0), "opt": ("unsubscribed", 0)}
WORDS = {
    "soft": "soft bounces",
    "unclear": "unclear bounces",
    "other": "other mails",
    "stranger": "bounces of no mail of ours",
}


def sent(job: str, name: str) -> tuple[bytes, int] | None:
    """What the ledger knows: one mail."""
    return (ANN, SENT) if (job, name) == ("news/main", NAME) else None


def read(place: Path, since: datetime | None = None, clock: FakeClock | None = None) -> Feedback:
    deadline = NOW + timedelta(minutes=5)
    source = MailboxFeedback(place, "bounces", sent, clock or FakeClock(NOW), deadline)
    return source.read("mailbox", since, NOW)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_a_mail_says(path: Path, tmp_path: Path) -> None:
    """The first word of its name is what it has to be taken for."""
    kind = path.stem.partition("-")[0]
    shutil.copy(path, tmp_path)
    found = read(tmp_path)
    if kind in KINDS:
        assert found.told == {KINDS[kind]: {ANN: SENT + 6}}
        assert not found.counts
    else:
        assert not found.told
        assert found.counts == {WORDS[kind]: 1}


def maildir(directory: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (directory / name).mkdir(parents=True)
    for number, path in enumerate(SAMPLES):
        shutil.copy(path, directory / ("cur" if number % 2 else "new") / f"{number}.host:2,S")
    (directory / "tmp" / "half").write_bytes(b"not yet")


def folder(directory: Path) -> None:
    for path in SAMPLES:
        shutil.copy(path, directory)
    (directory / "notes.txt").write_text("no mail")


def mbox(directory: Path) -> None:
    mails = [path.read_bytes().replace(b"\nFrom ", b"\n>From ") for path in SAMPLES]
    text = b"".join(b"From MAILER-DAEMON Mon Oct 20 14:00:09 2025\n%b\n" % mail for mail in mails)
    (directory / "bounces.mbox").write_bytes(text)


@pytest.mark.parametrize("lay_out", [maildir, folder, mbox])
def test_every_kind_of_mailbox_holds_the_same(
    tmp_path: Path, lay_out: Callable[[Path], None]
) -> None:
    lay_out(tmp_path)
    found = read(tmp_path)
    assert set(found.told) == set(KINDS.values())
    assert sum(found.counts.values()) == sum(
        path.stem.partition("-")[0] in WORDS for path in SAMPLES
    )
    if lay_out is mbox:
        assert read(tmp_path / "bounces.mbox") == found


def test_what_was_read_before_is_left_alone(tmp_path: Path) -> None:
    """By when it came to this disk, whatever time it was copied with."""
    target = tmp_path / "a.eml"
    shutil.copy(MAILS / "hard-gmail.eml", target)
    os.utime(target, (0, 0))
    came = datetime.fromtimestamp(target.stat().st_ctime, UTC)
    assert read(tmp_path, since=came + timedelta(minutes=5)).told
    assert not read(tmp_path, since=came + timedelta(minutes=15)).told


def test_what_was_counted_before_is_not_counted_again(tmp_path: Path) -> None:
    mbox(tmp_path)
    again = read(tmp_path, since=NOW)
    assert set(again.told) == set(KINDS.values())
    assert set(again.counts) == {"other mails"}


def test_a_report_of_the_future_is_of_now_and_none_is_before_its_mail(tmp_path: Path) -> None:
    mail = (MAILS / "hard-gmail.eml").read_bytes()
    for date, expected in [
        (b"Mon, 20 Oct 2035 14:00:09 +0000", int(NOW.timestamp())),
        (b"Mon, 20 Oct 2005 14:00:09 +0000", SENT),
        (b"yesterday", SENT),
        (b"Mon, 20 Oct 99999 14:00:09 +0000", SENT),
    ]:
        text = mail.replace(b"Date: Mon, 20 Oct 2025 14:00:09 +0000", b"Date: " + date, 1)
        (tmp_path / "a.eml").write_bytes(text)
        assert read(tmp_path).told == {("bounce", 0): {ANN: expected}}


def nested(depth: int) -> bytes:
    text = b"x"
    for number in range(depth):
        text = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n%b\n--b%d--\n" % (
            number,
            number,
            text,
            number,
        )
    return text


HOSTILE = {
    "nothing": b"",
    "nulls": b"\0" * 1000,
    "nested": nested(400),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 4000,
    "many parts": b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n\nx\n" * 15_000,
    "one long line": b"Content-Type: multipart/report; boundary=b\n\n" + b"x" * 10**6,
    "long header": b"Subject: " + b"x" * 10**6 + b"\n\n",
    "many headers": b"X: y\n" * 20_000,
    "no charset": b"Content-Type: text/plain; charset=none-such\n\nx",
    "broken base64": b"Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\n%%%",
    "endless boundary": b"Content-Type: multipart/report; boundary=" + b"b" * 50_000 + b"\n\nx",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mails_are_counted_and_keep_nobody_from_being_read(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.eml").write_bytes(content)
    shutil.copy(MAILS / "hard-gmail.eml", tmp_path / "b.eml")
    found = read(tmp_path)
    assert found.told == {("bounce", 0): {ANN: SENT + 6}}
    assert sum(found.counts.values()) == 1


def test_only_the_beginning_of_a_mail_is_read(tmp_path: Path) -> None:
    mail = (MAILS / "hard-postfix-whole-mail.eml").read_bytes()
    (tmp_path / "a.eml").write_bytes(mail + b"x" * (20 * LONGEST))
    assert read(tmp_path).told


@given(st.binary(max_size=300), st.integers(0, 2500), st.sampled_from(SAMPLES))
def test_a_mail_is_read_or_refused_whatever_stands_in_it(junk: bytes, at: int, path: Path) -> None:
    mail = path.read_bytes()
    with suppress(Unreadable):
        read_notice(mail[:at] + junk + mail[at + len(junk) :])


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    place = tmp_path / "box"
    place.mkdir()
    (place / "a.eml").symlink_to(MAILS / "hard-gmail.eml")
    os.mkfifo(place / "b.eml")
    assert read(place) == Feedback()


def test_a_mailbox_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="mailbox: bounces: No such file or directory"):
        read(tmp_path / "none")


def test_there_is_a_deadline(tmp_path: Path) -> None:
    folder(tmp_path)
    late = FakeClock(NOW + timedelta(hours=1))
    with pytest.raises(ProviderError, match="no time for all of it"):
        read(tmp_path, clock=late)
