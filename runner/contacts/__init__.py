"""Lists and suppressions in, audiences out: who is mailed, who is not, and why."""

from __future__ import annotations

from .addresses import Address, domain_name, fault, normalise
from .keys import contact_key, key_maker
from .lists import ContactLists, Inspection, Row
from .sources.cache import Cache as ListCache
from .sources.fetchers import describe
from .sources.fetching import Reach
from .sources.refreshing import FetchedLists, length
from .suppressions import Suppressions, read_suppressions

__all__ = [
    "Address",
    "ContactLists",
    "FetchedLists",
    "Inspection",
    "ListCache",
    "Reach",
    "Row",
    "Suppressions",
    "contact_key",
    "describe",
    "domain_name",
    "fault",
    "key_maker",
    "length",
    "normalise",
    "read_suppressions",
]
