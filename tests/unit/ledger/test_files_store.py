"""The files store against crashes at every step, full disks, locks and links."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runner.errors import (
    RaceLost,
    StateCorrupt,
    StateError,
    StateMissing,
    StateRefused,
    StateUnreachable,
)
from runner.ledger.disk import locked, write_durably
from runner.ledger.files_store import FilesStore
from runner.ledger.records import encode
from runner.model.ledger import Claim, Document
from runner.ports import Snapshot

MakeClaim = Callable[..., Claim]
MakeStore = Callable[[], FilesStore]
STEPS = ("open", "os.rename", "os.mkdir", "os.remove", "os.listdir", "fcntl.flock", "os.scandir")

LAST_STEP = 52
"""Beyond the last step of an append of two campaigns and a document; proven below."""
LAST_STEP_OF_INIT = 16


def no_sleep(seconds: float) -> None:
    assert seconds >= 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "ws" / "state"


@pytest.fixture
def make_store(root: Path) -> MakeStore:
    root.parent.mkdir()
    return lambda: FilesStore(root, "0123abcd", workspace=root.parent, sleep=no_sleep, patience=0.2)


@pytest.fixture
def store(make_store: MakeStore, created: datetime) -> FilesStore:
    opened = make_store()
    opened.initialise(created)
    return opened


def ids(snapshot: Snapshot) -> dict[str, list[str]]:
    """The ids of the claims of each campaign."""
    return {
        name: [record.id for record in snapshot.records(name) if isinstance(record, Claim)]
        for name in snapshot.campaigns()
    }


def in_child(act: Callable[[], int]) -> int:
    """Run ``act`` in a process of its own; its answer is the exit status."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = act()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def at_step(number: int, root: Path, act: Callable[[], None]) -> None:
    """From now on, ``act`` when the system is about to be asked for the number-th time."""
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in STEPS and (event == "fcntl.flock" or str(root) in str(arguments[0])):
            seen += 1
            if seen == number:
                act()

    sys.addaudithook(hook)


def two_campaigns(store: FilesStore, base: Snapshot, make_claim: MakeClaim) -> Snapshot:
    return store.append(
        base,
        [make_claim("1"), make_claim("2", "other")],
        run="r",
        message="",
        documents=[Document("news", [{"sent_count": 0}])],
    )


OLD: dict[str, list[str]] = {"news": ["0"]}
NEW = {"news": ["0", "1"], "other": ["2"]}


@pytest.mark.parametrize("step", range(1, LAST_STEP))
def test_killed_at_any_step_the_append_is_whole_or_not_there(
    store: FilesStore, make_store: MakeStore, make_claim: MakeClaim, root: Path, step: int
) -> None:
    base = store.append(store.sync(), [make_claim("0")], run="q", message="")

    def act() -> int:
        at_step(step, root, lambda: os._exit(9))
        two_campaigns(store, base, make_claim)
        return 0

    code = in_child(act)
    assert code in (0, 9)
    after = make_store().sync()
    assert ids(after) in ((OLD, NEW) if code == 9 else (NEW,))
    assert ids(make_store().sync()) == ids(after)
    more = [make_claim("3"), make_claim("4", "other")]
    last = ids(make_store().append(after, more, run="s", message=""))
    assert (last["news"][-1], last["other"][-1]) == ("3", "4")
    assert not list((root / "ledger").rglob("*.tmp"))


@pytest.mark.parametrize("step", range(1, LAST_STEP))
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_an_error_at_any_step_is_told_and_nothing_is_half_done(
    store: FilesStore,
    make_store: MakeStore,
    make_claim: MakeClaim,
    root: Path,
    step: int,
    number: int,
) -> None:
    base = store.append(store.sync(), [make_claim("0")], run="q", message="")

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    def act() -> int:
        at_step(step, root, fail)
        try:
            two_campaigns(store, base, make_claim)
        except StateError as error:
            return error.exit_code
        return 0

    code = in_child(act)
    assert code in (0, 5)
    found = ids(make_store().sync())
    assert found == (OLD if code else NEW)


APPEND = """
import sys
from pathlib import Path
from runner.errors import StateError
from runner.ledger.files_store import FilesStore
from runner.ledger.records import decode

root = Path(sys.argv[1])
store = FilesStore(root, "0123abcd", workspace=root.parent, sleep=float)
records = [decode(line, "x") for line in sys.argv[2:]]
try:
    store.append(store.sync(), records, run="r", message="")
except StateError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="strace makes the disk fail")
@pytest.mark.parametrize("fault", ["fsync:error=EIO", "fsync:signal=KILL", "rename:error=ENOSPC"])
@pytest.mark.parametrize("when", [1, 2, 4, 7, 8, 9])
def test_a_disk_that_cannot_keep_its_promise(
    store: FilesStore,
    make_store: MakeStore,
    make_claim: MakeClaim,
    root: Path,
    fault: str,
    when: int,
) -> None:
    store.append(store.sync(), [make_claim("0")], run="q", message="")
    lines = [encode(make_claim("1")), encode(make_claim("2", "other"))]
    tracer = ["strace", "-f", "-o", "/dev/null", "-e", f"inject={fault}:when={when}"]
    command = [*tracer, sys.executable, "-c", APPEND, str(root), *lines]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found = ids(make_store().sync())
    if "KILL" in fault:
        assert found in (OLD, NEW)
    else:
        assert found == (OLD if done.returncode else NEW)
        assert (done.returncode == 0) or "StateUnreachable" in done.stderr


def test_the_steps_reach_the_end(store: FilesStore, make_claim: MakeClaim, root: Path) -> None:
    """Past the last step nothing is in the way: the tests above cover the whole append."""
    base = store.append(store.sync(), [make_claim("0")], run="q", message="")

    def act() -> int:
        at_step(LAST_STEP, root, lambda: os._exit(9))
        two_campaigns(store, base, make_claim)
        return 0

    assert in_child(act) == 0


def test_a_disk_that_takes_only_a_part(
    store: FilesStore, make_store: MakeStore, make_claim: MakeClaim, root: Path
) -> None:
    base = store.append(store.sync(), [make_claim("0")], run="q", message="")
    big = [make_claim("1"), make_claim("2", "other", contacts=5000)]

    def act() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            store.append(base, big, run="r", message="")
        except StateUnreachable as error:
            return 7 if "File too large" in str(error) else 8
        return 0

    assert in_child(act) == 7
    assert ids(make_store().sync()) == OLD
    assert not list(root.rglob("*.tmp"))
    assert ids(store.append(base, big, run="r", message="")) == NEW


def test_short_writes_are_gone_on_with(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, True)
    content = bytes(range(256)) * 100

    def act() -> int:
        os.close(reader)
        try:
            write_durably(fifo, content)
        except OSError as error:  # a pipe cannot be synced; everything was written by then
            return 0 if error.errno == errno.EINVAL else 1
        return 2

    # keeps the pipe open until the child has it
    keeper = os.open(fifo, os.O_WRONLY)
    child = os.fork()
    if child == 0:
        os.close(keeper)
        os._exit(act())
    found = b""
    while len(found) < len(content):
        found += os.read(reader, 65536)
    os.close(keeper)
    assert found == content
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(reader)


@pytest.mark.parametrize("name", [".lock", "meta.json.tmp"])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    """What lies in a checkout may be a link to anywhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    link = tmp_path / name
    link.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        write_durably(link, b"x")
    with (
        pytest.raises(OSError, match="symbolic link"),
        locked(link, shared=False, seconds=0, sleep=lambda _: None),
    ):
        pass
    assert elsewhere.read_text() == "precious"


def test_a_lock_that_is_held_is_waited_for_and_then_given_up(
    store: FilesStore, make_claim: MakeClaim, root: Path
) -> None:
    base = store.sync()
    waits: list[float] = []
    patient = FilesStore(root, "0123abcd", workspace=root.parent, sleep=waits.append, patience=1.0)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for act in (
            patient.sync,
            lambda: patient.append(base, [make_claim("1")], run="r", message=""),
        ):
            waits.clear()
            with pytest.raises(StateUnreachable, match="another process has held this lock"):
                act()
            assert sum(waits) == pytest.approx(1.0, abs=0.1)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert ids(patient.append(base, [make_claim("1")], run="r", message="")) == {"news": ["1"]}


def test_a_lock_of_a_dead_process_is_no_lock(
    store: FilesStore, make_claim: MakeClaim, root: Path
) -> None:
    def act() -> int:
        descriptor = os.open(root / ".lock", os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return 0

    assert in_child(act) == 0
    assert ids(store.append(store.sync(), [make_claim("1")], run="r", message="")) != {}


def interrupted(store: FilesStore, make_claim: MakeClaim, root: Path) -> None:
    """Leave an append that has happened but whose files have no names yet."""
    base = store.sync()

    def act() -> int:
        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "os.rename" and str(arguments[1]).endswith(".jsonl"):
                os._exit(9)

        sys.addaudithook(hook)
        two_campaigns(store, base, make_claim)
        return 0

    assert in_child(act) == 9
    assert (root / ".journal").exists()


def test_who_may_only_read_sees_an_interrupted_append_too(
    store: FilesStore, make_store: MakeStore, make_claim: MakeClaim, root: Path
) -> None:
    interrupted(store, make_claim, root)
    before = sorted(root.rglob("*"))

    def act() -> int:
        def read_only(event: str, arguments: tuple[Any, ...]) -> None:
            writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if writes or event in ("os.rename", "os.mkdir", "os.remove"):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        sys.addaudithook(read_only)
        return 0 if ids(make_store().sync()) == {"news": ["1"], "other": ["2"]} else 1

    assert in_child(act) == 0
    assert sorted(root.rglob("*")) == before
    assert ids(make_store().sync()) == {"news": ["1"], "other": ["2"]}
    assert not (root / ".journal").exists()


def test_a_claim_meets_an_interrupted_append_of_another(
    store: FilesStore, make_claim: MakeClaim, root: Path
) -> None:
    base = store.sync()
    interrupted(store, make_claim, root)
    with pytest.raises(RaceLost):
        store.append(base, [make_claim("9")], run="z", message="")
    assert ids(store.sync()) == {"news": ["1"], "other": ["2"]}


def test_an_interrupted_append_whose_files_are_gone_is_corrupt(
    store: FilesStore, make_claim: MakeClaim, root: Path
) -> None:
    interrupted(store, make_claim, root)
    for path in root.rglob("*.jsonl.tmp"):
        path.unlink()
    with pytest.raises(StateCorrupt, match="is missing: was it deleted"):
        store.sync()


@pytest.mark.parametrize("step", range(1, LAST_STEP_OF_INIT))
def test_killed_at_any_step_a_state_is_made_or_not(
    make_store: MakeStore, make_claim: MakeClaim, root: Path, created: datetime, step: int
) -> None:
    def act() -> int:
        at_step(step, root, lambda: os._exit(9))
        make_store().initialise(created)
        return 0

    code = in_child(act)
    try:
        base = make_store().sync()
    except StateMissing:
        assert code == 9
        base = make_store().initialise(created)
    assert ids(make_store().append(base, [make_claim("1")], run="r", message="")) == {"news": ["1"]}


@pytest.mark.parametrize("content", [b"", b"{}", b"[3]", b'["../../x"'])
def test_a_journal_that_was_edited_is_corrupt(
    store: FilesStore, root: Path, content: bytes
) -> None:
    (root / ".journal").write_bytes(content)
    with pytest.raises(StateCorrupt, match="journal"):
        store.sync()


def test_a_journal_cannot_lead_out_of_the_state(
    store: FilesStore, root: Path, tmp_path: Path
) -> None:
    (tmp_path / ".victim.tmp").write_text("evil")
    (tmp_path / "victim").write_text("good")
    (root / ".journal").write_text('["../../victim"]')
    with pytest.raises(StateCorrupt, match="journal"):
        store.sync()
    assert (tmp_path / "victim").read_text() == "good"


def test_where_the_state_cannot_be(
    make_store: MakeStore, make_claim: MakeClaim, root: Path, created: datetime, tmp_path: Path
) -> None:
    with pytest.raises(StateMissing, match="sendoff init"):
        make_store_again(root).sync()
    root.write_text("a file")
    for act in (make_store_again(root).sync, lambda: make_store_again(root).initialise(created)):
        with pytest.raises(StateRefused, match=r"not a directory|File exists|Not a directory"):
            act()
    root.unlink()
    (tmp_path / "outside").mkdir()
    root.symlink_to(tmp_path / "outside")
    for act in (make_store_again(root).sync, lambda: make_store_again(root).initialise(created)):
        with pytest.raises(StateRefused, match="leads out of the workspace"):
            act()
    deeper = FilesStore(root / "deep", "0123abcd", workspace=root.parent, sleep=no_sleep)
    with pytest.raises(StateRefused, match="leads out of the workspace"):
        deeper.initialise(created)
    assert list((tmp_path / "outside").iterdir()) == []


def make_store_again(root: Path) -> FilesStore:
    return FilesStore(root, "0123abcd", workspace=root.parent, sleep=no_sleep)


def test_a_link_inside_the_state_may_not_lead_out(
    store: FilesStore, make_claim: MakeClaim, root: Path, tmp_path: Path
) -> None:
    store.append(store.sync(), [make_claim("1")], run="r", message="")
    (root / "ledger" / "news" / "2025-10").rename(tmp_path / "moved")
    (root / "ledger" / "news" / "2025-10").symlink_to(tmp_path / "moved")
    with pytest.raises(StateCorrupt, match="symbolic link"):
        store.sync()
    (root / "ledger").rename(tmp_path / "ledger")
    (root / "ledger").symlink_to(tmp_path / "ledger")
    with pytest.raises(StateRefused, match="leads out of the workspace"):
        store.sync()


def test_a_link_within_the_workspace_is_fine(
    make_store: MakeStore, make_claim: MakeClaim, root: Path, created: datetime
) -> None:
    (root.parent / "real").mkdir()
    root.symlink_to("real")
    base = make_store().initialise(created)
    assert ids(make_store().append(base, [make_claim("1")], run="r", message="")) == {"news": ["1"]}


def test_a_file_that_vanishes_while_reading_is_missing(
    store: FilesStore, make_claim: MakeClaim, root: Path
) -> None:
    snapshot = store.append(store.sync(), [make_claim("1")], run="r", message="")
    next(root.rglob("*.jsonl")).unlink()
    with pytest.raises(StateCorrupt, match=r"r-0001\.jsonl is missing"):
        ids(snapshot)


def test_a_file_that_changed_its_size_is_noticed_before_anything_is_written(
    store: FilesStore, make_claim: MakeClaim, root: Path
) -> None:
    base = store.append(store.sync(), [make_claim("1")], run="r", message="")
    with next(root.rglob("*.jsonl")).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(StateCorrupt, match=r"r-0001\.jsonl"):
        store.append(base, [make_claim("2")], run="r", message="")
