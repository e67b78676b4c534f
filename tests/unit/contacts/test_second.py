"""A second process says what one would have said, and so does this one, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts import identifier as identifying
from runner.contacts import second
from runner.contacts.identifier import Identifier
from runner.contacts.identities import Identities, identify
from runner.contacts.keys import Keyer

from .shelf import CSV, SECRET, Shelf, file_list

KEYER = Keyer(SECRET)
pytestmark = pytest.mark.skipif(not identifying._spare_processor(), reason="one processor")

ADDRESSES = st.one_of(
    st.sampled_from(
        ["ann@x.example", " Ann@X.Example\t", "", "no address", "x@bücher.example", "a@b", "\n"]
    ),
    st.builds("{}@x.example".format, st.integers(0, 99)),
    st.text(st.characters(codec=None), max_size=8),
)


def plain(found: Identities) -> tuple[list[str], bytes, list[int]]:
    return list(found.emails), bytes(found.keys), found.invalid


def ask_all(
    identifier: Identifier, blocks: list[list[str]], between: Callable[[int], None] = lambda n: None
) -> Iterator[tuple[list[str], bytes, list[int]]]:
    for number, block in enumerate(blocks):
        between(number)
        identifier.ask(block)
        yield from map(plain, identifier.answers())
    yield from map(plain, identifier.answers(all_of_them=True))


@pytest.fixture(scope="module")
def identifier() -> Iterator[Identifier]:
    with Identifier(KEYER, worth_it=0) as made:
        yield made


@given(st.lists(st.lists(ADDRESSES, max_size=5), max_size=6))
def test_it_says_the_same(identifier: Identifier, blocks: list[list[str]]) -> None:
    expected = [plain(identify(block, KEYER)) for block in blocks]
    assert list(ask_all(identifier, blocks)) == expected


def blocks_of(rows: int, length: int = 8, blocks: int = 30) -> list[list[str]]:
    return [
        [f"User.{number}.{row}@{'x' * length}.example" for row in range(rows)]
        for number in range(blocks)
    ]


def expected_of(blocks: list[list[str]]) -> list[tuple[list[str], bytes, list[int]]]:
    return [plain(identify(block, KEYER)) for block in blocks]


@pytest.mark.parametrize(
    ("rows", "length", "blocks"), [(1, 8, 30), (2_000, 8, 30), (20_000, 60, 8)]
)
def test_blocks_of_any_size_get_through(rows: int, length: int, blocks: int) -> None:
    """Also those that fill a pipe many times over: nobody waits for the other for ever."""
    asked = blocks_of(rows, length, blocks)
    with Identifier(KEYER, worth_it=0) as identifier:
        assert list(ask_all(identifier, asked)) == expected_of(asked)


def process_of(identifier: Identifier) -> subprocess.Popen[bytes]:
    assert identifier._other is not None
    return identifier._other._process


@pytest.mark.parametrize("at", [1, 2, 15, 29])
def test_its_death_changes_nothing(at: int) -> None:
    blocks = blocks_of(2_000)
    with Identifier(KEYER, worth_it=0) as identifier:

        def strike(number: int) -> None:
            if number == at:
                process_of(identifier).kill()

        assert list(ask_all(identifier, blocks, strike)) == expected_of(blocks)


def test_nonsense_from_it_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "_START", "import sys\nwhile True: sys.stdout.write('who knows')\n")
    blocks = blocks_of(100)
    with Identifier(KEYER, worth_it=0) as identifier:
        assert list(ask_all(identifier, blocks)) == expected_of(blocks)


def test_it_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    blocks = blocks_of(100)
    with Identifier(KEYER, worth_it=0) as identifier:
        assert list(ask_all(identifier, blocks)) == expected_of(blocks)
        assert identifier._other is None


def test_a_short_list_starts_none() -> None:
    with Identifier(KEYER, worth_it=1_000) as identifier:
        identifier.ask(["ann@x.example"] * 1_000)
        assert identifier._other is None
        identifier.ask(["ann@x.example"])
        assert identifier._other is not None


def test_nor_does_a_machine_with_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    with Identifier(KEYER, worth_it=0) as identifier:
        identifier.ask(["ann@x.example"])
        assert identifier._other is None


def test_it_is_gone_afterwards() -> None:
    with Identifier(KEYER, worth_it=0) as identifier:
        identifier.ask(["ann@x.example"])
        process = process_of(identifier)
    assert process.returncode is not None
    identifier.ask(["bob@x.example"])
    answers = [found.emails for found in identifier.answers(all_of_them=True)]
    assert answers == [["ann@x.example"], ["bob@x.example"]]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
def test_nobody_sees_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_STATE_KEY", SECRET.decode())
    with Identifier(KEYER, worth_it=0) as identifier:
        list(ask_all(identifier, [["ann@x.example"]]))
        process = Path("/proc", str(process_of(identifier).pid))
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert b"second" in seen
    assert SECRET not in seen
    assert b"SENDOFF_STATE_KEY" not in seen


PARENT = """
import sys, time
from runner.contacts.identifier import Identifier
from runner.contacts.keys import Keyer
with Identifier(Keyer(b"secret"), worth_it=0) as identifier:
    identifier.ask(["ann@x.example"])
    print(identifier._other._process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_it_does_not_outlive_us(kind: signal.Signals) -> None:
    """Not even when nobody could tell it."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, kind)
    deadline = time.monotonic() + 20
    while is_there(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path("/proc", str(pid), "stat")
    # nobody may have waited for it: it is over all the same
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_long_list_reads_the_same(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"User.{n % 70_000}@x{n % 7}.example" for n in range(80_000)]
    rows[5_000] = rows[70_001] = "no address"
    rows[9_000] = '"two\nlines@x.example"'
    shelf.put(CSV, "email\n" + "\n".join(rows) + "\n")
    shelf.put("off.txt", "user.77@x0.example\nx3.example\n")
    started: list[object] = []
    start = second.SecondProcess.start
    monkeypatch.setattr(
        second.SecondProcess, "start", lambda secret: started.append(start(secret)) or started[-1]
    )
    long = shelf.lists(suppressions=["off.txt"])
    with_two = long.read(file_list())
    assert len(started) == 1
    monkeypatch.setattr(identifying, "_spare_processor", lambda: False)
    alone = shelf.lists(suppressions=["off.txt"])
    with_one = alone.read(file_list())
    assert len(started) == 1
    assert with_two.keys == with_one.keys
    assert list(with_two.emails) == list(with_one.emails)
    assert list(with_two.lines) == list(with_one.lines)
    assert list(with_two.excluded.reasons) == list(with_one.excluded.reasons)
    assert list(with_two.excluded.lines) == list(with_one.excluded.lines)
    assert long.warnings(file_list()) == alone.warnings(file_list())
