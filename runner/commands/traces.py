"""Where a person's address stands on this machine: what ``sendoff forget`` looks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..bootstrap import Site
from ..dataclass import dataclass
from ..errors import InputError
from ..model.contacts import ContactList, FileSource, InlineSource

LARGEST = 200 * 1024 * 1024
"""Bytes of a file that is looked through; what is larger is no text that somebody wrote."""


@dataclass(frozen=True, slots=True)
class Trace:
    """``path`` as people know it; ``line`` from 1, 0 for the whole.  ``what`` it is.

    ``file``: what is deleted there, where that is ours to delete.
    """

    path: str
    line: int
    what: str
    file: Path | None = None


def traces(site: Site, address: str, key: bytes) -> Iterator[Trace]:
    """Every place that is found, those that a person has to mend first.  Raises no InputError."""
    yield from _lists(site, address)
    yield from _texts(site, address)
    for path in _outbox(site, key):
        yield Trace(_shown(site, path), 0, "a mail in the outbox", path)
    copies = site.list_copies(site.settings)
    if copies is not None and copies.is_dir() and any(copies.iterdir()):
        yield Trace(str(copies), 0, "sealed copies of lists, which may hold the address", copies)


def _lists(site: Site, address: str) -> Iterator[Trace]:
    books = site.contact_lists()
    for one in site.workspace.lists.values():
        try:
            rows = books.find(one, address)
        except InputError:
            yield Trace(one.place.path, 0, f"the list {one.name} cannot be read: look there")
            continue
        for row in rows:
            path, line = _place(one, row.line)
            yield Trace(path, line, f"the list {one.name}")


def _place(one: ContactList, line: int) -> tuple[str, int]:
    if isinstance(one.source, FileSource):
        return one.source.path, line
    if isinstance(one.source, InlineSource):
        return one.place.path, line
    # the row is not in a file of the workspace, and its number means nothing to who looks there
    return one.place.path, 0


def _texts(site: Site, address: str) -> Iterator[Trace]:
    """The address itself, in other files of the workspace that people or mail programs wrote."""
    local, _, domain = address.strip().rpartition("@")
    edge = rb"[A-Za-z0-9._%+-]"
    wanted = re.escape(f"{local}@{domain}".encode())
    pattern = re.compile(rb"(?<!" + edge + rb")" + wanted + rb"(?![A-Za-z0-9-])", re.IGNORECASE)
    data = {
        one.source.path
        for one in site.workspace.lists.values()
        if isinstance(one.source, FileSource)
    }
    for path in _files(site):
        shown = _shown(site, path)
        if shown not in data:
            with suppress(OSError):
                for number in _matches(path, pattern):
                    yield Trace(shown, number, "the address is written here")


def _files(site: Site) -> Iterator[Path]:
    rules = site.settings.suppressions
    for name in ("sendoff.yaml", "campaigns", "previews", rules.mailbox):
        place = site.root / name
        if name and place.is_file():
            yield place
        elif name and place.is_dir() and not place.is_symlink():
            yield from (p for p in sorted(place.rglob("*")) if p.is_file() and not p.is_symlink())


def _matches(path: Path, pattern: re.Pattern[bytes]) -> Iterator[int]:
    if path.stat().st_size > LARGEST:
        return
    content = path.read_bytes()
    line, at = 1, 0
    for match in pattern.finditer(content):
        line += content.count(b"\n", at, match.start())
        at = match.start()
        yield line


def _outbox(site: Site, key: bytes) -> list[Path]:
    place = (site.root / site.settings.outbox.path).resolve()
    if not place.is_relative_to(site.root.resolve()):
        return []  # behind a link that leads out: not ours to delete
    return sorted(path for path in place.rglob(f"{key.hex()}.eml") if not path.is_symlink())


def _shown(site: Site, path: Path) -> str:
    home = site.root if path.is_relative_to(site.root) else site.root.resolve()
    return path.relative_to(home).as_posix()
