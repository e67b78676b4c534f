"""An HTTP proxy on loopback that knows CONNECT and nothing else."""

from __future__ import annotations

import select
import socket
import threading
from typing import Self


class ConnectProxy:
    """Tunnels, or answers every CONNECT with ``status``; remembers what it was asked for."""

    def __init__(self, status: str = "") -> None:
        self.asked: list[str] = []
        self.authorisations: list[str] = []
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        """One client after the other: enough for a test."""
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            with client:
                self._tunnel(client)

    def _tunnel(self, client: socket.socket) -> None:
        client.settimeout(5)
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        lines = head.decode("latin-1").split("\r\n")
        target = lines[0].split(" ")[1]
        self.asked.append(target)
        self.authorisations += [
            line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization")
        ]
        if self._status:
            client.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self._pump(client, upstream)

    def _pump(self, client: socket.socket, upstream: socket.socket) -> None:
        other = {client: upstream, upstream: client}
        while not self._closing.is_set():
            for ready in select.select(list(other), [], [], 0.02)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)
