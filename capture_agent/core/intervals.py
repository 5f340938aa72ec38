"""When capture was allowed, by event time.

The main thread opens an interval when everything permits capture, *marks* it every 100 ms (200 ms while nothing
happens) as long as that stays true, and closes it when it ends. An event is kept only if its whole hold
window lies inside one interval, so it does not matter which thread was late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

MARK_LOST_US = 500_000  # with no mark for this long, the interval ended at the last mark
KEEP_CLOSED_US = 60_000_000  # older intervals cannot be asked for any more: nothing waits that long


class Place(Enum):
    """Where a hold window lies."""

    INSIDE = auto()
    OUTSIDE = auto()
    NOT_YET = auto()  # it reaches beyond the last mark of an open interval


@dataclass(frozen=True, slots=True)
class Intervals:
    """An immutable time line of allowed intervals; starts closed."""

    ended: tuple[tuple[int, int], ...] = ()
    opened_us: int | None = None
    marked_us: int = 0

    def open(self, now_us: int) -> Intervals:
        """Allow capture from `now_us` on. No effect on an interval that is open and was not lost."""
        current = self.lost(now_us)
        if current.opened_us is not None:
            return current.mark(now_us)
        return replace(current, opened_us=now_us, marked_us=now_us)

    def mark(self, now_us: int) -> Intervals:
        """Say that everything still permits capture. A mark that comes too late ends the interval at the last one."""
        current = self.lost(now_us)
        if current.opened_us is None:
            return current
        return replace(current, marked_us=max(now_us, current.marked_us))

    def close(self, now_us: int) -> Intervals:
        """End the open interval at `now_us`, or at its last mark if that was lost."""
        current = self.lost(now_us)
        if current.opened_us is None:
            return current
        return current._end(now_us)

    def lost(self, now_us: int) -> Intervals:
        """End the open interval at its last mark if no mark came for `MARK_LOST_US`."""
        if self.opened_us is None or now_us - self.marked_us <= MARK_LOST_US:
            return self
        return self._end(self.marked_us)

    def _end(self, end_us: int) -> Intervals:
        assert self.opened_us is not None  # noqa: S101 - both callers have checked
        recent = tuple(pair for pair in self.ended if pair[1] >= end_us - KEEP_CLOSED_US)
        return Intervals((*recent, (self.opened_us, max(end_us, self.opened_us))), None, self.marked_us)

    def bounds(self, at_us: int) -> tuple[int, int | None]:
        """Return beginning and end (None: still open) of the interval around `at_us`; outside all, `at_us` twice."""
        if self.opened_us is not None and at_us >= self.opened_us:
            return self.opened_us, None
        return next(((start, end) for start, end in self.ended if start <= at_us <= end), (at_us, at_us))

    def place(self, start_us: int, end_us: int) -> Place:
        """Return where the hold window [start_us, end_us] lies."""
        if self.opened_us is not None and start_us >= self.opened_us:
            return Place.INSIDE if end_us <= self.marked_us else Place.NOT_YET
        if any(start <= start_us and end_us <= end for start, end in self.ended):
            return Place.INSIDE
        return Place.OUTSIDE
