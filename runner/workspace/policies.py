"""What settings and campaigns say in the same words: who, how fast, how many, how late, which zone.

A campaign's keys win over the settings' one by one, except in ``unsubscribe`` and ``from``, which
are one thing each.
"""

from __future__ import annotations

from datetime import timedelta

from ..model.campaign import RECIPIENT, Ignore, Place
from ..model.settings import Guards, Lateness, Mailbox, Pacing, Unsubscribe
from ..timetable import zones
from .section import Section
from .values import duration, percent


def mailbox(section: Section, name: str) -> Mailbox | None:
    """The mailbox under ``name``; None when there is no whole one."""
    written = section.section(name)
    email = written.get("email")
    if email is None or not plausible(written, "email"):
        return None
    return Mailbox(email, written.get("name", ""))


def plausible(section: Section, name: str) -> bool:
    """Check an address beyond the schema's pattern; True also when there is none."""
    email = section.get(name)
    if email is None:
        return True
    local, _, domain = email.rpartition("@")
    labels = domain.split(".")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    fit = all(label and len(label) <= 63 and not label.startswith("-") for label in labels)
    if dots or len(local) > 64 or not fit or any(label.endswith("-") for label in labels):
        section.complain(name, f"`{name}` is not an email address", "write name@example.org")
        return False
    return True


def address(section: Section, name: str, default: str = "") -> str:
    """A plain address."""
    return section.get(name, default) if plausible(section, name) else default


def pacing(section: Section, defaults: Pacing) -> Pacing:
    """Pacing; what is not written comes from ``defaults``."""
    return Pacing(
        delay_seconds=float(section.get("delay_seconds", defaults.delay_seconds)),
        batch_size=section.get("batch_size", defaults.batch_size),
        max_per_hour=section.get("max_per_hour", defaults.max_per_hour),
    )


def guards(section: Section, defaults: Guards) -> Guards:
    """Guards; what is not written comes from ``defaults``."""
    return Guards(
        max_recipients=section.get("max_recipients", defaults.max_recipients),
        max_growth=_share(section, "max_growth", defaults.max_growth, at_most=None),
        max_shrink=_share(section, "max_shrink", defaults.max_shrink, at_most=1.0),
        max_failure_rate=_share(section, "max_failure_rate", defaults.max_failure_rate, 1.0),
    )


def _share(
    section: Section, name: str, default: float | None, at_most: float | None
) -> float | None:
    written = section.get(name)
    if written is None:
        return default
    share = percent(written)
    if at_most is not None and share > at_most:
        section.complain(name, f"`{name}` must be at most 100%, not {written}")
    return share


def lateness(section: Section, defaults: Lateness) -> Lateness:
    """Lateness; what is not written comes from ``defaults``."""
    expires = positive(section, "expires_after", defaults.expires_after)
    return Lateness(expires, section.get("on_missed", defaults.on_missed))


def positive(section: Section, name: str, default: timedelta) -> timedelta:
    """A duration that is longer than nothing."""
    written = section.get(name)
    if written is None:
        return default
    length = duration(written)
    if length <= timedelta():
        section.complain(name, f"`{name}` must be longer than nothing", "for example 10m or 24h")
        return default
    return length


def unsubscribe(section: Section, name: str, default: Unsubscribe) -> Unsubscribe:
    """The ways to leave under ``name``, all from here or all from ``default``."""
    if not section.has(name):
        return default
    written = section.section(name)
    url = written.get("url", "")
    if url and "{{" not in url:
        message = "this address is the same for everyone: nobody can be recognised by it"
        written.problems.warn(written.place("url"), message, "add ?t={{ token }} to it")
    return Unsubscribe(
        url=url,
        mailto=address(written, "mailto"),
        sendgrid_group=written.get("sendgrid_group"),
    )


def zone(section: Section, name: str, default: str, recipient: bool = False) -> str:
    """A time zone's name; ``recipient`` says whether that word is allowed."""
    written = section.get(name)
    if written is None:
        return default
    if written == RECIPIENT:
        if not recipient:
            section.complain(name, "`recipient` is not possible here", "name a zone: Europe/London")
            return default
        return RECIPIENT
    try:
        zones.zone(written)
    except LookupError:
        near = zones.suggest(written)
        hint = f"did you mean {' or '.join(near)}?" if near else "for example America/Chicago"
        shown = f' "{written}"' if "@" not in written and len(written) < 60 else ""
        section.complain(name, f"unknown time zone{shown}", hint, "timezone")
        return default
    return str(written)


def ignores(section: Section) -> tuple[Ignore, ...]:
    """``lint: {ignore: [code, …]}``, each code with its place."""
    written = section.section("lint").node.entries.get("ignore")
    if written is None or written.bad:
        return ()
    return tuple(
        Ignore(item.data, Place(section.path, item.line, item.column))
        for item in written.items
        if not item.bad
    )
