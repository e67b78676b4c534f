"""The files that go along with a message: attachments, inline images, an invitation."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import InputError, Problem
from ..model.campaign import Attachment
from ..model.message import File
from ..ports import Files
from .calendar import CalendarError, invite
from .sources import StepContent

MAX_TOTAL = 20 * 1024 * 1024
"""Bytes of all files of a message together; providers end at 30 MB after encoding."""


def files_of(content: StepContent, files: Files) -> tuple[File, ...]:
    """Read a step's files.  Raises InputError for missing ones, and for too many bytes."""
    problems: list[Problem] = []
    found: list[File] = []
    total = 0
    for attachment in content.attachments:
        try:
            size, file = _read(content, attachment, files, MAX_TOTAL - total)
        except InputError as error:
            problems += error.problems
            continue
        total += size
        found.append(file)
    problems += _repeated(content)
    try:
        found += _invitation(content)
    except CalendarError as error:
        problems.append(_problem(content, str(error)))
    if problems:
        raise InputError(problems)
    return tuple(found)


def _read(
    content: StepContent, attachment: Attachment, files: Files, room: int
) -> tuple[int, File]:
    place = files.locate(attachment.path)
    if place is None or not place.is_file():
        raise InputError([_problem(content, f"there is no file {attachment.path!r}")])
    size = place.stat().st_size
    if size > room:
        megabytes = MAX_TOTAL // 1024 // 1024
        message = f"with {attachment.path!r} the files are larger than {megabytes} MiB"
        raise InputError([_problem(content, message, "link to it instead")])
    try:
        data = place.read_bytes()
    except OSError as error:
        message = f"{attachment.path!r} cannot be read: {error.strerror}"
        raise InputError([_problem(content, message)]) from None
    file = File(attachment.filename, attachment.content_type, data, attachment.cid)
    return size, file


def _repeated(content: StepContent) -> Iterator[Problem]:
    seen: set[str] = set()
    for attachment in content.attachments:
        if attachment.cid and attachment.cid in seen:
            yield _problem(content, f"two images have the cid {attachment.cid!r}")
        seen.add(attachment.cid)


def _invitation(content: StepContent) -> list[File]:
    invitation = content.step.content.invitation
    if invitation is None:
        return []
    organizer = invitation.organizer or content.campaign.sender
    name = f"{content.campaign.id}/{content.step.id}"
    data = invite(invitation, organizer, name, content.campaign.revision)
    content_type = f"text/calendar; charset=utf-8; method={invitation.method}"
    return [File("invite.ics", content_type, data)]


def _problem(content: StepContent, message: str, hint: str = "") -> Problem:
    place = content.step.place if content.step.place.path else content.campaign.place
    return Problem(place.path, place.line, place.column, message, hint, "attachment")
