"""What every source looks like to the rest of the room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dataclass import dataclass

BLOCK_ROWS = 2048


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows that follow each other, as columns in the order of the table's header.

    ``lines``: the line on which each row begins in its file, counting from 1.
    """

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A source that has been opened: its header, and its rows as they are read.

    ``path`` and ``header_line`` say where problems are.  ``blocks`` can be walked once; it
    raises InputError, with all that was wrong, no later than at its end: rows that came before
    that are not to be used.
    """

    path: str
    header: tuple[str, ...]
    header_line: int
    blocks: Iterator[Block]
