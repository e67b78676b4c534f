"""An invitation as an iCalendar object (RFC 5545), the same bytes whenever it is made."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from ..model.campaign import Invitation
from ..model.settings import Mailbox

_PRODUCT = "-//Sendoff//Campaigns as code//EN"


class CalendarError(ValueError):
    """The invitation cannot be written; the text says why."""


def invite(invitation: Invitation, organizer: Mailbox, name: str, revision: int = 1) -> bytes:
    """The bytes of ``invite.ics``.

    The UID comes from ``name`` (which step invites), so that a later revision updates the same
    event; DTSTAMP comes from the event itself, since nothing here may read a clock.
    """
    _check(invitation)
    from icalendar import Calendar, Event, vCalAddress, vText  # noqa: PLC0415 - seldom needed

    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", invitation.method)
    event = Event()
    event.add("uid", _uid(name, organizer))
    event.add("dtstamp", _stamp(invitation))
    event.add("sequence", max(revision - 1, 0))
    event.add("summary", invitation.summary)
    event.add("dtstart", invitation.start.astimezone(UTC))
    event.add("dtend", invitation.end.astimezone(UTC))
    for field in ("location", "description"):
        if value := getattr(invitation, field):
            event.add(field, value)
    address = vCalAddress(f"mailto:{organizer.email}")
    if organizer.name:
        address.params["cn"] = vText(organizer.name)
    event.add("organizer", address)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _check(invitation: Invitation) -> None:
    if invitation.start.tzinfo is None or invitation.end.tzinfo is None:
        raise CalendarError("the invitation's times need a time zone")
    if invitation.end <= invitation.start:
        raise CalendarError("the invitation ends before it begins")
    if not invitation.summary.strip():
        raise CalendarError("the invitation has no summary")


def _uid(name: str, organizer: Mailbox) -> str:
    domain = organizer.email.rpartition("@")[2]
    return f"{hashlib.sha256(name.encode()).hexdigest()[:32]}@{domain}"


def _stamp(invitation: Invitation) -> datetime:
    """The start's day at midnight, UTC: stable, and never after the event begins."""
    start = invitation.start.astimezone(UTC)
    return start.replace(hour=0, minute=0, second=0, microsecond=0)
