"""How one thread ends another one's wait."""

from __future__ import annotations

import socket


class Waker:
    """A pair of sockets that ends a `select` from another thread: a pipe cannot be waited for on Windows."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)

    def fileno(self) -> int:
        """Return the end to wait on."""
        return self._read.fileno()

    def wake(self) -> None:
        """End the wait now or, if nobody waits, the next one. Callable from any thread, and after `close`."""
        try:
            self._write.send(b"!")
        except BlockingIOError:
            return  # full of wakes that nobody has read yet: one more says nothing new
        except (BrokenPipeError, ConnectionResetError):
            return  # being closed, the other end first: there is nobody left to wake
        except OSError:
            if self._write.fileno() != -1:
                raise
            # Closed: there is nobody left to wake.

    def clear(self) -> None:
        """Forget the wakes so far."""
        try:
            self._read.recv(65536)
        except BlockingIOError:
            return  # nobody woke us

    def close(self) -> None:
        """Give the sockets back. Safe to call twice."""
        self._read.close()
        self._write.close()
