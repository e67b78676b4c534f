"""``sendoff proof``: one mail to a tester, through the real provider; no ledger is touched."""

from __future__ import annotations

from datetime import timedelta

from ..bootstrap import Site
from ..desk import Desk
from ..errors import InputError, UsageError
from ..model.campaign import Campaign, Step
from ..model.message import Composed, MessageBatch, Parts
from ..model.message import Outcome as Answer
from .outcome import Outcome
from .plan import campaign_of

PATIENCE = timedelta(minutes=2)


def proof(site: Site, campaign: str, to: str, step: str | None, contact: str | None) -> Outcome:
    """Send each step (or one) to ``to`` as ``contact``, or else as the first contact, sees it."""
    name = campaign_of(site, campaign)
    desk = site.desk()
    chosen = desk.workspace.campaigns[name]
    books = site.contact_lists()
    try:
        books.key(to)
    except InputError as error:
        raise UsageError(f"--to: {error.problems[0].message}") from None
    index = _contact_index(desk, chosen, contact, site)
    steps = [one for one in chosen.steps if step in (None, one.id)]
    if not steps:
        raise UsageError(f"{name} has no step {step!r}: {', '.join(s.id for s in chosen.steps)}")
    provider = site.provider(desk.workspace.settings)
    provider.check()
    batches = [_batch(desk, chosen, one, index, to, site) for one in steps]
    try:
        deadline = site.clock.now() + PATIENCE
        answers = {
            batch.job_id: outcomes[0] for batch, outcomes in provider.deliver(batches, deadline)
        }
    finally:
        provider.close()
    lines = [_line(batch.job_id, answers.get(batch.job_id)) for batch in batches]
    failed = any(a.kind != "accepted" for a in answers.values()) or len(answers) < len(batches)
    return Outcome("\n".join(lines), 4 if failed else 0)


def _line(job: str, answer: Answer | None) -> str:
    if answer is None:
        return f"{job}: not sent"
    words = {"accepted": "sent", "refused": "refused", "temporary": "not sent, try again later"}
    reason = f" ({answer.reason})" if answer.reason else ""
    return f"{job}: {words.get(answer.kind, 'may or may not have been sent')}{reason}"


def _contact_index(desk: Desk, campaign: Campaign, contact: str | None, site: Site) -> int:
    audience = desk.audience(campaign)
    if not len(audience):
        raise UsageError(f"the audience of {campaign.id} is empty; see: sendoff lists")
    if contact is None:
        return 0
    key = site.contact_lists().key(contact)
    if key not in audience.keys:
        raise UsageError("--contact: this address is not in the audience; see: sendoff why ADDRESS")
    return audience.keys.index(key)


def _batch(
    desk: Desk, campaign: Campaign, step: Step, index: int, to: str, site: Site
) -> MessageBatch:
    audience = desk.audience(campaign)
    composed = desk.composer(campaign, step).compose(audience, [index])
    parts = composed.parts
    marked = Composed(
        Parts(("[Proof] ", *parts.subject), parts.html, parts.text, parts.headers),
        composed.values,
        composed.files,
    )
    now = site.clock.now()
    return MessageBatch(
        claim_id=f"proof-{now:%Y%m%dT%H%M%SZ}",
        job_id=f"proof/{campaign.id}/{step.id}",
        campaign=f"proof/{campaign.id}",
        sender=campaign.sender,
        reply_to=campaign.reply_to,
        emails=[to.strip()],
        keys=[site.contact_lists().key(to)],
        send_at=[int(now.timestamp())],
        content=marked,
        asm_group=campaign.unsubscribe.sendgrid_group,
    )
