"""The pages around a preview that is shown while someone writes."""

from __future__ import annotations

from ..errors import InputError, SendoffError
from . import pages, problems


def shell(title: str, version: str, nonce: str) -> str:
    """The page that shows the preview in a frame, and again whenever ``/version`` is not what it
    was.  ``nonce``: what the policy sent with it lets run."""
    return pages.template("watch.html").render(title=title, version=version, nonce=nonce)


def trouble(error: SendoffError) -> str:
    """In the place of a preview that cannot be made: why, and how to mend it."""
    found = problems.in_order(error.problems) if isinstance(error, InputError) else []
    return pages.template("trouble.html").render(
        title="There is nothing to show yet",
        problems=[
            {"place": problems.place(one), "message": one.message, "hint": one.hint}
            for one in found
        ],
        message="" if found else str(error),
    )
