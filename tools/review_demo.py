"""``make review-demo``: what a reviewer sees of four pull requests, in .demo/review/.

Makes a repository with a bare remote by ``sendoff init``, merges this repository's campaigns, lets
a run send the first step of a drip, and then opens a branch that adds a campaign, one that edits a
template of the drip under way, one that renames its file, and one that breaks five things at once.
Nothing leaves this machine.  Standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
DEMO = HERE / ".demo/review"
WORK = DEMO / "work"
SENDOFF = Path(sys.executable).with_name("sendoff")
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": str(DEMO),
    "COLUMNS": "100",
    "GIT_CONFIG_NOSYSTEM": "1",
    "SENDOFF_STATE_KEY": "a key for the demo, and for nothing else",
}
MERGED = "2025-10-14T16:00:00Z"
FIRST_RUN = "2025-10-15T14:05:00Z"
REVIEWED = "2025-10-16T14:30:00Z"
DRIP = "campaigns/bros-and-brews-countdown.yaml"
NEW = """\
# yaml-language-server: $schema=../schemas/campaign.schema.json
version: 1
name: Winter kit, ready to order
list: f3-members
content:
  subject: "{{ firstName|default('Friend', true) }}, the winter kit is here"
  preheader: Order by Sunday and it is with you before the first frost.
  html: |
    <!doctype html>
    <html lang="en"><head><title>Winter kit</title>
    <style>
      body { font: 17px/1.6 Georgia, serif; color: #1d2433; background: #f6f3ec; margin: 0; }
      .card { max-width: 34rem; margin: 2rem auto; padding: 2rem; background: #fff; }
      a { color: #8a3b12; }
    </style></head>
    <body><div class="card"><h1>The winter kit is here</h1>
    <p>Dear {{ firstName|default('friend', true) }}, gloves, a hat, and a light that lasts.</p>
    <p><a href="https://f3.example/kit">Order yours</a></p>
    <p><a href="{{ unsubscribe_url }}">Unsubscribe</a> · {{ postal_address }}</p></div></body>
    </html>
schedule:
  send: scheduled
  at: 2025-10-28 10:00
  timezone: recipient
  fallback_timezone: Europe/London
pacing: {delay_seconds: 90, batch_size: 100}
guards: {max_recipients: 60}
lint: {ignore: [night-send]}
"""
BROKEN = """\
version: 1
name: A campaign in a hurry
status: actve
list: f3-member
template: remindr
schedule: {send: scheduled, at: 2025-10-28, timezone: America/Chcago}
"""


def say(text: str = "") -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def call(*command: str | Path, expect: tuple[int, ...] = (0,), environ: str = "") -> str:
    """Run a command in the demo's clone; any other exit code ends the demo with its output."""
    dates = {"GIT_AUTHOR_DATE": environ, "GIT_COMMITTER_DATE": environ} if environ else {}
    done = subprocess.run(  # noqa: S603 - the commands below, in a directory of ours
        [str(part) for part in command],
        cwd=WORK if WORK.exists() else DEMO,
        env={**ENVIRONMENT, **dates},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in expect:
        say(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        sys.exit(f"review-demo: exit code {done.returncode}")
    return done.stdout


def prepare() -> None:
    """A workspace made by ``init``, with our campaigns in it, merged and under way."""
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir(parents=True)
    call("git", "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    call("git", "clone", "--quiet", "remote.git", "work")
    call("git", "checkout", "--quiet", "-B", "main")
    call("git", "config", "user.name", "Demo")
    call("git", "config", "user.email", "demo@example.org")
    call(SENDOFF, "init", "--backend", "git", "--now", MERGED)
    (WORK / "campaigns/welcome.yaml").unlink()
    shutil.copytree(HERE / "campaigns", WORK / "campaigns", dirs_exist_ok=True)
    edit("sendoff.yaml", r"(?m)^timezone: UTC", "timezone: America/Chicago")
    commit("Merge pull request: Bros & Brews 2025", MERGED)
    call("git", "push", "--quiet", "origin", "main")
    call(SENDOFF, "run", "--now", FIRST_RUN)


def edit(path: str, pattern: str, new: str) -> None:
    """Replace text that must be there."""
    text, count = re.subn(pattern, new, (WORK / path).read_text("utf-8"))
    if not count:
        sys.exit(f"review-demo: {path} does not have {pattern}")
    (WORK / path).write_text(text, "utf-8")


def commit(message: str, at: str) -> None:
    """Commit everything."""
    call("git", "add", "-A")
    call("git", "commit", "--quiet", "-m", message, environ=at)


def add_a_campaign() -> None:
    """A campaign that goes by each contact's own clock, and is over its guard."""
    (WORK / "campaigns/winter-kit.yaml").write_text(NEW, "utf-8")


def edit_a_template() -> None:
    """The next step of a drip whose first step is out, and the invitation that some have had."""
    path = "campaigns/templates/reminder.html"
    edit(path, "shall we keep a seat for you", "last seats, one with your name on it")
    edit(path, r"A few days ago we invited you", "On Wednesday we invited you")
    edit(path, "I am in", "Keep my seat")
    edit("campaigns/templates/bros-and-brews-invite.html", "Save my seat", "Count me in")


def rename_a_file() -> None:
    """With another name everyone would be mailed again."""
    call("git", "mv", DRIP, "campaigns/countdown.yaml")


def break_five_things() -> None:
    """Five mistakes in one file, and a template that cannot be read."""
    (WORK / "campaigns/hurry.yaml").write_text(BROKEN, "utf-8")
    edit("campaigns/templates/last-call.html", r"\{% endblock %\}\s*\Z", "")


BRANCHES: dict[str, Callable[[], None]] = {
    "add-a-campaign": add_a_campaign,
    "edit-a-template": edit_a_template,
    "rename-a-file": rename_a_file,
    "break-five-things": break_five_things,
}


def review(branch: str, change: Callable[[], None]) -> None:
    """One pull request: its branch, and all that its reviewer is shown."""
    call("git", "checkout", "--quiet", "-B", branch, "main")
    change()
    commit(branch.replace("-", " "), REVIEWED)
    shown = DEMO / branch
    shown.mkdir()
    base = ("--base", "origin/main")
    for kind, suffix in (("text", "txt"), ("markdown", "md"), ("json", "json"), ("html", "html")):
        plan = ("plan", *base, "--format", kind, "--now", REVIEWED)
        text = call(SENDOFF, *plan, expect=(0, 1, 3))
        (shown / f"plan.{suffix}").write_text(text, "utf-8")
    found = call(SENDOFF, "validate", "--format", "github", expect=(0, 1))
    (shown / "annotations.txt").write_text(found, "utf-8")
    call(SENDOFF, "preview", *base, "--out", shown / "preview", expect=(0, 1))
    say(f"  .demo/review/{branch}/ holds plan.{{txt,md,json,html}}, annotations.txt and preview/")


def main() -> None:
    """All four."""
    prepare()
    for branch, change in BRANCHES.items():
        review(branch, change)
    call("git", "checkout", "--quiet", "main")


if __name__ == "__main__":
    main()
