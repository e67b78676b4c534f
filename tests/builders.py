"""Campaigns and desks for tests, short to write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from runner.desk import Desk
from runner.model.campaign import (
    Campaign,
    Content,
    Delay,
    Immediate,
    ListUse,
    Place,
    Schedule,
    Step,
)
from runner.model.contacts import Audience, ColumnMap, ContactList, FileSource
from runner.model.result import RunResult
from runner.model.settings import Mailbox, Settings, Unsubscribe
from runner.model.workspace import Workspace
from runner.ports import Clock, LedgerStore, Provider
from runner.reconcile import Reconciler, RunOptions
from runner.testing import FixedAudiences, OneDesk, PlainTemplates, RecordingProvider, Silent

LEAVE = Unsubscribe(mailto="x@f3.example")
SENDER = Mailbox("hello@f3.example", "F3")


def utc(text: str) -> datetime:
    """``2025-10-20 14:00`` as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def step(id: str = "main", days: int = 0, **more: Any) -> Step:
    return Step(id, Content(template=id), Delay(days=days), **more)


def campaign(
    schedule: Schedule | None = None,
    *,
    id: str = "invite",
    steps: Sequence[Step] = (),
    list_name: str = "people",
    **more: Any,
) -> Campaign:
    return Campaign(
        id=id,
        name=id,
        audience=ListUse(list_name),
        steps=tuple(steps) or (step(),),
        schedule=schedule or Immediate(),
        sender=SENDER,
        place=Place(f"campaigns/{id}.yaml", 1, 1),
        **more,
    )


def desk(
    campaigns: Sequence[Campaign],
    audiences: Audience | dict[str, Audience],
    *,
    templates: PlainTemplates | None = None,
    **settings: Any,
) -> Desk:
    by_list = audiences if isinstance(audiences, dict) else {"people": audiences}
    names = {c.audience.name for c in campaigns}
    workspace = Workspace(
        settings=Settings(
            sender=SENDER, unsubscribe=Unsubscribe(mailto="x@f3.example"), **settings
        ),
        campaigns={c.id: c for c in campaigns},
        lists={name: ContactList(name, FileSource(f"{name}.csv"), ColumnMap()) for name in names},
        templates={},
    )
    return Desk(workspace, FixedAudiences(by_list), templates or PlainTemplates())


def run(
    at_desk: Desk,
    store: LedgerStore,
    clock: Clock,
    provider: Provider | None = None,
    *,
    run_id: str = "20251020T140000Z-aaaaaa",
    budget: timedelta = timedelta(minutes=10),
    look_ahead: timedelta = timedelta(minutes=60),
) -> RunResult:
    options = RunOptions(run_id, budget, look_ahead)
    return Reconciler(
        OneDesk(at_desk), store, provider or RecordingProvider(), clock, Silent(), options
    ).run()
