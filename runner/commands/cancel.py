"""``sendoff cancel``: stop a campaign by its file; the merge of that change stops the mail."""

from __future__ import annotations

from datetime import timedelta

from ..bootstrap import Site
from ..errors import StateError, UsageError
from ..report.words import plural
from ..workspace import set_key
from .outcome import Outcome
from .plan import campaign_of, look


def cancel(site: Site, campaign: str) -> Outcome:
    """Set ``status: cancelled`` in the campaign's file, its comments kept."""
    name = campaign_of(site, campaign)
    path = site.workspace.campaigns[name].place.path
    already = site.workspace.campaigns[name].status == "cancelled"
    numbers = _numbers(site, name)
    if already:
        return Outcome(f"{path} says status: cancelled already.\n{numbers}")
    file = site.root / path
    text = file.read_bytes().decode()
    try:
        changed = set_key(text, "status", "cancelled")
    except ValueError as error:
        raise UsageError(f"{path}: status: cannot be changed here ({error}); edit it") from None
    site.replace_file(path, changed.encode())
    return Outcome(
        f"{path} now says status: cancelled.\n{numbers}\n"
        "It counts once it is merged: commit it, open a pull request, and merge."
    )


def _numbers(site: Site, name: str) -> str:
    """What was sent and what will not be, by the ledger as it stands."""
    try:
        plan, _ = look(site, name, timedelta(0), blind=True)
    except StateError as error:
        return f"What was sent so far cannot be said: {error}"
    sent = sum(job.counts.sent + job.counts.in_flight for job in plan.jobs)
    doubt = sum(job.counts.in_doubt for job in plan.jobs)
    stopped = sum(job.counts.due + job.counts.later + job.counts.cancelled for job in plan.jobs)
    parts = [f"{plural(sent, 'mail')} sent", f"{plural(stopped, 'mail')} will not be sent"]
    if doubt:
        parts.append(f"{plural(doubt, 'mail')} in doubt")
    return ", ".join(parts) + "."
