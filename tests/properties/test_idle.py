"""A campaign that a glance takes for idle is one that the whole ledger takes for idle."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner.model.campaign import Campaign, Drip, Immediate, Recurring, Schedule, Scheduled
from runner.model.ledger import Claim, Closed, Planned, Record
from runner.planning.agenda import schedule_print
from runner.planning.drafts import Horizon
from runner.planning.glance import glance
from runner.planning.history import fold
from runner.stored import dump, restore
from runner.survey import _is_idle, _outdated_sight, needs_list
from tests.builders import campaign, step
from tests.unit.planning.test_history import NOW, ledgers

AT = datetime(2025, 10, 20, 9)
SCHEDULES: list[Schedule] = [
    Immediate("America/Chicago"),
    Scheduled(AT, "America/Chicago"),
    Scheduled(AT + timedelta(days=40), "recipient", "UTC"),
    Drip(AT, "America/Chicago"),
    Drip(AT, "America/Chicago", enrol="continuous"),
    Recurring("0 9 * * *", "America/Chicago"),
    Recurring("0 9 * * *", "recipient", "UTC", until=AT),
]


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """A campaign of any schedule and status; a drip has two steps."""
    schedule = draw(st.sampled_from(SCHEDULES))
    steps = [step("main"), step("later", days=1)] if isinstance(schedule, Drip) else []
    status = draw(st.sampled_from(["active", "paused", "cancelled"]))
    return campaign(schedule, id="news", steps=steps, status=status)


@st.composite
def histories(draw: st.DrawFn, of: Campaign) -> list[Record]:
    """Records of a campaign: seen or not, claims of its jobs, and jobs that are over or not."""
    occurrence = "2025-10-20T09:00" if isinstance(of.schedule, Recurring) else ""
    records = draw(st.just([]) | ledgers())
    records = [replace(r, occurrence=occurrence) if isinstance(r, Claim) else r for r in records]
    if draw(st.booleans()):
        seen = NOW - timedelta(days=draw(st.integers(0, 3)))
        prints = draw(st.sampled_from([schedule_print(of), "", "another"]))
        records.append(Planned("news", "r", seen, seen, 5, "shape", prints))
    for name in draw(st.sampled_from([(), ("main",), ("main", "later"), ("gone",)])):
        records.append(Closed("news", name, occurrence, "r", NOW, {"sent": 1}))
    return records


@given(data=st.data(), hours=st.integers(-30, 2000), paused=st.booleans())
def test_nothing_is_overlooked_at_a_glance(data: st.DataObject, hours: int, paused: bool) -> None:
    """Whatever the schedule, the state and the time: what a glance calls idle, also one that was
    kept and brought back, owes nothing, is in no doubt, and has nothing to note in the ledger."""
    of = data.draw(campaigns())
    records = data.draw(histories(of))
    now = NOW + timedelta(hours=hours)
    horizon = Horizon(now, now + timedelta(hours=1), now + timedelta(hours=1), paused=paused)
    seen = restore(json.loads(json.dumps(dump(glance(records)))))
    assert seen == glance(records)
    if seen is None:
        return
    whole = fold(records, now)
    idle = not needs_list(of, whole, horizon) and _outdated_sight(of, whole) is None
    assert _is_idle(of, seen, horizon) == idle
