"""Addresses as they go over the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .refusal import Refusal

MAX_ADDRESS = 320
"""Octets of the longest address: 64 before the ``@``, 255 after it (RFC 5321)."""

_FORBIDDEN = re.compile(r'[\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:@"\ud800-\udfff]')
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PLAIN = re.compile(
    r"(?>[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@"
    r"(?=[a-z0-9.-]{1,255}\n)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\n)*+"
)
"""Addresses, each ended by a line feed, that are their own wire form; what matches is not looked at
again, so that it takes no longer than there are characters."""


def plain_forms(addresses: Sequence[str]) -> Sequence[str] | None:
    """The addresses, when every one is its own wire form; None: look at them one by one."""
    joined = "\n".join(addresses) + "\n"
    is_plain = _PLAIN.fullmatch(joined) is not None and joined.count("\n") == len(addresses)
    return addresses if is_plain else None


def wire_form(address: str) -> str:
    """The address with its domain in ASCII (A-labels), lower case; the local part as it is.

    Lists have been checked long before.  This is the last door: nothing that could end a header
    line, add a recipient or speak SMTP may pass.  Raises Refusal.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or _FORBIDDEN.search(local):
        raise Refusal("bad address")
    ascii_domain = domain.lower() if domain.isascii() else _to_ascii(domain)
    if not _DOMAIN.fullmatch(ascii_domain):
        raise Refusal("bad address")
    if len(local.encode()) + 1 + len(ascii_domain) > MAX_ADDRESS:
        raise Refusal("address too long")
    return f"{local}@{ascii_domain}"


def ascii_form(address: str) -> str:
    """The wire form of an address of our own, which has to be ASCII throughout.  Raises Refusal."""
    wire = wire_form(address)
    if not wire.isascii():
        raise Refusal("sender not ASCII")
    return wire


def _to_ascii(domain: str) -> str:
    import idna  # noqa: PLC0415 - its tables are large and seldom needed

    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise Refusal("bad address") from None
