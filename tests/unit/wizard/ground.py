"""A small workspace on disk, and what the wizard knows of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from runner.contacts import ContactLists
from runner.desk import Desk, Ledger
from runner.errors import Problem, StateUnreachable
from runner.ledger.snapshot import StoredSnapshot
from runner.model.campaign import Campaign
from runner.report.terminal import PLAIN
from runner.repository.git import Git
from runner.wizard.site import Ground, SiteInsight
from runner.workspace import WorkspaceFiles, load

NOW = datetime(2025, 10, 17, 14, tzinfo=UTC)
FILES = {
    "sendoff.yaml": """\
version: 1
from: {email: hello@f3.example, name: F3 Nation}
postal_address: 1 Main Street
timezone: America/Chicago
unsubscribe: {url: "https://f3.example/u?t={{ token }}"}
""",
    "campaigns/lists/people.yaml": """\
source: {type: csv, path: people.csv}
columns: {email: email, firstName: firstName, region: region, timezone: tz, opted_out: out}
""",
    "campaigns/lists/people.csv": """\
email,firstName,region,tz,out
ann@example.com,Ann,Europe,Europe/London,
bob@example.com,Bob,Europe,Europe/Berlin,
cy@example.com,,Africa,,
dee@example.com,Dee,Africa,Africa/Nairobi,
eve@example.com,Eve,Africa,,yes
""",
    "campaigns/lists/2025.yaml": """\
source: {type: inline, contacts: [{email: zoe@example.com, firstName: Zoe}]}
""",
    "campaigns/lists/nobody.yaml": """\
source: {type: inline, contacts: [{email: x@example.com, opted_out: "yes"}]}
columns: {email: email, opted_out: opted_out}
""",
    "campaigns/lists/broken.yaml": "source: {type: csv, path: absent.csv}\n",
    "campaigns/templates/event.html": """\
---
subject: "{{ eventName }} is near"
requires: [eventName]
---
<p>Hi {{ firstName|default('friend', true) }}, to {{ eventName }} in {{ venue }}.</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>
""",
    "campaigns/templates/notes/2.html": """\
---
preheader: News
variables: {colour: red}
---
<ul>{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul><p>{{ colour }}</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>
""",
    "campaigns/templates/broken.html": "---\nsubject: Broken\n---\n<p>{% if x %}</p>\n",
    "campaigns/old.yaml": """\
list: "2025"
content: {subject: Old, html: "<p>Old</p>"}
schedule: {send: immediate}
""",
    "campaigns/bad.yaml": "nonsense: true\n",
}


def make(root: Path) -> Path:
    """Write the files."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def lint(desk: Desk, campaign: Campaign) -> list[Problem]:
    """One thing for every campaign, as the lint room would say it."""
    path = desk.workspace.templates["event"].place.path
    return [Problem(path, 7, 1, f"{campaign.id} is shouting", "whisper", "loud", "error")]


def insight(root: Path, *, reachable: bool = True) -> SiteInsight:
    """What is known of it; without a ledger, or with one that cannot be reached."""

    def ledger() -> tuple[Ledger, str]:
        if not reachable:
            raise StateUnreachable("the remote does not answer")
        return StoredSnapshot("", lambda: iter(()), lambda files: iter(())), "No state yet."

    workspace = load(WorkspaceFiles(root))
    books = ContactLists(WorkspaceFiles(root), b"k" * 32, workspace.suppressions)
    return SiteInsight(Ground(root, workspace, books, ledger, lint, Git(root), NOW), PLAIN)
