"""What people wrote: YAML with line marks, schemas, cross-references → the model."""

from .edit import set_key
from .files import WorkspaceFiles
from .loading import load
from .settings import parse_settings

__all__ = ["WorkspaceFiles", "load", "parse_settings", "set_key"]
