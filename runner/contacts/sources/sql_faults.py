"""What databases and their drivers complain of, said without what they would give away.

A driver's text may hold the address of the server, the user, a row or a parameter: it is never
passed on.  Only what PostgreSQL and SQLite say of the query itself (classes 0A and 42, "no such
table") is, for that is text from the repository.
"""

from __future__ import annotations

import re
from typing import Any

from .fetching import FetchError

_STATES = {
    "0A000": ("the database cannot do this", "one SELECT, and no INSERT or UPDATE in its WITH"),
    "25001": ("the query tries to leave its read-only transaction", ""),
    "25006": ("the query writes, and only reading is allowed", "leave out what writes"),
    "28000": ("the database does not let this user in", ""),
    "28P01": ("the database refused the user or the password", ""),
    "3D000": ("there is no such database", ""),
    "42501": ("the user may not read what the query asks for", "grant it SELECT on that table"),
    "42601": ("the query is not valid SQL", ""),
    "53300": ("the database has no connection left", ""),
    "57014": (
        "the database cancelled the query: it took too long",
        "raise `timeout`, or add an index",
    ),
    "57P01": ("the connection was ended by the database's administrator", ""),
    "57P02": ("the database crashed", ""),
    "57P03": ("the database is starting or shutting down", ""),
}
_CLASSES = {
    "08": ("the connection to the database was lost", ""),
    "22": ("a value made the query fail", "try the query by hand"),
    "40": ("the database broke off the transaction", ""),
    "42": ("the database does not understand the query", ""),
    "53": ("the database is short of memory, disk or connections", ""),
    "57": ("the database was interrupted", ""),
    "58": ("the database has trouble with its disk", ""),
    "XX": ("the database is damaged", ""),
}
_PASSING = ("08", "40", "53", "57", "58")
"""Classes of trouble that may be gone the next time."""

_CONNECTING = (
    (r"invalid (dsn|connection option|\w+ value)", "an option in the database's URL is not known",
     "what stands behind the ? is libpq's, like sslmode=verify-full"),
    (r"password authentication failed|no password supplied", *_STATES["28P01"]),
    (r"role .* does not exist|no pg_hba\.conf entry", *_STATES["28000"]),
    (r"database .* does not exist", *_STATES["3D000"]),
    (r"timeout expired|timed out", "the database does not answer", ""),
    (r"could not translate host name|failed to resolve|Name or service not known",
     "the database's host is not known", ""),
    (r"Connection refused|No such file or directory", "no database is listening there", ""),
    (r"certificate|SSL|TLS", "there is no secure connection to the database", ""),
    (r"starting up|shutting down|recovery mode", *_STATES["57P03"]),
    (r"too many clients|remaining connection slots", *_STATES["53300"]),
)  # fmt: skip
_SQLITE = {
    "SQLITE_AUTH": ("the query does more than read", "one SELECT; ATTACH and PRAGMA are refused"),
    "SQLITE_BUSY": ("the database file is locked by another program", ""),
    "SQLITE_CANTOPEN": ("the database file cannot be opened", "is it complete, without a -wal?"),
    "SQLITE_CORRUPT": ("the database file is damaged", "copy it again"),
    "SQLITE_NOTADB": ("the file is not an SQLite database", ""),
    "SQLITE_READONLY": _STATES["25006"],
}
_OF_THE_QUERY = re.compile(
    r"(no such (table|column|function)|ambiguous column name|near|incomplete input"
    r"|wrong number of arguments|misuse of|You can only execute one statement)\b"
)
UNREADABLE = (
    "the database holds a value that cannot be read",
    "text that is not UTF-8, or a date outside the years 1 to 9999?  Select something else",
)
_LONGEST = 160


def explain(error: Exception) -> FetchError:
    """The one message for what a driver raised; ``error`` is SQLAlchemy's or the driver's own."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    if isinstance(state, str):
        return _by_state(original, state)
    code = getattr(original, "sqlite_errorname", None)
    if isinstance(code, str) or type(original).__module__ == "sqlite3":
        return _by_sqlite(original, code or "")
    return _by_words(original)


def _by_state(original: Exception, state: str) -> FetchError:
    message, hint = _STATES.get(state) or _CLASSES.get(state[:2]) or ("the query failed", "")
    if state.startswith(("42", "0A")):
        message += _quoted(getattr(getattr(original, "diag", None), "message_primary", None))
    return FetchError(f"{message} ({state})", hint, transient=state[:2] in _PASSING)


def _by_sqlite(original: Exception, code: str) -> FetchError:
    base = "_".join(code.split("_")[:2])
    if base in _SQLITE:
        return FetchError(*_SQLITE[base], transient=base == "SQLITE_BUSY")
    text = str(original)
    if text.startswith("not authorized"):
        return FetchError(*_SQLITE["SQLITE_AUTH"])
    if text.startswith("Could not decode to UTF-8"):
        return FetchError("a text in the database is not UTF-8", "mend it, or leave the column out")
    said = _quoted(text) if _OF_THE_QUERY.match(text) else ""
    return FetchError(f"the database does not understand the query{said}")


def _by_words(original: Exception) -> FetchError:
    """Trouble without a code: what libpq says of connecting, and other drivers."""
    text = str(original)
    for pattern, message, hint in _CONNECTING:
        if re.search(pattern, text):
            return FetchError(message, hint, transient=message not in _LASTING)
    kinds = {kind.__name__ for kind in type(original).__mro__}
    if "DataError" in kinds:
        return FetchError(*UNREADABLE)
    if "ProgrammingError" in kinds:
        return FetchError(_CLASSES["42"][0])
    return FetchError("the connection to the database failed or was lost", transient=True)


_LASTING = {_CONNECTING[0][1], *(_STATES[state][0] for state in ("28P01", "28000", "3D000"))}


def _quoted(text: Any) -> str:
    """What was said of the query, if it can be shown: on one line, and with no address in it."""
    if not isinstance(text, str) or "@" in text or len(text) > _LONGEST or not text.isprintable():
        return ""
    return f": {text}"
