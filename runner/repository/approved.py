"""The approved commit: what is merged, taken from the remote and never from the working tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from ..dataclass import dataclass
from ..errors import StateCorrupt, StateMissing
from .git import Git, mask
from .objects import FILE, SCRIPT, Blob, list_files, read_blobs
from .tips import default_tip, fetch, recall, remember, remote_tip

_REF: Final = "refs/sendoff/approved"
_COMMITTER: Final = re.compile(rb"^committer .*> (\d+) [+-]\d{4}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Approved:
    """The tip of the approved branch; ``committed_at`` is UTC."""

    commit: str
    committed_at: datetime
    branch: str


def approved_tip(
    git: Git, remote: str, branch: str = "", *, sleep: Callable[[float], None]
) -> Approved:
    """Where the approved branch stands on the remote; '' means the remote's default branch.

    The commit is in this clone afterwards.  Raises StateMissing when the remote has no such
    branch, StateUnreachable when it does not answer.
    """
    before = recall(git, _REF)
    if branch:
        commit = remote_tip(git, remote, branch)
        if commit is None:
            raise StateMissing(f"the remote {mask(remote)!r} has no branch {branch!r}")
    else:
        commit, branch = default_tip(git, remote)
    fetch(git, remote, branch, commit)
    remember(git, _REF, commit, before, sleep)
    return Approved(commit, _committed_at(git, commit), branch)


def _committed_at(git: Git, commit: str) -> datetime:
    match = _COMMITTER.search(git.ask("cat-file", "commit", commit))
    if match is None:
        raise StateCorrupt(f"the commit {commit} has no date")
    return datetime.fromtimestamp(int(match[1]), UTC)


def export(git: Git, commit: str, prefix: str, paths: Sequence[str], into: Path) -> tuple[str, ...]:
    """Write the commit's files at or below ``paths`` into the directory ``into``.

    ``prefix`` is the workspace's path in the repository ('' for its root); ``paths`` and the
    result are relative to it, with ``/``.  Bytes are written as they were committed: no filter,
    attribute, line-end conversion or hook of the repository takes part.  Symbolic links and
    submodules are left out.
    """
    base = PurePosixPath(prefix)
    blobs = list_files(git, commit, *(str(base / path) for path in paths))
    files = [blob for blob in blobs if blob.mode in (FILE, SCRIPT)]
    names = [_inside(blob, base) for blob in files]
    contents = read_blobs(git, [(blob.oid, blob.size) for blob in files])
    for name, content in zip(names, contents, strict=True):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tuple(names)


def _inside(blob: Blob, base: PurePosixPath) -> str:
    """The blob's path below ``base``.  A tree made by hand may hold ``..``: refuse it."""
    segments = blob.path.split("/")
    if any(segment in ("", ".", "..") or "\0" in segment for segment in segments):
        raise StateCorrupt(f"the commit holds a file with an unsafe path: {blob.path!r}")
    return str(PurePosixPath(blob.path).relative_to(base))


def repository_root(git: Git) -> Path:
    """The top directory of the working tree.  StateUnreachable outside of a repository."""
    return Path(git.ask("rev-parse", "--show-toplevel").decode().rstrip("\n"))


def workspace_prefix(git: Git) -> str:
    """The path of ``git.directory`` in its repository, with ``/``; '' for the root."""
    return git.ask("rev-parse", "--show-prefix").decode().rstrip("\n").rstrip("/")
