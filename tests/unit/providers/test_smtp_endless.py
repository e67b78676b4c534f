"""A server that never ends its reply does not keep a run listening for ever."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from runner.errors import ProviderError
from runner.model.settings import SmtpSettings
from runner.providers.smtp import SmtpProvider
from tests.servers.clock import StillClock


@pytest.fixture
def endless():
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                while True:
                    connection.sendall(b"220-welcome\r\n" * 100)
            except OSError:
                pass

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(5)


def test_it_is_cut_short(endless):
    settings = SmtpSettings(host="127.0.0.1", port=endless, security="none", timeout_seconds=5)
    provider = SmtpProvider(settings, {}, Path(), StillClock())
    with pytest.raises(ProviderError):
        provider.check()
    provider.close()
