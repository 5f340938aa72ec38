"""Keyboard and pointer on X11, through XInput 2 raw events.

One thread, and one connection for each thing that may be seen: keys, pointer, and one that only
says "a button went down", so that the thread wakes for it at once while mere movement waits up
to `MOTION_BATCH_S`.

Order: both readers end with a round trip, so all that happened before a round is read in it.
What is younger than the round's beginning waits for the next one. The server's clock has 1 ms;
within one, keys come before the pointer.
"""

from __future__ import annotations

from collections.abc import Callable

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import InputEvent
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.waker import Waker
from capture_agent.desktop.x11_connection import Connection, wait, wrapped
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker
from capture_agent.sources.x11_keys import KeyReader
from capture_agent.sources.x11_pointer import ButtonWatch, PointerReader

MOTION_BATCH_S = 0.008  # a 125 Hz mouse moves once in this time; waking for each of 1,000 moves/s costs 10 % of a core
AGAIN_S = 0.001  # one tick of the server's clock: what waits for the next round can go then


class X11Input:
    """The source of keys and pointer on X11."""

    def __init__(
        self,
        *,
        keyboard: bool,
        pointer: bool,
        pressed: Callable[[int], None] | None = None,
        display: str | None = None,
    ) -> None:
        """Describe what may be seen; the server is asked for nothing else.

        Args:
            keyboard: Whether key events are wanted.
            pointer: Whether moves, buttons, wheel and the pointer's shape are wanted.
            pressed: Called on the source's thread with the input-clock µs of each key or button that
                goes down, as soon as it is known and before the sink hears of it. Must not block.
            display: Name of the display; None: the environment's.
        """
        self._keyboard = keyboard
        self._pointer = pointer
        self._pressed = pressed
        self._display = display
        self._worker: Worker | None = None
        self._keys: KeyReader | None = None
        self._moves: PointerReader | None = None
        self._buttons: ButtonWatch | None = None
        self._held: list[InputEvent] = []

    def start(self, sink: Sink) -> None:
        """See `Source.start`."""
        try:
            with wrapped():
                if self._keyboard:
                    self._keys = KeyReader(self._display, self._pressed)
                if self._pointer:
                    self._moves = PointerReader(self._display)
                    self._buttons = ButtonWatch(self._display, self._pressed)
        except DesktopError:
            self._close()
            raise
        self._worker = Worker("input", lambda worker: self._run(worker, worker.guard(sink)), self._close)
        self._worker.start()

    def check(self) -> None:
        """See `Source.check`."""
        if self._worker is not None:
            self._worker.check()

    def stop(self) -> None:
        """See `Source.stop`."""
        if self._worker is not None:
            self._worker.stop()

    def _close(self) -> None:
        for part in (self._keys, self._moves, self._buttons):
            if part is not None:
                part.close()
        self._keys = self._moves = self._buttons = None

    def _run(self, worker: Worker, sink: Sink) -> None:
        urgent: list[Connection | Waker] = [worker.waker]
        if self._keys is not None:
            urgent.append(self._keys.connection)
        if self._buttons is not None:
            urgent.append(self._buttons.connection)
        moves = [self._moves.connection] if self._moves is not None else []
        while not worker.asked:
            for event in self._round():
                sink(event)
            again = self._held or (self._moves is not None and self._moves.behind)
            ready = wait(*urgent, *moves, timeout=AGAIN_S if again else None)
            if moves and list(ready) == moves and not again:
                wait(*urgent, timeout=MOTION_BATCH_S)

    def _round(self) -> list[InputEvent]:
        """Return, in order, all that is known to be complete."""
        if self._buttons is not None:
            self._buttons.tell()
        began_us = now_us()
        events: list[InputEvent] = [*self._held]
        if self._keys is not None:
            events += self._keys.read()
        if self._moves is not None:
            events += self._moves.read()
        events.sort(key=lambda event: event.t_us)  # stable: keys, which were added first, stay first
        if self._keys is None or self._moves is None:
            return events
        self._held = [event for event in events if event.t_us > began_us]
        return [event for event in events if event.t_us <= began_us]
