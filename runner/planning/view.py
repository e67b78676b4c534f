"""What programs and people are told of a job: the SendJob record of formats.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..model.plan import Hold, JobPlan
from .pacing import span


def job_record(job: JobPlan, now: datetime) -> dict[str, object]:
    """The SendJob record of a job, ready for JSON: RFC 3339 UTC times, seconds, counts."""
    counts, remaining = job.counts, job.counts.due + job.counts.later
    duration = estimated_duration(job)
    completion = job.completed_at
    if remaining and job.last_send:
        completion = max(job.last_send, now)
    return {
        "job_id": job.job_id,
        "campaign": job.campaign.id,
        "step": job.step.id,
        "status": job.status,
        "scheduled_for": stamp(job.scheduled_for),
        "total_contacts": counts.total,
        "sent_count": counts.sent,
        "failed_count": counts.failed,
        "failures": dict(sorted(job.failures.items())),
        "in_doubt_count": counts.in_doubt,
        "in_flight_count": counts.in_flight,
        "cancelled_count": counts.cancelled,
        "due_count": counts.due,
        "later_count": counts.later,
        "excluded": dict(counts.excluded),
        "suppressed": dict(job.suppressed),
        "warnings": list(job.audience.notes),
        "progress": progress(job),
        "started_at": stamp(job.started_at),
        "completed_at": stamp(job.completed_at),
        "estimated_duration": duration,
        "estimated_completion": stamp(
            max(completion, now) if completion and remaining else completion
        ),
        "held": [hold_record(hold) for hold in job.holds],
    }


def progress(job: JobPlan) -> int:
    """Percent of the mails of a job that are done with, rounded down: 100 is really all."""
    counts = job.counts
    wanted = counts.total - counts.excluded_total - counts.cancelled
    if not wanted:
        return 100 if job.closed else 0
    return (counts.sent + counts.failed) * 100 // wanted


def estimated_duration(job: JobPlan) -> int:
    """Seconds between the first and the last mail that are still to go, by plan."""
    if job.first_send and job.last_send and job.counts.due + job.counts.later:
        return int((job.last_send - job.first_send).total_seconds())
    if job.started_at and job.last_send:
        return max(0, int((job.last_send - job.started_at).total_seconds()))
    return span(job.campaign.pacing, job.counts.sent)


def hold_record(hold: Hold) -> Mapping[str, object]:
    """A hold as JSON."""
    return {
        "code": hold.code,
        "campaign": hold.campaign,
        "job_id": hold.job_id,
        "message": hold.message,
        "release": hold.release,
        "count": hold.count,
    }


def stamp(instant: datetime | None) -> str | None:
    """RFC 3339 in UTC with whole seconds, or None."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")
