"""The X server's clock on the input clock.

The server stamps events with a 32-bit count of ms that wraps every 49.7 days. On Linux it is
CLOCK_MONOTONIC, cut to whole ms (measured: 10,000 events, sent minus stamped 0 to 1 ms). That is
verified when a source starts, not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from Xlib import X, Xatom

from capture_agent.desktop.clock import now_us

if TYPE_CHECKING:
    from capture_agent.desktop.x11_connection import Connection

WRAP_MS = 1 << 32
TRIES = 5  # the quickest of five round trips bounds the offset best
# One clock, read on two processors: virtual ones were seen 5 ms apart on what time it is, for moments. An offset taken
# in such a moment would shift all keys against the pointer. A clock that is another one is further away.
APART_MS = 50


@dataclass(frozen=True, slots=True)
class ServerClock:
    """Maps server times to the input clock: input ms = server ms + `offset_ms`, modulo the wrap."""

    offset_ms: int = 0

    def to_us(self, server_ms: int, near_us: int) -> int:
        """Return the time in µs on the input clock that lies closest to `near_us`, within half a wrap.

        0 is CurrentTime, which some senders put where no time is known: it means now.
        """
        near_ms = near_us // 1000
        if server_ms == 0:
            return near_ms * 1000
        ahead = (server_ms + self.offset_ms - near_ms) % WRAP_MS
        if ahead >= WRAP_MS // 2:
            ahead -= WRAP_MS
        return (near_ms + ahead) * 1000


class Ordered:
    """Server times of one kind of events: none lies before that of the event before.

    The server reads its clock anew for each event, on whatever processor it runs, and those may disagree. The order
    in which it tells of events is the true one, and a key must not seem released after the next was.
    """

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._last_us = 0

    def to_us(self, server_ms: int, near_us: int) -> int:
        """See `ServerClock.to_us`; to be called once for each event, in the order that the server told."""
        t_us = self._clock.to_us(server_ms, near_us)
        if not self._last_us - APART_MS * 1000 <= t_us < self._last_us:
            self._last_us = t_us
        return self._last_us


def offset(before_us: int, server_ms: int, after_us: int) -> int:
    """Return the offset in ms that a server time read between two moments implies: 0 if it is the same clock."""
    middle_ms = (before_us + after_us) // 2000
    ahead = (middle_ms - server_ms) % WRAP_MS
    if ahead >= WRAP_MS // 2:
        ahead -= WRAP_MS
    slack = APART_MS + (after_us - before_us) // 1000
    return 0 if abs(ahead) <= slack else ahead


def measure(connection: Connection) -> ServerClock:
    """Ask the server for its time and compare it with ours; takes about 1 ms.

    A property change of nothing on a window of our own comes back as an event with the time.
    """
    window = connection.root.create_window(-1, -1, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)
    best: tuple[int, int] | None = None
    for _ in range(TRIES):
        before = now_us()
        window.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"", X.PropModeAppend)
        while True:
            event = connection.display.next_event()
            if event.type == X.PropertyNotify and event.window == window:
                break
        after = now_us()
        if best is None or after - before < best[0]:
            best = (after - before, offset(before, event.time, after))
    window.destroy()
    connection.flush()
    assert best is not None  # noqa: S101 - TRIES is positive
    return ServerClock(best[1])
