"""SendGrid: batches of up to 1000 contacts, a few requests at once.

There is no idempotency key, so a request is repeated only when it is certain that the one before
sent nothing: it never left, or the answer was 429 or 503.  Whatever else goes wrong after the
first byte leaves its contacts ambiguous.
"""

from __future__ import annotations

import logging
import random
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

from ..errors import ProviderError
from ..model.ledger import Claim
from ..model.message import Capabilities, MessageBatch, Outcome
from ..model.message import Verdict as Finding
from ..model.settings import SendgridSettings, Settings
from ..ports import Clock
from . import sendgrid_batch, sendgrid_log
from . import sendgrid_payload as payload
from .loopback import is_loopback
from .refusal import Refusal
from .sendgrid_answer import (
    Accepted,
    Culprits,
    Narrow,
    Refused,
    Unclear,
    Unusable,
    Verdict,
    Wait,
    interpret,
)
from .sendgrid_http import NotSent, Target, Transport, Unanswered, proxy_for
from .sendgrid_service import Patience, Service, Unavailable, back_off
from .window import NOT_BEGUN, Window

ATTEMPTS = 8
"""How often one request is tried while it is certain that nothing was sent."""

IN_A_RUN = Patience(attempts=3, seconds=20.0)
"""For calling back: a run has mail to send."""

ON_DEMAND = Patience(attempts=8, seconds=300.0)
"""For evidence: somebody waits for it, and the log has a rate limit of its own."""

_PATH = "/v3/mail/send"
_LOG = logging.getLogger(__name__)

Sent = tuple[MessageBatch, Sequence[Outcome]]


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
        delivery = _Delivery(self._open(), Window(self._clock, deadline))
        limit = self._settings.concurrency
        running: set[Future[Sent]] = set()
        with ThreadPoolExecutor(limit, "sendgrid") as pool:
            for batch in batches:
                running.add(pool.submit(delivery.send, batch))
                if len(running) >= limit:
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


class _Delivery:
    """One call of ``deliver``; its methods run in several threads."""

    def __init__(self, transport: Transport, window: Window) -> None:
        self._transport = transport
        self._window = window
        self._unusable = ""

    def send(self, batch: MessageBatch) -> Sent:
        """Send one batch with as many requests as it takes."""
        if not self._window.open or self._unusable:
            return batch, [self._not_begun()] * len(batch)
        try:
            payloads = payload.Payloads(batch, int(self._now()))
        except Refusal as refusal:
            return batch, [refusal.outcome()] * len(batch)
        outcomes = dict(payloads.refused)
        groups = payloads.groups()
        while groups:
            group = groups.pop(0)
            settled, again = settle(group, self._ask(payloads, group))
            outcomes.update(settled)
            groups[:0] = again
        return batch, [outcomes[index] for index in range(len(batch))]

    def _ask(self, payloads: payload.Payloads, group: Sequence[int]) -> Verdict | Outcome:
        """Post one request until there is an answer that settles it."""
        body = payloads.body(group)
        if len(body) >= payload.MAX_BODY_BYTES:
            return Narrow("message too large")
        before: Wait | None = None
        for attempt in range(ATTEMPTS):
            if not self._may_begin(before, attempt):
                return before or self._not_begun()
            verdict = self._post(body, len(group))
            if isinstance(verdict, Unusable):
                self._unusable = verdict.reason
            if not isinstance(verdict, Wait):
                return verdict
            before = verdict
        # It has refused to listen for minutes: the batches behind this one need not ask as well.
        self._unusable = before.reason if before else ""
        return before or self._not_begun()

    def _may_begin(self, before: Wait | None, attempt: int) -> bool:
        if self._unusable:
            return False
        if before is None:
            return self._window.open
        asked = back_off(attempt) if before.seconds is None else before.seconds
        return self._window.pause(asked + random.random())  # noqa: S311 - spreads load, no secret

    def _post(self, body: bytes, size: int) -> Verdict:
        try:
            answer = self._transport.ask("POST", _PATH, body)
        except NotSent as error:
            return Wait(str(error))
        except Unanswered as error:
            return Unclear(str(error))
        return interpret(answer, size, self._now())

    def _not_begun(self) -> Outcome:
        return Outcome("temporary", self._unusable) if self._unusable else NOT_BEGUN

    def _now(self) -> float:
        return self._window.clock.now().timestamp()


def settle(
    group: Sequence[int], verdict: Verdict | Outcome
) -> tuple[dict[int, Outcome], list[tuple[int, ...]]]:
    """What a verdict means for each contact of a request, and which to send again."""
    match verdict:
        case Culprits(reasons):
            bad = {group[n]: Outcome("refused", reason) for n, reason in reasons.items()}
            rest = tuple(index for index in group if index not in bad)
            return bad, [rest] if rest else []
        case Narrow() if len(group) > 1:
            half = len(group) // 2
            return {}, [tuple(group[:half]), tuple(group[half:])]
        case _:
            return dict.fromkeys(group, _outcome(verdict)), []


def _outcome(verdict: Verdict | Outcome) -> Outcome:
    match verdict:
        case Accepted(ref):
            return Outcome("accepted", ref=ref)
        case Unclear(reason):
            return Outcome("ambiguous", reason)
        case Refused(reason) | Narrow(reason):
            return Outcome("refused", reason)
        case Wait(reason) | Unusable(reason):
            return Outcome("temporary", reason)
        case Outcome():
            return verdict
        case Culprits():
            raise AssertionError("culprits are settled one by one")


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
