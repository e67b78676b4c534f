"""What the answers amount to: a campaign that is not yet written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from ..dataclass import dataclass

SCHEMA = "schemas/campaign.schema.json"
CAMPAIGNS = "campaigns"


@dataclass(frozen=True, slots=True)
class Mail:
    """WHAT one mail says: a saved template (with a subject of its own), or ``html`` and
    ``subject`` written in the campaign."""

    template: str = ""
    subject: str = ""
    preheader: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One mail of a drip; ``delay`` as it is written (``0``, ``3d``)."""

    id: str
    delay: str
    mail: Mail
    only_if: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """The schedule: keys and values as they are written, each with a comment or ''.

    ``lines`` begin with ``send``.  ``steps`` only for a drip.  ``shown_until``: how far ahead
    the plan is worth looking at.
    """

    lines: tuple[tuple[str, str, str], ...] = (("send", "immediate", ""),)
    steps: tuple[Step, ...] = ()
    shown_until: datetime | None = None

    @property
    def send(self) -> str:
        """``immediate``, ``scheduled``, ``drip`` or ``recurring``."""
        return self.lines[0][1]


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign.  ``file``: its path below ``campaigns/`` without ``.yaml``, which is its id."""

    list: str
    where: str = ""
    mail: Mail = Mail()
    variables: Mapping[str, Any] = field(default_factory=dict)
    when: When = When()
    name: str = "Draft"
    file: str = "draft"

    @property
    def path(self) -> str:
        """The file, relative to the workspace."""
        return f"{CAMPAIGNS}/{self.file}.yaml"

    def sends(self, mail: Mail, variables: Mapping[str, Any]) -> Draft:
        """The same, sending this mail."""
        return replace(self, mail=mail, variables=dict(variables))


@dataclass(frozen=True, slots=True)
class Commit:
    """What git is to do with the file: commit it on ``branch`` (made for it), or, when that is
    '', on the branch that is checked out."""

    branch: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The end of the conversation; ``write`` only after the last yes."""

    draft: Draft
    write: bool
    commit: Commit | None = None
