"""For every test: no network but loopback, no settings of the machine's, no race with a clock."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
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


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Properties run the same lines for hundreds of examples: seen once they are covered, and
    looking at each of them takes longer than running them.

    ``no_cover`` alone does not help: in a worker of pytest-xdist a second tracer takes over from
    the one that pytest-cov stops.
    """
    trace, threads = sys.gettrace(), threading.gettrace()
    untraced = bool(trace) and _is_untraced(item)
    if untraced:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # it does take None
    try:
        return (yield)
    finally:
        if untraced:
            sys.settrace(trace)
            threading.settrace(threads)  # type: ignore[arg-type]


def _is_untraced(item: pytest.Item) -> bool:
    is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return is_property or item.get_closest_marker("no_cover") is not None


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
