"""The ledger on a branch of the remote.  The push that adds a commit is the lock.

Nothing of the user's is touched: commits are made without a working tree or an index, and only
refs below ``refs/sendoff/`` are written (and, as by any push, the remote-tracking branch, when the
clone follows this one).  ``refs/sendoff/state/BRANCH`` is the last tip seen to be sound, so
that a branch that goes backwards, or whose files were changed after they were written, is noticed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote

from ..errors import Problem, RaceLost, StateCorrupt, StateMissing, StateRefused, StateUnreachable
from ..model.ledger import BOOK, Document, Inspection, Record
from ..ports import Snapshot
from ..repository.git import Git, check_branch, check_remote, mask
from ..repository.objects import (
    FILE,
    Blob,
    changed_afterwards,
    changes,
    commit_files,
    list_files,
    list_names,
    list_trees,
    merges,
    read_blobs,
    read_file,
)
from ..repository.push import PushOutcome, push
from ..repository.tips import fetch, is_ancestor, recall, remember, remote_tip
from .inspection import Inspector
from .layout import (
    LEDGER,
    META,
    RECORDS,
    LedgerFile,
    by_month,
    document_files,
    escape,
    home,
    ledger_file,
    month_path,
    next_seq,
)
from .meta import NEWER, NEWER_TEXT, SUPPRESSING, check_meta, encode_meta
from .shelf import Shelf
from .snapshot import StoredSnapshot

STATE: Final = "state"
"""The directory on the branch that holds the state."""
_HOLDERS: Final = tuple(f"{STATE}/{name}" for name in RECORDS)
_MARK: Final = f"{STATE}/{LEDGER}/{NEWER}"
_FIXED: Final = (*_HOLDERS, f"{STATE}/{META}")
"""What is written once and never changed."""

_ASK_AGAIN: Final = (0.5, 2.0)
"""Seconds to wait before an unanswered push of the same commit is tried again."""
_REMOTE_AWAY: Final = (0.5, 2.0, 5.0)
"""Seconds to wait for a remote that does not answer while facts are to be written."""
_FACT_TRIES: Final = 12
_LONGEST_WAIT: Final = 8.0
_HANG_TRIES: Final = 2
"""Pushes that hang until their time-out before facts are given up for this run."""


class GitStore:
    """A ``LedgerStore`` on ``branch`` of ``remote``.

    ``fingerprint`` is ``meta.key_id`` of the state key.  ``sleep`` waits between tries; ``jitter``
    gives numbers in [0, 1) that keep racing runs from meeting again.  On the ``shelf``, when there
    is one, lies what campaigns came to before.
    """

    def __init__(
        self,
        git: Git,
        remote: str,
        branch: str,
        fingerprint: str,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._git = git
        self._remote = check_remote(remote)
        self._branch = check_branch(branch)
        self._fingerprint = fingerprint
        self._sleep = sleep
        self._jitter = jitter
        self.shelf: Shelf | None = None
        self._ref = f"refs/sendoff/state/{quote(branch, safe='')}"

    def sync(self) -> Snapshot:
        """Read the newest state from the remote.

        Raises StateMissing, StateKeyChanged, StateCorrupt, StateUnreachable.
        """
        before = recall(self._git, self._ref)
        tip = self._tip(before)
        if tip != before:
            self._check_history(tip, before)
        self._check_meta(tip)
        remember(self._git, self._ref, tip, before, self._sleep)
        return self._snapshot(tip)

    def append(
        self,
        base: Snapshot,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> Snapshot:
        """Add ``records`` on top of exactly ``base``; RaceLost when another run wrote first."""
        files = self._files(base.version, records, run, documents)
        if not files:
            return base
        commit = commit_files(self._git, base.version, files, message)
        asked_before = False
        for seconds in (*_ASK_AGAIN, None):
            outcome = push(self._git, self._remote, commit, self._branch, base.version)
            self._refuse(outcome)
            if outcome.verdict == "accepted":
                return self._accepted(commit)
            if outcome.verdict == "lost" and not asked_before:
                raise RaceLost(f"another run wrote first: {outcome.reason}")
            asked_before = True
            landed = self._landed([commit], outcome, moved_from=base.version)
            if landed:
                return landed
            if outcome.hung:
                # each try costs a whole time-out, and a run has a budget
                break
            if seconds is not None:
                self._sleep(seconds)
        raise StateUnreachable(self._no_answer(outcome))

    def add_facts(
        self,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> Snapshot:
        """Add facts on top of whatever is there, until they are there."""
        tried: list[str] = []
        outcome = PushOutcome("unknown")
        hung = 0
        for attempt in range(_FACT_TRIES):
            tip = self._sync_patiently()
            if any(is_ancestor(self._git, commit, tip.version) for commit in tried):
                return tip
            files = self._files(tip.version, records, run, documents)
            if not files:
                return tip
            tried.append(commit_files(self._git, tip.version, files, message))
            outcome = push(self._git, self._remote, tried[-1], self._branch, tip.version)
            self._refuse(outcome)
            if outcome.verdict == "accepted":
                return self._accepted(tried[-1])
            hung += outcome.hung
            if hung == _HANG_TRIES:
                break
            self._sleep(min(_LONGEST_WAIT, 0.1 * 2**attempt) * (0.5 + self._jitter()))
        landed = self._landed(tried, outcome)
        if landed:
            return landed
        raise StateUnreachable(self._no_answer(outcome))

    def _sync_patiently(self) -> Snapshot:
        """Facts are worth more than one try: what they tell has been sent."""
        for seconds in _REMOTE_AWAY:
            try:
                return self.sync()
            except StateUnreachable:
                self._sleep(seconds)
        return self.sync()

    def initialise(self, created: datetime) -> Snapshot:
        """Make the branch with an empty ledger.  StateRefused when it exists already."""
        if remote_tip(self._git, self._remote, self._branch):
            raise StateRefused(f"the branch {self._where} exists already")
        files = {f"{STATE}/{META}": encode_meta(self._fingerprint, created)}
        commit = commit_files(self._git, None, files, "Begin the ledger")
        outcome = push(self._git, self._remote, commit, self._branch, "")
        self._refuse(outcome)
        if outcome.verdict == "accepted":
            return self._accepted(commit)
        if outcome.verdict == "lost":
            raise StateRefused(f"the branch {self._where} exists already")
        if remote_tip(self._git, self._remote, self._branch) == commit:
            return self._accepted(commit)
        raise StateUnreachable(self._no_answer(outcome))

    def inspect(self) -> Inspection:
        """Everything that is wrong with the ledger, and with the branch's history.

        Raises StateMissing, StateUnreachable.
        """
        before = recall(self._git, self._ref)
        tip = self._tip(before)
        found, version = Inspector(), [0]
        found.attempt(LEDGER, lambda: self._check_forward(tip, before))
        found.problems += self._history(tip)
        found.attempt(META, lambda: version.append(self._check_meta(tip)))
        for blob in self._blobs(tip):
            path = blob.path.removeprefix(f"{STATE}/")
            found.add(path, blob.oid, blob.size, ordinary=blob.mode == FILE)
        found.read(self._read)
        return found.result(f"the branch {self._where}", version[-1])

    def _history(self, tip: str) -> Iterator[Problem]:
        """What the branch's history shows to have been done by other hands."""
        for commit, path in changes(self._git, tip, None, *_FIXED):
            message = f"changed or deleted by commit {commit[:12]}, after it had been written"
            hint = "put the branch back to the commit before that"
            yield Problem(path, 0, 0, message, hint, "rewritten")
        for commit in merges(self._git, tip):
            message = f"commit {commit[:12]} joins two histories: no run makes such a commit"
            hint = "look with git log whether both sides mailed the same people"
            yield Problem(STATE, 0, 0, message, hint, "merged", "warning")

    @property
    def _where(self) -> str:
        return f"{self._branch!r} of {mask(self._remote)!r}"

    def _tip(self, before: str | None) -> str:
        """The remote's tip, with its commits in this clone."""
        tip = remote_tip(self._git, self._remote, self._branch)
        if tip is None and before:
            raise StateCorrupt(
                f"the branch {self._where} is gone; this clone saw it last at {before}. To bring "
                f"it back: git push {mask(self._remote)} {before}:refs/heads/{self._branch}"
            )
        if tip is None:
            raise StateMissing(
                f"there is no branch {self._where}, where the state ought to be: if nothing was "
                "ever sent from here, run sendoff init; else bring the branch back"
            )
        fetch(self._git, self._remote, self._branch, tip)
        return tip

    def _check_forward(self, tip: str, before: str | None) -> None:
        if before and not is_ancestor(self._git, before, tip):
            raise StateCorrupt(
                f"the branch {self._where} went backwards or was rewritten: it is at {tip}, and "
                f"the {before} seen before is no part of it. Put it back; or, if it was rewritten "
                f"on purpose: git update-ref -d {self._ref}"
            )

    def _check_history(self, tip: str, before: str | None) -> None:
        self._check_forward(tip, before)
        changed = changed_afterwards(self._git, tip, before, *_FIXED)
        if changed:
            raise StateCorrupt(
                f"{changed[0]} was changed or deleted on the branch {self._where} after it was "
                f"written ({len(changed)} such file{'s' if len(changed) > 1 else ''}): records "
                "are never changed. Put the branch back to the commit before that"
            )

    def _check_meta(self, tip: str) -> int:
        meta = read_file(self._git, tip, f"{STATE}/{META}")
        if meta is None:
            raise StateCorrupt(
                f"the branch {self._where} holds no {STATE}/{META}: it is no state of sendoff, "
                "or was emptied"
            )
        return check_meta(meta, self._fingerprint, f"{STATE}/{META}")

    def _snapshot(self, commit: str) -> Snapshot:
        def listing(*holders: str) -> Iterator[LedgerFile]:
            for blob in self._blobs(commit, *holders):
                path = blob.path.removeprefix(f"{STATE}/")
                if blob.mode != FILE:
                    raise StateCorrupt(f"{blob.path} is not an ordinary file")
                yield ledger_file(path, blob.oid, blob.size)

        return StoredSnapshot(
            commit,
            listing,
            self._read,
            tokens=lambda: self._tokens(commit),
            shelf=self.shelf,
            list_some=lambda names: listing(*(f"{STATE}/{home(name)}" for name in names)),
        )

    def _tokens(self, commit: str) -> Mapping[str, str] | None:
        """Git's digest of each campaign's directory; None when something else lies there."""
        found: dict[str, str] = {}
        for name, digest in list_trees(self._git, commit, f"{STATE}/{LEDGER}"):
            campaign = unquote(name)
            if digest and campaign and escape(campaign) == name:
                found[campaign] = digest
            elif name != NEWER:
                return None
        return found

    def _blobs(self, commit: str, *holders: str) -> Iterator[Blob]:
        """Everything that lies where records do, or in some of those places."""
        found = list_files(self._git, commit, *(holders or _HOLDERS))
        return (blob for blob in found if blob.path != _MARK)

    def _read(self, files: Sequence[LedgerFile]) -> Iterator[bytes]:
        return read_blobs(self._git, [(file.source, file.size) for file in files])

    def _files(
        self, tip: str, records: Sequence[Record], run: str, documents: Sequence[Document]
    ) -> Mapping[str, bytes]:
        """What is to be added to ``tip``, by path on the branch."""
        contents = by_month(records)
        months = [f"{STATE}/{month_path(*key)}" for key in contents]
        present = list_names(self._git, tip, months) if months else []
        files = {f"{STATE}/{path}": text for path, text in document_files(documents).items()}
        for (campaign, month), content in contents.items():
            directory = f"{STATE}/{month_path(campaign, month)}/"
            names = [p.removeprefix(directory) for p in present if p.startswith(directory)]
            file = LedgerFile(campaign, month, run, next_seq(names, run))
            files[f"{STATE}/{file.path}"] = content
            if campaign == BOOK and self._check_meta(tip) < SUPPRESSING:
                files[_MARK] = NEWER_TEXT
        return files

    def _refuse(self, outcome: PushOutcome) -> None:
        if outcome.verdict == "refused":
            raise StateRefused(
                f"the push to the branch {self._where} was refused: {outcome.reason}"
            )

    def _accepted(self, commit: str) -> Snapshot:
        before = recall(self._git, self._ref)
        remember(self._git, self._ref, commit, before, self._sleep)
        return self._snapshot(commit)

    def _landed(
        self, commits: Sequence[str], outcome: PushOutcome, moved_from: str | None = None
    ) -> Snapshot | None:
        """After a push without an answer: the newest state if it holds one of ``commits``.

        Raises RaceLost when the branch moved from ``moved_from`` without them, and
        StateUnreachable when that cannot be found out.
        """
        try:
            tip = self.sync()
        except StateUnreachable as error:
            raise StateUnreachable(f"{self._no_answer(outcome)}; then: {error}") from None
        if any(is_ancestor(self._git, commit, tip.version) for commit in commits):
            return tip
        if moved_from and tip.version != moved_from:
            raise RaceLost("another run wrote first, while the push had no answer")
        return None

    def _no_answer(self, outcome: PushOutcome) -> str:
        return f"the push to the branch {self._where} did not succeed: {outcome.reason}"
