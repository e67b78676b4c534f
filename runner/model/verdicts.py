"""Which bounces say that an address is dead: RFC 3463, and what servers write around it.

A status is ``class.subject.detail``.  Class 4 is temporary.  Of class 5 the subject says whose
fault it is: 1 is the address, 2 the mailbox, and the rest (3 system, 4 network, 5 protocol, 6
content, 7 policy) is about the mail or the way, and says nothing against the address.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Verdict = Literal["hard", "soft", "unclear"]

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)")
_NOT_HIS_FAULT: Final = {(2, 0), (2, 2), (2, 3), (2, 4), (1, 7), (1, 8), (1, 9)}
"""Of what concerns mailbox and address: over quota, mail too long, list expansion, something else;
the sender's address, and a server that takes nothing for that domain now."""
_NOBODY: Final = re.compile(
    r"(?:user|mailbox|recipient|address|account)\b.{0,40}\b(?:unknown|not found|not exist|disabled"
    r"|inactive|unavailable|invalid|rejected: undeliverable)"
    r"|no such (?:user|mailbox|person|address|recipient|local user)"
    r"|(?:unknown|invalid|unrouteable|unroutable|nonexistent) (?:user|mailbox|recipient|address)"
    r"|does ?n[o']t exist|doesn't have an? \S+ account",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST: Final = 2000


def verdict(status: str, words: str = "") -> Verdict:
    """What a status (``5.1.1``) means, ``words`` being what the server said besides.

    ``unclear``: neither says whose fault it was.
    """
    said = words[:_LONGEST]
    codes = [*_STATUS.findall(status[:100]), *_STATUS.findall(said)]
    found = [_of_code(int(a), int(b), int(c)) for a, b, c in codes]
    clear = [one for one in found if one != "unclear"]
    if clear:
        # what the server at the end said is finer than what the one in between made of it
        return clear[-1] if found[0] == "unclear" else clear[0]
    return "hard" if _NOBODY.search(said) else "unclear"


def _of_code(kind: int, subject: int, detail: int) -> Verdict:
    if kind != 5:
        return "soft"
    if subject == 0:
        return "unclear"
    if subject in (1, 2) and (subject, detail) not in _NOT_HIS_FAULT:
        return "hard"
    return "soft"
