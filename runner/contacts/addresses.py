"""What is an address, and when are two of them the same.

Valid is what email-validator accepts by syntax alone (no DNS), with the reserved names for
examples and tests allowed, and with an ASCII local part: no provider here speaks SMTPUTF8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ..dataclass import dataclass

LOCAL_LIMIT = 64
ADDRESS_LIMIT = 254

# possessive: nothing to go back for, so faster; "+*" and not "*+", which PLAIN takes for possessive
_ATEXT = r"[A-Za-z0-9!#$%&'+*/=?^_`{|}~-]++"
_is_local = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*+").fullmatch
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_is_plain_domain = re.compile(
    rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z])?"
).fullmatch
_SPECIAL_USE = ("arpa", "invalid", "local", "localhost", "onion")

_PLAIN_LABEL = "[a-z0-9]++(?:-[a-z0-9]++)*+"  # no double hyphen, which is another matter
_PLAIN = rf"{_ATEXT}(?:\.{_ATEXT})*+@(?:{_PLAIN_LABEL}\.)++"
_PLAIN_TOP = "[a-z]++(?:-[a-z]++)*+"
PLAIN_LONGEST = LOCAL_LIMIT - 1
"""Short enough for every limit there is, so that nothing else has to be counted."""
PLAIN = f"^{_PLAIN}{_PLAIN_TOP}$".replace("++", "+").replace("*+", "*")
SPECIAL = rf"\.(?:{'|'.join(_SPECIAL_USE)})$"
"""An address in plain letters matches PLAIN and not SPECIAL, in any kind of regular expression."""
_plain_lines = re.compile(
    rf"(?:(?=[^\n]{{1,{PLAIN_LONGEST}}}\n){_PLAIN}(?!(?:{'|'.join(_SPECIAL_USE)})\n){_PLAIN_TOP}\n)*+"
).match
"""As many lines as there are that hold an address in plain letters, its domain in lower case."""


class Address(NamedTuple):
    """An address in its two forms.

    ``envelope``: the local part as it was given, the domain lower-cased and IDNA-encoded.
    ``matching``: what decides whether two addresses are one person; never sent anywhere.
    """

    envelope: str
    matching: str


def normalise(raw: str) -> Address | None:
    """The address in ``raw``, white space around it apart; None when it is not a valid one."""
    pair = forms(raw)
    return None if pair is None else Address(*pair)


def forms(raw: str) -> tuple[str, str] | None:
    """``normalise`` for a million rows: (envelope, matching), one object when they are equal."""
    text = raw.strip()
    local, _, domain = text.partition("@")
    host = domain_name(domain)
    if not host or not _is_local(local) or len(local) > LOCAL_LIMIT:
        return None
    envelope = text if host == domain else f"{local}@{host}"
    if len(envelope) > ADDRESS_LIMIT:
        return None
    # ASCII is its own NFC, and lower-casing is its case folding
    folded = local.lower()
    return envelope, envelope if folded == local else f"{folded}@{host}"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Many addresses in their two forms, '' and b"" for those that are not valid.

    ``matching`` is UTF-8.  ``invalid``: the rows of those that are not valid, ascending.
    """

    envelopes: list[str]
    matching: list[bytes]
    invalid: list[int]


def read_addresses(raw: Sequence[str]) -> Addresses:
    """``normalise`` for many: whatever is plain is checked together, the rest one by one."""
    envelopes = list(map(str.strip, raw))
    text = "\n".join(envelopes) + "\n"
    if not raw or text.count("\n") != len(raw):  # white space within an address
        return _one_by_one(envelopes)
    # ASCII is its own NFC, and lower-casing is its case folding
    matching = text.lower().encode("utf-8", "surrogatepass").split(b"\n")[:-1]
    found = Addresses(envelopes, matching, [])
    at = row = 0
    while True:
        plain = _plain_lines(text, at)
        end = plain.end() if plain else at
        row += text.count("\n", at, end)
        if end == len(text):
            return found
        _look_closely(found, row)
        at, row = text.index("\n", end) + 1, row + 1


def _one_by_one(envelopes: list[str]) -> Addresses:
    found = Addresses(envelopes, [b""] * len(envelopes), [])
    for row in range(len(envelopes)):
        _look_closely(found, row)
    return found


def _look_closely(found: Addresses, row: int) -> None:
    pair = forms(found.envelopes[row])
    if pair is None:
        found.invalid.append(row)
        found.envelopes[row], found.matching[row] = "", b""
    else:
        found.envelopes[row], found.matching[row] = pair[0], pair[1].encode()


@lru_cache(maxsize=1 << 14)
def domain_name(raw: str) -> str:
    """The domain as lower-case A-labels, or '' when no mail can go to such a name."""
    if _is_plain_domain(raw) and "--" not in raw and len(raw) < ADDRESS_LIMIT:
        host = raw.lower()
        return "" if host.rpartition(".")[2] in _SPECIAL_USE else host
    return _unusual_domain(raw)


def _unusual_domain(raw: str) -> str:
    """The slow way, for names that are long, not ASCII, or hold a double hyphen."""
    if not raw:
        return ""
    # Slow to import, and most lists never need it.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        valid = validate_email(f"x@{raw}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return ""
    host = valid.ascii_domain.lower()
    return host if "." in host else ""


def fault(raw: str) -> str:
    """Why ``normalise`` refuses ``raw``, for people, without repeating any of it."""
    text = raw.strip()
    local = text.partition("@")[0]
    checks = (
        (not text, "there is no address"),
        (not text.isprintable(), "the address holds a line break or an invisible character"),
        ("<" in text or ">" in text, "a name stands beside the address: write the address alone"),
        (text.count("@") > 1, "more than one address in one place"),
        ("@" not in text, "there is no @ in the address"),
        (any(map(str.isspace, text)), "the address holds white space"),
        ('"' in text, "addresses in quotes are not supported"),
        (not local.isascii(), "letters beyond ASCII before the @ are not supported"),
        (len(local) > LOCAL_LIMIT, f"more than {LOCAL_LIMIT} characters before the @"),
        (len(text) > ADDRESS_LIMIT, f"the address is longer than {ADDRESS_LIMIT} characters"),
        (not _is_local(local), "what stands before the @ is not valid"),
    )
    return next((reason for holds, reason in checks if holds), "the domain is not valid")
