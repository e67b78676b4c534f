"""Contacts that show what a template does at its limits, for previews."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator

from ..model.contacts import Audience

SCANNED = 100_000
"""Contacts looked at; a preview need not read a million."""

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_MARKS = frozenset("'\u2019&<>\"")


def choose(audience: Audience, fields: Collection[str]) -> list[tuple[str, int]]:
    """(what the contact shows, its index), each contact at most once.

    ``fields`` are those that the template uses; an empty audience gives an empty list.
    """
    used = sorted(set(fields) & audience.fields.keys())
    chosen: dict[int, str] = {}
    for label, index in _candidates(audience, used):
        chosen.setdefault(index, label)
    return [(label, index) for index, label in chosen.items()]


def _candidates(audience: Audience, used: Collection[str]) -> Iterator[tuple[str, int]]:
    count = min(len(audience), SCANNED)
    if count == 0:
        return
    rows = [[audience.fields[name][index] for name in used] for index in range(count)]
    plain = next((i for i, row in enumerate(rows) if all(map(_is_plain, row))), None)
    if plain is not None:
        yield "plain", plain
    missing = max(range(count), key=lambda i: sum(not value.strip() for value in rows[i]))
    if any(not value.strip() for value in rows[missing]):
        empty = [name for name, value in zip(used, rows[missing], strict=True) if not value.strip()]
        yield f"without {', '.join(empty)}", missing
    for column, name in enumerate(used):
        longest = max(range(count), key=lambda i: len(rows[i][column]))
        yield f"longest {name}", longest
    for label, shows in _SHOWS.items():
        found = next((i for i, row in enumerate(rows) if any(map(shows, row))), None)
        if found is not None:
            yield label, found
    yield "first", 0


def _is_plain(value: str) -> bool:
    return bool(value.strip()) and value.isascii() and not set(value) & _MARKS


def _is_right_to_left(value: str) -> bool:
    return not value.isascii() and any(
        unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in value
    )


def _is_not_latin(value: str) -> bool:
    return (
        not value.isascii()
        and not _is_right_to_left(value)
        and any(
            character.isalpha() and "LATIN" not in unicodedata.name(character, "")
            for character in value
        )
    )


_SHOWS: dict[str, Callable[[str], bool]] = {
    "right-to-left": _is_right_to_left,
    "emoji": lambda value: _EMOJI.search(value) is not None,
    "not Latin": _is_not_latin,
    "apostrophe or ampersand": lambda value: bool(set(value) & _MARKS),
}
