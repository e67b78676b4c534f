"""What is sent: ``template`` or ``content`` and what goes along, → ``Content``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from ..dataclass import dataclass
from ..errors import InputError
from ..model.campaign import RECIPIENT, Attachment, Content, Invitation
from ..ports import Files
from ..timetable import zones
from . import policies
from .paths import within
from .schedules import time
from .section import Section
from .values import duration
from .wording import quoted


@dataclass(frozen=True, slots=True)
class Enclosures:
    """What goes along with a mail."""

    attachments: tuple[Attachment, ...] = ()
    images: tuple[Attachment, ...] = ()
    invitation: Invitation | None = None


def enclosures(section: Section, files: Files, zone: str, common: Enclosures) -> Enclosures:
    """What ``section`` encloses; each kind that it does not name comes from ``common``.

    ``zone``: the time zone of an invitation that names none.
    """
    found = common
    if section.has("attachments"):
        listed = (_attachment(entry, files) for entry in section.sections("attachments"))
        found = replace(found, attachments=tuple(a for a in listed if a is not None))
    if section.has("images"):
        found = replace(found, images=images(section, files))
    if section.has("invitation"):
        found = replace(found, invitation=_invitation(section.section("invitation"), zone))
    return found


def content(section: Section, enclosed: Enclosures) -> Content:
    """WHAT a campaign or a step sends."""
    own = section.section("content") if section.has("content") else section
    return Content(
        template=section.get("template", ""),
        subject=own.get("subject", ""),
        preheader=own.get("preheader", ""),
        html=own.get("html", ""),
        text=own.get("text", ""),
        attachments=enclosed.attachments + enclosed.images,
        invitation=enclosed.invitation,
    )


def images(section: Section, files: Files) -> tuple[Attachment, ...]:
    """The pictures under ``images``; their names must differ by more than case."""
    written = section.section("images")
    found: dict[str, Attachment] = {}
    for cid in written.node.entries:
        picture = _file(written, cid, files)
        if cid.casefold() in found:
            written.problems.add(written.key(cid), f"two pictures are called {cid}", "rename one")
        if picture is None:
            continue
        kind = media_type(picture)
        if not kind.startswith("image/"):
            written.complain(cid, "not a picture, by its ending", "use .png, .jpg or .gif", "path")
        found[cid.casefold()] = Attachment(picture, PurePosixPath(picture).name, kind, cid)
    return tuple(found.values())


def media_type(path: str) -> str:
    """The media type of a file name, the same on every machine."""
    import mimetypes  # noqa: PLC0415 - rarely needed

    suffix = PurePosixPath(path).suffix.lower()
    own = {".ics": "text/calendar", ".webp": "image/webp"}
    kind = own.get(suffix) or _builtin_types(mimetypes).guess_type(f"x{suffix}")[0]
    return kind or "application/octet-stream"


@cache
def _builtin_types(mimetypes: Any) -> Any:
    # A fresh table: the module's own one reads the machine's files.
    return mimetypes.MimeTypes()


def _attachment(section: Section, files: Files) -> Attachment | None:
    path = _file(section, "path", files)
    if path is None:
        return None
    name = section.get("filename", PurePosixPath(path).name)
    return Attachment(path, name, section.get("type") or media_type(path))


def _file(section: Section, name: str, files: Files) -> str | None:
    """The file named by a value, relative to the workspace; None and a complaint without one."""
    written = section.get(name)
    if written is None:
        return None
    directory = str(PurePosixPath(section.path).parent)
    try:
        path = within(directory, written)
        found = files.locate(path)
    except ValueError as error:
        section.complain(name, str(error), code="path")
        return None
    except InputError as error:
        section.complain(name, error.problems[0].message, code="path")
        return None
    if found is None:
        shown = f"there is no file {path}" if quoted(path) else "there is no such file"
        section.complain(name, shown, f"paths are relative to {directory}", "path")
    return path if found is not None else None


def _invitation(section: Section, default_zone: str) -> Invitation | None:
    zone = policies.zone(section, "timezone", default_zone)
    start, end = time(section, "start"), time(section, "end")
    if zone == RECIPIENT and any(at is not None and at.tzinfo is None for at in (start, end)):
        message = "an invitation needs a time zone when the schedule has `timezone: recipient`"
        section.problems.add(section.here, message, "add timezone: America/Chicago")
        return None
    start, end = _aware(start, zone), _aware(end, zone)
    if start is not None and end is None and section.get("duration"):
        end = start + duration(section.get("duration"))
    organizer = policies.mailbox(section, "organizer") if section.has("organizer") else None
    summary = section.get("summary")
    if start is None or end is None or summary is None:
        return None
    if end <= start:
        wrong = "end" if section.has("end") else "duration"
        section.complain(wrong, "the invitation ends before it begins", "check start and end")
    return Invitation(
        summary=summary,
        start=start,
        end=end,
        location=section.get("location", ""),
        description=section.get("description", ""),
        organizer=organizer,
        method="REQUEST" if section.get("method") == "request" else "PUBLISH",
    )


def _aware(wall: datetime | None, zone: str) -> datetime | None:
    if wall is None or wall.tzinfo is not None:
        return wall
    return wall.replace(tzinfo=zones.zone(zone))
