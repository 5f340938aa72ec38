"""Which window has the keyboard, and what the monitors are, on X11. Nothing is polled.

The window manager names the active window in a property of the root, whose changes the server
tells with their time; `desktop.x11_focus` says when that is believed. Moves and focus events
carry no time: they get that of their arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from Xlib import X

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Event, Focus, Monitors, Window
from capture_agent.desktop import x11_focus, x11_monitors, x11_windows
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_clock import measure
from capture_agent.desktop.x11_connection import Connection, wait, wrapped
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker

_ROOT_MASK = X.PropertyChangeMask | X.StructureNotifyMask
_CLIENT_MASK = X.PropertyChangeMask | X.StructureNotifyMask | X.FocusChangeMask
# A grab moves the focus only for its time, and keys typed into it are not seen at all.
_GRAB_MODES = frozenset({X.NotifyGrab, X.NotifyUngrab})


class X11Windows:
    """The source of `Focus` and `Monitors` on X11."""

    def __init__(self, *, changed: Callable[[Window | None], None] | None = None, display: str | None = None) -> None:
        """Describe the source. `display`: None for the environment's.

        `changed` is called on the source's thread with each window that gets the keyboard. Must not block.
        """
        self._changed = changed
        self._display = display
        self._worker: Worker | None = None

    def start(self, sink: Sink) -> None:
        """See `Source.start`. The first two events are the monitors and the focus as they are."""
        connection = Connection(self._display)
        try:
            with wrapped():
                reader = _Reader(connection)
        except DesktopError:
            connection.close()
            raise
        self._worker = Worker(
            "windows",
            lambda worker: _run(worker, connection, reader, self._telling(worker.guard(sink))),
            connection.close,
        )
        self._worker.start()

    def _telling(self, sink: Sink) -> Sink:
        def put(event: Event) -> None:
            sink(event)
            if isinstance(event, Focus) and self._changed is not None:
                self._changed(event.window)

        return put

    def check(self) -> None:
        """See `Source.check`."""
        if self._worker is not None:
            self._worker.check()

    def stop(self) -> None:
        """See `Source.stop`."""
        if self._worker is not None:
            self._worker.stop()


def _run(worker: Worker, connection: Connection, reader: _Reader, sink: Sink) -> None:
    for event in reader.opening():
        sink(event)
    while not worker.asked:
        for event in reader.read():
            sink(event)
        wait(worker.waker, connection)


class _Reader:
    """Turns the server's events into ours."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clock = measure(connection)
        self._active = connection.atom("_NET_ACTIVE_WINDOW")
        self._names = {connection.atom(name) for name in x11_windows.IDENTITY_PROPERTIES}
        connection.root.change_attributes(event_mask=_ROOT_MASK)
        x11_monitors.select_changes(connection)
        self._watched: set[int] = set()
        self._said: Window | None = None
        self._said_us = 0
        self._monitors: tuple[object, ...] = ()
        connection.sync()

    def opening(self) -> list[Event]:
        """Return what is at the start."""
        now = now_us()
        monitors = x11_monitors.read(self._connection)
        self._monitors = monitors
        self._said = self._look()
        return [Monitors(now, monitors), Focus(now, self._said)]

    def _look(self) -> Window | None:
        """Return the focused window, having asked for the events that tell of its changes."""
        number = x11_windows.active(self._connection)
        if number and number not in self._watched:
            self._watch(number)
        return x11_focus.focused(self._connection)

    def _watch(self, number: int) -> None:
        """Watch the active window and its frame, and no other any more."""
        for old in self._watched:
            self._connection.window(old).change_attributes(event_mask=X.NoEventMask)
        client = self._connection.window(number)
        client.change_attributes(event_mask=_CLIENT_MASK)
        self._watched = {number}
        top = x11_windows.top_level(self._connection, client)
        if top is not None and top != client:
            top.change_attributes(event_mask=X.StructureNotifyMask)
            self._watched.add(int(top.id))

    def read(self) -> list[Event]:
        """Return what has changed.

        What is read from the server is what is true now, which may be later than the change that
        made us look. So if more changes arrived meanwhile, the focus at the first one is not known.
        """
        result: list[Event] = []
        batch = self._connection.drain()
        while batch:
            first_us = self._first_focus_change(batch)
            if any(x11_monitors.is_change(self._connection, event) for event in batch):
                result += self._read_monitors()
            if first_us is None:
                batch = self._connection.drain()
                continue
            found = self._look()
            self._connection.sync()
            batch = self._connection.drain()
            settled = self._first_focus_change(batch) is None
            result += self._say(first_us, found if settled else None)
        return result

    def _say(self, t_us: int, window: Window | None) -> list[Event]:
        if window == self._said:
            return []
        self._said = window
        # Server times are whole milliseconds, arrivals are not: a change that came later must not seem earlier.
        self._said_us = max(t_us, self._said_us)
        return [Focus(self._said_us, window)]

    def _read_monitors(self) -> list[Event]:
        monitors = x11_monitors.read(self._connection)
        if monitors == self._monitors:
            return []
        self._monitors = monitors
        return [Monitors(now_us(), monitors)]

    def _first_focus_change(self, batch: list[Any]) -> int | None:
        """Return when the focused window may first have changed, in µs, or None if it did not."""
        for event in batch:
            if event.type == X.PropertyNotify:
                if event.atom == self._active or event.atom in self._names:
                    return self._clock.to_us(event.time, now_us())
            elif event.type in {X.FocusIn, X.FocusOut}:
                if event.mode not in _GRAB_MODES:
                    return now_us()
            elif event.type in {X.ConfigureNotify, X.DestroyNotify, X.UnmapNotify, X.ReparentNotify} and (
                event.window != self._connection.root
            ):
                return now_us()
        return None
