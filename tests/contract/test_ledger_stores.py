"""What every ledger store must do.  A new store joins by a ``Site`` in ``SITES``."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from runner.errors import (
    RaceLost,
    StateCorrupt,
    StateError,
    StateKeyChanged,
    StateMissing,
    StateRefused,
)
from runner.ledger.files_store import FilesStore
from runner.ledger.git_store import GitStore
from runner.ledger.meta import encode_meta
from runner.model.ledger import (
    Claim,
    Closed,
    Document,
    Planned,
    Receipt,
    Record,
    Resolution,
    Settled,
)
from runner.ports import LedgerStore, Snapshot
from runner.repository.git import Git
from runner.repository.objects import commit_files, list_files, read_blobs
from runner.repository.tips import remote_tip

KEY = "0123abcd"
AT = datetime(2025, 10, 20, 14, tzinfo=UTC)
RUN = "20251020T140000Z-0a"


class Store(LedgerStore, Protocol):
    def initialise(self, created: datetime) -> Snapshot: ...


class Site(Protocol):
    """One place of a ledger, to which several machines come."""

    gone: type[StateError]
    """What a store says that has seen the state, once it is gone."""

    def open(self, key: str = KEY) -> Store:
        """A store as another machine or process would open it."""
        ...

    def contents(self) -> dict[str, bytes]:
        """The files of the state, by path below it."""
        ...

    def put(self, path: str, content: bytes) -> None:
        """Add or change a file of the state from outside."""
        ...

    def move(self, path: str, to: str | None) -> None:
        """Rename or (None) delete a file of the state from outside."""
        ...

    def remove(self) -> None:
        """Take the whole state away."""
        ...


def pause(seconds: float) -> None:
    """Waits between tries are real only where threads race."""
    threading.Event().wait(min(seconds, 0.02))


OWN = {".lock", ".gitignore", "seal.json"}
"""What only a directory has: git needs none of it."""


class FilesSite:
    gone: type[StateError] = StateMissing

    def __init__(self, home: Path) -> None:
        self.root = home / "ws" / "state"
        self.root.parent.mkdir()

    def open(self, key: str = KEY) -> Store:
        return FilesStore(self.root, key, workspace=self.root.parent, sleep=pause)

    def contents(self) -> dict[str, bytes]:
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in paths
            if path.name not in OWN
        }

    def put(self, path: str, content: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def move(self, path: str, to: str | None) -> None:
        if to is None:
            (self.root / path).unlink()
        else:
            (self.root / path).rename(self.root / to)

    def remove(self) -> None:
        self.root.rename(self.root.with_name("elsewhere"))


class GitSite:
    gone: type[StateError] = StateCorrupt

    def __init__(self, home: Path) -> None:
        self.home = home
        self.remote = home / "remote.git"
        self.clones = 0
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.remote)], check=True)
        self.outsider = self.clone()
        main = commit_files(self.outsider, None, {"README.md": b"Hello\n"}, "Begin")
        self.force(main, "main")

    def clone(self) -> Git:
        self.clones += 1
        path = self.home / f"clone{self.clones}"
        subprocess.run(
            ["git", "clone", "-q", str(self.remote), str(path)], check=True, capture_output=True
        )
        return Git(path, timeout=30.0)

    def open(self, key: str = KEY) -> Store:
        return GitStore(self.clone(), "origin", "sendoff-state", key, sleep=pause)

    def tip(self) -> str:
        tip = remote_tip(self.outsider, "origin", "sendoff-state")
        assert tip
        self.outsider.ask("fetch", "-q", "origin", "sendoff-state")
        return tip

    def force(self, commit: str, branch: str) -> None:
        self.outsider.ask("push", "-q", "-f", "origin", f"{commit}:refs/heads/{branch}")

    def contents(self) -> dict[str, bytes]:
        blobs = list_files(self.outsider, self.tip(), "state")
        texts = read_blobs(self.outsider, [(blob.oid, blob.size) for blob in blobs])
        paths = [blob.path.removeprefix("state/") for blob in blobs]
        return dict(zip(paths, texts, strict=True))

    def put(self, path: str, content: bytes) -> None:
        files = {f"state/{path}": content}
        self.force(commit_files(self.outsider, self.tip(), files, "x"), "sendoff-state")

    def move(self, path: str, to: str | None) -> None:
        contents = self.contents()
        content = contents.pop(path)
        if to is not None:
            contents[to] = content
        files = {f"state/{name}": text for name, text in contents.items()}
        # As a new history: a deletion inside the old one is noticed as such (test_git_store).
        self.force(commit_files(self.outsider, None, files, "x"), "sendoff-state")

    def remove(self) -> None:
        self.outsider.ask("push", "-q", "origin", ":refs/heads/sendoff-state")


SITES: dict[str, Callable[[Path], Site]] = {"files": FilesSite, "git": GitSite}


@pytest.fixture(params=sorted(SITES))
def site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return SITES[request.param](tmp_path)


@pytest.fixture
def store(site: Site) -> Store:
    opened = site.open()
    opened.initialise(AT)
    return opened


def claim(name: str, campaign: str = "news", run: str = RUN, contacts: int = 3) -> Claim:
    return Claim(
        id=name,
        campaign=campaign,
        step="main",
        occurrence="",
        run=run,
        at=AT,
        lease_until=AT + timedelta(minutes=30),
        provider="outbox",
        keys=b"".join(index.to_bytes(8, "big") for index in range(contacts)),
        times=((1760968800, 2, contacts),),
        total=contacts,
    )


def receipt(of: Claim, contacts: int = 3) -> Receipt:
    parts = (Settled("accepted", ((0, contacts),)),)
    return Receipt(of.id, of.campaign, of.run, of.at + timedelta(seconds=9), parts)


def append(store: LedgerStore, base: Snapshot, *records: Record, run: str = RUN) -> Snapshot:
    return store.append(base, records, run=run, message="Claim")


def read(snapshot: Snapshot) -> dict[str, list[Record]]:
    return {name: list(snapshot.records(name)) for name in snapshot.campaigns()}


def test_a_new_state_is_empty(site: Site) -> None:
    made = site.open().initialise(AT)
    assert read(made) == {}
    found = site.open().sync()
    assert found.version == made.version
    assert read(found) == {}
    assert list(found.records("nothing")) == []


def test_what_was_appended_is_there_for_everyone_in_order(site: Site, store: Store) -> None:
    one, two, other = claim("1"), claim("2"), claim("3", "spring/invite")
    planned = Planned("news", RUN, AT, AT, 3)
    first = append(store, store.sync(), planned, one, other)
    second = append(store, first, receipt(one), two, receipt(other))
    third = append(
        store,
        second,
        receipt(two),
        Closed("news", "main", "", RUN, AT, {"sent": 6}),
        Resolution("3", "spring/invite", AT, ((0, 1),), "sent", "Ann"),
    )
    expected = {
        "news": [
            planned,
            one,
            receipt(one),
            two,
            receipt(two),
            Closed("news", "main", "", RUN, AT, {"sent": 6}),
        ],
        "spring/invite": [
            other,
            receipt(other),
            Resolution("3", "spring/invite", AT, ((0, 1),), "sent", "Ann"),
        ],
    }
    assert read(third) == expected
    assert read(store.sync()) == expected
    assert read(site.open().sync()) == expected
    assert list(expected) == list(third.campaigns())


def test_files_are_never_changed_and_lie_where_the_format_says(site: Site, store: Store) -> None:
    base = append(store, store.sync(), claim("1"), claim("2", "a/2025-10"))
    before = site.contents()
    append(store, base, receipt(claim("1")), replace(claim("3"), at=AT.replace(month=11)))
    after = site.contents()
    assert {path: after[path] for path in before} == before
    assert sorted(after) == [
        "ledger/a%2F2025-10/2025-10/20251020T140000Z-0a-0001.jsonl",
        "ledger/news/2025-10/20251020T140000Z-0a-0001.jsonl",
        "ledger/news/2025-10/20251020T140000Z-0a-0002.jsonl",
        "meta.json",
    ]


def test_runs_are_read_in_the_order_of_their_names(store: Store) -> None:
    base = append(store, store.sync(), claim("late"), run="20251020T150000Z-0a")
    base = append(store, base, claim("early"), run="20251020T140000Z-0a")
    base = append(store, base, claim("odd"), run="2025-10-20T14:00:00+00:00/x")
    names = [record.id for record in base.records("news") if isinstance(record, Claim)]
    assert names == ["odd", "early", "late"]


def test_a_snapshot_stays_what_it_was(store: Store) -> None:
    base = append(store, store.sync(), claim("1"))
    append(store, base, claim("2"))
    assert read(base) == {"news": [claim("1")]}


def test_every_append_gives_the_state_another_name(store: Store) -> None:
    base = store.sync()
    versions = [base.version]
    for number in range(3):
        base = append(store, base, claim(str(number)))
        versions.append(base.version)
    assert len(set(versions)) == 4
    assert store.sync().version == versions[-1]


def test_nothing_to_add_changes_nothing(site: Site, store: Store) -> None:
    base = append(store, store.sync(), claim("1"))
    before = site.contents()
    assert append(store, base).version == base.version
    assert store.add_facts([], run=RUN, message="").version == base.version
    assert site.contents() == before


def test_a_claim_on_an_old_state_loses_and_writes_nothing(site: Site, store: Store) -> None:
    base = store.sync()
    rival = site.open()
    append(rival, rival.sync(), claim("rival", run="rival"), run="rival")
    before = site.contents()
    for records in ([claim("1")], [claim("1", "other")], [claim("1"), claim("2", "b")]):
        with pytest.raises(RaceLost, match="another run wrote first"):
            append(store, base, *records)
    assert site.contents() == before
    assert read(append(store, store.sync(), claim("1", "other"))) == {
        "news": [claim("rival", run="rival")],
        "other": [claim("1", "other")],
    }


def test_even_facts_in_the_same_file_as_a_claim_do_not_get_through(store: Store) -> None:
    first = claim("1")
    base = append(store, store.sync(), first)
    store.add_facts([receipt(first)], run=RUN, message="Settle")
    with pytest.raises(RaceLost):
        append(store, base, Planned("b", RUN, AT, AT, 1), claim("2"))


def test_facts_get_through_whatever_happened(site: Site, store: Store) -> None:
    mine = claim("1")
    append(store, store.sync(), mine)
    rival = site.open()
    append(rival, rival.sync(), claim("rival", run="rival"), run="rival")
    settled = store.add_facts([receipt(mine)], run=RUN, message="Settle")
    assert read(settled) == {"news": [mine, receipt(mine), claim("rival", run="rival")]}


def race(number: int, act: Callable[[int], bool]) -> list[bool]:
    start = threading.Barrier(number)

    def go(index: int) -> bool:
        start.wait()
        return act(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(go, range(number)))


def test_of_racing_claims_one_wins_each_round(site: Site, store: Store) -> None:
    stores = [store, *(site.open() for _ in range(3))]
    rounds = 4
    for number in range(rounds):
        bases = [racer.sync() for racer in stores]
        assert len({base.version for base in bases}) == 1

        def act(index: int, bases: list[Snapshot] = bases, number: int = number) -> bool:
            run = f"run{index}"
            try:
                append(stores[index], bases[index], claim(f"{number}.{index}", run=run), run=run)
            except RaceLost:
                return False
            return True

        assert sum(race(4, act)) == 1
    assert len(read(store.sync())["news"]) == rounds


def test_racing_facts_all_get_through(site: Site, store: Store) -> None:
    claims = [claim(str(index), run=f"run{index}") for index in range(4)]
    append(store, store.sync(), *claims)
    stores = [site.open() for _ in range(4)]

    def act(index: int) -> bool:
        facts = [receipt(claims[index])]
        after = stores[index].add_facts(facts, run=f"run{index}", message="Settle")
        return receipt(claims[index]) in list(after.records("news"))

    assert all(race(4, act))
    assert len(read(store.sync())["news"]) == 8


def test_of_racing_processes_one_wins(site: Site, store: Store) -> None:
    stores = [site.open() for _ in range(3)]
    bases = [racer.sync() for racer in stores]
    gate, opened = os.pipe()
    children = []
    for index, (racer, base) in enumerate(zip(stores, bases, strict=True)):
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.close(opened)
                os.read(gate, 1)
                append(racer, base, claim(str(index), run=f"run{index}"), run=f"run{index}")
                code = 0
            except RaceLost as error:
                code = error.exit_code
            finally:
                os._exit(code)
        children.append(child)
    os.close(gate)
    os.close(opened)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes == [0, 6, 6]
    assert len(read(store.sync())["news"]) == 1


def test_documents_are_written_and_rewritten(site: Site, store: Store) -> None:
    first = claim("1", "spring/invite")
    document = Document("spring/invite", [{"job_id": first.job_id, "sent_count": 0}])
    base = store.append(store.sync(), [first], run=RUN, message="Claim", documents=[document])
    document = Document("spring/invite", [{"job_id": first.job_id, "sent_count": 3}])
    store.add_facts([receipt(first)], run=RUN, message="Settle", documents=[document])
    content = site.contents()["jobs/spring%2Finvite.json"]
    assert json.loads(content) == {
        "campaign": "spring/invite",
        "jobs": [{"job_id": "spring/invite/main", "sent_count": 3}],
    }
    assert content.endswith(b"\n")
    assert read(base) == {"spring/invite": [first]}


def test_a_state_is_made_only_once(site: Site, store: Store) -> None:
    append(store, store.sync(), claim("1"))
    before = site.contents()
    for other in (store, site.open(), site.open("ffffffff")):
        with pytest.raises(StateRefused, match="already"):
            other.initialise(AT)
    assert site.contents() == before


def test_a_missing_state_is_not_an_empty_one(site: Site) -> None:
    with pytest.raises(StateMissing, match="sendoff init"):
        site.open().sync()
    with pytest.raises(StateMissing):
        site.open().add_facts([Planned("a", RUN, AT, AT, 1)], run=RUN, message="")


def test_a_state_that_was_taken_away_is_no_empty_one(site: Site, store: Store) -> None:
    """Who has seen it says so; to a new clone it is missing."""
    append(store, store.sync(), claim("1"))
    site.remove()
    with pytest.raises(site.gone):
        store.sync()
    with pytest.raises(StateMissing):
        site.open().sync()
    with pytest.raises(site.gone):
        store.add_facts([receipt(claim("1"))], run=RUN, message="")


def test_another_key_is_noticed(site: Site, store: Store) -> None:
    append(store, store.sync(), claim("1"))
    before = site.contents()
    stranger = site.open("ffffffff")
    with pytest.raises(StateKeyChanged):
        stranger.sync()
    with pytest.raises(StateKeyChanged):
        stranger.add_facts([receipt(claim("1"))], run=RUN, message="")
    assert site.contents() == before


def test_a_newer_format_is_not_guessed_at(site: Site) -> None:
    site.open().initialise(AT)
    meta = json.loads(encode_meta(KEY, AT)) | {"format": 4}
    name = "meta.json"
    site.move(name, "old.json")
    site.put(name, json.dumps(meta).encode())
    with pytest.raises(StateCorrupt, match="newer sendoff"):
        site.open().sync()


NEXT = "ledger/news/2025-10/20251020T140000Z-0b-0001.jsonl"
GOOD = (
    b'{"anchor":"2025-10-20T14:00:00Z","at":"2025-10-20T14:00:00Z","campaign":"%s",'
    b'"run":"r","total":1,"type":"planned"}\n'
)


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (NEXT, b"", r"0b-0001\.jsonl: the last line is cut off"),
        (NEXT, GOOD[:-1] % b"news", r"0b-0001\.jsonl: the last line is cut off"),
        (NEXT, GOOD % b"news" + b"{}\n", r"0b-0001\.jsonl:2: unknown record type"),
        (NEXT, GOOD % b"news" + b"\n", r"0b-0001\.jsonl:2: "),
        (NEXT, GOOD % b"news" + b"\xff\n", r"0b-0001\.jsonl:2: this is not UTF-8"),
        (NEXT, GOOD % b"other", r"0b-0001\.jsonl:1: a record of another campaign"),
        (NEXT.replace("0001", "0002"), GOOD % b"news", r"0b-0001\.jsonl is missing"),
        ("ledger/news/2025-10/notes.txt", b"x", "no ledger file is named so"),
        ("ledger/news/notes.txt", b"x", "no ledger file is named so"),
        ("ledger/news/2025-10/deep/x-0001.jsonl", GOOD % b"news", "no ledger file is named so"),
    ],
)
def test_damage_is_named_and_nothing_is_skipped(
    site: Site, store: Store, path: str, content: bytes, message: str
) -> None:
    append(store, store.sync(), claim("1"))
    site.put(path, content)
    for opened in (store, site.open()):
        with pytest.raises(StateCorrupt, match=message):
            read(opened.sync())


def settles(of: str, contacts: int) -> Receipt:
    return receipt(claim(of), contacts)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([settles("2", 3)], "its claim 2 is missing"),
        ([settles("1", 4)], "settles 4 contacts of a claim of 3"),
        ([settles("1", 2)], "settles 2 contacts of a claim of 3"),
        ([Resolution("1", "news", AT, ((2, 2),), "sent", "Ann")], "settles 4 contacts"),
        ([Resolution("9", "news", AT, ((0, 1),), "sent", "Ann")], "its claim 9 is missing"),
        ([claim("1")], "the claim 1 is there twice"),
    ],
)
def test_records_that_contradict_each_other_are_noticed(
    store: Store, records: list[Record], message: str
) -> None:
    append(store, store.sync(), claim("1"))
    after = store.add_facts(records, run="later", message="")
    with pytest.raises(StateCorrupt, match=rf"later-0001\.jsonl:1: {message}"):
        read(after)


def test_a_lost_first_file_of_a_run_is_noticed(site: Site, store: Store) -> None:
    base = append(store, store.sync(), claim("1"))
    append(store, base, claim("2"))
    site.move("ledger/news/2025-10/20251020T140000Z-0a-0001.jsonl", None)
    with pytest.raises(StateCorrupt, match=r"0a-0001\.jsonl is missing"):
        read(site.open().sync())


def test_a_renamed_file_is_noticed(site: Site, store: Store) -> None:
    append(store, store.sync(), claim("1"))
    name = "ledger/news/2025-10/20251020T140000Z-0a-0001.jsonl"
    site.move(name, f"{name}.bak")
    with pytest.raises(StateCorrupt, match="renamed"):
        read(site.open().sync())


def test_a_state_without_its_meta_is_corrupt(site: Site, store: Store) -> None:
    append(store, store.sync(), claim("1"))
    site.move("meta.json", None)
    with pytest.raises(StateCorrupt, match=r"meta\.json"):
        site.open().sync()


def test_a_record_that_breaks_the_format_is_not_written(site: Site, store: Store) -> None:
    before = site.contents()
    broken = replace(claim("1"), keys=b"short")
    with pytest.raises(ValueError, match="keys"):
        append(store, store.sync(), claim("2", "a"), broken)
    assert site.contents() == before
