"""``make test-postfix``: a run over SMTP against postfix's own ``smtp-sink``, twice.

The first run must deliver every mail once, the second none. Standard library only.
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
from pathlib import Path

SENDOFF = Path(sys.executable).with_name("sendoff")
SINK = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONTACTS = 250
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


def sendoff(root: Path, *arguments: str) -> str:
    """Run sendoff; anything but success ends the trial."""
    done = subprocess.run(  # noqa: S603 - our own program
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
    if done.returncode != 0:
        sys.exit(f"sendoff {arguments[0]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


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


def main() -> None:
    """Send to the server twice, and look at what it took."""
    if SINK is None:
        sys.exit("smtp-sink was not found: install Debian's postfix (apt-get install postfix)")
    with tempfile.TemporaryDirectory(prefix="sendoff-postfix-") as directory:
        root, sink = Path(directory, "club"), Path(directory, "sink")
        root.mkdir()
        sink.mkdir()
        Path(directory).chmod(0o755)
        sink.chmod(0o777)
        port = free_port()
        server = subprocess.Popen(  # noqa: S603 - found above
            [SINK, *_user(), "-c", "-d", f"{sink}/mail.", f"127.0.0.1:{port}", "100"],
            stdout=subprocess.DEVNULL,
        )
        try:
            await_port(port)
            workspace(root, port)
            sent = [json.loads(sendoff(root, "run", "--json"))["sent"] for _ in range(2)]
        finally:
            server.terminate()
            server.wait()
        took = recipients(sink)
    expected = sorted(f"reader{n}@example.com" for n in range(CONTACTS))
    if sent != [CONTACTS, 0] or took != expected:
        sys.exit(f"runs sent {sent}; smtp-sink took {len(took)} mails to {len(set(took))} people")
    sys.stdout.write(
        f"smtp-sink took {len(took)} mails, each of them once; a second run sent none.\n"
    )


def _user() -> list[str]:
    """Only root has to say as whom smtp-sink should run."""
    return ["-u", "nobody"] if os.getuid() == 0 else []


if __name__ == "__main__":
    main()
