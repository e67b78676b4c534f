"""Suppressions are as durable as claims, in both stores: what a book of them must do anywhere."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from runner.errors import RaceLost, StateCorrupt
from runner.ledger.layout import ledger_file
from runner.ledger.meta import NEWER
from runner.ledger.records import encode
from runner.model.contacts import KEY_BYTES
from runner.model.ledger import BOOK, Pulled, Record, Released, Suppressed
from runner.planning.book import Stamp, fold_book, suppressed
from runner.ports import Snapshot

from .test_ledger_stores import AT, RUN, SITES, Site, Store, append, claim, receipt

ANN, BOB = b"AAAAAAAA", b"BBBBBBBB"
LEFT = Suppressed(RUN, AT, "manual", "unsubscribed", ANN + BOB, AT, b"\x00\x05", by="Ann")
BACK = Released(RUN, AT, "manual", BOB, AT + timedelta(minutes=5), by="Ann")
PULLED = Pulled(RUN, AT, ("sendgrid/bounces",), AT, {"soft": 2})
FILE = "suppressions/2025-10/20251020T140000Z-0a-0001.jsonl"


@pytest.fixture(params=sorted(SITES))
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return SITES[request.param](tmp_path)


@pytest.fixture
def store(site: Site) -> Store:
    opened = site.open()
    opened.initialise(AT)
    return opened


def told(snapshot: Snapshot) -> list[Record]:
    return list(snapshot.records(BOOK))


def tell(store: Store, *records: Record, run: str = RUN) -> Snapshot:
    return store.add_facts(records, run=run, message="Suppress")


def test_what_was_suppressed_is_there_for_everyone(site: Site, store: Store) -> None:
    after = tell(store, LEFT, BACK, PULLED)
    assert told(after) == told(site.open().sync()) == [LEFT, BACK, PULLED]
    assert set(site.contents()) == {"meta.json", FILE}
    assert after.campaigns() == ()


def test_suppressions_and_claims_travel_in_one_append(site: Site, store: Store) -> None:
    after = append(store, store.sync(), claim("1"), LEFT)
    assert list(after.records("news")) == [claim("1")]
    assert told(after) == [LEFT]
    assert after.campaigns() == ("news",)


def test_a_claim_loses_the_race_against_a_suppression(site: Site, store: Store) -> None:
    """So nobody is claimed whom the plan did not know to be suppressed."""
    base = store.sync()
    tell(site.open(), LEFT)
    with pytest.raises(RaceLost):
        append(store, base, claim("1"))


def test_eight_at_once_lose_nothing(site: Site, store: Store) -> None:
    stores = [site.open() for _ in range(8)]
    keys = [bytes([65 + n]) * KEY_BYTES for n in range(8)]

    def write(n: int) -> None:
        record = Suppressed(f"run-{n}", AT, "manual", "manual", keys[n], AT)
        tell(stores[n], record, run=f"run-{n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    book = fold_book(told(site.open().sync()))
    assert book.active == {("manual", 0): set(keys)}


def test_a_book_grows_beside_what_is_there(site: Site, store: Store) -> None:
    tell(store, LEFT)
    tell(store, BACK)
    before = site.contents()
    tell(site.open(), PULLED, receipt(claim("9")), run="later")
    after = site.contents()
    assert all(after[path] == content for path, content in before.items())
    assert FILE.replace("0001", "0002") in after
    assert told(site.open().sync()) == [LEFT, BACK, PULLED]


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (FILE.replace("0001", "0003"), b"{}\n", r"0a-0002\.jsonl is missing"),
        (FILE.replace("0001", "0002"), b"", "the last line is cut off"),
        (FILE.replace("0001", "0002"), b"{}\n", "unknown record type"),
        ("suppressions/notes.txt", b"x", "no ledger file is named so"),
        ("suppressions/2025-10/deep/x-0001.jsonl", b"x\n", "no ledger file is named so"),
    ],
)
def test_damage_is_named_and_nothing_is_skipped(
    site: Site, store: Store, path: str, content: bytes, message: str
) -> None:
    tell(store, LEFT)
    site.put(path, content)
    with pytest.raises(StateCorrupt, match=message):
        told(site.open().sync())


def test_a_lost_file_is_noticed(site: Site, store: Store) -> None:
    tell(store, LEFT)
    tell(store, BACK)
    site.move(FILE, None)
    with pytest.raises(StateCorrupt, match=r"0a-0001\.jsonl is missing"):
        told(site.open().sync())


def test_a_file_that_was_edited_is_noticed(site: Site, store: Store) -> None:
    tell(store, LEFT)
    known = site.open()
    known.sync()
    site.put(FILE, site.contents()[FILE].replace(b"unsubscribed", b"spam"))
    for opened in (known, site.open()):
        with pytest.raises(StateCorrupt):
            told(opened.sync())


def test_verify_reads_suppressions_too(site: Site, store: Store) -> None:
    tell(store, LEFT, claim("1"))
    found = store.inspect()
    assert [entry.record for entry in found.entries if entry.record.campaign == BOOK] == [LEFT]
    assert not found.problems
    site.put(FILE.replace("0001", "0002"), b"{}\n")
    assert any(problem.path.endswith("0002.jsonl") for problem in store.inspect().problems)


# -- older states, and older programs ------------------------------------------------------------


def as_it_began(site: Site, version: int) -> None:
    """The state as a sendoff of that time would have made it."""
    meta = json.loads(site.contents()["meta.json"]) | {"format": version}
    site.move("meta.json", "old.json")
    site.put("meta.json", json.dumps(meta, sort_keys=True).encode() + b"\n")
    site.move("old.json", None)


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_state_is_read_and_takes_suppressions(
    site: Site, store: Store, version: int
) -> None:
    append(store, store.sync(), claim("1"))
    as_it_began(site, version)
    opened = site.open()
    assert told(opened.sync()) == []
    after = tell(opened, LEFT, receipt(claim("1")))
    assert told(after) == told(site.open().sync()) == [LEFT]
    assert list(after.records("news")) == [claim("1"), receipt(claim("1"))]
    assert not site.open().inspect().problems
    assert told(tell(site.open(), BACK)) == [LEFT, BACK]


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_program_stops_at_a_state_with_suppressions(
    site: Site, store: Store, version: int
) -> None:
    """It would mail whom it does not know to be suppressed.  It reads formats up to 2, and takes
    no file in the ledger that has no ledger file's name."""
    append(store, store.sync(), claim("1"))
    as_it_began(site, version)
    opened = site.open()
    append(opened, opened.sync(), receipt(claim("1")))
    quiet = site.contents()
    assert f"ledger/{NEWER}" not in quiet
    assert json.loads(quiet["meta.json"])["format"] <= 2
    tell(site.open(), LEFT)
    now = site.contents()
    if json.loads(now["meta.json"])["format"] <= 2:
        assert b"newer one" in now[f"ledger/{NEWER}"]
        with pytest.raises(StateCorrupt, match=NEWER):
            ledger_file(f"ledger/{NEWER}", "", 1)


def test_a_contact_costs_eight_bytes_for_whom_and_two_for_when(tmp_path: Path) -> None:
    """As git packs it; events of half an hour apart, as they come."""
    chance = random.Random(7)  # noqa: S311 - repeatable on purpose
    keys = [chance.randbytes(KEY_BYTES) for _ in range(50_000)]
    at, times = 1_700_000_000, {}
    for key in keys:
        at += int(chance.expovariate(1 / 1800))
        times[key] = at
    stamp = Stamp(RUN, AT, "sendgrid/bounces")
    lines = [encode(record) for record in suppressed({("bounce", 0): times}, stamp)]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "x").write_text("\n".join(lines))
    subprocess.run(["git", "add", "x"], cwd=tmp_path, check=True)
    (blob,) = (tmp_path / ".git/objects").glob("[0-9a-f][0-9a-f]/*")
    assert blob.stat().st_size < 10.5 * len(keys)
