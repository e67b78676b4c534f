"""The gates: over a limit nothing of a job goes, and the hold says what releases it.

They stand in one place, after the audience is final and before the claim.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..dataclass import dataclass
from ..model.campaign import Campaign
from ..model.plan import Counts, Hold
from .agenda import continuous
from .history import CampaignHistory, JobHistory


@dataclass(frozen=True, slots=True)
class GateInputs:
    """One job at the gate.  ``content`` is the digest of what would be sent now, '' unknown."""

    campaign: Campaign
    job_id: str
    counts: Counts
    audience: int
    missed: int
    history: JobHistory
    campaign_history: CampaignHistory
    content: str = ""
    quiet: int = 0


def gates(job: GateInputs) -> Iterator[Hold]:
    """Every reason why this job must not go on; a job with nothing open is not stopped."""
    if not job.counts.open:
        over = job.history.closed is not None and not continuous(job.campaign)
        if not job.audience and not job.history.begun and not over:
            yield from _empty(job)
        return
    if job.counts.in_doubt:
        yield _hold(
            job,
            "in_doubt",
            f"{job.counts.in_doubt:,} may or may not have been sent: a run ended between handing "
            "them over and noting it",
            f"look at the provider, then: sendoff resolve {job.job_id} --as sent|not-sent",
            job.counts.in_doubt,
        )
    if job.missed:
        yield _missed(job)
    if job.quiet:
        yield _quiet(job)
    if job.counts.due or job.counts.later:
        yield from _limits(job)
        yield from _changed(job)
        yield from _failing(job)


STOPPING = frozenset(
    {
        "empty_audience",
        "max_recipients",
        "max_growth",
        "max_shrink",
        "max_failure_rate",
        "changed",
    }
)
"""Holds that keep the whole job back; the others concern the contacts that they count."""


def _hold(job: GateInputs, code: str, message: str, release: str, count: int) -> Hold:
    return Hold(code, job.campaign.id, job.job_id, message, release, count)


def _empty(job: GateInputs) -> Iterator[Hold]:
    yield _hold(
        job,
        "empty_audience",
        f"the audience is empty: of {job.counts.total:,} contacts none may be mailed",
        f"look at the exclusions with: sendoff lists; or set status: cancelled in "
        f"{job.campaign.place.path}",
        0,
    )


def _missed(job: GateInputs) -> Hold:
    limit = job.campaign.lateness.expires_after
    return _hold(
        job,
        "missed",
        f"{job.missed:,} are more than {_hours(limit.total_seconds())} late",
        _release_missed(job.campaign),
        job.missed,
    )


def _quiet(job: GateInputs) -> Hold:
    quiet, path = job.campaign.quiet, job.campaign.place.path
    longest = _hours(quiet.max_deferral.total_seconds()) if quiet else ""
    return _hold(
        job,
        "quiet_hours",
        f"{job.quiet:,} would have to wait more than {longest} for the end of their quiet time",
        f"set quiet.on_exceeded: send (or skip), or a longer quiet.max_deferral, in {path}",
        job.quiet,
    )


def _release_missed(campaign: Campaign) -> str:
    if campaign.lateness.on_missed == "skip":
        # a continuous drip's first step: skipping it would enrol nobody, for ever
        return (
            f"set schedule.on_missed: send, or a later schedule.start_at, in {campaign.place.path}"
        )
    return f"set schedule.on_missed: send (or skip) in {campaign.place.path}"


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:g} h" if hours >= 1 else f"{seconds / 60:g} min"


def _limits(job: GateInputs) -> Iterator[Hold]:
    guards, path = job.campaign.guards, job.campaign.place.path
    size = job.audience
    open_count = job.counts.due + job.counts.later
    if guards.max_recipients is not None and size > guards.max_recipients:
        yield _hold(
            job,
            "max_recipients",
            f"{size:,} recipients are more than guards.max_recipients allows "
            f"({guards.max_recipients:,})",
            f"set guards.max_recipients: {size} in {path}",
            open_count,
        )
    before = job.campaign_history.last_total
    if before is None or continuous(job.campaign):
        return
    # from nobody to anybody is growth too, however it is to be called
    change = (size - before) / max(before, 1)
    if guards.max_growth is not None and change > guards.max_growth:
        yield _hold(
            job,
            "max_growth",
            f"the audience grew from {before:,} to {size:,} (+{change:.0%}), more than "
            f"guards.max_growth allows ({guards.max_growth:.0%})",
            f'set guards.max_growth: "{_percent_above(change)}%" in {path}',
            open_count,
        )
    if guards.max_shrink is not None and -change > guards.max_shrink:
        yield _hold(
            job,
            "max_shrink",
            f"the audience shrank from {before:,} to {size:,} ({change:.0%}), more than "
            f"guards.max_shrink allows ({guards.max_shrink:.0%})",
            f'set guards.max_shrink: "{_percent_above(-change)}%" in {path}',
            open_count,
        )


def _percent_above(fraction: float) -> int:
    return int(fraction * 100) + 1


def _changed(job: GateInputs) -> Iterator[Hold]:
    history = job.history
    if not job.content or not history.content or history.content == job.content:
        return
    if not history.begun:
        # all were given back unsent: nobody has the old version
        return
    if job.campaign.revision > history.revision:
        return
    yield _hold(
        job,
        "changed",
        f"the content, the settings of the sender or the list changed after {history.claimed:,} "
        "had been sent the old version",
        f"set revision: {history.revision + 1} in {job.campaign.place.path} to send the rest the "
        "new version, or undo the change",
        job.counts.due + job.counts.later,
    )


def _failing(job: GateInputs) -> Iterator[Hold]:
    limit, history = job.campaign.guards.max_failure_rate, job.history
    failed, tried = len(history.failed), len(history.failed) + len(history.sent)
    if limit is None or not failed or failed / tried <= limit:
        return
    yield _hold(
        job,
        "max_failure_rate",
        f"{failed:,} of {tried:,} failed ({failed / tried:.0%}), more than "
        f"guards.max_failure_rate allows ({limit:.0%})",
        f"see why with: sendoff status {job.job_id}; then set guards.max_failure_rate: "
        f'"{_percent_above(failed / tried)}%" in {job.campaign.place.path} to go on',
        job.counts.due + job.counts.later,
    )
