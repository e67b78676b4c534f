"""SendGrid: sending, calling back what waits, and evidence of what was sent.

Each has a module of its own (``sendgrid_delivery``, ``sendgrid_batch``, ``sendgrid_log``); here
they get the key, the connections and the clock.
"""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import ProviderError
from ..model.ledger import Claim
from ..model.message import Capabilities, MessageBatch
from ..model.message import Verdict as Finding
from ..model.settings import SendgridSettings, Settings
from ..ports import Clock
from . import sendgrid_batch, sendgrid_log
from . import sendgrid_payload as payload
from .loopback import is_loopback
from .sendgrid_delivery import Delivery, Sent
from .sendgrid_http import Target, Transport, proxy_for
from .sendgrid_service import Patience, Service, Unavailable, parsed
from .window import Window

IN_A_RUN = Patience(attempts=3, seconds=20.0)
"""For calling back: a run has mail to send."""

ON_DEMAND = Patience(attempts=8, seconds=300.0)
"""For evidence: somebody waits for it, and the log has a rate limit of its own."""

_LOG = logging.getLogger(__name__)


def build(
    settings: Settings, environ: Mapping[str, str], _root: Path, clock: Clock
) -> SendgridProvider:
    """The SendGrid provider; the key is read from ``environ`` when it is needed."""
    return SendgridProvider(settings.sendgrid, environ, clock)


class SendgridProvider:
    """Posts to ``base_url`` (EU accounts: ``https://api.eu.sendgrid.com``)."""

    name = "sendgrid"
    capabilities = Capabilities(
        schedule_ahead_seconds=payload.SCHEDULE_AHEAD,
        max_batch=payload.MAX_PERSONALIZATIONS,
        asm_groups=True,
        recall_before_seconds=sendgrid_batch.RECALL_BEFORE,
        evidence=True,
    )

    def __init__(
        self, settings: SendgridSettings, environ: Mapping[str, str], clock: Clock
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._clock = clock
        self._transport: Transport | None = None
        self._given_up: set[str] = set()
        self._cancelled: set[str] = set()

    def check(self) -> None:
        """Refuse a missing key or an address that is not safe.  Raises ProviderError."""
        _checked_url(self._settings.base_url)
        name = self._settings.api_key.env
        key = self._environ.get(name, "")
        if not key:
            raise ProviderError(f"sendgrid: the environment variable {name} is not set")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ProviderError(
                f"sendgrid: {name} does not hold an API key: spaces or controls in it"
            )

    def deliver(self, batches: Iterable[MessageBatch], deadline: datetime) -> Iterator[Sent]:
        """Send batches, ``concurrency`` at once; see ``ports.Provider``.

        Raises ProviderError, before a batch is taken, when ``check`` would.
        """
        limit = self._settings.concurrency
        window = Window(self._clock, deadline)
        delivery = Delivery(self._open(), window, self._cancelled, limit)
        running: set[Future[Sent]] = set()
        # One batch more than may be on its way is made ready, so that no slot waits for that.
        with ThreadPoolExecutor(limit + 1, "sendgrid") as pool:
            for batch in batches:
                running.add(pool.submit(delivery.send, batch))
                if len(running) > limit:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)

    def handle(self, job_id: str) -> str:
        """A new batch id, or '' when SendGrid gives none: after one failure it is not asked again,
        since a run has better things to wait for.  Raises ProviderError when ``check`` would.
        """
        if "batches" in self._given_up:
            return ""
        try:
            return sendgrid_batch.new_batch(self._service(IN_A_RUN))
        except Unavailable as error:
            self._given_up.add("batches")
            _LOG.warning("sendgrid: no batch id (%s): this run's mail cannot be called back", error)
            return ""

    def recall(self, handle: str) -> bool:
        """Cancel a batch; see ``ports.Provider``.  Raises ProviderError when ``check`` would."""
        if not handle:
            return False
        self._cancelled.add(handle)
        try:
            sendgrid_batch.cancel(self._service(IN_A_RUN), self._clock, handle)
        except Unavailable as error:
            _LOG.warning("sendgrid: not certain that a batch was called back (%s)", error)
            return False
        return True

    def evidence(
        self, claim: Claim, contacts: Sequence[tuple[int, str, bytes]]
    ) -> Mapping[int, Finding]:
        """Ask the Email Logs, until they once do not answer; see ``sendgrid_log``.

        Raises ProviderError when ``check`` would.
        """
        if "log" in self._given_up:
            return {}
        service = self._service(ON_DEMAND)
        found, trouble = sendgrid_log.verdicts(service, claim, contacts, self._clock.now())
        if trouble:
            self._given_up.add("log")
            _LOG.warning("sendgrid: no answer from the Email Logs (%s)", trouble)
        return found

    def ask(self, path: str) -> Any:
        """The JSON at a path, for what is asked beside sending.  Raises ProviderError."""
        try:
            answer = self._service(IN_A_RUN).ask("GET", path)
            if answer.status != 200:
                key = self._settings.api_key.env
                hint = f": may the key in {key} read this?" if answer.status in (401, 403) else ""
                raise Unavailable(f"http {answer.status}{hint}")
            return parsed(answer)
        except Unavailable as error:
            where = path.partition("?")[0].removeprefix("/v3/")
            raise ProviderError(f"sendgrid: {where}: {error}") from None

    def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            self._transport.close()

    def _service(self, patience: Patience) -> Service:
        return Service(self._open(), self._clock, patience)

    def _open(self) -> Transport:
        if self._transport is None:
            self.check()
            self._transport = Transport(self._target(), self._clock)
        return self._transport

    def _target(self) -> Target:
        """What the official client would use, taken once: its dict of headers is shared."""
        from sendgrid import SendGridAPIClient  # noqa: PLC0415 - slow to load, only for sending

        # They would log the key and the addresses.
        for logger in ("sendgrid", "python_http_client"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        key = self._environ[self._settings.api_key.env]
        client = SendGridAPIClient(key, host=self._settings.base_url.rstrip("/")).client
        headers = {**client.request_headers, "Content-Type": "application/json"}
        proxy = proxy_for(client.host, self._environ)
        return Target(client.host, headers, self._settings.timeout_seconds, proxy)


def _checked_url(url: str) -> None:
    if not _is_safe(url):
        raise ProviderError("sendgrid: base_url has to be https://HOST (http only for loopback)")


def _is_safe(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
