"""A workspace's files for these tests, and lists that read them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner.contacts import ContactLists
from runner.errors import InputError, Problem
from runner.model.campaign import Place
from runner.model.contacts import ColumnMap, ContactList, FileSource, InlineSource

SECRET = b"a state key for tests"
PLACE = Place("campaigns/lists/members.yaml", 2, 3)
CSV = "members.csv"


@dataclass(frozen=True)
class Shelf:
    """A directory as ``ports.Files``; counts how often a path was asked for."""

    root: Path
    asked: list[str] = field(default_factory=list)

    def locate(self, path: str) -> Path | None:
        self.asked.append(path)
        place = self.root / path
        return place if place.exists() or place.is_symlink() else None

    def put(self, path: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(gzip.compress(data) if path.endswith(".gz") else data)

    def lists(self, **more: Any) -> ContactLists:
        return ContactLists(self, SECRET, **more)


def file_list(path: str = CSV, columns: ColumnMap | None = None, **more: Any) -> ContactList:
    """The list ``members`` over a file; ``more`` goes to the source, or is ``require_consent``."""
    consent = more.pop("require_consent", False)
    return ContactList(
        name="members",
        source=FileSource(path, **more),
        columns=columns or ColumnMap(),
        require_consent=consent,
        place=PLACE,
    )


def inline_list(*contacts: dict[str, str], columns: ColumnMap | None = None) -> ContactList:
    """The list ``members`` with its contacts inside, from line 5 on."""
    source = InlineSource(contacts, tuple(range(5, 5 + len(contacts))))
    return ContactList("members", source, columns or ColumnMap(), place=PLACE)


def problems_of(call: Callable[[], object]) -> tuple[Problem, ...]:
    """The problems that a call complains of; fails when it does not complain."""
    with pytest.raises(InputError) as caught:
        call()
    return caught.value.problems


def complaint(call: Callable[[], object]) -> str:
    """The text of the InputError that a call raises."""
    return "\n".join(map(str, problems_of(call)))
