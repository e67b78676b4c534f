"""What is asked of SendGrid Marketing: requests that may be made again, until there is an answer.

Of what SendGrid answers nothing is repeated in a message: it may hold an address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from http.client import HTTPResponse
from typing import Any
from urllib.parse import SplitResult

from ...dataclass import dataclass
from ...model.settings import Secret
from .fetching import FetchError, Reach
from .web import Hop, address_of, admitted, faults, header_value
from .wire import Connection, Patience

MAX_ANSWER = 16 << 20
"""Bytes of an answer; a page of a thousand lists is some 300 KiB."""
ATTEMPTS = 6
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_WAIT = 60.0
_REFUSALS = {
    401: "SendGrid does not accept the API key in {variable}",
    403: "the API key in {variable} may not read Marketing lists",
}


class NotFound(FetchError):
    """SendGrid does not know what was asked for."""


@dataclass(frozen=True, slots=True)
class Service:
    """SendGrid's API below ``url``.  ``repr`` shows no key."""

    url: SplitResult
    key: Secret
    reach: Reach
    patience: Patience

    @classmethod
    def within(cls, reach: Reach, timeout: timedelta) -> Service:
        """The service that the settings name, as long as ``timeout`` lasts."""
        settings, clock = reach.sendgrid, reach.clock
        url = address_of(settings.base_url.rstrip("/"))
        return cls(url, settings.api_key, reach, Patience(clock, clock.now() + timeout))

    @property
    def inward(self) -> bool:
        """Whether it runs on this machine, as a stand-in does in tests."""
        return self.url.scheme == "http"

    def ask(self, method: str, path: str, document: object = None) -> Mapping[str, Any]:
        """The answer, a JSON object.  Raises FetchError."""
        body = b"" if document is None else json.dumps(document).encode()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, path, body)
            except _Later as later:
                wait = min(_LONGEST_WAIT, 2.0**attempt) if later.seconds is None else later.seconds
                if attempt == ATTEMPTS or wait >= self.patience.left():
                    raise FetchError(later.message, transient=True) from None
            self.reach.clock.sleep(wait)
        raise AssertionError

    def _once(self, method: str, path: str, body: bytes) -> Mapping[str, Any]:
        headers = {
            "Authorization": header_value("Authorization", f"Bearer {self.reach.value(self.key)}"),
            "Accept": "application/json",
            "User-Agent": "sendoff",
            "Connection": "close",
        }
        if body:
            headers["Content-Type"] = "application/json"
        addresses = admitted(Hop(self.url, credentials=True, inward=self.inward))
        try:
            with closing(Connection(self.url, addresses, self.patience)) as line, faults():
                line.request(method, self.url.path + path, body or None, headers)
                answer = line.getresponse()
                content = answer.read(MAX_ANSWER + 1)
                whole = not answer.length and len(content) <= MAX_ANSWER
        except FetchError as error:
            self.patience.left()
            if error.transient:
                raise _Later(f"SendGrid cannot be reached: {error.message}") from None
            raise
        if not whole:
            raise _Later("SendGrid's answer was cut off")
        self._refuse(answer)
        return _object(content)

    def _refuse(self, answer: HTTPResponse) -> None:
        status = answer.status
        if status in _AGAIN:
            raise _Later(f"SendGrid answered {status}", self._asked_wait(answer))
        if status in _REFUSALS:
            hint = "create one with read access to Marketing"
            raise FetchError(_REFUSALS[status].format(variable=self.key.env), hint)
        if status == 404:
            raise NotFound("SendGrid does not know it", "was it deleted?")
        if not 200 <= status < 300:
            raise FetchError(f"SendGrid answered {status}")

    def _asked_wait(self, answer: HTTPResponse) -> float | None:
        """The seconds that the answer asks to wait, if it does."""
        now = self.reach.clock.now().timestamp()
        for name, since in (("Retry-After", 0.0), ("X-RateLimit-Reset", now)):
            text = answer.getheader(name, "")
            if text.isascii() and text.isdigit() and len(text) <= 12:
                return max(1.0, int(text) - since)
        return None


class _Later(Exception):
    """Worth asking again, after ``seconds`` (None: nobody said)."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.message, self.seconds = message, seconds


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _Later("SendGrid's answer is not JSON")
    return document
