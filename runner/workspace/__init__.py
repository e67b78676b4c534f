"""What people wrote: YAML with line marks, schemas, cross-references → the model.

The readers are imported when something is to be read: YAML and the schemas take longer to import
than a run with nothing due takes, and what was read before comes out of the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .files import WorkspaceFiles

if TYPE_CHECKING:
    from ..model.settings import Settings
    from ..model.workspace import Workspace

__all__ = ["WorkspaceFiles", "load", "parse_settings", "set_key"]


def load(files: WorkspaceFiles) -> Workspace:
    """Read a workspace: see ``loading.load``.  Raises InputError."""
    from .loading import load as read  # noqa: PLC0415 - see above

    return read(files)


def parse_settings(text: str, path: str = "sendoff.yaml") -> Settings:
    """The settings alone: see ``settings.parse_settings``.  Raises InputError."""
    from .settings import parse_settings as parse  # noqa: PLC0415 - see above

    return parse(text, path)


def set_key(text: str, key: str, value: str) -> str:
    """A YAML text with another value of a key: see ``edit.set_key``.  Raises InputError."""
    from .edit import set_key as edit  # noqa: PLC0415 - see above

    return edit(text, key, value)
