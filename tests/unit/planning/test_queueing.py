"""Send times of a campaign that shares nothing with others."""

from __future__ import annotations

from datetime import datetime, timedelta

from runner.model.campaign import Scheduled
from runner.model.plan import Spot
from runner.model.settings import Lateness
from runner.planning.columns import Constant
from runner.planning.history import fold
from runner.planning.planner import CampaignInputs, Horizon, plan_campaign
from runner.testing import audience
from tests.builders import campaign, utc

NINE = datetime(2025, 10, 20, 9)


def planned(one, zones, now):
    people = audience([f"p{n}@example.com" for n in range(len(zones))], timezones=zones)
    horizon = Horizon(now, now, now + timedelta(days=1))
    (job,) = plan_campaign(CampaignInputs(one, fold((), now), people), horizon)
    return job


def test_who_missed_it_keeps_the_time_that_was_missed():
    """Others of the same job go from now on."""
    strict = Lateness(timedelta(minutes=30), "hold")
    one = campaign(Scheduled(NINE, "recipient"), lateness=strict)
    job = planned(one, ["", "Asia/Kathmandu"], utc("2025-10-20 09:10"))
    assert list(job.spots) == [Spot.DUE, Spot.MISSED]
    stamps = [int(utc(text).timestamp()) for text in ("2025-10-20 09:10", "2025-10-20 03:15")]
    assert list(job.times) == stamps


def test_a_time_that_all_share_is_held_once():
    """A million contacts take a byte each, and four more where they are due."""
    job = planned(campaign(Scheduled(NINE, "UTC")), [""] * 5, utc("2025-10-20 09:00"))
    assert isinstance(job.times, Constant)
    assert isinstance(job.queue.times, Constant)
    assert list(job.queue.indices) == [0, 1, 2, 3, 4]
    assert list(job.queue.times[1:3]) == [int(utc("2025-10-20 09:00").timestamp())] * 2
