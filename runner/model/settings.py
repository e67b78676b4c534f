"""The settings of a workspace (``sendoff.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

OnMissed = Literal["hold", "send", "skip"]
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
    concurrency: int = 4
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
    run: RunSettings = RunSettings()
    suppressions: SuppressionSettings = SuppressionSettings()
    paused: bool = False
