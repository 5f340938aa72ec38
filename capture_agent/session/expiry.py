"""When recordings are destroyed because their time is over, and when a clock is not believed.

A clock that jumps far ahead (a flat battery, a typing mistake) would destroy everything at once, for good.
So after a jump this computer first has to run for some hours under the new date, during which the person
is told; whoever puts the clock right meanwhile loses nothing. A computer that was off for weeks
destroys what is over those hours later.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from capture_agent.core.errors import StorageError
from capture_agent.core.language import noted
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Memory

JUMP_DAYS = 14  # longer than most computers are off; shorter than the shortest usual time that recordings are kept
# Sweeps under a date that is not believed yet; one every ten minutes of the input clock: four hours in which the
# person is at this computer and can see what is said.
DOUBTED_SWEEPS = 24


class ClockError(StorageError):
    """The date is not believed, so nothing is destroyed by it yet."""


class Expiry:
    """Destroys recordings whose time is over. Main thread only."""

    def __init__(self, holdings: Holdings, memory: Memory) -> None:
        self._holdings = holdings
        self._memory = memory
        self._swept_us: int | None = None

    def sweep(self, now: datetime, lived_us: int) -> None:
        """Destroy what is over at `now` (UTC); `lived_us` is the input clock with the time that the computer slept.

        Raises:
            ClockError: Something seems over by a date that is not believed yet; it is kept.
            CaptureAgentError: It cannot be destroyed now, or the date cannot be remembered.
        """
        ran = timedelta(microseconds=0 if self._swept_us is None else lived_us - self._swept_us)
        self._swept_us = lived_us
        kept, today = self._memory.now, now.date()
        doubts = doubted(date.fromisoformat(kept.swept) if kept.swept else today, today, kept.doubts, ran)
        self._memory.change(swept=today.isoformat(), doubts=doubts)
        if not doubts:
            self._holdings.destroy_expired()
        elif self._holdings.expired():
            raise ClockError(
                noted("The date has moved far ahead, so recordings whose time seems to be over are kept for now."),
                hint=noted("If the date is wrong, set it right. If it is right, they are destroyed in a few hours."),
            )


def doubted(last: date, today: date, doubts: int, ran: timedelta) -> int:
    """Return for how many more sweeps the date is not believed. Pure.

    `last` is the day of the sweep before, after which there were `doubts` more. Since then clocks that nobody
    sets counted `ran`; nothing if this is the first sweep after a start.
    """
    if today - last - ran > timedelta(days=JUMP_DAYS):
        return DOUBTED_SWEEPS
    if today < last:
        return 0  # it was put right
    return max(0, doubts - bool(ran))
