"""The preview of a campaign: a page that shows each message in a frame, and the messages alone.

A message is shown in a sandboxed frame: whatever a template holds, it runs no script in the page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ..model.campaign import Campaign
from ..model.message import File, Rendered
from ..model.views import PreviewView

INDEX = "index.html"


def files(campaign: Campaign, views: Sequence[PreviewView]) -> Mapping[str, str]:
    """The files of a preview by name: ``index.html``, and each message as HTML and text."""
    names = [_name(view, number) for number, view in enumerate(views, 1)]
    written: dict[str, str] = {}
    shown = []
    for name, view in zip(names, views, strict=True):
        html = with_images(view.message)
        written[f"{name}.html"] = standalone(html)
        written[f"{name}.txt"] = view.message.text
        shown.append({"name": name, "view": view, "html": html})
    written[INDEX] = _page().render(campaign=campaign, messages=shown)
    return written


def with_images(message: Rendered) -> str:
    """The HTML with its inline images in it, so that a browser shows what a mail program does."""
    by_cid = {file.cid: file for file in message.files if file.cid}
    return re.sub(
        r"cid:([^\"'\s)>]+)",
        lambda match: _data_url(by_cid[match[1]]) if match[1] in by_cid else match[0],
        message.html,
    )


def standalone(html: str) -> str:
    """A message to be opened by itself: whatever a template holds, it runs and fetches nothing
    but pictures."""
    policy = "default-src 'none'; img-src data: https: http:; style-src 'unsafe-inline'"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    head = re.search(r"(?i)<head(?=[\s>])[^>]*>", html)
    # without a head the browser makes one for what stands first
    at = head.end() if head else 0
    return html[:at] + meta + html[at:]


def _data_url(file: File) -> str:
    return f"data:{file.content_type};base64,{base64.b64encode(file.data).decode()}"


def _name(view: PreviewView, number: int) -> str:
    label = re.sub(r"[^a-z0-9]+", "-", f"{view.step}-{view.label}".casefold()).strip("-")
    return f"{number:02d}-{label}"[:80]


def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("runner.report", "pages"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("preview.html")
