"""``sendoff new``, driven through a pseudo-terminal as a person drives it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.workspace import WorkspaceFiles, load
from tests.acceptance.bench import Bench, GitBench, git

NOW = "2025-10-17T14:00:00Z"  # a Friday, 09:00 in Chicago
DEADLINE = 60.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x01|\x02")
PROMPT = re.compile(r"(?:^|\n)(?:\[[^\n]*\] > |> |\| )$")

LIST = """\
source: {type: csv, path: people.csv}
columns: {email: email, firstName: firstName, region: region, timezone: tz, opted_out: out}
"""
PEOPLE = """\
email,firstName,region,tz,out
ann@example.com,Ann,Europe,Europe/London,
bob@example.com,Bob,Europe,Europe/Berlin,
cy@example.com,,Africa,,
dee@example.com,Dee,Africa,Africa/Nairobi,
eve@example.com,Eve,Africa,,yes
"""
EVENT = """\
---
subject: "{{ eventName }} is near"
requires: [eventName]
---
<p>Hi {{ firstName|default('friend', true) }}, see you at {{ eventName }} in {{ venue }}.</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>
"""

# Ctrl-C must reach it as from a keyboard: the terminal is to be its own
START = """\
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from runner.cli import entry
entry()
"""


class Person:
    """Someone at a terminal of 80 columns who starts ``sendoff new`` and reads what it says."""

    def __init__(self, bench: Bench, **environ: str | None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = self.raw = self._screen = ""
        fixed = {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
        home = {"HOME": str(bench.root), "INPUTRC": "/dev/null", "PATH": os.environ["PATH"]}
        home["SENDOFF_CACHE"] = ""  # its home is the workspace, where nothing else may appear
        wanted = {**home, **fixed, **bench.environ, **environ}
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, "--root", str(bench.root), "new", "--now", NOW],
            cwd=Path(__file__).resolve().parents[2],
            env={name: value for name, value in wanted.items() if value is not None},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def answer(self, text: str) -> str:
        """Type a line at the prompt; returns what is shown up to the next one."""
        return self.type(text.encode() + b"\n")

    def type(self, keys: bytes) -> str:
        self._screen = ""
        os.write(self._master, keys)
        return self.wait()

    def interrupt(self) -> int:
        """Press Ctrl-C, and again while nothing happens; returns the exit code.

        Python's readline overhears a signal that comes between its prompt and its waiting.
        """
        self._screen = ""
        while "Nothing was written." not in self._shown():
            os.write(self._master, b"\x03")
            while select.select([self._master], [], [], 2.0)[0] and self._read():
                pass
        self.seen += self._shown()
        return self.code()

    def wait(self) -> str:
        """What is shown up to the next prompt, or the end."""
        limit = time.monotonic() + DEADLINE
        while not PROMPT.search(self._shown()):
            left = limit - time.monotonic()
            assert left > 0, f"no prompt after:\n{self._shown()}"
            if select.select([self._master], [], [], left)[0] and not self._read():
                break
        self.seen += self._shown()
        return self._shown()

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self._screen += data.decode("utf-8", "replace")
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    def _shown(self) -> str:
        return ESCAPES.sub("", self._screen).replace("\r", "")

    def code(self) -> int:
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    return furnish(bench)


def furnish(bench: Any) -> Any:
    bench.workspace()
    bench.write("campaigns/lists/people.yaml", LIST)
    bench.write("campaigns/lists/people.csv", PEOPLE)
    bench.write("campaigns/templates/event.html", EVENT)
    return bench


@pytest.fixture
def people() -> Iterator[Any]:
    """Starts persons; they go home after the test."""
    started: list[Person] = []

    def start(bench: Bench, **environ: str | None) -> Person:
        started.append(Person(bench, **environ))
        started[-1].wait()
        return started[-1]

    yield start
    for person in started:
        person.close()


def finish(person: Person, *answers: str) -> str:
    """Give these answers; returns what is shown after the last."""
    shown = ""
    for text in answers:
        assert person.process.poll() is None, f"it ended before {text!r}:\n{person.seen}"
        shown = person.answer(text)
    return shown


WHO = ("people", "")
IMMEDIATE = (*WHO, "hello", "", "immediate", "Hello all", "")
SCHEDULED = (
    *("people", "contact.region == 'Africa'", "event", "Bros & Brews", "The Inn", ""),
    *("scheduled", "America/Chicago", "2025-10-20 09:00", "An event", "2025/event"),
)
DRIP = (
    *(*WHO, "write it here", "Welcome, {{ firstName|default('friend', true) }}", "Read this"),
    *("Hello & welcome, see https://f3.example/a.", "", "We meet on Saturdays.", "."),
    *("drip", "recipient", "", "2025-10-20 09:00", "continuous", "welcome"),
    *("yes", "3d", "event", "Bros & Brews", "The Inn", "", "", "sent('welcome')", "no"),
    *("Welcome to F3", ""),
)
RECURRING = (
    *(*WHO, "hello", "A weekly hello", "recurring", "Europe/London", "weekly", "Monday"),
    *("09:00", "2026-06-30", "Weekly", ""),
)
KINDS = {"immediate": IMMEDIATE, "scheduled": SCHEDULED, "drip": DRIP, "recurring": RECURRING}
FILES = {
    "immediate": "hello-all",
    "scheduled": "2025/event",
    "drip": "welcome-to-f3",
    "recurring": "weekly",
}


def written(bench: Bench) -> set[str]:
    """Every file of the workspace, temporary ones too."""
    found = (path.relative_to(bench.root).as_posix() for path in bench.root.rglob("*"))
    return {path for path in found if not path.startswith(".git/") and "__pycache__" not in path}


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_become_a_campaign_that_is_sound(kind, bench, people):
    before = written(bench)
    person = people(bench)
    shown = finish(person, *KINDS[kind])
    assert f"Write campaigns/{FILES[kind]}.yaml?" in shown
    assert written(bench) == before
    last = person.answer("yes")
    assert person.code() == 0, last
    assert f"Wrote campaigns/{FILES[kind]}.yaml." in last
    new = {path for path in written(bench) - before if path.endswith(".yaml")}
    assert new == {f"campaigns/{FILES[kind]}.yaml"}
    workspace = load(WorkspaceFiles(bench.root))
    assert not workspace.problems
    assert type(workspace.campaigns[FILES[kind]].schedule).__name__.lower() == kind
    validated = bench.sendoff("validate")
    assert validated.code == 0, validated.out
    # the plan that was shown is the plan that there is
    plan = bench.sendoff("plan", FILES[kind], "--until", "18d", "--now", NOW).out.splitlines()
    head = next(line for line in plan if "due" in line)
    assert head.split("  ")[0] in person.seen


def test_what_was_asked_is_what_is_in_the_file(bench, people):
    person = people(bench)
    finish(person, *SCHEDULED, "yes")
    assert person.code() == 0
    text = (bench.root / "campaigns/2025/event.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../../schemas/campaign.schema.json\n")
    campaign = load(WorkspaceFiles(bench.root)).campaigns["2025/event"]
    assert (campaign.audience.name, campaign.audience.where) == (
        "people",
        "contact.region == 'Africa'",
    )
    assert campaign.variables == {"eventName": "Bros & Brews", "venue": "The Inn"}
    assert campaign.steps[0].content.template == "event"


def test_the_terminal_shows_counts_times_and_a_preview(bench, people):
    person = people(bench)
    assert "people · 4 of 5 contacts may be mailed (1 opted out)" in person.seen
    shown = finish(person, "people", "contact.region == 'Africa'")
    assert "2 of 4 contacts get it." in shown
    shown = finish(person, "event", "Bros & Brews", "The Inn", "")
    assert "Subject     Bros & Brews is near" in shown
    assert "Hi friend, see you at Bros & Brews in The Inn." in shown
    assert "@example.com" not in person.seen
    shown = finish(person, "scheduled", "America/Chicago", "2025-10-20 09:00")
    assert "First send at Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 3 days." in shown


def test_the_next_three_of_a_recurring_campaign_are_shown(bench, people):
    person = people(bench)
    finish(person, *WHO, "hello", "", "recurring", "Europe/London", "cron")
    shown = person.answer("0 9 * * MON")
    assert "every Monday at 09:00" in shown
    assert "First send at  Mon 20 Oct 2025 09:00 BST (UTC+01:00), in 3 days" in shown
    assert "Mon 27 Oct 2025 09:00 GMT" in shown
    assert "Mon 3 Nov 2025 09:00 GMT" in shown


def test_a_wrong_time_zone_and_the_one_that_was_meant(bench, people):
    person = people(bench)
    shown = finish(person, *WHO, "hello", "", "scheduled", "Amerika/Chicago")
    assert "There is no time zone “Amerika/Chicago”. Did you mean:" in shown
    assert shown.endswith("[America/Chicago] > ")
    finish(person, "", "2025-10-20 09:00", "", "zoned", "yes")
    assert person.code() == 0
    schedule: Any = load(WorkspaceFiles(bench.root)).campaigns["zoned"].schedule
    assert schedule.timezone == "America/Chicago"


def test_a_past_time_is_doubted(bench, people):
    person = people(bench)
    shown = finish(person, *WHO, "hello", "", "scheduled", "", "2025-10-10 09:00")
    assert "That time is past: it counts as missed, and is held until someone decides." in shown
    assert "On what day" in finish(person, "no")
    shown = finish(person, "2026-03-08 02:30")
    assert "The clocks skip Sun 8 Mar 2026 02:30 in America/Chicago: it is sent at 03:30." in shown


def test_back_changes_an_answer(bench, people):
    person = people(bench)
    finish(person, "people", "contact.region == 'Africa'", "hello")
    shown = finish(person, "<", "<")
    # the answer that is being changed is there to be kept
    assert shown.endswith("[contact.region == 'Africa'] > ")
    finish(person, "contact.region == 'Europe'", "hello", "", "immediate", "", "europe", "yes")
    assert person.code() == 0
    campaign = load(WorkspaceFiles(bench.root)).campaigns["europe"]
    assert campaign.audience.where == "contact.region == 'Europe'"


def test_a_name_that_exists_is_not_taken_twice(bench, people):
    bench.campaign("hello-all")
    kept = (bench.root / "campaigns/hello-all.yaml").read_bytes()
    person = people(bench)
    shown = finish(person, *IMMEDIATE[:-1])
    assert shown.endswith("[hello-all-2] > ")
    shown = finish(person, "HELLO-all")
    assert "There is a campaign HELLO-all already." in shown
    assert finish(person, "lists/x").count("The folder lists holds no campaigns.")
    finish(person, "hello-all", "", "yes")
    assert person.code() == 0
    assert (bench.root / "campaigns/hello-all-2.yaml").exists()
    assert (bench.root / "campaigns/hello-all.yaml").read_bytes() == kept


def test_a_file_made_in_the_meantime_is_not_overwritten(bench, people):
    person = people(bench)
    finish(person, *IMMEDIATE)
    bench.write("campaigns/hello-all.yaml", "of somebody else\n")
    last = person.answer("yes")
    assert person.code() == 2
    assert "nothing written" in last
    assert (bench.root / "campaigns/hello-all.yaml").read_text() == "of somebody else\n"
    assert not list(bench.root.rglob("*.sendoff"))


@pytest.mark.parametrize("answered", range(len(DRIP) + 1))
def test_ctrl_c_at_any_question_writes_nothing(answered, bench, people):
    before = written(bench)
    person = people(bench)
    finish(person, *DRIP[:answered])
    assert person.interrupt() == 130
    assert written(bench) == before


@pytest.mark.parametrize("answered", [0, 4, len(DRIP)])
def test_ctrl_d_is_the_same(answered, bench, people):
    before = written(bench)
    person = people(bench)
    finish(person, *DRIP[:answered])
    person.type(b"\x04")
    assert person.code() == 130
    assert written(bench) == before


def test_no_as_the_last_answer_writes_nothing(bench, people):
    before = written(bench)
    person = people(bench)
    assert "Nothing was written." in finish(person, *IMMEDIATE, "no")
    assert person.code() == 0
    assert written(bench) == before


def test_without_a_terminal_the_docs_are_named(bench):
    done = bench.sendoff("new")
    assert done.code == 2
    assert "docs/writing-campaigns.md" in done.err
    assert not done.out


def test_without_lists_nothing_can_be_asked(bench, people):
    (bench.root / "campaigns/lists/people.yaml").unlink()
    person = people(bench)
    assert person.code() == 2
    assert "there are no lists yet" in person.seen


def test_a_terminal_that_knows_ascii_only(bench, people):
    person = people(bench, PYTHONIOENCODING="ascii", LC_ALL="C", TERM="dumb")
    shown = finish(person, *WHO, "hello", "", "scheduled", "Amerika/Chicago")
    assert shown.isascii()
    assert "x There is no time zone" in shown
    refused = person.type("Zürich\n".encode())
    assert "in this terminal's encoding" in refused or "cannot be read" in refused
    finish(person, "Europe/Zurich", "2025-10-20 09:00", "", "plain", "yes")
    assert person.seen.isascii()
    assert person.code() == 0


def test_colour_only_where_it_is_wanted(bench, people):
    assert "\x1b[1m" not in people(bench).raw
    assert "\x1b[1m" not in people(bench, NO_COLOR="", TERM="dumb").raw
    coloured = people(bench, NO_COLOR=None)
    assert "\x1b[1m" in coloured.raw


class TestGit:
    @pytest.fixture
    def bench(self, tmp_path: Path) -> GitBench:
        bench = furnish(GitBench.make(tmp_path))
        bench.merge("Start")
        for name, value in (("user.name", "Ann"), ("user.email", "ann@example.com")):
            git(bench.root, "config", name, value)
        return bench

    def dirty(self, bench: GitBench) -> None:
        """Changes of the person's own: one staged, one not, one not tracked."""
        bench.write("campaigns/lists/people.csv", PEOPLE + "fay@example.com,Fay,Europe,,\n")
        git(bench.root, "add", "campaigns/lists/people.csv")
        bench.write("campaigns/templates/hello.html", "---\nsubject: Hi\n---\n<p>Hi</p>\n")
        bench.write("notes.txt", "mine\n")

    def test_a_branch_with_that_file_and_nothing_else(self, bench, people):
        self.dirty(bench)
        person = people(bench)
        shown = finish(person, *IMMEDIATE, "branch")
        assert shown.endswith("[campaign/hello-all] > ")
        main = git(bench.root, "rev-parse", "main")
        remote = git(bench.remote, "for-each-ref")
        last = finish(person, "", "yes")
        assert person.code() == 0, last
        assert "Committed on campaign/hello-all; not pushed." in last
        assert git(bench.root, "branch", "--show-current").strip() == "campaign/hello-all"
        changed = git(bench.root, "show", "--name-status", "--format=", "HEAD").split()
        assert changed == ["A", "campaigns/hello-all.yaml"]
        status = git(bench.root, "status", "--porcelain").splitlines()
        assert status == [
            "M  campaigns/lists/people.csv",
            " M campaigns/templates/hello.html",
            "?? notes.txt",
        ]
        assert git(bench.root, "rev-parse", "main") == main
        assert git(bench.remote, "for-each-ref") == remote

    def test_here_commits_on_the_branch_that_is_checked_out(self, bench, people):
        person = people(bench)
        last = finish(person, *IMMEDIATE, "here", "yes")
        assert person.code() == 0, last
        assert git(bench.root, "log", "-1", "--format=%s").strip() == "Add the campaign hello-all"
        assert git(bench.root, "branch", "--show-current").strip() == "main"

    def test_no_only_writes_the_file(self, bench, people):
        person = people(bench)
        head = git(bench.root, "rev-parse", "HEAD")
        finish(person, *IMMEDIATE, "no", "yes")
        assert person.code() == 0
        assert git(bench.root, "rev-parse", "HEAD") == head
        assert git(bench.root, "status", "--porcelain").split() == [
            "??",
            "campaigns/hello-all.yaml",
        ]

    @pytest.mark.parametrize("answers", [(), ("branch",), ("branch", "")], ids=len)
    def test_ctrl_c_leaves_git_alone(self, answers, bench, people):
        before = (git(bench.root, "for-each-ref"), git(bench.root, "status", "--porcelain"))
        person = people(bench)
        finish(person, *IMMEDIATE, *answers)
        assert person.interrupt() == 130
        assert before == (git(bench.root, "for-each-ref"), git(bench.root, "status", "--porcelain"))
