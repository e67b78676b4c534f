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
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from ..dataclass import dataclass
from ..errors import ProviderError
from ..model.ledger import Claim
from ..model.message import Capabilities, MessageBatch, Outcome, Verdict
from ..model.settings import Settings
from ..ports import Clock
from .afterwards import Irrevocable
from .durable import Folder, make_durable
from .mime import Writer
from .refusal import Refusal
from .window import NOT_BEGUN, Window

SCHEDULE_AHEAD = 72 * 3600
"""Seconds; the same as SendGrid's, so that a trial with the outbox plans as production does."""

MANY_MAILS = 1000
MOST_BATCHES = 8
"""So many are brought to the disk at once."""


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
        for together in _together(batches):
            drafts = [self._written(batch, window) for batch in together]
            lasting = _lasting(drafts)
            for batch, draft in zip(together, drafts, strict=True):
                yield batch, draft.outcomes if lasting is None else [lasting] * len(batch)

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

    def _written(self, batch: MessageBatch, window: Window) -> _Draft:
        """The batch's files, and what is said of them if they last."""
        try:
            if not window.open:
                return _Draft([NOT_BEGUN] * len(batch))
            writer = Writer(batch, int(self._clock.now().timestamp()))
            path = self._folder(batch.campaign, batch.job_id)
            path.mkdir(parents=True, exist_ok=True)
            folder = Folder(path)
        except Refusal as refusal:
            return _Draft([refusal.outcome()] * len(batch))
        except ProviderError:
            return _Draft([Outcome("temporary", "outbox outside the workspace")] * len(batch))
        except OSError as error:
            return _Draft([_trouble(error)] * len(batch))
        return _Draft([_write(folder, batch, writer, i, window) for i in range(len(batch))], folder)

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


@dataclass(frozen=True, slots=True)
class _Draft:
    """What was written of a batch, not yet certain to last."""

    outcomes: Sequence[Outcome]
    folder: Folder | None = None


def _together(batches: Iterable[MessageBatch]) -> Iterator[list[MessageBatch]]:
    """Batches that are brought to the disk at once: waiting for it takes longer than writing."""
    waiting: list[MessageBatch] = []
    for batch in batches:
        waiting.append(batch)
        if len(waiting) == MOST_BATCHES or sum(map(len, waiting)) >= MANY_MAILS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _lasting(drafts: Sequence[_Draft]) -> Outcome | None:
    """Bring drafts to the disk; what is to be said of all of them when that fails.

    Only then is anything called accepted: until then a power cut may take it back.  What does not
    last may be written again, which is harmless.
    """
    folders = [draft.folder for draft in drafts if draft.folder is not None]
    try:
        make_durable(folders)
    except OSError as error:
        return _trouble(error)
    finally:
        for folder in folders:
            folder.close()
    return None


def _write(
    folder: Folder, batch: MessageBatch, writer: Writer, index: int, window: Window
) -> Outcome:
    if not window.open:
        return NOT_BEGUN
    name = f"{batch.keys[index].hex()}.eml"
    try:
        folder.replace(name, _send_at_line(batch.send_at[index]) + writer.message(index))
    except Refusal as refusal:
        return refusal.outcome()
    except OSError as error:
        return _trouble(error)
    return Outcome("accepted", ref=name)


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


@lru_cache(maxsize=1024)
def _send_at_line(send_at: int) -> bytes:
    at = datetime.fromtimestamp(send_at, UTC)
    return f"X-Sendoff-Send-At: {at:%Y-%m-%dT%H:%M:%SZ}\r\n".encode()


def _trouble(error: OSError) -> Outcome:
    return Outcome("temporary", f"outbox {_code(error)}")


def _code(error: OSError) -> str:
    """The name of the error (``ENOSPC``): its text would hold a path."""
    return errno.errorcode.get(error.errno or 0, "EIO")
