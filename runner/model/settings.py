"""The settings of a workspace (``sendoff.yaml``)."""

from __future__ import annotations

from dataclasses import field
from datetime import date, timedelta
from typing import Literal

from ..dataclass import dataclass

OnMissed = Literal["hold", "send", "skip"]
OnCapped = Literal["skip", "defer"]
Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with an optional display name."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast a campaign's mails may leave.

    ``delay_seconds`` between two mails, 0 for as fast as the provider takes them;
    ``batch_size`` contacts in one claim, 1-1000; ``max_per_hour`` in any rolling hour.
    """

    delay_seconds: float = 0.0
    batch_size: int = 1000
    max_per_hour: int | None = None

    @property
    def free(self) -> bool:
        """True when mails may leave as fast as the provider takes them."""
        return not self.delay_seconds and self.max_per_hour is None


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits over which a job is held.  Fractions: 0.1 is 10 %.  None: no limit."""

    max_recipients: int | None = None
    max_growth: float | None = None
    max_shrink: float | None = None
    max_failure_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Lateness:
    """What is not out ``expires_after`` its time is missed; ``on_missed`` says what then."""

    expires_after: timedelta = timedelta(hours=24)
    on_missed: OnMissed = "hold"


@dataclass(frozen=True, slots=True)
class Quiet:
    """When a contact is not mailed, by the clock on the wall where the contact is.

    ``hours``: from and until, in minutes of the day; over midnight where the end is the earlier
    one.  ``days``: 0 is Monday.  ``dates``: (year, month, day), the year 0 for every year.
    What would have to wait longer than ``max_deferral`` is held, sent all the same, or skipped.
    """

    hours: tuple[int, int] | None = None
    days: tuple[int, ...] = ()
    dates: tuple[tuple[int, int, int], ...] = ()
    max_deferral: timedelta = timedelta(hours=24)
    on_exceeded: OnMissed = "hold"


@dataclass(frozen=True, slots=True)
class Frequency:
    """At most ``max`` mails of all campaigns to one contact within ``per``, rolling."""

    max: int
    per: timedelta
    on_capped: OnCapped = "skip"


@dataclass(frozen=True, slots=True)
class WarmUp:
    """``volumes``: mails a day from ``start`` on, by the workspace's clock; days before it are like
    the first one.  Afterwards as many as on the last day, or ``unlimited``."""

    start: date
    volumes: tuple[int, ...]
    unlimited: bool = False

    def volume(self, day: date) -> int | None:
        """How many mails may leave on this day; None: any number."""
        number = max(0, (day - self.start).days)
        if number < len(self.volumes):
            return self.volumes[number]
        return None if self.unlimited else self.volumes[-1]


@dataclass(frozen=True, slots=True)
class DomainCap:
    """How many mails may go to some ``domains`` together in any rolling hour; no domains: to all
    that no other cap names."""

    name: str
    domains: tuple[str, ...]
    max_per_hour: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What all campaigns together may send."""

    max_per_hour: int | None = None
    warm_up: WarmUp | None = None
    domains: tuple[DomainCap, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """How people leave; at least one is set.

    ``url`` is a Jinja2 source over ``token``, ``campaign`` and ``list``.
    """

    url: str = ""
    mailto: str = ""
    sendgrid_group: int | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """The *name* of an environment variable (``env:NAME``); the value is read at use."""

    env: str


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    path: str = "outbox"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    host: str = "127.0.0.1"
    port: int = 587
    security: Security = "starttls"
    username: Secret | None = None
    password: Secret | None = None
    connections: int = 4
    timeout_seconds: float = 30.0
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class SendgridSettings:
    api_key: Secret = Secret("SENDGRID_API_KEY")
    base_url: str = "https://api.sendgrid.com"
    concurrency: int = 8
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where the ledger is.  ``path`` is used by ``files``, the rest by ``git``."""

    backend: Literal["files", "git"] = "files"
    path: str = "state"
    branch: str = "sendoff-state"
    approved_branch: str = ""
    remote: str = "origin"
    key: Secret = Secret("SENDOFF_STATE_KEY")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``budget``: how long one run may take.  ``look_ahead``: how far ahead a provider that can
    schedule is handed mails.  ``heartbeat``: holds the URL that a good run asks for at its end,
    so that someone outside notices when runs stop coming."""

    budget: timedelta = timedelta(minutes=10)
    look_ahead: timedelta = timedelta(minutes=60)
    heartbeat: Secret | None = None


@dataclass(frozen=True, slots=True)
class SuppressionSettings:
    """Where suppressions come from.

    ``pull``: services that are asked; ``mailbox``: where bounce mails lie, relative to the
    workspace, '' for nowhere.  A run asks again ``every`` so often; what is older than
    ``max_age`` holds what is due.  ``line``: where that is written.
    """

    pull: tuple[str, ...] = ()
    mailbox: str = ""
    every: timedelta = timedelta(hours=1)
    max_age: timedelta = timedelta(hours=24)
    line: int = field(default=0, compare=False)

    @property
    def sources(self) -> tuple[str, ...]:
        """What has to be asked, by name."""
        return (*self.pull, "mailbox") if self.mailbox else self.pull


@dataclass(frozen=True, slots=True)
class Settings:
    sender: Mailbox
    provider: Literal["outbox", "smtp", "sendgrid"] = "outbox"
    reply_to: str = ""
    postal_address: str = ""
    timezone: str = "UTC"
    unsubscribe: Unsubscribe = Unsubscribe()
    outbox: OutboxSettings = OutboxSettings()
    smtp: SmtpSettings = SmtpSettings()
    sendgrid: SendgridSettings = field(default_factory=SendgridSettings)
    state: StateSettings = StateSettings()
    pacing: Pacing = Pacing()
    guards: Guards = Guards()
    lateness: Lateness = Lateness()
    quiet: Quiet | None = None
    frequency: Frequency | None = None
    limits: Limits = Limits()
    run: RunSettings = RunSettings()
    suppressions: SuppressionSettings = SuppressionSettings()
    paused: bool = False

    @property
    def caps_shared(self) -> bool:
        """Whether one campaign's mails can keep back another's."""
        return self.frequency is not None or self.limits != Limits()
