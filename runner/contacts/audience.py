"""From the rows of a source to its audience: columns are gathered, and then the rows are judged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import compress
from operator import itemgetter

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.columns import CodedColumn, Picked, PickedColumn
from ..model.contacts import REASONS, Audience, ContactList, Excluded
from ..model.keys import KeyColumn
from ..overflow import Overflow
from .addresses import fault
from .bans import BanColumns
from .columns import LineBuilder, ZoneBuilder
from .findings import Findings
from .framekeys import key_column
from .frames import stripped
from .identifier import Identifier
from .identities import Identities
from .keys import Keyer
from .layout import Layout, lay_out
from .opening import Sources
from .persons import IS_MAILED, MAILED, OUT, judge, verdict_of
from .sources import Block
from .spool import Spool
from .suppressions import Suppressions
from .texts import TextBuilder

_INVALID, _SUPPRESSED = verdict_of("invalid_address"), verdict_of("suppressed")


@dataclass(frozen=True)
class Rules:
    """What decides about a contact besides its row.

    ``keyer`` makes keys of addresses.  ``read`` is asked for the suppressions once, when the first
    rows are there: the next ones are on their way meanwhile.
    """

    keyer: Keyer
    read: Callable[[], Suppressions]

    @cached_property
    def suppressions(self) -> Suppressions:
        """Who must not be mailed.  Raises InputError."""
        return self.read()


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a list, mailed or not, as columns of equal length.

    ``verdicts``: a byte a row, see ``persons``.  ``origins``: each row's list, where there are
    several.
    """

    list_name: str
    emails: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    keys: KeyColumn
    verdicts: bytes
    origins: Sequence[str] = ()

    def origin(self, row: int) -> str:
        """The name of the list that a row is from."""
        return self.origins[row] if self.origins else self.list_name


@dataclass(frozen=True, slots=True)
class Reading:
    """A list as it was read: its audience without any segment, and what to warn of."""

    rows: Rows
    audience: Audience
    warnings: tuple[Problem, ...]


def read_list(contact_list: ContactList, sources: Sources, rules: Rules) -> Reading:
    """Read all rows.  Raises InputError with every problem rather than leave a row out."""
    with sources.open(contact_list) as table:
        layout = lay_out(contact_list, table)
        bans = BanColumns(layout, contact_list.require_consent, table.path)
        gathering = _Gathering(table.path, layout, bans, rules)
        try:
            with Identifier(rules.keyer) as identifier:
                gathering.take_all(table.blocks, identifier)
        except InputError as error:
            gathering.problems.extend(error.problems)
    gathering.problems.raise_if_any()
    rows = gathering.rows(contact_list.name)
    return Reading(rows, mailed(rows), (*layout.warnings, *gathering.warnings(rows)))


class _Gathering:
    """The columns of all rows so far."""

    def __init__(self, path: str, layout: Layout, bans: BanColumns, rules: Rules) -> None:
        self.problems = Findings()
        self._path = path
        self._email_at = layout.roles["email"]
        self._ban_columns = bans
        self._rules = rules
        self._invalid = Findings()
        spool = Spool()
        self._emails = TextBuilder(spool, few=False)
        self._keys = Overflow()
        self._bans = bytearray()
        self._lines = LineBuilder()
        self._zones = ZoneBuilder(spool, path, layout.roles.get("timezone"))
        self._fields = [(name, at, TextBuilder(spool)) for name, at in layout.fields.items()]

    def take_all(self, blocks: Iterable[Block], identifier: Identifier) -> None:
        """Add the rows of all blocks, who they are somewhat later.  Raises what walking does."""
        asked: deque[tuple[Block, bytearray]] = deque()
        for block in blocks:
            who = block.columns[self._email_at]
            identifier.ask(who)
            asked.append((Block(block.lines, [who]), self._take_rest(block)))
            for found in identifier.answers():
                self._take_people(*asked.popleft(), found)
        for found in identifier.answers(all_of_them=True):
            self._take_people(*asked.popleft(), found)

    def _take_rest(self, block: Block) -> bytearray:
        """Add all but the people of a block; returns what its rows say against mailing them."""
        self._lines.extend(block.lines)
        self._zones.take(block)
        for _, at, column in self._fields:
            column.extend(stripped(block.columns[at]))
        return self._ban_columns.read(block, self.problems)

    def _take_people(self, block: Block, bans: bytearray, found: Identities) -> None:
        """Add who they are, and whether they may be mailed; ``block`` has their addresses only."""
        if self._rules.suppressions.by_domain:
            self._ban_domains(found.emails, bans)
        for row in found.invalid:
            bans[row] = _INVALID
            self._refuse(block.columns[0], row, block.lines[row])
        self._keys.append(found.keys)
        self._bans += bans
        self._emails.extend(found.emails)

    def _ban_domains(self, emails: Sequence[str], bans: bytearray) -> None:
        covers = lru_cache(maxsize=1 << 14)(self._rules.suppressions.covers)
        domains = map(itemgetter(2), (email.rpartition("@") for email in emails))
        for row in compress(range(len(emails)), map(covers, domains)):
            bans[row] = bans[row] or _SUPPRESSED

    def _refuse(self, raw: Sequence[str], row: int, line: int) -> None:
        if self._invalid.full:
            self._invalid.count_another()
            return
        hint, code = "this row is left out", "invalid_address"
        self._invalid.add(Problem(self._path, line, 1, fault(raw[row]), hint, code, "warning"))

    def warnings(self, rows: Rows) -> tuple[Problem, ...]:
        """Rows with a time zone or an address that is none."""
        return (*self._invalid.problems(), *self._zones.warnings(rows.verdicts))

    def rows(self, list_name: str) -> Rows:
        """All of them, judged; nothing more may come."""
        emails = self._emails.column()
        keys = key_column(self._keys.closed())
        return Rows(
            list_name=list_name,
            emails=emails,
            fields={
                "email": emails,
                "timezone": self._zones.column(),
                **{name: column.column() for name, _, column in self._fields},
            },
            lines=self._lines.column(),
            keys=keys,
            verdicts=judge(keys, self._all_bans(), self._rules.suppressions.keys),
        )

    def _all_bans(self) -> bytearray:
        """Given away, so that they are not there twice."""
        bans, self._bans = self._bans, bytearray()
        return bans


def mailed(rows: Rows) -> Audience:
    """The audience that the verdicts leave."""
    if not any(rows.verdicts):
        return Audience(
            rows.list_name,
            rows.emails,
            rows.keys,
            rows.fields,
            rows.lines,
            origins=rows.origins,
        )
    mask = rows.verdicts.translate(IS_MAILED)
    picked = Picked(mask)
    emails = PickedColumn(rows.emails, picked)
    return Audience(
        list_name=rows.list_name,
        emails=emails,
        keys=rows.keys.only(mask),
        fields={
            name: emails if column is rows.emails else PickedColumn(column, picked)
            for name, column in rows.fields.items()
        },
        lines=PickedColumn(rows.lines, picked),
        excluded=_excluded(rows),
        origins=PickedColumn(rows.origins, picked) if rows.origins else (),
    )


def _excluded(rows: Rows) -> Excluded:
    # without the rows that are mailed, all in C
    places = rows.verdicts.translate(OUT, bytes([MAILED]))
    return Excluded(
        keys=rows.keys.only(rows.verdicts),
        reasons=CodedColumn(places, REASONS),
        lines=PickedColumn(rows.lines, Picked(rows.verdicts)),
    )
