"""The planner as it was before it worked on columns: contact by contact, slow and plain.

What the real one must agree with, as long as no cap over all campaigns and no quiet hours are set.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from runner.model.campaign import Drip
from runner.model.plan import Spot
from runner.planning import counting
from runner.planning.agenda import continuous
from runner.planning.gates import STOPPING, GateInputs, gates
from runner.planning.lateness import opens
from runner.planning.pacing import Pacer, span
from runner.planning.planner import _worth_a_look

CLAIMED = (Spot.SENT, Spot.FAILED, Spot.IN_DOUBT, Spot.IN_FLIGHT)
OPEN = (Spot.IN_DOUBT, Spot.IN_FLIGHT, Spot.DUE, Spot.LATER, Spot.MISSED)


@dataclass
class Job:
    """One job: a spot and a time a contact, and the queue as (index, time)."""

    entry: object
    spots: list = field(default_factory=list)
    times: list = field(default_factory=list)
    queue: list = field(default_factory=list)
    late: bool = False
    stopped: bool = False


def plan(inputs, horizon):
    """The jobs of a campaign."""
    now, until = int(horizon.now.timestamp()), int(horizon.claim_until.timestamp())
    jobs = []
    for entry in _worth_a_look(inputs, horizon):
        job = Job(entry)
        _place(job, jobs, inputs, now, until)
        _miss(job, inputs, now, len(jobs) + 1)
        jobs.append(job)
    for job in jobs:
        _stop(job, inputs, horizon)
    _pace(jobs, inputs, now, until)
    return jobs


def _place(job, before, inputs, now, until):
    history, campaign, audience = job.entry.history, inputs.campaign, inputs.audience
    is_drip = isinstance(campaign.schedule, Drip)
    enrols_late = continuous(campaign) and history.closed is not None
    sets = (history.sent, history.failed, history.in_doubt, history.in_flight)
    for key, zone in zip(audience.keys, audience.fields["timezone"], strict=True):
        index = len(job.spots)
        spot = next((s for s, keys in zip(CLAIMED, sets, strict=True) if key in keys), None)
        time = 0
        if spot is None:
            spot = Spot.LATER
            owed = history.released
            if is_drip and before:
                owed = owed | history.reopened_by(before[0].entry.history)
            if campaign.status == "cancelled":
                spot = Spot.CANCELLED
            elif history.closed is not None and not enrols_late and key not in owed:
                spot = Spot.JOINED_LATER
            elif is_drip and before:
                spot, time = _follow(job.entry, before[0], index, key, zone)
            elif enrols_late:
                job.late, time = True, now
            else:
                time = job.entry.timing.nominal(zone)
            if time and key in history.decided:
                time = max(time, int(history.decided[key].timestamp()))
        job.spots.append(spot)
        job.times.append(time)
    condition = inputs.conditions.get(job.entry.step.id)
    if condition is not None:
        steps = {other.entry.step.id: other for other in before} if is_drip else {}
        _ask(condition, job, steps, inputs, until)


def _follow(entry, first, index, key, zone):
    spot = Spot(first.spots[index])
    if spot == Spot.FAILED:
        return Spot.FIRST_STEP_FAILED, 0
    if spot == Spot.SENT:
        joined = first.entry.history.enrolled.get(key)
        nominal = entry.timing.nominal(zone)
        return Spot.LATER, nominal if joined is None else entry.timing.after(joined, zone)
    if spot.excluded:
        return Spot.NOT_ENROLLED, 0
    return (Spot.CANCELLED if spot == Spot.CANCELLED else Spot.LATER), 0


def _ask(condition, job, steps, inputs, until):
    for index, (spot, time) in enumerate(zip(job.spots, job.times, strict=True)):
        if spot != Spot.LATER or not 0 < time <= until:
            continue
        guessed = []

        def was_sent(step, index=index, time=time, guessed=guessed):
            other = steps.get(step)
            if other is not None and other.spots[index] in OPEN and other.times[index] <= time:
                guessed.append(step)
            return inputs.audience.keys[index] in inputs.history.job(step).sent

        wanted = condition(inputs.audience.contact(index), was_sent)
        if wanted and not guessed:
            continue
        if not guessed:
            job.spots[index] = Spot.ONLY_IF
        job.times[index] = 0


def _miss(job, inputs, now, nth):
    lateness = inputs.campaign.lateness
    if lateness.on_missed == "send":
        return
    nth = nth if isinstance(inputs.campaign.schedule, Drip) else 1
    allowed = int(lateness.expires_after.total_seconds())
    allowed += span(inputs.campaign.pacing, len(inputs.audience) * nth)
    held = lateness.on_missed == "hold" or opens(job, inputs.campaign)
    for index, (spot, time) in enumerate(zip(job.spots, job.times, strict=True)):
        if spot == Spot.LATER and time and time + allowed < now:
            job.spots[index] = Spot.MISSED if held else Spot.TOO_LATE


def _stop(job, inputs, horizon):
    campaign, history = inputs.campaign, job.entry.history
    found = gates(
        GateInputs(
            campaign=campaign,
            job_id="",
            counts=counting.count(
                counting.left_out(inputs.audience, history), bytes(job.spots), history
            ),
            audience=len(inputs.audience),
            missed=job.spots.count(Spot.MISSED),
            history=history,
            campaign_history=inputs.history,
            content=inputs.contents.get(job.entry.step.id, ""),
        )
    )
    stopping = any(hold.code in STOPPING for hold in found)
    job.stopped = stopping or horizon.paused or campaign.status != "active"


def _pace(jobs, inputs, now, until):
    pacer = Pacer(inputs.campaign.pacing, inputs.history.recent)
    columns = [
        sorted(
            (max(time, now), number, index)
            for index, (spot, time) in enumerate(zip(job.spots, job.times, strict=True))
            if spot == Spot.LATER and time
        )
        for number, job in enumerate(jobs)
    ]
    for earliest, number, index in heapq.merge(*columns):
        job = jobs[number]
        time = earliest if job.stopped else pacer.take(earliest)
        job.times[index] = time
        if time <= until:
            job.spots[index] = Spot.DUE
            if not job.stopped:
                job.queue.append((index, time))


def waiting(spots, times):
    """(index, time) of all who have one and count."""
    return [
        (index, time)
        for index, (spot, time) in enumerate(zip(spots, times, strict=True))
        if spot in (Spot.DUE, Spot.LATER, Spot.MISSED)
    ]
