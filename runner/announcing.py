"""Telling people outside the terminal how a run went: CI's job summary, and a heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from . import __version__

PATIENCE = 10.0
"""Seconds; a monitor that does not answer must not keep a run from ending."""


def append_summary(environ: Mapping[str, str], markdown: str) -> str:
    """Add to the job summary, where CI has one.  Returns what went wrong, '' for nothing."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return ""
    try:
        with Path(path).open("a", encoding="utf-8") as summary:
            summary.write(markdown)
    except OSError as error:
        return f"the job summary cannot be written: {error.strerror}"
    return ""


def on_github(environ: Mapping[str, str]) -> bool:
    """True where workflow commands are read."""
    return environ.get("GITHUB_ACTIONS") == "true"


def ping(url: str) -> str:
    """Ask for a heartbeat URL.  Returns what went wrong, '' for nothing; never the URL, which is
    a secret."""
    if urlsplit(url).scheme not in ("http", "https"):
        return "the heartbeat is no http(s) URL"
    # most runs have nobody to tell, and should not pay for a library that they do not use
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(url, headers={"User-Agent": f"sendoff/{__version__}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - see above
            answer.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        return f"the heartbeat was answered by http {error.code}"
    except (OSError, http.client.HTTPException, ValueError):
        return "the heartbeat was not answered"
    return ""
