"""Lists and suppressions in, audiences out: who is mailed, who is not, and why."""

from __future__ import annotations

from .addresses import Address, domain_name, fault, normalise
from .keys import contact_key, key_maker
from .lists import ContactLists, Inspection, Row
from .suppressions import Suppressions, read_suppressions

__all__ = [
    "Address",
    "ContactLists",
    "Inspection",
    "Row",
    "Suppressions",
    "contact_key",
    "domain_name",
    "fault",
    "key_maker",
    "normalise",
    "read_suppressions",
]
