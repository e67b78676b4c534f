"""``sendoff new``: write a campaign by answering questions."""

from __future__ import annotations

from functools import partial

from ..bootstrap import Site
from ..desk import Desk
from ..errors import Problem, UsageError
from ..lint import Linter
from ..model.campaign import Campaign
from ..templates.worst_case import choose
from ..wizard.committing import NotCommitted, commit, write_new
from ..wizard.console import TerminalConsole, interruptible, is_terminal
from ..wizard.dialogue import hold
from ..wizard.draft import Decision
from ..wizard.script import DOCS, script
from ..wizard.site import Ground, SiteInsight
from ..wizard.yamltext import campaign_yaml
from ..workspace import WorkspaceFiles
from .outcome import Outcome

INTERRUPTED = 130
NOTHING = "Nothing was written."


def new(site: Site) -> Outcome:
    """Ask, show, and after the last yes write ``campaigns/NAME.yaml``.

    Exit code 130, and nothing written, when the person leaves; 1 when git refuses the commit.
    Raises UsageError without a terminal, InputError when the settings cannot be read.
    """
    if not is_terminal():
        raise UsageError(
            "`sendoff new` asks questions, and needs a terminal to do so; a campaign can be "
            f"written as a file too: {DOCS} says how"
        )
    git, now = site.git, site.clock.now()
    books = site.contact_lists()
    ground = Ground(site.root, site.workspace, books, site.ledger, partial(_lint, site), git, now)
    insight = SiteInsight(ground, site.terminal)
    try:
        with interruptible():
            decision = hold(lambda: script(insight), TerminalConsole(), site.terminal)
    except (KeyboardInterrupt, EOFError):
        return Outcome(f"\n{NOTHING}", INTERRUPTED)
    if not decision.write:
        return Outcome(f"\n{NOTHING}")
    return _write(site, decision)


def _lint(site: Site, desk: Desk, campaign: Campaign) -> list[Problem]:
    """What mailboxes and the law say to the campaign's mails."""
    audience = desk.audience(campaign)
    drafts = [(campaign, step, audience, desk.composer(campaign, step)) for step in campaign.steps]
    return Linter(
        desk.workspace, WorkspaceFiles(site.root), choose, desk.templates.check_empty
    ).lint(drafts)


def _write(site: Site, decision: Decision) -> Outcome:
    draft = decision.draft
    if not write_new(site.root, draft.path, campaign_yaml(draft)):
        raise UsageError(f"{draft.path} was made by somebody else in the meantime: nothing written")
    lines = ["", f"Wrote {draft.path}."]
    notes = ""
    if decision.commit is not None:
        try:
            lines.append(f"Committed on {commit(site.git, draft, decision.commit)}; not pushed.")
        except NotCommitted as error:
            notes = f"sendoff: the file is written, but git did not commit it: {error.reason}"
    lines += ["Next:", f"  sendoff preview {draft.file}", f"  sendoff plan {draft.file}"]
    lines.append("It counts once it is merged: open a pull request with it.")
    return Outcome("\n".join(lines), 1 if notes else 0, notes)
