"""``make test-postfix``: runs over SMTP against postfix's own ``smtp-sink``.

It takes everything, refuses, or hangs up, with PIPELINING and without; whatever the first run could
not send for the time being the second must, once, and the third nothing. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SENDOFF = Path(sys.executable).with_name("sendoff")
SINK = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONTACTS = 250
BATCH = 100
"""Contacts of the first batch."""
PATIENCE = 100


def free_port() -> int:
    """A port of the loopback device that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int) -> None:
    """Return once something listens."""
    for _ in range(PATIENCE):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("smtp-sink does not listen")


def sendoff(root: Path, *arguments: str) -> None:
    """Run sendoff; anything but success ends the trial."""
    done = _sendoff(root, *arguments)
    if done.returncode != 0:
        sys.exit(f"sendoff {arguments[0]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def _sendoff(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [str(SENDOFF), *arguments],
        cwd=root,
        env={
            "PATH": os.environ["PATH"],
            "SENDOFF_STATE_KEY": "a key for this trial, and for nothing else",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def run(root: Path) -> dict[str, Any]:
    """What ``sendoff run`` says of itself; exit codes 3 and 4 are said as well."""
    done = _sendoff(root, "run", "--json")
    if done.returncode not in (0, 3, 4):
        sys.exit(f"sendoff run: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def workspace(root: Path, port: int) -> None:
    """The starter's workspace with more contacts and an SMTP server."""
    sendoff(root, "init")
    settings = root / "sendoff.yaml"
    text = settings.read_text("utf-8").replace("provider: outbox", "provider: smtp", 1)
    text += f"providers:\n  smtp: {{host: 127.0.0.1, port: {port}, security: none}}\n"
    settings.write_text(text, "utf-8")
    rows = "".join(f"reader{n}@example.com,Reader {n},,no\n" for n in range(CONTACTS))
    (root / "campaigns/lists/readers.csv").write_text(
        f"Email,First Name,TZ,Unsubscribed\n{rows}", "utf-8"
    )


def recipients(sink: Path) -> list[str]:
    """The envelope recipient of every mail that the server took, sorted."""
    found: list[str] = []
    for dump in sink.glob("mail.*"):
        found += re.findall(r"(?m)^X-Rcpt-Args: <(.+?)>", dump.read_text("utf-8", "replace"))
    return sorted(found)


@dataclass(frozen=True)
class Trial:
    """smtp-sink with ``options``, and what a run against it must say; then it must get the rest."""

    options: tuple[str, ...]
    sent: int
    failed: int
    exit_code: int


TRIALS = (
    Trial((), CONTACTS, 0, 0),
    Trial(("-p",), CONTACTS, 0, 0),  # without PIPELINING
    Trial(("-8",), CONTACTS, 0, 0),  # without 8BITMIME
    Trial(("-r", "rcpt"), 0, 0, 4),  # 4xx to every RCPT
    Trial(("-r", "data"), 0, 0, 4),
    Trial(("-f", "rcpt"), 0, BATCH, 4),  # 5xx to every RCPT
    Trial(("-f", "data"), 0, BATCH, 4),
    Trial(("-q", "rcpt"), 0, 0, 4),  # hangs up
    Trial(("-p", "-r", "rcpt"), 0, 0, 4),
    Trial(("-p", "-f", "rcpt"), 0, BATCH, 4),
)


@contextmanager
def smtp_sink(port: int, dumps: Path, options: Sequence[str]) -> Iterator[None]:
    """The server, until left; it writes every mail that it takes into ``dumps``."""
    if SINK is None:
        sys.exit("smtp-sink was not found: install Debian's postfix (apt-get install postfix)")
    server = subprocess.Popen(  # noqa: S603 - found above
        [SINK, *_user(), "-c", *options, "-d", f"{dumps}/mail.", f"127.0.0.1:{port}", "100"],
        stdout=subprocess.DEVNULL,
    )
    try:
        await_port(port)
        yield
    finally:
        server.terminate()
        server.wait()


def attempt(directory: Path, trial: Trial) -> None:
    """A run against the server of a trial, and two against one that takes everything."""
    root, sink = directory / "club", directory / "sink"
    root.mkdir()
    sink.mkdir()
    sink.chmod(0o777)
    port = free_port()
    with smtp_sink(port, sink, trial.options):
        workspace(root, port)
        first = run(root)
    with smtp_sink(port, sink, ()):
        later = [run(root)["sent"] for _ in range(2)]
    said = (first["sent"], first["failed"], first["exit_code"], later)
    # when all of a batch is refused the rest is held (max_failure_rate)
    rest = 0 if trial.failed else CONTACTS - trial.sent
    expected = (trial.sent, trial.failed, trial.exit_code, [rest, 0])
    took = recipients(sink)
    everybody = [] if trial.failed else sorted(f"reader{n}@example.com" for n in range(CONTACTS))
    if said != expected or took != everybody or first["in_doubt"]:
        sys.exit(
            f"smtp-sink {' '.join(trial.options)}: runs said {said} instead of {expected}; it took"
            f" {len(took)} mails for {len(set(took))} people"
        )


def main() -> None:
    """Send to servers that take, refuse or hang up, and look at what they took."""
    for trial in TRIALS:
        with tempfile.TemporaryDirectory(prefix="sendoff-postfix-") as directory:
            Path(directory).chmod(0o755)
            attempt(Path(directory), trial)
            shown = " ".join(trial.options) or "as it is"
            sys.stdout.write(f"smtp-sink, {shown}: {trial.sent} sent, {trial.failed} refused\n")


def _user() -> list[str]:
    """Only root has to say as whom smtp-sink should run."""
    return ["-u", "nobody"] if os.getuid() == 0 else []


if __name__ == "__main__":
    main()
