"""What is asked of SendGrid beside sending: requests that may safely be made twice."""

from __future__ import annotations

import json
import random
from typing import Any

from ..dataclass import dataclass
from ..ports import Clock
from .sendgrid_answer import Answer, asked_wait
from .sendgrid_http import NotSent, Transport, Unanswered

_LONGEST_BACK_OFF = 60.0
_AGAIN = frozenset({408, 429})


class Unavailable(Exception):
    """The service gave no answer to build on; the text is a short code (``http 503``)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask, and for how many seconds in all to wait in between."""

    attempts: int
    seconds: float


class Service:
    """Asks until there is an answer: not for requests that must not be made twice."""

    def __init__(self, transport: Transport, clock: Clock, patience: Patience) -> None:
        self._transport = transport
        self._clock = clock
        self._patience = patience

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """The answer, of any status that asking again would not change.  Raises Unavailable."""
        body = b"" if document is None else json.dumps(document).encode()
        waited = 0.0
        for attempt in range(1, self._patience.attempts + 1):
            try:
                return self._once(method, path, body)
            except _Again as again:
                last = again
            wait = back_off(attempt) if last.seconds is None else last.seconds + random.random()  # noqa: S311 - spreads load, no secret
            waited += wait
            too_long = attempt == self._patience.attempts or waited > self._patience.seconds
            if too_long or self._clock.stopping:
                break
            self._clock.sleep(wait)
        raise Unavailable(last.reason)

    def _once(self, method: str, path: str, body: bytes) -> Answer:
        try:
            answer = self._transport.ask(method, path, body)
        except (NotSent, Unanswered) as error:
            raise _Again(str(error)) from None
        if answer.status in _AGAIN or answer.status >= 500:
            wait = asked_wait(answer.headers, self._clock.now().timestamp())
            raise _Again(f"http {answer.status}", wait)
        return answer


class _Again(Exception):
    """Worth asking again, after ``seconds`` (None: nobody said)."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


def parsed(answer: Answer) -> Any:
    """The JSON of an answer.  Raises Unavailable when it is none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        raise Unavailable("no JSON answer") from None


def back_off(attempt: int) -> float:
    """Seconds before attempt 1, 2, …: doubling, spread so that runs do not march in step."""
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, no secret
    return min(_LONGEST_BACK_OFF, 2.0**attempt) * spread
