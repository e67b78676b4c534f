"""The only place that wires adapters: settings, environment and flags in, a working desk out."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .clock import SystemClock
from .errors import InputError, Problem, StateError, StateMissing, UsageError
from .model.settings import Settings
from .survey import Desk, Desks
from .workspace import WorkspaceFiles, load

if TYPE_CHECKING:
    from .contacts import ContactLists
    from .ledger.files_store import FilesStore
    from .ledger.git_store import GitStore
    from .model.campaign import Campaign, Step
    from .model.contacts import Audience
    from .model.workspace import Workspace
    from .ports import Composer, Provider, Snapshot
    from .repository.approved import Approved
    from .repository.git import Git
    from .templates import TemplateRoom


@dataclass
class _Room:
    """The templates room, opened when something is to be rendered: most runs render nothing."""

    workspace: Workspace
    files: WorkspaceFiles

    @cached_property
    def _room(self) -> TemplateRoom:
        from .templates import TemplateRoom

        return TemplateRoom(self.workspace, self.files)

    def composer(self, campaign: Campaign, step: Step) -> Composer:
        """See ``ports.Templates``."""
        return self._room.composer(campaign, step)

    def check(self, campaign: Campaign, step: Step, fields: frozenset[str]) -> list[Problem]:
        """See ``ports.Templates``."""
        return self._room.check(campaign, step, fields)

    def check_empty(self, campaign: Campaign, step: Step, audience: Audience) -> list[Problem]:
        """See ``ports.Templates``."""
        return self._room.check_empty(campaign, step, audience)


SETTINGS = "sendoff.yaml"
NO_KEY = b"no state key: nothing of this is stored"


@dataclass(frozen=True)
class Terminal:
    """How output is written: ``width`` in columns, with ``color`` or without; ``ascii`` when the
    output can hold nothing else."""

    width: int = 100
    color: bool = False
    interactive: bool = False
    ascii: bool = False


@dataclass
class Site:
    """A workspace on this machine, opened as far as a command needs it."""

    root: Path
    environ: Mapping[str, str]
    clock: SystemClock
    terminal: Terminal = field(default_factory=Terminal)

    # -- what people wrote ------------------------------------------------------------------

    @cached_property
    def workspace(self) -> Workspace:
        """The working tree's campaigns: what a pull request is about.  Raises InputError."""
        return load(WorkspaceFiles(self.root))

    @property
    def settings(self) -> Settings:
        """The working tree's settings."""
        return self.workspace.settings

    def desk(self) -> Desk:
        """The working tree, ready to be planned; nothing in it is approved."""
        files = WorkspaceFiles(self.root)
        return self._desk(self.workspace, files, files)

    def contact_lists(self) -> ContactLists:
        """The working tree's lists."""
        return self._contact_lists(self.workspace, WorkspaceFiles(self.root))

    @contextmanager
    def approved_desks(self) -> Iterator[Desks]:
        """What may be sent: with the git store the approved commit, else the working tree."""
        if self._own_settings().state.backend == "files":
            yield _TreeDesks(self)
            return
        with ExitStack() as stack:
            yield _ApprovedDesks(self, stack)

    def exported_desk(self, approved: Approved, into: Path) -> Desk:
        """The desk of an approved commit, its files written below ``into``.

        List data and nothing else is also looked for in the working tree: contacts need not be
        in git.
        """
        self._export(approved.commit, into)
        files = WorkspaceFiles(into)
        workspace = load(files)
        self._refuse_other_state(workspace.settings, approved)
        desk = self._desk(workspace, files, WorkspaceFiles(into, fallback=self.root))
        desk.commit, desk.committed_at = approved.commit, approved.committed_at
        return desk

    def _desk(self, workspace: Workspace, files: WorkspaceFiles, data: WorkspaceFiles) -> Desk:
        desk = Desk(workspace, self._contact_lists(workspace, data), _Room(workspace, files))
        provider = self.provider(workspace.settings)
        desk.resends = provider.name if provider.capabilities.idempotent else ""
        return desk

    def _contact_lists(self, workspace: Workspace, data: WorkspaceFiles) -> ContactLists:
        from .contacts import ContactLists

        return ContactLists(data, self._state_key(workspace.settings), workspace.suppressions)

    def relative(self, path: str) -> str:
        """A path given on the command line, as problems name it."""
        absolute = Path(path) if Path(path).is_absolute() else Path.cwd() / path
        try:
            found = absolute.resolve().relative_to(self.root).as_posix()
        except ValueError:
            return path
        # relative to the workspace is fine too, wherever the command is called from
        return found if absolute.exists() or not (self.root / path).exists() else path

    def replace_file(self, path: str, content: bytes) -> None:
        """Write a file of the workspace whole or not at all, its mode kept."""
        target = self.root / path
        temporary = target.with_name(f".{target.name}.sendoff")
        temporary.write_bytes(content)
        temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)

    @contextmanager
    def desk_at(self, ref: str) -> Iterator[tuple[Desk | None, str]]:
        """The desk of a commit of this repository, and the commit; None where it holds no
        workspace.  Raises UsageError for a ref that git does not know."""
        commit = self._commit(ref)
        with tempfile.TemporaryDirectory(prefix="sendoff-") as directory:
            self._export(commit, Path(directory))
            if not (Path(directory) / SETTINGS).exists():
                yield None, commit
                return
            files = WorkspaceFiles(Path(directory))
            lists = WorkspaceFiles(Path(directory), fallback=self.root)
            yield self._desk(load(files), files, lists), commit

    def _commit(self, ref: str) -> str:
        answer = self.git.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        if answer.code != 0:
            raise UsageError(f"git knows no {ref!r} here: fetch it, or name another base")
        return answer.text.strip()

    # -- the approved commit ------------------------------------------------------------------

    def _own_settings(self) -> Settings:
        """The settings here, read alone: only to learn where the state is."""
        from .workspace import parse_settings

        text = WorkspaceFiles(self.root).read_text(SETTINGS)
        if text is None:
            hint = "make a workspace with: sendoff init"
            raise InputError([Problem(SETTINGS, 0, 0, "there is no sendoff.yaml here", hint)])
        return parse_settings(text, SETTINGS)

    @cached_property
    def git(self) -> Git:
        """The git repository around the workspace."""
        from .repository.git import Git

        return Git(self.root)

    def approved_tip(self) -> Approved:
        """The approved commit, as the remote has it."""
        from .repository.approved import approved_tip

        state = self._own_settings().state
        return approved_tip(self.git, state.remote, state.approved_branch, sleep=self.clock.pause)

    def _export(self, commit: str, into: Path) -> None:
        from .repository.approved import export, workspace_prefix

        export(self.git, commit, workspace_prefix(self.git), (SETTINGS, "campaigns"), into)

    def _refuse_other_state(self, approved: Settings, tip: Approved) -> None:
        """An edit here must not point the run at another ledger, where nothing looks sent."""
        own, theirs = self._own_settings().state, approved.state
        if own != theirs:
            raise StateError(
                f"state: in sendoff.yaml here differs from the approved one (branch {tip.branch}): "
                "merge the change first, or undo it here"
            )

    def git_user(self) -> str:
        """The name that git has for whoever works here, '' when it has none."""
        answer = self.git.run("config", "user.name")
        return answer.text.strip() if answer.code == 0 else ""

    def new_run_id(self) -> str:
        """Names one execution; begins with its time, so that runs sort by time."""
        return f"{self.clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"

    # -- state and provider -------------------------------------------------------------------

    def state_key(self, settings: Settings) -> str:
        """The state key.  Raises StateError when it is not set, or too weak to hide addresses."""
        name = settings.state.key.env
        value = self.environ.get(name, "")
        if not value:
            raise StateError(
                f"the state key is not set: put it in the environment variable {name} (a CI "
                "secret). A new workspace gets one from: python3 -c "
                '"import secrets; print(secrets.token_hex(32))"'
            )
        if len(value) < MIN_KEY:
            raise StateError(f"the state key in {name} is too short: {MIN_KEY} characters or more")
        return value

    def _state_key(self, settings: Settings) -> bytes:
        """The state key, or a stand-in for commands that only look at lists and templates."""
        value = self.environ.get(settings.state.key.env, "")
        return value.encode() if len(value) >= MIN_KEY else NO_KEY

    def store(self, settings: Settings) -> GitStore | FilesStore:
        """The ledger's store.  Raises StateError when there is no state key."""
        from .ledger.meta import key_id

        fingerprint = key_id(self.state_key(settings))
        state = settings.state
        if state.backend == "git":
            from .ledger.git_store import GitStore

            return GitStore(
                self.git, state.remote, state.branch, fingerprint, sleep=self.clock.pause
            )
        from .ledger.files_store import FilesStore

        return FilesStore(
            self.root / state.path, fingerprint, workspace=self.root, sleep=self.clock.pause
        )

    def ledger(self) -> tuple[Snapshot, str]:
        """The ledger to look at, and a note for people ('' when there is nothing to say).

        Where no state was ever made nothing can have been sent: that is shown as such.
        """
        from .ledger.snapshot import StoredSnapshot

        nothing = StoredSnapshot("", lambda: iter(()), lambda files: iter(()))
        try:
            return self.store(self.settings).sync(), ""
        except StateMissing:
            return nothing, "No state yet, so nothing was ever sent from here (sendoff init)."
        except StateError:
            if self._has_no_files_state():
                return nothing, "No state yet, so nothing was ever sent from here (sendoff init)."
            raise

    def _has_no_files_state(self) -> bool:
        state = self.settings.state
        return state.backend == "files" and not (self.root / state.path / "meta.json").exists()

    def provider(self, settings: Settings) -> Provider:
        """The provider that the settings name."""
        from . import providers

        return providers.build(settings, self.environ, self.root, self.clock)


class _ApprovedDesks:
    """Desks of the approved branch: a new one whenever its tip has moved."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self._site = site
        self._stack = stack
        self.current = self._read(site.approved_tip())

    def newest(self) -> Desk:
        """See ``survey.Desks``."""
        tip = self._site.approved_tip()
        if tip.commit != self.current.commit:
            self.current = self._read(tip)
        return self.current

    def _read(self, tip: Approved) -> Desk:
        directory = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sendoff-"))
        return self._site.exported_desk(tip, Path(directory))


class _TreeDesks:
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
            self._site.__dict__.pop("workspace", None)
            self.current = self._site.desk()
        return self.current

    def _look(self) -> frozenset[tuple[str, int, int]]:
        """Settings and campaigns, by name, time and size; lists and templates stay as they are."""
        root = self._site.root
        paths = [root / SETTINGS, *(root / "campaigns").rglob("*.yaml")]
        stats = [(path, path.stat()) for path in paths if path.is_file()]
        return frozenset((str(path), s.st_mtime_ns, s.st_size) for path, s in stats)


MIN_KEY = 32
"""Characters: a short key could be guessed, and with it the addresses behind the keys."""
