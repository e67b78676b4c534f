"""What is each contact's own in the requests of a batch, made column by column.

A personalization is written as JSON text right away: a thousand of them are a row of templates
filled with columns of encoded values, not a thousand dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from json.encoder import encode_basestring as encoded

from ..model.message import MessageBatch, Outcome, Segments
from . import headers
from .addresses import plain_forms, wire_form
from .refusal import Refusal
from .sendgrid_message import is_constant

MAX_SUBSTITUTION_BYTES = 10_000
"""Of one personalization: keys and values together, as UTF-8."""

SCHEDULE_AHEAD = 72 * 3600
"""Seconds; a later ``send_at`` is refused."""

_LONGEST_CHARACTER = 4
"""Bytes, in UTF-8."""


class Personal:
    """The contacts of one batch.

    ``now`` is in epoch seconds; ``tags`` the tag of each hole.  ``refused`` holds the outcome of
    each contact that cannot be put into a request, ``oversize`` those whose values are more than
    one personalization may hold.
    """

    def __init__(self, batch: MessageBatch, now: int, tags: Mapping[int, str]) -> None:
        self._batch = batch
        self._now = now
        self._tags = tags
        self._own_headers = [
            (name, segments)
            for name, segments in batch.content.parts.headers
            if not is_constant(segments)
        ]
        self.refused: dict[int, Outcome] = {}
        self._addresses = self._checked()
        self._refuse_far_ahead()
        self.oversize = frozenset(self._too_large())
        self._entries: list[str] = []

    def entry(self, index: int) -> str:
        """A contact's personalization, as JSON."""
        if not self._entries:
            self._entries = list(self._written(slice(None), self._tags))
        return self._entries[index]

    def entry_without_values(self, index: int) -> str:
        """The same for a contact whose values stand in the text."""
        (entry,) = self._written(slice(index, index + 1), {})
        return entry

    # -- what may be sent ---------------------------------------------------------------------

    def _checked(self) -> Sequence[str]:
        """The wire form of every address, '' where ``refused`` says why.

        Nearly always nobody is to be refused, which a look at whole columns shows.
        """
        batch = self._batch
        plain = plain_forms(batch.emails)
        if plain is not None and self._has_plain_headers():
            return plain
        return [self._verified(index) for index in range(len(batch))]

    def _verified(self, index: int) -> str:
        content = self._batch.content
        try:
            address = wire_form(self._batch.emails[index])
            headers.checked(content.fill(content.parts.subject, index))
            for name, segments in self._own_headers:
                headers.extra_value(name, content.fill(segments, index))
        except Refusal as refusal:
            self.refused[index] = refusal.outcome()
            return ""
        return address

    def _has_plain_headers(self) -> bool:
        """Whether no value can be refused, wherever it stands in subject or headers."""
        subject = ("Subject", self._batch.content.parts.subject)
        try:
            for name, segments in (subject, *self._own_headers):
                for text in self._texts(segments):
                    headers.extra_value(name, text)
        except Refusal:
            return False
        return True

    def _texts(self, segments: Segments) -> Iterator[str]:
        values = self._batch.content.values
        for piece in segments:
            yield piece if isinstance(piece, str) else "".join(values[piece])

    def _refuse_far_ahead(self) -> None:
        latest = self._now + SCHEDULE_AHEAD
        if max(self._batch.send_at, default=0) > latest:
            too_far = Outcome("temporary", "send time too far ahead")
            self.refused |= {i: too_far for i, at in enumerate(self._batch.send_at) if at > latest}

    def _too_large(self) -> Iterator[int]:
        """Who has more values than a personalization may hold; counted only if somebody might."""
        values = self._batch.content.values
        columns = [values[hole] for hole in self._tags]
        tags = sum(map(len, self._tags.values()))
        longest = sum(max(map(len, column), default=0) for column in columns)
        if tags + longest * _LONGEST_CHARACTER <= MAX_SUBSTITUTION_BYTES:
            return
        for index, row in enumerate(zip(*columns, strict=True)):
            size = sum(len(value.encode("utf-8", "replace")) for value in row)
            if tags + size > MAX_SUBSTITUTION_BYTES:
                yield index

    # -- how it is written --------------------------------------------------------------------

    def _written(self, rows: slice, tags: Mapping[int, str]) -> Iterator[str]:
        """The personalizations of these contacts: a template, and a column for each ``%s``."""
        batch = self._batch
        values = batch.content.values
        template = '{"to":[{"email":%s}],"custom_args":{"sendoff_key":"%s"}'
        columns: list[Iterable[str]] = [
            map(encoded, self._addresses[rows]),
            [key.hex() for key in batch.keys[rows]],
        ]
        if tags:
            template += f',"substitutions":{{{_members(tags.values())}}}'
            columns += [map(encoded, values[hole][rows]) for hole in tags]
        if self._own_headers:
            template += f',"headers":{{{_members(name for name, _ in self._own_headers)}}}'
            columns += [self._filled(segments, rows) for _, segments in self._own_headers]
        columns.append(map(self._end, batch.send_at[rows]))
        return map((template + "%s").__mod__, zip(*columns, strict=True))

    def _filled(self, segments: Segments, rows: slice) -> Iterator[str]:
        values = self._batch.content.values
        count = len(self._batch.keys[rows])
        pieces = [
            repeat(piece, count) if isinstance(piece, str) else values[piece][rows]
            for piece in segments
        ]
        return map(encoded, map("".join, zip(*pieces, strict=True)))

    def _end(self, send_at: int) -> str:
        return f',"send_at":{send_at}}}' if send_at > self._now else "}"


def _members(names: Iterable[str]) -> str:
    """``"name":%s`` for each, as a template."""
    return ",".join(encoded(name).replace("%", "%%") + ":%s" for name in names)
