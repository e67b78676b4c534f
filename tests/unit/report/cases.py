"""Plans and results to write reports of: real ones, from the planner and the reconciler."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from runner.desk import Desk
from runner.model.campaign import Campaign, Drip, Immediate, ListUse, Recurring, Scheduled
from runner.model.contacts import Audience, Excluded
from runner.model.message import Outcome
from runner.model.plan import Plan
from runner.model.result import RunResult
from runner.model.settings import Guards, Pacing, Settings
from runner.planning.planner import Horizon
from runner.survey import survey
from runner.testing import FakeClock, MemoryLedger, RecordingProvider, audience
from tests.builders import campaign, desk, run, step, utc

NOW = utc("2025-10-16 14:00")
ZONES = ("America/Chicago", "Europe/London", "Asia/Kolkata", "America/Sao_Paulo", "")


def people(count: int = 1234) -> Audience:
    """Contacts in several zones, and 66 rows that are excluded."""
    reasons = ["opted_out"] * 40 + ["bounced"] * 20 + ["duplicate"] * 6
    return audience(
        [f"p{n}@example.org" for n in range(count)],
        timezones=[ZONES[n % len(ZONES)] for n in range(count)],
        excluded=Excluded([b"x" * 8] * 66, reasons, list(range(66))),
    )


def one_shot(name: str = "Bros & Brews 2025", **more: object) -> Campaign:
    return replace(
        campaign(
            Scheduled(datetime(2025, 10, 20, 9), "America/Chicago"),
            id="bros-and-brews-2025",
            pacing=Pacing(delay_seconds=2, max_per_hour=1000),
        ),
        name=name,
        **more,
    )


def countdown() -> Campaign:
    steps = [step("invite"), step("reminder", 3), step("last-call", 7, only_if="sent('reminder')")]
    return replace(
        campaign(Drip(datetime(2025, 10, 15, 9), "America/Chicago"), id="countdown", steps=steps),
        name="倒计时 Countdown",
        audience=ListUse("people", "contact.region == 'TX'"),
    )


def digest() -> Campaign:
    schedule = Recurring("0 9 * * MON", "recipient", "Europe/London", until=datetime(2026, 6, 30))
    return replace(
        campaign(schedule, id="weekly-digest", guards=Guards(max_recipients=500)),
        name="نشرة الأسبوع",
    )


def welcome(**more: object) -> Campaign:
    return replace(campaign(Immediate(), id="welcome"), name="Welcome", **more)


def desk_of(*campaigns: Campaign, count: int = 1234) -> Desk:
    return desk(campaigns, people(count), timezone="America/Chicago")


def plan_of(
    at_desk: Desk, ledger: MemoryLedger | None = None, now: datetime = NOW, days: int = 7
) -> Plan:
    horizon = Horizon(
        now,
        now + timedelta(hours=1),
        now + timedelta(days=days),
        paused=at_desk.workspace.settings.paused,
    )
    return survey(at_desk, (ledger or MemoryLedger()).sync(), horizon)


def settings_of(at_desk: Desk) -> Settings:
    return at_desk.workspace.settings


def mixed(count: int = 20) -> tuple[RunResult, Desk, MemoryLedger]:
    """A run in which some are sent, one is refused, one is in doubt and one comes back."""
    kinds = ("accepted", "refused", "ambiguous", "temporary")
    at_desk, ledger = desk_of(welcome(), digest(), count=count), MemoryLedger()
    provider = RecordingProvider(
        answer=lambda batch, i: Outcome(kinds[i] if i < len(kinds) else "accepted")
    )
    return run(at_desk, ledger, FakeClock(NOW), provider), at_desk, ledger


def well(count: int = 20) -> RunResult:
    return run(desk_of(welcome(), count=count), MemoryLedger(), FakeClock(NOW))
