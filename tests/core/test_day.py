"""The sums of a day, and the one moment at which the person is told."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.day import INDICATOR, MINUTE_US, Day, Happening
from capture_agent.core.recording import State

TODAY = date(2026, 11, 25)
WORKED = Day(TODAY, recorded_us=MINUTE_US)


def at(hour, day=25):
    return datetime(2026, 11, day, hour, 30)


def test_time_counts_for_what_was_done_in_it():
    day = Day(TODAY)
    for state, reason in (
        (State.RECORDING, None), (State.RECORDING, None), (State.PAUSED, "locked"), (State.SUSPENDED, "locked"),
        (State.SUSPENDED, None), (State.OFF, None), (State.FAULT, None),
    ):  # fmt: skip
        day = day.passed(10, state, reason)
    assert (day.recorded_us, day.paused_us, dict(day.withheld)) == (20, 10, {"locked": 10, INDICATOR: 10})


@pytest.mark.parametrize(
    ("happening", "local", "told"),
    [
        (Happening.HOURS_END, at(12), True),
        (Happening.QUIT, at(16), False),
        (Happening.QUIT, at(17), True),
        (Happening.IDLE, at(16), False),
        (Happening.IDLE, at(18), True),
        (Happening.TIME, at(23), False),
        (Happening.TIME, at(0, 26), True),
        (Happening.QUIT, at(9, 27), True),
    ],
)
def test_the_person_is_told_at_the_end_of_the_day(happening, local, told):
    assert WORKED.ends(happening, local) == told
    assert not Day(TODAY).ends(happening, local)
    assert not Day(TODAY, MINUTE_US, told=True).ends(happening, local)


REASONS = st.none() | st.sampled_from(["locked", "idle"])


@given(st.lists(st.tuples(st.integers(1, 10**9), st.sampled_from(State), REASONS)))
def test_no_time_is_counted_twice(steps):
    day = Day(TODAY)
    for us, state, reason in steps:
        day = day.passed(us, state, reason)
    counted = day.recorded_us + day.paused_us + sum(day.withheld.values())
    assert counted == sum(us for us, state, _ in steps if state not in {State.OFF, State.FAULT})
    assert day.whole_minutes().recorded_us <= day.recorded_us
