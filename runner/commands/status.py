"""``sendoff status``: the SendJob records."""

from __future__ import annotations

from datetime import timedelta

from ..bootstrap import Site
from ..errors import UsageError
from ..report import status as report
from .outcome import Outcome
from .plan import look


def status(site: Site, name: str | None, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """What has become of every job, or of one campaign's, or of one."""
    plan, note = look(site, name, timedelta(0), everything=name is not None and "@" in name)
    jobs = plan.jobs
    if name is not None and any(job.job_id == name for job in jobs):
        jobs = tuple(job for job in jobs if job.job_id == name)
    elif name is not None and "@" in name:
        raise UsageError(f"there is no job {name!r}; see: sendoff status")
    text = report.FORMATS[format](jobs, plan.holds, site.settings, site.terminal, plan.now, note)
    return Outcome(text)
