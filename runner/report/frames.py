"""A message made fit for a frame of the preview page, as a light and as a dark program shows it.

A frame is sandboxed without any permission and inherits the page's policy: it runs no script,
opens nothing and loads nothing.  What is done here is for what these two do not cover (a browser
that only warms up a connection), and for showing light and dark side by side on any machine.
"""

from __future__ import annotations

import base64
import re
from typing import Literal

from ..model.message import File, Rendered

Scheme = Literal["light", "dark"]

_QUERY = re.compile(r"(?i)\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")
_META = re.compile(
    r"""(?is)(<meta\b[^>]*?\bname\s*=\s*["']?(?:supported-)?color-schemes?["']?[^>]*?\bcontent\s*=\s*["'])[^"']*"""
)
_PROPERTY = re.compile(r"""(?i)(?<![\w-])((?:supported-)?color-schemes?\s*:\s*)[^;}"'<]*""")
_OPENERS = re.compile(r"(?i)<(/?)(link|i?frame|object|embed|portal|fencedframe)\b")
_EQUIV = re.compile(r"(?i)http-equiv(?=[\s/]*=)")
_DOCTYPE = re.compile(r"(?i)\A\s*<!doctype[^>]*>")
_REMOTE = re.compile(
    r"""(?i)<(?:img|source|input|video)\b[^>]*?\b(?:src|srcset|poster)\s*=\s*["']?\s*https?:"""
)
_FRAME = (
    "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
    "form-action 'none'"
)
_ALONE = (
    "default-src 'none'; img-src data: https: http:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
_UTF8 = '<meta charset="utf-8">'
_RECOLOURED = (
    "<style>img,svg,video,picture,[background],[style*='url(']"
    "{filter:invert(1) hue-rotate(180deg)!important}</style>"
)


def framed(html: str, scheme: Scheme) -> str:
    """A message for a frame, as a mail program in that scheme shows it.

    A browser asks the machine for its scheme; here the question is answered in the message: a
    query for the scheme becomes one that is always true, for the other one never.  A message
    without dark styles of its own is recoloured by some programs; the page does that with a
    filter, which the pictures in it must not follow.
    """
    html = _QUERY.sub(
        lambda found: "(min-width: 0)" if found[1].lower() == scheme else "(max-width: 0)", html
    )
    html = _META.sub(lambda found: found[1] + scheme, html)
    html = _PROPERTY.sub(lambda found: found[1] + scheme, html)
    return _headed(_still(html), _policy(_FRAME) + '<base target="_blank">')


def recoloured(html: str) -> str:
    """A message without dark styles, for a frame that inverts it, its pictures kept."""
    return _headed(framed(html, "light"), _RECOLOURED)


def has_dark(html: str) -> bool:
    """True when a message brings dark styles of its own."""
    return any(found[1].lower() == "dark" for found in _QUERY.finditer(html))


def remote_pictures(html: str) -> int:
    """How many pictures a message would fetch from elsewhere."""
    return len(_REMOTE.findall(html))


def standalone(html: str) -> str:
    """A message to be opened by itself: whatever a template holds, it runs nothing, and fetches
    nothing but pictures."""
    # what is opened from a disk has no header to say its encoding
    return _headed(_still(html), _policy(_ALONE) + _UTF8)


def with_images(message: Rendered) -> str:
    """The HTML with its inline images in it, so that a browser shows what a mail program does."""
    by_cid = {file.cid: file for file in message.files if file.cid}
    return re.sub(
        r"cid:([^\"'\s)>]+)",
        lambda match: _data_url(by_cid[match[1]]) if match[1] in by_cid else match[0],
        message.html,
    )


def _still(html: str) -> str:
    """Without what no mail program follows, and no policy stops: a refresh that leads away, and
    elements for which a browser opens a connection before it asks the policy."""
    return _OPENERS.sub(r"<\1x-\2", _EQUIV.sub("data-http-equiv", html))


def _headed(html: str, extra: str) -> str:
    """``extra`` before everything else, where no comment of a template can hide it; after the
    doctype, without which a browser would show the mail as of the nineties."""
    found = _DOCTYPE.match(html)
    at = found.end() if found else 0
    return html[:at] + extra + html[at:]


def _policy(policy: str) -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def _data_url(file: File) -> str:
    return f"data:{file.content_type};base64,{base64.b64encode(file.data).decode()}"
