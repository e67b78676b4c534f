"""Limits for what is handed to native code, which knows none of its own.

The libraries for MJML and for CSS walk a document by recursion and go through every rule for every
element.  A few kilobytes of nested tags would end the process without a word (a stack overflow),
and a few hundred of rules and elements would take hours and all memory.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

MAX_TAGS: Final = 20_000
"""Start tags of a document, those that tables imply counted too.  A mail that Gmail does not cut
has a tenth of it."""

MAX_STYLING: Final = 60_000_000
"""Characters of style sheets times start tags; a large mail has a tenth of it."""

_SHALLOW: Final = 1_000
_STACK: Final = 256 * 1024 * 1024
"""Bytes of address space, of which only what is used is ever taken: 8 KB for each level."""

_TAG = re.compile(r"<[a-zA-Z]")
_TABLE = re.compile(r"<table", re.IGNORECASE)
_STYLE = re.compile(r"<style.*?(?:</style[\s/>]|\Z)", re.IGNORECASE | re.DOTALL)
MAX_OPEN: Final = 100
"""Comments or raw elements that are opened after the last one that ends: each is looked for an end
through the whole rest."""

_RAW: Final = ("script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext")
_ENDS = [("<!--", re.compile("-->"))] + [
    (f"<{name}", re.compile(rf"</{name}\s*>", re.IGNORECASE)) for name in _RAW
]
_starting = threading.Lock()


def excess(markup: str) -> str:
    """Why a document is more than can be worked on, or ''.  Takes time linear in its length."""
    tags = _tags(markup)
    if tags > MAX_TAGS:
        return f"the document has more than {MAX_TAGS} tags"
    styles = sum(len(style.group()) for style in _STYLE.finditer(markup))
    if styles * tags > MAX_STYLING:
        return f"too much CSS ({styles} characters) for so many tags ({tags})"
    return ""


def endless(html: str) -> str:
    """Why finished HTML cannot be read in linear time, or ''."""
    folded = html.lower()
    for start, ending in _ENDS:
        if folded.count(start) > MAX_OPEN:
            last = max((match.end() for match in ending.finditer(html)), default=0)
            if folded.count(start, last) > MAX_OPEN:
                return f"the document has more than {MAX_OPEN} {start} without an end"
    return ""


def _tags(markup: str) -> int:
    """How deep a document can be at most; a table may have a body and a row that nobody wrote."""
    return len(_TAG.findall(markup)) + 2 * len(_TABLE.findall(markup))


def with_room(work: Callable[[str], str], markup: str) -> str:
    """``work(markup)``, with a stack on which the deepest document allowed fits."""
    if _tags(markup) <= _SHALLOW:
        return work(markup)
    done: SimpleQueue[str | Exception] = SimpleQueue()

    def attempt() -> None:
        try:
            done.put(work(markup))
        except Exception as error:  # noqa: BLE001 - it is raised again where it belongs
            done.put(error)

    _start(threading.Thread(target=attempt, name="document"))
    result = done.get()
    if isinstance(result, Exception):
        raise result
    return result


def _start(thread: threading.Thread) -> None:
    """Start a thread with a large stack; the size is a setting of the whole process."""
    with _starting:
        usual = threading.stack_size(_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
