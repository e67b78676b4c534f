"""How a run ended, and what to do about it: the same words in text, Markdown and logs."""

from __future__ import annotations

from collections.abc import Iterator

from ..dataclass import dataclass
from ..model.result import RunResult
from .words import plural

RESOLVE_HINT = "after a look at the provider: sendoff resolve {} --as sent|not-sent"


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing that did not go well (``bad``, ``warn``), or is to be known (``info``).

    ``advice`` is what to do next, always.
    """

    style: str
    message: str
    advice: str


def headline(result: RunResult) -> tuple[str, str]:
    """(status word for the sign, what this run did in one line)."""
    sent = f"{plural(result.sent, 'mail')} sent" if result.sent else "Nothing sent"
    if result.later:
        sent += f", {result.later:,} to go"
    code = result.exit_code
    word = "ok" if code == 0 else "warning" if code in (3, 6, 130) else "error"
    return word, f"{sent}."


def endings(result: RunResult) -> Iterator[Ending]:
    """The worst first; of a run that went well at most what was called back.

    Holds are not among them.
    """
    yield from _broken_off(result)
    yield from _doubtful(result)
    yield from _not_sent(result)
    if result.recalled:
        yield Ending(
            "info",
            f"{plural(result.recalled, 'mail')} of cancelled campaigns called back from the "
            "provider before they went out.",
            "nothing, they are recorded as not sent.",
        )


def _broken_off(result: RunResult) -> Iterator[Ending]:
    if result.state_failure:
        yield Ending(
            "bad",
            f"The state could not be written: {result.state_failure}",
            "nothing was sent after that; mend the cause, then: sendoff run. Mails that could not "
            "be recorded will be shown as in doubt, not sent again.",
        )
    if result.stopped:
        yield Ending(
            "warn",
            f"The run stopped before everything due was sent: {result.stopped}",
            "once the cause is mended, the next run sends the rest. See also: sendoff doctor",
        )
    if result.interrupted:
        yield Ending(
            "warn",
            "The run was interrupted. Everything sent so far is recorded.",
            "nothing, the next run sends the rest.",
        )
    if result.lost_race:
        yield Ending(
            "warn",
            "Another run was at work at the same time, so this one sent nothing. Nothing is lost.",
            "nothing, the other run or the next one sends what is due.",
        )


def _doubtful(result: RunResult) -> Iterator[Ending]:
    jobs = [job.job_id for job in result.plan if job.counts.in_doubt]
    if result.in_doubt:
        named = [job.job_id for job in result.jobs if job.in_doubt]
        yield Ending(
            "bad",
            f"{plural(result.in_doubt, 'mail')} of this run may or may not have been sent: the "
            "provider gave no clear answer. None of it is sent again by itself.",
            _settle(named),
        )
    if result.doubt_before:
        yield Ending(
            "bad",
            f"{plural(result.doubt_before, 'mail')} of earlier runs may or may not have been sent: "
            "a run ended between handing them over and noting it.",
            _settle(jobs),
        )


def _settle(jobs: list[str]) -> str:
    return "settle it " + RESOLVE_HINT.format(_some(jobs, "JOB"))


def _not_sent(result: RunResult) -> Iterator[Ending]:
    failed = result.failed - result.bounced
    if failed:
        job = _some([job.job_id for job in result.jobs if job.failed], "JOB")
        yield Ending(
            "bad",
            f"{plural(failed, 'mail')} could not be sent: refused for good.",
            f"look at the job with: sendoff status {job}; once the cause is mended: "
            f"sendoff retry {job}",
        )
    yield from _bounced(result)
    if result.released:
        yield Ending(
            "warn",
            f"{plural(result.released, 'mail')} handed back unsent: the provider was busy or out "
            "of reach.",
            "nothing, the next run tries again. If it stays so, see: sendoff doctor",
        )


def _bounced(result: RunResult) -> Iterator[Ending]:
    if result.bounced:
        these = "this address. It is" if result.bounced == 1 else "these addresses. They are"
        yield Ending(
            "warn",
            f"{plural(result.bounced, 'mail')} could not be sent: the mail server says that nobody "
            f"has {these} suppressed from now on.",
            "nothing. If an address does work: sendoff suppress --undo ADDRESS",
        )
    if result.bounces_doubted:
        yield Ending(
            "bad",
            f"The mail server called {plural(result.bounces_doubted, 'address', 'addresses')} "
            "unknown, more of one domain than it took. That may be its own fault, so nobody was "
            "suppressed for it.",
            "look at the server; addresses that are dead indeed: sendoff suppress ADDRESS "
            "--reason bounce",
        )


def _some(jobs: list[str], otherwise: str) -> str:
    """The one job there is, else the word that stands for each of them."""
    return jobs[0] if len(jobs) == 1 else otherwise
