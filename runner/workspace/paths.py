"""Paths as people write them, turned into paths relative to the workspace; nothing leaves it."""

from __future__ import annotations

import re

_UNFIT = re.compile(r"[\x00-\x1f\x7f\\:]")


def within(directory: str, written: str) -> str:
    """``written``, relative to ``directory``, as a path relative to the workspace.

    Both are relative to the workspace root with ``/``.  ValueError says why a path is refused.
    """
    if written.startswith("/") or re.match(r"[A-Za-z]:", written):
        raise ValueError("an absolute path; write it relative to this file")
    if "\\" in written:
        raise ValueError("a backslash in a path; write /")
    parts = [part for part in directory.split("/") if part not in ("", ".")]
    for part in written.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                raise ValueError("the path leaves the workspace")
            parts.pop()
        else:
            parts.append(part)
    refuse_unfit(parts)
    if not parts:
        raise ValueError("not a file")
    return "/".join(parts)


def refuse_unfit(parts: list[str]) -> None:
    """ValueError for names that mean something else on another system, or git's own."""
    for part in parts:
        if _UNFIT.search(part):
            raise ValueError("a control character, colon or backslash in a path")
        # "x." and "x " are "x" on Windows, where .GIT is .git too
        if part.rstrip(". ").casefold() == ".git":
            raise ValueError("git's own directory is out of bounds")
        if part != part.rstrip(". "):
            raise ValueError("a name may not end with a dot or a space")
