"""The run: plan, claim, send, settle, in this order, through ports.

A claim is pushed before anything is sent, and the push is the lock; receipts go out with the
next slice's claims.  See docs/reliability.md for why each step stands where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from .bounced import bounced
from .claiming import Claimer, whole
from .dataclass import dataclass
from .delivery import Claimed, Delivery, receipt
from .desk import Desks
from .errors import RaceLost, SendoffError, StateError
from .model.campaign import Recurring
from .model.ledger import Document, Glance, Planned, Receipt, Record, Resolution
from .model.message import Outcome
from .model.plan import Hold, Plan
from .model.result import RunResult
from .planning.agenda import schedule_print
from .planning.comparing import shape
from .planning.glance import glance
from .planning.planner import Horizon
from .planning.slices import WAIT_SECONDS, BatchPlan, SliceSize, batches, outdated
from .planning.view import job_record
from .ports import Clock, LedgerStore, Observer, Provider, Snapshot
from .recall import recall_cancelled
from .survey import survey
from .tally import Tally, subject

MAX_RACES = 8
SETTLE_RESERVE = timedelta(seconds=5)
"""Kept back from the budget, so that what was sent can be recorded in time."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """``run_id`` begins with a UTC time stamp, so that runs sort by time."""

    run_id: str
    budget: timedelta
    look_ahead: timedelta


@dataclass(frozen=True)
class _View:
    """What is in the ledger, and what this run is about to put there."""

    snapshot: Snapshot
    pending: Sequence[Record]

    def campaigns(self) -> Sequence[str]:
        return self.snapshot.campaigns()

    def records(self, campaign: str) -> Iterator[Record]:
        yield from self.snapshot.records(campaign)
        yield from (record for record in self.pending if record.campaign == campaign)

    def glances(self, campaigns: Collection[str]) -> Mapping[str, Glance | None]:
        changed = {record.campaign for record in self.pending}.intersection(campaigns)
        found = self.snapshot.glances([name for name in campaigns if name not in changed])
        return {**found, **{name: glance(self.records(name)) for name in changed}}


class Reconciler:
    """One run of one workspace; made for one call of ``run``."""

    def __init__(
        self,
        desks: Desks,
        store: LedgerStore,
        provider: Provider,
        clock: Clock,
        observer: Observer,
        options: RunOptions,
    ) -> None:
        self._desks = desks
        self._desk = desks.current
        self._store = store
        self._provider = provider
        self._clock = clock
        self._observer = observer
        self._options = options
        self._started = clock.now()
        self._deadline = self._started + options.budget - SETTLE_RESERVE
        self._pending: list[Record] = []
        self._claimer = Claimer(options.run_id, options.budget, provider, clock)
        self._tally = Tally()
        self._slice = SliceSize()
        self._resting: set[str] = set()
        self._races = 0
        self._recalled = 0
        self._not_recalled: tuple[Hold, ...] = ()
        self._stopped = ""
        self._receipts_at_plan = 0

    def run(self, begun: Snapshot | None = None) -> RunResult:
        """Send what is due and record it.  ``begun``: the state as it was read a moment ago; if it
        is not the newest any more, a claim on it loses the race.

        Raises only what happens before anything was claimed (StateError, InputError,
        ProviderError); afterwards every failure is in the result.
        """
        self._snapshot: Snapshot = begun or self._store.sync()
        plan = self._begin()
        failure = ""
        try:
            plan = self._send_all(plan)
        except RaceLost:
            # nothing of ours was lost: what is pending is settled below
            self._observer.event("raced")
        except StateError as error:
            failure = str(error)
        except Exception:
            # a bug, which the command line reports; what was sent is recorded all the same
            self._write([*self._pending], plan)
            raise
        plan, failure = self._settle(plan, failure)
        return self._result(plan, failure)

    def _begin(self) -> Plan:
        """The first plan.  What was called back is recorded, whatever is wrong with the rest."""
        self._recall()
        try:
            plan = self._plan()
            if plan.due:
                self._provider.check()
        except Exception:
            self._write([r for r in self._pending if isinstance(r, Resolution)])
            raise
        return plan

    # -- plan ---------------------------------------------------------------------------

    def _survey(self) -> Plan:
        self._receipts_at_plan = self._tally.receipts
        return survey(self._desk, self._view, self._horizon(), thorough=False)

    def _plan(self) -> Plan:
        plan = self._survey()
        noted = self._note_first_sight(plan), self._note_schedules(plan)
        if any(noted):
            # occurrences count from the sight, so it must be part of what is planned
            plan = self._survey()
        if plan.due:
            self._observer.event("planned", due=plan.due)
            for job in plan.jobs:
                if len(job.queue) and job.audience.notes:
                    self._observer.event("old_list", job=job.job_id)
        return plan

    def _horizon(self) -> Horizon:
        now = self._clock.now()
        ahead = self._provider.capabilities.schedule_ahead_seconds
        if ahead:
            until = now + min(self._options.look_ahead, timedelta(seconds=ahead))
        else:
            until = max(now, self._deadline)
        return Horizon(now, until, until, paused=self._desk.workspace.settings.paused)

    @property
    def _view(self) -> _View:
        return _View(self._snapshot, self._pending)

    def _note_first_sight(self, plan: Plan) -> bool:
        """Record campaigns that no run has seen before; True when that changes the plan."""
        for campaign, total in plan.first_seen.items():
            self._pending.append(
                Planned(
                    campaign=campaign,
                    run=self._options.run_id,
                    at=whole(self._clock.now()),
                    anchor=self._sight,
                    total=total,
                    shape=shape(self._desk.workspace.campaigns[campaign]),
                    schedule=schedule_print(self._desk.workspace.campaigns[campaign]),
                )
            )
        campaigns = self._desk.workspace.campaigns
        return any(isinstance(campaigns[c].schedule, Recurring) for c in plan.first_seen)

    def _note_schedules(self, plan: Plan) -> bool:
        """Record campaigns whose schedule was edited; True when that changes the plan.

        A ledger of the first version does not know the schedule: there, the anchor stays.
        """
        for campaign, before in plan.rescheduled.items():
            self._pending.append(
                replace(
                    before,
                    run=self._options.run_id,
                    at=whole(self._clock.now()),
                    anchor=self._sight if before.schedule else before.anchor,
                    shape=shape(self._desk.workspace.campaigns[campaign]),
                    schedule=schedule_print(self._desk.workspace.campaigns[campaign]),
                )
            )
        return any(before.schedule for before in plan.rescheduled.values())

    @property
    def _sight(self) -> datetime:
        """Since when what is seen now has stood: a late cron does not cost an occurrence."""
        return whole(min(self._started, self._desk.committed_at or self._started))

    # -- claim and send -----------------------------------------------------------------

    def _send_all(self, plan: Plan) -> Plan:
        while plan.due:
            try:
                again = self._send_planned(plan)
            except RaceLost:
                self._races += 1
                self._observer.event("raced")
                if self._races >= MAX_RACES:
                    raise
                self._snapshot = self._store.sync()
                again = True
            if not again or self._stopped or self._out_of_time():
                return plan
            plan = self._plan()
            if not any(True for _ in self._waiting(plan)):
                return plan
        return plan

    def _send_planned(self, plan: Plan) -> bool:
        """Work through a plan slice by slice; True when planning anew may find more."""
        queue = self._waiting(plan)
        progress = False
        while not self._out_of_time():
            part = list(islice(queue, self._slice.batches))
            if not part:
                return progress
            if progress and self._outdated(part):
                return True
            if progress and self._approval_changed():
                return not self._stopped
            progress = True
            begun = self._clock.now()
            quiet = self._send_slice(part)
            self._slice.took((self._clock.now() - begun).total_seconds())
            if not quiet:
                return True
        return False

    def _outdated(self, part: Sequence[BatchPlan]) -> bool:
        now, shared = int(self._clock.now().timestamp()), self._desk.workspace.settings.caps_shared
        return any(outdated(batch, now, shared=shared) for batch in part)

    def _approval_changed(self) -> bool:
        """Look, between slices, whether something else is approved now: a cancelled or paused
        campaign stops here."""
        try:
            desk = self._desks.newest()
        except SendoffError as error:
            # what cannot be read cannot be approved: stop, and let the next run say why
            self._stopped = str(error)
            return True
        if desk is self._desk:
            return False
        self._desk = desk
        self._recall()
        return True

    def _recall(self) -> None:
        found = recall_cancelled(self._desk, self._view, self._provider, self._clock)
        self._recalled += found.count
        self._pending += found.facts
        self._not_recalled = tuple(found.holds)
        if found.facts or found.holds:
            # what is called back takes no more mail under its old name
            self._claimer.forget_handles()
        if found.facts:
            self._observer.event("recalled", count=found.count)

    def _waiting(self, plan: Plan) -> Iterator[BatchPlan]:
        """Batches of jobs that the provider has not turned away in this run."""
        able = self._provider.capabilities
        longest = math.inf if able.schedule_ahead_seconds else WAIT_SECONDS
        found = batches(plan, able.max_batch, longest)
        return (b for b in found if b.job.job_id not in self._resting)

    def _out_of_time(self) -> bool:
        return self._clock.stopping or self._clock.now() >= self._deadline

    def _send_slice(self, part: Sequence[BatchPlan]) -> bool:
        """Claim, send and book one slice; False when the plan must be looked at again."""
        claimed = [self._claimer.claim(batch, self._desk) for batch in part]
        claims = [item.claim for item in claimed]
        self._snapshot = self._store.append(
            self._snapshot,
            [*self._pending, *claims],
            run=self._options.run_id,
            message=subject("claim", [(c.claim.job_id, len(c.batch)) for c in claimed]),
        )
        self._pending.clear()
        for item in claimed:
            self._observer.event("claimed", job=item.claim.job_id, count=len(item.batch))
        delivery = Delivery(self._provider, self._clock, self._observer, self._deadline)
        quiet = True
        for item, outcomes in delivery.send(claimed):
            quiet &= self._book(item, outcomes)
        if delivery.bug is not None:
            raise delivery.bug
        return quiet

    def _book(self, item: Claimed, outcomes: list[Outcome]) -> bool:
        """Note a receipt; False when the job's gates must look again or it has to rest."""
        job = item.claim.job_id
        now = whole(self._clock.now())
        self._pending.append(receipt(item.claim, outcomes, now))
        gone = bounced(item, outcomes)
        self._pending += gone.suppressions(self._options.run_id, self._provider.name, now)
        self._tally.add_bounced(gone)
        kinds = self._tally.add(job, outcomes)
        booked = [outcome.kind for outcome in outcomes]
        self._observer.event(
            "settled",
            job=job,
            sent=booked.count("accepted"),
            failed=booked.count("refused"),
            in_doubt=booked.count("ambiguous"),
            released=booked.count("temporary"),
        )
        if gone.keys or gone.doubted:
            self._observer.event(
                "bounced", job=job, suppressed=len(gone.keys), doubted=gone.doubted
            )
        if "temporary" in kinds:
            # the provider has retried for as long as it made sense: the next run's turn
            self._resting.add(job)
        return not kinds & {"refused", "temporary"}

    # -- settle -------------------------------------------------------------------------

    def _settle(self, plan: Plan, failure: str) -> tuple[Plan, str]:
        """Write what is not written yet, and close the jobs that are done."""
        if self._tally.receipts != self._receipts_at_plan:
            try:
                plan = self._survey()
            except StateError as error:
                # the receipts do not wait for a better view
                failure = failure or str(error)
            except Exception:
                self._write([*self._pending], plan)
                raise
        if failure and not any(isinstance(r, Receipt | Resolution) for r in self._pending):
            # the state cannot be written, and nothing that was done waits to be: do not try longer
            return plan, failure
        closed = [self._claimer.close(job) for job in plan.jobs if job.finished]
        written = self._write([*self._pending, *closed], plan)
        return plan, failure or written

    def _write(self, facts: Sequence[Record], plan: Plan | None = None) -> str:
        """Add facts to the ledger.  Returns what went wrong, '' for nothing."""
        if not facts:
            return ""
        try:
            self._store.add_facts(
                facts,
                run=self._options.run_id,
                message=subject("settle", [(r.job_id, r.sent) for r in self._tally.results()]),
                documents=self._documents(plan) if plan else (),
            )
        except StateError as error:
            return str(error)
        return ""

    def _documents(self, plan: Plan) -> list[Document]:
        seen = {job.campaign.id for job in plan.jobs}
        now = self._clock.now()
        return [
            Document(c, [job_record(job, now) for job in plan.jobs if job.campaign.id == c])
            for c in sorted(seen)
        ]

    def _result(self, plan: Plan, failure: str) -> RunResult:
        results = self._tally.results()
        held = self._not_recalled + plan.every_hold
        doubt = sum(job.counts.in_doubt for job in plan.jobs)
        now_in_doubt = sum(r.in_doubt for r in results)
        sent = sum(r.sent for r in results)
        for hold in held:
            self._observer.event("held", job=hold.job_id or hold.campaign, code=hold.code)
        return RunResult(
            run_id=self._options.run_id,
            sent=sent,
            failed=sum(r.failed for r in results),
            in_doubt=now_in_doubt,
            doubt_before=max(0, doubt - now_in_doubt),
            released=sum(r.released for r in results),
            later=sum(job.counts.due + job.counts.later for job in plan.jobs),
            held=tuple(hold for hold in held if hold.code != "in_doubt"),
            jobs=results,
            plan=plan.jobs,
            races=self._races,
            recalled=self._recalled,
            bounced=self._tally.bounced,
            bounces_doubted=self._tally.doubted,
            stopped=self._stopped,
            interrupted=self._clock.stopping,
            state_failure=failure,
            lost_race=bool(self._races) and not results,
        )
