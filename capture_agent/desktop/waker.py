"""How one thread ends another one's wait."""

from __future__ import annotations

import os


class Waker:
    """A pipe that ends a `select` from another thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """Return the end to wait on."""
        return self._read

    def wake(self) -> None:
        """End the wait now or, if nobody waits, the next one. Callable from any thread."""
        try:
            os.write(self._write, b"!")
        except BlockingIOError:
            return  # the pipe is full of wakes that nobody has read yet: one more says nothing new

    def clear(self) -> None:
        """Forget the wakes so far."""
        try:
            os.read(self._read, 65536)
        except BlockingIOError:
            return  # nobody woke us

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._read)
        os.close(self._write)
