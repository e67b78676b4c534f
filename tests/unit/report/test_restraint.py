"""What keeps mails back, in words, and where people read them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from runner.model.campaign import Scheduled
from runner.model.settings import DomainCap, Frequency, Limits, Quiet, WarmUp
from runner.planning.planner import Horizon
from runner.report import plan, planmarkdown, restraint
from runner.survey import survey
from runner.testing import MemoryLedger, audience
from tests.builders import campaign, desk, utc

NOW = utc("2026-11-02 12:00")
QUIET = Quiet((21 * 60, 8 * 60 + 5), (5, 6), ((0, 12, 25), (2026, 11, 26)))
SHARED = {
    "limits": Limits(
        5000,
        WarmUp(date(2026, 11, 1), (500, 1000)),
        (DomainCap("big", ("example.com",), 20), DomainCap("*", (), 30)),
    ),
    "frequency": Frequency(2, timedelta(days=7), "defer"),
}


def test_a_campaign_says_what_keeps_its_mails_back() -> None:
    one = campaign(quiet=QUIET, priority=3, frequency=SHARED["frequency"])
    assert restraint.of_campaign(one) == (
        "quiet 21:00-08:05, Sat, Sun, 12-25, 2026-11-26",
        "who had too many mails gets it later",
        "priority 3",
    )
    assert restraint.of_campaign(campaign()) == ()


def test_the_plan_says_what_all_campaigns_share() -> None:
    """In the terminal and on the pull request; and when the last mail leaves under it."""
    one = campaign(Scheduled(datetime(2026, 11, 2, 13), "UTC"), quiet=QUIET)
    people = audience([f"p{n}@example.com" for n in range(50)])
    office = desk([one], people, **SHARED)
    horizon = Horizon(NOW, NOW + timedelta(hours=1), NOW + timedelta(days=7))
    found = survey(office, MemoryLedger().sync(), horizon)
    for text in (
        plan.text(found, office.workspace.settings),
        planmarkdown.markdown(found, office.workspace.settings),
    ):
        plain = " ".join(text.split())
        assert "5,000 an hour, 1,000 today (warm-up), 20 an hour to big" in plain
        assert "2 mails in 7 days to one contact" in plain
        assert "quiet 21:00-08:05" in plain
        assert "15:00" in plain
