"""Who is later than the campaign allows."""

from __future__ import annotations

from collections import Counter

from ..model.campaign import Campaign
from ..model.plan import Spot
from .account import Account
from .agenda import continuous
from .columns import Constant, distinct, indices, turn
from .drafts import CampaignInputs, Draft
from .pacing import span
from .quietness import Quietness


def mark_late(job: Draft, inputs: CampaignInputs, now: int, account: Account, nth: int = 1) -> None:
    """Whoever is later than the campaign allows is held or skipped.

    Its own pace, the caps of all campaigns and the quiet time are taken into account: the ``nth``
    step of a drip may have to wait for all mails of those before it.
    """
    campaign = inputs.campaign
    if campaign.lateness.on_missed == "send" or not _due_before(job, now):
        return
    held = campaign.lateness.on_missed == "hold" or opens(job, campaign)
    spot = Spot.MISSED if held else Spot.TOO_LATE
    allowed = int(campaign.lateness.expires_after.total_seconds())
    paced = span(campaign.pacing, len(inputs.audience) * nth)
    quiet = Quietness.of(campaign)
    if quiet is None and not account.shared:
        _move(job, now - allowed - paced, spot)
        return
    _move_each(job, _Patience(inputs, account, quiet, now, paced, allowed), spot)


def opens(job: Draft, campaign: Campaign) -> bool:
    """True for a continuous drip's first step until the enrolment at its start is complete: to
    skip those who are there would enrol nobody who comes after them either."""
    entry = job.entry
    return continuous(campaign) and entry.step is campaign.steps[0] and not entry.history.closed


def _due_before(job: Draft, now: int) -> bool:
    return any(0 < time < now for time in distinct(job.placing.nominal))


def _move(job: Draft, limit: int, spot: Spot) -> None:
    """Whoever was due before ``limit`` is at ``spot``."""
    placing = job.placing
    if not _due_before(job, limit):
        return
    if isinstance(placing.nominal, Constant):
        turn(placing.spots, Spot.LATER, spot)
        return
    for index in indices(job.waiting()):
        if placing.nominal[index] < limit:
            placing.spots[index] = spot


class _Patience:
    """How late a contact's mail may be."""

    def __init__(
        self,
        inputs: CampaignInputs,
        account: Account,
        quiet: Quietness | None,
        now: int,
        paced: int,
        allowed: int,
    ) -> None:
        self.inputs, self.account, self.now = inputs, account, now
        self._quiet, self._paced, self._allowed = quiet, paced, allowed
        self._known: dict[tuple[int, str], bool] = {}
        emails = inputs.audience.emails
        column = account.domains.column(emails) if account.domains else b""
        self._domains = {n: c for n, c in Counter(column).items() if n < len(account.by_domain)}

    def over(self, time: int, zone: str) -> bool:
        """Whether a mail that was due at ``time`` is too late now."""
        if (time, zone) not in self._known:
            self._known[time, zone] = self._deadline(time, zone) < self.now
        return self._known[time, zone]

    def _deadline(self, time: int, zone: str) -> int:
        paced = max(self._paced, self.account.span(time, self._domains))
        if self._quiet is None:
            return time + paced + self._allowed
        return self._quiet.deadline(time, zone, paced, self._allowed)

    def capped(self, index: int, time: int) -> bool:
        """Whether the contact was skipped for having got too many mails already."""
        frequency, contacts = self.inputs.campaign.frequency, self.account.contacts
        if frequency is None or contacts is None or frequency.on_capped != "skip":
            return False
        key = self.inputs.audience.keys[index]
        return any(contacts.next(key, moment) != moment for moment in (time, self.now))


def _move_each(job: Draft, patience: _Patience, spot: Spot) -> None:
    placing, zones = job.placing, job.zones
    nominal = placing.nominal
    for index in indices(job.waiting()):
        time = nominal[index]
        if time < patience.now and patience.over(time, zones[index]):
            # who was skipped before is not held for being late
            placing.spots[index] = Spot.FREQUENCY_CAP if patience.capped(index, time) else spot
