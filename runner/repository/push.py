"""What became of a push, read from git's answer.

The push is the lock, so the four cases must never be mixed up: *lost* and *refused* mean that the
remote certainly did not take the commit; whatever is not certain is *unknown*, and is settled by
looking at the remote.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from ..dataclass import dataclass
from .git import Answer, Git, check_branch, check_remote, mask

Verdict = Literal["accepted", "lost", "refused", "unknown"]

_LOST: Final = re.compile(
    r"fetch first|non-fast-forward|stale info|needs force|already exists"
    r"|cannot lock ref|failed to (?:update ref|lock)|unable to lock|incorrect old value"
    r"|reference already exists|remote ref updated since checkout|but expected",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(
    r"declined|protected|GH00\d|GH013|permission|not allowed|denied|prohibited|forbidden"
    r"|unpacker error|shallow update|checked out|no-deref|read.?only|quota|funny refname|hook",
    re.IGNORECASE,
)
# No word about the ref at all: these are said before anything is handed over.
_NO_ENTRY: Final = re.compile(
    r"permission denied|access denied|authentication failed|could not read (?:username|password)"
    r"|returned error: 40[13]|repository not found|write access to repository not granted"
    r"|not allowed to push|not authori[sz]ed|insufficient permission|denied to|read.only",
    re.IGNORECASE,
)
# The remote's own disk: says "cannot lock ref" as a lost race does, but trying again is no use.
_BROKEN: Final = re.compile(r"permission denied|read-only file system|no space left", re.IGNORECASE)
_STATUS: Final = re.compile(r"^([ +\-*=!t])\t[^\t]*\t(.*)$", re.MULTILINE)
_REMARK: Final = re.compile(r"^remote: (?:error: )?(.*\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """``reason`` is for people, secrets masked; '' when the push was accepted.  ``hung``: the
    remote gave no answer in time."""

    verdict: Verdict
    reason: str = ""
    hung: bool = False


def push(git: Git, remote: str, commit: str, branch: str, on: str) -> PushOutcome:
    """Move the remote's branch from ``on`` to its descendant ``commit``, or not at all.

    ``on`` '' means that the branch is new.  The lease makes this a comparison and exchange.  It
    forces nothing, since ``commit`` descends from ``on``; a plain push would, besides, make a
    branch that was deleted anew, or go over one that was put back to an older commit.
    """
    answer = git.run(
        "push",
        "--porcelain",
        "--no-verify",
        "--no-follow-tags",
        "--no-signed",
        "--recurse-submodules=no",
        f"--force-with-lease=refs/heads/{check_branch(branch)}:{on}",
        check_remote(remote),
        f"{commit}:refs/heads/{branch}",
        remote=True,
    )
    return classify(answer)


def classify(answer: Answer) -> PushOutcome:
    """Judge a push of one ref by its ``--porcelain`` output, complaints and exit status."""
    status = _STATUS.search(answer.text)
    if answer.code is None or status is None:
        return _without_status(answer)
    flag, summary = status.groups()
    if flag != "!":
        # The remote said yes.  An exit status that says otherwise is looked into, not believed.
        return PushOutcome("accepted" if answer.code == 0 else "unknown", "")
    return _rejected(summary, answer)


def _rejected(summary: str, answer: Answer) -> PushOutcome:
    reason = _reason(summary, answer)
    if summary.startswith("[remote failure]"):
        return PushOutcome("unknown", reason)
    if _LOST.search(summary) and not _BROKEN.search(summary + answer.err):
        return PushOutcome("lost", reason)
    if summary.startswith("[rejected]") or _REFUSED.search(summary) or _BROKEN.search(answer.err):
        return PushOutcome("refused", reason)
    return PushOutcome("unknown", reason)


def _without_status(answer: Answer) -> PushOutcome:
    if answer.code not in (None, 0) and _NO_ENTRY.search(answer.err):
        return PushOutcome("refused", answer.reason)
    return PushOutcome("unknown", answer.reason, hung=answer.code is None)


def _reason(summary: str, answer: Answer) -> str:
    remarks = [remark for remark in _REMARK.findall(mask(answer.err)) if remark.strip("= ")]
    return "; ".join([mask(summary), *remarks[:4]])[:600]
