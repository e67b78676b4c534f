"""What the host of the repository says about the runs: does the schedule still start them?

GitHub switches a schedule off in silence; in public repositories after 60 days without activity.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from . import __version__
from .model.views import Check

NAME = "schedule"
WORKFLOW = "run.yml"
PATIENCE = 10.0
"""Seconds; the doctor has more to say than what a slow server knows."""
LARGEST = 1_000_000
"""Bytes of an answer that are read."""
LONG_AGO = timedelta(hours=26)
"""A schedule may be daily, and late; one that is silent for longer is worth a look."""
ENABLE = f"switch it on: gh workflow enable {WORKFLOW}, or Actions, its name, Enable workflow"
BADLY = ("failure", "timed_out", "startup_failure")
SWITCHED_OFF = {
    "disabled_inactivity": "GitHub has switched it off, after 60 days without activity",
    "disabled_manually": "someone has switched it off",
    "disabled_fork": "GitHub leaves it off in forks until someone switches it on",
}


class _NoAnswerError(Exception):
    """GitHub was asked and said nothing of use; the text is for people, and holds no secret."""


def schedule(environ: Mapping[str, str], now: datetime) -> Check | None:
    """The state of the workflow that runs campaigns; None where nobody can be asked.

    Asks GitHub's API (``GITHUB_API_URL``) if ``GITHUB_TOKEN`` and ``GITHUB_REPOSITORY`` are set.
    """
    token, repository = environ.get("GITHUB_TOKEN", ""), environ.get("GITHUB_REPOSITORY", "")
    if not token or not repository:
        return None
    base = environ.get("GITHUB_API_URL") or "https://api.github.com"
    url = f"{base.rstrip('/')}/repos/{quote(repository)}/actions/workflows/{WORKFLOW}"
    try:
        state = str(_ask(url, token).get("state"))
        if state != "active":
            reason = SWITCHED_OFF.get(state, f"GitHub says {state!r}")
            return Check(NAME, "error", f"no run starts by itself: {reason}", ENABLE)
        return _last_run(_ask(f"{url}/runs?per_page=1", token), now)
    except _NoAnswerError as error:
        return Check(NAME, "unknown", str(error), f"look at Actions, {WORKFLOW}")


def _last_run(answer: Mapping[str, Any], now: datetime) -> Check:
    runs = answer.get("workflow_runs")
    if not isinstance(runs, list) or not runs or not isinstance(runs[0], dict):
        return Check(
            NAME, "warning", f"{WORKFLOW} is on, and never ran", "wait for its next minute"
        )
    try:
        when = datetime.fromisoformat(str(runs[0].get("created_at")))
        ago = now - when
    except (ValueError, TypeError):
        raise _NoAnswerError("GitHub's answer has no time of the last run") from None
    if ago > LONG_AGO:
        return Check(
            NAME,
            "warning",
            f"{WORKFLOW} is on, but its last run began {when:%Y-%m-%d %H:%M} UTC",
            f"start one by hand, and look at its schedule: gh workflow run {WORKFLOW}",
        )
    if runs[0].get("conclusion") in BADLY:
        return Check(
            NAME,
            "warning",
            f"the last run, {when:%Y-%m-%d %H:%M} UTC, ended badly",
            "its summary says what is held or went wrong",
        )
    return Check(NAME, "ok", f"{WORKFLOW} is on; its last run began {when:%Y-%m-%d %H:%M} UTC")


def _ask(url: str, token: str) -> Mapping[str, Any]:
    """One answer of the API.  The token goes to this host only, and never in the clear."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise _NoAnswerError("GITHUB_API_URL is no https URL: nothing was asked")
    request = urllib.request.Request(  # noqa: S310 - see above
        url,
        headers={
            "Accept": "application/vnd.github+json",
            "User-Agent": f"sendoff/{__version__}",
        },
    )
    # other headers would follow a redirect to wherever it leads
    request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            found = json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        error.close()
        raise _NoAnswerError(_refusal(error.code)) from None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        raise _NoAnswerError("GitHub gave no answer that can be read") from None
    if not isinstance(found, dict):
        raise _NoAnswerError("GitHub gave no answer that can be read")
    return found


def _refusal(code: int) -> str:
    if code in (401, 403):
        return f"GitHub does not let GITHUB_TOKEN look (http {code}): it needs actions: read"
    if code == 404:
        return f"GitHub knows no workflow {WORKFLOW} here, or does not show it to GITHUB_TOKEN"
    return f"GitHub answered with http {code}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
