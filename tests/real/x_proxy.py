"""An X server without XInput 2: a real one, behind a relay that calls the extension by a name that nobody knows."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

NAME, UNKNOWN = b"XInputExtension", b"XInputExtensioX"
CHUNK = 1 << 16
MAX_FDS = 16
PLACE = "/tmp/.X11-unix/X"
FIRST, LAST = 200, 260  # numbers of displays that nobody else takes


class WithoutXInput:
    """Relays every connection to `display`, and hides one extension in both directions; a process of its own."""

    def __init__(self, display: str) -> None:
        command = (sys.executable, __file__, display)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.display = self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        Path(f"{PLACE}{self.display.lstrip(':')}").unlink()


def serve(display: str) -> None:
    """Relay until the process is ended; say the name of the display first."""
    listener = socket.socket(socket.AF_UNIX)
    for number in range(FIRST, LAST):
        with contextlib.suppress(OSError):
            listener.bind(f"{PLACE}{number}")
            break
    listener.listen()
    print(f":{number}", flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{PLACE}{display.lstrip(':')}")
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


if __name__ == "__main__":
    serve(sys.argv[1])
