"""What ``sendoff forget`` found and did, and what remains, said plainly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..dataclass import dataclass
from . import words
from .flow import Piece
from .jsontext import dump
from .page import Page
from .terminal import PLAIN, Screen

_KEY = (
    "without the state key it is a random number, with it and the address it tells that this "
    "address was mailed, and must not be again"
)
_HISTORY = "in git's history whatever was ever committed: files that held the address hold it there"
_ELSEWHERE = (
    "wherever lists come from (a database, a service): who is deleted here alone comes back with "
    "the next export, and is left out"
)

Place = tuple[str, int, str]
"""(path, line or 0, what is there)."""


@dataclass(frozen=True, slots=True)
class ForgetView:
    """``theirs``: places that people have to mend; ``ours``: what is deleted.  ``done``: it was.

    ``mails``: how many the ledger knows to this contact key.
    """

    key: str
    done: bool
    theirs: tuple[Place, ...]
    ours: tuple[Place, ...]
    mails: int
    provider: str


def text(view: ForgetView, screen: Screen = PLAIN) -> str:
    """What was done, what is to be done, and what remains."""
    page = Page(screen)
    page.title("Forgotten" if view.done else "To forget this person", aside=f"key {view.key}")
    page.blank()
    will = "This contact is" if view.done else "This contact would be"
    page.text(f"{will} suppressed for good: no list can bring them back by mistake.", sign="-")
    for place in view.ours:
        page.text(f"{'Deleted' if view.done else 'Would be deleted'}: {_place(place)}", sign="-")
    if view.theirs:
        page.blank()
        page.text(Piece("Take these out yourself:", "bold"))
        for place in view.theirs:
            page.text(_place(place), sign="→")
    page.blank()
    page.text(Piece("What remains:", "bold"))
    for line in remains(view):
        page.text(line, sign="-")
    if not view.done:
        page.blank()
        page.text("Nothing was changed. To do it: the same command with --yes")
    return str(page)


def _place(place: Place) -> str:
    path, line, what = place
    return f"{path}:{line}: {what}" if line else f"{path}: {what}"


def remains(view: ForgetView) -> list[str]:
    """What cannot be taken back from here."""
    mails = words.plural(view.mails, "mail")
    ledger = f"in the ledger the contact key {view.key}, in {mails} and one suppression"
    lines = [f"{ledger}: {_KEY}", _HISTORY, _ELSEWHERE]
    if view.provider == "sendgrid":
        lines.append("at SendGrid: its contacts, its log of 30 days, its own suppressions")
    if view.provider == "smtp":
        lines.append("at the mail server that the mails went through: its log")
    return lines


def as_json(view: ForgetView, screen: Screen = PLAIN) -> str:
    """``key``, ``done``, ``yours``, ``deleted`` (or to be), ``mails``, ``remains``."""

    def places(found: tuple[Place, ...]) -> list[dict[str, object]]:
        return [{"path": path, "line": line, "what": what} for path, line, what in found]

    return dump(
        {
            "key": view.key,
            "done": view.done,
            "yours": places(view.theirs),
            "deleted": places(view.ours),
            "mails": view.mails,
            "remains": remains(view),
        }
    )


FORMATS: Mapping[str, Callable[[ForgetView, Screen], str]] = {"text": text, "json": as_json}
