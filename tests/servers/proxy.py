"""An HTTP proxy on loopback that knows CONNECT and nothing else."""

from __future__ import annotations

import select
import socket

from .listener import Listener


class ConnectProxy(Listener):
    """Tunnels, or answers every CONNECT with ``status``; remembers what it was asked for."""

    def __init__(self, status: str = "") -> None:
        self.asked: list[str] = []
        self.authorisations: list[str] = []
        self._status = status
        super().__init__()

    def talk(self, client: socket.socket) -> None:
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
        while not self.closing.is_set():
            for ready in select.select(list(other), [], [], 0.02)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)
