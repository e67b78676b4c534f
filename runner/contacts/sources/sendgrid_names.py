"""What a list or a segment of SendGrid Marketing is called, and the id that stands for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from .fetching import FetchError
from .sendgrid_service import Service

PAGE = 1000
MOST_PAGES = 1000
_is_id = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE).fullmatch


def id_of(service: Service, kind: str, name: str) -> str:
    """The id of the one list, or segment, of that name; an id stands for itself.

    Raises FetchError when there is none, or more than one.
    """
    if _is_id(name):
        return name.lower()
    entries = list(_segments(service) if kind == "segment" else _lists(service))
    found = [entry["id"] for entry in entries if entry["name"] == name]
    if len(found) > 1:
        hint = "name it by its id, which is in its address in SendGrid"
        raise FetchError(f"SendGrid has {len(found)} {kind}s of that name", hint)
    if not found:
        close = difflib.get_close_matches(name, [entry["name"] for entry in entries], 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {len(entries):,} {kind}s"
        raise FetchError(f"SendGrid has no {kind} of that name", hint)
    return found[0]


def _lists(service: Service) -> Iterator[dict[str, str]]:
    """All lists, page by page.  Of the address of the next page only its token is used."""
    path = f"/v3/marketing/lists?page_size={PAGE}"
    token = ""
    for _ in range(MOST_PAGES):
        page = service.ask("GET", f"{path}&page_token={quote(token)}" if token else path)
        yield from _entries(page.get("result"))
        links = page.get("_metadata")
        following = links.get("next") if isinstance(links, dict) else None
        if not following:
            return
        known, token = (
            token,
            (parse_qs(urlsplit(str(following)).query).get("page_token") or [""])[0],
        )
        if token in ("", known):
            break
    raise FetchError("SendGrid's pages of lists do not end")


def _segments(service: Service) -> Iterator[dict[str, str]]:
    """All segments; SendGrid gives them in one page."""
    yield from _entries(service.ask("GET", "/v3/marketing/segments/2.0").get("results"))


def _entries(found: Any) -> Sequence[dict[str, str]]:
    """Raises FetchError for what is no list of things with a name and an id."""
    if not isinstance(found, list) or not all(map(_is_entry, found)):
        raise FetchError("SendGrid answered something else than was asked for")
    return [{"id": entry["id"], "name": entry["name"]} for entry in found]


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    return isinstance(entry.get("id"), str) and isinstance(entry.get("name"), str)
