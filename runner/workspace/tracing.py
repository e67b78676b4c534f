"""Which files were looked at, and what was found: by it, an answer is known to be still good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ..errors import InputError
from .files import Entry, WorkspaceFiles

Looked = tuple[str, str]
"""How a file was looked at (a name of ``_WAYS``), and its path."""


class TracedFiles(WorkspaceFiles):
    """The files of a workspace, with a note of each look at them.

    ``looked`` gives what was found at each first look, as a digest of the content itself: neither
    a time nor a size stands for it.  What could not be read is noted with its reason.
    """

    def __init__(self, root: Path, fallback: Path | None = None) -> None:
        super().__init__(root, fallback)
        self.looked: dict[Looked, str] = {}

    def locate(self, path: str) -> Path | None:
        """See ``WorkspaceFiles``."""
        self._note("locate", path)
        return super().locate(path)

    def read_text(self, path: str) -> str | None:
        """See ``WorkspaceFiles``."""
        try:
            text = super().read_text(path)
        except InputError as error:
            self.looked.setdefault(("text", path), _refused(error))
            raise
        self.looked.setdefault(("text", path), _of_text(text))
        return text

    def walk(self, directory: str) -> Iterator[Entry]:
        """See ``WorkspaceFiles``."""
        self._note("walk", directory)
        return super().walk(directory)

    def _note(self, way: str, path: str) -> None:
        if (way, path) not in self.looked:
            self.looked[way, path] = _WAYS[way](WorkspaceFiles(self.root, self.fallback), path)


def digest(found: Sequence[tuple[Looked, str]]) -> str:
    """One digest for all that was found."""
    total = hashlib.sha256()
    for (way, path), one in found:
        total.update(f"{way}\0{path}\0{one}\0".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def look_again(files: WorkspaceFiles, looked: Sequence[Looked]) -> str:
    """The digest of what is found now where something was found before."""
    return digest([((way, path), _WAYS[way](files, path)) for way, path in looked])


def _text(files: WorkspaceFiles, path: str) -> str:
    try:
        return _of_text(files.read_text(path))
    except InputError as error:
        return _refused(error)


def _of_text(text: str | None) -> str:
    return "none" if text is None else hashlib.sha256(text.encode()).hexdigest()


def _located(files: WorkspaceFiles, path: str) -> str:
    try:
        place = files.locate(path)
    except InputError as error:
        return _refused(error)
    if place is None:
        return "none"
    try:
        with place.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"unreadable {error.errno}"


def _walked(files: WorkspaceFiles, path: str) -> str:
    try:
        return hashlib.sha256(repr(list(files.walk(path))).encode()).hexdigest()
    except InputError as error:
        return _refused(error)


def _refused(error: InputError) -> str:
    return f"refused {error}"


_WAYS: Final[dict[str, Callable[[WorkspaceFiles, str], str]]] = {
    "text": _text,
    "locate": _located,
    "walk": _walked,
}
