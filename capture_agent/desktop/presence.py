"""Whether the person is at this computer: locked screen, idle time, sleep. What the parts say, put together.

A locker says so in one of four ways: on the session bus or by logind (`bus_locks`), by the X screen
saver, or by nothing but its window, which is known by name.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol

from capture_agent.desktop.base import Desktop, Presence

# How often the display is asked; what a bus says is there at once. Who comes back should not wait for us.
LOOK_EVERY_US = 1_000_000
LOOK_FOR_RETURN_US = 200_000
AWAY_US = 60_000_000  # who touched nothing for this long may have gone


class Locks(Protocol):
    """What says that the screen is locked, beside the display itself. Both from any thread, at once."""

    def locked_since(self) -> int | None:
        """Return since when (input clock, µs), or None if it is not locked as far as is known."""

    def close(self) -> None:
        """Stop listening. Safe to call twice."""


def slept_us() -> int:
    """Return for how long this computer has slept since it was started, in µs.

    CLOCK_BOOTTIME goes on in suspend and CLOCK_MONOTONIC does not (clock_gettime(2)): their difference needs no
    logind, and no message that may come late.
    """
    if sys.platform == "linux":
        return max(0, (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()) // 1000)
    return 0


class Lookout:
    """Puts together what desktop and buses say. One thread, the desktop's."""

    def __init__(self, desktop: Desktop, locks: Locks) -> None:
        self._desktop = desktop
        self._locks = locks
        self._looked_us: int | None = None
        self._curtain_us: int | None = None
        self._idle_us = 0

    def presence(self) -> Presence:
        """Return whether the person is here. Costs a round trip to the display every second, more often while not.

        Raises:
            DesktopError: The display has gone.
        """
        now = self._desktop.now_us()
        away = self._curtain_us is not None or self._idle_us >= AWAY_US
        if self._looked_us is None or now - self._looked_us >= (LOOK_FOR_RETURN_US if away else LOOK_EVERY_US):
            self._looked_us = now
            self._idle_us, curtain = self._desktop.attendance()
            if not curtain:
                self._curtain_us = None
            elif self._curtain_us is None:
                self._curtain_us = now
        told_us = self._locks.locked_since()
        since = min((at for at in (told_us, self._curtain_us) if at is not None), default=None)
        return Presence(since, self._idle_us, slept_us())

    def close(self) -> None:
        """Stop listening."""
        self._locks.close()
