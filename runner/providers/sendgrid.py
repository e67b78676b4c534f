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
from ..model.message import Capabilities, MessageBatch, Outcome
from ..model.settings import SendgridSettings, Settings
from ..ports import Clock
from . import sendgrid_payload as payload
from .afterwards import Irrevocable
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
from .window import NOT_BEGUN, Window

ATTEMPTS = 8
"""How often one request is tried while it is certain that nothing was sent."""

_LONGEST_BACK_OFF = 60.0
_PATH = "/v3/mail/send"

Sent = tuple[MessageBatch, Sequence[Outcome]]


def build(
    settings: Settings, environ: Mapping[str, str], _root: Path, clock: Clock
) -> SendgridProvider:
    """The SendGrid provider; the key is read from ``environ`` when it is needed."""
    return SendgridProvider(settings.sendgrid, environ, clock)


class SendgridProvider(Irrevocable):
    """Posts to ``base_url`` (EU accounts: ``https://api.eu.sendgrid.com``)."""

    name = "sendgrid"
    capabilities = Capabilities(
        schedule_ahead_seconds=payload.SCHEDULE_AHEAD,
        max_batch=payload.MAX_PERSONALIZATIONS,
        asm_groups=True,
    )

    def __init__(
        self, settings: SendgridSettings, environ: Mapping[str, str], clock: Clock
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._clock = clock
        self._transport: Transport | None = None

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

    def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            self._transport.close()

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
        url = client.host + _PATH
        headers = {**client.request_headers, "Content-Type": "application/json"}
        proxy = proxy_for(url, self._environ)
        return Target(url, headers, self._settings.timeout_seconds, proxy)


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
        asked = _back_off(attempt) if before.seconds is None else before.seconds
        return self._window.pause(asked + random.random())  # noqa: S311 - spreads load, no secret

    def _post(self, body: bytes, size: int) -> Verdict:
        try:
            answer = self._transport.post(body)
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


def _back_off(attempt: int) -> float:
    """Seconds before attempt 1, 2, …: doubling, spread so that runs do not march in step."""
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, no secret
    return min(_LONGEST_BACK_OFF, 2.0**attempt) * spread


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
