"""The thread of a source: how it starts, is asked to end, and says that it died."""

from __future__ import annotations

import threading
from collections.abc import Callable

from capture_agent.core.errors import FaultError
from capture_agent.core.events import Event
from capture_agent.desktop.waker import Waker
from capture_agent.sources.base import Sink

JOIN_S = 2.0  # every wait in a source ends at once when it is asked to; a round trip takes 0.1 ms


class Worker:
    """One thread that runs `body` until it is asked to stop.

    `waker` is what `body` waits on beside its own sources; when it wakes, `body` looks at `asked`.
    """

    def __init__(self, name: str, body: Callable[[Worker], None], close: Callable[[], None] | None = None) -> None:
        """Prepare the thread `name`; nothing runs yet.

        `close` gives back what `body` uses. The thread itself calls it at its end, however that comes:
        nobody else knows when memory that C libraries share with it is free.
        """
        self.name = name
        self._body = body
        self._close = close
        self._asked = threading.Event()
        self._died: str | None = None
        self._thread: threading.Thread | None = None
        self.waker = Waker()

    @property
    def asked(self) -> bool:
        """Whether the thread is to end."""
        return self._asked.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            try:
                self._body(self)
            finally:
                self.waker.close()
                if self._close is not None:
                    self._close()
        except Exception as problem:  # noqa: BLE001 - the one boundary of this thread: anything becomes a fault
            # Only the kind: an exception's text may hold what was captured.
            self._died = type(problem).__name__
        else:
            if not self.asked:
                self._died = "ended by itself"

    def guard(self, sink: Sink) -> Sink:
        """Return `sink`, deaf from the moment the thread is asked to end: a server that hangs may keep it longer."""

        def put(event: Event) -> None:
            if not self.asked:
                sink(event)

        return put

    def check(self) -> None:
        """Raise `FaultError` if the thread has died."""
        if self._died is not None:
            raise FaultError(
                "the {source} source has died ({kind})", hint="start recording again", source=self.name, kind=self._died
            )

    def stop(self) -> bool:
        """Ask the thread to end and wait for it. Safe to call twice, and if it never started.

        Returns:
            Whether it has ended; False after `JOIN_S`.
        """
        if not self._asked.is_set():
            self._asked.set()
            self.waker.wake()
        if self._thread is None:
            self.waker.close()
            return True
        self._thread.join(JOIN_S)
        return not self._thread.is_alive()
