"""An X server without XInput 2: a real one, behind a relay that calls the extension by a name that nobody knows."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

NAME, UNKNOWN = b"XInputExtension", b"XInputExtensioX"
CHUNK = 1 << 16
MAX_FDS = 16
FIRST, LAST = 200, 260  # numbers of displays that nobody else takes


class WithoutXInput:
    """Relays every connection to `display`, and hides one extension in both directions."""

    def __init__(self, display: str) -> None:
        self._server = f"/tmp/.X11-unix/X{display.lstrip(':')}"
        self._listener = socket.socket(socket.AF_UNIX)
        for number in range(FIRST, LAST):
            self._path = Path(f"/tmp/.X11-unix/X{number}")
            with contextlib.suppress(OSError):
                self._listener.bind(str(self._path))
                self.display = f":{number}"
                break
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._path.unlink()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += (client, server)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=_relay, args=(one, other), daemon=True).start()


def _relay(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):  # one of them has gone
        while True:
            data, fds, _, _ = socket.recv_fds(one, CHUNK, MAX_FDS)
            if not data:
                break
            data = data.replace(NAME, UNKNOWN)
            sent = socket.send_fds(other, [data], fds) if fds else 0
            for fd in fds:
                socket.close(fd)
            other.sendall(data[sent:])
        other.shutdown(socket.SHUT_RDWR)
