"""Reading a list from a database: its cost against a bare loop, its memory against its length.

    python -m benchmarks.databases            a million rows in SQLite
    python -m benchmarks.databases --rows 100000

The peers do less: neither a watch over the time nor walls against writing.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.findings import Finding, report
from benchmarks.peers import python_version, python_with
from runner.contacts.sources.sql import SqlFetcher
from runner.model.sources import SqlSource
from runner.testing import FakeClock

REPEATS = 5
QUERY = "select email, first_name, region, opted_out from members limit {rows}"
PANDAS = """\
import pandas, resource, sqlite3, sys, time
start = time.process_time()
connection = sqlite3.connect(sys.argv[1])
with open("/dev/null", "w", newline="") as sink:
    for block in pandas.read_sql_query(sys.argv[2], connection, chunksize=1000):
        block.to_csv(sink, index=False, header=False)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f'[{time.process_time() - start}, {peak}]')
"""


class Nowhere(io.RawIOBase):
    """Counts the bytes that it throws away."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(data)


def ours(database: Path, query: str) -> None:
    source = SqlSource(f"sqlite:///{database.name}", query, timedelta(minutes=10))
    clock = FakeClock(datetime(2025, 10, 20, tzinfo=UTC))
    SqlFetcher(source, "", database, "", clock).fetch(Nowhere(), {})


def bare(database: Path, query: str) -> None:
    connection = sqlite3.connect(database)
    with io.TextIOWrapper(Nowhere(), newline="") as text:
        csv.writer(text).writerows(connection.execute(query))
    connection.close()


READERS: dict[str, Callable[[Path, str], None]] = {"ours": ours, "bare": bare}


def measured(who: str, database: Path, rows: int, pandas: Path | None) -> tuple[float, float]:
    """CPU seconds and peak MiB of a process of its own."""
    query = QUERY.format(rows=rows)
    command = [sys.executable, "-m", "benchmarks.databases", "--child", who, database, query]
    if who == "pandas":
        command = [pandas, "-c", PANDAS, database, query]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def child(who: str, database: str, query: str) -> None:
    start = time.process_time()
    READERS[who](Path(database), query)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([time.process_time() - start, peak]))


def made(directory: Path, rows: int) -> Path:
    path = directory / "members.db"
    connection = sqlite3.connect(path)
    connection.execute("create table members (email, first_name, region, opted_out)")
    members = ((f"p{n}@example.com", f"Name{n}", "TX", n % 50 == 0) for n in range(rows))
    connection.executemany("insert into members values (?, ?, ?, ?)", members)
    connection.commit()
    connection.close()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--child", nargs=3)
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child)
        return
    with tempfile.TemporaryDirectory() as directory:
        compare(made(Path(directory), asked.rows), asked.rows)


def compare(database: Path, rows: int) -> None:
    pandas = python_with("pandas")
    peers = {"bare": "sqlite3 and csv in one line, without walls"}
    if pandas is not None:
        peers["pandas"] = f"pandas {python_version(pandas, 'pandas')}, 1000 rows at a time"
    whole: dict[str, list[tuple[float, float]]] = {who: [] for who in ("ours", *peers)}
    tenth = []
    for _ in range(REPEATS):
        for who, found in whole.items():
            found.append(measured(who, database, rows, pandas))
        tenth.append(measured("ours", database, rows // 10, pandas))
    findings = [cpu(whole["ours"], whole[peer], words, rows) for peer, words in peers.items()]
    peaks = [peak for _, peak in whole["ours"]]
    memory = Finding(
        f"peak memory of reading {rows:,} rows",
        f"{min(peaks):.0f} MiB",
        f"a tenth of the rows: {min(peak for _, peak in tenth):.0f} MiB",
        tuple(small / large for (_, small), large in zip(tenth, peaks, strict=True)),
        wanted=0.9,
    )
    report("databases", [*findings, memory])


def cpu(
    ours: list[tuple[float, float]], theirs: list[tuple[float, float]], words: str, rows: int
) -> Finding:
    return Finding(
        f"CPU time of reading {rows:,} rows from SQLite",
        f"{min(ours)[0]:.2f} s",
        f"{words}: {min(theirs)[0]:.2f} s",
        tuple(other / own for (own, _), (other, _) in zip(ours, theirs, strict=True)),
    )


if __name__ == "__main__":
    main()
