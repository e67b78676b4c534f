"""The new file in git: on a branch of its own if wanted, and never anything but that file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..errors import StateError, UsageError
from ..repository.git import Answer, Git, check_branch
from .draft import Commit, Draft
from .insight import Repository

_BUSY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")


class NotCommitted(Exception):
    """Git refused; ``reason`` is what it said.  The file stands, and git is as it was."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def look(git: Git) -> Repository:
    """The repository, and why nothing can be committed to it now."""
    try:
        if git.run("rev-parse", "--is-inside-work-tree").text.strip() != "true":
            return Repository()
    except (StateError, UsageError):
        return Repository()
    branch = git.run("symbolic-ref", "--quiet", "--short", "HEAD").text.strip()
    return Repository(exists=True, branch=branch, problem=_problem(git))


def _problem(git: Git) -> str:
    if git.run("rev-parse", "--verify", "--quiet", "HEAD").code != 0:
        return "the repository has no commit yet"
    busy = git.run("rev-parse", *(part for name in _BUSY for part in ("--git-path", name)))
    if any((git.directory / line).exists() for line in busy.text.splitlines()):
        return "a merge or rebase is under way"
    # check-ignore refuses to work with literal paths, which `Git` asks for
    ignored = git.run("--no-literal-pathspecs", "check-ignore", "--quiet", "campaigns/x.yaml")
    if ignored.code == 0:
        return "git ignores files in campaigns/"
    if git.run("var", "GIT_COMMITTER_IDENT").code != 0:
        return "git does not know your name (git config user.name)"
    return ""


def branch_fault(git: Git, name: str) -> str:
    """Why a branch cannot be made under this name; '' when it can."""
    try:
        check_branch(name)
    except UsageError as error:
        return f"{error}."
    if git.run("check-ref-format", "--branch", name).code != 0:
        return f"{name} cannot be the name of a branch."
    heads = git.run("for-each-ref", "--format=%(refname)", "refs/heads").text.splitlines()
    for head in (line.removeprefix("refs/heads/") for line in heads):
        if head.casefold() == name.casefold():
            return f"There is a branch {head} already."
        # a branch is a file for git: it cannot be a folder too
        if head.startswith(f"{name}/") or name.startswith(f"{head}/"):
            return f"There is a branch {head}, beside which {name} cannot be."
    return ""


def commit(git: Git, draft: Draft, how: Commit) -> str:
    """Commit the draft's file and nothing else; returns where.

    Raises NotCommitted, with branch and index as they were before.
    """
    before = git.run("symbolic-ref", "--quiet", "--short", "HEAD").text.strip()
    detached = "" if before else git.run("rev-parse", "HEAD").text.strip()
    if how.branch:
        _must(git.run("switch", "--quiet", "--create", how.branch))
    try:
        _must(git.run("add", "--", draft.path))
        message = f"Add the campaign {draft.file}\n\n{draft.name}\n"
        _must(
            git.run(
                "commit", "--quiet", "--only", "--file=-", "--", draft.path, feed=message.encode()
            )
        )
    except NotCommitted:
        with suppress(StateError):
            git.run("rm", "--quiet", "--cached", "--force", "--", draft.path)
            if how.branch:
                git.run("switch", "--quiet", *([before] if before else ["--detach", detached]))
                git.run("branch", "--quiet", "--delete", "--force", how.branch)
        raise
    return how.branch or before or "this commit"


def _must(answer: Answer) -> None:
    if answer.code != 0:
        raise NotCommitted(answer.reason)


def write_new(root: Path, path: str, text: str) -> bool:
    """Write a file whole or not at all; False, and nothing changed, when there is one already."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.sendoff")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    try:
        # unlike a rename, this fails when somebody else has made the file in the meantime
        target.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:
        return _rename(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _rename(temporary: Path, target: Path) -> bool:
    """For file systems without hard links."""
    if target.exists():
        return False
    temporary.replace(target)
    return True
