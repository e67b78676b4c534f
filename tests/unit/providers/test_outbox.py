from __future__ import annotations

import email
import errno
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import ProviderError
from runner.model.ledger import Claim
from runner.model.message import MessageBatch, Outcome
from runner.providers.outbox import OutboxProvider
from tests.servers.batches import NOW, SOON, batch, key
from tests.servers.clock import NOON, StillClock


def _deliver(root: Path, sent: MessageBatch, path: str = "outbox") -> list[Outcome]:
    provider = OutboxProvider(root, path, StillClock())
    ((_, outcomes),) = list(provider.deliver([sent], SOON))
    return list(outcomes)


def _files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_a_file_stands_where_its_send_key_says(tmp_path: Path) -> None:
    sent = batch(["Ada"], occurrence="2025-10-20T09:00:00+02:00")
    (outcome,) = _deliver(tmp_path, sent)
    name = f"{key(0).hex()}.eml"
    assert outcome == Outcome("accepted", ref=name)
    assert _files(tmp_path) == [f"outbox/spring/main@2025-10-20T09%3A00%3A00+02%3A00/{name}"]


def test_sending_again_overwrites_and_leaves_nothing_beside(tmp_path: Path) -> None:
    _deliver(tmp_path, batch())
    before = {name: (tmp_path / name).read_bytes() for name in _files(tmp_path)}
    _deliver(tmp_path, batch())
    assert before == {name: (tmp_path / name).read_bytes() for name in _files(tmp_path)}
    assert len(before) == 2


def test_the_send_time_is_written_down(tmp_path: Path) -> None:
    _deliver(tmp_path, batch(["Ada"], send_at=NOW + 7200))
    (name,) = _files(tmp_path)
    message = email.message_from_bytes((tmp_path / name).read_bytes())
    assert message["X-Sendoff-Send-At"] == "2025-10-20T14:00:00Z"
    assert message["Date"] == "Mon, 20 Oct 2025 14:00:00 +0000"


def test_two_jobs_of_neighbouring_campaigns_do_not_meet(tmp_path: Path) -> None:
    one = replace(batch(["Ada"]), campaign="a", job_id="a/b")
    two = replace(batch(["Ada"]), campaign="a/b", job_id="a/b/main")
    _deliver(tmp_path, one)
    _deliver(tmp_path, two)
    assert len(_files(tmp_path)) == 2


@pytest.mark.parametrize("campaign", ["..", "../..", "a/../../..", ".", "/etc", "a/./..", "\x00"])
def test_no_campaign_name_leads_out_of_the_outbox(tmp_path: Path, campaign: str) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    _deliver(root, replace(batch(["Ada"]), campaign=campaign, job_id=f"{campaign}/../../x"))
    assert all(name.startswith("workspace/outbox/") for name in _files(tmp_path))


@pytest.mark.parametrize("path", ["..", "../elsewhere", "/tmp/elsewhere", "."])
def test_an_outbox_outside_the_workspace_is_refused(tmp_path: Path, path: str) -> None:
    provider = OutboxProvider(tmp_path / "workspace", path, StillClock())
    with pytest.raises(ProviderError, match="not below the workspace"):
        provider.check()
    assert _deliver(tmp_path / "workspace", batch(["Ada"]), path)[0].kind == "temporary"
    assert _files(tmp_path) == []


@pytest.mark.parametrize("link", ["outbox", "outbox/spring", "outbox/spring/main"])
def test_a_symbolic_link_does_not_lead_out(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "workspace", tmp_path / "outside"
    (root / link).parent.mkdir(parents=True)
    outside.mkdir()
    (root / link).symlink_to(outside, target_is_directory=True)
    assert _deliver(root, batch(["Ada"]))[0].kind == "temporary"
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "outbox/spring/main"
    folder.mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("keep")
    (folder / f"{key(0).hex()}.eml").symlink_to(target)
    assert _deliver(tmp_path, batch(["Ada"]))[0].kind == "accepted"
    assert target.read_text() == "keep"


def test_a_file_in_the_way_is_temporary_and_named_by_its_code(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox/spring").write_text("in the way")
    assert _deliver(tmp_path, batch(["Ada"])) == [Outcome("temporary", "outbox ENOTDIR")]
    folder = tmp_path / f"outbox/autumn/main/{key(0).hex()}.eml"
    folder.mkdir(parents=True)
    sent = replace(batch(["Ada", "Bob"]), campaign="autumn", job_id="autumn/main")
    outcomes = _deliver(tmp_path, sent)
    assert [outcome.kind for outcome in outcomes] == ["temporary", "accepted"]
    assert not list(folder.parent.glob(".*"))


def test_check_makes_the_folder(tmp_path: Path) -> None:
    OutboxProvider(tmp_path, "mail/out", StillClock()).check()
    assert (tmp_path / "mail/out").is_dir()


def test_check_refuses_what_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(ProviderError, match="outbox: cannot make outbox: E"):
        OutboxProvider(tmp_path, "outbox", StillClock()).check()


@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_nothing_is_accepted_before_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """An error while syncing (EIO) takes back what looked written."""

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "disk")

    monkeypatch.setattr(os, "fsync", fail)
    outcomes = _deliver(tmp_path, batch([f"N{n}" for n in range(count)]))
    assert outcomes == [Outcome("temporary", "outbox EIO")] * count


def test_small_batches_are_brought_to_the_disk_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of any of them is accepted when that fails."""
    synced: list[int] = []
    monkeypatch.setattr(os, "sync", lambda: synced.append(1))
    batches = [batch([f"N{n}" for n in range(10)], first=10 * b) for b in range(10)]
    provider = OutboxProvider(tmp_path, "outbox", StillClock())
    answers = list(provider.deliver(batches, SOON))
    assert [id(sent) for sent, _ in answers] == [id(sent) for sent in batches]
    assert {o.kind for _, outcomes in answers for o in outcomes} == {"accepted"}
    assert len(_files(tmp_path)) == 100
    assert len(synced) == 2


def test_a_full_disk_is_temporary_and_leaves_no_half_file(tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, limit[1]))
        outcomes = _deliver(tmp_path, batch(["Ada", "Bob"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert outcomes == [Outcome("temporary", "outbox EFBIG")] * 2
    assert _files(tmp_path) == []


def test_a_link_in_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "outbox/spring/main"
    folder.mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("keep")
    (folder / f".{key(0).hex()}.eml.{os.getpid()}.tmp").symlink_to(target)
    assert _deliver(tmp_path, batch(["Ada"])) == [Outcome("temporary", "outbox ELOOP")]
    assert target.read_text() == "keep"


def _evidence(root: Path, sent: MessageBatch, path: str = "outbox") -> dict[int, str]:
    claim = Claim(
        id=sent.claim_id,
        campaign=sent.campaign,
        step=sent.job_id.removeprefix(f"{sent.campaign}/"),
        occurrence="",
        run="run1",
        at=NOON,
        lease_until=NOON,
        provider="outbox",
        keys=b"".join(sent.keys),
        times=((NOW, 0, len(sent)),),
        total=len(sent),
    )
    contacts = list(zip(range(len(sent)), sent.emails, sent.keys, strict=True))
    return dict(OutboxProvider(root, path, StillClock()).evidence(claim, contacts))


def test_evidence_is_the_file(tmp_path: Path) -> None:
    _deliver(tmp_path, batch(["Ada", "Bob"]))
    assert _evidence(tmp_path, batch(["Ada", "Bob", "Cid"])) == {
        0: "sent",
        1: "sent",
        2: "not_sent",
    }
    assert _evidence(tmp_path, replace(batch(["Ada"]), job_id="spring/other")) == {0: "not_sent"}


def test_what_is_no_whole_file_is_no_mail(tmp_path: Path) -> None:
    folder = tmp_path / "outbox/spring/main"
    folder.mkdir(parents=True)
    (folder / f"{key(0).hex()}.eml").touch()
    (folder / f"{key(1).hex()}.eml").symlink_to("/etc/hostname")
    (folder / f"{key(2).hex()}.eml").mkdir()
    assert set(_evidence(tmp_path, batch(["A", "B", "C"])).values()) == {"not_sent"}


def test_an_outbox_that_cannot_be_looked_into_gives_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "outbox/spring").mkdir(parents=True)
    (tmp_path / "outbox/spring/main").write_text("in the way")
    assert _evidence(tmp_path, batch()) == {}
    assert _evidence(tmp_path, batch(), path="..") == {}
