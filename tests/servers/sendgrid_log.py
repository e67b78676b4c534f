"""Email Logs as a strict SendGrid keeps them: case-sensitive, late, for 30 days, no second page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

KEPT = 30 * 24 * 3600
MOST = 1000

Answer = tuple[int, Any]

_CONDITION = re.compile(
    r'(?P<name>[a-z_]+) (?P<sign>=|>=|<=|>|<|IN) (?P<value>TIMESTAMP "[^"]+"|"[^"\\]*"|\([^)]*\))'
)
_EQUAL = {"sg_message_id", "subject", "to_email", "reason"}
_IN = {"status", "categories"}


class Logged(Protocol):
    """A mail that was taken."""

    @property
    def to(self) -> str: ...
    @property
    def sender(self) -> dict[str, str]: ...
    @property
    def subject(self) -> str: ...
    @property
    def custom_args(self) -> dict[str, str]: ...
    @property
    def categories(self) -> tuple[str, ...]: ...
    @property
    def send_at(self) -> int | None: ...
    @property
    def taken_at(self) -> float: ...
    @property
    def sg_message_id(self) -> str: ...


@dataclass(frozen=True)
class Log:
    """The log at ``now``; a mail shows ``lag`` seconds after it left (or was thrown away)."""

    mails: Iterable[Logged]
    now: float
    lag: float
    stopped: Callable[[Any], bool]

    def search(self, asked: Any) -> Answer:
        """POST /v3/logs"""
        if not isinstance(asked, dict) or asked.keys() - {"query", "limit", "subusers"}:
            return _error("unknown parameter")
        limit = asked.get("limit", 10)
        if type(limit) is not int or not 1 <= limit <= MOST:
            return _error("limit has to be 1 to 1000")
        try:
            conditions = [_condition(part) for part in str(asked.get("query", "")).split(" AND ")]
        except ValueError as error:
            return _error(str(error))
        rows = (self._row(mail) for mail in self.mails if self._shows(mail))
        found = [row for row in rows if all(test(row) for test in conditions)]
        return 200, {"messages": [_public(row) for row in found[:limit]]}

    def details(self, message_id: str) -> Answer:
        """GET /v3/logs/ID"""
        for mail in self.mails:
            if mail.sg_message_id == message_id and self._shows(mail):
                row = _public(self._row(mail))
                row.pop("sg_message_id_created_at")
                more = {"custom_args": mail.custom_args, "category": list(mail.categories)}
                event = "cancel_drop" if self.stopped(mail) else "processed"
                events = [{"event": event, "email": mail.to, "sg_message_id": message_id}]
                return 200, {**row, **more, "events": events, "client_ip": "", "api_key_id": ""}
        return 404, {"errors": [{"message": "not found", "field": None, "help": None}]}

    def _shows(self, mail: Logged) -> bool:
        shown = max(mail.taken_at, mail.send_at or 0) + self.lag
        return shown <= self.now <= mail.taken_at + KEPT

    def _row(self, mail: Logged) -> dict[str, Any]:
        return {
            "from_email": mail.sender["email"],
            "sg_message_id": mail.sg_message_id,
            "subject": mail.subject,
            "to_email": mail.to,
            "reason": "",
            "status": "dropped" if self.stopped(mail) else "processed",
            "sg_message_id_created_at": mail.taken_at,
        }


def _public(row: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromtimestamp(row["sg_message_id_created_at"], UTC)
    return {**row, "sg_message_id_created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def _condition(text: str) -> Callable[[dict[str, Any]], bool]:
    """One condition of a query.  Raises ValueError for what the log does not know."""
    match = _CONDITION.fullmatch(text)
    if not match:
        raise ValueError("the query cannot be read")
    name, sign, value = match["name"], match["sign"], match["value"]
    if name in _EQUAL and sign == "=" and value.startswith('"'):
        return lambda row: row[name] == value[1:-1]
    if name in _IN and sign == "IN" and value.startswith("("):
        words = re.findall(r"'([^']*)'", value)
        return lambda row: row.get(name) in words
    if name == "sg_message_id_created_at" and value.startswith("TIMESTAMP") and sign != "=":
        at = datetime.strptime(value[11:-1], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        return {
            ">": lambda row: row[name] > at,
            "<": lambda row: row[name] < at,
            ">=": lambda row: row[name] >= at,
            "<=": lambda row: row[name] <= at,
        }[sign]
    raise ValueError(f"the query may not ask {name} {sign}")


def _error(text: str) -> Answer:
    return 400, {"errors": [{"message": text, "field": "query", "help": None}]}
