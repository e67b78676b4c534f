"""Bounce mails and complaints in a directory: a Maildir, files called .eml or .mbox, or one mbox.

The mails are read and left as they are.  A file is read again only if it came, or was renamed,
since the last time (its ``ctime``, which copying does not preserve); an mbox is read whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from typing import Final

from ..dataclass import dataclass
from ..errors import ProviderError
from ..model.feedback import Cause, Feedback
from ..ports import Clock
from .notices import LONGEST, Unreadable, read_notice

OVERLAP: Final = timedelta(minutes=10)
"""A file that was there so long before the last pull is looked at again."""

Sent = Callable[[str, str], tuple[bytes, int] | None]
"""(job, name of a mail) -> the contact key that got it, and when; None for no mail of ours."""

_CAUSES: Final[dict[str, Cause]] = {
    "hard": ("bounce", 0),
    "complaint": ("spam", 0),
    "opt-out": ("unsubscribed", 0),
}
_COUNTED: Final = {"soft": "soft bounces", "unclear": "unclear bounces"}


class MailboxFeedback:
    """A ``FeedbackSource``.  ``shown``: the name of the place in messages."""

    name = "mailbox"

    def __init__(
        self, place: Path, shown: str, sent: Sent, clock: Clock, deadline: datetime
    ) -> None:
        self._place = place
        self._shown = shown
        self._sent = sent
        self._clock = clock
        self._deadline = deadline

    def read(self, part: str, since: datetime | None, until: datetime) -> Feedback:
        """See ``ports.FeedbackSource``."""
        told: dict[Cause, dict[bytes, int]] = {}
        counts: Counter[str] = Counter()
        try:
            for content in _contents(self._place, since):
                if self._clock.stopping or self._clock.now() >= self._deadline:
                    raise ProviderError(f"mailbox: {self._shown}: there was no time for all of it")
                fact = self._fact(content, until)
                if isinstance(fact, _Fact):
                    times = told.setdefault(fact.cause, {})
                    times[fact.key] = max(fact.at, times.get(fact.key, 0))
                elif since is None or fact.at is None or fact.at > since.timestamp():
                    # what was counted by the pull before is not counted again
                    counts[fact.word] += 1
        except OSError as error:
            raise ProviderError(f"mailbox: {self._shown}: {error.strerror}") from None
        return Feedback(told, counts)

    def _fact(self, content: bytes, until: datetime) -> _Fact | _Counted:
        try:
            notice = read_notice(content)
        except Unreadable:
            return _Counted("mails that cannot be read")
        if notice is None:
            return _Counted("other mails")
        cause = _CAUSES.get(notice.kind)
        if cause is None:
            return _Counted(_COUNTED[notice.kind], notice.at)
        sent = self._sent(notice.job, notice.name) if notice.name else None
        if sent is None:
            return _Counted("bounces of no mail of ours", notice.at)
        key, then = sent
        # without a time of its own it is as old as the mail; nothing happens in the future
        at = then if notice.at is None else notice.at
        return _Fact(cause, key, min(max(at, then), int(until.timestamp())))


@dataclass(frozen=True, slots=True)
class _Fact:
    """A contact, and why and when it became one that must not be mailed."""

    cause: Cause
    key: bytes
    at: int


@dataclass(frozen=True, slots=True)
class _Counted:
    """What suppresses nobody."""

    word: str
    at: int | None = None


def _contents(place: Path, since: datetime | None) -> Iterator[bytes]:
    """The beginning of every mail that may be new.  May raise OSError."""
    if not place.is_dir():
        yield from _mbox(place)
        return
    earliest = None if since is None else (since - OVERLAP).timestamp()
    if (place / "cur").is_dir():
        # in this order: a mail that is read meanwhile moves from the one to the other
        for name in ("new", "cur"):
            yield from _files(place / name, "", earliest)
        return
    yield from _files(place, ".eml", earliest)
    for path in sorted(place.glob("*.mbox")):
        yield from _mbox(path)


def _files(directory: Path, suffix: str, earliest: float | None) -> Iterator[bytes]:
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        if path.name.startswith(".") or not path.name.endswith(suffix):
            continue
        try:
            about = path.lstat()
            # a link may lead anywhere, and a pipe never ends
            if S_ISREG(about.st_mode) and (earliest is None or about.st_ctime >= earliest):
                with path.open("rb") as stream:
                    yield stream.read(LONGEST)
        except FileNotFoundError:
            continue  # moved by who reads the mailbox, or deleted


def _mbox(path: Path) -> Iterator[bytes]:
    """The mails of an mbox: each begins with a line ``From ``, after an empty one or at the top."""
    mail, empty = bytearray(), True
    with path.open("rb") as stream:
        while line := stream.readline(LONGEST):
            if empty and line.startswith(b"From ") and mail:
                yield bytes(mail)
                mail.clear()
            elif not (empty and line.startswith(b"From ")) and len(mail) < LONGEST:
                mail += line
            empty = line in (b"\n", b"\r\n")
    if mail:
        yield bytes(mail)
