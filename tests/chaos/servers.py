"""The recording servers of the other tests, with a trap at the moments that matter."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.sendgrid import Delivered, SendgridServer
from tests.servers.smtp import SmtpServer


class Trap:
    """Kills a process when the server reaches ``event`` for the ``nth`` time.

    Events: ``arrived`` (the request is here, nothing has been done about it) and ``taken`` (the
    mail counts as sent, the answer has not been given).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Let everybody live."""
        self._event, self._nth, self._pid = "", 0, 0
        self.seen: Counter[str] = Counter()

    def set(self, event: str, nth: int) -> None:
        """Lay the trap; ``spring_on`` says for whom."""
        self._event, self._nth = event, nth

    def spring_on(self, pid: int) -> None:
        self._pid = pid

    def reach(self, event: str) -> None:
        with self._lock:
            self.seen[event] += 1
            hit = event == self._event and self.seen[event] == self._nth
        if hit and self._pid:
            os.kill(self._pid, signal.SIGKILL)


class _Mailbag(list[Delivered]):
    """SendGrid's list of what it took."""

    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    def __iadd__(self, mails: Iterable[Delivered]) -> _Mailbag:  # type: ignore[misc]
        self.extend(mails)
        self._trap.reach("taken")
        return self


class TrapSendgrid(SendgridServer):
    """A strict SendGrid with a trap."""

    def __init__(self, trap: Trap, **options: Any) -> None:
        super().__init__(**options)
        self.trap = trap
        self.state.delivered = _Mailbag(trap)

    def next_fault(self) -> Any:
        self.trap.reach("arrived")
        return super().next_fault()

    def forget(self) -> None:
        """Begin anew: nothing delivered, nothing asked, no faults."""
        self.follow(())
        with self.state.lock:
            self.state.delivered.clear()
            self.state.requests.clear()

    def follow(self, faults: Iterable[Any]) -> None:
        """From now on misbehave by this script."""
        with self.state.lock:
            self._script.clear()
            self._endless = iter(faults)


SMTP_FAULTS = (
    "rcpt 451 4.7.1 later",
    "rcpt 421 4.3.2 closing",
    "rcpt cut",
    "data 451 4.3.0 later",
    "data cut",
    "taken cut",
    "data garbage",
    "taken garbage",
)


def seeded_smtp_faults(seed: str, rate: float) -> Iterator[str]:
    """An endless script in which about ``rate`` of the messages go wrong."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    while True:
        yield chance.choice(SMTP_FAULTS) if chance.random() < rate else ""


class TrapSmtp(SmtpServer):
    """An SMTP server with a trap, a script, and as slow as one likes.

    A word of the script: when (``rcpt``, ``data`` = before it is taken, ``taken`` = after), and
    what: ``cut``, ``garbage``, or a reply.
    """

    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self.trap = trap
        self.delay = 0.0
        self._faults: Iterator[str] = iter(())
        self._now: dict[str, str] = {}

    def forget(self) -> None:
        """Begin anew."""
        self.messages.clear()
        self.delay = 0.0
        self._faults = iter(())
        self.answer_rcpt.clear()

    def follow(self, faults: Iterable[str]) -> None:
        """From now on misbehave by this script."""
        self._faults = iter(faults)

    async def handle_RCPT(  # noqa: N802 - the base names it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        self.trap.reach("arrived")
        when, _, what = next(self._faults, "").partition(" ")
        self._now[address] = f"{when} {what}"
        if when == "rcpt":
            return self._spoil(server, what)
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(  # noqa: N802 - the base names it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        when, _, what = self._now.pop(envelope.rcpt_tos[0], "").partition(" ")
        await asyncio.sleep(self.delay)
        if when == "data":
            return self._spoil(server, what)
        answer = await super().handle_DATA(server, session, envelope)
        self.trap.reach("taken")
        return self._spoil(server, what) if when == "taken" else answer

    def _spoil(self, server: SMTP, what: str) -> str:
        if what == "cut":
            assert server.transport is not None
            server.transport.abort()
            return "250 nobody hears this"
        return "what was the question" if what == "garbage" else what
