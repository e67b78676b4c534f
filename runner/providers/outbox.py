"""The outbox: one ``.eml`` file for each send key.

Needs no account and no network.  A file's name is its send key, so sending again overwrites what
is there and can mail nobody twice: the provider is idempotent by construction.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ..errors import ProviderError
from ..model.ledger import Claim
from ..model.message import Capabilities, MessageBatch, Outcome, Verdict
from ..model.settings import Settings
from ..ports import Clock
from .afterwards import Irrevocable
from .durable import make_durable, replace_file
from .mime import Writer
from .refusal import Refusal
from .window import NOT_BEGUN, Window

SCHEDULE_AHEAD = 72 * 3600
"""Seconds; the same as SendGrid's, so that a trial with the outbox plans as production does."""


def build(
    settings: Settings, _environ: Mapping[str, str], root: Path, clock: Clock
) -> OutboxProvider:
    """The outbox below the workspace ``root``."""
    return OutboxProvider(root, settings.outbox.path, clock)


class OutboxProvider(Irrevocable):
    """Writes ``PATH/CAMPAIGN/JOB/CONTACT-KEY.eml``, never outside the workspace."""

    name = "outbox"
    capabilities = Capabilities(
        schedule_ahead_seconds=SCHEDULE_AHEAD, idempotent=True, evidence=True
    )

    def __init__(self, root: Path, path: str, clock: Clock) -> None:
        self._root = root
        self._path = path
        self._clock = clock

    def check(self) -> None:
        """Refuse a path that leaves the workspace or cannot be written.  Raises ProviderError."""
        folder = self._base()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProviderError(f"outbox: cannot make {self._path}: {_code(error)}") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ProviderError(f"outbox: {self._path} is not writable")

    def deliver(
        self, batches: Iterable[MessageBatch], deadline: datetime
    ) -> Iterator[tuple[MessageBatch, Sequence[Outcome]]]:
        """Write each batch; see ``ports.Provider``."""
        window = Window(self._clock, deadline)
        for batch in batches:
            yield batch, self._write_batch(batch, window)

    def evidence(
        self, claim: Claim, contacts: Sequence[tuple[int, str, bytes]]
    ) -> Mapping[int, Verdict]:
        """Look for the files: one that is there whole was sent."""
        try:
            folder = self._folder(claim.campaign, claim.job_id)
            return {position: _verdict(folder, key) for position, _, key in contacts}
        except (ProviderError, OSError):
            return {}

    def close(self) -> None:
        """Nothing is held open."""

    def _write_batch(self, batch: MessageBatch, window: Window) -> Sequence[Outcome]:
        if not window.open:
            return [NOT_BEGUN] * len(batch)
        try:
            writer = Writer(batch, int(self._clock.now().timestamp()))
            folder = self._folder(batch.campaign, batch.job_id)
            folder.mkdir(parents=True, exist_ok=True)
            outcomes = [
                self._write(folder, batch, writer, index, window) for index in range(len(batch))
            ]
            # Only now is anything called accepted: until then a power cut may take it back.
            make_durable(folder, [outcome.ref for outcome in outcomes if outcome.ref])
        except Refusal as refusal:
            return [refusal.outcome()] * len(batch)
        except ProviderError:
            return [Outcome("temporary", "outbox outside the workspace")] * len(batch)
        except OSError as error:
            # Nothing of the batch is certain to last; writing it again is harmless.
            return [_trouble(error)] * len(batch)
        return outcomes

    def _write(
        self, folder: Path, batch: MessageBatch, writer: Writer, index: int, window: Window
    ) -> Outcome:
        if not window.open:
            return NOT_BEGUN
        name = batch.keys[index].hex()
        try:
            replace_file(
                folder / f"{name}.eml", _send_at_line(batch, index) + writer.message(index)
            )
        except Refusal as refusal:
            return refusal.outcome()
        except OSError as error:
            return _trouble(error)
        return Outcome("accepted", ref=f"{name}.eml")

    def _base(self) -> Path:
        """The outbox on disk, symbolic links resolved before anything is made."""
        root = self._root.resolve()
        base = (root / self._path).resolve()
        if base == root or not base.is_relative_to(root):
            raise ProviderError(f"outbox: {self._path} is not below the workspace")
        return base

    def _folder(self, campaign: str, job_id: str) -> Path:
        """The folder of a job; no link inside the outbox may lead out of it."""
        base = self._base()
        folder = base.joinpath(*_folders(campaign, job_id)).resolve()
        if not folder.is_relative_to(base):
            raise ProviderError("outbox: a link leads out of it")
        return folder


def _verdict(folder: Path, key: bytes) -> Verdict:
    """A power cut may leave a name without content: that is no mail.  Raises OSError."""
    try:
        found = (folder / f"{key.hex()}.eml").lstat()
    except FileNotFoundError:
        return "not_sent"
    return "sent" if stat.S_ISREG(found.st_mode) and found.st_size else "not_sent"


def _folders(campaign: str, job_id: str) -> Iterator[str]:
    """The campaign's path and the job's own part of its id, each safe as a file name."""
    job = job_id.removeprefix(f"{campaign}/")
    for name in (*campaign.split("/"), job):
        safe = quote(name, safe="@+")
        yield safe.replace(".", "%2E") if safe.strip(".") == "" else safe


def _send_at_line(batch: MessageBatch, index: int) -> bytes:
    at = datetime.fromtimestamp(batch.send_at[index], UTC)
    return f"X-Sendoff-Send-At: {at:%Y-%m-%dT%H:%M:%SZ}\r\n".encode()


def _trouble(error: OSError) -> Outcome:
    return Outcome("temporary", f"outbox {_code(error)}")


def _code(error: OSError) -> str:
    """The name of the error (``ENOSPC``): its text would hold a path."""
    return errno.errorcode.get(error.errno or 0, "EIO")
