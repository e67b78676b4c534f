"""The only place that wires adapters: settings, environment and flags in, a working desk out."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .cache import cache_home
from .clock import SystemClock
from .dataclass import dataclass
from .errors import InputError, Problem, StateError, StateMissing, UsageError
from .workspace import WorkspaceFiles, load, parse_settings

if TYPE_CHECKING:
    from .cache import Cache
    from .contacts import ContactLists, FetchedLists
    from .desk import Desk
    from .ledger.files_store import FilesStore
    from .ledger.git_store import GitStore
    from .model.campaign import Campaign, Step
    from .model.contacts import Audience, ContactList, Selection
    from .model.settings import Settings
    from .model.workspace import Workspace
    from .planning.book import Book
    from .ports import Composer, FeedbackSource, Provider, Snapshot
    from .repository.git import Git
    from .templates import TemplateRoom
    from .workspace.kept import Kept


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


@dataclass
class _Lists:
    """The lists room, opened when somebody is to be mailed: most runs mail nobody."""

    open: Callable[[], ContactLists]

    @cached_property
    def _room(self) -> ContactLists:
        return self.open()

    def columns(self, contact_list: ContactList) -> frozenset[str]:
        """See ``ports.Audiences``."""
        return self._room.columns(contact_list)

    def read(self, contact_list: ContactList, where: str = "") -> Audience:
        """See ``ports.Audiences``."""
        return self._room.read(contact_list, where)

    def select(self, selection: Selection) -> Audience:
        """See ``ports.Audiences``."""
        return self._room.select(selection)

    def key(self, email: str) -> bytes:
        """See ``ports.Audiences``."""
        return self._room.key(email)


SETTINGS = "sendoff.yaml"
GIT_SECONDS = 40.0
"""How long one conversation with a remote may take: a run that hangs must end within its budget."""
STATE_KEY = "SENDOFF_STATE_KEY"
"""Where the state key is, unless the settings say otherwise."""
MIN_KEY = 32
"""Characters: a short key could be guessed, and with it the addresses behind the keys."""
BLIND = (
    "The state key is not known here (as on a pull request): the numbers are right, but it is a "
    "guess who of a list has had a mail already, and nobody is left out whom the state suppresses."
)
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
    """A workspace on this machine, opened as far as a command needs it.

    ``sends``: the command may mail people.
    """

    root: Path
    environ: Mapping[str, str]
    clock: SystemClock
    terminal: Terminal = field(default_factory=Terminal)
    fetching: Literal["stale", "never", "always"] = "never"
    """Which lists that lie elsewhere are fetched: those whose copies are too old, none, or all.

    A checkout may name any server, and any secret to send it: who only looks asks nobody.
    """
    fetch_until: datetime | None = None
    """When fetching lists must be over, in a run; None where nothing waits for it."""
    sends: bool = False

    # -- what people wrote ------------------------------------------------------------------

    @cached_property
    def workspace(self) -> Workspace:
        """The working tree's campaigns: what a pull request is about.  Raises InputError."""
        return self.kept.by_files(f"tree:{self.root}", self.root, load)

    @property
    def settings(self) -> Settings:
        """The working tree's settings."""
        return self.workspace.settings

    def desk(self) -> Desk:
        """The working tree, ready to be planned; nothing in it is approved."""
        files = WorkspaceFiles(self.root)
        return self.desk_of(self.workspace, files, files)

    def contact_lists(self) -> ContactLists:
        """The working tree's lists."""
        return self._contact_lists(self.workspace, WorkspaceFiles(self.root))

    def desk_of(self, workspace: Workspace, files: WorkspaceFiles, data: WorkspaceFiles) -> Desk:
        """A desk for any loaded workspace; ``data`` is where its lists' data is looked for."""
        from .desk import Desk

        lists = _Lists(lambda: self._contact_lists(workspace, data))
        desk = Desk(workspace, lists, _Room(workspace, files))
        provider = self.provider(workspace.settings)
        desk.resends = provider.name if provider.capabilities.idempotent else ""
        desk.blind = not self.environ.get(workspace.settings.state.key.env)
        return desk

    def _contact_lists(self, workspace: Workspace, data: WorkspaceFiles) -> ContactLists:
        from .contacts import ContactLists

        secret = self._state_key(workspace.settings)
        fetched = self._fetched_lists(workspace.settings, data, secret)
        return ContactLists(data, secret, workspace.suppressions, fetched=fetched)

    def _fetched_lists(
        self, settings: Settings, data: WorkspaceFiles, secret: bytes
    ) -> FetchedLists:
        """How lists are had that lie elsewhere; copies are only kept where there is a key."""
        from .contacts import FetchedLists, ListCache, Reach

        copies = self.list_copies(settings)
        cache = None if copies is None else ListCache(copies, secret)
        reach = Reach(self.environ, self.clock, data, settings.sendgrid, self.fetch_until)
        return FetchedLists(reach, cache, self.fetching)

    def list_copies(self, settings: Settings) -> Path | None:
        """Where copies of fetched lists are kept, if they are."""
        from .ledger.meta import key_id

        home, secret = cache_home(self.environ), self._state_key(settings)
        if home is None or secret == NO_KEY:
            return None
        return home / "lists" / key_id(secret.decode())

    def forget(self) -> None:
        """Read the working tree anew when it is next asked for."""
        self.__dict__.pop("workspace", None)

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
        self._write_whole(target, content, target.stat().st_mode & 0o777)

    def write_pages(self, directory: Path, pages: Mapping[str, str]) -> None:
        """Write files into a directory, made if need be.

        A checkout may hold links where its pages would be written: none is written through.
        Raises UsageError when the directory is one, or lies behind one.
        """
        place = Path(os.path.abspath(directory))  # noqa: PTH100 - resolve() would follow links
        if place.is_relative_to(self.root) and place.resolve() != place:
            raise UsageError(f"{directory} is a symbolic link, or lies behind one: remove it")
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, text in pages.items():
                self._write_whole(place / name, text.encode(), 0o644)
        except OSError as error:
            raise UsageError(f"{directory} cannot be written: {error.strerror}") from None

    def _write_whole(self, target: Path, content: bytes, mode: int) -> None:
        import tempfile

        # a name that nobody can know beforehand: a link under it would be written through
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            temporary.chmod(mode)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    # -- what need not be worked out again ------------------------------------------------------

    @cached_property
    def kept(self) -> Kept:
        """Answers about the files of this workspace, by what they were worked out from."""
        from .workspace.kept import Kept

        return Kept(self.cache)

    @cached_property
    def cache(self) -> Cache:
        """The cache, under the state key, so that nobody who may write there can forge an entry.

        Without one, what only looks is content with a key of this machine's; what sends does
        without a cache.
        """
        from .cache import Cache, local_key

        home = cache_home(self.environ)
        key = self.environ.get(STATE_KEY, "")
        if len(key) >= MIN_KEY:
            return Cache(home, hmac.digest(key.encode(), b"sendoff cache", "sha256"))
        return Cache(None, b"") if self.sends else Cache(home, local_key(home))

    def own_settings(self) -> Settings:
        """The working tree's settings, read alone.  Raises InputError."""
        text = WorkspaceFiles(self.root).read_text(SETTINGS)
        if text is None:
            hint = "make a workspace with: sendoff init"
            raise InputError([Problem(SETTINGS, 0, 0, "there is no sendoff.yaml here", hint)])
        found = text
        return self.kept.by_token(
            f"settings:{self.root}", text, lambda: parse_settings(found, SETTINGS)
        )

    # -- git and who works here ---------------------------------------------------------------

    @cached_property
    def git(self) -> Git:
        """The git repository around the workspace."""
        from .repository.git import Git

        return Git(self.root, timeout=GIT_SECONDS)

    def git_user(self) -> str:
        """The name that git has for whoever works here, '' when it has none."""
        answer = self.git.run("config", "user.name")
        return answer.text.strip() if answer.code == 0 else ""

    def new_run_id(self) -> str:
        """Names one execution; begins with its time, so that runs sort by time."""
        return f"{self.clock.now():%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"

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

        return self._store(settings, key_id(self.state_key(settings)))

    def _store(self, settings: Settings, fingerprint: str) -> GitStore | FilesStore:
        state = settings.state
        if state.backend == "git":
            from .ledger.git_store import GitStore
            from .ledger.shelf import Shelf

            store = GitStore(
                self.git, state.remote, state.branch, fingerprint, sleep=self.clock.pause
            )
            if self.cache.home is not None:
                place = f"ledger:{self.root}:{state.remote}:{state.branch}"
                store.shelf = Shelf(self.cache, place)
            return store
        from .ledger.files_store import FilesStore

        return FilesStore(
            self.root / state.path, fingerprint, workspace=self.root, sleep=self.clock.pause
        )

    def ledger(self, *, blind: bool = False) -> tuple[Snapshot, str]:
        """The ledger to look at, and a note for people ('' when there is nothing to say).

        Where no state was ever made nothing can have been sent: that is shown as such.  ``blind``
        also takes it without the state key, as on a pull request: the numbers can be read, whom
        they concern cannot.
        """
        from .ledger.meta import ANY_KEY
        from .ledger.snapshot import StoredSnapshot

        try:
            if blind and self.is_blind:
                return self._store(self.settings, ANY_KEY).sync(), BLIND
            if self._has_no_files_state():
                raise StateMissing
            return self.store(self.settings).sync(), ""
        except StateMissing:
            nothing = StoredSnapshot("", lambda: iter(()), lambda files: iter(()))
            return nothing, "No state yet, so nothing was ever sent from here (sendoff init)."

    @property
    def is_blind(self) -> bool:
        """True where there is no state key."""
        return not self.environ.get(self.settings.state.key.env)

    def _has_no_files_state(self) -> bool:
        state = self.settings.state
        return state.backend == "files" and not (self.root / state.path / "meta.json").exists()

    def provider(self, settings: Settings) -> Provider:
        """The provider that the settings name."""
        from . import providers

        return providers.build(settings, self.environ, self.root, self.clock)

    def suppression_book(self) -> tuple[Book, str]:
        """Whom the state suppresses, for looking at lists; a note when that cannot be known."""
        from .model.ledger import BOOK
        from .planning.book import Book, fold_book

        if self.is_blind:
            return Book(), "Without the state key nobody is left out whom the state suppresses."
        try:
            snapshot, _ = self.ledger()
            return fold_book(snapshot.records(BOOK)), ""
        except StateError as error:
            note = "The state cannot be read, and nobody is left out whom it suppresses"
            return Book(), f"{note}: {error}"

    def key_of(self, settings: Settings) -> Callable[[str], bytes | None]:
        """Contact keys, None for what is no address.  Raises StateError without a state key."""
        from .contacts import key_maker, normalise

        make = key_maker(self.state_key(settings).encode())

        def key(address: str) -> bytes | None:
            found = normalise(address)
            return None if found is None else make(found.matching)

        return key

    def person_of(self, settings: Settings) -> Callable[[str], bytes | None]:
        """The same for what people write: also ``key:`` and the 16 digits of a contact key."""
        key_of = self.key_of(settings)

        def key(written: str) -> bytes | None:
            given = re.fullmatch(r"key:([0-9a-f]{16})", written.strip(), re.ASCII | re.IGNORECASE)
            return bytes.fromhex(given[1]) if given else key_of(written)

        return key

    def feedback_accounts(self, settings: Settings) -> dict[str, str]:
        """Which account of a service its key is of, and which place bounce mails lie in: keyed
        digests; none where no key is set.

        Raises StateError without a state key.
        """
        service, mailbox = settings.sendgrid, settings.suppressions.mailbox
        value = self.environ.get(service.api_key.env, "")
        asked = {"sendgrid": value and f"{service.base_url} {value}", "mailbox": mailbox}
        return {
            name: hmac.digest(
                self.state_key(settings).encode(), f"account:{account}".encode(), "sha256"
            ).hex()[:16]
            for name, account in asked.items()
            if account
        }

    @contextmanager
    def feedback_sources(
        self, settings: Settings, patience: timedelta
    ) -> Iterator[list[FeedbackSource]]:
        """Who is asked for suppressions, and has ``patience`` to answer.  Raises StateError."""
        from .events.mailbox import MailboxFeedback
        from .events.sendgrid import SendgridFeedback
        from .planning.proving import SentMails
        from .providers.sendgrid import SendgridProvider

        shown = settings.suppressions.mailbox
        place = (self.root / shown).resolve()
        if not place.is_relative_to(self.root.resolve()):
            where = Problem(SETTINGS, settings.suppressions.line, 0, "mailbox: a link leads out")
            raise InputError([where])
        # asked for only when there is a bounce whose mail has to be looked up
        sent = SentMails(lambda campaign: self.store(settings).sync().records(campaign))
        key_of, deadline = self.key_of(settings), self.clock.now() + patience
        provider = SendgridProvider(settings.sendgrid, self.environ, self.clock)
        known: dict[str, Callable[[], FeedbackSource]] = {
            "sendgrid": lambda: SendgridFeedback(provider.ask, key_of, self.clock, deadline),
            "mailbox": lambda: MailboxFeedback(place, shown, sent.find, self.clock, deadline),
        }
        try:
            yield [known[name]() for name in settings.suppressions.sources]
        finally:
            provider.close()
