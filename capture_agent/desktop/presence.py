"""Whether the person is at this computer: screen, idle time, sleep, battery. What the parts say, put together.

A locker says so in one of four ways: on the session bus or by logind (`bus_locks`), by the X screen
saver, or by nothing but its window, which is known by name.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol

from capture_agent.core.splitting import Reason
from capture_agent.desktop.base import Away, Desktop, Presence

# How often the display is asked; what a bus says is there at once. Who comes back should not wait for us.
LOOK_EVERY_US = 1_000_000
LOOK_FOR_RETURN_US = 200_000
AWAY_US = 60_000_000  # who touched nothing for this long may have gone


class Locks(Protocol):
    """What says that the screen is not this person's, beside the display itself. All from any thread, at once."""

    def away(self) -> Away | None:
        """Return since when and why the person cannot be here, or None if they can, as far as is known."""

    def remote(self) -> bool:
        """Return whether this session is used from another computer, as far as is known."""

    def close(self) -> None:
        """Stop listening. Safe to call twice."""


class Power(Protocol):
    """What says how the computer is powered. All from any thread, at once."""

    def saving(self) -> bool:
        """Return whether the battery is being saved, as far as is known."""

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

    def __init__(self, desktop: Desktop, locks: Locks, power: Power, *, remote: bool) -> None:
        """Take over `locks` and `power`; `remote`: the display or who started the program is on another computer."""
        self._desktop = desktop
        self._locks = locks
        self._power = power
        self._remote = remote
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
        since: list[int] = []
        told: set[Reason] = set()
        if (said := self._locks.away()) is not None:
            since.append(said.since_us)
            told |= said.reasons
        if self._curtain_us is not None:
            since.append(self._curtain_us)
            told.add(Reason.LOCKED)
        if self._remote or self._locks.remote():
            told.add(Reason.REMOTE)
        if self._power.saving():
            told.add(Reason.SAVER)
        return Presence(min(since, default=None), self._idle_us, slept_us(), frozenset(told))

    def close(self) -> None:
        """Stop listening."""
        self._locks.close()
        self._power.close()
