"""Which version of the files counts: the approved commit for a run, any commit for a comparison.

With the git store only what is merged is sent: settings, campaigns, list definitions and templates
come from the commit at the tip of the approved branch on the remote, written beside the working
tree.  The files store has no approval and uses the working tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .bootstrap import SETTINGS, Site
from .desk import Desk, Desks
from .errors import StateError, StateMissing, UsageError
from .model.settings import Settings, StateSettings
from .repository.approved import Approved, approved_tip, export, workspace_prefix
from .repository.git import mask
from .repository.objects import read_file
from .repository.tips import default_tip, fetch
from .workspace import WorkspaceFiles, load, parse_settings

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

_EXPORTED = (SETTINGS, "campaigns")
"""What is taken from a commit: nothing else of it counts."""


@contextmanager
def approved_desks(site: Site) -> Iterator[Desks]:
    """What may be sent, for one run.  Raises InputError, StateError."""
    if own_state(site).backend == "files":
        yield TreeDesks(site)
        return
    with ExitStack() as stack:
        yield ApprovedDesks(site, stack)


@contextmanager
def desk_at(site: Site, ref: str) -> Iterator[tuple[Desk | None, str]]:
    """The desk of a commit of this repository, and the commit; None where it holds no workspace.

    Raises UsageError for a ref that git does not know.
    """
    commit = _commit(site, ref)
    with _scratch() as directory:
        root = Path(directory)
        _export(site, commit, root)
        if not (root / SETTINGS).exists():
            yield None, commit
            return
        files = WorkspaceFiles(root)
        data = WorkspaceFiles(root, fallback=site.root)
        yield site.desk_of(load(files), files, data), commit


def own_state(site: Site) -> StateSettings:
    """Where the settings here say that the state is, read alone and quickly."""
    return site.own_settings().state


def refuse_own_word(site: Site, state: StateSettings) -> None:
    """The settings here say where approval is looked for, so they must not be their own proof.

    The remote is one that this clone knows by name, and a branch other than the remote's default
    one is approved by the settings on that one.  Else the checkout of a branch that names itself,
    or a repository of its author's, would be approved.  Raises StateError.
    """
    names = site.git.ask("remote").decode().split()
    if state.remote not in names:
        raise StateError(
            f"state.remote: this clone has no remote called {mask(state.remote)!r}. Only a remote "
            "that you have added decides what is approved: git remote add NAME URL"
        )
    if not state.approved_branch:
        return
    try:
        commit, branch = default_tip(site.git, state.remote)
    except StateMissing:
        return  # the remote has no default branch to ask
    if branch == state.approved_branch:
        return
    fetch(site.git, state.remote, branch, commit)
    base = workspace_prefix(site.git)
    content = read_file(site.git, commit, f"{base}/{SETTINGS}" if base else SETTINGS)
    if content is None or parse_settings(content.decode(), SETTINGS).state != state:
        raise StateError(
            f"state.approved_branch: {state.approved_branch} is not what sendoff.yaml on the "
            f"remote's default branch ({branch}) says: change it there first"
        )


class _ExportedFiles(WorkspaceFiles):
    """The files of a commit, written to disk when somebody looks at one.

    A run with nothing due looks at none: what was read of this very content is kept.
    """

    def __init__(self, export: Callable[[], Path], fallback: Path | None = None) -> None:
        self._export = export
        self.fallback = fallback.resolve() if fallback is not None else None

    @property
    def root(self) -> Path:  # type: ignore[override] # read by those above alone
        """Where the files are."""
        return self._export().resolve()


class ApprovedDesks:
    """Desks of the approved branch: a new one whenever its tip on the remote has moved."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self._site = site
        self._stack = stack
        self._state = own_state(site)
        refuse_own_word(site, self._state)
        self.current = self._read(self._tip())

    def newest(self) -> Desk:
        """See ``survey.Desks``."""
        tip = self._tip()
        if tip.commit != self.current.commit:
            self.current = self._read(tip)
        return self.current

    def _tip(self) -> Approved:
        state, clock = self._state, self._site.clock
        return approved_tip(self._site.git, state.remote, state.approved_branch, sleep=clock.pause)

    def _read(self, tip: Approved) -> Desk:
        export = cache(lambda: self._export(tip))
        files = _ExportedFiles(export)
        workspace = self._site.kept.by_token(
            f"approved:{self._site.root}", _content(self._site, tip.commit), lambda: load(files)
        )
        self._refuse_other_state(workspace.settings, tip)
        # list data and nothing else is also looked for in the working tree: contacts need not
        # be in git
        data = _ExportedFiles(export, fallback=self._site.root)
        desk = self._site.desk_of(workspace, files, data)
        desk.commit, desk.committed_at = tip.commit, tip.committed_at
        return desk

    def _export(self, tip: Approved) -> Path:
        directory = self._stack.enter_context(_scratch())
        _export(self._site, tip.commit, Path(directory))
        return Path(directory)

    def _refuse_other_state(self, approved: Settings, tip: Approved) -> None:
        """An edit here must not point the run at another ledger, where nothing looks sent."""
        if self._state != approved.state:
            raise StateError(
                f"state: in sendoff.yaml here differs from the approved one (branch {tip.branch}): "
                "merge the change first, or undo it here"
            )


class TreeDesks:
    """Desks of a working tree that has no approval: a new one when a file was changed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._seen = self._look()
        self.current = site.desk()

    def newest(self) -> Desk:
        """See ``survey.Desks``."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            self._site.forget()
            self.current = self._site.desk()
        return self.current

    def _look(self) -> frozenset[tuple[str, int, int]]:
        """Settings and campaigns, by name, time and size; lists and templates stay as they are."""
        root = self._site.root
        paths = [root / SETTINGS, *(root / "campaigns").rglob("*.yaml")]
        stats = [(path, path.stat()) for path in paths if path.is_file()]
        return frozenset((str(path), s.st_mtime_ns, s.st_size) for path, s in stats)


def _commit(site: Site, ref: str) -> str:
    wanted = f"{ref}^{{commit}}"
    answer = site.git.run("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    if answer.code != 0:
        raise UsageError(f"git knows no {ref!r} here: fetch it, or name another base")
    return answer.text.strip()


def _scratch() -> TemporaryDirectory[str]:
    import tempfile  # noqa: PLC0415 - a run with nothing due writes nothing

    return tempfile.TemporaryDirectory(prefix="sendoff-")


def _content(site: Site, commit: str) -> str:
    """Git's own digests of all that is exported of a commit."""
    base = workspace_prefix(site.git)
    paths = [f"{base}/{name}" if base else name for name in _EXPORTED]
    return site.git.ask("ls-tree", "-z", "--full-tree", commit, "--", *paths).hex()


def _export(site: Site, commit: str, into: Path) -> None:
    export(site.git, commit, workspace_prefix(site.git), _EXPORTED, into)
