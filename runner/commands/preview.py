"""``sendoff preview``: the mails as chosen and worst-case contacts get them, written as files."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from ..approval import desk_at
from ..bootstrap import Site
from ..dataclass import dataclass
from ..desk import Desk
from ..errors import LIST_UNREAD, InputError, UsageError
from ..model.campaign import Campaign, Step
from ..model.views import PreviewGroup, PreviewView
from ..report import preview as report
from ..report.words import mask, plural
from .outcome import Outcome
from .plan import campaign_of
from .reviewing import Before, chosen, counterpart, rendered

ALL = "all"
MAX_CONTACTS = 8
"""Contacts shown for each step, beside those that were asked for."""


def preview(
    site: Site,
    campaign: str | None,
    base: str | None,
    contact: list[str],
    out: Path | None,
    show: str | None,
) -> Outcome:
    """Render steps for chosen contacts into ``out``; print (and open) the index page.

    Without ``campaign``: every campaign; with ``base`` those whose mails are not what they were
    at that commit, before and after side by side.  ``show``: ``open`` for a browser, ``watch`` for
    a page that follows the files, and writes none.
    """
    if campaign is None and contact:
        raise UsageError("--contact needs a campaign: sendoff preview CAMPAIGN --contact ADDRESS")
    asked = _Asked(site, campaign, base, tuple(contact))
    if show == "watch":
        if out is not None:
            raise UsageError("--watch writes no files, so that --out has no use with it")
        # a server, and what it takes: only for this
        from .watching import watch  # noqa: PLC0415

        return watch(site, f"Preview of {campaign or 'all campaigns'}", asked.pages_now)
    groups, commit = asked.groups()
    name = groups[0].campaign.id if campaign is not None else None
    directory = out if out is not None else site.root / "previews" / (name or ALL)
    site.write_pages(directory, report.files(groups, commit))
    index = directory / report.INDEX
    if show == "open":
        webbrowser.open(index.resolve().as_uri())
    number = plural(sum(len(group.views) for group in groups), "preview")
    of = name or plural(len(groups), "campaign")
    left_out = site.workspace.broken.values() if campaign is None else ()
    # a list that is not read here is told in its place, and is no fault of the files
    faults = [p for group in groups for p in group.problems if p.code != LIST_UNREAD]
    broken = bool(left_out) or bool(faults)
    return Outcome("\n".join([f"{number} of {of}:\n  {index}", *_missing(left_out)]), int(broken))


def _missing(paths: Iterable[str]) -> Iterator[str]:
    """What is not shown, because nobody can say what it would send."""
    for path in sorted(paths):
        yield f"  {path} has errors and is not shown; see: sendoff validate"


@dataclass(frozen=True)
class _Asked:
    """What is to be shown, which can be rendered more than once."""

    site: Site
    campaign: str | None
    base: str | None
    contacts: tuple[str, ...]

    def groups(self) -> tuple[list[PreviewGroup], str]:
        """The messages, and the commit that they are compared with.  Raises InputError."""
        site, base = self.site, self.base
        name = None if self.campaign is None else campaign_of(site, self.campaign)
        with ExitStack() as stack:
            at = stack.enter_context(desk_at(site, base)) if base is not None else (None, "")
            viewer = _Viewer(site, site.desk(), at[0], compared=base is not None)
            if name is not None:
                return [viewer.group(name, list(self.contacts))], at[1]
            return list(viewer.groups()), at[1]

    def pages_now(self) -> Mapping[str, str]:
        """The pages of the files as they are now.  Raises InputError for any file with errors."""
        self.site.forget()
        errors = [p for p in self.site.workspace.problems if p.severity == "error"]
        if errors and self.campaign is None:
            raise InputError(errors)
        return report.files(*self.groups())


@dataclass(frozen=True)
class _Viewer:
    """Renders the messages of a desk, beside those of an older one."""

    site: Site
    desk: Desk
    old: Desk | None
    compared: bool

    def groups(self) -> Iterator[PreviewGroup]:
        """Every campaign that is not over, and, if there is something to compare with, differs.

        One that cannot be rendered says why, and the others are shown.
        """
        for name, campaign in self.desk.workspace.campaigns.items():
            if campaign.status == "cancelled":
                continue
            try:
                if not self.compared or self._differs(campaign):
                    yield self.group(name, [])
            except InputError as error:
                yield PreviewGroup(campaign, (), error.problems)

    def group(self, name: str, wanted: list[str]) -> PreviewGroup:
        """One campaign.  Raises InputError when it cannot be rendered."""
        campaign = self.desk.workspace.campaigns[name]
        contacts = self._contacts(campaign, wanted)
        return PreviewGroup(campaign, tuple(self._views(campaign, contacts)))

    def _differs(self, campaign: Campaign) -> bool:
        return any(
            self._digest(counterpart(self.old, campaign.id, step.id))
            != self.desk.composer(campaign, step).digest
            for step in campaign.steps
        )

    def _digest(self, before: Before) -> str:
        if before is None:
            return ""
        desk, campaign, step = before
        try:
            return desk.composer(campaign, step).digest
        except InputError:
            return ""

    def _contacts(self, campaign: Campaign, wanted: list[str]) -> list[tuple[str, int]]:
        audience = self.desk.audience(campaign)
        if not len(audience):
            raise UsageError(f"the audience of {campaign.id} is empty; see: sendoff lists")
        asked = []
        for address in wanted:
            key = self.site.contact_lists().key(address)
            if key not in audience.keys:
                raise UsageError(
                    f"--contact: {mask(address)} is not in the audience; see: sendoff why ADDRESS"
                )
            asked.append(("chosen", audience.keys.index(key)))
        return asked + chosen(self.desk, campaign)[:MAX_CONTACTS]

    def _views(self, campaign: Campaign, contacts: list[tuple[str, int]]) -> Iterator[PreviewView]:
        for step in campaign.steps:
            before = counterpart(self.old, campaign.id, step.id)
            for label, index in contacts:
                yield self._view(campaign, step, before, (label, index))

    def _view(
        self, campaign: Campaign, step: Step, before: Before, contact: tuple[str, int]
    ) -> PreviewView:
        label, index = contact
        audience = self.desk.audience(campaign)
        fields, key = audience.contact(index), audience.keys[index]
        now = self.desk.composer(campaign, step).render(fields, key)
        former = rendered(before, fields, key)
        masked = mask(audience.emails[index])
        return PreviewView(step.id, label, masked, now, former, compared=self.compared)
