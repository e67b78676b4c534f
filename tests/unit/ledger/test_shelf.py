"""What a run keeps of the ledger, so that it need not be read again: never more than is true."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from runner.cache import Cache
from runner.errors import StateCorrupt
from runner.ledger.git_store import GitStore
from runner.ledger.layout import LedgerFile
from runner.ledger.shelf import Shelf
from runner.ledger.snapshot import StoredSnapshot
from runner.model.ledger import Claim, Glance, Receipt, Settled
from runner.planning.glance import glance
from runner.ports import Snapshot
from runner.repository.git import Git
from runner.repository.objects import Blob, commit_files

MakeClaim = Callable[..., Claim]
BRANCH = "sendoff-state"
NAMES = ("news", "spring/invite", "old")


def sh(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True, capture_output=True)


class Counting(GitStore):
    """A git store that counts the files it reads."""

    read = 0

    def _read(self, files: Sequence[LedgerFile]) -> Iterator[bytes]:
        self.read += len(files)
        return super()._read(files)


@pytest.fixture
def store(tmp_path: Path, created: datetime, make_claim: MakeClaim) -> Counting:
    """Three campaigns: one settled, one in doubt, one settled that nobody asks for."""
    sh(tmp_path, "init", "-q", "--bare", "-b", "main", "remote.git")
    sh(tmp_path, "clone", "-q", "remote.git", "clone")
    git = Git(tmp_path / "clone", timeout=20.0)
    store = Counting(git, "origin", BRANCH, "0123abcd", sleep=lambda seconds: None)
    base = store.initialise(created)
    claims = [make_claim(name, name) for name in NAMES]
    base = store.append(base, claims, run="r", message="Claim")
    settled = [receipt(claim) for claim in claims if claim.campaign != "spring/invite"]
    store.append(base, settled, run="r", message="Settle")
    store.shelf = Shelf(Cache(tmp_path / "cache", b"key"), "ledger:x")
    return store


def receipt(claim: Claim, kind: str = "accepted") -> Receipt:
    parts = (Settled(kind, ((0, 3),)),)  # type: ignore[arg-type]
    return Receipt(claim.id, claim.campaign, claim.run, claim.at, parts)


def looked(snapshot: Snapshot) -> dict[str, Glance | None]:
    """At the first two campaigns, and at one that has no records."""
    return dict(snapshot.glances(["news", "spring/invite", "new"]))


def by_hand(snapshot: Snapshot) -> dict[str, Glance | None]:
    return {name: glance(snapshot.records(name)) for name in ("news", "spring/invite", "new")}


def test_the_second_look_reads_nothing(store: Counting) -> None:
    """As long as nothing was written, a ledger of any size costs one listing."""
    first = looked(store.sync())
    assert first == by_hand(store.sync())
    assert first["spring/invite"] is None
    store.read = 0
    store._blobs = None  # type: ignore[assignment,method-assign] # nobody may look for files
    assert looked(store.sync()) == first
    assert store.read == 0


def test_what_was_written_since_is_read_and_no_more(store: Counting, make_claim: MakeClaim) -> None:
    """Only the campaigns that got new files are read."""
    looked(store.sync())
    store.add_facts([receipt(make_claim("spring/invite", "spring/invite"))], run="s", message="")
    store.read = 0
    found = looked(store.sync())
    assert store.read == 2
    assert found == by_hand(store.sync())
    assert found["spring/invite"] is not None


def test_a_campaign_is_looked_for_alone_once_the_others_are_known(
    store: Counting, make_claim: MakeClaim
) -> None:
    """What a write costs does not grow with the campaigns that it has nothing to do with."""
    looked(store.sync())
    store.append(store.sync(), [make_claim("c9", "news")], run="s", message="Claim")
    listed: list[tuple[str, ...]] = []
    blobs = store._blobs

    def noting(commit: str, *holders: str) -> Iterator[Blob]:
        listed.append(holders)
        return blobs(commit, *holders)

    store._blobs = noting  # type: ignore[method-assign]
    snapshot = store.sync()
    assert looked(snapshot) == by_hand(snapshot)
    assert listed
    assert all(holders == ("state/ledger/news",) for holders in listed[:2])


def test_who_was_not_asked_for_is_read_when_asked_for(store: Counting) -> None:
    """That a campaign's files are all there does not say what is in them."""
    looked(store.sync())
    assert store.sync().glances(["old"]) == {"old": glance(store.sync().records("old"))}


def test_a_forged_entry_is_not_believed(store: Counting, tmp_path: Path) -> None:
    """Whoever can write the cache cannot make a campaign look settled, nor unsettled."""
    true = looked(store.sync())
    (place,) = (tmp_path / "cache").glob("ledger-*.json")
    seal, _, body = place.read_bytes().partition(b"\n")
    entry = json.loads(body)
    entry["spring/invite"][1] = entry["news"][1]
    place.write_bytes(seal + b"\n" + json.dumps(entry, separators=(",", ":")).encode())
    assert looked(store.sync()) == true


def test_an_older_entry_is_not_believed_for_what_came_later(
    store: Counting, make_claim: MakeClaim, tmp_path: Path
) -> None:
    """An entry that was put back, true in its time, says nothing of a ledger that went on."""
    looked(store.sync())
    (place,) = (tmp_path / "cache").glob("ledger-*.json")
    old = place.read_bytes()
    store.append(store.sync(), [make_claim("c9", "news")], run="s", message="Claim")
    assert looked(store.sync())["news"] is None
    place.write_bytes(old)
    assert looked(store.sync())["news"] is None


@pytest.mark.parametrize(
    "path",
    ["ledger/old/2025-10/nobody.jsonl", "ledger/stray.jsonl", "ledger/A-NEWER-MARK"],
)
def test_what_does_not_belong_is_noticed_also_where_nobody_reads(
    store: Counting, path: str
) -> None:
    """A file that is named as no ledger file is stops a run, with a shelf as without."""
    looked(store.sync())
    git = store._git
    tip = store.sync().version
    commit = commit_files(git, tip, {f"state/{path}": b"x\n"}, "Stray")
    sh(git.directory, "push", "-q", "origin", f"{commit}:refs/heads/{BRANCH}")
    with pytest.raises(StateCorrupt, match="no ledger file is named so"):
        looked(store.sync())


def test_a_record_that_cannot_be_read_is_never_kept(store: Counting) -> None:
    """A damaged ledger is an error at each look."""
    git = store._git
    path = "state/ledger/news/2025-10/s-0001.jsonl"
    commit = commit_files(git, store.sync().version, {path: b"not a record\n"}, "Damage")
    sh(git.directory, "push", "-q", "origin", f"{commit}:refs/heads/{BRANCH}")
    for _ in range(2):
        with pytest.raises(StateCorrupt, match="not a line of JSON"):
            looked(store.sync())


def test_without_a_shelf_all_is_read_in_one_go(store: Counting) -> None:
    """What is asked for together is read together."""
    store.shelf = None
    assert looked(store.sync()) == by_hand(store.sync())


def test_an_empty_ledger_has_seen_nobody() -> None:
    """Where no state was ever made, every campaign is new."""
    nothing = StoredSnapshot("", lambda: iter(()), lambda files: iter(()))
    assert nothing.glances(["news"]) == {"news": Glance()}
