"""Where branches of the remote stand, and having their commits here.

Fetching writes objects and nothing else: no ref, no FETCH_HEAD, no tag, so that neither a user's
work nor a lock left behind by a killed git is in the way.  What is worth remembering goes into a
private ref below ``refs/sendoff/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import StateMissing, StateRefused, StateUnreachable
from .git import Git, check_branch, check_remote, mask

_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LOCK_SECONDS: Final = (0.1, 0.3, 0.6, 1.0)
Sleep = Callable[[float], None]


def remote_tip(git: Git, remote: str, branch: str) -> str | None:
    """The commit at the tip of the remote's branch; None when the remote has no such branch.

    Raises StateUnreachable when the remote does not answer.
    """
    name = f"refs/heads/{check_branch(branch)}"
    for line in _ls_remote(git, remote, name):
        oid, _, ref = line.partition("\t")
        if ref == name and _OID.fullmatch(oid):
            return oid
    return None


def default_tip(git: Git, remote: str) -> tuple[str, str]:
    """(commit, branch name) of the remote's default branch.

    Raises StateMissing when the remote names none, StateUnreachable when it does not answer.
    """
    branch = commit = ""
    for line in _ls_remote(git, remote, "HEAD", "--symref"):
        left, _, ref = line.partition("\t")
        if ref == "HEAD" and left.startswith("ref: refs/heads/"):
            branch = left.removeprefix("ref: refs/heads/")
        elif ref == "HEAD" and _OID.fullmatch(left):
            commit = left
    if not branch or not commit:
        raise StateMissing(
            f"the remote {mask(remote)!r} names no default branch: set state.approved_branch"
        )
    return commit, branch


def _ls_remote(git: Git, remote: str, pattern: str, *options: str) -> list[str]:
    answer = git.run(
        "ls-remote", "--quiet", *options, "--", check_remote(remote), pattern, remote=True
    )
    if answer.code != 0:
        git.ask("rev-parse", "--git-dir")  # says so when there is no repository at all
        raise StateUnreachable(f"the remote {mask(remote)!r} cannot be read: {answer.reason}")
    return answer.text.splitlines()


def fetch(git: Git, remote: str, branch: str, commit: str) -> None:
    """Have ``commit``, which is or was the tip of the remote's branch, with its history, here.

    Raises StateUnreachable when the remote does not give it.
    """
    if has_commit(git, commit):
        return
    answer = git.run(
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-prune",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--refmap=",
        "--",
        check_remote(remote),
        f"refs/heads/{check_branch(branch)}",
        remote=True,
    )
    if answer.code != 0 or not has_commit(git, commit):
        what = f"the branch {branch!r} of {mask(remote)!r} cannot be fetched"
        raise StateUnreachable(f"{what}: {answer.reason if answer.code else 'it just moved away'}")


def has_commit(git: Git, commit: str) -> bool:
    """Whether the commit is in this clone."""
    return git.run("cat-file", "-e", f"{commit}^{{commit}}").code == 0


def is_ancestor(git: Git, commit: str, tip: str) -> bool:
    """Whether ``tip`` contains ``commit``; both are in this clone, or it does not."""
    return git.run("merge-base", "--is-ancestor", commit, tip).code == 0


def recall(git: Git, ref: str) -> str | None:
    """The commit that a private ref names; None when there is no such ref."""
    answer = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return answer.text.strip() if answer.code == 0 else None


def remember(git: Git, ref: str, commit: str, before: str | None, sleep: Sleep) -> None:
    """Let the private ref name ``commit``, unless another process moved it since ``before``.

    A lock that a killed git left on it is removed: it is our ref, and git holds such a lock for
    milliseconds.  Raises StateRefused when the clone cannot be written.
    """
    if commit == before:
        return
    expected = before or "0" * len(commit)
    answer = git.run("update-ref", "--no-deref", ref, commit, expected)
    for seconds in _LOCK_SECONDS:
        if answer.code == 0 or ".lock': File exists" not in answer.err:
            break
        sleep(seconds)
        answer = git.run("update-ref", "--no-deref", ref, commit, expected)
    else:
        _lock_path(git, ref).unlink(missing_ok=True)
        answer = git.run("update-ref", "--no-deref", ref, commit, expected)
    if answer.code != 0 and recall(git, ref) in (None, before):
        raise StateRefused(f"the clone's own {ref} cannot be written: {answer.reason}")


def _lock_path(git: Git, ref: str) -> Path:
    path = git.ask("rev-parse", "--git-path", f"{ref}.lock").decode().rstrip("\n")
    return git.directory / path
