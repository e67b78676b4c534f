"""``python -m runner``: the same as ``sendoff``."""

from .cli import entry

entry()
