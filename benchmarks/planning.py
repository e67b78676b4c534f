"""What planning costs a contact, from 10 thousand to 10 million: `python -m benchmarks.planning`.

One scheduled campaign, half of whose contacts are in the ledger already. Each size is a process of
its own, and its cost is held against that of a pure loop over as many contacts in the same process:
for each contact one look into a set, and one number into a column.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from array import array
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from runner.model.campaign import Campaign, Content, ListUse, Scheduled, Step
from runner.model.contacts import Audience
from runner.model.keys import KeyColumn
from runner.model.ledger import Claim, Receipt, Settled
from runner.model.plan import Plan
from runner.model.settings import (
    DomainCap,
    Frequency,
    Limits,
    Mailbox,
    Pacing,
    Quiet,
    Settings,
    WarmUp,
)
from runner.planning.account import account
from runner.planning.history import fold
from runner.planning.planner import CampaignInputs, Horizon, draft, finish, queue_up

from .findings import Finding, report

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
MEASURED = 1_000_000
"""The size at which memory is looked at: tracing it takes ten times as long."""
LINEAR = 0.9
"""The bare loop is linear but for one thing: a set of millions does not fit into the processor's
caches.  Planning has to grow no faster, give or take the noise."""
TIMES = 3
NOW = datetime(2025, 10, 20, 9, tzinfo=UTC)
WALL = datetime(2025, 10, 20, 9)
BATCH = 1000
NIGHT = Quiet(hours=(21 * 60, 8 * 60))
ZONES = ("America/New_York", "America/Chicago", "Europe/London", "")
CASES: dict[str, tuple[dict[str, object], dict[str, object], int]] = {
    "as fast as the provider goes": ({}, {}, SIZES[-1]),
    "each contact's own zone": ({"zone": "recipient"}, {}, SIZES[-2]),
    "own zone and quiet hours": ({"zone": "recipient", "quiet": NIGHT}, {}, SIZES[-2]),
    "one a second": ({"pacing": Pacing(delay_seconds=1)}, {}, SIZES[-2]),
    "100,000 an hour": ({"pacing": Pacing(max_per_hour=100_000)}, {}, SIZES[-2]),
    "every shared cap": (
        {"quiet": NIGHT},
        {
            "frequency": Frequency(3, timedelta(days=7)),
            "limits": Limits(
                200_000,
                WarmUp(WALL.date(), (500_000, 2_000_000), unlimited=True),
                (DomainCap("example.com", ("example.com",), 80_000), DomainCap("*", (), 90_000)),
            ),
        },
        SIZES[-2],
    ),
}
"""By what is planned: what the campaign says, what the settings say, and the largest size."""


def inputs(size: int, own: dict[str, object]) -> tuple[CampaignInputs, list[Claim | Receipt]]:
    """A campaign, its list and its ledger."""
    keys = b"".join(blake2b(n.to_bytes(8), digest_size=8).digest() for n in range(size))
    domains = ("example.com", "example.org", "example.net")
    emails = [f"p@{domains[n % 3]}" for n in range(6)] * (size // 6 + 1)
    zones = list(ZONES) * (size // len(ZONES) + 1)
    column = KeyColumn(keys)
    fields = {"email": emails[:size], "timezone": zones[:size]}
    people = Audience("list", emails[:size], column, fields, range(size))
    own = dict(own)
    one = Campaign(
        id="one",
        name="one",
        audience=ListUse("list"),
        steps=(Step("main", Content()),),
        schedule=Scheduled(WALL, str(own.pop("zone", "UTC"))),
        sender=Mailbox("hello@example.org"),
        **own,  # type: ignore[arg-type]
    )
    records = sent(one.id, keys[: size // 2 * 8])
    return CampaignInputs(one, fold(records, NOW), people), records


def sent(campaign: str, keys: bytes) -> list[Claim | Receipt]:
    """The ledger of mails that went out two hours ago."""
    at, found = NOW - timedelta(hours=2), list[Claim | Receipt]()
    first = int(at.timestamp())
    for number in range(0, len(keys) // 8, BATCH):
        part = keys[number * 8 : (number + BATCH) * 8]
        count, name = len(part) // 8, f"c{number}"
        claim = Claim(
            id=name,
            campaign=campaign,
            step="main",
            occurrence="",
            run="r",
            at=at,
            lease_until=at + timedelta(minutes=20),
            provider="smtp",
            keys=part,
            times=((first, 0, count),),
            total=count,
        )
        parts = (Settled("accepted", ((0, count),)),)
        found += [claim, Receipt(name, campaign, "r", at, parts)]
    return found


def plan(one: CampaignInputs, records: list[Claim | Receipt], settings: Settings) -> Plan:
    """The plan of one campaign, as ``survey`` makes it."""
    horizon = Horizon(NOW, NOW + timedelta(hours=1), NOW + timedelta(days=1))
    shared = account(settings, NOW, [records])
    shared.waiting = len(one.audience)
    drafted = draft(one, horizon, shared)
    queue_up([drafted], shared, horizon)
    return Plan(NOW, tuple(finish(drafted, horizon)))


def loop(one: CampaignInputs) -> int:
    """What no planner in Python that looks at each contact can do without."""
    taken, column = one.history.job("main").sent, array("q")
    for key in one.audience.keys:
        column.append(0 if key in taken else 1)
    return len(column)


def cpu(call: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def child(case: str, size: int, *, memory: bool) -> None:
    """One measurement: CPU seconds of planning and of the loop, or what planning takes of memory
    (bytes, with all that it returns)."""
    own, common, _ = CASES[case]
    one, records = inputs(size, {**own, "frequency": common.get("frequency")})
    settings = Settings(sender=Mailbox("hello@example.org"), **common)  # type: ignore[arg-type]
    # taking the ledger's keys apart is not planning
    assert one.history.job("main").sent
    if memory:
        tracemalloc.start()
        plan(one, records, settings)
        print(json.dumps({"peak": tracemalloc.get_traced_memory()[1]}))
        return
    plain = cpu(lambda: loop(one))
    print(json.dumps({"plain": plain, "took": cpu(lambda: plan(one, records, settings))}))


def measure(case: str, size: int, mode: str = "--time") -> dict[str, float]:
    """The same, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.planning", mode, case, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def findings_of(case: str, largest: int) -> Iterator[Finding]:
    """One case in every size."""
    small: list[dict[str, float]] = []
    for size in (size for size in SIZES if size <= largest):
        found = [measure(case, size) for _ in range(TIMES)]
        small = small or found
        peak = measure(case, size, "--memory")["peak"] / size if size == MEASURED else 0.0
        took, plain = (statistics.median(one[name] for one in found) for name in ("took", "plain"))
        yield Finding(
            f"plan {size:,} contacts: {case}",
            f"{took:.3g} s CPU, {took / size * 1e9:.0f} ns a contact"
            + (f", {peak:.0f} bytes a contact at the peak" if peak else ""),
            f"a bare loop over the contacts: {plain:.3g} s",
            tuple(one["plain"] / one["took"] for one in found),
        )
        if size != SIZES[0]:
            yield Finding(
                f"growth from {SIZES[0]:,} to {size:,}: {case}",
                f"{growth(small, found, 'took'):.3g} times as long",
                f"the bare loop: {growth(small, found, 'plain'):.3g} times",
                tuple(
                    growth([before], [now], "plain") / growth([before], [now], "took")
                    for before, now in zip(small, found, strict=True)
                ),
                LINEAR,
            )


def growth(small: list[dict[str, float]], found: list[dict[str, float]], name: str) -> float:
    """How many times as long the larger size takes."""
    larger, smaller = (statistics.median(one[name] for one in part) for part in (found, small))
    return larger / smaller


def main() -> None:
    """Every case in every size."""
    report("planning", [f for case in CASES for f in findings_of(case, CASES[case][2])])


if __name__ == "__main__":
    if sys.argv[1:2] in (["--time"], ["--memory"]):
        child(sys.argv[2], int(sys.argv[3]), memory=sys.argv[1] == "--memory")
    else:
        main()
