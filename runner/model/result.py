"""What a run did: the one object from which exit code, summary, log and commit message come."""

from __future__ import annotations

from ..dataclass import dataclass
from .plan import Hold, JobPlan

Cause = str
"""Why a run ended badly, for people; '' for well."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a run did for one job.  ``released``: given back unsent after trying, by reason."""

    job_id: str
    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of ``sendoff run``.

    ``sent``, ``failed`` and ``in_doubt`` are this run's; ``doubt_before`` counts contacts that
    earlier runs left in doubt.  ``later`` is what remains due or scheduled.  ``released``:
    handed back by the provider, to be tried by the next run.  ``recalled``: called back of
    cancelled campaigns.  ``bounced``: of the failed, those that will not be mailed any more, as the
    server says that nobody has their address; ``bounces_doubted``: those of whom it said so, and
    was not believed.  ``stopped``: why the run ended before all that was due was sent.
    """

    run_id: str
    sent: int
    failed: int
    in_doubt: int
    doubt_before: int
    released: int
    later: int
    held: tuple[Hold, ...]
    jobs: tuple[JobResult, ...]
    plan: tuple[JobPlan, ...]
    races: int = 0
    recalled: int = 0
    bounced: int = 0
    bounces_doubted: int = 0
    stopped: Cause = ""
    interrupted: bool = False
    state_failure: Cause = ""
    lost_race: bool = False

    @property
    def exit_code(self) -> int:
        """The worst that happened, by the table of formats.md."""
        if self.state_failure:
            return 5
        if self.interrupted:
            return 130
        if self.failed or self.in_doubt or self.doubt_before or self.released:
            return 4
        if self.held or self.stopped:
            return 3
        # last: that another run won is no news where something waits for a person
        return 6 if self.lost_race else 0
