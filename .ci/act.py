"""``make test-act``: the workflows and the action, executed whole by ``act`` on this machine.

A club's repository with a bare remote, made by ``sendoff init``; jobs run without a container.
What is stood in for, since there is no GitHub here: its own actions, and ``gh``, which writes down
what it is asked.  What is installed is a wheel of this checkout.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
KEY = "a key for this trial, and for nothing else"
NAME = "club/mail"
SCRUBBED = ("GITHUB_", "RUNNER_", "ACTIONS_", "INPUT_", "SENDOFF_", "SENDGRID_", "SMTP_", "GIT_")
CHECKOUT = """\
name: stand-in for checkout
description: clones the remote; act copies the clone here by itself where no ref is named
inputs: {ref: {required: true}, persist-credentials: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REF: "${{ inputs.ref }}"}
      run: git clone --quiet --branch "$REF" "$REMOTE" .
"""
UPLOAD = """\
name: stand-in for upload-artifact
description: copies to a directory
inputs: {name: {required: true}, path: {required: true}, retention-days: {required: false}}
outputs: {artifact-url: {value: "https://artifacts.example/1"}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FROM: "${{ inputs.path }}", NAME: "${{ inputs.name }}"}
      run: mkdir -p "$ARTIFACTS/$NAME" && cp -r "$FROM/." "$ARTIFACTS/$NAME"
"""
DOWNLOAD = """\
name: stand-in for download-artifact
description: copies from a directory
inputs: {name: {required: true}, path: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {TO: "${{ inputs.path }}", NAME: "${{ inputs.name }}"}
      run: mkdir -p "$TO" && cp -r "$ARTIFACTS/$NAME/." "$TO"
"""
GH = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
here, words = pathlib.Path(os.environ["GH_STANDIN"]), sys.argv[1:]
files = [w.partition("=@")[2] for w in words if "=@" in w]
files += [b for a, b in zip(words, words[1:]) if a == "--body-file"]
body = pathlib.Path(files[0]).read_text() if files else ""
with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({"words": words, "body": body, "token": os.environ["GH_TOKEN"]}) + "\\n")
if "--jq" in words:
    print((here / "comments").read_text(), end="")
"""
PYTHON = """\
#!/usr/bin/env bash
# the same venv each time is copied, not made: one is as good as the other, and this is quicker
if [ "$1 $2" = "-m venv" ]; then exec cp -rl "$TEMPLATE" "$3"; fi
PATH="${PATH#*:}" exec python3 "$@"
"""
OWN_WORKFLOW = """\
name: By the action
on: [workflow_dispatch]
jobs:
  all:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - uses: club/sendoff@v1
        with: {command: validate}
      - uses: club/sendoff@v1
        id: plan
        with: {command: plan, args: --base HEAD^1}
      - uses: club/sendoff@v1
        with: {command: preview, args: 'welcome --out "some pages"'}
      - run: test -f "some pages/index.html" && test "$CODE" = 0
        env: {CODE: "${{ steps.plan.outputs.exit-code }}"}
      - uses: club/sendoff@v1
        with: {command: run}
        env: {SENDOFF_STATE_KEY: "${{ secrets.SENDOFF_STATE_KEY }}"}
      - uses: club/sendoff@v1
        id: wrong
        continue-on-error: true
        with: {command: 'run; touch wrong'}
      - run: test ! -e wrong && test "$OUTCOME" = failure
        env: {OUTCOME: "${{ steps.wrong.outcome }}"}
"""


def call(*command: str | Path, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a program that must succeed; returns what it said."""
    done = subprocess.run(  # noqa: S603 - programs of this trial
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(holds: object, what: str, output: str = "") -> None:
    """End the trial unless it holds."""
    if not holds:
        sys.exit(f"not so: {what}\n{output}")


# -- the place -----------------------------------------------------------------------------------


@dataclass
class Club:
    """A repository with campaigns, its remote, and what stands in for GitHub.

    ``quick``: jobs find sendoff installed, instead of each installing it.
    """

    place: Path
    runs: int = field(default=0)
    quick: bool = False

    @property
    def work(self) -> Path:
        """The clone that the jobs see."""
        return self.place / "work"

    @property
    def environ(self) -> dict[str, str]:
        """What programs here get beside what the machine gives them."""
        path = os.environ["PATH"].split(os.pathsep)
        path = [one for one in path if Path(one) != BIN]  # sendoff is what a job installs
        own = [str(self.place / "quick"), str(self.place / "bin")][not self.quick :]
        return {
            "PATH": os.pathsep.join([*own, *path]),
            "TEMPLATE": str(self.place / "template"),
            "HOME": str(self.place / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Ada",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "ada@example.org",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.place / "wheels"),
            "PIP_NO_COMPILE": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "ARTIFACTS": str(self.place / "artifacts"),
            "REMOTE": str(self.place / "remote.git"),
            "GH_STANDIN": str(self.place / "gh"),
        }

    def git(self, *words: str) -> str:
        """Git in the clone."""
        return call("git", *words, cwd=self.work, environ=self.environ)

    def remote(self, *words: str) -> str:
        """Git in the remote."""
        return call("git", *words, cwd=self.place / "remote.git", environ=self.environ)

    @contextmanager
    def proposal(self, path: str, old: str, new: str) -> Iterator[None]:
        """The clone as a pull request's job has it: the merge of a change."""
        file = self.work / path
        expect(old in file.read_text(), f"{path} holds {old!r}")
        self.git("checkout", "--quiet", "--detach")
        file.write_text(file.read_text().replace(old, new))
        self.git("commit", "--quiet", "--all", "--message", "Change it")
        change = self.git("rev-parse", "HEAD").strip()
        self.git("checkout", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", "Merge it", change)
        try:
            yield
        finally:
            self.git("reset", "--quiet", "--hard", "origin/main")

    def calls(self) -> list[dict[str, Any]]:
        """What ``gh`` was asked since the last time."""
        file = self.place / "gh/calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def act(
        self, workflow: str, event: str, payload: Mapping[str, Any], *more: str
    ) -> tuple[int, str]:
        """Execute a workflow of the clone; returns act's exit code and all that was said."""
        self.runs += 1
        file = self.place / f"event-{self.runs}.json"
        repository = {"default_branch": "main", "full_name": NAME}
        file.write_text(json.dumps({"repository": repository, **payload}))
        command = [str(BIN / "act"), event, "--workflows", f".github/workflows/{workflow}"]
        command += ["--eventpath", str(file), "--platform", "ubuntu-24.04=-self-hosted"]
        command += ["--env", f"GITHUB_REPOSITORY={NAME}", "--env", f"GITHUB_RUN_ID={self.runs}"]
        command += ["--actor", "ada", "--secret", "GITHUB_TOKEN=a-token"]
        command += ["--secret", f"SENDOFF_STATE_KEY={KEY}", *self._stand_ins(workflow), *more]
        done = subprocess.run(  # noqa: S603 - act, from the venv
            command,
            cwd=self.work,
            env={**os.environ, **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _stand_ins(self, workflow: str) -> Iterator[str]:
        text = (self.work / ".github/workflows" / workflow).read_text()
        for kind in ("checkout", "upload-artifact", "download-artifact"):
            for used in re.findall(rf"uses: (actions/{kind}@\S+)", text):
                yield from ("--local-repository", f"{used}={self.place / kind}")
        yield from ("--local-repository", f"club/sendoff@v1={self.place / 'sendoff'}")


def prepare(place: Path) -> Club:
    """Wheels, stand-ins, and the club's repository as ``sendoff init`` makes it."""
    club = Club(place)
    for name in ("bin", "quick", "home", "wheels", "gh", "artifacts"):
        (place / name).mkdir()
    actions = {"checkout": CHECKOUT, "upload-artifact": UPLOAD, "download-artifact": DOWNLOAD}
    for name, text in actions.items():
        (place / name).mkdir()
        (place / name / "action.yml").write_text(text)
    for name, text in (("bin/gh", GH), ("quick/python3", PYTHON)):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    (place / "gh/comments").touch()
    _copy_checkout(place / "sendoff")
    # hatchling: the action builds its own checkout
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", place / "wheels")
    call(*pip, place / "sendoff", "hatchling>=1.25,<2", cwd=place)
    call("python3", "-m", "venv", place / "template", cwd=place, environ=club.environ)
    pip = (place / "template/bin/pip", "install", "--quiet", "sendoff")
    call(*pip, cwd=place, environ=club.environ)
    call("git", "init", "--quiet", "--bare", "-b", "main", "remote.git", cwd=place)
    call("git", "clone", "--quiet", "remote.git", "work", cwd=place)
    club.git("checkout", "--quiet", "-B", "main")
    environ = {**club.environ, "SENDOFF_STATE_KEY": KEY}
    call(BIN / "sendoff", "init", "--backend", "git", cwd=club.work, environ=environ)
    (club.work / ".github/workflows/own.yml").write_text(OWN_WORKFLOW)
    merge(club, "Start with sendoff")
    return club


def merge(club: Club, message: str) -> None:
    """Put what the clone holds on the remote's main branch."""
    club.git("add", ".")
    club.git("commit", "--quiet", "--allow-empty", "--message", message)
    club.git("push", "--quiet", "origin", "main")


def _copy_checkout(target: Path) -> None:
    """This checkout as git sees it: no venv, nothing that is ignored."""
    listed = call("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=HERE)
    for name in filter(None, listed.split("\0")):
        if (HERE / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, target / name)


def pull_request(head: str = NAME) -> dict[str, Any]:
    """The event of a pull request from a repository."""
    asked = {"number": 7, "head": {"repo": {"full_name": head}}, "user": {"login": "ada"}}
    return {"action": "opened", "number": 7, "pull_request": asked}


# -- the trials ------------------------------------------------------------------------------------


def a_good_pull_request(club: Club) -> None:
    """The plan in the summary and in a new comment, the mails as pages."""
    with club.proposal("campaigns/welcome.yaml", "Good to have you", "Glad you came"):
        code, said = club.act("validate.yml", "pull_request", pull_request())
    expect(code == 0, "the checks pass", said)
    review = club.place / "artifacts/review"
    expect("Welcome" in (review / "plan.html").read_text(), "the plan is uploaded as a page")
    page = (review / "mails/index.html").read_text()
    expect("Glad you came" in page and "Good to have you" in page, "the mails before and after")
    looked, written = club.calls()
    expect(f"repos/{NAME}/issues/7/comments" in looked["words"], "it looks for its comment")
    expect("POST" in written["words"], "there was none, so it writes one", str(written))
    expect("3 mails to go" in written["body"], "the plan is in the comment", written["body"])
    expect("https://artifacts.example/1" in written["body"], "the pages are linked")


def a_broken_pull_request(club: Club) -> None:
    """Annotations at the lines, the comment renewed, and the check fails."""
    (club.place / "gh/comments").write_text("41\n42\n")
    with club.proposal("campaigns/welcome.yaml", "list: readers", "list: raeders"):
        code, said = club.act("validate.yml", "pull_request", pull_request())
    expect(code != 0, "the check fails", said)
    expect("raeders" in said and "campaigns/welcome.yaml" in said, "it says where", said)
    _, written = club.calls()
    expect("PATCH" in written["words"], "the comment is renewed", str(written))
    expect(f"repos/{NAME}/issues/comments/41" in written["words"], "and it is that one")
    expect("raeders" in written["body"], "the errors stand in it", written["body"])


def a_pull_request_from_a_fork(club: Club) -> None:
    """All but the comment."""
    with club.proposal("campaigns/welcome.yaml", "Good to have you", "Glad you came"):
        code, said = club.act("validate.yml", "pull_request", pull_request("someone/else"))
    expect(code == 0, "the checks pass", said)
    expect(not club.calls(), "there is no comment")


def a_run(club: Club) -> None:
    """Sends once; the ledger is on the remote."""
    code, said = club.act("run.yml", "schedule", {"schedule": "7,37 * * * *"})
    expect(code == 0 and "3 mails sent" in said, "the run sends", said)
    kept = club.remote("ls-tree", "-r", "--name-only", "sendoff-state")
    expect("state/ledger/welcome/" in kept, "the ledger is on its branch", kept)
    code, said = club.act("run.yml", "schedule", {"schedule": "7,37 * * * *"})
    expect(code == 0 and "Nothing sent" in said, "the next run sends nothing", said)


def a_run_that_is_held(club: Club) -> None:
    """It is red, and the summary says why."""
    file = club.work / "campaigns/second.yaml"
    text = (club.work / "campaigns/welcome.yaml").read_text()
    file.write_text(text.replace("name: Welcome", "name: Second") + "guards: {max_recipients: 2}\n")
    merge(club, "Ask for too much")
    code, said = club.act("run.yml", "workflow_dispatch", {})
    expect(code != 0 and "max_recipients" in said, "it is held, and the job is red", said)
    file.unlink()
    merge(club, "Take it back")


def the_action(club: Club) -> None:
    """A workflow that has no code of its own."""
    with club.proposal("campaigns/welcome.yaml", "Good to have you", "Glad you came"):
        code, said = club.act("own.yml", "workflow_dispatch", {})
    expect(code == 0, "every command of the action does its work", said)
    expect("Glad you came" in said or "Welcome" in said, "the plan is in the summary", said)


def a_cancellation(club: Club) -> None:
    """A branch with the one change, and a pull request for it."""
    asked_for = {"inputs": {"campaign": "welcome"}}
    code, said = club.act("cancel.yml", "workflow_dispatch", asked_for)
    expect(code == 0, "the pull request is opened", said)
    (asked,) = club.calls()
    branch = asked["words"][asked["words"].index("--head") + 1]
    expect(asked["words"][:2] == ["pr", "create"], "by gh", str(asked))
    expect(
        "@ada" in asked["body"] and "mails sent" in asked["body"],
        "it says who and how many",
        asked["body"],
    )
    changed = club.remote("diff", "--unified=0", "main", branch)
    expect("+status: cancelled" in changed, "the campaign is cancelled there", changed)
    expect(changed.count("\n+") == 2, "and nothing else is changed", changed)
    expect("status: active" in club.remote("show", "main:campaigns/welcome.yaml"), "not on main")


def a_hostile_name(club: Club) -> None:
    """A campaign's name is never run."""
    mark = club.place / "run by a name"
    before = club.remote("for-each-ref")
    for file, name in (("cancel.yml", "campaign"), ("retry.yml", "job")):
        given = {"inputs": {name: f'x"; touch "{mark}"; $(touch "{mark}")'}}
        code, said = club.act(file, "workflow_dispatch", given)
        expect(code != 0 and "That is no" in said, "it is refused", said)
    expect(not mark.exists(), "nothing of it is run")
    expect(not club.calls() and club.remote("for-each-ref") == before, "nothing is pushed")


def a_retry(club: Club) -> None:
    """By the person who asked for it, in the summary."""
    code, said = club.act("retry.yml", "workflow_dispatch", {"inputs": {"job": "welcome/main"}})
    expect(code == 0 and "Nothing of welcome/main has failed" in said, "nothing had failed", said)


def a_check_after_a_merge(club: Club) -> None:
    """The doctor learns from GitHub that the schedule is switched off."""
    for state, good in (("active", True), ("disabled_inactivity", False)):
        with github_api(state) as url:
            more = ("--env", f"GITHUB_API_URL={url}")
            code, said = club.act("doctor.yml", "push", {"ref": "refs/heads/main"}, *more)
        expect((code == 0) == good, f"{state}: {'all well' if good else 'red'}", said)
        expect(good or "gh workflow enable run.yml" in said, "it says what helps", said)


@contextmanager
def github_api(state: str) -> Iterator[str]:
    """A server that knows the state of one workflow."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.startswith(f"/repos/{NAME}/actions/workflows/run.yml")
            answer: dict[str, Any] = {"state": state, "workflow_runs": []}
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


TRIALS: tuple[Callable[[Club], None], ...] = (
    a_good_pull_request,
    a_broken_pull_request,
    a_pull_request_from_a_fork,
    a_run,
    a_run_that_is_held,
    the_action,
    a_cancellation,
    a_hostile_name,
    a_retry,
    a_check_after_a_merge,
)


def main() -> None:
    """Every trial, or those named."""
    wanted = sys.argv[1:]
    # on GitHub this is a step itself, and what it was given is not for the steps in here
    for name in [one for one in os.environ if one.startswith(SCRUBBED)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="sendoff-act-") as directory:
        club = prepare(Path(directory))
        for trial in TRIALS:
            if not wanted or trial.__name__ in wanted:
                # these two install for themselves, from a wheel and from the checkout
                club.quick = trial not in (a_good_pull_request, the_action)
                trial(club)
                sys.stdout.write(f"{trial.__name__.replace('_', ' ')}: ok\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
