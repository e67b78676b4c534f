"""SMTP: one envelope a contact, over a few connections that are kept open."""

from __future__ import annotations

import queue
import random
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from ..errors import ProviderError
from ..model.message import Capabilities, MessageBatch, Outcome
from ..model.settings import Secret, Settings, SmtpSettings
from ..ports import Clock
from .addresses import ascii_form
from .afterwards import Irrevocable
from .loopback import is_loopback
from .mime import Letter, Writer
from .refusal import Refusal
from .smtp_door import Door, Habits, Lost
from .smtp_line import Line, SenderRefused
from .window import NOT_BEGUN, Window

ATTEMPTS = 4
"""How often one message is tried when the connection breaks before it was sent."""


def build(settings: Settings, environ: Mapping[str, str], root: Path, clock: Clock) -> SmtpProvider:
    """The SMTP provider; a relative ``ca_file`` is below the workspace ``root``."""
    return SmtpProvider(settings.smtp, environ, root, clock)


class SmtpProvider(Irrevocable):
    """Sends through the server that the settings name."""

    name = "smtp"
    capabilities = Capabilities()

    def __init__(
        self, settings: SmtpSettings, environ: Mapping[str, str], root: Path, clock: Clock
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._root = root
        self._clock = clock
        self._idle: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._habits = Habits()

    def check(self) -> None:
        """Connect, authenticate, and keep the connection.  Raises ProviderError."""
        door = self._door()
        try:
            self._idle.put(Line(door))
        except Lost as lost:
            raise ProviderError(f"smtp: {door.host}:{door.port}: {lost.reason}") from None

    def deliver(
        self, batches: Iterable[MessageBatch], deadline: datetime
    ) -> Iterator[tuple[MessageBatch, Sequence[Outcome]]]:
        """Send each batch over all connections at once; see ``ports.Provider``.

        Raises ProviderError, before a batch is taken, when the settings cannot be used.
        """
        window = Window(self._clock, deadline)
        health = Health(ATTEMPTS * self._settings.connections)
        door = self._door()
        with ThreadPoolExecutor(self._settings.connections, "smtp") as pool:
            for batch in batches:
                sending = _Sending(batch, window, health, self._idle, door)
                yield batch, sending.over(pool, min(self._settings.connections, len(batch)))

    def close(self) -> None:
        """Close the connections that are open."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _door(self) -> Door:
        settings = self._settings
        username = self._secret(settings.username)
        password = self._secret(settings.password)
        if username and settings.security == "none" and not is_loopback(settings.host):
            raise ProviderError("smtp: security: none would send the password in plain text")
        return Door(
            settings.host,
            settings.port,
            settings.security,
            settings.timeout_seconds,
            self._context(),
            username,
            password,
            self._habits,
        )

    def _secret(self, secret: Secret | None) -> str:
        if secret is None:
            return ""
        value = self._environ.get(secret.env, "")
        if not value:
            raise ProviderError(f"smtp: the environment variable {secret.env} is not set")
        return value

    def _context(self) -> ssl.SSLContext | None:
        settings = self._settings
        if settings.security == "none":
            return None
        ca_file = str(self._root / settings.ca_file) if settings.ca_file else None
        try:
            return ssl.create_default_context(cafile=ca_file)
        except OSError:
            raise ProviderError(f"smtp: cannot read ca_file {settings.ca_file}") from None


class Health:
    """Whether the server is worth another attempt; shared by the threads of one delivery.

    It counts as gone after ``limit`` lost connections in a row, over all threads.
    """

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._losses = 0
        self._gone = ""

    @property
    def gone(self) -> str:
        """Why the server counts as gone, or ''."""
        return self._gone

    def lost(self, lost: Lost) -> None:
        """Note a broken connection."""
        with self._lock:
            self._losses += 1
            if lost.final or self._losses >= self._limit:
                self._gone = lost.reason

    def well(self) -> None:
        """Note that a message got its answer."""
        if self._losses:
            with self._lock:
                self._losses = 0


class _Sending:
    """One batch on its way: threads take contacts from a queue and write down outcomes."""

    def __init__(
        self,
        batch: MessageBatch,
        window: Window,
        health: Health,
        idle: queue.SimpleQueue[Line],
        door: Door,
    ) -> None:
        self._batch = batch
        self._window = window
        self._health = health
        self._idle = idle
        self._door = door
        self._todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._outcomes: list[Outcome] = [NOT_BEGUN] * len(batch)
        self._sender_refused = ""

    def over(self, pool: ThreadPoolExecutor, connections: int) -> Sequence[Outcome]:
        """Send the batch; an outcome for each contact, in order."""
        try:
            now = int(self._window.clock.now().timestamp())
            writer = Writer(self._batch, now, for_smtp=True)
            sender = ascii_form(self._batch.sender.email)
        except Refusal as refusal:
            return [refusal.outcome()] * len(self._batch)
        for index in range(len(self._batch)):
            self._todo.put(index)
        workers = [pool.submit(self._work, writer, sender) for _ in range(connections)]
        for worker in workers:
            worker.result()
        return self._outcomes

    def _work(self, writer: Writer, sender: str) -> None:
        line: Line | None = None
        while True:
            try:
                index = self._todo.get_nowait()
            except queue.Empty:
                break
            line, self._outcomes[index] = self._attempt(line, writer, sender, index)
        if line is not None:
            self._idle.put(line)

    def _attempt(
        self, line: Line | None, writer: Writer, sender: str, index: int
    ) -> tuple[Line | None, Outcome]:
        """Send one message, on new connections if need be; the line to go on with."""
        try:
            letter = writer.letter(index)
        except Refusal as refusal:
            return line, refusal.outcome()
        outcome: Outcome | None = None
        for attempt in range(ATTEMPTS):
            blocked = self._blocked(attempt)
            if blocked is not None:
                return line, outcome or blocked
            line, outcome, settled = self._once(line, sender, letter)
            if settled:
                break
        return line, outcome or NOT_BEGUN

    def _once(
        self, line: Line | None, sender: str, letter: Letter
    ) -> tuple[Line | None, Outcome, bool]:
        """One try: the line that is left, the outcome, and whether it is final."""
        try:
            line = line or self._line()
            outcome = line.send(sender, letter.recipient, letter.message)
        except Lost as lost:
            self._health.lost(lost)
            return None, Outcome("temporary", lost.reason), False
        except SenderRefused as refused:
            self._sender_refused = refused.reason
            outcome = Outcome("temporary", refused.reason)
        else:
            self._health.well()
        return (line if line and line.usable else None), outcome, True

    def _blocked(self, attempt: int) -> Outcome | None:
        """Why this message may not be begun (again), if so; waits before another attempt."""
        if self._sender_refused:
            return Outcome("temporary", self._sender_refused)
        if self._health.gone:
            return Outcome("temporary", self._health.gone)
        ready = self._window.open if attempt == 0 else self._window.pause(_back_off(attempt))
        return None if ready else NOT_BEGUN

    def _line(self) -> Line:
        while True:
            try:
                rested = self._idle.get_nowait()
            except queue.Empty:
                return Line(self._door)
            if rested.is_alive():
                return rested
            rested.close()


def _back_off(attempt: int) -> float:
    """Seconds before attempt 1, 2, 3: about 0.5, 1, 2, spread so that threads do not march."""
    return 0.25 * 2.0**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, no secret
