"""A server on loopback that takes one client after the other: enough for a test."""

from __future__ import annotations

import socket
import threading
from typing import Self


class Listener:
    """Listens until its ``with`` ends; what is said to a client is ``talk``'s business."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(0.02)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._thread.join()
        self.listening.close()

    def _serve(self) -> None:
        while not self.closing.is_set():
            try:
                client, _ = self.listening.accept()
            except TimeoutError:
                continue
            with client:
                self.talk(client)

    def talk(self, client: socket.socket) -> None:
        """One conversation."""
        raise NotImplementedError
