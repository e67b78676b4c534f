"""A saved template as it stands in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ..dataclass import dataclass
from .campaign import Attachment, Ignore, Place


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template: front matter and Jinja2 source.

    ``body_line`` is the line of the file on which ``body`` begins (after the front matter), so
    that errors name the right line.  ``text`` is the content of NAME.txt beside it, or None.
    ``attachments`` are the inline images it brings along.  ``subject`` and ``preheader`` are
    Jinja2 sources themselves.  ``ignores``: what the lint need not say of any mail of it.
    """

    name: str
    kind: Literal["html", "mjml"]
    body: str
    body_line: int
    subject: str = ""
    preheader: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    place: Place = Place()
