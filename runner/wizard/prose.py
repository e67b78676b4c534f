"""Text that people type, as the HTML of a mail."""

from __future__ import annotations

import html
import re

_TOKENS = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]")
_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")

FOOTER = '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a><br>{{ postal_address }}</p>'


def is_html(text: str) -> bool:
    """True for what was typed as HTML: it is taken as it is."""
    return text.lstrip().startswith("<")


def html_of(text: str) -> str:
    """Paragraphs and line breaks as HTML, links made to work, and the way to leave below.

    What stands in ``{{ }}`` and ``{% %}`` stays as it is.
    """
    if is_html(text):
        return text.strip() + "\n"
    paragraphs = _EMPTY_LINES.split(text.strip())
    return "".join(f"<p>{_inline(one)}</p>\n" for one in paragraphs) + FOOTER + "\n"


def _inline(paragraph: str) -> str:
    parts = _TOKENS.split(paragraph)
    # at odd places stand the template expressions
    return "".join(part if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _escaped(text: str) -> str:
    pieces, end = [], 0
    for match in _LINK.finditer(text):
        url = html.escape(match[0])
        pieces += [
            html.escape(text[end : match.start()], quote=False),
            f'<a href="{url}">{url}</a>',
        ]
        end = match.end()
    pieces.append(html.escape(text[end:], quote=False))
    return "".join(pieces).replace("\n", "<br>\n")
