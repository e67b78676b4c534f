"""What the ledger costs: bytes of git, pushes, seconds and memory, by number of recipients.

    python -m benchmarks.ledger               against its limits
    python -m benchmarks.ledger --quick       smaller numbers, to see that it works
    python -m benchmarks.ledger size read     these tables (also push, append), in Markdown: minutes

Writes exactly what a run writes (claims of a slice, with the receipts of the one before), through
the stores themselves, with random contact keys: those cannot be compressed, as real ones cannot.
Everything happens in a temporary directory; the remote is a bare repository beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, product, repeat
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from benchmarks.findings import Finding, report  # noqa: E402 - found above
from runner.ledger.files_store import FilesStore  # noqa: E402
from runner.ledger.git_store import GitStore  # noqa: E402
from runner.ledger.layout import LedgerFile, by_month, document_files  # noqa: E402
from runner.ledger.meta import encode_meta  # noqa: E402
from runner.model.contacts import KEY_BYTES  # noqa: E402
from runner.model.ledger import Claim, Closed, Document, Receipt, Record, Settled  # noqa: E402
from runner.planning.auditing import audit  # noqa: E402
from runner.planning.history import fold  # noqa: E402
from runner.repository.git import Git  # noqa: E402

START = datetime(2025, 10, 20, 14, tzinfo=UTC)
BRANCH = "sendoff-state"
LOOSE = ("-c", "fastimport.unpackLimit=1000000")
"""Objects are left as pushes leave them, so that gc finds its own way to pack them."""
KEY = "0123abcd"
SEED = 7
Store = GitStore | FilesStore


@dataclass(frozen=True)
class Load:
    """``recipients`` in so many ``runs``, in claims of ``batch`` contacts."""

    recipients: int
    runs: int
    batch: int
    seed: int = SEED


# -- the ledgers --------------------------------------------------------------------------------


def sh(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout


def git_store(home: Path, name: str = "clone") -> GitStore:
    """A store in a new clone of the remote in ``home``, which is made when it is not there."""
    if not (home / "remote.git").exists():
        sh(home, "git", "init", "-q", "--bare", "remote.git")
    if not (home / name).exists():
        sh(home, "git", "clone", "-q", "--single-branch", "remote.git", name)
    return GitStore(Git(home / name, timeout=600), "origin", BRANCH, KEY, sleep=time.sleep)


def files_store(home: Path, name: str = "") -> FilesStore:
    return FilesStore(home / "state", KEY, workspace=home, sleep=time.sleep)


STORES: dict[str, Callable[[Path, str], Store]] = {"git": git_store, "files": files_store}


@dataclass(frozen=True)
class Write:
    """What one push adds."""

    run: str
    message: str
    records: Sequence[Record]
    documents: Sequence[Document] = ()


def writes(load: Load) -> Iterator[Write]:
    """All that the runs of a load write: a run a day, each an occurrence of one campaign."""
    source = random.Random(load.seed)
    for number in range(load.runs):
        each = load.recipients // load.runs
        yield from one_run(source, START + timedelta(days=number), each, load.batch)


def slice_sizes() -> Iterator[int]:
    """Batches in each next slice, with a provider that is quick."""
    yield from (1, 4, 16)
    yield from repeat(64)


def one_run(source: random.Random, at: datetime, recipients: int, batch: int) -> Iterator[Write]:
    """Growing slices, each written with the receipts of the one before."""
    name = f"{at:%Y%m%dT%H%M%SZ}-{source.getrandbits(24):06x}"
    queue = claims(source, at, name, recipients, batch)
    sizes, settled = slice_sizes(), list[Record]()
    while part := list(islice(queue, next(sizes))):
        yield Write(name, f"claim {len(part)} batches", [*settled, *part])
        settled = [receipt(claim, at) for claim in part]
    closed = Closed("digest", "main", f"{at:%Y-%m-%d}", name, at, {"sent": recipients})
    job = {"job_id": closed.job_id, "status": "sent", "sent_count": recipients}
    yield Write(name, f"settle {recipients}", [*settled, closed], [Document("digest", [job])])


def claims(
    source: random.Random, at: datetime, run: str, recipients: int, batch: int
) -> Iterator[Claim]:
    first = int(at.timestamp())
    for start in range(0, recipients, batch):
        count = min(batch, recipients - start)
        yield Claim(
            id=f"{source.getrandbits(64):016x}",
            campaign="digest",
            step="main",
            occurrence=f"{at:%Y-%m-%d}",
            run=run,
            at=at,
            lease_until=at + timedelta(minutes=20),
            provider="sendgrid",
            keys=source.randbytes(count * KEY_BYTES),
            times=((first + start, 1, count),),
            total=recipients,
            content=f"{SEED:032x}",
            commit=f"{SEED:040x}",
        )


def through(store: Store, load: Load) -> int:
    """Write a load through a store, push by push; returns how many."""
    base, count = store.sync(), 0
    for write in writes(load):
        base = store.append(
            base, write.records, run=write.run, message=write.message, documents=write.documents
        )
        count += 1
    return count


def in_bulk(remote: Path, load: Load) -> int:
    """Make the same commits as ``through`` on the remote's branch, in one stream of git's.

    What is written is the same to the byte; only the time of a thousand pushes is spared.
    """
    if not remote.exists():
        sh(remote.parent, "git", "init", "-q", "--bare", remote.name)
    numbers: dict[tuple[str, str], int] = {}
    meta = {"state/meta.json": encode_meta(KEY, START)}
    stream = [commit("Begin the ledger", meta)]
    for write in writes(load):
        files = {f"state/{p}": text for p, text in document_files(write.documents).items()}
        for (campaign, month), text in by_month(write.records).items():
            number = numbers[write.run, month] = numbers.get((write.run, month), 0) + 1
            files[f"state/{LedgerFile(campaign, month, write.run, number).path}"] = text
        stream.append(commit(write.message, files))
    command = ["git", *LOOSE, "fast-import", "--quiet", "--date-format=now"]
    subprocess.run(command, cwd=remote, input=b"".join(stream), check=True, capture_output=True)
    return len(stream) - 1


def commit(message: str, files: Mapping[str, bytes]) -> bytes:
    text = message.encode()
    head = f"commit refs/heads/{BRANCH}\ncommitter sendoff <sendoff@localhost> now\n"
    parts = [head.encode(), b"data %d\n%s\n" % (len(text), text)]
    for path, content in files.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    return b"".join(parts)


def prepare(kind: str, home: Path, load: Load) -> None:
    """A ledger with a load in it."""
    if kind == "git":
        in_bulk(home / "remote.git", load)
    else:
        store = files_store(home)
        store.initialise(START)
        through(store, load)


def receipt(claim: Claim, at: datetime) -> Receipt:
    """Everything accepted, with a message id as SendGrid gives it."""
    count = len(claim.keys) // KEY_BYTES
    ref = f"{claim.id}-{claim.id[:6]}"
    parts = (Settled("accepted", ((0, count),), "", ref),)
    return Receipt(claim.id, claim.campaign, claim.run, at + timedelta(seconds=9), parts)


# -- measuring ------------------------------------------------------------------------------------


def packed_bytes(repository: Path) -> int:
    """The bytes of all objects after ``git gc``."""
    sh(repository, "git", "gc", "-q", "--prune=now")
    objects = repository / "objects"
    return sum(path.stat().st_size for path in objects.rglob("*") if path.is_file())


def plain_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def table(title: str, header: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    """Print a table, row by row as they are known."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def sizes(quick: bool) -> None:
    """Bytes of git for one recipient, after gc."""
    many = (10_000, 20_000) if quick else (100_000, 1_000_000)
    loads = [Load(n, runs, batch) for n in many for runs in (100, 200) for batch in (100, 1000)]
    header = ("recipients", "runs", "batch size", "pushes", "git, packed", "bytes a recipient")
    table("Bytes of git", header, map(size, loads))


def size(load: Load) -> Sequence[object]:
    pushes, packed = packed_size(load)
    each = f"{packed / load.recipients:.2f}"
    counts = [f"{n:,}" for n in (load.recipients, load.runs, load.batch, pushes)]
    return (*counts, mib(packed), each)


def packed_size(load: Load) -> tuple[int, int]:
    """Pushes, and bytes of git after gc."""
    with tempfile.TemporaryDirectory() as name:
        remote = Path(name) / "remote.git"
        return in_bulk(remote, load), packed_bytes(remote)


def mib(number: float) -> str:
    return f"{number / 2**20:,.1f} MiB"


def pushes(quick: bool) -> None:
    """One run to very many."""
    many = 50_000 if quick else 1_000_000
    rows = (big_run(kind, many, batch) for kind in STORES for batch in (1000, 100))
    header = ("store", "recipients", "batch size", "writes", "seconds", "recipients a second")
    table("One run: writes and seconds", header, rows)


def big_run(kind: str, recipients: int, batch: int) -> Sequence[object]:
    with tempfile.TemporaryDirectory() as name:
        store = STORES[kind](Path(name), "clone")
        store.initialise(START)
        start = time.perf_counter()
        count = through(store, Load(recipients, 1, batch))
        took = time.perf_counter() - start
        rate = f"{recipients / took:,.0f}"
        return kind, f"{recipients:,}", f"{batch:,}", count, f"{took:.1f}", rate


def reads(quick: bool) -> None:
    """A fresh clone, a fresh process: how long until the ledger is known?"""
    many = (10_000, 100_000) if quick else (1_000_000, 10_000_000)
    header = ("store", "sends", "what", "seconds", "ratio", "peak memory", "bytes a send")
    table("Reading a ledger, cold", header, cold(many))


def cold(many: Sequence[int]) -> Iterator[Sequence[object]]:
    first: dict[tuple[str, str], float] = {}
    for sends, kind in product(many, STORES):
        with tempfile.TemporaryDirectory() as name:
            home = Path(name)
            prepare(kind, home, Load(sends, 100, 1000))
            for number, what in enumerate(LOOKS):
                took, peak = look_in_child(kind, home, f"fresh{number}", what)
                ratio = f"{took / first.setdefault((kind, what), took):.1f}"
                each = f"{peak / sends:,.0f}"
                yield kind, f"{sends:,}", what, f"{took:.2f}", ratio, mib(peak), each


def look_in_child(kind: str, home: Path, clone: str, what: str) -> tuple[float, int]:
    """Seconds and peak resident bytes of a new process that looks at the ledger."""
    command = [sys.executable, __file__, "--look", kind, str(home), clone, what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took, peak = json.loads(done.stdout)
    return took, peak


def read_all(store: Store) -> None:
    """Sync, and read every record, as ``status`` must."""
    found = store.sync()
    for campaign in found.campaigns():
        for _ in found.records(campaign):
            pass


def fold_all(store: Store) -> None:
    """Sync, read, and fold: what has become of every contact."""
    found = store.sync()
    for campaign in found.campaigns():
        fold(found.records(campaign), START + timedelta(days=400))


def verify_all(store: Store) -> None:
    """What ``sendoff verify`` does."""
    found = audit(store.inspect().entries, START + timedelta(days=400))
    if found.problems:
        raise SystemExit(str(found.problems[0]))


LOOKS: dict[str, Callable[[Store], None]] = {
    "read": read_all,
    "read and fold": fold_all,
    "verify": verify_all,
}


def look(kind: str, home: str, clone: str, what: str) -> None:
    """In the child; the clone, of the default branch alone, is made before the clock starts."""
    store = STORES[kind](Path(home), clone)
    took = seconds(lambda: LOOKS[what](store))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([took, own * 1024]))


def appends(quick: bool) -> None:
    """One more write, on ledgers of different sizes."""
    many = (1_000, 10_000) if quick else (10_000, 100_000, 1_000_000)
    header = ("store", "sends before", "files before", "one more write", "ratio", "sync", "ratio")
    rows = (row for kind in STORES for row in one_more(kind, many))
    table("One more write", header, rows)


def one_more(kind: str, many: Sequence[int]) -> Iterator[Sequence[object]]:
    """Of a claim of 1,000; the median of 15, each after a sync of its own."""
    first: list[float] = []
    for sends in many:
        with tempfile.TemporaryDirectory() as name:
            prepare(kind, Path(name), Load(sends, 100, 1000))
            store = STORES[kind](Path(name), "clone")
            before = store.inspect().files
            write, sync = timed_writes(store)
            first = first or [write, sync]
            shown = [f"{write * 1000:.0f} ms", f"{write / first[0]:.2f}"]
            shown += [f"{sync * 1000:.0f} ms", f"{sync / first[1]:.2f}"]
            yield kind, f"{sends:,}", f"{before:,}", *shown


def timed_writes(store: Store) -> tuple[float, float]:
    source = random.Random(SEED + 1)
    written, syncs = [], []
    for number in range(15):
        run, at = f"20270101T000000Z-{number:06x}", START + timedelta(days=440)
        batch = list(claims(source, at, run, 1000, 1000))
        start = time.perf_counter()
        base = store.sync()
        syncs.append(time.perf_counter() - start)
        start = time.perf_counter()
        store.append(base, batch, run=run, message="claim")
        written.append(time.perf_counter() - start)
    return median(written), median(syncs)


# -- against limits -------------------------------------------------------------------------------

BYTES_LIMIT = 9.5
CONSTANT = 0.8
"""What a write on a small ledger costs, divided by what it costs on a large one: 1 is constant."""


def findings(quick: bool) -> Iterator[Finding]:
    """Bytes of git for one recipient, and one more write on a small and on a large ledger."""
    many = (20_000,) if quick else (100_000, 1_000_000)
    for recipients in many:
        for runs, batch in sorted({(10, 1000), (recipients // 10_000 or 1, 1000), (10, 100)}):
            loads = [Load(recipients, runs, batch, seed) for seed in range(1 if quick else 3)]
            each = [packed_size(load)[1] / recipients for load in loads]
            yield Finding(
                f"git, packed: {recipients:,} recipients, {runs} runs, batches of {batch:,}",
                f"{median(each):.2f} bytes a recipient",
                f"limit {BYTES_LIMIT} bytes",
                tuple(BYTES_LIMIT / one for one in each),
                1.0,
            )
    yield from constant(*((1_000, 10_000) if quick else (10_000, 1_000_000)))


def constant(few: int, many: int) -> Iterator[Finding]:
    """One more write on two ledgers, taking turns."""
    with tempfile.TemporaryDirectory() as name:
        stores = []
        for sends in (few, many):
            home = Path(name) / str(sends)
            home.mkdir()
            prepare("git", home, Load(sends, 100, 1000))
            stores.append(git_store(home))
            stores[-1].sync()
        pairs = [[one_write(store, number) for store in stores] for number in range(15)]
    walls = [[wall for wall, _ in pair] for pair in pairs]
    cpus = [[cpu for _, cpu in pair] for pair in pairs]
    for what, found in (("", walls), (", CPU", cpus)):
        large = median(pair[1] for pair in found) * 1000
        small = median(pair[0] for pair in found) * 1000
        yield Finding(
            f"claim 1,000: read the tip, commit, push; {many:,} sends before{what}",
            f"{large:.0f} ms",
            f"with {few:,} sends before: {small:.0f} ms",
            tuple(pair[0] / pair[1] for pair in found),
            CONSTANT if what else None,
        )


def one_write(store: Store, number: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU in git and here, of a sync and an append."""
    at = START + timedelta(days=440)
    run = f"20270101T000000Z-{number:06x}"
    batch = list(claims(random.Random(number), at, run, 1000, 1000))
    wall, cpu = time.perf_counter(), cpu_seconds()
    store.append(store.sync(), batch, run=run, message="claim")
    return time.perf_counter() - wall, cpu_seconds() - cpu


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


TABLES: dict[str, Callable[[bool], None]] = {
    "size": sizes,
    "push": pushes,
    "append": appends,
    "read": reads,
}


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    git = sh(HERE, "git", "--version").split()[2]
    commit = sh(HERE, "git", "rev-parse", "--short", "HEAD").strip()
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, git {git}, commit {commit}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    parser.add_argument("--look", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        look(*options.look)
        return
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    if not options.tables:
        report("ledger", list(findings(options.quick)))
        return
    print(machine())
    for name in options.tables:
        TABLES[name](options.quick)


if __name__ == "__main__":
    main()
