"""The files of a workspace as they would be with the draft in them: nothing need be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..workspace import WorkspaceFiles
from ..workspace.files import Entry
from ..workspace.layout import CAMPAIGNS, LISTS, SUPPRESSIONS, TEMPLATES


class DraftedFiles(WorkspaceFiles):
    """Lists, templates and settings are those on disk; the draft is the only campaign.

    Other campaigns, and what is wrong with them, are not the draft's affair.
    """

    def __init__(self, root: Path, path: str, text: str) -> None:
        super().__init__(root)
        self._path, self._text = path, text

    def read_text(self, path: str) -> str | None:
        """See ``WorkspaceFiles``."""
        return self._text if path == self._path else super().read_text(path)

    def walk(self, directory: str) -> Iterator[Entry]:
        """See ``WorkspaceFiles``."""
        if directory != CAMPAIGNS:
            yield from super().walk(directory)
            return
        yield Entry(self._path)
        for kept in (LISTS, SUPPRESSIONS, TEMPLATES):
            yield from super().walk(kept)
