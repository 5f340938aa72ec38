"""For how long a yes and a no hold, and what a clock says that was set back. Pure; all times are UTC.

Daylight saving does not exist here: it changes how a clock is read, never what time it is.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from capture_agent.core.policy import MAX_CONSENT_MONTHS

REMIND_DAYS = 14  # said quietly before a consent ends: two weeks, so that a holiday does not cover all of it
REFUSAL_DAYS = 90  # who said no is not asked again by itself within a quarter of a year
CLOCK_SLACK = timedelta(minutes=5)  # what a clock that is being corrected may go back: time servers correct seconds


def ends(given: datetime, *months: int | None) -> datetime:
    """Return when a consent of `given` is over: after the least of `months`, and of what nobody can make longer.

    Months are those of the calendar; where the last one has no such day, its last day.
    """
    count = min([MAX_CONSENT_MONTHS, *(one for one in months if one is not None)])
    years, month = divmod(given.month - 1 + count, 12)
    year, month = given.year + years, month + 1
    return given.replace(year=year, month=month, day=min(given.day, monthrange(year, month)[1]))


def ends_soon(end: datetime | None, now: datetime) -> bool:
    """Return whether it is time to remind of `end`."""
    return end is not None and now < end <= now + timedelta(days=REMIND_DAYS)


def refusal_holds(refused: datetime | None, now: datetime) -> bool:
    """Return whether a no of `refused` is still to be respected by not asking."""
    return refused is not None and now < refused + timedelta(days=REFUSAL_DAYS)


def clock_went_back(latest: datetime | None, now: datetime) -> bool:
    """Return whether `now` is so far before `latest`, the latest time ever seen here, that it cannot be right."""
    return latest is not None and now < latest - CLOCK_SLACK
