"""The days and hours in which recording may begin by itself, or be allowed at all.

Hours are those of the wall clock where the person is, whatever the time zone or summer time does to it: "09:00" is when
the clock shows 09:00. So a schedule is asked with a local time, and nothing is ever added to one. Where the
clock is set back, an hour comes twice and belongs to the same opening both times.

Written "mon-fri 09:00-17:00" or "mon,wed 22:00-06:00" (over midnight: it is the day on which the hours begin).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_WRITTEN = re.compile(r"([a-z,-]+) (\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekdays (0 is Monday) and minutes of the day. `ends` is not part of it; at or before `begins`: the day after."""

    days: frozenset[int]
    begins: int
    ends: int

    def opening(self, local: datetime) -> date | None:
        """Return the day on which the hours around `local` began; None: they are not now."""
        minute = local.hour * 60 + local.minute
        over_midnight = self.ends <= self.begins
        if local.weekday() in self.days and minute >= self.begins and (over_midnight or minute < self.ends):
            return local.date()
        before = local.date() - timedelta(days=1)
        if over_midnight and before.weekday() in self.days and minute < self.ends:
            return before
        return None

    def within(self, other: Schedule) -> bool:
        """Return whether every minute of the week in this one is in `other`, too."""
        return self._minutes() <= other._minutes()

    def _minutes(self) -> frozenset[int]:
        length = (self.ends - self.begins - 1) % DAY_MINUTES + 1
        week = 7 * DAY_MINUTES
        return frozenset(
            (day * DAY_MINUTES + self.begins + minute) % week for day in self.days for minute in range(length)
        )

    def __str__(self) -> str:
        """Return it as it is written in files and in the consent record."""
        return f"{_days(self.days)} {_clock(self.begins)}-{_clock(self.ends)}"


def parse(text: str) -> Schedule:
    """Return the schedule that `text` says.

    Raises:
        ValueError: It says none.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError('hours are written "mon-fri 09:00-17:00"')
    hours = [int(number) for number in found.groups()[1:]]
    if max(hours[0], hours[2]) > 23 or max(hours[1], hours[3]) > 59:
        raise ValueError("there is no such time of day")
    return Schedule(_named(found[1]), hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])


def _named(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS or DAYS.index(last or first) < DAYS.index(first):
            raise ValueError("days are mon, tue, wed, thu, fri, sat, sun, in this order")
        days.update(range(DAYS.index(first), DAYS.index(last or first) + 1))
    return frozenset(days)


def _days(days: frozenset[int]) -> str:
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
