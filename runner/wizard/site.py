"""``Insight`` over a real workspace: its lists, templates, ledger and repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from ..contacts import ContactLists
from ..dataclass import dataclass
from ..desk import Desk, Ledger
from ..errors import InputError, Problem, StateError
from ..model.campaign import Campaign
from ..model.contacts import Audience, ContactList
from ..model.ledger import Glance, Record
from ..model.settings import Lateness
from ..model.workspace import Workspace
from ..planning.planner import Horizon
from ..report import plan as report
from ..report.terminal import Screen, terminal_of
from ..report.words import mask
from ..repository.git import Git
from ..survey import survey
from ..templates import TemplateRoom
from ..templates.worst_case import choose
from ..workspace import WorkspaceFiles, load
from .committing import branch_fault, look
from .draft import Draft, Mail
from .insight import Glimpse, ListInfo, Repository, Review, TemplateInfo
from .missing import missing
from .overlay import DraftedFiles
from .questions import Refused
from .yamltext import campaign_yaml

FEW = 6
"""A field with more different values than that is not shown with them."""
LONG = 40
MARGIN = 4
"""Columns in front of a plan that is shown within the conversation."""


@dataclass(frozen=True)
class Ground:
    """What the wizard stands on.

    ``ledger`` gives the ledger and a note for people, or raises StateError.  ``lint`` looks at
    the finished mails of the campaign on a desk.
    """

    root: Path
    workspace: Workspace
    books: ContactLists
    ledger: Callable[[], tuple[Ledger, str]]
    lint: Callable[[Desk, Campaign], list[Problem]]
    git: Git
    now: datetime


class SiteInsight:
    """What is known of a workspace; looked at once, so that answers stay the same."""

    def __init__(self, ground: Ground, screen: Screen) -> None:
        self._ground = ground
        self._screen = screen
        # going back asks the same things again
        self._drafts: dict[tuple[str, str], Workspace] = {}
        self._found: dict[tuple[str, str], tuple[Problem, ...]] = {}

    @property
    def now(self) -> datetime:
        """See ``insight.Insight``, as for all that follows."""
        return self._ground.now

    # -- what there is ---------------------------------------------------------------------

    @property
    def zone(self) -> str:
        return self._ground.workspace.settings.timezone

    @property
    def lateness(self) -> Lateness:
        return self._ground.workspace.settings.lateness

    @cached_property
    def lists(self) -> tuple[ListInfo, ...]:
        return tuple(self._list(one) for one in self._ground.workspace.lists.values())

    @cached_property
    def templates(self) -> tuple[TemplateInfo, ...]:
        found = self._ground.workspace.templates.values()
        return tuple(TemplateInfo(one.name, one.subject) for one in found)

    def _list(self, one: ContactList) -> ListInfo:
        try:
            audience = self._ground.books.read(one)
        except InputError as error:
            first, *rest = error.problems
            more = f" (+{len(rest)} more)" if rest else ""
            problem = f"{first.path}:{first.line}: {first.message}{more}"
            return ListInfo(one.name, problem=problem)
        return ListInfo(
            one.name,
            audience.rows,
            len(audience),
            audience.excluded.counts(),
            self._ground.books.columns(one),
            dict(_few_values(audience)),
        )

    def _audience(self, name: str, where: str) -> Audience:
        return self._ground.books.read(self._ground.workspace.lists[name], where)

    def remaining(self, name: str, where: str) -> int:
        try:
            count = len(self._audience(name, where))
        except InputError as error:
            first = error.problems[0]
            message = first.message.partition(f"list {name}: ")[2] or first.message
            hint = f" ({first.hint})" if first.hint else ""
            raise Refused(f"Not usable: {message}{hint}") from None
        if not count:
            raise Refused("That is true for nobody on the list, and a send to nobody is held.")
        return count

    def zones(self, name: str, where: str) -> Mapping[str, int]:
        return Counter(self._audience(name, where).fields["timezone"])

    # -- drafts ----------------------------------------------------------------------------

    def _workspace(self, draft: Draft) -> Workspace:
        """The workspace with the draft as its only campaign."""
        key = (draft.path, campaign_yaml(draft))
        if key not in self._drafts:
            self._drafts[key] = load(DraftedFiles(self._ground.root, *key))
        return self._drafts[key]

    def _desk(self, draft: Draft) -> Desk:
        workspace, whole = self._workspace(draft), self._ground.workspace
        room = TemplateRoom(workspace, WorkspaceFiles(self._ground.root))
        known = frozenset((*whole.campaigns, *whole.broken))
        return Desk(workspace, self._ground.books, room, known=known)

    def missing(self, draft: Draft, mail: Mail) -> tuple[str, ...]:
        # templates without a subject would make it a campaign that cannot be loaded
        trial = draft.sends(replace(mail, subject=mail.subject or "."), draft.variables)
        workspace = self._workspace(trial)
        campaign = workspace.campaigns.get(trial.file)
        if campaign is None:
            return ()
        fields = self._ground.books.columns(self._ground.workspace.lists[draft.list])
        return missing(workspace, campaign, fields)

    def faults(self, draft: Draft) -> tuple[Problem, ...]:
        return tuple(p for p in self._checked(draft) if p.severity == "error")

    def _checked(self, draft: Draft) -> tuple[Problem, ...]:
        key = (draft.path, campaign_yaml(draft))
        if key not in self._found:
            self._found[key] = tuple(dict.fromkeys(self._problems(draft)))
        return self._found[key]

    def _problems(self, draft: Draft) -> Iterator[Problem]:
        desk = self._desk(draft)
        mine = [p for p in desk.workspace.problems if p.path == draft.path]
        yield from mine
        campaign = desk.workspace.campaigns.get(draft.file)
        if campaign is None:
            if not mine:
                # a list or template it names, or the settings, must be mended first
                yield from desk.workspace.problems
            return
        fields = self._ground.books.columns(desk.workspace.lists[draft.list])
        for step in campaign.steps:
            yield from desk.templates.check(campaign, step, fields)

    def glimpse(self, draft: Draft) -> Glimpse | None:
        desk = self._desk(draft)
        campaign = desk.workspace.campaigns[draft.file]
        audience = desk.audience(campaign)
        if not len(audience):
            return None
        try:
            composer = desk.composer(campaign, campaign.steps[0])
            label, index = _hardest(audience, composer.uses)
            mail = composer.render(audience.contact(index), audience.keys[index])
        except InputError as error:
            return Glimpse("which fails", "a contact", str(error.problems[0].message), "", "")
        return Glimpse(label, mask(audience.emails[index]), mail.subject, mail.preheader, mail.text)

    def review(self, draft: Draft) -> Review:
        desk, settings = self._desk(draft), self._ground.workspace.settings
        problems = list(self._checked(draft))
        problems += self._ground.lint(desk, desk.workspace.campaigns[draft.file])
        ledger, note = self._ledger
        horizon = Horizon(
            self.now,
            self.now + settings.run.look_ahead,
            draft.when.shown_until or self.now,
            paused=settings.paused,
        )
        found = survey(desk, ledger, horizon)
        whole = terminal_of(self._screen)
        text = report.text(found, settings, replace(whole, width=whole.width - MARGIN), note)
        return Review(tuple(problems), tuple(text.splitlines()))

    # -- names -----------------------------------------------------------------------------

    @cached_property
    def _ledger(self) -> tuple[Ledger, str]:
        try:
            return self._ground.ledger()
        except StateError as error:
            return _Unknown(), f"Planned as if nothing was ever sent, for the ledger: {error}"

    def taken(self, file: str) -> str:
        folded = file.casefold()
        if folded in self._ids or folded in self._paths:
            return f"There is a campaign {file} already."
        if (self._ground.root / "campaigns" / f"{file}.yaml").exists():
            return f"There is a file campaigns/{file}.yaml already."
        if folded in self._remembered:
            return (
                f"The ledger knows a campaign {file} from before: what that one sent would count "
                "as sent."
            )
        directories = file.split("/")[:-1]
        paths = ["/".join(directories[: n + 1]) for n in range(len(directories))]
        if any((self._ground.root / "campaigns" / path).is_file() for path in paths):
            return f"{'/'.join(directories)} is a file, not a folder."
        return ""

    @cached_property
    def _ids(self) -> frozenset[str]:
        workspace = self._ground.workspace
        return frozenset(name.casefold() for name in (*workspace.campaigns, *workspace.broken))

    @cached_property
    def _paths(self) -> frozenset[str]:
        campaigns: Mapping[str, Campaign] = self._ground.workspace.campaigns
        paths = [one.place.path for one in campaigns.values()]
        paths += self._ground.workspace.broken.values()
        names = (path.removeprefix("campaigns/").removesuffix(".yaml") for path in paths)
        return frozenset(name.casefold() for name in names)

    @cached_property
    def _remembered(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self._ledger[0].campaigns())

    @cached_property
    def repository(self) -> Repository:
        return look(self._ground.git)

    def branch_fault(self, name: str) -> str:
        return branch_fault(self._ground.git, name)


class _Unknown:
    """Stands for a ledger that cannot be read: it names no campaign."""

    def campaigns(self) -> tuple[str, ...]:
        """None."""
        return ()

    def records(self, campaign: str) -> tuple[Record, ...]:
        """None."""
        return ()

    def glances(self, campaigns: Collection[str]) -> dict[str, Glance | None]:
        """None."""
        return {}


def _few_values(audience: Audience) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The values of those fields that sort contacts rather than name them."""
    for name, column in audience.fields.items():
        if name in ("email", "timezone"):
            continue
        values = set(column)
        few = 1 < len(values) <= FEW and len(values) * 2 <= len(audience)
        if few and all(len(value) <= LONG for value in values):
            yield name, tuple(sorted(values))


def _hardest(audience: Audience, uses: frozenset[str]) -> tuple[str, int]:
    """The contact that tries a mail hardest: the one without something, else the longest."""
    chosen = choose(audience, uses)
    for sought in ("without", "longest"):
        for label, index in chosen:
            if label.startswith(sought):
                return label, index
    return chosen[0]
