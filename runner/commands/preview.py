"""``sendoff preview``: the mails as chosen and worst-case contacts get them, written as files."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from pathlib import Path

from ..bootstrap import Site
from ..errors import UsageError
from ..model.campaign import Campaign, Step
from ..model.contacts import Audience
from ..model.views import PreviewView
from ..report import preview as report
from ..report.words import mask, plural
from ..survey import Desk
from ..templates.worst_case import choose
from .outcome import Outcome
from .plan import campaign_of


def preview(
    site: Site,
    campaign: str,
    contact: list[str],
    out: Path | None,
    open: bool,  # noqa: A002
) -> Outcome:
    """Render every step for chosen contacts into ``out``; print (and ``open``) the index page."""
    name = campaign_of(site, campaign)
    desk = site.desk()
    chosen = desk.workspace.campaigns[name]
    directory = out if out is not None else site.root / "previews" / name
    views = list(_views(desk, chosen, _contacts(site, desk, chosen, contact)))
    directory.mkdir(parents=True, exist_ok=True)
    for file, content in report.files(chosen, views).items():
        (directory / file).write_text(content, encoding="utf-8")
    index = directory / report.INDEX
    if open:
        webbrowser.open(index.resolve().as_uri())
    return Outcome(f"{plural(len(views), 'preview')} of {name}:\n  {index}")


def _contacts(
    site: Site, desk: Desk, campaign: Campaign, wanted: list[str]
) -> list[tuple[str, int]]:
    audience = desk.audience(campaign)
    uses = frozenset().union(*(desk.composer(campaign, step).uses for step in campaign.steps))
    if not len(audience):
        raise UsageError(f"the audience of {campaign.id} is empty; see: sendoff lists")
    chosen = []
    for address in wanted:
        key = site.contact_lists().key(address)
        if key not in audience.keys:
            raise UsageError(
                f"--contact: {mask(address)} is not in the audience; see: sendoff why ADDRESS"
            )
        chosen.append(("chosen", audience.keys.index(key)))
    return chosen + choose(audience, uses & audience.fields.keys())


def _views(
    desk: Desk, campaign: Campaign, contacts: list[tuple[str, int]]
) -> Iterator[PreviewView]:
    audience = desk.audience(campaign)
    for step in campaign.steps:
        for label, index in contacts:
            yield _view(desk, campaign, step, audience, (label, index))


def _view(
    desk: Desk, campaign: Campaign, step: Step, audience: Audience, contact: tuple[str, int]
) -> PreviewView:
    label, index = contact
    rendered = desk.composer(campaign, step).render(audience.contact(index), audience.keys[index])
    return PreviewView(step.id, label, mask(audience.emails[index]), rendered)
