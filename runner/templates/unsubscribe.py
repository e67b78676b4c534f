"""How a message says how to leave: the link in the text, and the headers of RFC 8058."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from jinja2 import Template

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.campaign import Campaign
from ..sandbox import Sandbox, SandboxError
from .atoms import CLOSE, OPEN, has_control

SENDGRID_LINK = "<%asm_group_unsubscribe_raw_url%>"
"""What SendGrid replaces by its own link."""

_POST = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
_SAMPLE_TOKENS = ("0123456789abcdef", "fedcba9876543210")


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """``link`` is a contact's way out, split where its token belongs; ``headers`` likewise."""

    link: tuple[str, ...]
    headers: tuple[tuple[str, tuple[str, ...]], ...]

    def url(self, token: str) -> str:
        """The link for one contact."""
        return token.join(self.link)


def unsubscribing(campaign: Campaign) -> Unsubscribing:
    """How people leave a campaign.  Raises InputError for a link that would not work."""
    ways = campaign.unsubscribe
    if ways.sendgrid_group is not None:
        return Unsubscribing((SENDGRID_LINK,), ())
    mailto = f"mailto:{ways.mailto.removeprefix('mailto:')}" if ways.mailto else ""
    if mailto and (has_control(mailto) or set(mailto) & set(" <>")):
        raise _problem(campaign, "unsubscribe.mailto is not an address")
    if not ways.url:
        headers = (("List-Unsubscribe", (f"<{mailto}>",)),) if mailto else ()
        return Unsubscribing((mailto,), headers)
    link = _link(campaign, ways.url)
    tail = f">, <{mailto}>" if mailto else ">"
    header = ("List-Unsubscribe", ("<" + link[0], *link[1:-1], link[-1] + tail))
    if len(link) == 1:
        header = ("List-Unsubscribe", (f"<{link[0]}{tail}",))
    return Unsubscribing(link, (header, (_POST[0], (_POST[1],))))


def _link(campaign: Campaign, source: str) -> tuple[str, ...]:
    """The link around the token, proven with two tokens."""
    try:
        sandbox, template = _loaded(source)
        base = {"campaign": campaign.id, "list": campaign.audience.title}
        shape = sandbox.render(template, {**base, "token": OPEN + CLOSE})
        link = tuple(shape.split(OPEN + CLOSE))
        for token in _SAMPLE_TOKENS:
            if sandbox.render(template, {**base, "token": token}) != token.join(link):
                raise _problem(campaign, "unsubscribe.url may print the token but not change it")
    except SandboxError as error:
        raise _problem(campaign, f"unsubscribe.url: {error.message}", error.hint) from None
    _check(campaign, _SAMPLE_TOKENS[0].join(link))
    return link


@lru_cache(maxsize=64)
def _loaded(source: str) -> tuple[Sandbox, Template]:
    sandbox = Sandbox()
    return sandbox, sandbox.load(source)


def _check(campaign: Campaign, url: str) -> None:
    if has_control(url) or set(url) & set(' <>"') or not url.isascii():
        raise _problem(campaign, "unsubscribe.url holds characters that a link cannot hold")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _problem(campaign, "unsubscribe.url is not a link") from None
    if parts.scheme != "https" or not parts.hostname:
        hint = "one-click unsubscribing (RFC 8058) needs https://"
        raise _problem(campaign, "unsubscribe.url must begin with https://", hint)


def _problem(campaign: Campaign, message: str, hint: str = "") -> InputError:
    place = campaign.place
    return InputError([Problem(place.path, place.line, place.column, message, hint, "unsubscribe")])
