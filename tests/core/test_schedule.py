"""Days and hours of the wall clock, over midnight, and where the clock is set forward or back."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.schedule import DAYS, Schedule, parse

BERLIN = ZoneInfo("Europe/Berlin")
WORK = parse("mon-fri 09:00-17:00")

schedules = st.builds(
    Schedule, st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, 24 * 60 - 1), st.integers(0, 24 * 60 - 1)
)


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-25 08:59:59", False),
        ("2026-11-25 09:00:00", True),
        ("2026-11-25 16:59:59", True),
        ("2026-11-25 17:00:00", False),
        ("2026-11-28 12:00:00", False),  # a Saturday
    ],
)
def test_hours_begin_and_end_to_the_minute_on_the_chosen_days(moment, open_):
    assert (WORK.opening(datetime.fromisoformat(moment)) is not None) == open_


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin():
    night = parse("fri 22:00-06:00")
    assert night.opening(datetime(2026, 11, 27, 22, 0)) == date(2026, 11, 27)
    assert night.opening(datetime(2026, 11, 28, 5, 59)) == date(2026, 11, 27)
    assert night.opening(datetime(2026, 11, 28, 6, 0)) is None
    assert night.opening(datetime(2026, 11, 28, 22, 0)) is None
    assert night.opening(datetime(2026, 11, 27, 5, 0)) is None


def openings(schedule, begins, hours):
    """Return how long, in minutes of real time, each opening lasts from `begins` (UTC) on."""
    found = {}
    for minute in range(hours * 60):
        day = schedule.opening((begins + timedelta(minutes=minute)).astimezone(BERLIN))
        if day is not None:
            found[day] = found.get(day, 0) + 1
    return found


def test_the_clock_that_is_set_forward_or_back_changes_nothing_but_the_length():
    forward = openings(parse("sun 01:30-04:00"), datetime(2026, 3, 28, 20, tzinfo=UTC), 12)
    assert forward == {date(2026, 3, 29): 90}
    back = openings(parse("sun 01:30-04:00"), datetime(2026, 10, 24, 20, tzinfo=UTC), 12)
    assert back == {date(2026, 10, 25): 210}
    skipped = openings(parse("sun 02:10-02:50"), datetime(2026, 3, 28, 20, tzinfo=UTC), 12)
    assert skipped == {}  # that day has no such hours
    twice = openings(parse("sun 02:10-02:50"), datetime(2026, 10, 24, 20, tzinfo=UTC), 12)
    assert twice == {date(2026, 10, 25): 80}
    assert openings(WORK, datetime(2026, 3, 30, 0, tzinfo=UTC), 24) == {date(2026, 3, 30): 480}


@given(schedules)
def test_what_is_written_is_read_again(schedule):
    assert parse(str(schedule)) == schedule
    assert schedule.within(schedule)


@given(schedules, schedules, st.integers(0, 7 * 24 * 60 - 1))
def test_hours_within_others_are_never_open_when_those_are_not(one, other, minute):
    local = datetime(2026, 11, 23) + timedelta(minutes=minute)
    if one.within(other) and one.opening(local) is not None:
        assert other.opening(local) is not None


@pytest.mark.parametrize(
    "text",
    ["", "mon", "mon 9:00-17:00", "mon 09:00-24:00", "fri-mon 09:00-17:00", "day 09:00-17:00", "mon 09:00-17:60"],
)
def test_what_says_no_hours_is_refused(text):
    with pytest.raises(ValueError, match=r"hours|days|time"):
        parse(text)


def test_every_day_has_its_name():
    assert str(Schedule(frozenset(range(7)), 0, 0)) == f"{DAYS[0]}-{DAYS[6]} 00:00-00:00"
    assert Schedule(frozenset({0}), 0, 0).opening(datetime(2026, 11, 23, 23, 59)) == date(2026, 11, 23)
