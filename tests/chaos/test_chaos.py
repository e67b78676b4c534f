"""The smaller suite: some forty kills, and each other fault once.

CHAOS_SEED replays; ``python -m tests.chaos`` is the large one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from . import disk, faults, hands
from .kills import course, named, randoms, some, strike
from .world import SETUPS, Arena, Setup

SEED = os.environ.get("CHAOS_SEED") or f"{secrets.randbelow(10**6)}"
PER_SETUP = 7
_ROOMS = (disk, faults, hands)  # each enters its cases into faults.CASES

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def arenas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Arena, Arena]]:
    with (
        Arena(tmp_path_factory.mktemp("one")) as one,
        Arena(tmp_path_factory.mktemp("two")) as two,
    ):
        yield one, two


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_a_killed_run_mails_nobody_twice_and_loses_nobody(
    arenas: tuple[Arena, Arena], setup: Setup
) -> None:
    usual = course(arenas[0], setup)
    kills = some([*named(setup, usual.steps), *randoms(setup, 6)], PER_SETUP, f"{SEED}/{setup}")

    def half(number: int) -> list[str]:
        verdicts = [(k, strike(arenas[number], k, usual, SEED)) for k in kills[number::2]]
        return [f"seed {SEED}: {k.name}: {verdict}" for k, verdict in verdicts if not verdict.clean]

    with ThreadPoolExecutor(2) as pool:
        assert [text for texts in pool.map(half, range(2)) for text in texts] == []


@pytest.mark.parametrize("name", sorted(faults.CASES))
def test_a_fault_mails_nobody_twice_and_loses_nobody(
    arenas: tuple[Arena, Arena], name: str
) -> None:
    verdicts = list(islice(faults.CASES[name].attempt(arenas[0], SEED), 1))
    if not verdicts:
        pytest.skip("not possible on this machine")
    assert [f"seed {SEED}: {name}: {v}" for v in verdicts if not v.clean] == []
