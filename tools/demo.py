"""``make demo``: a week of campaigns in a repository of its own, in under a minute.

Makes ``.demo/`` anew: a bare remote, a clone with this repository's campaigns, and a ledger on a
branch. Mails become files; nothing leaves this machine. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
DEMO = HERE / ".demo"
WORK = DEMO / "work"
SENDOFF = Path(sys.executable).with_name("sendoff")
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": str(DEMO),
    "COLUMNS": "100",
    "GIT_CONFIG_NOSYSTEM": "1",
    "SENDOFF_STATE_KEY": "a key for the demo, and for nothing else",
}
DRIP = "bros-and-brews-countdown"
MERGED = datetime(2025, 10, 14, 16, 0, tzinfo=UTC)
FIRST = datetime(2025, 10, 15, 13, 50, tzinfo=UTC)
LAST = datetime(2025, 10, 22, 13, 50, tzinfo=UTC)
CRON = timedelta(hours=8)


def say(text: str = "") -> None:
    """Write a line at once: what programs print must stand in its place."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def heading(text: str) -> None:
    """A heading of the story."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say(f"\n{bold}== {text} {'=' * max(3, 96 - len(text))}{plain}")


def call(*command: str | Path, quiet: bool = True) -> str:
    """Run a command in the demo's clone; a failure ends the demo with its output."""
    done = subprocess.run(  # noqa: S603 - the commands below, in a directory of ours
        [str(part) for part in command],
        cwd=WORK if WORK.exists() else DEMO,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        say(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
        sys.exit(f"demo: exit code {done.returncode}")
    if not quiet:
        say(done.stdout.rstrip())
    return done.stdout


def sendoff(*arguments: str, at: datetime | None = None, show: bool = True) -> str:
    """Run sendoff, and show the command above its output."""
    words = [*arguments, *(("--now", f"{at:%Y-%m-%dT%H:%M:%SZ}") if at else ())]
    if show:
        say(f"$ sendoff {shlex.join(words)}")
    return call(SENDOFF, *words, quiet=not show)


def prepare() -> None:
    """A remote, a clone with the campaigns, and the merge that approves them."""
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    call("git", "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    call("git", "clone", "--quiet", "remote.git", "work")
    shutil.copytree(HERE / "campaigns", WORK / "campaigns")
    shutil.copytree(HERE / "schemas", WORK / "schemas")
    shutil.copy(HERE / ".gitignore", WORK)
    settings = (HERE / "sendoff.yaml").read_text("utf-8")
    settings, count = re.subn(
        r"(?m)^state: .*$",
        "state: {backend: git, branch: sendoff-state, approved_branch: main, remote: origin}",
        settings,
    )
    if count != 1:
        sys.exit("demo: sendoff.yaml has no line `state: …`")
    (WORK / "sendoff.yaml").write_text(settings, "utf-8")
    call("git", "checkout", "--quiet", "-B", "main")
    call("git", "config", "user.name", "Demo")
    call("git", "config", "user.email", "demo@example.org")
    call("git", "add", ".")
    stamp = f"{MERGED:%Y-%m-%dT%H:%M:%SZ}"
    ENVIRONMENT.update(GIT_AUTHOR_DATE=stamp, GIT_COMMITTER_DATE=stamp)
    call("git", "commit", "--quiet", "-m", "Merge pull request: Bros & Brews 2025")
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        del ENVIRONMENT[name]
    call("git", "push", "--quiet", "origin", "main")


def a_week_of_cron() -> None:
    """One line for every job that a run sent something of."""
    now, quiet = FIRST + CRON, 0
    jobs = json.loads(sendoff("status", "--json", at=FIRST, show=False))["jobs"]
    before = {job["job_id"]: job["sent_count"] for job in jobs}
    while now <= LAST:
        result = json.loads(sendoff("run", "--json", at=now, show=False))
        quiet += not result["sent"]
        for job in result["jobs"]:
            name, count = job["job_id"], job["sent_count"]
            if result["sent"] and count > before.get(name, 0):
                say(f"  {now:%a %d %b %H:%M} UTC  {count - before.get(name, 0):>4} sent  {name}")
            before[name] = count
        now += CRON
    say(f"  and {quiet} runs with nothing to do")


def where_to_look() -> None:
    """The mails, the ledger, and how to see more."""
    mails = sum(1 for _ in (WORK / "outbox").rglob("*.eml"))
    call("git", "fetch", "--quiet", "origin", "sendoff-state:refs/remotes/origin/sendoff-state")
    log = call("git", "log", "-3", "--format=%h %s", "origin/sendoff-state").splitlines()
    say(f"  {mails} mails, one file each:{' ' * (8 - len(str(mails)))}.demo/work/outbox/")
    say("  the ledger, a branch:      git -C .demo/work log -p origin/sendoff-state")
    for line in log:
        say(f"      {line}")
    say("  the mails in a browser:    .venv/bin/sendoff preview bros-and-brews-2025 --open")


def main() -> None:
    """Tell the story."""
    heading("A pull request was merged: three campaigns. The ledger is made, on a branch.")
    prepare()
    sendoff("init", at=MERGED)
    heading("What would be sent, to how many, and when? (the reviewer read this)")
    sendoff("plan", DRIP, at=FIRST)
    heading("Cron starts a run ten minutes early: mails are handed over, each for its time.")
    sendoff("run", at=FIRST)
    heading("Cron starts it again, by mistake. Nobody is mailed twice.")
    sendoff("run", at=FIRST + timedelta(minutes=1))
    heading("A week goes by: cron every eight hours. Each run knows what the ledger says, no more.")
    a_week_of_cron()
    heading("What has become of it all?")
    sendoff("status", at=LAST)
    heading("Look for yourself")
    where_to_look()


if __name__ == "__main__":
    main()
