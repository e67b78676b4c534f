"""For every test: no network but loopback, no settings of the machine's, no race with a clock."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from typing import Any

import pytest
from hypothesis import settings

# a loaded machine is no bug; what was found is printed so that it can be replayed
settings.register_profile("explore", deadline=None, print_blob=True)
# a check must not be red by the luck of a draw: new examples are for `--hypothesis-profile explore`
settings.register_profile("sendoff", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("sendoff")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a job in a shell's background is deaf to Ctrl-C, and so would be all that tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)

KEPT = {"SENDOFF_GOLDEN"}  # how the tests themselves are told to write what they compare with
SCRUBBED = ("SENDOFF_", "SENDGRID_", "SMTP_", "GIT_", "GITHUB_", "HEARTBEAT")


@pytest.fixture(autouse=True)
def _scrubbed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(SCRUBBED) and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("SENDOFF_CACHE", "")  # nothing is kept but where a test is about that
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise AssertionError(f"a test wants to talk to {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
